//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// shared starts n servers whose rows and bytes are elsewhere.
func (b *bench) shared(ctx context.Context, h home, n int) ([]*satchelServer, error) {
	var servers []*satchelServer
	for range n {
		s, err := b.serverOn(h)
		if err != nil {
			return nil, err
		}
		if err := b.begin(ctx, s); err != nil {
			return nil, err
		}
		servers = append(servers, s)
	}
	return servers, nil
}

// serverOn gives a server whose rows and bytes are elsewhere.
func (b *bench) serverOn(h home) (*satchelServer, error) {
	s, err := b.satchel("")
	if err != nil {
		return nil, err
	}
	s.database = h.database
	s.env = []string{
		"SATCHEL_DATABASE=" + h.database, "SATCHEL_BLOBS=" + h.blobs, "AWS_ACCESS_KEY_ID=" + gatewayKey, "AWS_SECRET_ACCESS_KEY=" + gatewaySecret,
	}
	return s, nil
}

// inBucket starts an S3 server, and n servers on it and on an empty database.
func (b *bench) inBucket(ctx context.Context, n int) (*versitygw, []*satchelServer, error) {
	s3, err := b.gateway(ctx)
	if err != nil {
		return nil, nil, err
	}
	ours, err := b.onBucket(ctx, s3, n)
	return s3, ours, err
}

// onBucket starts n servers on an empty database and a folder of its own in the bucket.
func (b *bench) onBucket(ctx context.Context, s3 *versitygw, n int) ([]*satchelServer, error) {
	p, err := b.postgres(ctx)
	if err != nil {
		return nil, err
	}
	database, err := p.empty(ctx)
	if err != nil {
		return nil, err
	}
	return b.shared(ctx, home{database: database, blobs: s3.place(fmt.Sprintf("satchel-%d", p.made))}, n)
}

// onRows starts a server on the database with so many files, and gives the ids of the newest.
func (b *bench) onRows(ctx context.Context, files int) (s *satchelServer, ids []string, err error) {
	h, err := b.homeOf(ctx, files)
	if err != nil {
		return nil, nil, err
	}
	servers, err := b.shared(ctx, h, 1)
	if err != nil {
		return nil, nil, err
	}
	ids, err = b.newest(servers[0], files)
	return servers[0], ids, err
}

// sharedReads reads files by id, and pages of 100, in a database of ordinary size, many at once. The limit is a bare handler that asks the same of the
// same database.
func (b *bench) sharedReads(ctx context.Context, page bool) ([]contestant, error) {
	s, ids, err := b.onRows(ctx, b.files)
	if err != nil {
		return nil, err
	}
	wanted := func(i int) *request { return s.get("/files/" + ids[i]) }
	if page {
		ids = ids[:len(ids)-100] // behind which there are so many
		wanted = func(i int) *request { return s.pageFrom(ids[i%len(ids)]) }
	}
	bound, err := b.limit(map[bool]string{false: pgxRow, true: pgxPage}[page])
	if err != nil {
		return nil, err
	}
	bound.database, bound.ids = s.database, ids
	if bound.body, err = b.call(s, wanted(0)); err != nil {
		return nil, err
	}
	bound.body = bytes.Clone(bound.body)
	if err := b.begin(ctx, bound); err != nil {
		return nil, err
	}
	return []contestant{b.readsOf(s, wanted), b.readsOf(bound, bound.row)}, nil
}

// sharedPages asks for pages of 100, and for what a filter finds, in databases of both sizes.
func (b *bench) sharedPages(ctx context.Context) ([]contestant, error) {
	var cs []contestant
	for _, n := range []int{b.files, b.million} {
		s, _, err := b.onRows(ctx, n)
		if err != nil {
			return nil, err
		}
		middle, err := b.middle(s, n)
		if err != nil {
			return nil, err
		}
		cs = append(cs,
			b.latency("first page, "+people(n), s, s.pageFrom("")),
			b.latency("middle page, "+people(n), s, s.pageFrom(middle)),
			b.latency("filter, "+people(n), s, s.filter(rareFilter)))
	}
	return cs, nil
}

// sharedCreates uploads small files, many at once, to PostgreSQL and a bucket, beside what each of the two does alone.
func (b *bench) sharedCreates(ctx context.Context) ([]contestant, error) {
	s3, ours, err := b.inBucket(ctx, 1)
	if err != nil {
		return nil, err
	}
	bare, err := b.inserts(ctx, ours[0])
	if err != nil {
		return nil, err
	}
	return []contestant{
		b.uploadsOf("satchel", ours[0], ours[0].uploadAsData),
		b.uploadsOf("satchel, to be processed", ours[0], ours[0].upload),
		bare,
		b.uploadsOf(barePuts, s3, s3.upload),
	}, nil
}

const (
	bareInserts = "limit: inserts through pgx"
	barePuts    = "limit: puts to the S3 server"
)

// inserts writes the rows of uploads as fast as pgx can: those of one upload, as the server has written them, each time with other ids, in one message.
func (b *bench) inserts(ctx context.Context, s *satchelServer) (contestant, error) {
	if _, err := b.call(s, s.uploadAsData(b.small)); err != nil {
		return contestant{}, err
	}
	rows, err := readRows(ctx, s.database)
	if err != nil {
		return contestant{}, err
	}
	to, err := b.database.empty(ctx)
	if err != nil {
		return contestant{}, err
	}
	if err := sqlstore.CreatePostgres(ctx, to); err != nil {
		return contestant{}, err
	}
	var made atomic.Int64
	return contestant{name: bareInserts, run: func(ctx context.Context) (value float64, err error) {
		pool, err := pgxpool.New(ctx, fmt.Sprintf("%s&pool_max_conns=%d", to, b.atOnce))
		if err != nil {
			return 0, err
		}
		defer pool.Close()
		return perSecond(b.atOnce, b.window, func() error { return pool.SendBatch(ctx, rows.batch(made.Add(1))).Close() })
	}}, nil
}

// perSecond does something again and again until the window is over, several times at once.
func perSecond(atOnce int, window time.Duration, do func() error) (float64, error) {
	idle := make(crowd, atOnce)
	return idle.during(window, func(*conn, int) error { return do() })
}

// sampleRows are the rows that one upload has made, in a database without any other.
type sampleRows struct {
	texts  []string
	values [][]any
	ids    map[string]bool // what is another one in every copy
}

// readRows reads all rows that belong to a file.
func readRows(ctx context.Context, url string) (_ *sampleRows, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	sample := &sampleRows{ids: map[string]bool{}}
	for table, from := range map[string]string{
		"files": "* FROM files", "blobs": "* FROM blobs", "versions": "* FROM versions", "attributes": "* FROM attributes",
		"audit": "* FROM audit WHERE object IN (SELECT id FROM files)",
		// As the upload has left it: the server may have folded it since.
		"usage": "org_id, workspace_id, day, files, bytes, input_tokens, output_tokens, false FROM usage WHERE files = 1",
	} {
		if err := sample.read(ctx, conn, table, from); err != nil {
			return nil, err
		}
	}
	return sample, sample.identify(ctx, conn)
}

// read notes how the rows of a table are inserted; from is what follows SELECT.
func (r *sampleRows) read(ctx context.Context, conn *pgx.Conn, table, from string) error {
	rows, err := conn.Query(ctx, "SELECT "+from)
	if err != nil {
		return err
	}
	defer rows.Close()
	before := len(r.values)
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return err
		}
		var places []string
		for i := range values {
			places = append(places, fmt.Sprintf("$%d", i+1))
		}
		r.texts, r.values = append(r.texts, "INSERT INTO "+table+" VALUES ("+strings.Join(places, ", ")+")"), append(r.values, values)
	}
	if rows.Err() == nil && len(r.values) == before {
		return fmt.Errorf("an upload has left no rows in %s", table)
	}
	return rows.Err()
}

// identify finds the ids that no two files share.
func (r *sampleRows) identify(ctx context.Context, conn *pgx.Conn) error {
	rows, err := conn.Query(ctx, "SELECT id FROM files UNION SELECT id FROM blobs UNION SELECT id FROM audit WHERE object IN (SELECT id FROM files)")
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, id := range ids {
		r.ids[id] = true
	}
	return err
}

// batch gives the statements that write copy n of the rows.
func (r *sampleRows) batch(n int64) *pgx.Batch {
	batch := &pgx.Batch{}
	for i, values := range r.values {
		copied := slices.Clone(values)
		for j, value := range copied {
			if text, ok := value.(string); ok && r.ids[text] {
				copied[j] = fmt.Sprintf("%s-%d", text, n)
			}
		}
		batch.Queue(r.texts[i], copied...)
	}
	return batch
}

// severalServers reads and uploads through one server, and through two, on one database and one bucket.
func (b *bench) severalServers(ctx context.Context) ([]contestant, error) {
	_, two, err := b.inBucket(ctx, 2)
	if err != nil {
		return nil, err
	}
	files, err := b.seed(two[0], b.contentFiles)
	if err != nil {
		return nil, err
	}
	var cs []contestant
	for n := 1; n <= len(two); n++ {
		some, servers := two[:n], fmt.Sprintf("%d server%s", n, map[bool]string{true: "s"}[n > 1])
		cs = append(cs,
			b.through("GET /files/{id}, "+servers, some, func(s *satchelServer, i int) *request { return s.info(files[i%len(files)]) }),
			b.through("uploads of "+size(b.small)+", "+servers, some, func(s *satchelServer, _ int) *request { return s.uploadAsData(b.small) }))
	}
	return cs, nil
}

// through sends requests to several servers by turns for a while, many at once.
func (b *bench) through(name string, servers []*satchelServer, next func(s *satchelServer, i int) *request) contestant {
	return contestant{name: name, run: func(context.Context) (float64, error) {
		var all crowd
		defer func() { all.close() }()
		for i := range b.atOnce {
			c, err := dial(servers[i%len(servers)].addr, b.pattern)
			if err != nil {
				return 0, err
			}
			all = append(all, c)
		}
		return all.during(b.window, func(c *conn, i int) error { return expect2xx(c.ask(next(servers[0], i))) })
	}}
}
