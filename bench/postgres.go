//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// home is where an installation keeps its rows and its bytes: URLs.
type home struct {
	database, blobs string

	ids              []string      // of files from all over those that were loaded, oldest first
	loaded, vacuumed time.Duration // how long that took
}

// postgres is a PostgreSQL server for the whole run. What it acknowledges is on the disk.
type postgres struct {
	folder string // of its data and its socket
	proc   *process
	filled map[int]home // by the number of files
	made   int
}

// postgres starts the server when it is first asked for.
func (b *bench) postgres(ctx context.Context) (_ *postgres, err error) {
	if b.database != nil {
		return b.database, nil
	}
	p := &postgres{filled: map[int]home{}}
	// The user as whom it runs must be able to go there.
	if p.folder, err = os.MkdirTemp("", "satchel-bench-"); err != nil {
		return nil, err
	}
	b.database = p
	if err := postgrestest.Prepare(ctx, p.folder); err != nil {
		return nil, err
	}
	cmd, err := postgrestest.Command(p.folder, "fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_connections=200", "autovacuum_naptime=10s",
		"max_wal_size=2GB")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(b.dir, "postgres.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the server has its own copy
	if p.proc, err = b.launcher.runCommand(p.folder, log, cmd); err != nil {
		return nil, err
	}
	return p, p.ready(ctx)
}

func (p *postgres) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := p.do(ctx, "SELECT 1")
		if err == nil || ctx.Err() != nil {
			return err
		}
		select {
		case <-p.proc.exited:
			return errors.New("PostgreSQL ended: " + p.proc.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// do runs SQL on the server's own database.
func (p *postgres) do(ctx context.Context, sql string) error {
	return postgrestest.Do(ctx, postgrestest.URL(p.folder, "postgres"), sql)
}

// version gives the server's, as people write it.
func (p *postgres) version(ctx context.Context) string {
	conn, err := pgx.Connect(ctx, postgrestest.URL(p.folder, "postgres"))
	if err != nil {
		return "of an unknown version"
	}
	defer func() { _ = conn.Close(ctx) }()
	version := "of an unknown version"
	_ = conn.QueryRow(ctx, `SELECT split_part(current_setting('server_version'), ' ', 1)`).Scan(&version)
	return version
}

// stop ends the server and removes what it kept. None is stopped too.
func (p *postgres) stop() {
	if p == nil {
		return
	}
	p.proc.stop()
	_ = os.RemoveAll(p.folder)
}

// empty makes a database without anything in it, and gives its URL.
func (p *postgres) empty(ctx context.Context) (url string, err error) {
	p.made++
	name := fmt.Sprintf("bench_%d", p.made)
	return postgrestest.URL(p.folder, name), p.do(ctx, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'")
}

// homeOf gives one with n files that have rows but no bytes, loaded by COPY. It is made once in a run.
func (b *bench) homeOf(ctx context.Context, n int) (h home, err error) {
	p, err := b.postgres(ctx)
	if err != nil {
		return h, err
	}
	if h, made := p.filled[n]; made {
		return h, nil
	}
	if h, err = b.newHome(ctx, p); err != nil {
		return h, err
	}
	s, err := b.serverOn(h)
	if err != nil {
		return h, err
	}
	scope, err := s.settle(ctx)
	if err != nil {
		return h, err
	}
	if err := b.fillHome(ctx, &h, scope, n-1); err != nil {
		return h, fmt.Errorf("load rows: %w", err)
	}
	p.filled[n] = h
	return h, nil
}

// newHome gives one with nothing in it.
func (b *bench) newHome(ctx context.Context, p *postgres) (h home, err error) {
	folder, err := b.folder("blobs")
	if err != nil {
		return h, err
	}
	h.blobs = "file://" + folder
	h.database, err = p.empty(ctx)
	return h, err
}

// fillHome loads n rows, and leaves the database as autovacuum would, in the end.
func (b *bench) fillHome(ctx context.Context, h *home, scope satchel.Scope, n int) error {
	b.say("loading %s rows by COPY", people(n+1))
	begin := time.Now()
	var err error
	if h.ids, err = copyRows(ctx, h.database, scope, n); err != nil {
		return err
	}
	h.loaded = time.Since(begin)
	begin = time.Now()
	if err := postgrestest.Do(ctx, h.database, "VACUUM ANALYZE"); err != nil {
		return err
	}
	h.vacuumed = time.Since(begin)
	b.say("loaded %s rows in %s, and %s for VACUUM ANALYZE", people(n+1), h.loaded.Round(time.Millisecond), h.vacuumed.Round(time.Millisecond))
	return nil
}

// copyRows loads n rows, and gives ids from all over them, oldest first.
func copyRows(ctx context.Context, url string, scope satchel.Scope, n int) (ids []string, err error) {
	store, err := sqlstore.OpenPostgres(ctx, sqlstore.Options{URL: url, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	const known = 1_000
	var some []*satchel.File // the store gives them their ids
	err = store.LoadByCopy(ctx, scope, n, func(i int) *satchel.File {
		f := row(scope, i, groups(n+1))
		if i%max(1, n/known) == 0 {
			some = append(some, f)
		}
		return f
	})
	for _, f := range some {
		ids = append(ids, string(f.ID))
	}
	return ids, err
}

// databaseBytes measures what the rows and the indexes of a database take.
func (b *bench) databaseBytes(ctx context.Context, counts ...int) ([]contestant, error) {
	var cs []contestant
	for _, n := range counts {
		h, err := b.homeOf(ctx, n)
		if err != nil {
			return nil, err
		}
		for _, c := range []struct{ what, function string }{{"rows", "pg_table_size"}, {"indexes", "pg_indexes_size"}} {
			cs = append(cs, contestant{name: c.what + ", " + people(n), run: func(ctx context.Context) (float64, error) {
				sum, err := number(ctx, h.database, "SELECT sum("+c.function+"(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")
				return sum / float64(n), err
			}})
		}
	}
	return cs, nil
}

// number reads one number out of a database.
func number(ctx context.Context, url, sql string) (n float64, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, conn.Close(ctx)) }()
	err = conn.QueryRow(ctx, sql).Scan(&n)
	return n, err
}
