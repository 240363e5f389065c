package maintain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	sweepInterval   = 15 * time.Second
	orphanInterval  = 5 * time.Minute
	deepInterval    = time.Hour      // how often a whole day is listed again, and empty hours are pruned
	idempotencyLife = 24 * time.Hour // how long an Idempotency-Key is remembered
	sweepBatch      = 500            // objects removed under one hold of the lock; a backup waits for one batch at most
	auditBatch      = 1000           // entries of the audit forgotten in one transaction
	removers        = 8              // objects removed at once
	maxStuck        = 10_000         // objects that could not be removed, after which a pass gives up
)

// SweepStore is what the sweeper needs of the metadata store.
type SweepStore interface {
	meta.System
	meta.Mark
}

// SweeperConfig says what to sweep and how. Store and Blobs must be set; for the others zero has a meaning.
type SweeperConfig struct {
	Store SweepStore
	Blobs blob.Store

	// InUse reports whether an upload of this process holds the object: from before its first byte until the outcome of the commit
	// that names it is known. Nil: this process uploads nothing.
	InUse func(satchel.BlobID) bool

	// Held gives all objects that InUse reports. A store need not list one of which it has nothing yet: where it will be looked for is remembered,
	// should it be left behind. Nil: this process uploads nothing.
	Held func() []satchel.BlobID

	// Expire deletes every file that is over and says how many. Nil: nothing expires.
	Expire func(context.Context) (int, error)

	// Lock keeps a backup from beginning until unlock is called; ok is false while one runs. Nil: there are no backups.
	Lock func() (unlock func(), ok bool)

	// Turns lets one sweeper at a time sweep, of several processes. Nil: this one is the only one.
	Turns meta.Turns

	// Exclusive says that no other process writes objects. What is older than the Sweeper is then removed at whatever age, and after a
	// crash the first pass lists everything.
	Exclusive bool

	// Age is how old something must be that no row names to be removed all the same; default an hour. Where other processes have uploads under
	// way, it is SharedAge.
	Age time.Duration

	// AuditLife is how long entries of the audit are kept; 0: for ever.
	AuditLife time.Duration

	Interval time.Duration     // between light passes; default 15 s
	Now      func() time.Time  // default time.Now
	Logger   *slog.Logger      // default: none
	Observe  func(SweepResult) // called after every pass, if set
}

// SweepResult is what one pass did.
type SweepResult struct {
	Full      bool // orphans were looked for, too
	Started   time.Time
	Took      time.Duration
	Expired   int  // files that were over and are deleted now
	Removed   int  // objects of deleted files whose bytes and rows are gone
	Orphans   int  // finished objects without a row, removed
	Partials  int  // unfinished objects, removed
	Forgotten int  // idempotency keys
	Lapsed    int  // reservations of uploads that have stopped
	Audit     int  // entries of the audit that were too old
	Failed    int  // objects that could not be removed; the next pass tries again
	Postponed bool // removals were left for later because a backup runs
}

func (r SweepResult) changed() bool {
	return r.Expired+r.Removed+r.Orphans+r.Partials+r.Forgotten+r.Lapsed+r.Audit > 0
}

// Sweeper removes what is over: expired files, the bytes and rows of deleted ones, what crashes left behind. Make it with NewSweeper.
type Sweeper struct {
	cfg   SweeperConfig
	began time.Time // before this process could write anything

	mu         sync.Mutex // one pass at a time; guards what follows
	settled    bool       // what was readable when the process began is durable
	looked     bool       // at how the process before this one ended
	crashed    bool       // it did, and not everything was listed since
	scrubDue   bool       // rows were deleted since the last scrub
	pruneDue   bool       // objects were removed since the last prune
	lastFull   time.Time
	lastDeep   time.Time
	lastPruned time.Time
}

// NewSweeper makes a sweeper. Make it before the process accepts its first upload.
func NewSweeper(cfg SweeperConfig) *Sweeper {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Age <= 0 {
		cfg.Age = safeAge
	}
	if cfg.Interval <= 0 {
		cfg.Interval = sweepInterval
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.InUse == nil {
		cfg.InUse = func(satchel.BlobID) bool { return false }
	}
	if cfg.Held == nil {
		cfg.Held = func() []satchel.BlobID { return nil }
	}
	if cfg.Lock == nil {
		cfg.Lock = func() (func(), bool) { return func() {}, true }
	}
	// A crash may have come between the deletion of rows and their scrub: the first pass scrubs in any case.
	return &Sweeper{cfg: cfg, began: cfg.Now(), scrubDue: true, pruneDue: true}
}

// Run sweeps at once and fully, then lightly at every interval and fully every five minutes, until ctx ends; then it returns nil.
// What goes wrong is logged and tried again. It uses the store once more after that.
func (s *Sweeper) Run(ctx context.Context) error {
	ticker := time.NewTicker(s.cfg.Interval)
	defer ticker.Stop()
	for ctx.Err() == nil {
		_, err := s.pass(ctx, s.fullDue())
		if err != nil && ctx.Err() == nil {
			s.cfg.Logger.WarnContext(ctx, "sweep failed in part; it will be tried again", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	s.noteEnd(context.WithoutCancel(ctx))
	return nil
}

// Sweep makes one full pass. The result also says what was done before an error.
func (s *Sweeper) Sweep(ctx context.Context) (SweepResult, error) { return s.pass(ctx, true) }

func (s *Sweeper) fullDue() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.due(s.lastFull, orphanInterval)
}

// due reports whether the interval since last is over; a clock that was set back counts as over.
func (s *Sweeper) due(last time.Time, interval time.Duration) bool {
	passed := s.cfg.Now().Sub(last)
	return last.IsZero() || passed < 0 || passed >= interval
}

// pass takes the steps one after the other; one that fails does not keep the others from being taken.
func (s *Sweeper) pass(ctx context.Context, full bool) (SweepResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	end, ok, err := s.takeTurn(ctx)
	if err != nil || !ok {
		return SweepResult{Full: full, Started: s.cfg.Now()}, err
	}
	defer end()
	r := SweepResult{Full: full, Started: s.cfg.Now()}
	start := time.Now()
	steps := []func(context.Context, *SweepResult) error{s.expire, s.removeDoomed, s.forget, s.condense}
	if full {
		steps = append(steps, s.forgetAudit, s.removeOrphans, s.prune)
	}
	var errs []error
	for _, step := range append(steps, s.scrub) {
		if ctx.Err() != nil {
			errs = append(errs, ctx.Err())
			break
		}
		errs = append(errs, step(ctx, &r))
	}
	r.Took = time.Since(start)
	s.report(ctx, r)
	return r, errors.Join(errs...)
}

// takeTurn keeps other processes from sweeping until end is called; ok is false while one does.
func (s *Sweeper) takeTurn(ctx context.Context) (end func(), ok bool, err error) {
	if s.cfg.Turns == nil {
		return func() {}, true, nil
	}
	end, ok, err = s.cfg.Turns.TryTurn(ctx, "sweep")
	if err != nil {
		return nil, false, fmt.Errorf("take the turn to sweep: %w", err)
	}
	return end, ok, nil
}

// condense sums up what transactions have appended.
func (s *Sweeper) condense(ctx context.Context, _ *SweepResult) error {
	if condenser, ok := s.cfg.Store.(meta.Condenser); ok {
		return condenser.Condense(ctx)
	}
	return nil
}

func (s *Sweeper) report(ctx context.Context, r SweepResult) {
	if r.changed() || r.Failed > 0 {
		s.cfg.Logger.InfoContext(ctx, "swept", "expired", r.Expired, "removed", r.Removed, "orphans", r.Orphans,
			"partials", r.Partials, "idempotency_keys", r.Forgotten, "reservations", r.Lapsed, "audit", r.Audit, "failed", r.Failed, "postponed", r.Postponed, "took", r.Took)
	}
	if s.cfg.Observe != nil {
		s.cfg.Observe(r)
	}
}

func (s *Sweeper) expire(ctx context.Context, r *SweepResult) (err error) {
	if s.cfg.Expire == nil {
		return nil
	}
	r.Expired, err = s.cfg.Expire(ctx)
	if err != nil {
		return fmt.Errorf("expire files: %w", err)
	}
	return nil
}

func (s *Sweeper) forget(ctx context.Context, r *SweepResult) (err error) {
	r.Forgotten, err = s.cfg.Store.ForgetIdempotency(ctx, r.Started.Add(-idempotencyLife))
	if err != nil {
		return fmt.Errorf("forget idempotency keys: %w", err)
	}
	r.Lapsed, err = s.cfg.Store.ForgetReservations(ctx, r.Started)
	if err != nil {
		return fmt.Errorf("forget reservations: %w", err)
	}
	return nil
}

// forgetAudit removes the entries that are too old, a batch after the other: others commit in between.
func (s *Sweeper) forgetAudit(ctx context.Context, r *SweepResult) error {
	for s.cfg.AuditLife > 0 && ctx.Err() == nil {
		n, err := s.cfg.Store.ForgetAudit(ctx, r.Started.Add(-s.cfg.AuditLife), auditBatch)
		r.Audit += n
		if err != nil {
			return fmt.Errorf("forget old entries of the audit: %w", err)
		}
		if n < auditBatch {
			break
		}
	}
	return nil
}

// removeDoomed removes the bytes and then the rows of everything that is doomed. It stops early when a backup runs.
func (s *Sweeper) removeDoomed(ctx context.Context, r *SweepResult) error {
	stuck := map[satchel.BlobID]bool{}
	for ctx.Err() == nil {
		more, err := s.doomedBatch(ctx, r, stuck)
		if err != nil {
			return fmt.Errorf("remove deleted objects: %w", err)
		}
		if !more {
			return nil
		}
	}
	return ctx.Err()
}

// doomedBatch asks for as many more as are stuck, so that these never stand in the way of others.
func (s *Sweeper) doomedBatch(ctx context.Context, r *SweepResult, stuck map[satchel.BlobID]bool) (more bool, err error) {
	unlock, ok := s.cfg.Lock()
	if !ok {
		r.Postponed = true
		return false, nil
	}
	defer unlock()
	limit := sweepBatch + len(stuck)
	ids, err := s.cfg.Store.DoomedBlobs(ctx, limit)
	more = len(ids) == limit
	ids = slices.DeleteFunc(ids, func(id satchel.BlobID) bool { return stuck[id] })
	if err != nil || len(ids) == 0 {
		return false, err
	}
	if err := s.settleOnce(ctx); err != nil {
		return false, err
	}
	gone, failed := s.remove(ctx, ids)
	r.Failed += len(failed)
	for _, id := range failed {
		stuck[id] = true
	}
	if len(gone) > 0 {
		if err := s.cfg.Store.ForgetBlobs(ctx, gone); err != nil {
			return false, err
		}
	}
	r.Removed += len(gone)
	s.scrubDue, s.pruneDue = true, true
	return more && len(stuck) < maxStuck, nil
}

// settle commits something, so that everything read from here on is durable and final (see the package's comment).
func (s *Sweeper) settle(ctx context.Context) error {
	if err := s.cfg.Store.SetMark(ctx, markSettled, s.cfg.Now().UTC().Format(time.RFC3339Nano)); err != nil {
		return fmt.Errorf("settle earlier commits: %w", err)
	}
	return nil
}

// settleOnce is enough for doomed rows: what this process wrote is durable before it can be read. On a full disk it is left out, because
// removing is the way out.
func (s *Sweeper) settleOnce(ctx context.Context) error {
	if s.settled {
		return nil
	}
	err := s.settle(ctx)
	s.settled = err == nil
	if errors.Is(err, meta.ErrNoSpace) {
		return nil
	}
	return err
}

// remove deletes objects, several at once, and says which are gone and which could not be removed. Those that were not tried because ctx
// ended are in neither.
func (s *Sweeper) remove(ctx context.Context, ids []satchel.BlobID) (gone, failed []satchel.BlobID) {
	var mu sync.Mutex
	var warned atomic.Bool
	var group errgroup.Group
	group.SetLimit(removers)
	for _, id := range ids {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			err := s.cfg.Blobs.Delete(ctx, blob.Key(id))
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				gone = append(gone, id)
			case !ended(ctx, err):
				failed = append(failed, id)
				if !warned.Swap(true) { // one a batch says enough
					s.cfg.Logger.WarnContext(ctx, "an object could not be removed; it will be tried again", "blob", id, "error", err)
				}
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return nil
	return gone, failed
}

// scrub wipes deleted rows from the database's files. While somebody reads older rows that cannot be done; the next pass tries again.
func (s *Sweeper) scrub(ctx context.Context, r *SweepResult) error {
	s.scrubDue = s.scrubDue || r.Expired+r.Forgotten+r.Audit > 0
	scrubber, ok := s.cfg.Store.(meta.Scrubber)
	if !ok || !s.scrubDue {
		return nil
	}
	err := scrubber.Scrub(ctx)
	s.scrubDue = err != nil
	if err != nil && satchel.CodeOf(err) != satchel.CodeUnavailable {
		return fmt.Errorf("scrub deleted rows: %w", err)
	}
	return nil
}

// prune removes the folders of hours in which nothing is left. Two hours back no upload starts any more.
func (s *Sweeper) prune(ctx context.Context, _ *SweepResult) error {
	pruner, ok := s.cfg.Blobs.(blob.Pruner)
	if !ok || !s.pruneDue || !s.due(s.lastPruned, deepInterval) {
		return nil
	}
	if err := pruner.Prune(ctx, s.cfg.Now().Add(-2*time.Hour)); err != nil {
		return fmt.Errorf("prune empty folders: %w", err)
	}
	s.pruneDue, s.lastPruned = false, s.cfg.Now()
	return nil
}
