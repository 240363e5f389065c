package metatest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testSystem(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("expired", func(t *testing.T) { expired(t, open(t)) })
	t.Run("blobs", func(t *testing.T) { blobs(t, open(t)) })
	t.Run("known blobs", func(t *testing.T) { knownBlobs(t, open(t)) })
	t.Run("forgetting idempotency keys", func(t *testing.T) { forgetKeys(t, open(t)) })
	t.Run("stale runs", func(t *testing.T) { staleRuns(t, open(t)) })
	t.Run("end of all leases", func(t *testing.T) { endLeases(t, open(t)) })
	t.Run("failed files", func(t *testing.T) { failedFiles(t, open(t)) })
	t.Run("marks", func(t *testing.T) { marks(t, open(t).Mark) })
}

func expired(t *testing.T, o Opened) {
	var want []satchel.FileID
	for i, scope := range []satchel.Scope{scopeOf("a", "default"), scopeOf("a", "lab"), scopeOf("b", "default")} {
		longest, never, later := newFile(scope, "1", `{}`), newFile(scope, "2", `{}`), newFile(scope, "3", `{}`)
		longest.ExpiresAt = now().Add(-time.Duration(i) * time.Hour)
		later.ExpiresAt = now().Add(time.Microsecond)
		insert(t, o.Store, longest, never, later)
		want = append([]satchel.FileID{longest.ID}, want...)
	}
	some, err := o.System.Expired(t.Context(), now(), 2)
	must(t, err)
	all, err := o.System.Expired(t.Context(), now(), 100)
	must(t, err)
	var got []satchel.FileID
	for _, f := range all {
		got = append(got, f.ID)
	}
	if !slices.Equal(got, want) || !reflect.DeepEqual(some, all[:2]) {
		t.Errorf("expired are %v, the first two %v; want %v", got, some, want)
	}
	for _, f := range all {
		if !f.Scope.Access.Allows(satchel.AccessWriter) {
			t.Errorf("the scope of %s may not delete it", f.ID)
		}
		must(t, o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, f.Scope, f.ID, now()) }))
	}
	if count, err := o.System.CountFiles(t.Context()); err != nil || count != 6 {
		t.Errorf("%d files are left, %v; want 6", count, err)
	}
}

func blobs(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	files := append(several(t, o.Store, scope, 5), several(t, o.Store, scopeOf("b", "default"), 5)...)
	slices.SortFunc(files, func(a, b *satchel.File) int { return compare(a.Content.ID, b.Content.ID) })
	gone := files[3]
	goneScope := satchel.Scope{Org: gone.Org, Workspace: gone.Workspace}
	must(t, o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, goneScope, gone.ID, now()) }))
	var want []meta.BlobRow
	for _, f := range files {
		want = append(want, meta.BlobRow{Blob: f.Content, File: f.ID, Doomed: f == gone})
	}
	var got []meta.BlobRow
	for after := satchel.BlobID(""); ; {
		rows, err := o.System.Blobs(t.Context(), after, 3)
		must(t, err)
		if len(rows) == 0 {
			break
		}
		got = append(got, rows...)
		after = rows[len(rows)-1].ID
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("the register has\n%+v\nwant\n%+v", got, want)
	}
	forget(t, o, files)
}

// forget forgets all blobs, and checks that only the doomed one, files[3], goes.
func forget(t *testing.T, o Opened, files []*satchel.File) {
	var all []satchel.BlobID
	for _, f := range files {
		all = append(all, f.Content.ID)
	}
	doomed, err := o.System.DoomedBlobs(t.Context(), 10)
	must(t, err)
	if !slices.Equal(doomed, all[3:4]) {
		t.Errorf("doomed are %v, want %v", doomed, all[3])
	}
	must(t, o.System.ForgetBlobs(t.Context(), all))
	must(t, o.System.ForgetBlobs(t.Context(), nil))
	known, err := o.System.KnownBlobs(t.Context(), all)
	must(t, err)
	if known[all[3]] || len(known) != len(all)-1 {
		t.Errorf("after forgetting all, known are %v; want all but the doomed one", known)
	}
	if doomed, err = o.System.DoomedBlobs(t.Context(), 10); err != nil || len(doomed) != 0 {
		t.Errorf("doomed are still %v, %v", doomed, err)
	}
}

func compare[T ~string](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func knownBlobs(t *testing.T, o Opened) {
	files := several(t, o.Store, scopeOf("a", "default"), 350)
	var ask []satchel.BlobID
	for _, f := range files {
		ask = append(ask, f.Content.ID, satchel.NewBlobID(now()))
	}
	known, err := o.System.KnownBlobs(t.Context(), ask)
	must(t, err)
	for i, id := range ask {
		if known[id] != (i%2 == 0) {
			t.Errorf("%s: known %v", id, known[id])
		}
	}
	if known, err := o.System.KnownBlobs(t.Context(), nil); err != nil || len(known) != 0 {
		t.Errorf("of none: %v, %v", known, err)
	}
}

func forgetKeys(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	must(t, o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		for i := range 6 {
			c := meta.IdempotentCreate{Key: fmt.Sprint(i), CreatedAt: now().Add(time.Duration(i) * time.Hour)}
			if err := tx.InsertIdempotentCreate(ctx, scope, c, time.Time{}); err != nil {
				return err
			}
		}
		return nil
	}))
	before := now().Add(2 * time.Hour)
	for _, want := range []int{2, 0} {
		if n, err := o.System.ForgetIdempotency(t.Context(), before); err != nil || n != want {
			t.Errorf("%d keys forgotten, %v; want %d", n, err, want)
		}
	}
	_, err := o.Store.IdempotentCreate(t.Context(), scope, "1")
	wantCode(t, "a forgotten key", err, satchel.CodeNotFound)
	if c, err := o.Store.IdempotentCreate(t.Context(), scope, "2"); err != nil || len(c.Files) != 0 {
		t.Errorf("a key that is kept: %+v, %v", c, err)
	}
}

func marks(t *testing.T, m meta.Mark) {
	for _, want := range []string{"", "first", "second", ""} {
		if want != "" {
			must(t, m.SetMark(t.Context(), "sweep", want))
		} else {
			must(t, m.SetMark(t.Context(), "other", "x"))
			must(t, m.SetMark(t.Context(), "sweep", ""))
		}
		if got, err := m.Mark(t.Context(), "sweep"); err != nil || got != want {
			t.Errorf("the mark is %q, %v; want %q", got, err, want)
		}
	}
	if got, err := m.Mark(t.Context(), "never set"); err != nil || got != "" {
		t.Errorf("a mark that was never set: %q, %v", got, err)
	}
}

// ownedIDs gives the ids of files, in their order, and checks that their scopes may work on them.
func ownedIDs(tb testing.TB, files []meta.OwnedFile, s meta.FileReader) []satchel.FileID {
	tb.Helper()
	ids := []satchel.FileID{}
	for _, f := range files {
		ids = append(ids, f.ID)
		if _, err := s.File(tb.Context(), f.Scope, f.ID); err != nil || !f.Scope.Access.Allows(satchel.AccessWriter) {
			tb.Errorf("the scope %+v may not work on %s: %v", f.Scope, f.ID, err)
		}
	}
	return ids
}

// leased gives a run on a file of a tenant of its own, with a claim whose lease ends in so many minutes.
func leased(tb testing.TB, s meta.Store, org, claim string, minutes int) *satchel.Run {
	tb.Helper()
	run := newRun(several(tb, s, scopeOf(org, "default"), 1)[0], 0)
	run.Claim, run.LeaseUntil = claim, now().Add(time.Duration(minutes)*time.Minute)
	insertRuns(tb, s, run)
	return run
}

func staleRuns(t *testing.T, o Opened) {
	free := leased(t, o.Store, "a", "", -9)
	held := leased(t, o.Store, "b", "w1", 0) // just ends: not before now
	long := leased(t, o.Store, "c", "w2", -5)
	short := leased(t, o.Store, "d", "w3", -1)
	again := newRun(&satchel.File{ID: long.File, Org: long.Org, Workspace: long.Workspace, User: long.User}, 5)
	again.Claim, again.LeaseUntil = "w5", now().Add(-3*time.Minute)
	insertRuns(t, o.Store, again)
	over := leased(t, o.Store, "e", "w4", -8)
	changeRun(t, o.Store, scopeOf("e", "default"), over, func(run *satchel.Run) { run.EndedAt = now() })
	for _, c := range []struct {
		before time.Time
		limit  int
		want   []satchel.FileID
	}{
		{now(), 10, []satchel.FileID{long.File, long.File, short.File}},
		{now(), 2, []satchel.FileID{long.File, long.File}},
		{now().Add(time.Microsecond), 10, []satchel.FileID{long.File, long.File, short.File, held.File}},
		{now().Add(-time.Hour), 10, []satchel.FileID{}},
	} {
		stale, err := o.System.StaleRuns(t.Context(), c.before, c.limit)
		must(t, err)
		if got := ownedIDs(t, stale, o.Store); !slices.Equal(got, c.want) {
			t.Errorf("stale before %s are %v, want %v", c.before, got, c.want)
		}
	}
	if count, err := o.System.CountRuns(t.Context()); err != nil || count != 5 {
		t.Errorf("%d runs are open, %v; want 5 with %s", count, err, free.ID)
	}
}

// endLeases makes every open run stale, whoever holds it, and leaves those that are over alone.
func endLeases(t *testing.T, o Opened) {
	free := leased(t, o.Store, "a", "", 0)
	held := leased(t, o.Store, "b", "w1", 60)
	stale := leased(t, o.Store, "c", "w2", -60)
	over := leased(t, o.Store, "d", "w3", 60)
	changeRun(t, o.Store, scopeOf("d", "default"), over, func(run *satchel.Run) { run.EndedAt = now() })
	must(t, o.System.EndLeases(t.Context(), now()))
	found, err := o.System.StaleRuns(t.Context(), now(), 10)
	must(t, err)
	got := ownedIDs(t, found, o.Store)
	want := []satchel.FileID{free.File, held.File, stale.File}
	if len(got) != 3 || got[0] != stale.File {
		t.Errorf("stale are %v, want first the one that was before: %s", got, stale.File)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("stale are %v, want %v", got, want)
	}
	for _, run := range []*satchel.Run{free, held, stale} {
		after := *run
		after.Details = "by a worker that had read it before"
		scope := satchel.Scope{Org: run.Org, Workspace: run.Workspace}
		err := o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.UpdateRun(ctx, scope, run, &after) })
		if !errors.Is(err, meta.ErrChanged) {
			t.Errorf("an update of a run with the claim %q, by who had it before: %v, want ErrChanged", run.Claim, err)
		}
	}
	must(t, o.System.EndLeases(t.Context(), now().Add(time.Hour)))
}

func failedFiles(t *testing.T, o Opened) {
	var want []satchel.FileID
	for i, org := range []string{"a", "b", "a", "c", "b"} {
		scope := scopeOf(org, "default")
		failed, other, fine := newFile(scope, "1", `{}`), newFile(scope, "2", `{}`), newFile(scope, "3", `{}`)
		failed.Failure = &satchel.Failure{Code: satchel.CodeModelNotConfigured, Message: "none"}
		other.Failure = &satchel.Failure{Code: satchel.CodeDocumentBroken, Message: "broken"}
		insert(t, o.Store, failed, other, fine)
		want = append(want, failed.ID)
		if i == 3 {
			edit(t, o.Store, scope, failed.ID, func(f *satchel.File) { f.Failure = nil })
			want = want[:3]
		}
	}
	got := []satchel.FileID{}
	for after := satchel.FileID(""); ; {
		some, err := o.System.FailedFiles(t.Context(), satchel.CodeModelNotConfigured, after, 2)
		must(t, err)
		got = append(got, ownedIDs(t, some, o.Store)...)
		if len(some) < 2 {
			break
		}
		after = some[1].ID
	}
	if !slices.Equal(got, want) {
		t.Errorf("failed are %v, want %v", got, want)
	}
	if some, err := o.System.FailedFiles(t.Context(), "", "", 10); err != nil || len(some) != 0 {
		t.Errorf("failed with no code are %v, %v", some, err)
	}
}
