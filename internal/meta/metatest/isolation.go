package metatest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testIsolation(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("other scopes", func(t *testing.T) { otherScopes(t, open(t)) })
	t.Run("no scope", func(t *testing.T) { noScope(t, open(t).Store) })
}

// otherScopes tries everything on a file from another organization and from another workspace.
func otherScopes(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	f := newFile(scope, "f.txt", `{"k":"v"}`)
	insert(t, o.Store, f)
	run := newRun(f, 1)
	insertRuns(t, o.Store, run)
	replacePages(t, o.Store, scope, f.ID, somePages(3))
	for name, foreign := range map[string]satchel.Scope{
		"another organization": scopeOf("b", "default"),
		"another workspace":    scopeOf("a", "other"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := o.Store.File(t.Context(), foreign, f.ID)
			wantCode(t, "File", err, satchel.CodeNotFound)
			for _, q := range []satchel.Query{
				{}, {Ascending: true}, {Filename: "f.txt"}, {Purpose: f.Purpose}, {SHA256: &f.Content.SHA256}, where("k", "v"), {After: f.ID + "~"},
			} {
				wantFiles(t, o.Store, foreign, q, nil)
			}
			foreignReads(t, o.Store, foreign, run)
			foreignWrites(t, o.Store, foreign, f)
			foreignRunWrites(t, o.Store, foreign, run)
		})
	}
	got, err := o.Store.File(t.Context(), scope, f.ID)
	must(t, err)
	if got.Version != 1 {
		t.Errorf("the file is now %+v", got)
	}
	if got, err := o.Store.Run(t.Context(), scope, f.ID, run.ID); err != nil || got.Details != "" {
		t.Errorf("the run is now %+v, %v", got, err)
	}
	if pages := readPages(t, o.Store, scope, f.ID, 10); !slices.Equal(pages, somePages(3)) {
		t.Errorf("the pages are now %+v", pages)
	}
	if doomed, err := o.System.DoomedBlobs(t.Context(), 10); err != nil || len(doomed) != 0 {
		t.Errorf("doomed: %v, %v", doomed, err)
	}
}

func foreignReads(t *testing.T, s meta.Store, foreign satchel.Scope, run *satchel.Run) {
	_, err := s.Run(t.Context(), foreign, run.File, run.ID)
	wantCode(t, "Run", err, satchel.CodeNotFound)
	_, _, err = s.VersionStates(t.Context(), foreign, run.File, 1)
	wantCode(t, "VersionStates", err, satchel.CodeNotFound)
	runs, err1 := s.Runs(t.Context(), foreign, run.File, "", 10)
	open, err2 := s.OpenRuns(t.Context(), foreign, run.File, 10)
	versions, err3 := s.Versions(t.Context(), foreign, run.File, 0, 10)
	pages, err4 := s.TextPages(t.Context(), foreign, run.File, 0, 10)
	if err := errors.Join(err1, err2, err3, err4); err != nil || len(runs)+len(open)+len(versions)+len(pages) != 0 {
		t.Errorf("seen are %v, %v, %v and %v, %v", runs, open, versions, pages, err)
	}
}

func foreignRunWrites(t *testing.T, s meta.Store, foreign satchel.Scope, run *satchel.Run) {
	stolen := *run
	stolen.Org, stolen.Workspace = foreign.Org, foreign.Workspace
	after := stolen
	after.Details = "stolen"
	if err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateRun(ctx, foreign, &stolen, &after)
	}); !errors.Is(err, meta.ErrChanged) {
		t.Errorf("UpdateRun: %v, want ErrChanged", err)
	}
	other := newRun(&satchel.File{ID: run.File, Org: run.Org, Workspace: run.Workspace}, 2)
	commit(t, s, func(ctx context.Context, tx meta.Tx) error {
		if err := tx.UpdateRun(ctx, foreign, run, run); err == nil {
			t.Error("UpdateRun takes a run of another scope")
		}
		if err := tx.InsertRun(ctx, foreign, other); err == nil {
			t.Error("InsertRun takes a run of another scope")
		}
		return nil
	})
	for _, pages := range [][]satchel.TextPage{somePages(1), nil} {
		replacePages(t, s, foreign, run.File, pages)
	}
}

func foreignWrites(t *testing.T, s meta.Store, foreign satchel.Scope, f *satchel.File) {
	inTx := func(fn func(ctx context.Context, tx meta.Tx) error) error { return s.InTx(t.Context(), fn) }
	wantCode(t, "DeleteFile", inTx(func(ctx context.Context, tx meta.Tx) error {
		return tx.DeleteFile(ctx, foreign, f.ID, now())
	}), satchel.CodeNotFound)
	stolen := *f
	stolen.Org, stolen.Workspace = foreign.Org, foreign.Workspace
	after := stolen
	after.Version++
	if err := inTx(func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateFile(ctx, foreign, &stolen, &after, changeOf(&after))
	}); !errors.Is(err, meta.ErrChanged) {
		t.Errorf("UpdateFile: %v, want ErrChanged", err)
	}
	after = *f
	after.Version++
	if err := inTx(func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateFile(ctx, foreign, f, &after, changeOf(&after))
	}); err == nil {
		t.Error("UpdateFile takes a file of another scope")
	}
	other := newFile(satchel.Scope{Org: f.Org, Workspace: f.Workspace}, "g.txt", `{}`)
	if err := inTx(func(ctx context.Context, tx meta.Tx) error {
		other.ID = nextID(ctx, tx)
		return tx.InsertFile(ctx, foreign, other, changeOf(other))
	}); err == nil {
		t.Error("InsertFile takes a file of another scope")
	}
}

func noScope(t *testing.T, s meta.Store) {
	f := several(t, s, scopeOf("a", "default"), 1)[0]
	run := newRun(f, 1)
	insertRuns(t, s, run)
	for name, scope := range map[string]satchel.Scope{
		"zero":         {},
		"organization": {Org: f.Org},
		"workspace":    {Workspace: f.Workspace},
	} {
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			_, fileErr := tx.File(ctx, scope, f.ID)
			_, filesErr := tx.Files(ctx, scope, satchel.Query{Limit: 1}, now())
			_, keyErr := tx.IdempotentCreate(ctx, scope, "key")
			_, runErr := tx.Run(ctx, scope, f.ID, run.ID)
			_, runsErr := tx.Runs(ctx, scope, f.ID, "", 1)
			_, openErr := tx.OpenRuns(ctx, scope, f.ID, 1)
			_, pagesErr := tx.TextPages(ctx, scope, f.ID, 0, 1)
			_, versionsErr := tx.Versions(ctx, scope, f.ID, 0, 1)
			_, _, statesErr := tx.VersionStates(ctx, scope, f.ID, 1)
			for method, err := range map[string]error{
				"File":                   fileErr,
				"Files":                  filesErr,
				"IdempotentCreate":       keyErr,
				"Run":                    runErr,
				"Runs":                   runsErr,
				"OpenRuns":               openErr,
				"TextPages":              pagesErr,
				"Versions":               versionsErr,
				"VersionStates":          statesErr,
				"InsertRun":              tx.InsertRun(ctx, scope, run),
				"UpdateRun":              tx.UpdateRun(ctx, scope, run, run),
				"ReplaceTextPages":       tx.ReplaceTextPages(ctx, scope, f.ID, nil),
				"InsertFile":             tx.InsertFile(ctx, scope, f, changeOf(f)),
				"UpdateFile":             tx.UpdateFile(ctx, scope, f, f, changeOf(f)),
				"DeleteFile":             tx.DeleteFile(ctx, scope, f.ID, now()),
				"InsertIdempotentCreate": tx.InsertIdempotentCreate(ctx, scope, meta.IdempotentCreate{}, time.Time{}),
			} {
				if !errors.Is(err, satchel.ErrNoScope) {
					t.Errorf("%s with %s scope: %v, want ErrNoScope", method, name, err)
				}
			}
			return nil
		}))
	}
}
