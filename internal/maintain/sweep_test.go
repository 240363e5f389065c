package maintain_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
)

func TestSweepRemovesWhatWasDeleted(t *testing.T) {
	w := newWorld(t)
	kept, gone := w.upload(t, "kept"), w.upload(t, "gone")
	must(t, w.tryDelete(t.Context(), gone))
	if !w.names(t)[gone.Content.ID] {
		t.Error("the bytes are gone before the sweep: nothing is tested")
	}
	r := sweep(t, w.sweeper(nil))
	if r.Removed != 1 || r.Failed != 0 || r.Orphans != 0 {
		t.Errorf("swept %+v, want one object removed", r)
	}
	rows, err := w.rows.Blobs(t.Context(), "", 10)
	must(t, err)
	if len(rows) != 1 || rows[0].ID != kept.Content.ID || w.names(t)[gone.Content.ID] {
		t.Errorf("left are the rows %v and the objects %v", rows, w.names(t))
	}
	w.wantContent(t, kept)
	w.wantClean(t)
}

func TestSweepDrains(t *testing.T) {
	w := newWorld(t)
	const many = 1_100 // more than two batches
	files := w.load(t, many)
	must(t, w.rows.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) (err error) {
		for _, file := range files {
			err = errors.Join(err, tx.DeleteFile(ctx, w.scope, file.ID, time.Now()))
		}
		return err
	}))
	if r := sweep(t, w.sweeper(nil)); r.Removed != many {
		t.Errorf("one pass removed %d of %d", r.Removed, many)
	}
	w.wantClean(t)
}

func TestSweepOfLeftovers(t *testing.T) {
	now := time.Now()
	long, short, month := now.Add(-2*time.Hour), now.Add(-time.Minute), now.Add(-30*24*time.Hour)
	exclusive := func(cfg *maintain.SweeperConfig) { cfg.Exclusive = true }
	for _, test := range []struct {
		name              string
		started, modified time.Time
		change            func(*maintain.SweeperConfig)
		gone              bool
	}{
		{"old", long, long, nil, true},
		{"young", short, short, nil, false},
		{"of a long upload", month, short, nil, false},
		{"from before the start", short, short, exclusive, true},
		{"from long before the start", month, month, exclusive, true},
		{"from after the start", short, now.Add(time.Hour), exclusive, false},
		{"old, but perhaps another server's", long, long, func(cfg *maintain.SweeperConfig) { cfg.Age = maintain.SharedAge }, false},
		{"too old for another server's", month, month, func(cfg *maintain.SweeperConfig) { cfg.Age = maintain.SharedAge }, true},
		{"held", long, long, func(cfg *maintain.SweeperConfig) { cfg.InUse = func(satchel.BlobID) bool { return true } }, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			finished := w.put(t, test.started, test.modified, "nobody's")
			partial := w.putPartial(t, test.started, test.modified)
			r := sweep(t, w.sweeper(test.change))
			if there := w.names(t); there[finished] == test.gone || there[partial] == test.gone {
				t.Errorf("gone: finished %v, unfinished %v; want %v", !there[finished], !there[partial], test.gone)
			}
			if want := map[bool]int{true: 1}[test.gone]; r.Orphans != want || r.Partials != want {
				t.Errorf("swept %+v, want %d each", r, want)
			}
		})
	}
}

// turns is a meta.Turns that others have, or that fails.
type turns struct {
	ok  bool
	err error
}

func (s turns) TryTurn(context.Context, string) (func(), bool, error) { return func() {}, s.ok, s.err }

// Of several servers one sweeps at a time.
func TestSweepTakesTurns(t *testing.T) {
	w := newWorld(t)
	long := time.Now().Add(-2 * time.Hour)
	w.put(t, long, long, "nobody's")
	with := func(s turns) func(cfg *maintain.SweeperConfig) {
		return func(cfg *maintain.SweeperConfig) { cfg.Turns = s }
	}
	if r := sweep(t, w.sweeper(with(turns{}))); r.Orphans != 0 {
		t.Errorf("while another server sweeps: %+v", r)
	}
	if _, err := w.sweeper(with(turns{err: errors.New("no")})).Sweep(t.Context()); err == nil {
		t.Error("that the turn could not be taken was not said")
	}
	if r := sweep(t, w.sweeper(with(turns{ok: true}))); r.Orphans != 1 {
		t.Errorf("with the turn: %+v", r)
	}
}

func TestSweepLeavesRowsAlone(t *testing.T) {
	w := newWorld(t)
	file := w.upload(t, "old and named")
	s := w.sweeper(func(cfg *maintain.SweeperConfig) {
		cfg.Exclusive = true
		cfg.Now = func() time.Time { return time.Now().Add(3 * time.Hour) }
	})
	if r := sweep(t, s); r.Orphans+r.Partials+r.Removed != 0 {
		t.Errorf("swept %+v", r)
	}
	w.wantContent(t, file)
}

// Age protects nothing here: every object is older than the sweeper's clock demands. What keeps uploads safe is the order of looking alone.
func TestSweepDuringUploads(t *testing.T) {
	w := newWorld(t)
	s := w.sweeper(func(cfg *maintain.SweeperConfig) {
		cfg.Exclusive = true
		cfg.Now = func() time.Time { return time.Now().Add(3 * time.Hour) }
	})
	var mu sync.Mutex
	var kept []*satchel.File
	var uploads sync.WaitGroup
	for range 8 {
		uploads.Go(func() {
			for i := range 40 {
				file, err := w.tryUpload(t.Context(), "some bytes")
				if err == nil && i%3 == 0 {
					err = w.tryDelete(t.Context(), file)
				}
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 != 0 {
					mu.Lock()
					kept = append(kept, file)
					mu.Unlock()
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { uploads.Wait(); close(over) }()
	orphans := 0
	for done := false; !done; {
		select {
		case <-over:
			done = true
		default:
		}
		r := sweep(t, s)
		orphans += r.Orphans + r.Partials + r.Failed
	}
	if orphans != 0 {
		t.Errorf("%d objects of uploads were taken for orphans", orphans)
	}
	for _, file := range kept {
		w.wantContent(t, file)
	}
	w.wantClean(t)
}

func TestSweepWaitsForBackup(t *testing.T) {
	w := newWorld(t)
	gone := w.upload(t, "gone")
	must(t, w.tryDelete(t.Context(), gone))
	old := time.Now().Add(-2 * time.Hour)
	orphan := w.put(t, old, old, "nobody's")
	s := w.sweeper(func(cfg *maintain.SweeperConfig) {
		cfg.Lock = func() (func(), bool) { return maintain.TryLockSweep(w.folder) }
	})
	end, err := maintain.BeginBackup(t.Context(), w.folder)
	must(t, err)
	r := sweep(t, s)
	if there := w.names(t); !r.Postponed || !there[gone.Content.ID] || !there[orphan] {
		t.Errorf("during a backup: swept %+v, left %v", r, there)
	}
	must(t, end())
	r = sweep(t, s)
	if there := w.names(t); r.Postponed || r.Removed != 1 || r.Orphans != 1 || len(there) != 0 {
		t.Errorf("after the backup: swept %+v, left %v", r, there)
	}
}

func TestSweepGoesOnPastFailures(t *testing.T) {
	w := newWorld(t)
	old := time.Now().Add(-30 * time.Hour)
	bad := map[string]bool{}
	disk := &faulty{Store: w.disk, deleteErr: func(key string) error {
		if bad[key] {
			return errors.New("input/output error")
		}
		return nil
	}}
	for i := range 10 {
		file := w.upload(t, "gone")
		must(t, w.tryDelete(t.Context(), file))
		orphan := w.put(t, old, old, "nobody's")
		if i%3 == 0 {
			bad[blob.Key(file.Content.ID)], bad[blob.Key(orphan)] = true, true
		}
	}
	s := w.sweeper(func(cfg *maintain.SweeperConfig) { cfg.Blobs = disk })
	if r := sweep(t, s); r.Removed != 6 || r.Orphans != 6 || r.Failed != 8 {
		t.Errorf("swept %+v, want 6, 6 and 8 failures", r)
	}
	clear(bad) // the disk is well again
	if r := sweep(t, s); r.Removed != 4 || r.Orphans != 4 || r.Failed != 0 {
		t.Errorf("tried again: swept %+v, want 4, 4 and no failure", r)
	}
	w.wantClean(t)
}

func TestSweepListsLittle(t *testing.T) {
	w := newWorld(t)
	var prefixes []string
	disk := &faulty{Store: w.disk, listed: func(prefix string) { prefixes = append(prefixes, prefix) }}
	exclusive := func(cfg *maintain.SweeperConfig) { cfg.Blobs, cfg.Exclusive = disk, true }
	s := w.sweeper(exclusive)
	sweep(t, s)
	if !slices.Equal(prefixes, []string{""}) {
		t.Errorf("the first sweep of all lists %q", prefixes)
	}
	prefixes = nil
	sweep(t, s)
	if len(prefixes) == 0 || len(prefixes) > 4 {
		t.Errorf("the second sweep lists %q", prefixes)
	}
	prefixes = nil
	sweep(t, w.sweeper(exclusive)) // no Run of the first sweeper has ended: as after a crash
	if !slices.Equal(prefixes, []string{""}) {
		t.Errorf("after a crash the sweep lists %q", prefixes)
	}
	runOnce(t, w, exclusive)
	prefixes = nil
	sweep(t, w.sweeper(exclusive))
	if len(prefixes) < 24 || len(prefixes) > 28 {
		t.Errorf("after a clean end the sweep lists %d prefixes, not a day: %q", len(prefixes), prefixes)
	}
}

// runOnce runs a sweeper until its first pass is over.
func runOnce(t *testing.T, w *world, change func(*maintain.SweeperConfig)) maintain.SweepResult {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var first maintain.SweepResult
	s := w.sweeper(func(cfg *maintain.SweeperConfig) {
		if change != nil {
			change(cfg)
		}
		cfg.Observe = func(r maintain.SweepResult) { first = r; cancel() }
	})
	must(t, s.Run(ctx))
	return first
}

func TestRunIsFullAtOnceAndLightLater(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var full []bool
	s := w.sweeper(func(cfg *maintain.SweeperConfig) {
		cfg.Interval = time.Millisecond
		cfg.Observe = func(r maintain.SweepResult) {
			if full = append(full, r.Full); len(full) == 3 {
				cancel()
			}
		}
	})
	must(t, s.Run(ctx))
	if !slices.Equal(full, []bool{true, false, false}) {
		t.Errorf("full passes: %v", full)
	}
}

func TestSweepExpiresAndForgets(t *testing.T) {
	w := newWorld(t)
	file := w.upload(t, "over")
	now := time.Now()
	must(t, w.rows.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		var err error
		for key, age := range map[string]time.Duration{"old": 25 * time.Hour, "new": 23 * time.Hour} {
			made := meta.IdempotentCreate{Key: key, Files: []satchel.FileID{file.ID}, CreatedAt: now.Add(-age)}
			err = errors.Join(err, tx.InsertIdempotentCreate(ctx, w.scope, made, now.Add(-48*time.Hour)))
		}
		return err
	}))
	r := runOnce(t, w, func(cfg *maintain.SweeperConfig) {
		cfg.Expire = func(ctx context.Context) (int, error) { return 1, w.tryDelete(ctx, file) }
	})
	if r.Expired != 1 || r.Removed != 1 || r.Forgotten != 1 || len(w.names(t)) != 0 {
		t.Errorf("swept %+v, left %v", r, w.names(t))
	}
	if _, err := w.rows.IdempotentCreate(t.Context(), w.scope, "new"); err != nil {
		t.Errorf("a young key: %v", err)
	}
}

// TestSweepForgetsTheAudit keeps what is young enough, and without a limit everything.
func TestSweepForgetsTheAudit(t *testing.T) {
	w := newWorld(t)
	const many = 1_100 // more than a batch
	must(t, w.rows.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) (err error) {
		for range many {
			err = errors.Join(err, tx.InsertAudit(ctx, w.scope.Did("createFile", "file-1", nil)))
		}
		return err
	}))
	after := func(age, life time.Duration) int {
		r := sweep(t, w.sweeper(func(cfg *maintain.SweeperConfig) {
			cfg.AuditLife, cfg.Now = life, func() time.Time { return time.Now().Add(age) }
		}))
		return r.Audit
	}
	const year = 365 * 24 * time.Hour
	for _, c := range []struct {
		age, life time.Duration
		want      int
	}{{100 * year, 0, 0}, {year - time.Hour, year, 0}, {year + time.Hour, year, many}, {year + time.Hour, year, 0}} {
		if got := after(c.age, c.life); got != c.want {
			t.Errorf("after %s, of a life of %s: %d are forgotten, want %d", c.age, c.life, got, c.want)
		}
	}
}

func TestSweepStopsWithItsContext(t *testing.T) {
	w := newWorld(t)
	old := time.Now().Add(-2 * time.Hour)
	for range 20 {
		w.put(t, old, old, "nobody's")
	}
	ctx, cancel := context.WithCancel(t.Context())
	disk := &faulty{Store: w.disk, deleteErr: func(string) error { cancel(); return ctx.Err() }}
	s := w.sweeper(func(cfg *maintain.SweeperConfig) { cfg.Blobs = disk })
	if r, err := s.Sweep(ctx); !errors.Is(err, context.Canceled) || r.Orphans != 0 || r.Failed != 0 {
		t.Errorf("swept %+v, %v", r, err)
	}
	if r := sweep(t, w.sweeper(nil)); r.Orphans != 20 {
		t.Errorf("the sweep after a cancelled one: %+v", r)
	}
}

func TestSweepPrunes(t *testing.T) {
	w := newWorld(t)
	old := time.Now().Add(-30 * time.Hour)
	id := w.put(t, old, old, "nobody's")
	sweep(t, w.sweeper(nil))
	wantGone(t, w.folder+"/blobs/"+blob.Hour(id.Time()))
}

// TestWhatAnUploadMayLeaveIsLookedFor: of an upload that goes on for days a store may have nothing yet when its hour is listed.
func TestWhatAnUploadMayLeaveIsLookedFor(t *testing.T) {
	w := newWorld(t)
	now := time.Now()
	days, old := now.Add(-72*time.Hour), now.Add(-2*time.Hour)
	var held []satchel.BlobID
	s := w.sweeper(func(cfg *maintain.SweeperConfig) { cfg.Held = func() []satchel.BlobID { return held } })
	sweep(t, s) // from here on only some hours are listed
	unseen := w.put(t, days, old, "left while nobody held it")
	if r := sweep(t, s); r.Orphans != 0 {
		t.Fatalf("days ago is listed without a reason: %+v", r)
	}
	held = append(held, satchel.NewBlobID(days))
	sweep(t, s)
	held = nil
	if r := sweep(t, s); r.Orphans != 1 || w.names(t)[unseen] {
		t.Errorf("what was left was not found: %+v", r)
	}
	if r := sweep(t, s); r.Orphans != 0 {
		t.Errorf("%+v", r)
	}
}
