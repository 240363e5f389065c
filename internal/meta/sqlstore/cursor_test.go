package sqlstore

import (
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
)

// FuzzCursor lists behind any position: exactly the ids beyond it come, in order, whatever the position is made of.
func FuzzCursor(f *testing.F) {
	for _, after := range []string{"file-", "file-0", "file-~", "~", " ", "'; DROP TABLE files", "\x00", "\xff", "file-\x00", "é"} {
		f.Add(after, true, uint8(3))
		f.Add(after, false, uint8(200))
	}
	s := openTest(f, Options{})
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	if err := s.LoadFiles(f.Context(), scope, 20, func(i int) *satchel.File { return testFile(scope, i) }); err != nil {
		f.Fatal(err)
	}
	ids, err := collect(f.Context(), s.q, scanOne[string], `SELECT id FROM files ORDER BY id`)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ids[7], true, uint8(5))
	f.Add(ids[7], false, uint8(1))
	f.Fuzz(func(t *testing.T, after string, ascending bool, limit uint8) {
		if limit == 0 || after == "" {
			return
		}
		for _, purpose := range []satchel.Purpose{"", satchel.PurposeUserData} {
			q := satchel.Query{After: satchel.FileID(after), Ascending: ascending, Limit: int(limit), Purpose: purpose}
			page, err := s.Files(t.Context(), scope, q, time.Now())
			if err != nil {
				t.Fatal(err)
			}
			want := beyond(ids, after, ascending)
			if more := len(want) > q.Limit; page.More != more || len(page.Files) != min(len(want), q.Limit) {
				t.Fatalf("behind %q: %d files, more: %v; %d are there", after, len(page.Files), page.More, len(want))
			}
			for i, file := range page.Files {
				if string(file.ID) != want[i] {
					t.Fatalf("behind %q: number %d is %s, want %s", after, i, file.ID, want[i])
				}
			}
		}
	})
}

// beyond gives the ids behind a position, in the order asked for.
func beyond(ids []string, after string, ascending bool) []string {
	var found []string
	for _, id := range ids {
		if ascending && id > after || !ascending && id < after {
			found = append(found, id)
		}
	}
	if !ascending {
		slices.Reverse(found)
	}
	return found
}
