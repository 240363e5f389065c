package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/satchel-files/satchel/internal/meta"
)

// How long PostgreSQL may take. Whoever asks hears that it cannot be reached soon, and does not hang.
const (
	connectTimeout   = 5 * time.Second  // to connect, and to get a connection when all are in use
	statementTimeout = 15 * time.Second // of one statement, of a COMMIT too
	lockTimeout      = 10 * time.Second // for a lock that another transaction holds
	idleTimeout      = 10 * time.Second // between two statements of a transaction, for whose locks others wait
	answerTimeout    = 5 * time.Second  // after statementTimeout, until a connection that has gone silent is given up; of a statement that takes no time
	// defaultConns is how many connections a process has at most, unless the URL says so.
	defaultConns = 10
	// announceAtMost is how often one process announces jobs of a kind: commits that do so wait for each other. Workers find the others when they
	// look for themselves.
	announceAtMost = 20 * time.Millisecond
	// leastServer is the oldest PostgreSQL that is supported, as server_version_num writes it.
	leastServer = 140000
)

var (
	_ meta.Turns      = (*Postgres)(nil)
	_ meta.Condenser  = (*Postgres)(nil)
	_ meta.JobRescuer = (*Postgres)(nil)
)

// Postgres is a Store on a PostgreSQL database, which any number of processes may have open.
type Postgres struct {
	*Store
	pool   *pgxpool.Pool
	shared *postgresEngine // the Store's engine
}

// CheckPostgresURL says what is wrong with the URL of a database, without repeating it: it may hold a password.
func CheckPostgresURL(url string) error {
	_, err := postgresConfig(url)
	return err
}

// OpenPostgres opens the database at options.URL, which is there, and makes or migrates the schema in it. Of several processes that do so at
// once one does the work, and the others wait for it. A newer schema is ErrNewerSchema, unless it says that this version may work on it.
func OpenPostgres(ctx context.Context, options Options) (*Postgres, error) {
	options = options.withDefaults()
	config, err := postgresConfig(options.URL)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("opening the database: %w", postgresError(err))
	}
	p := &Postgres{pool: pool}
	if err := p.open(ctx, options); err != nil {
		pool.Close()
		return nil, fmt.Errorf("opening the database: %w", err)
	}
	return p, nil
}

// CreatePostgres makes this version's schema in an empty database. It is for tests, which need many.
func CreatePostgres(ctx context.Context, url string) error {
	p, err := OpenPostgres(ctx, Options{URL: url})
	if err != nil {
		return err
	}
	return p.Close()
}

func (p *Postgres) open(ctx context.Context, options Options) error {
	if err := p.checkServer(ctx); err != nil {
		return err
	}
	version, err := migratePostgres(ctx, p.pool, options)
	if err != nil {
		return err
	}
	config := newInsertConfig()
	config.FetchCooldown = announceAtMost
	jobs, err := river.NewClient(dueDriver{riverpgxv5.New(nil)}, config)
	if err != nil {
		return fmt.Errorf("making the client for jobs: %w", err)
	}
	e := &postgresEngine{pool: p.pool, jobs: jobs, onCommit: options.OnCommit, version: version}
	p.shared = e
	if p.Store, err = newStore(ctx, e, pooled{p.pool}, options); err != nil {
		return err
	}
	p.order = &commitOrder{pool: p.pool, now: options.Now}
	return nil
}

// postgresConfig reads a URL, and adds what every connection needs. The URL may set the size of the pool (pool_max_conns and others).
func postgresConfig(url string) (*pgxpool.Config, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database: the URL cannot be read; write postgres://user:password@host:5432/name?sslmode=verify-full")
	}
	if !strings.Contains(url, "pool_max_conns") {
		config.MaxConns = max(config.MaxConns, defaultConns)
	}
	c := config.ConnConfig
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = connectTimeout
	}
	c.RuntimeParams["application_name"] = orDefault(c.RuntimeParams["application_name"], "satchel")
	config.AfterConnect = prepareConnection
	return config, nil
}

func orDefault(text, other string) string {
	if text == "" {
		return other
	}
	return text
}

// prepareConnection bounds what may hang. It is done by SET, because poolers between refuse such settings at the start of a connection. Plans
// are not split over processes: the order of a UNION ALL is relied upon.
func prepareConnection(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, fmt.Sprintf(`SET statement_timeout = %d; SET lock_timeout = %d; SET idle_in_transaction_session_timeout = %d;
		SET max_parallel_workers_per_gather = 0; SET default_transaction_isolation = 'read committed'`,
		statementTimeout.Milliseconds(), lockTimeout.Milliseconds(), idleTimeout.Milliseconds()))
	return err
}

// checkServer refuses a database on which the store would not work as it should.
func (p *Postgres) checkServer(ctx context.Context) error {
	var version int
	var encoding string
	err := p.pool.QueryRow(ctx, `SELECT current_setting('server_version_num')::int, current_setting('server_encoding')`).Scan(&version, &encoding)
	switch {
	case err != nil:
		return postgresError(err)
	case version < leastServer:
		return fmt.Errorf("PostgreSQL %d is too old; %d or newer is needed", version/10000, leastServer/10000)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s; make one with ENCODING 'UTF8'", encoding)
	}
	return nil
}

// Connections gives how many of the process's connections are in use, and how many there may be.
func (p *Postgres) Connections() (busy, most int32) {
	now := p.pool.Stat()
	return now.AcquiredConns(), now.MaxConns()
}

// JobDriver gives what River works on the store's jobs with.
func (p *Postgres) JobDriver() riverdriver.Driver[pgx.Tx] { return riverpgxv5.New(p.pool) }

// postgresEngine implements engine.
type postgresEngine struct {
	pool     *pgxpool.Pool
	jobs     *river.Client[pgx.Tx]
	onCommit func(batch int)
	version  int64 // of the schema that this program knows
}

// close waits for what is under way, which statementTimeout bounds.
func (e *postgresEngine) close() error {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		e.pool.Close()
	}()
	select {
	case <-closed:
		return nil
	case <-time.After(2 * statementTimeout):
		return errors.New("closing the database: connections are in use still")
	}
}

// ping says why nothing could be written, such as on a standby, or must not be, such as on a schema that a migration has made since and that is not for
// this version. Whoever asks wants to know soon: it is no statement that may take long.
func (e *postgresEngine) ping(ctx context.Context) error {
	var readOnly, comment string
	err := live(ctx, e.pool, func(conn *pgxpool.Conn) error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
		defer cancel()
		return postgresError(conn.QueryRow(ctx, `SELECT current_setting('transaction_read_only'), (`+readCompatible+`)`).Scan(&readOnly, &comment))
	})
	if err != nil {
		return err
	}
	if readOnly == "on" {
		return unavailable(errors.New("the database is read-only"))
	}
	if least, said := leastVersion(comment); said && e.version < least {
		return unavailable(fmt.Errorf("%w (its schema is for versions that know %d or a later one; this one knows %d)", ErrNewerSchema, least, e.version))
	}
	return nil
}

func (e *postgresEngine) dialect() dialect {
	const (
		columns = `(org_id, workspace_id, day, files, bytes, input_tokens, output_tokens)`
		counted = `EXISTS (SELECT 1 FROM usage u WHERE u.org_id = $1 AND u.workspace_id = places.id AND u.day = 0)`
	)
	return dialect{
		forUpdate: ` FOR UPDATE`,
		bytes:     `CAST($%d AS bytea)`,
		// As the index has it.
		newestFile: `SELECT COALESCE(MAX(id || ''), '') FROM files`,
		addUsage:   `INSERT INTO usage ` + columns + ` VALUES ($1, $2, $3, $4, $5, $6, $7), ($1, '', $3, $4, $5, $6, $7)`,
		addOne:     `INSERT INTO usage ` + columns + ` VALUES ($1, $2, 0, $3, $4, 0, 0)`,
		// One that is gone has no rows, and gets none.
		takeUsage: `INSERT INTO usage ` + columns + ` SELECT $1, places.id, 0, -CAST($3 AS bigint), -CAST($4 AS bigint), 0, 0
			FROM (VALUES (CAST($2 AS text)), ('')) AS places (id) WHERE ` + counted,
		deleteUsage: `DELETE FROM usage WHERE org_id = $1 AND (day <> 0
			OR workspace_id IN (SELECT u.workspace_id FROM usage u WHERE u.org_id = $1 AND u.day = 0
				GROUP BY u.workspace_id HAVING SUM(u.files) = 0 AND SUM(u.bytes) = 0))`,
	}
}
