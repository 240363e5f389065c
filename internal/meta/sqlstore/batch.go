package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// batch is one transaction of the database with the transactions of the callers in it.
type batch struct {
	writer     *writer
	conn       *sql.Conn
	tx         *sql.Tx
	statements map[string]*sql.Stmt // those of the writer, bound to tx
	began      time.Time
	unknown    []string // texts that the pool has not prepared yet
	ran        []*request
	broken     error // why the transaction cannot be committed any more: SQLite has undone it, or may have
}

var errOver = errors.New("sqlstore: the transaction is over")

// errPanicked keeps what a closure did before it panicked or ended its goroutine from being committed.
var errPanicked = errors.New("sqlstore: the transaction's function did not return")

// run runs one caller's function between a savepoint and its release.
func (b *batch) run(r *request) {
	if !r.taken.CompareAndSwap(false, true) {
		return
	}
	b.ran = append(b.ran, r)
	if r.err = r.ctx.Err(); r.err != nil {
		return
	}
	if r.err = b.control("SAVEPOINT one"); r.err != nil {
		return
	}
	defer b.settle(r) // deferred: it must also happen when the function ends this goroutine
	r.err = errPanicked
	b.call(r)
}

func (b *batch) call(r *request) {
	r.exited = true
	defer func() {
		if r.exited {
			r.panicked = recover()
			r.exited = r.panicked == nil
		}
	}()
	q := &inBatch{batch: b, request: r}
	defer func() { q.over = true }()
	r.err = r.fn(r.ctx, q)
	r.exited = false
}

// settle keeps what the function did, or undoes it. If the savepoint is gone, SQLite has rolled back everything.
func (b *batch) settle(r *request) {
	if b.broken != nil {
		if r.err == nil {
			r.err = b.broken
		}
		return
	}
	if r.err != nil {
		_ = b.control("ROLLBACK TO one") // the release after it fails likewise
	}
	if err := b.control("RELEASE one"); err != nil && r.err == nil {
		r.err = err
	}
}

// control runs a statement about savepoints. Where one fails, the transaction is not what it should be.
func (b *batch) control(text string) error {
	if _, err := (&inBatch{batch: b}).exec(context.Background(), text); err != nil {
		if b.broken == nil {
			b.broken = fmt.Errorf("%s: %w", text, err)
		}
		return b.broken
	}
	return nil
}

// end commits, if there is anything to keep, and answers everyone.
func (b *batch) end() {
	kept := 0
	for _, r := range b.ran {
		if r.err == nil {
			kept++
		}
	}
	var kinds []string
	if b.broken == nil {
		kinds, b.broken = b.insertJobs()
	}
	err := retryable(b.broken)
	if err != nil || kept == 0 {
		_ = b.tx.Rollback() // SQLite may have done it already
	} else {
		err = b.commit()
	}
	b.release(err)
	if err == nil && kept > 0 {
		b.writer.onCommit(kept) // before the answers, so that whoever got one finds the commit counted
	}
	if err == nil {
		for _, kind := range kinds {
			b.writer.bell.ring(topicInsert, jobsHaveCome(kind))
		}
	}
	b.answer(err)
	b.writer.statements.prepareAll(b.unknown)
}

// retryable is what those are told who did nothing wrong in a transaction that broke.
func retryable(broken error) error {
	if broken == nil || errors.Is(broken, meta.ErrNoSpace) || satchel.CodeOf(broken) == satchel.CodeUnavailable {
		return broken
	}
	return unavailable(broken)
}

func (b *batch) commit() error {
	if err := b.tx.Commit(); err != nil { // rolls back by itself when it fails
		return commitError(b.writer.file.fullDisk(err))
	}
	if err := b.writer.file.present(); err != nil { // it went while the batch ran, and may come back or not
		return fmt.Errorf("%w: %w", meta.ErrUncertain, err)
	}
	return nil
}

// release gives the connection back. After a failure that may have left it in an odd state, it is closed for good.
func (b *batch) release(err error) {
	if err != nil {
		b.writer.logger.Error("a transaction was not committed", "error", err, "callers", len(b.ran))
		dropConnection(b.conn)
	}
	_ = b.conn.Close()
}

// answer tells every caller how its transaction ended, given how the shared one did.
func (b *batch) answer(err error) {
	for _, r := range b.ran {
		switch {
		case err == nil:
		case r.err == nil:
			r.err = err
		case b.broken == nil || !errors.Is(r.err, b.broken):
			// It failed by itself, but perhaps over rows of others that were never committed. Its own end is certain.
			r.err = unavailable(fmt.Errorf("%w (and the commit it was part of failed: %v)", r.err, err)) //nolint:errorlint // not its cause
		}
		close(r.done)
	}
}

// inBatch is the querier of one caller's function.
type inBatch struct {
	batch   *batch
	request *request
	over    bool // the function has returned; what it kept of its Tx is useless
}

// prepared gives a statement of the transaction, if the function may still run one.
func (q *inBatch) prepared(ctx context.Context, text string) (*sql.Stmt, error) {
	switch {
	case q.over:
		return nil, errOver
	case q.batch.broken != nil:
		return nil, q.batch.broken
	case ctx.Err() != nil:
		return nil, ctx.Err()
	}
	if stmt := q.batch.statements[text]; stmt != nil {
		return stmt, nil
	}
	stmt, err := q.batch.bind(text)
	if err != nil {
		return nil, q.failed(err)
	}
	q.batch.statements[text] = stmt
	return stmt, nil
}

// bind gives a statement on the transaction's connection. The pool has no other one to prepare on, so what is new is prepared for
// this transaction alone, and for all later ones when it is over.
func (b *batch) bind(text string) (*sql.Stmt, error) {
	if pooled := b.writer.statements.known(text); pooled != nil {
		return b.tx.StmtContext(context.Background(), pooled), nil
	}
	b.unknown = append(b.unknown, text)
	return b.tx.PrepareContext(context.Background(), text)
}

// failed notes when err may have ended the transaction: nothing more may run then, for it would be committed on its own.
func (q *inBatch) failed(err error) error {
	if err == nil {
		return nil
	}
	err = q.batch.writer.file.fullDisk(storeError(err))
	if endsTransaction(err) && q.batch.broken == nil {
		q.batch.broken = err
	}
	return err
}

// The statements below run to their end whatever becomes of ctx: an interrupted one could end the transaction for everybody.

func (q *inBatch) exec(ctx context.Context, text string, args ...any) (int64, error) {
	stmt, err := q.prepared(ctx, text)
	if err != nil {
		return 0, err
	}
	result, err := stmt.ExecContext(context.Background(), args...)
	if err != nil {
		return 0, q.failed(err)
	}
	return result.RowsAffected()
}

// later implements unit: nothing is gained by waiting.
func (q *inBatch) later(ctx context.Context, check func(changed int64, err error) error, text string, args ...any) error {
	return check(q.exec(ctx, text, args...))
}

func (q *inBatch) query(ctx context.Context, text string, args ...any) (rows, error) {
	stmt, err := q.prepared(ctx, text)
	if err != nil {
		return nil, err
	}
	found, err := stmt.QueryContext(context.Background(), args...) //nolint:rowserrcheck // the caller does
	if err != nil {
		return nil, q.failed(err)
	}
	return &rowsInBatch{found, q}, nil
}

func (q *inBatch) get(ctx context.Context, dest []any, text string, args ...any) error {
	stmt, err := q.prepared(ctx, text)
	if err != nil {
		return err
	}
	return q.failed(stmt.QueryRowContext(context.Background(), args...).Scan(dest...))
}

// rowsInBatch notices when reading on ends the transaction.
type rowsInBatch struct {
	*sql.Rows
	q *inBatch
}

func (r *rowsInBatch) Err() error { return r.q.failed(r.Rows.Err()) }
