package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"

	"github.com/satchel-files/satchel/internal/meta"
)

// How many transactions share a commit at most, and for how long one is held open for more.
const (
	maxBatch     = 128
	maxBatchTime = 50 * time.Millisecond
)

var errClosed = errors.New("sqlstore: the store is closed")

// writer lets transactions share commits. They queue; one goroutine runs each in a savepoint of a transaction that all who wait
// share, commits it, and only then answers them.
type writer struct {
	file       *sqliteFile
	statements *statements
	onCommit   func(batch int)
	jobs       *river.Client[*sql.Tx]
	bell       *bell // rung when jobs have been committed
	logger     *slog.Logger

	queue   chan *request
	stopped chan struct{}
	closing sync.RWMutex // held for reading while handing in
	closed  bool
}

// request is one transaction on its way.
type request struct {
	ctx   context.Context //nolint:containedctx // it belongs to fn
	fn    func(context.Context, *inBatch) error
	taken atomic.Bool   // by the writer, or by a caller who gave up waiting
	done  chan struct{} // closed when the fields below are final

	err      error
	jobs     []meta.Job // that fn handed in
	panicked any        // what fn panicked with
	exited   bool       // fn ended its goroutine (runtime.Goexit)
}

func startWriter(file *sqliteFile, options Options, jobs *river.Client[*sql.Tx], bell *bell) *writer {
	w := &writer{
		file: file, statements: newStatements(file.write), onCommit: options.OnCommit, logger: options.Logger,
		jobs: jobs, bell: bell, queue: make(chan *request, maxBatch), stopped: make(chan struct{}),
	}
	go w.loop()
	return w
}

// do runs fn in a transaction and waits for its commit. A panic of fn is a panic of do.
func (w *writer) do(ctx context.Context, fn func(context.Context, *inBatch) error) error {
	r := &request{ctx: ctx, fn: fn, done: make(chan struct{})}
	if err := w.handIn(r); err != nil {
		return err
	}
	select {
	case <-r.done:
	case <-ctx.Done():
		if r.taken.CompareAndSwap(false, true) {
			return ctx.Err()
		}
		<-r.done
	}
	switch {
	case r.panicked != nil:
		panic(r.panicked)
	case r.exited:
		runtime.Goexit()
	}
	return r.err
}

func (w *writer) handIn(r *request) error {
	w.closing.RLock()
	defer w.closing.RUnlock()
	if w.closed {
		return errClosed
	}
	if err := r.ctx.Err(); err != nil {
		return err
	}
	select {
	case w.queue <- r:
		return nil
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}

// close refuses new transactions and waits for those that were handed in. It may be called more than once.
func (w *writer) close() {
	w.closing.Lock()
	if !w.closed {
		w.closed = true
		close(w.queue)
	}
	w.closing.Unlock()
	<-w.stopped
}

func (w *writer) loop() {
	defer close(w.stopped)
	for first := range w.queue {
		done := make(chan struct{})
		go func() { // in a goroutine of its own, because a closure can end it
			defer close(done)
			w.runBatch(first)
		}()
		<-done
	}
}

// runBatch runs first, and whoever else waits, in one transaction.
func (w *writer) runBatch(first *request) {
	b, err := w.begin()
	if err != nil {
		w.refuse(first, err)
		return
	}
	defer b.end()
	for r := first; r != nil; r = w.next(b) {
		b.run(r)
	}
}

// next takes a transaction that waits already from the queue, if the batch has room and time for it.
func (w *writer) next(b *batch) *request {
	if b.broken != nil || len(b.ran) >= maxBatch || time.Since(b.began) > maxBatchTime {
		return nil
	}
	select {
	case r := <-w.queue: // nil when closed and empty
		return r
	default:
		return nil
	}
}

// refuse answers all who wait, because no transaction can be had: each would else wait for the same lock in turn.
func (w *writer) refuse(first *request, err error) {
	w.logger.Error("no transaction can be started", "error", err)
	for r, n := first, 0; r != nil && n < maxBatch; n++ {
		if r.taken.CompareAndSwap(false, true) {
			r.err = err
			close(r.done)
		}
		select {
		case r = <-w.queue:
		default:
			r = nil
		}
	}
}

func (w *writer) begin() (*batch, error) {
	if err := w.file.present(); err != nil {
		return nil, err
	}
	ctx := context.Background() // the transaction belongs to many callers; none of them may cut it short
	conn, err := w.file.write.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("opening a connection: %w", storeError(err))
	}
	tx, err := conn.BeginTx(ctx, nil)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("beginning a transaction: %w", w.file.fullDisk(storeError(err))), conn.Close())
	}
	return &batch{writer: w, conn: conn, tx: tx, statements: map[string]*sql.Stmt{}, began: time.Now()}, nil
}
