package sqlstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	maxRuns  = 10                    // of one transaction that the database undoes because of others
	runPause = 20 * time.Millisecond // before the next, on average; it grows with every one
)

// change runs fn in a transaction, and again where the database has undone it because of others that ran at the same moment.
func (e *postgresEngine) change(ctx context.Context, fn func(ctx context.Context, u unit) error) error {
	for run := 1; ; run++ {
		err := e.once(ctx, fn)
		switch {
		case err == nil:
			e.onCommit(1)
			return nil
		case errors.Is(err, meta.ErrUncertain) || !undoneByOthers(err):
			return err
		case run == maxRuns:
			return unavailable(err)
		}
		if err := pause(ctx, rand.N(2*time.Duration(run)*runPause)); err != nil { //nolint:gosec // nobody has to guess it
			return err
		}
	}
}

// once runs fn in one transaction. A panic of fn, or its end by runtime.Goexit, undoes what it did.
func (e *postgresEngine) once(ctx context.Context, fn func(ctx context.Context, u unit) error) error {
	conn, begun, err := begin(ctx, e.pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	tx := &postgresTx{tx: begun, jobs: e.jobs, held: map[topic]bool{}}
	defer tx.undo(ctx)
	err = fn(ctx, tx)
	tx.over = true
	if err != nil {
		return err
	}
	if err := tx.sendPending(ctx); err != nil {
		return err
	}
	if err := tx.insertJobs(ctx); err != nil {
		return err
	}
	return tx.commit(ctx)
}

// begin begins a transaction on a connection, which the caller releases. One that was lost long ago is replaced, as live does it.
func begin(ctx context.Context, pool *pgxpool.Pool) (*pgxpool.Conn, pgx.Tx, error) {
	for first := true; ; first = false {
		conn, err := acquire(ctx, pool)
		if err != nil {
			return nil, nil, err
		}
		patient, cancel := bounded(ctx)
		tx, err := conn.Begin(patient)
		cancel()
		if err == nil {
			return conn, tx, nil
		}
		lost, silent := conn.Conn().IsClosed(), pgconn.Timeout(err)
		conn.Release()
		if lost {
			pool.Reset()
		}
		if !lost || silent || !first {
			return nil, nil, unavailable(fmt.Errorf("beginning a transaction: %w", err))
		}
	}
}

// postgresTx is the querier of one transaction. Statements run to their end whatever becomes of ctx, within statementTimeout.
type postgresTx struct {
	tx      pgx.Tx
	jobs    *river.Client[pgx.Tx]
	waiting []meta.Job     // to be inserted
	pending []pending      // statements that go with the next one
	held    map[topic]bool // what is locked that has no name; true: for this transaction alone
	patient bool           // statements take what they take
	over    bool           // the function has returned; what it kept of its Tx is useless
	done    bool           // COMMIT was sent
}

// bounded is for one statement.
func (t *postgresTx) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	if t.patient {
		return context.WithCancel(context.WithoutCancel(ctx))
	}
	return bounded(ctx)
}

// usable says why no statement may run now.
func (t *postgresTx) usable(ctx context.Context) error {
	if t.over {
		return errOver
	}
	return ctx.Err()
}

// pending is a statement that has not been sent.
type pending struct {
	text  string
	args  []any
	check func(changed int64, err error) error
}

// later implements unit: one message takes the statements that follow each other, where each would wait for the answer to the one before.
func (t *postgresTx) later(ctx context.Context, check func(changed int64, err error) error, text string, args ...any) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	t.pending = append(t.pending, pending{text, storable(args), check})
	return nil
}

// flush implements unit.
func (t *postgresTx) flush(ctx context.Context) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	return t.sendPending(ctx)
}

// sendPending sends what is pending, if anything is.
func (t *postgresTx) sendPending(ctx context.Context) error {
	if len(t.pending) == 0 {
		return nil
	}
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	results, err := t.send(ctx)
	if err != nil {
		return err
	}
	return postgresError(results.Close())
}

// send sends what is pending, with more statements behind it in the same message. Their results are still to be read; what was pending is done.
func (t *postgresTx) send(ctx context.Context, more ...pending) (pgx.BatchResults, error) {
	batch, sent := &pgx.Batch{}, t.pending
	t.pending = nil
	for _, p := range slices.Concat(sent, more) {
		batch.Queue(p.text, p.args...)
	}
	results := t.tx.SendBatch(ctx, batch)
	for _, p := range sent {
		tag, err := results.Exec()
		if err := p.check(tag.RowsAffected(), postgresError(err)); err != nil {
			_ = results.Close() // gives the same error, or one that follows from it
			return nil, err
		}
	}
	return results, nil
}

func (t *postgresTx) exec(ctx context.Context, text string, args ...any) (int64, error) {
	if err := t.usable(ctx); err != nil {
		return 0, err
	}
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	results, err := t.send(ctx, pending{text: text, args: storable(args)})
	if err != nil {
		return 0, err
	}
	tag, err := results.Exec()
	return tag.RowsAffected(), postgresError(cmp.Or(err, results.Close()))
}

func (t *postgresTx) query(ctx context.Context, text string, args ...any) (rows, error) {
	if err := t.usable(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := t.bounded(ctx)
	results, err := t.send(ctx, pending{text: text, args: storable(args)})
	if err != nil {
		cancel()
		return nil, err
	}
	found, err := results.Query()
	if err != nil {
		_ = results.Close() // gives the same error
		cancel()
		return nil, postgresError(err)
	}
	return &postgresRows{Rows: found, end: func() {
		_ = results.Close() // the rows have told of any failure
		cancel()
	}}, nil
}

func (t *postgresTx) get(ctx context.Context, dest []any, text string, args ...any) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	ctx, cancel := t.bounded(ctx)
	defer cancel()
	results, err := t.send(ctx, pending{text: text, args: storable(args)})
	if err != nil {
		return err
	}
	err = results.QueryRow().Scan(dest...)
	return postgresError(cmp.Or(err, results.Close()))
}

// lock implements unit, by locks of the database that have nothing to do with rows and end with the transaction.
func (t *postgresTx) lock(ctx context.Context, l lock) error {
	if alone, held := t.held[l.topic]; l.name == "" && held && (alone || l.shared) {
		return t.usable(ctx)
	}
	text := `SELECT pg_advisory_xact_lock($1, $2)`
	if l.shared {
		text = `SELECT pg_advisory_xact_lock_shared($1, $2)`
	}
	if err := t.later(ctx, isDone("waiting for a lock"), text, int32(l.topic), l.number()); err != nil {
		return err
	}
	if l.name == "" {
		t.held[l.topic] = !l.shared
	}
	return nil
}

// freeze implements unit. What is read then may be a lot.
func (t *postgresTx) freeze(ctx context.Context) error {
	t.patient = true
	for _, text := range []string{`SET TRANSACTION ISOLATION LEVEL REPEATABLE READ`, `SET LOCAL statement_timeout = 0`} {
		if _, err := t.exec(ctx, text); err != nil {
			return err
		}
	}
	return nil
}

// handIn implements unit.
func (t *postgresTx) handIn(ctx context.Context, job meta.Job) error {
	if err := t.usable(ctx); err != nil {
		return err
	}
	t.waiting = append(t.waiting, job)
	return nil
}

// insertJobs stores the jobs; whoever works hears of them when they are committed.
func (t *postgresTx) insertJobs(ctx context.Context) error {
	if len(t.waiting) == 0 {
		return nil
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	jobs, now, err := t.dated(ctx, t.waiting, time.Now())
	if err != nil {
		return fmt.Errorf("asking for the database's time: %w", postgresError(err))
	}
	params := make([]river.InsertManyParams, len(jobs))
	for i, job := range jobs {
		params[i] = jobParams(job, now)
	}
	_, err = t.jobs.InsertManyFastTx(ctx, t.tx, params)
	if err == nil && slices.ContainsFunc(jobs, func(job meta.Job) bool { return dueSoon(job, now) }) {
		err = scheduleUntil(ctx, riverpgxv5.New(nil).UnwrapExecutor(t.tx), now.Add(lookAhead))
	}
	if err != nil {
		return fmt.Errorf("inserting jobs: %w", postgresError(err))
	}
	return nil
}

// dated gives jobs the times of the database, by which they are taken, and says what time it is there. now is this process's, by which they have theirs.
func (t *postgresTx) dated(ctx context.Context, jobs []meta.Job, now time.Time) ([]meta.Job, time.Time, error) {
	if !slices.ContainsFunc(jobs, func(job meta.Job) bool { return job.NotBefore.After(now) }) {
		return jobs, now, nil // none has a time
	}
	var there time.Time
	if err := t.tx.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
		return nil, now, err
	}
	moved, ahead := redated(jobs, now, there.Sub(now))
	return moved, now.Add(ahead), nil
}

// redated moves the times that are to come by how far another clock is ahead, and says how far that was. Clocks that agree to the second are taken for one.
func redated(jobs []meta.Job, now time.Time, ahead time.Duration) ([]meta.Job, time.Duration) {
	if ahead.Abs() < time.Second {
		return jobs, 0
	}
	moved := slices.Clone(jobs)
	for i, job := range moved {
		if job.NotBefore.After(now) {
			moved[i].NotBefore = job.NotBefore.Add(ahead)
		}
	}
	return moved, ahead
}

// commit waits for the answer, whatever becomes of ctx.
func (t *postgresTx) commit(ctx context.Context) error {
	if t.tx.Conn().IsClosed() {
		return unavailable(errors.New("the connection was lost before the commit"))
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	t.done = true
	return postgresCommitError(t.tx.Commit(ctx))
}

// undo ends a transaction that was not committed. A connection on which that fails is closed by the pool.
func (t *postgresTx) undo(ctx context.Context) {
	t.over = true
	if t.done {
		return
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	_ = t.tx.Rollback(ctx)
}

// postgresCommitError says what a COMMIT means that was sent and failed. Where the database says itself that it has refused it, nothing has
// happened. In any other case, that of a connection that is lost or cut included, it may have been done. (What the driver calls safe to try
// again is not: it says so of every connection that it has found closed.)
func postgresCommitError(err error) error {
	var refused *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return fmt.Errorf("sqlstore: a statement had failed before the commit: %w", err)
	case errors.As(err, &refused) && refused.Severity == "ERROR":
		return postgresError(err)
	}
	return &satchel.Error{
		Code: satchel.CodeUnavailable, Message: "the database did not say whether the change was made; look whether it was, or send it again with the same Idempotency-Key",
		Err: fmt.Errorf("%w: %w", meta.ErrUncertain, err),
	}
}
