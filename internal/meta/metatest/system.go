package metatest

import (
	"context"
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
