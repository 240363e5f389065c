package metatest

import (
	"context"
	"errors"
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
			foreignWrites(t, o.Store, foreign, f)
		})
	}
	got, err := o.Store.File(t.Context(), scope, f.ID)
	must(t, err)
	if got.Version != 1 {
		t.Errorf("the file is now %+v", got)
	}
	if doomed, err := o.System.DoomedBlobs(t.Context(), 10); err != nil || len(doomed) != 0 {
		t.Errorf("doomed: %v, %v", doomed, err)
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
		other.ID = tx.NextFileID()
		return tx.InsertFile(ctx, foreign, other, changeOf(other))
	}); err == nil {
		t.Error("InsertFile takes a file of another scope")
	}
}

func noScope(t *testing.T, s meta.Store) {
	f := several(t, s, scopeOf("a", "default"), 1)[0]
	for name, scope := range map[string]satchel.Scope{
		"zero":         {},
		"organization": {Org: f.Org},
		"workspace":    {Workspace: f.Workspace},
	} {
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			_, fileErr := tx.File(ctx, scope, f.ID)
			_, filesErr := tx.Files(ctx, scope, satchel.Query{Limit: 1}, now())
			_, keyErr := tx.IdempotentCreate(ctx, scope, "key")
			for method, err := range map[string]error{
				"File":                   fileErr,
				"Files":                  filesErr,
				"IdempotentCreate":       keyErr,
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
