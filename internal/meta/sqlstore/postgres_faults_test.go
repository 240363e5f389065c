package sqlstore

import (
	"context"
	"errors"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
)

// Any number of processes that start at once on an empty database make the schema once.
func TestPostgresMigratesOnce(t *testing.T) {
	target := postgrestest.Empty(t) + "&pool_max_conns=2"
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			p, err := OpenPostgres(t.Context(), Options{URL: target})
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = p.Close() }()
			if err := p.SetMark(t.Context(), "a", "b"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

func TestPostgresRefusesAnotherSchema(t *testing.T) {
	target := postgrestest.Empty(t)
	if err := CreatePostgres(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	postgrestest.Exec(t, target, `DELETE FROM goose_db_version WHERE version_id > 1`)
	if _, err := OpenPostgres(t.Context(), Options{URL: target, KeepSchema: true}); !errors.Is(err, ErrOlderSchema) {
		t.Errorf("an older one, which is to be kept: %v", err)
	}
	if err := CreatePostgres(t.Context(), target); err != nil {
		t.Errorf("an older one: %v", err)
	}
	postgrestest.Exec(t, target, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (1000, true)`)
	if err := CreatePostgres(t.Context(), target); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("a newer one: %v", err)
	}
}

// What a database that cannot be used says does not show the password.
func TestPostgresKeepsThePassword(t *testing.T) {
	for _, target := range []string{
		"postgres://ann:opensesame@127.0.0.1:1/x", "postgres://ann:opensesame@127.0.0.1:port/x", "postgres://ann:opensesame@%zz", "host=x password=opensesame port=none",
	} {
		_, err := OpenPostgres(t.Context(), Options{URL: target})
		if err == nil || strings.Contains(err.Error(), "opensesame") {
			t.Errorf("%s: %v", target, err)
		}
	}
}

// kill ends every connection to the store's database but the one that does it.
func kill(t *testing.T, target string) {
	t.Helper()
	postgrestest.Exec(t, target, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
}

// A connection that is cut in the middle of a transaction undoes it, and the next one works.
func TestPostgresConnectionCutInATransaction(t *testing.T) {
	target := postgrestest.Fresh(t, CreatePostgres)
	p := openPostgres(t, Options{URL: target})
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	err := p.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		f := testFile(scope, 1)
		f.ID = nextID(ctx, tx)
		if err := tx.InsertFile(ctx, scope, f, satchel.Change{}); err != nil {
			return err
		}
		kill(t, target)
		return tx.InsertAudit(ctx, satchel.AuditEntry{Org: "org-1"})
	})
	if satchel.CodeOf(err) != satchel.CodeUnavailable || errors.Is(err, meta.ErrUncertain) {
		t.Errorf("the transaction: %v", err)
	}
	if n, err := p.CountFiles(t.Context()); n != 0 || err != nil {
		t.Errorf("afterwards there are %d files, %v", n, err)
	}
	if err := p.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// cutter stands between the store and the database, and cuts a connection when COMMIT goes through it: before the database gets it, or after.
type cutter struct {
	to     string // socket of the database
	armed  atomic.Bool
	before bool
}

func (c *cutter) serve(t *testing.T) (port string) {
	t.Helper()
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go c.pass(client)
		}
	}()
	_, port, _ = net.SplitHostPort(listener.Addr().String())
	return port
}

func (c *cutter) pass(client net.Conn) {
	defer client.Close()
	var dialer net.Dialer
	server, err := dialer.DialContext(context.Background(), "unix", c.to)
	if err != nil {
		return
	}
	defer server.Close()
	cut, answered := make(chan struct{}), make(chan struct{})
	go func() {
		defer client.Close()
		defer close(answered)
		buffer := make([]byte, 1<<16)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			select {
			case <-cut: // the answer does not come through
				return
			default:
				_, _ = client.Write(buffer[:n])
			}
		}
	}()
	buffer := make([]byte, 1<<16)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		if strings.Contains(string(buffer[:n]), "Q\x00\x00\x00\x0bcommit\x00") && c.armed.CompareAndSwap(true, false) {
			close(cut)
			if !c.before {
				_, _ = server.Write(buffer[:n])
				<-answered // it was done
			}
			return
		}
		if _, err := server.Write(buffer[:n]); err != nil {
			return
		}
	}
}

// A connection that is cut around COMMIT leaves it open what has happened, and says so, whatever it was.
func TestPostgresConnectionCutAtCommit(t *testing.T) {
	for name, before := range map[string]bool{"before the database has it": true, "before the answer is there": false} {
		t.Run(name, func(t *testing.T) {
			direct := postgrestest.Fresh(t, CreatePostgres)
			u, err := url.Parse(direct)
			if err != nil {
				t.Fatal(err)
			}
			c := &cutter{to: u.Query().Get("host") + "/.s.PGSQL.5432", before: before}
			u.Host, u.RawQuery = "127.0.0.1:"+c.serve(t), "sslmode=disable&pool_max_conns=4"
			p := openPostgres(t, Options{URL: u.String()})
			c.armed.Store(true)
			err = p.SetMark(t.Context(), "a", "b")
			if !errors.Is(err, meta.ErrUncertain) {
				t.Fatalf("the transaction: %v, want meta.ErrUncertain", err)
			}
			want := map[bool]string{true: "", false: "b"}[before]
			if got, err := openPostgres(t, Options{URL: direct}).Mark(t.Context(), "a"); got != want || err != nil {
				t.Errorf("afterwards the mark is %q, %v, want %q", got, err, want)
			}
		})
	}
}

// Where no connection can be had, or no lock, whoever asks hears so soon.
func TestPostgresSaysSoonThatItCannot(t *testing.T) {
	target := postgrestest.Fresh(t, CreatePostgres) + "&pool_max_conns=1"
	p := openPostgres(t, Options{URL: target})
	held, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = p.InTx(t.Context(), func(context.Context, meta.Tx) error {
			close(held)
			<-release
			return nil
		})
	})
	<-held
	began := time.Now()
	_, err := p.CountFiles(t.Context())
	if took := time.Since(began); satchel.CodeOf(err) != satchel.CodeUnavailable || took > connectTimeout+time.Second {
		t.Errorf("without a connection: %v after %s", err, took)
	}
	close(release)
	all.Wait()
	if err := p.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPostgresErrors(t *testing.T) {
	told := func(code, severity string) error { return &pgconn.PgError{Code: code, Severity: severity} }
	for code, want := range map[string]satchel.Code{
		"57P01": satchel.CodeUnavailable, "57014": satchel.CodeUnavailable, "53300": satchel.CodeUnavailable, "25006": satchel.CodeUnavailable,
		"55P03": satchel.CodeUnavailable, "08006": satchel.CodeUnavailable, "42601": satchel.CodeInternal,
	} {
		if got := satchel.CodeOf(postgresError(told(code, "ERROR"))); got != want {
			t.Errorf("%s is %q, want %q", code, got, want)
		}
	}
	if err := postgresError(told("53100", "ERROR")); !errors.Is(err, meta.ErrNoSpace) {
		t.Errorf("a full disk: %v", err)
	}
	for _, c := range []struct {
		code, severity string
		uncertain      bool
	}{{"40001", "ERROR", false}, {"53100", "ERROR", false}, {"57P01", "FATAL", true}, {"53100", "PANIC", true}} {
		if err := postgresCommitError(told(c.code, c.severity)); errors.Is(err, meta.ErrUncertain) != c.uncertain {
			t.Errorf("%s %s at COMMIT: %v", c.severity, c.code, err)
		}
	}
}

// A transaction that the database undoes because of others runs again.
func TestPostgresRunsAgain(t *testing.T) {
	p := openPostgres(t, Options{})
	runs := 0
	err := p.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		if err := tx.InsertAudit(ctx, satchel.AuditEntry{Org: "org-1"}); err != nil {
			return err
		}
		if runs++; runs < 3 {
			return errors.Join(errors.New("wrapped"), &pgconn.PgError{Code: codeSerialization})
		}
		return nil
	})
	entries, errRead := p.Audit(t.Context(), "org-1", satchel.AuditQuery{Limit: 10})
	if err != nil || errRead != nil || runs != 3 || len(entries) != 1 {
		t.Errorf("%d runs, %d entries; %v, %v", runs, len(entries), err, errRead)
	}
	err = p.InTx(t.Context(), func(context.Context, meta.Tx) error { return &pgconn.PgError{Code: codeDeadlock} })
	if satchel.CodeOf(err) != satchel.CodeUnavailable {
		t.Errorf("one that never succeeds: %v", err)
	}
}

// Text that PostgreSQL does not take finds nothing, as in SQLite, and is stored without what is wrong with it.
func TestPostgresTextWithNUL(t *testing.T) {
	p := openPostgres(t, Options{})
	if _, err := p.Org(t.Context(), "a\x00b"); satchel.CodeOf(err) != satchel.CodeNotFound {
		t.Error(err)
	}
	if _, err := p.Member(t.Context(), "org-1", "\xff"); satchel.CodeOf(err) != satchel.CodeNotFound {
		t.Error(err)
	}
	if err := p.SetMark(t.Context(), "a", "x\x00\xffy"); err != nil {
		t.Error(err)
	}
	if got, err := p.Mark(t.Context(), "a"); got != "x\uFFFD\uFFFDy" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

// What was appended is summed up without being changed.
func TestPostgresFoldsUsage(t *testing.T) {
	p := openPostgres(t, Options{})
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	var all sync.WaitGroup
	for w := range 4 {
		all.Go(func() {
			if err := p.LoadFiles(t.Context(), scope, 50, func(i int) *satchel.File { return testFile(scope, 100*w+i) }); err != nil {
				t.Error(err)
			}
		})
		all.Go(func() {
			if err := p.Condense(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if err := p.Condense(t.Context()); err != nil {
		t.Fatal(err)
	}
	var rows int
	if err := p.pool.QueryRow(t.Context(), `SELECT COUNT(*) FROM usage`).Scan(&rows); err != nil || rows != 2 {
		t.Errorf("%d rows are left, %v", rows, err)
	}
	total, _, err := p.Usage(t.Context(), scope.Org, time.Now(), time.Now(), satchel.Slice{Limit: 1})
	if wrong, errCount := p.RecountUsage(t.Context(), false); err != nil || errCount != nil || len(wrong) > 0 || total.Files != 200 {
		t.Errorf("%+v; wrong: %+v; %v, %v", total, wrong, err, errCount)
	}
}

// Only one has a turn at a time, and whoever has it loses it with its connection.
func TestPostgresTurns(t *testing.T) {
	target := postgrestest.Fresh(t, CreatePostgres)
	a, b := openPostgres(t, Options{URL: target}), openPostgres(t, Options{URL: target})
	turn := func(p *Postgres, want bool) (end func()) {
		t.Helper()
		end, ok, err := p.TryTurn(t.Context(), "sweep")
		if err != nil || ok != want {
			t.Fatalf("%v, %v, want %v", ok, err, want)
		}
		return end
	}
	end := turn(a, true)
	turn(b, false)
	end()
	lost := turn(b, true)
	defer lost()
	kill(t, target)
	for _, p := range []*Postgres{a, b} { // the others that they had are gone, too
		if err := p.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}
	turn(a, true)()
}

// Whoever walks in the order of the ids while several processes commit misses nothing.
func TestPostgresOrderOverServers(t *testing.T) {
	const servers, writers, each = 2, 4, 15
	target := postgrestest.Fresh(t, CreatePostgres)
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	var done atomic.Int64
	var all sync.WaitGroup
	for range servers {
		p := openPostgres(t, Options{URL: target})
		for range writers {
			all.Go(func() {
				defer done.Add(1)
				for i := range each {
					if err := p.LoadFiles(t.Context(), scope, 1, func(int) *satchel.File { return testFile(scope, i) }); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	reader := openPostgres(t, Options{URL: target})
	seen := 0
	for last := satchel.FileID(""); ; {
		finished := done.Load() == servers*writers // before the read: what is read then is everything
		page, err := reader.Files(t.Context(), scope, satchel.Query{After: last, Limit: 7, Ascending: true}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		seen += len(page.Files)
		if len(page.Files) > 0 {
			last = page.Files[len(page.Files)-1].ID
		} else if finished {
			break
		}
	}
	all.Wait()
	if seen != servers*writers*each {
		t.Errorf("a reader who walks by id saw %d files, want %d", seen, servers*writers*each)
	}
}
