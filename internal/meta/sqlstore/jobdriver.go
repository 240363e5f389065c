package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
)

// JobDriver gives what River works on the store's jobs with. One process does so for a database: what River would else ask the database
// for again and again, whether there are new jobs and who leads, it learns within the process. What it does for every job shares its
// commits with everybody else's transactions.
func (s *SQLite) JobDriver() riverdriver.Driver[*sql.Tx] { return s.jobs }

// jobDriver is River's driver for SQLite, less the polling and the commits of its own.
type jobDriver struct {
	*riversqlite.Driver
	store  *SQLite
	bell   *bell
	leader *leadership
}

func newJobDriver(s *SQLite, bell *bell) *jobDriver {
	return &jobDriver{Driver: riversqlite.New(s.file.write), store: s, bell: bell, leader: &leadership{bell: bell}}
}

// GetListener gives one that hears of jobs when they are committed.
func (d *jobDriver) GetListener(*riverdriver.GetListenenerParams) riverdriver.Listener {
	return &listener{bell: d.bell}
}

// SupportsListenNotify is false: nothing is announced through the database.
func (d *jobDriver) SupportsListenNotify() bool { return false }

// GetExecutor gives River's own, with the exceptions below.
func (d *jobDriver) GetExecutor() riverdriver.Executor {
	return poolExecutor{executor{d.Driver.GetExecutor(), d}}
}

// UnwrapExecutor gives River's view of a transaction.
func (d *jobDriver) UnwrapExecutor(tx *sql.Tx) riverdriver.ExecutorTx {
	return newTxExecutor(d.Driver.UnwrapExecutor(tx), d)
}

// UnwrapTx is the way back.
func (d *jobDriver) UnwrapTx(tx riverdriver.ExecutorTx) *sql.Tx {
	if own, ok := tx.(txExecutor); ok {
		tx = own.tx
	}
	return d.Driver.UnwrapTx(tx)
}

// executor decides about leadership in the process.
type executor struct {
	riverdriver.Executor
	driver *jobDriver
}

func (e executor) Begin(ctx context.Context) (riverdriver.ExecutorTx, error) {
	tx, err := e.Executor.Begin(ctx)
	if err != nil {
		return nil, err
	}
	return newTxExecutor(tx, e.driver), nil
}

func (e executor) LeaderAttemptElect(_ context.Context, p *riverdriver.LeaderElectParams) (*riverdriver.Leader, error) {
	return e.driver.leader.elect(p.LeaderID, p.TTL)
}

func (e executor) LeaderAttemptReelect(_ context.Context, p *riverdriver.LeaderReelectParams) (*riverdriver.Leader, error) {
	return e.driver.leader.reelect(p.LeaderID, p.ElectedAt, p.TTL)
}

func (e executor) LeaderResign(_ context.Context, p *riverdriver.LeaderResignParams) (bool, error) {
	return e.driver.leader.resign(p.LeaderID, p.ElectedAt), nil
}

func (e executor) LeaderDeleteExpired(context.Context, *riverdriver.LeaderDeleteExpiredParams) (int, error) {
	return 0, nil // elect sees for itself who is over
}

// txExecutor is River's view of a transaction.
type txExecutor struct {
	executor
	tx riverdriver.ExecutorTx
}

func newTxExecutor(tx riverdriver.ExecutorTx, d *jobDriver) txExecutor {
	return txExecutor{executor{tx, d}, tx}
}

func (t txExecutor) Commit(ctx context.Context) error   { return t.tx.Commit(ctx) }
func (t txExecutor) Rollback(ctx context.Context) error { return t.tx.Rollback(ctx) }

// poolExecutor is River's view of the database. What is done for every job goes through the store's writer, and shares its commits.
type poolExecutor struct{ executor }

const anyJob = `SELECT EXISTS (SELECT 1 FROM river_job WHERE state = 'available' AND queue = $1 AND scheduled_at <= datetime('now', 'subsec'))`

// JobGetAvailable takes jobs. It looks first whether there are any: a look costs the writer nothing.
func (e poolExecutor) JobGetAvailable(ctx context.Context, p *riverdriver.JobGetAvailableParams) (*riverdriver.JobGetAvailableResult, error) {
	var some integer
	if err := e.driver.store.q.get(ctx, []any{&some}, anyJob, p.Queue); err != nil {
		return nil, err
	}
	if some == 0 {
		return &riverdriver.JobGetAvailableResult{}, nil
	}
	return shared(ctx, e.driver, func(ctx context.Context, tx riverdriver.ExecutorTx) (*riverdriver.JobGetAvailableResult, error) {
		return tx.JobGetAvailable(ctx, p)
	})
}

// JobSetStateIfRunningMany notes how jobs ended.
func (e poolExecutor) JobSetStateIfRunningMany(ctx context.Context, p *riverdriver.JobSetStateIfRunningManyParams) ([]*rivertype.JobRow, error) {
	return shared(ctx, e.driver, func(ctx context.Context, tx riverdriver.ExecutorTx) ([]*rivertype.JobRow, error) {
		return tx.JobSetStateIfRunningMany(ctx, p)
	})
}

// shared runs fn as one of the transactions of a batch. As there, the end of ctx stops it before it begins, or not at all.
func shared[T any](ctx context.Context, d *jobDriver, fn func(context.Context, riverdriver.ExecutorTx) (T, error)) (result T, err error) {
	err = d.store.writer.do(ctx, func(ctx context.Context, q *inBatch) error {
		var err error
		result, err = fn(context.WithoutCancel(ctx), d.UnwrapExecutor(q.batch.tx))
		return q.failed(err)
	})
	return result, err
}

// leadership says which of River's clients in this process does the chores, such as moving jobs on whose time has come.
type leadership struct {
	bell *bell
	mu   sync.Mutex
	now  riverdriver.Leader
}

func (l *leadership) elect(id string, ttl time.Duration) (*riverdriver.Leader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.now.LeaderID != "" && l.now.LeaderID != id && l.now.ExpiresAt.After(now) {
		return nil, rivertype.ErrNotFound
	}
	l.now = riverdriver.Leader{LeaderID: id, ElectedAt: now, ExpiresAt: now.Add(ttl)}
	leader := l.now
	return &leader, nil
}

func (l *leadership) reelect(id string, electedAt time.Time, ttl time.Duration) (*riverdriver.Leader, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.now.LeaderID != id || !l.now.ElectedAt.Equal(electedAt) || !l.now.ExpiresAt.After(now) {
		return nil, rivertype.ErrNotFound
	}
	l.now.ExpiresAt = now.Add(ttl)
	leader := l.now
	return &leader, nil
}

func (l *leadership) resign(id string, electedAt time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now.LeaderID != id || !l.now.ElectedAt.Equal(electedAt) {
		return false
	}
	l.now = riverdriver.Leader{}
	l.bell.ring(topicLeadership, `{"action":"resigned","leader_id":"`+id+`"}`)
	return true
}
