package metatest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testText(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("pages", func(t *testing.T) { textPages(t, open(t).Store) })
	t.Run("100,000 pages", func(t *testing.T) { manyTextPages(t, open(t).Store) })
	t.Run("swap", func(t *testing.T) { swapText(t, open(t)) })
	t.Run("swap that is rolled back", func(t *testing.T) { swapUndone(t, open(t)) })
	t.Run("goes with its file", func(t *testing.T) { textGoes(t, open(t)) })
}

// somePages gives n pages, of which some have labels.
func somePages(n int) []satchel.TextPage {
	pages := make([]satchel.TextPage, n)
	for i := range pages {
		pages[i] = satchel.TextPage{Number: i + 1, Characters: 10 + i, Offset: int64(i) << 33, Length: int64(20 + i)}
		if i%3 == 0 {
			pages[i].Label = fmt.Sprintf("Blatt „%d“", i)
		}
	}
	return pages
}

// readPages walks through a file's pages.
func readPages(tb testing.TB, s meta.TextReader, scope satchel.Scope, id satchel.FileID, step int) []satchel.TextPage {
	tb.Helper()
	var all []satchel.TextPage
	for after := 0; ; {
		some, err := s.TextPages(tb.Context(), scope, id, after, step)
		must(tb, err)
		if len(some) > step {
			tb.Fatalf("%d pages were given, want %d at most", len(some), step)
		}
		all = append(all, some...)
		if len(some) < step {
			return all
		}
		after = some[step-1].Number
	}
}

func replacePages(tb testing.TB, s meta.Store, scope satchel.Scope, id satchel.FileID, pages []satchel.TextPage) {
	tb.Helper()
	commit(tb, s, func(ctx context.Context, tx meta.Tx) error { return tx.ReplaceTextPages(ctx, scope, id, pages) })
}

func textPages(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	files := several(t, s, scope, 2)
	other := somePages(5)
	replacePages(t, s, scope, files[1].ID, other)
	for _, n := range []int{0, 1, 99, 100, 101, 350, 2, 0} {
		want := somePages(n)
		replacePages(t, s, scope, files[0].ID, want)
		if got := readPages(t, s, scope, files[0].ID, 70); !slices.Equal(got, want) {
			t.Errorf("of %d pages come back %+v", n, got)
		}
	}
	if got := readPages(t, s, scope, files[1].ID, 2); !slices.Equal(got, other) {
		t.Errorf("the pages of another file are %+v", got)
	}
	commit(t, s, func(ctx context.Context, tx meta.Tx) error {
		must(t, tx.ReplaceTextPages(ctx, scope, files[0].ID, somePages(3)))
		if got := readPages(t, tx, scope, files[0].ID, 10); len(got) != 3 {
			t.Errorf("the transaction sees %d pages of its own, want 3", len(got))
		}
		return nil
	})
}

// manyTextPages replaces as many pages as there may be. Whoever does it page by page, or in a time that grows with the square of their number,
// does not come to an end here.
func manyTextPages(t *testing.T, s meta.Store) {
	const most, bound = 100_000, 3 * time.Minute
	scope := scopeOf("a", "default")
	f := several(t, s, scope, 1)[0]
	ctx, cancel := context.WithTimeout(t.Context(), bound)
	defer cancel()
	want := somePages(most)
	for range 2 {
		began := time.Now()
		must(t, s.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
			if err := tx.ReplaceTextPages(ctx, scope, f.ID, want); err != nil {
				return err
			}
			return ctx.Err()
		}))
		t.Logf("replaced in %s", time.Since(began))
	}
	if got := readPages(t, s, scope, f.ID, 1000); !slices.Equal(got, want) {
		t.Errorf("%d pages came back, or others", len(got))
	}
}

// newText gives the blob of a text.
func newText(text string) satchel.Blob {
	return satchel.Blob{ID: satchel.NewBlobID(now()), Size: int64(len(text)), SHA256: sha256.Sum256([]byte(text))}
}

// setText makes a blob the text of a file.
func setText(tb testing.TB, s meta.Store, f *satchel.File, text satchel.Blob) {
	tb.Helper()
	edit(tb, s, satchel.Scope{Org: f.Org, Workspace: f.Workspace}, f.ID, func(f *satchel.File) { f.Text = text })
}

// wantBlobs checks what the register knows: all of a file's blobs, and which of them are doomed.
func wantBlobs(tb testing.TB, o Opened, id satchel.FileID, live, doomed []satchel.Blob) {
	tb.Helper()
	rows, err := o.System.Blobs(tb.Context(), "", 1000)
	must(tb, err)
	var want []meta.BlobRow
	for _, b := range live {
		want = append(want, meta.BlobRow{Blob: b, File: id})
	}
	for _, b := range doomed {
		want = append(want, meta.BlobRow{Blob: b, File: id, Doomed: true})
	}
	slices.SortFunc(want, func(a, b meta.BlobRow) int { return compare(a.ID, b.ID) })
	if !reflect.DeepEqual(rows, want) {
		tb.Errorf("the register has\n%+v\nwant\n%+v", rows, want)
	}
	ids, err := o.System.DoomedBlobs(tb.Context(), 1000)
	must(tb, err)
	slices.Sort(ids)
	var wantIDs []satchel.BlobID
	for _, row := range want {
		if row.Doomed {
			wantIDs = append(wantIDs, row.ID)
		}
	}
	if !slices.Equal(ids, wantIDs) {
		tb.Errorf("doomed are %v, want %v", ids, wantIDs)
	}
}

func swapText(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	f := several(t, o.Store, scope, 1)[0]
	first, second, third := newText("first"), newText("second"), newText("")
	setText(t, o.Store, f, first)
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content, first}, nil)
	edit(t, o.Store, scope, f.ID, func(f *satchel.File) { f.StatusDetails = "other things change" })
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content, first}, nil)
	setText(t, o.Store, f, second)
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content, second}, []satchel.Blob{first})
	got, err := o.Store.File(t.Context(), scope, f.ID)
	must(t, err)
	if got.Text != second || got.Content != f.Content {
		t.Errorf("the file has the text %+v and the content %+v", got.Text, got.Content)
	}
	setText(t, o.Store, f, satchel.Blob{})
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content}, []satchel.Blob{first, second})
	if got, err = o.Store.File(t.Context(), scope, f.ID); err != nil || got.Text != (satchel.Blob{}) {
		t.Errorf("without a text the file has %+v, %v", got.Text, err)
	}
	setText(t, o.Store, f, third)
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content, third}, []satchel.Blob{first, second})
	err = o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		before, err := tx.File(ctx, scope, f.ID)
		must(t, err)
		after := *before
		after.Version++
		after.Text = f.Content
		return tx.UpdateFile(ctx, scope, before, &after, satchel.Change{})
	})
	wantCode(t, "a blob that has a row already as text", err, satchel.CodeConflict)
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content, third}, []satchel.Blob{first, second})
}

// swapUndone swaps a text in a transaction that fails: the old one stays, and the new one is unknown.
func swapUndone(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	f := several(t, o.Store, scope, 1)[0]
	first := newText("first")
	setText(t, o.Store, f, first)
	replacePages(t, o.Store, scope, f.ID, somePages(2))
	err := o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		before, err := tx.File(ctx, scope, f.ID)
		must(t, err)
		after := *before
		after.Version++
		after.Text = newText("second")
		must(t, tx.UpdateFile(ctx, scope, before, &after, satchel.Change{}))
		must(t, tx.ReplaceTextPages(ctx, scope, f.ID, somePages(150)))
		return context.DeadlineExceeded
	})
	if err == nil {
		t.Error("the transaction did not fail")
	}
	wantBlobs(t, o, f.ID, []satchel.Blob{f.Content, first}, nil)
	if pages := readPages(t, o.Store, scope, f.ID, 10); len(pages) != 2 {
		t.Errorf("the file has %d pages, want the 2 from before", len(pages))
	}
}

func textGoes(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	f := several(t, o.Store, scope, 1)[0]
	first, second := newText("first"), newText("second")
	setText(t, o.Store, f, first)
	setText(t, o.Store, f, second)
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, f.ID, now()) })
	wantBlobs(t, o, f.ID, nil, []satchel.Blob{f.Content, first, second})
	must(t, o.System.ForgetBlobs(t.Context(), []satchel.BlobID{f.Content.ID, first.ID, second.ID}))
	wantBlobs(t, o, f.ID, nil, nil)
}
