package metatest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testRuns(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("come back as they were stored", func(t *testing.T) { runsComeBack(t, open(t).Store) })
	t.Run("update", func(t *testing.T) { updateRun(t, open(t).Store) })
	t.Run("update of what changed meanwhile", func(t *testing.T) { staleRunUpdate(t, open(t).Store) })
	t.Run("one of many gets it", func(t *testing.T) { claimRace(t, open(t).Store) })
	t.Run("list", func(t *testing.T) { listRuns(t, open(t).Store) })
	t.Run("open", func(t *testing.T) { openRuns(t, open(t).Store) })
	t.Run("go with their file", func(t *testing.T) { runsGo(t, open(t)) })
	t.Run("jobs", func(t *testing.T) { jobs(t, open(t)) })
	t.Run("jobs of many", func(t *testing.T) { jobsOfMany(t, open(t)) })
}

// commit runs fn in a transaction that must be committed.
func commit(tb testing.TB, s meta.Store, fn func(ctx context.Context, tx meta.Tx) error) {
	tb.Helper()
	must(tb, s.InTx(tb.Context(), fn))
}

// newRun gives a run on a file that is not stored yet, with nothing in it that can be left out. seconds sets its age.
func newRun(f *satchel.File, seconds int) *satchel.Run {
	at := now().Add(time.Duration(seconds) * time.Second)
	return &satchel.Run{
		ID: satchel.NewRunID(at), Org: f.Org, Workspace: f.Workspace, File: f.ID, User: f.User, Kind: satchel.RunProcess, State: satchel.RunQueued,
		CreatedAt: at, UpdatedAt: at,
	}
}

// fullRun has something in every field.
func fullRun(tb testing.TB, f *satchel.File) *satchel.Run {
	tb.Helper()
	run := newRun(f, 100)
	run.Kind, run.State, run.Step, run.Details = satchel.RunMetadata, satchel.RunFailed, satchel.StepInstruct, "Zeile 1\nالسطر ٢"
	run.Instructions, run.Schema, run.Protected = "find the author", `{"type":"object"}`, []string{"a", `"b"`, "ü"}
	run.DryRun, run.Patch, run.Seen = true, `{"x":null}`, 7
	run.Progress, run.Result, run.Claim = strings.Repeat("p", 100_000), `{"set":{"k":"v"}}`, "token"
	run.LeaseUntil, run.Attempts, run.Tokens = now().Add(time.Minute), 3, satchel.Tokens{Input: 12, Output: 1 << 40}
	run.Failure = &satchel.Failure{Code: satchel.CodeModelNonsense, Message: "twice"}
	run.UpdatedAt, run.EndedAt = now().Add(time.Second), now().Add(2*time.Second)
	wantFull(tb, *run)
	return run
}

// wantFull fails when a field of a struct has nothing in it: somebody has added one and forgotten the test.
func wantFull(tb testing.TB, value any) {
	tb.Helper()
	v := reflect.ValueOf(value)
	for i := range v.NumField() {
		if v.Field(i).IsZero() {
			tb.Fatalf("the test leaves %s of %s out", v.Type().Field(i).Name, v.Type())
		}
	}
}

func insertRuns(tb testing.TB, s meta.Store, runs ...*satchel.Run) {
	tb.Helper()
	commit(tb, s, func(ctx context.Context, tx meta.Tx) error {
		for _, run := range runs {
			scope := satchel.Scope{Org: run.Org, Workspace: run.Workspace}
			if err := tx.InsertRun(ctx, scope, run); err != nil {
				return err
			}
		}
		return nil
	})
}

func runsComeBack(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f := several(t, s, scope, 1)[0]
	full, bare := fullRun(t, f), newRun(f, 1)
	insertRuns(t, s, full, bare)
	for _, want := range []*satchel.Run{full, bare} {
		got, err := s.Run(t.Context(), scope, f.ID, want.ID)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("stored\n%+v\ncame back as\n%+v", want, got)
		}
	}
	short := *full
	short.Progress, short.Result = "", ""
	got, err := s.Runs(t.Context(), scope, f.ID, "", 10)
	must(t, err)
	if !reflect.DeepEqual(got, []*satchel.Run{&short, bare}) {
		t.Errorf("the list has %+v", got)
	}
	_, err = s.Run(t.Context(), scope, f.ID, "run-none")
	wantCode(t, "a run that never was", err, satchel.CodeNotFound)
	_, err = s.Run(t.Context(), scope, "file-none", full.ID)
	wantCode(t, "a run of another file", err, satchel.CodeNotFound)
	commit(t, s, func(ctx context.Context, tx meta.Tx) error {
		wantCode(t, "the same id again", tx.InsertRun(ctx, scope, full), satchel.CodeConflict)
		mine := newRun(f, 50)
		must(t, tx.InsertRun(ctx, scope, mine))
		got, err := tx.Run(ctx, scope, f.ID, mine.ID)
		if err != nil || !reflect.DeepEqual(got, mine) {
			t.Errorf("the transaction sees its own run as %+v, %v", got, err)
		}
		return nil
	})
}

// changeRun stores what edit makes of a run as it is now.
func changeRun(tb testing.TB, s meta.Store, scope satchel.Scope, run *satchel.Run, edit func(*satchel.Run)) {
	tb.Helper()
	commit(tb, s, func(ctx context.Context, tx meta.Tx) error {
		before, err := tx.Run(ctx, scope, run.File, run.ID)
		if err != nil {
			return err
		}
		after := *before
		edit(&after)
		return tx.UpdateRun(ctx, scope, before, &after)
	})
}

// updateRun changes everything in a run: only what may change does.
func updateRun(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f := several(t, s, scope, 1)[0]
	run, other := newRun(f, 1), newRun(f, 2)
	insertRuns(t, s, run, other)
	changeRun(t, s, scope, run, func(run *satchel.Run) {
		run.Claim, run.State, run.Attempts = "first", satchel.RunRunning, 1
	})
	full := fullRun(t, f)
	changeRun(t, s, scope, run, func(run *satchel.Run) {
		id := run.ID
		*run = *full
		run.ID = id
	})
	want := *full
	want.ID, want.User, want.Kind, want.CreatedAt = run.ID, run.User, run.Kind, run.CreatedAt
	want.Instructions, want.Schema, want.Protected, want.DryRun, want.Patch = "", "", nil, false, ""
	got, err := s.Run(t.Context(), scope, f.ID, run.ID)
	must(t, err)
	if !reflect.DeepEqual(got, &want) {
		t.Errorf("updated to\n%+v\ncame back as\n%+v", &want, got)
	}
	if got, err := s.Run(t.Context(), scope, f.ID, other.ID); err != nil || !reflect.DeepEqual(got, other) {
		t.Errorf("another run became %+v, %v", got, err)
	}
}

func staleRunUpdate(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f := several(t, s, scope, 1)[0]
	free, held, over, gone := newRun(f, 1), newRun(f, 2), newRun(f, 3), newRun(f, 4)
	held.Claim = "theirs"
	insertRuns(t, s, free, held, over)
	changeRun(t, s, scope, over, func(run *satchel.Run) { run.State, run.EndedAt = satchel.RunCancelled, now() })
	for _, c := range []struct {
		name  string
		run   *satchel.Run
		claim string
	}{
		{"free, though it was read as held", free, "mine"},
		{"held by another", held, "mine"},
		{"held, though it was read as free", held, ""},
		{"over", over, ""},
		{"not there", gone, ""},
	} {
		before := *c.run
		before.Claim = c.claim
		after := before
		after.Details = "lost"
		err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.UpdateRun(ctx, scope, &before, &after) })
		if !errors.Is(err, meta.ErrChanged) {
			t.Errorf("an update of a run that is %s: %v, want ErrChanged", c.name, err)
		}
	}
	runs, err := s.Runs(t.Context(), scope, f.ID, "", 10)
	must(t, err)
	for _, run := range runs {
		if run.Details != "" {
			t.Errorf("run %s was changed", run.ID)
		}
	}
	changeRun(t, s, scope, held, func(run *satchel.Run) { run.Claim, run.Details = "", "given back" })
	if got, err := s.Run(t.Context(), scope, f.ID, held.ID); err != nil || got.Claim != "" || got.Details != "given back" {
		t.Errorf("who held it made it %+v, %v", got, err)
	}
}

// claimRace lets many workers take the same runs, again and again: each time one of those who saw it free gets it.
func claimRace(t *testing.T, s meta.Store) {
	const workers, rounds = 8, 20
	scope := scopeOf("a", "default")
	f := several(t, s, scope, 1)[0]
	for round := range rounds {
		run := newRun(f, round)
		insertRuns(t, s, run)
		var won atomic.Int64
		var all sync.WaitGroup
		for w := range workers {
			all.Go(func() {
				after := *run
				after.Claim = fmt.Sprint(w)
				err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.UpdateRun(ctx, scope, run, &after) })
				switch {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, meta.ErrChanged):
					t.Error(err)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Errorf("%d workers hold the run", won.Load())
		}
	}
}

func runIDs(runs []*satchel.Run) []satchel.RunID {
	ids := make([]satchel.RunID, len(runs))
	for i, run := range runs {
		ids[i] = run.ID
	}
	return ids
}

// listRuns walks through a file's runs, among those of another file.
func listRuns(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	files := several(t, s, scope, 2)
	var want []satchel.RunID
	for i := range 10 {
		mine, other := newRun(files[0], i), newRun(files[1], i)
		insertRuns(t, s, other, mine)
		want = append(want, mine.ID)
	}
	slices.Reverse(want)
	var got []satchel.RunID
	for before := satchel.RunID(""); ; {
		page, err := s.Runs(t.Context(), scope, files[0].ID, before, 3)
		must(t, err)
		if len(page) > 3 {
			t.Fatalf("%d runs were given, want 3 at most", len(page))
		}
		got = append(got, runIDs(page)...)
		if len(page) < 3 {
			break
		}
		before = page[2].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("the runs are %v, want %v", got, want)
	}
	if page, err := s.Runs(t.Context(), scope, "file-none", "", 3); err != nil || len(page) != 0 {
		t.Errorf("a file that is not there has the runs %v, %v", page, err)
	}
}

func openRuns(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	files := several(t, s, scope, 2)
	var open []*satchel.Run
	for i := range 9 {
		run := newRun(files[0], i)
		run.Progress, run.Result, run.Claim = "so far", "{}", "w"
		insertRuns(t, s, run, newRun(files[1], i))
		if i%3 == 0 {
			changeRun(t, s, scope, run, func(run *satchel.Run) { run.EndedAt = now() })
		} else {
			open = append(open, run)
		}
	}
	for _, limit := range []int{1, 4, 100} {
		got, err := s.OpenRuns(t.Context(), scope, files[0].ID, limit)
		must(t, err)
		if want := open[:min(limit, len(open))]; !reflect.DeepEqual(got, want) {
			t.Errorf("of %d open runs at most come %+v, want %+v", limit, got, want)
		}
	}
}

// runsGo deletes a file: its runs and pages go too, and those of another stay.
func runsGo(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	files := several(t, o.Store, scope, 2)
	gone, stays := newRun(files[0], 1), newRun(files[1], 1)
	insertRuns(t, o.Store, gone, stays)
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error {
		for _, f := range files {
			if err := tx.ReplaceTextPages(ctx, scope, f.ID, somePages(3)); err != nil {
				return err
			}
		}
		return tx.DeleteFile(ctx, scope, files[0].ID, now())
	})
	for i, want := range []int{0, 1} {
		runs, err := o.Store.Runs(t.Context(), scope, files[i].ID, "", 10)
		must(t, err)
		pages, err := o.Store.TextPages(t.Context(), scope, files[i].ID, 0, 10)
		must(t, err)
		versions, err := o.Store.Versions(t.Context(), scope, files[i].ID, 0, 10)
		must(t, err)
		if len(runs) != want || len(pages) != 3*want || len(versions) != want {
			t.Errorf("file %d has %d runs, %d pages and %d versions", i, len(runs), len(pages), len(versions))
		}
	}
	if count, err := o.System.CountRuns(t.Context()); err != nil || count != 1 {
		t.Errorf("%d runs are open, %v; want 1", count, err)
	}
	after := *gone
	err := o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.UpdateRun(ctx, scope, gone, &after) })
	if !errors.Is(err, meta.ErrChanged) {
		t.Errorf("an update of a run whose file is gone: %v, want ErrChanged", err)
	}
}

// jobs hands in jobs: those of transactions that were committed are there, and no others.
func jobs(t *testing.T, o Opened) {
	later := now().AddDate(100, 0, 0).Truncate(time.Second)
	want := []meta.Job{{Kind: "one", Args: `{"n":1,"text":"ä\"\\"}`}, {Kind: "two", Args: `{}`, NotBefore: later}, {Kind: strings.Repeat("k_9", 21), Args: `{"n":3}`}}
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error {
		for _, job := range want {
			if err := tx.Enqueue(ctx, job); err != nil {
				return err
			}
		}
		if early := o.Jobs(t); len(early) != 0 {
			t.Errorf("before the commit there are the jobs %v", early)
		}
		return nil
	})
	if got := o.Jobs(t); !reflect.DeepEqual(got, want) {
		t.Errorf("handed in were %+v, there are %+v", want, got)
	}
	cause := errors.New("no")
	err := o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		must(t, tx.Enqueue(ctx, want[0]))
		return cause
	})
	if err != cause { //nolint:errorlint // as it is
		t.Error(err)
	}
	var kept meta.Tx
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error {
		kept = tx
		for _, bad := range []meta.Job{
			{Args: "{}"}, {Kind: strings.Repeat("k", 65), Args: "{}"}, {Kind: "kind_", Args: "{}"}, {Kind: "a__b", Args: "{}"}, {Kind: "Kind", Args: "{}"},
			{Kind: "a b", Args: "{}"}, {Kind: "kind"}, {Kind: "kind", Args: "[]"}, {Kind: "kind", Args: "{"}, {Kind: "kind", Args: "null"},
		} {
			if err := tx.Enqueue(ctx, bad); err == nil {
				t.Errorf("the job %+v is taken", bad)
			}
		}
		return nil
	})
	if err := kept.Enqueue(t.Context(), want[0]); err == nil {
		t.Error("a transaction that is over still takes jobs")
	}
	if got := o.Jobs(t); len(got) != 0 {
		t.Errorf("nothing was handed in and committed, but there are %+v", got)
	}
}

// jobsOfMany hands in jobs with many transactions at once, of which some fail and some panic.
func jobsOfMany(t *testing.T, o Opened) {
	scope, cause := scopeOf("a", "default"), errors.New("no")
	f := several(t, o.Store, scope, 1)[0]
	var mu sync.Mutex
	var want []string
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			defer func() { _ = recover() }()
			run, job := newRun(f, i), meta.Job{Kind: "job", Args: fmt.Sprintf(`{"i":%d}`, i)}
			err := o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
				if err := errors.Join(tx.InsertRun(ctx, scope, run), tx.Enqueue(ctx, job)); err != nil {
					return err
				}
				switch i % 4 {
				case 0:
					return cause
				case 1:
					panic(cause)
				}
				return nil
			})
			switch {
			case err == nil:
				mu.Lock()
				want = append(want, job.Args)
				mu.Unlock()
			case err != cause: //nolint:errorlint // as it is
				t.Error(err)
			}
		})
	}
	all.Wait()
	var got []string
	for _, job := range o.Jobs(t) {
		got = append(got, job.Args)
	}
	slices.Sort(want)
	slices.Sort(got)
	if len(want) != 100 || !slices.Equal(got, want) {
		t.Errorf("of %d transactions that were committed there are %d jobs:\n%v\nwant\n%v", len(want), len(got), got, want)
	}
	if count, err := o.System.CountRuns(t.Context()); err != nil || count != 100 {
		t.Errorf("%d runs are open, %v; want 100", count, err)
	}
}
