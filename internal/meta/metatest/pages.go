package metatest

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testPages(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("sizes and orders", func(t *testing.T) { pageSizes(t, open(t).Store) })
	t.Run("positions", func(t *testing.T) { positions(t, open(t).Store) })
	t.Run("while files come and go", func(t *testing.T) { movingPages(t, open(t).Store) })
	t.Run("expired files", func(t *testing.T) { expiredInPages(t, open(t).Store) })
	t.Run("large rows", func(t *testing.T) { largeRows(t, open(t).Store) })
}

// walk gives all pages of a query, one after the other, and checks that More tells whether there is a next one.
func walk(tb testing.TB, s meta.FileReader, scope satchel.Scope, q satchel.Query, between func()) []satchel.FileID {
	tb.Helper()
	var all []satchel.FileID
	for {
		page, err := s.Files(tb.Context(), scope, q, now())
		must(tb, err)
		if len(page.Files) > q.Limit {
			tb.Fatalf("a page of %d has %d files", q.Limit, len(page.Files))
		}
		all = append(all, idsOf(page.Files)...)
		if !page.More {
			return all
		}
		if len(page.Files) == 0 {
			tb.Fatal("an empty page says that there are more")
		}
		q.After = page.Files[len(page.Files)-1].ID
		if between != nil {
			between()
		}
	}
}

func reversed[T any](s []T) []T {
	s = slices.Clone(s)
	slices.Reverse(s)
	return s
}

func pageSizes(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	wantFiles(t, s, scope, satchel.Query{Limit: 10}, nil)
	oldestFirst := idsOf(several(t, s, scope, 12))
	several(t, s, scopeOf("a", "other"), 3)
	several(t, s, scopeOf("b", "default"), 3)
	for _, limit := range []int{1, 2, 3, 4, 5, 6, 11, 12, 13, 10_000} {
		for _, filter := range []satchel.Query{{}, {Purpose: satchel.PurposeUserData}} {
			q := filter
			q.Limit = limit
			if got := walk(t, s, scope, q, nil); !slices.Equal(got, reversed(oldestFirst)) {
				t.Errorf("newest first in pages of %d: %v", limit, got)
			}
			q.Ascending = true
			if got := walk(t, s, scope, q, nil); !slices.Equal(got, oldestFirst) {
				t.Errorf("oldest first in pages of %d: %v", limit, got)
			}
		}
	}
	if _, err := s.Files(t.Context(), scope, satchel.Query{}, now()); err == nil {
		t.Error("a page of 0 files is given")
	}
}

// positions starts at ids that exist, that were deleted, and that never were.
func positions(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	ids := idsOf(several(t, s, scope, 5))
	must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, ids[2], now()) }))
	for _, c := range []struct {
		after     satchel.FileID
		ascending bool
		want      []satchel.FileID
	}{
		{ids[3], false, []satchel.FileID{ids[1], ids[0]}},
		{ids[2], false, []satchel.FileID{ids[1], ids[0]}},
		{ids[2], true, []satchel.FileID{ids[3], ids[4]}},
		{ids[0], false, nil},
		{ids[4], true, nil},
		{"file-0000000000000000000000000", true, []satchel.FileID{ids[0], ids[1], ids[3], ids[4]}},
		{"file-vvvvvvvvvvvvvvvvvvvvvvvvv", false, []satchel.FileID{ids[4], ids[3], ids[1], ids[0]}},
	} {
		wantFiles(t, s, scope, satchel.Query{After: c.after, Ascending: c.ascending}, c.want)
		wantFiles(t, s, scope, satchel.Query{After: c.after, Ascending: c.ascending, Purpose: satchel.PurposeUserData}, c.want)
	}
}

// movingPages walks while files are inserted and deleted between the pages: what is there all the time comes exactly once.
func movingPages(t *testing.T, s meta.Store) {
	for _, q := range []satchel.Query{{}, {Ascending: true}, {Purpose: satchel.PurposeUserData}, {Purpose: satchel.PurposeUserData, Ascending: true}} {
		scope := scopeOf("a", fmt.Sprintf("w-%v-%s", q.Ascending, q.Purpose))
		ids := idsOf(several(t, s, scope, 60))
		gone := map[satchel.FileID]bool{}
		next := 0
		q.Limit = 7
		got := walk(t, s, scope, q, func() {
			if next < len(ids) {
				several(t, s, scope, 2)
				gone[ids[next]] = true
				must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, ids[next], now()) }))
				next += 9
			}
		})
		times := map[satchel.FileID]int{}
		for _, id := range got {
			times[id]++
		}
		for _, id := range ids {
			if times[id] > 1 || times[id] == 0 && !gone[id] {
				t.Errorf("%+v: %s came %d times", q, id, times[id])
			}
		}
	}
}

func expiredInPages(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	var files []*satchel.File
	var want []satchel.FileID
	for i := range 30 {
		f := newFile(scope, fmt.Sprintf("%d.txt", i), `{"k":"v"}`)
		switch i % 3 {
		case 0:
			f.ExpiresAt = now() // over at this very moment
		case 1:
			f.ExpiresAt = now().Add(time.Microsecond)
		}
		files = append(files, f)
	}
	insert(t, s, files...)
	for i, f := range files {
		if i%3 != 0 {
			want = append(want, f.ID)
		}
	}
	for _, q := range []satchel.Query{{}, where("k", "v"), {Purpose: satchel.PurposeUserData}} {
		q.Limit, q.Ascending = 4, true
		if got := walk(t, s, scope, q, nil); !slices.Equal(got, want) {
			t.Errorf("%+v gives %v, want %v", q, got, want)
		}
	}
	if f, err := s.File(t.Context(), scope, files[0].ID); err != nil || !reflect.DeepEqual(f, files[0]) {
		t.Errorf("an expired file by its id: %+v, %v", f, err)
	}
}

// largeRows checks that a page ends after about 8 MiB, and says that there are more only when there are.
func largeRows(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	var want []satchel.FileID
	for i := range 20 {
		f := newFile(scope, fmt.Sprintf("%d.txt", i), `{"k":"v"}`)
		f.Instructions = strings.Repeat("x", 1<<20)
		insert(t, s, f)
		want = append(want, f.ID)
	}
	for _, q := range []satchel.Query{{}, where("k", "v")} {
		q.Limit = 1000
		page, err := s.Files(t.Context(), scope, q, now())
		must(t, err)
		if n := len(page.Files); n < 7 || n > 9 || !page.More {
			t.Errorf("a page has %d MiB, more: %v; want about 8 and more", n, page.More)
		}
		if got := walk(t, s, scope, q, nil); !slices.Equal(got, reversed(want)) {
			t.Errorf("the pages have %v", got)
		}
		q.After = want[8] // 8 MiB are left, and nothing behind them
		page, err = s.Files(t.Context(), scope, q, now())
		must(t, err)
		if len(page.Files) != 8 || page.More {
			t.Errorf("the last 8 MiB: %d files, more: %v", len(page.Files), page.More)
		}
	}
}
