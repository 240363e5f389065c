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

	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// home is where an installation keeps its rows and its bytes: URLs.
type home struct{ database, blobs string }

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

// homeOf gives one with n files that have rows but no bytes: the rows of the embedded store of that size, copied by COPY. It is made once in a run.
func (b *bench) homeOf(ctx context.Context, n int) (h home, err error) {
	p, err := b.postgres(ctx)
	if err != nil {
		return h, err
	}
	if h, made := p.filled[n]; made {
		return h, nil
	}
	data, err := b.filled(ctx, n)
	if err != nil {
		return h, err
	}
	folder, err := b.folder("blobs")
	if err != nil {
		return h, err
	}
	h.blobs = "file://" + folder
	// A server takes only a place in which there are some of its bytes: those of the one file that was uploaded.
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(data, "blobs"))); err != nil {
		return h, err
	}
	if h.database, err = p.empty(ctx); err != nil {
		return h, err
	}
	b.say("copying %s rows to PostgreSQL", people(n))
	begin := time.Now()
	if err := copyRows(ctx, filepath.Join(data, "satchel.db"), h.database); err != nil {
		return h, err
	}
	b.say("copied %s rows in %s", people(n), time.Since(begin).Round(time.Millisecond))
	p.filled[n] = h
	return h, postgrestest.Do(ctx, h.database, "VACUUM ANALYZE") // as autovacuum would, in the end
}

// copyRows takes the rows of an embedded store to an empty database.
func copyRows(ctx context.Context, path, url string) (err error) {
	quiet := slog.New(slog.DiscardHandler)
	from, err := sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: path, Logger: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	to, err := sqlstore.OpenPostgres(ctx, sqlstore.Options{URL: url, Logger: quiet})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	return sqlstore.NewMove(from, to).Move(ctx, nil, func(int64) {})
}

// databaseBytes measures what the rows and the indexes of a database take.
func (b *bench) databaseBytes(ctx context.Context) ([]contestant, error) {
	var cs []contestant
	for _, n := range []int{b.files, b.million} {
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
