package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pooled is the querier of everything outside of a transaction.
type pooled struct{ pool *pgxpool.Pool }

func (p pooled) exec(context.Context, string, ...any) (int64, error) {
	return 0, errors.New("sqlstore: a change outside of a transaction")
}

// query reads on a connection that it gives back when the rows are closed.
func (p pooled) query(ctx context.Context, text string, args ...any) (rows, error) {
	conn, err := acquire(ctx, p.pool)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, statementTimeout+answerTimeout)
	found, err := conn.Query(ctx, text, storable(args)...)
	if err != nil {
		cancel()
		conn.Release()
		return nil, postgresError(err)
	}
	return &postgresRows{Rows: found, end: func() { cancel(); conn.Release() }}, nil
}

// get does not watch ctx while it reads: one row takes moments, and to stop it would cost a further connection.
func (p pooled) get(ctx context.Context, dest []any, text string, args ...any) error {
	return live(ctx, p.pool, func(conn *pgxpool.Conn) error {
		ctx, cancel := bounded(ctx)
		defer cancel()
		return postgresError(conn.QueryRow(ctx, text, storable(args)...).Scan(dest...))
	})
}

// live runs do on a connection. The first one may have been lost long ago, as all are when the database was restarted; then they are given up, and
// do runs once more on a new one. Where one has gone silent the others have, too: they are given up, so that not everybody waits as long.
func live(ctx context.Context, pool *pgxpool.Pool, do func(conn *pgxpool.Conn) error) error {
	for first := true; ; first = false {
		conn, err := acquire(ctx, pool)
		if err != nil {
			return err
		}
		err = do(conn)
		lost, silent := err != nil && conn.Conn().IsClosed(), pgconn.Timeout(err)
		conn.Release()
		if lost {
			pool.Reset()
		}
		if !lost || silent || !first {
			return err
		}
	}
}

// storable gives arguments as PostgreSQL takes them: text that is not UTF-8, or has a NUL character, is an error to it. What is stored never has either,
// so that such a text finds nothing, as it does in SQLite.
func storable(args []any) []any {
	for i, arg := range args {
		text, ok := arg.(string)
		if ok && (strings.IndexByte(text, 0) >= 0 || !utf8.ValidString(text)) {
			args[i] = strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
		}
	}
	return args
}

// acquire gets a connection, or says soon that none can be had.
func acquire(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	waiting, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pool.Acquire(waiting)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	return nil, unavailable(fmt.Errorf("getting a connection to the database: %w", err))
}

// bounded is for a statement that the end of ctx does not stop.
func bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), statementTimeout+answerTimeout)
}

// postgresRows gives errors their meaning, and ends what the query held.
type postgresRows struct {
	pgx.Rows
	end func() // nil: nothing is held
}

func (r *postgresRows) Err() error { return postgresError(r.Rows.Err()) }

func (r *postgresRows) Close() error {
	r.Rows.Close()
	if r.end != nil {
		r.end()
		r.end = nil
	}
	return nil
}
