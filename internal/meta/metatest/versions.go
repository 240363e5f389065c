package metatest

import (
	"context"
	"fmt"
	"reflect"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testVersions(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("come back as they were stored", func(t *testing.T) { versionsComeBack(t, open(t).Store) })
	t.Run("one for every version of the metadata", func(t *testing.T) { oneVersionEach(t, open(t).Store) })
	t.Run("list and states", func(t *testing.T) { listVersions(t, open(t).Store) })
}

// fullChange has something in every field.
func fullChange(tb testing.TB) satchel.Change {
	tb.Helper()
	change := satchel.Change{
		User: "user-2", At: now(), Edit: `{"set":{"k":"ü"}}`, Replace: true, Model: "model/1", Instruction: "find\nit", Run: "run-1",
		Evidence: `{"k":{"page":1}}`, Tokens: satchel.Tokens{Input: 1, Output: 2}, Failure: &satchel.Failure{Code: satchel.CodeModelNonsense, Message: "twice"},
		Reverts: 3, Restores: 4, Confirms: []string{"same"},
	}
	wantFull(tb, change)
	return change
}

// amend stores other metadata with a change.
func amend(tb testing.TB, s meta.Store, scope satchel.Scope, id satchel.FileID, metadata string, change satchel.Change) {
	tb.Helper()
	commit(tb, s, func(ctx context.Context, tx meta.Tx) error {
		before, err := tx.File(ctx, scope, id)
		if err != nil {
			return err
		}
		after := *before
		after.Version++
		after.MetadataVersion++
		after.Metadata = mustMetadata(metadata)
		return tx.UpdateFile(ctx, scope, before, &after, change)
	})
}

func versionsComeBack(t *testing.T, s meta.Store) {
	scope, full := scopeOf("a", "default"), fullChange(t)
	f := newFile(scope, "f.txt", `{"k":1,"gone":[2],"same":{"x":1e400}}`)
	insert(t, s, f)
	amend(t, s, scope, f.ID, `{"k":2,"new":null,"same":{"x":1e400}}`, full)
	amend(t, s, scope, f.ID, `{"k":2,"new":null,"same":{"x":1e401}}`, satchel.Change{At: now()})
	got, err := s.Versions(t.Context(), scope, f.ID, 0, 10)
	must(t, err)
	full.Confirms = nil // they come back as keys
	want := []*satchel.Version{
		{Number: 3, Change: satchel.Change{At: now()}, Keys: []string{"same"}},
		{Number: 2, Change: full, Keys: []string{"gone", "k", "new", "same"}},
		{Number: 1, Change: changeOf(f), Keys: []string{"gone", "k", "same"}},
	}
	if !reflect.DeepEqual(got, want) {
		for i := range got {
			t.Errorf("stored\n%+v\ncame back as\n%+v", want[min(i, len(want)-1)], got[i])
		}
	}
}

// oneVersionEach changes a file in many ways: there is a version exactly where MetadataVersion differs.
func oneVersionEach(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f := newFile(scope, "f.txt", `{"k":1}`)
	insert(t, s, f)
	wantCount := func(what string, want int) {
		t.Helper()
		versions, err := s.Versions(t.Context(), scope, f.ID, 0, 100)
		if err != nil || len(versions) != want {
			t.Errorf("%s: %d versions, %v; want %d", what, len(versions), err, want)
		}
	}
	edit(t, s, scope, f.ID, func(f *satchel.File) { f.StatusDetails, f.Filename = "reading", "g.txt" })
	wantCount("other things changed", 1)
	failed := satchel.Change{User: "user-1", At: now(), Instruction: "x", Failure: &satchel.Failure{Code: satchel.CodeModelNonsense}}
	amend(t, s, scope, f.ID, `{"k":1}`, failed)
	wantCount("an instruction that failed", 2)
	versions, err := s.Versions(t.Context(), scope, f.ID, 0, 1)
	must(t, err)
	if want := (&satchel.Version{Number: 2, Change: failed, Keys: []string{}}); !reflect.DeepEqual(versions[0], want) {
		t.Errorf("the failed version is %+v, want %+v", versions[0], want)
	}
	for name, change := range map[string]func(*satchel.File){
		"other metadata without a version": func(f *satchel.File) { f.Metadata = mustMetadata(`{"k":2}`) },
		"a version that jumps":             func(f *satchel.File) { f.MetadataVersion += 2 },
		"a version that falls":             func(f *satchel.File) { f.MetadataVersion-- },
		"other content":                    func(f *satchel.File) { f.Content.Size++ },
		"the row's version that jumps":     func(f *satchel.File) { f.Version++ },
	} {
		err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			before, err := tx.File(ctx, scope, f.ID)
			must(t, err)
			after := *before
			after.Version++
			change(&after)
			return tx.UpdateFile(ctx, scope, before, &after, satchel.Change{At: now()})
		})
		if err == nil {
			t.Errorf("an update with %s is taken", name)
		}
	}
	wantCount("updates that were refused", 2)
	got, err := s.File(t.Context(), scope, f.ID)
	must(t, err)
	if got.MetadataVersion != 2 || got.Version != 3 {
		t.Errorf("the file has metadata version %d and version %d, want 2 and 3", got.MetadataVersion, got.Version)
	}
}

// listVersions walks through the versions of a file, among those of another, and looks at the state before and after each.
func listVersions(t *testing.T, s meta.Store) {
	const count = 10
	scope := scopeOf("a", "default")
	files := several(t, s, scope, 2)
	state := func(i int) string { return fmt.Sprintf(`{"n":%d}`, i) }
	for i := 2; i <= count; i++ {
		for _, f := range files {
			amend(t, s, scope, f.ID, state(100+i), satchel.Change{At: now()})
		}
	}
	next := int64(count)
	for before := int64(0); ; {
		page, err := s.Versions(t.Context(), scope, files[0].ID, before, 3)
		must(t, err)
		if len(page) > 3 {
			t.Fatalf("%d versions were given, want 3 at most", len(page))
		}
		for _, v := range page {
			if v.Number != next {
				t.Errorf("version %d comes where %d should", v.Number, next)
			}
			next--
		}
		if len(page) < 3 {
			break
		}
		before = page[2].Number
	}
	if next != 0 {
		t.Errorf("the list ends before version %d", next)
	}
	for i := 1; i <= count; i++ {
		wantBefore, wantAfter := state(100+i-1), state(100+i)
		switch i {
		case 1:
			wantBefore, wantAfter = `{}`, state(0)
		case 2:
			wantBefore = state(0)
		}
		before, after, err := s.VersionStates(t.Context(), scope, files[0].ID, int64(i))
		if err != nil || before.String() != wantBefore || after.String() != wantAfter {
			t.Errorf("version %d leads from %s to %s, %v; want from %s to %s", i, before, after, err, wantBefore, wantAfter)
		}
	}
	for _, number := range []int64{-1, 0, count + 1} {
		_, _, err := s.VersionStates(t.Context(), scope, files[0].ID, number)
		wantCode(t, fmt.Sprintf("version %d", number), err, satchel.CodeNotFound)
	}
	_, _, err := s.VersionStates(t.Context(), scope, "file-none", 1)
	wantCode(t, "a version of a file that is not there", err, satchel.CodeNotFound)
	if page, err := s.Versions(t.Context(), scope, "file-none", 0, 3); err != nil || len(page) != 0 {
		t.Errorf("a file that is not there has the versions %v, %v", page, err)
	}
}
