package metatest

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testFiles(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("come back as they were stored", func(t *testing.T) { comeBack(t, open(t).Store) })
	t.Run("update", func(t *testing.T) { update(t, open(t).Store) })
	t.Run("update of what changed meanwhile", func(t *testing.T) { staleUpdate(t, open(t).Store) })
	t.Run("delete", func(t *testing.T) { remove(t, open(t)) })
	t.Run("idempotent create", func(t *testing.T) { idempotentCreate(t, open(t)) })
}

// fullFile has something in every field.
func fullFile(scope satchel.Scope) *satchel.File {
	f := newFile(scope, "نص 📄.pdf", `{"a":{"b":[1,"x",null,{"c":true}]},"big":1e400,"n":1.50,"empty":{},"none":[]}`)
	f.Purpose = satchel.PurposeVision
	f.Status, f.StatusDetails = satchel.StatusError, "the PDF is encrypted"
	f.Failure = &satchel.Failure{Code: "encrypted", Message: "remove the password"}
	f.Instructions, f.Schema = "find the author", `{"type":"object"}`
	f.ContentType, f.ExpiresAt = "application/pdf", now().Add(time.Hour)
	f.Settled = &satchel.Standing{
		Status: satchel.StatusError, Details: "as it was", Failure: &satchel.Failure{Code: satchel.CodeDocumentBroken, Message: "a \"quote\""},
	}
	f.Document = &satchel.Document{
		Pages: 3, Characters: 1 << 40, Format: "pdf", Title: "Über <alles> & \x00mehr", Author: "A\nB", Language: "de-AT", Created: now().AddDate(-9, 0, 0),
		Modified: now(), Width: 640, Height: 480, Properties: map[string]string{"Producer": "x", "": "ü"},
	}
	return f
}

func comeBack(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	full, bare, looked := fullFile(scope), newFile(scope, "", `{}`), newFile(scope, "looked.bin", `{}`)
	bare.Content.Size = 0
	looked.Settled, looked.Document = &satchel.Standing{}, &satchel.Document{} // somebody has looked, and found nothing
	full.Text = newText("text")
	wantFull(t, *full.Document)
	insert(t, s, full, bare, looked)
	for _, want := range []*satchel.File{full, bare, looked} {
		got, err := s.File(t.Context(), scope, want.ID)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("stored\n%+v\ncame back as\n%+v", want, got)
		}
	}
	page, err := s.Files(t.Context(), scope, satchel.Query{Limit: 10}, now())
	must(t, err)
	if !reflect.DeepEqual(page.Files, []*satchel.File{looked, bare, full}) || page.More {
		t.Errorf("the list has %+v", page)
	}
	for what, alter := range map[string]func(again *satchel.File, id satchel.FileID){
		"the same id again":   func(again *satchel.File, _ satchel.FileID) { again.Content.ID = satchel.NewBlobID(now()) },
		"the same blob again": func(again *satchel.File, id satchel.FileID) { again.ID = id },
	} {
		err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			again := *full
			alter(&again, nextID(ctx, tx))
			return tx.InsertFile(ctx, scope, &again, changeOf(&again))
		})
		wantCode(t, what, err, satchel.CodeConflict)
	}
	must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		later := newFile(scope, "later.txt", `{}`)
		later.ID, later.MetadataVersion = nextID(ctx, tx), 2
		if err := tx.InsertFile(ctx, scope, later, changeOf(later)); err == nil {
			t.Error("a new file with metadata version 2 is taken")
		}
		return nil
	}))
}

// edit stores what change makes of a file as it is now, and gives the file before and after.
func edit(tb testing.TB, s meta.Store, scope satchel.Scope, id satchel.FileID, change func(*satchel.File)) (before, after *satchel.File) {
	tb.Helper()
	must(tb, s.InTx(tb.Context(), func(ctx context.Context, tx meta.Tx) error {
		var err error
		if before, err = tx.File(ctx, scope, id); err != nil {
			return err
		}
		copied := *before
		after = &copied
		after.Version++
		change(after)
		if after.Metadata != before.Metadata {
			after.MetadataVersion = before.MetadataVersion + 1
		}
		return tx.UpdateFile(ctx, scope, before, after, satchel.Change{User: scope.User, At: now(), Edit: after.Metadata.String(), Replace: true})
	}))
	return before, after
}

func update(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f, other := newFile(scope, "before.txt", `{"k":"old","keep":1}`), newFile(scope, "other.txt", `{"k":"old"}`)
	insert(t, s, f, other)
	_, want := edit(t, s, scope, f.ID, func(f *satchel.File) {
		full := fullFile(scope)
		full.ID, full.Version, full.Content, full.Text = f.ID, f.Version, f.Content, newText("text")
		wantFull(t, *full)
		*f = *full
	})
	got, err := s.File(t.Context(), scope, f.ID)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("updated to\n%+v\ncame back as\n%+v", want, got)
	}
	_, _ = edit(t, s, scope, f.ID, func(f *satchel.File) { f.Filename, f.Purpose = "after.txt", satchel.PurposeBatch })
	_, _ = edit(t, s, scope, f.ID, func(f *satchel.File) {
		f.Metadata, f.ExpiresAt, f.Failure = mustMetadata(`{"k":"new"}`), time.Time{}, nil
		f.Settled, f.Document = nil, nil
	})
	if got, err = s.File(t.Context(), scope, f.ID); err != nil || got.Settled != nil || got.Document != nil || got.Failure != nil {
		t.Errorf("without what can be left out it came back as %+v, %v", got, err)
	}
	for _, c := range []struct {
		query satchel.Query
		want  []satchel.FileID
	}{
		{satchel.Query{Filename: "before.txt"}, nil},
		{satchel.Query{Filename: "after.txt"}, []satchel.FileID{f.ID}},
		{satchel.Query{Purpose: satchel.PurposeBatch}, []satchel.FileID{f.ID}},
		{satchel.Query{Purpose: satchel.PurposeVision}, nil},
		{where("k", "old"), []satchel.FileID{other.ID}},
		{where("k", "new"), []satchel.FileID{f.ID}},
		{satchel.Query{SHA256: &f.Content.SHA256}, []satchel.FileID{f.ID}},
	} {
		wantFiles(t, s, scope, c.query, c.want)
	}
}

func mustMetadata(text string) satchel.Metadata {
	m, err := satchel.ParseMetadata([]byte(text))
	if err != nil {
		panic(err)
	}
	return m
}

func where(key string, value any) satchel.Query {
	return satchel.Query{Metadata: []satchel.Condition{{Path: []string{key}, Value: value}}}
}

// wantFiles checks what a query gives, newest first.
func wantFiles(tb testing.TB, s meta.FileReader, scope satchel.Scope, q satchel.Query, want []satchel.FileID) {
	tb.Helper()
	if q.Limit == 0 {
		q.Limit = 10_000
	}
	page, err := s.Files(tb.Context(), scope, q, now())
	must(tb, err)
	if got := idsOf(page.Files); !reflect.DeepEqual(got, append([]satchel.FileID{}, want...)) || page.More {
		tb.Errorf("%+v gives %v (more: %v), want %v", q, got, page.More, want)
	}
}

func staleUpdate(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f := newFile(scope, "f.txt", `{}`)
	insert(t, s, f)
	stale, changed := edit(t, s, scope, f.ID, func(f *satchel.File) { f.StatusDetails = "first" })
	lost := *stale
	lost.Version++
	lost.Filename = "lost.txt"
	err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateFile(ctx, scope, stale, &lost, changeOf(&lost))
	})
	if !errors.Is(err, meta.ErrChanged) {
		t.Errorf("an update of an old state: %v, want ErrChanged", err)
	}
	got, err := s.File(t.Context(), scope, f.ID)
	must(t, err)
	if !reflect.DeepEqual(got, changed) {
		t.Errorf("the file became %+v, want %+v", got, changed)
	}
	wantFiles(t, s, scope, satchel.Query{Filename: "lost.txt"}, nil)
	must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, f.ID, now()) }))
	next := *changed
	next.Version++
	err = s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateFile(ctx, scope, changed, &next, changeOf(&next))
	})
	if !errors.Is(err, meta.ErrChanged) {
		t.Errorf("an update of a deleted file: %v, want ErrChanged", err)
	}
}

func remove(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	f, other := newFile(scope, "f.txt", `{"k":["v",{"deep":1}]}`), newFile(scope, "g.txt", `{"k":["v",{"deep":1}]}`)
	insert(t, o.Store, f, other)
	removeOne := func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, f.ID, now()) }
	must(t, o.Store.InTx(t.Context(), removeOne))
	_, err := o.Store.File(t.Context(), scope, f.ID)
	wantCode(t, "reading a deleted file", err, satchel.CodeNotFound)
	wantCode(t, "deleting it again", o.Store.InTx(t.Context(), removeOne), satchel.CodeNotFound)
	wantFiles(t, o.Store, scope, satchel.Query{}, []satchel.FileID{other.ID})
	wantFiles(t, o.Store, scope, satchel.Query{Filename: "f.txt"}, nil)
	wantFiles(t, o.Store, scope, where("k", "v"), []satchel.FileID{other.ID})
	doomed, err := o.System.DoomedBlobs(t.Context(), 10)
	must(t, err)
	if !reflect.DeepEqual(doomed, []satchel.BlobID{f.Content.ID}) {
		t.Errorf("doomed are %v, want the content of the deleted file alone", doomed)
	}
}

func idempotentCreate(t *testing.T, o Opened) {
	scope := scopeOf("a", "default")
	put := func(scope satchel.Scope, c meta.IdempotentCreate, expiredBefore time.Time) error {
		return o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			return tx.InsertIdempotentCreate(ctx, scope, c, expiredBefore)
		})
	}
	first := meta.IdempotentCreate{Key: "key", Fingerprint: [32]byte{1}, Files: []satchel.FileID{"file-1", "file-2"}, CreatedAt: now()}
	_, err := o.Store.IdempotentCreate(t.Context(), scope, "key")
	wantCode(t, "a key that was never used", err, satchel.CodeNotFound)
	must(t, put(scope, first, now().Add(-24*time.Hour)))
	second := meta.IdempotentCreate{Key: "key", Fingerprint: [32]byte{2}, Files: []satchel.FileID{"file-3"}, CreatedAt: now().Add(time.Hour)}
	wantCode(t, "the key again", put(scope, second, now()), satchel.CodeConflict) // stored at, not before
	otherUser, otherWorkspace, otherOrg := scope, scopeOf("a", "other"), scopeOf("b", "default")
	otherUser.User = "user-2"
	got, err := o.Store.IdempotentCreate(t.Context(), otherWorkspace, "key")
	must(t, err)
	if !reflect.DeepEqual(*got, first) {
		t.Errorf("stored %+v came back as %+v", first, *got)
	}
	for _, foreign := range []satchel.Scope{otherUser, otherOrg} {
		_, err := o.Store.IdempotentCreate(t.Context(), foreign, "key")
		wantCode(t, "somebody else's key", err, satchel.CodeNotFound)
		must(t, put(foreign, second, now()))
	}
	must(t, put(scope, second, now().Add(time.Microsecond)))
	got, err = o.Store.IdempotentCreate(t.Context(), scope, "key")
	must(t, err)
	if !reflect.DeepEqual(*got, second) {
		t.Errorf("replaced by %+v came back as %+v", second, *got)
	}
}
