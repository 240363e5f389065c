package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// querier runs SQL whose text SQLite and PostgreSQL both understand, with the placeholders $1, $2 and so on.
type querier interface {
	// exec runs a statement and tells how many rows it changed.
	exec(ctx context.Context, text string, args ...any) (int64, error)
	// query gives rows, which the caller closes. The end of ctx stops it.
	query(ctx context.Context, text string, args ...any) (rows, error)
	// get reads one row into dest; sql.ErrNoRows if there is none.
	get(ctx context.Context, dest []any, text string, args ...any) error
}

// rows is the result of a query, read row by row.
type rows interface {
	Next() bool
	Scan(dest ...any) error
	Err() error
	Close() error
}

// statements keeps what was prepared on one pool, by its text. The texts are a small, fixed set: values are never part of them.
type statements struct {
	pool   *sql.DB
	mu     sync.RWMutex
	byText map[string]*sql.Stmt
}

func newStatements(pool *sql.DB) *statements {
	return &statements{pool: pool, byText: map[string]*sql.Stmt{}}
}

// known gives what was prepared already, or nil.
func (s *statements) known(text string) *sql.Stmt {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byText[text]
}

// prepareAll makes texts known. One that cannot be prepared fails where it is used.
func (s *statements) prepareAll(texts []string) {
	for _, text := range texts {
		_, _ = s.prepared(context.Background(), text)
	}
}

func (s *statements) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	if stmt := s.known(text); stmt != nil {
		return stmt, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if stmt := s.byText[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := s.pool.PrepareContext(context.WithoutCancel(ctx), text) // kept until the pool closes
	if err != nil {
		return nil, fmt.Errorf("preparing %.60q: %w", text, err)
	}
	s.byText[text] = stmt
	return stmt, nil
}

// reading is the querier of everything outside of a transaction, on the pool of read-only connections.
type reading struct{ statements *statements }

func (r reading) exec(context.Context, string, ...any) (int64, error) {
	return 0, fmt.Errorf("sqlstore: a change outside of a transaction")
}

func (r reading) query(ctx context.Context, text string, args ...any) (rows, error) {
	stmt, err := r.statements.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	found, err := stmt.QueryContext(ctx, args...) //nolint:rowserrcheck // the caller does
	if err != nil {
		return nil, storeError(err)
	}
	return found, nil
}

// get does not watch ctx while it reads: one row takes microseconds, and a watcher would cost as much again.
func (r reading) get(ctx context.Context, dest []any, text string, args ...any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	stmt, err := r.statements.prepared(ctx, text)
	if err != nil {
		return err
	}
	return storeError(stmt.QueryRowContext(context.WithoutCancel(ctx), args...).Scan(dest...))
}

// collect reads all rows of a query; scan reads one.
func collect[T any](ctx context.Context, q querier, scan func(rows) (T, error), text string, args ...any) ([]T, error) {
	found, err := q.query(ctx, text, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var all []T
	for found.Next() {
		one, err := scan(found)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, storeError(found.Err())
}

// scanOne is the scan of a row that has one column.
func scanOne[T any](found rows) (T, error) {
	var one T
	err := found.Scan(&one)
	return one, err
}
