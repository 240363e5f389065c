package files_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// world is a Service on real stores, with a clock that tests turn.
type world struct {
	*files.Service
	rows  *sqlstore.Store
	disk  *diskblob.Store
	clock *metatest.Clock
	scope satchel.Scope
	path  string // of the database
}

func newWorld(t *testing.T) *world {
	t.Helper()
	c := metatest.NewClock()
	path := metatest.Fresh(t, sqlstore.Create)
	rows, err := sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: path, Now: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	disk, err := diskblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	w := &world{path: path, rows: rows.Store, disk: disk, clock: c}
	w.scope = metatest.Tenant(t, rows)
	w.Service = w.service(false)
	return w
}

// service gives a Service on the world's stores, with or without a language model.
func (w *world) service(model bool) *files.Service {
	return files.New(files.Config{Store: w.rows, Vault: blob.NewVault(w.disk, blob.Options{}), Now: w.clock.Now, Model: model})
}

// begin starts an upload of about size bytes.
func (w *world) begin(t *testing.T, size int64) *files.Upload {
	t.Helper()
	upload, err := w.NewUpload(t.Context(), w.scope, size, "")
	if err != nil {
		t.Fatal(err)
	}
	return upload
}

// put creates one file under an idempotency key, "" for none.
func (w *world) put(t *testing.T, key, content string, fields files.Fields) (*satchel.File, error) {
	t.Helper()
	upload := w.begin(t, -1)
	defer func() {
		if err := upload.Discard(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := upload.Add(t.Context(), "a.txt", "", strings.NewReader(content)); err != nil {
		t.Fatal(err)
	}
	terms, err := fields.Check()
	if err != nil {
		t.Fatal(err)
	}
	made, err := w.Create(t.Context(), w.scope, upload, terms, key)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}

func (w *world) mustPut(t *testing.T, content string, fields files.Fields) *satchel.File {
	t.Helper()
	file, err := w.put(t, "", content, fields)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (w *world) objects(t *testing.T) (n int) {
	t.Helper()
	if err := w.disk.List(t.Context(), "", func(blob.Entry) error { n++; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
}

func seconds(n int64) files.Expiry {
	anchor := "created_at"
	return files.Expiry{Anchor: &anchor, Seconds: &n}
}

func wantCode(t *testing.T, err error, code satchel.Code) {
	t.Helper()
	if got := satchel.CodeOf(err); got != code {
		t.Errorf("code %q, want %q (%v)", got, code, err)
	}
}

func TestAFileIsGoneWhenItsTimeIsOver(t *testing.T) {
	w := newWorld(t)
	short := w.mustPut(t, "short", files.Fields{Expiry: seconds(3600)})
	long := w.mustPut(t, "long", files.Fields{Expiry: seconds(7200)})
	if want := short.CreatedAt().Add(time.Hour); !short.ExpiresAt.Equal(want) {
		t.Errorf("expires %v, want %v", short.ExpiresAt, want)
	}

	w.clock.Advance(time.Hour)
	_, err := w.File(t.Context(), w.scope, string(short.ID))
	wantCode(t, err, satchel.CodeNotFound)
	_, _, err = w.Content(t.Context(), w.scope, string(short.ID))
	wantCode(t, err, satchel.CodeNotFound)
	page, err := w.List(t.Context(), w.scope, satchel.Query{Limit: 10})
	if err != nil || len(page.Files) != 1 || page.Files[0].ID != long.ID {
		t.Errorf("listed %v, %v; want the long one alone", page.Files, err)
	}
	wantCode(t, w.Delete(t.Context(), w.scope, string(short.ID)), satchel.CodeNotFound)

	for _, want := range []int{1, 0} {
		if n, err := w.Expire(t.Context(), w.rows); n != want || err != nil {
			t.Errorf("expired %d, %v; want %d", n, err, want)
		}
	}
	if n, err := w.rows.CountFiles(t.Context()); n != 1 || err != nil {
		t.Errorf("%d rows, %v; want 1", n, err)
	}
}

func TestExpiryCanBeMoved(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{Expiry: seconds(3600)})
	w.clock.Advance(30 * time.Minute)
	longer := seconds(7200)
	after, err := w.Update(t.Context(), w.scope, string(file.ID), files.Update{Expiry: &longer})
	if err != nil || !after.ExpiresAt.Equal(file.CreatedAt().Add(2*time.Hour)) {
		t.Fatalf("expires %v, %v", after, err)
	}
	w.clock.Advance(75 * time.Minute)
	past := seconds(3600)
	_, err = w.Update(t.Context(), w.scope, string(file.ID), files.Update{Expiry: &past})
	wantCode(t, err, satchel.CodeOutOfRange)
	if after, err = w.Update(t.Context(), w.scope, string(file.ID), files.Update{Never: true}); err != nil || !after.ExpiresAt.IsZero() {
		t.Fatalf("expires %v, %v", after, err)
	}
	w.clock.Advance(1000 * time.Hour)
	if n, err := w.Expire(t.Context(), w.rows); n != 0 || err != nil {
		t.Errorf("expired %d, %v; want none", n, err)
	}
}

func TestMoreFilesExpireThanOneTransactionTakes(t *testing.T) {
	w := newWorld(t)
	for range 101 {
		w.mustPut(t, "x", files.Fields{Expiry: seconds(3600)})
	}
	w.clock.Advance(2 * time.Hour)
	if n, err := w.Expire(t.Context(), w.rows); n != 101 || err != nil {
		t.Errorf("expired %d, %v; want 101", n, err)
	}
}

// TestAWorkspaceThatGoes takes its files with it, and whatever comes too late.
func TestAWorkspaceThatGoes(t *testing.T) {
	w := newWorld(t)
	kept := w.mustPut(t, "kept", files.Fields{})
	w.scope.Workspace, w.scope.Fresh = "lab", true
	for range 101 {
		w.mustPut(t, "x", files.Fields{Expiry: seconds(3600)})
	}
	w.scope.Fresh = false
	w.clock.Advance(2 * time.Hour) // they are over, and still there
	doom := func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateWorkspace(ctx, satchel.Workspace{Org: w.scope.Org, ID: "lab", Doomed: w.clock.Now()})
	}
	if err := w.rows.InTx(t.Context(), doom); err != nil {
		t.Fatal(err)
	}
	_, err := w.put(t, "", "late", files.Fields{})
	wantCode(t, err, satchel.CodeNotFound)
	if n, err := w.Clear(t.Context(), w.rows); n != 101 || err != nil {
		t.Errorf("cleared %d, %v; want 101", n, err)
	}
	if n, err := w.Clear(t.Context(), w.rows); n != 0 || err != nil {
		t.Errorf("cleared %d again, %v", n, err)
	}
	want := []string{`clearWorkspace server {"files":100}`, `clearWorkspace server {"files":1}`, `clearWorkspace server {"gone":true}`}
	if got := w.recorded(t); len(got) < len(want) || !slices.Equal(got[len(got)-len(want):], want) {
		t.Errorf("recorded are %q, want %q in the end", got, want)
	}
	_, err = w.rows.Workspace(t.Context(), w.scope.Org, "lab")
	wantCode(t, err, satchel.CodeNotFound)
	w.scope.Workspace = satchel.DefaultWorkspace
	if _, err := w.File(t.Context(), w.scope, string(kept.ID)); err != nil {
		t.Errorf("a file elsewhere: %v", err)
	}
}

// TestWhoLeftMakesNoWorkspace: an upload can take hours, and its user, or the whole organization, be gone when it ends.
func TestWhoLeftMakesNoWorkspace(t *testing.T) {
	w := newWorld(t)
	w.scope.Workspace, w.scope.Fresh = "lab", true
	leave := func(ctx context.Context, tx meta.Tx) error { return tx.DeleteMember(ctx, w.scope.Org, w.scope.User) }
	if err := w.rows.InTx(t.Context(), leave); err != nil {
		t.Fatal(err)
	}
	_, err := w.put(t, "", "late", files.Fields{})
	wantCode(t, err, satchel.CodeForbidden)
	_, err = w.rows.Workspace(t.Context(), w.scope.Org, "lab")
	wantCode(t, err, satchel.CodeNotFound)
}

// TestWhoLeftUploadsNothing: between the last question and the commit a place, a role or the freedom to write can be taken away, too.
func TestWhoLeftUploadsNothing(t *testing.T) {
	leave := func(ctx context.Context, tx meta.Tx, w *world) error {
		return tx.DeleteMember(ctx, w.scope.Org, w.scope.User)
	}
	confine := func(ctx context.Context, tx meta.Tx, w *world) error {
		return tx.UpdateMember(ctx, satchel.Member{Org: w.scope.Org, User: w.scope.User, Name: "ann", Role: satchel.RoleMember, Confined: true})
	}
	for name, c := range map[string]struct {
		anywhere bool
		lose     func(ctx context.Context, tx meta.Tx, w *world) error
		want     satchel.Code
	}{
		"a member leaves":                  {false, leave, satchel.CodeForbidden},
		"an owner leaves":                  {true, leave, satchel.CodeForbidden},
		"a member is confined":             {false, confine, satchel.CodeWorkspaceForbidden},
		"an owner is demoted and confined": {true, confine, satchel.CodeWorkspaceForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.scope.Anywhere = c.anywhere
			upload := w.begin(t, -1)
			defer func() { _ = upload.Discard(context.WithoutCancel(t.Context())) }()
			if err := upload.Add(t.Context(), "a.txt", "", strings.NewReader("late")); err != nil {
				t.Fatal(err)
			}
			upload.AskLast(func(ctx context.Context) error {
				return w.rows.InTx(ctx, func(ctx context.Context, tx meta.Tx) error { return c.lose(ctx, tx, w) })
			})
			terms, err := files.Fields{}.Check()
			if err != nil {
				t.Fatal(err)
			}
			_, err = w.Create(t.Context(), w.scope, upload, terms, "")
			wantCode(t, err, c.want)
		})
	}
}

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	first, err := w.put(t, "key", "content", files.Fields{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.put(t, "key", "content", files.Fields{})
	if err != nil || again.ID != first.ID || w.objects(t) != 1 {
		t.Fatalf("the same again gave %v, %v, with %d objects", again, err, w.objects(t))
	}
	_, err = w.put(t, "key", "other content", files.Fields{})
	wantCode(t, err, satchel.CodeIdempotencyReused)
	_, err = w.put(t, "key", "content", files.Fields{Purpose: "evals"})
	wantCode(t, err, satchel.CodeIdempotencyReused)
	if n := w.objects(t); n != 1 {
		t.Errorf("%d objects after refused uploads, want 1", n)
	}

	w.clock.Advance(files.IdempotencyWindow + time.Second)
	later, err := w.put(t, "key", "other content", files.Fields{})
	if err != nil || later.ID == first.ID {
		t.Fatalf("a day later: %v, %v", later, err)
	}
	if err := w.Delete(t.Context(), w.scope, string(later.ID)); err != nil {
		t.Fatal(err)
	}
	_, err = w.put(t, "key", "other content", files.Fields{})
	wantCode(t, err, satchel.CodeIdempotencyUsed)
}

func TestTwoAtOnceWithOneKeyMakeOneFile(t *testing.T) {
	w := newWorld(t)
	ids := make(chan satchel.FileID, 8)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			file, err := w.put(t, "key", "content", files.Fields{})
			if err != nil {
				t.Error(err)
				return
			}
			ids <- file.ID
		})
	}
	wg.Wait()
	close(ids)
	first := <-ids
	for id := range ids {
		if id != first {
			t.Errorf("%s and %s", first, id)
		}
	}
	if n := w.objects(t); n != 1 {
		t.Errorf("%d objects, want 1", n)
	}
}

func TestNothingIsLeftOfAnUploadThatWasNotCreated(t *testing.T) {
	w := newWorld(t)
	upload := w.begin(t, -1)
	for range 3 {
		if err := upload.Add(t.Context(), "a.txt", "", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	broken := errors.New("the client went away")
	if err := upload.Add(t.Context(), "b.txt", "", io.MultiReader(strings.NewReader("y"), errorReader{broken})); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	if err := upload.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.objects(t); n != 0 {
		t.Errorf("%d objects are left", n)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

func TestAReaderChangesNothing(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	viewer := w.scope
	viewer.Access = satchel.AccessViewer
	name := "b.txt"
	patch, err := satchel.ParsePatch([]byte(`{"a":1}`))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Update(t.Context(), viewer, string(file.ID), files.Update{Filename: &name})
	wantCode(t, err, satchel.CodeReadOnly)
	_, _, err = w.UpdateMetadata(t.Context(), viewer, string(file.ID), files.MetadataUpdate{Patch: patch})
	wantCode(t, err, satchel.CodeReadOnly)
	wantCode(t, w.Delete(t.Context(), viewer, string(file.ID)), satchel.CodeReadOnly)
	_, err = w.Create(t.Context(), viewer, w.begin(t, -1), files.Terms{}, "")
	wantCode(t, err, satchel.CodeReadOnly)
	for _, zero := range []satchel.Scope{{}, {Org: "org-1"}} {
		if err := w.Delete(t.Context(), zero, string(file.ID)); !errors.Is(err, satchel.ErrNoScope) {
			t.Errorf("a scope without a tenant: %v", err)
		}
	}
}

func TestAChangeThatChangesNothingLeavesNoTrace(t *testing.T) {
	w := newWorld(t)
	patch := func(text string) satchel.Patch {
		p, err := satchel.ParsePatch([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	file := w.mustPut(t, "x", files.Fields{Metadata: patch(`{"a":1}`)})
	w.clock.Advance(time.Minute)
	same, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patch(`{"a":1,"b":null}`)})
	if err != nil || same.Version != 1 || !same.UpdatedAt.Equal(file.UpdatedAt) {
		t.Errorf("%+v, %v", same, err)
	}
	changed, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patch(`{"b":2}`), Replace: true})
	if err != nil || changed.Version != 2 || changed.Metadata.String() != `{"b":2}` || !changed.UpdatedAt.Equal(w.clock.Now()) {
		t.Errorf("%+v, %v", changed, err)
	}
}

// Content that is not as long as its row says is an error: nobody may take a part for the whole.
func TestDamagedContentIsNotServed(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "whole", files.Fields{})
	if err := w.disk.Delete(t.Context(), blob.Key(file.Content.ID)); err != nil {
		t.Fatal(err)
	}
	_, _, err := w.Content(t.Context(), w.scope, string(file.ID))
	wantCode(t, err, satchel.CodeInternal)
	shorter, err := w.disk.Create(t.Context(), blob.Key(file.Content.ID))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := shorter.Write([]byte("who")); err != nil {
		t.Fatal(err)
	}
	if err := shorter.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, _, err = w.Content(t.Context(), w.scope, string(file.ID))
	wantCode(t, err, satchel.CodeInternal)
}

func TestInstructionsWithoutAModel(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{Instructions: "find the author"})
	if file.Status != satchel.StatusUploaded || file.Failure != nil || file.Instructions != "find the author" {
		t.Errorf("%+v", file)
	}
	p, err := satchel.ParsePatch([]byte(`{"a":1,"instructions":"rename a to b"}`))
	if err != nil {
		t.Fatal(err)
	}
	instructions, err := files.TakeInstructions(p)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: p, Instructions: instructions})
	wantCode(t, err, satchel.CodeModelNotConfigured)
	if after, err := w.File(t.Context(), w.scope, string(file.ID)); err != nil || after.Metadata.String() != "{}" || after.Version != 1 {
		t.Errorf("%+v, %v", after, err)
	}
}

func TestContentTypes(t *testing.T) {
	w := newWorld(t)
	png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 64)...)
	for _, c := range []struct {
		name, declared string
		content        []byte
		want           string
	}{
		{"a.pdf", "application/octet-stream", []byte("%PDF-1.7\n%âã\n"), "application/pdf"},
		{"a.txt", "text/plain", png, "image/png"},
		{"notes.md", "application/octet-stream", []byte("# Title\n\ntext"), "text/markdown"},
		{"t.csv", "", []byte("a,b\n1,2\n3,4\n"), "text/csv"},
		{"a.png", "image/png", []byte("just text"), "text/plain"},
		{"a.txt", "image/png", []byte("just text"), "text/plain"},
		{"x.json", "", []byte(`{"a":1}`), "application/json"},
		{"page", "", []byte("<!DOCTYPE html><html><body>x</body></html>"), "text/html"},
		{"data.bin", "application/x-custom", []byte{0, 1, 2, 3, 0xff}, "application/x-custom"},
		{"data.bin", "text/html", []byte{0, 1, 2, 3, 0xff}, "application/octet-stream"},
		{"empty", "", nil, "application/octet-stream"},
		{"empty.md", "", nil, "text/markdown"},
	} {
		upload := w.begin(t, -1)
		if err := upload.Add(t.Context(), c.name, c.declared, bytes.NewReader(c.content)); err != nil {
			t.Fatal(err)
		}
		terms, _ := files.Fields{}.Check()
		made, err := w.Create(t.Context(), w.scope, upload, terms, "")
		if err != nil || made[0].ContentType != c.want {
			t.Errorf("%s (%q) is %s, want %s (%v)", c.name, c.declared, made[0].ContentType, c.want, err)
		}
	}
}

func TestParseFilename(t *testing.T) {
	for sent, want := range map[string]string{
		"logic.pdf": "logic.pdf", "/etc/passwd": "passwd", `C:\docs\a.txt`: "a.txt", "../../x": "x", "ملف 📄.pdf": "ملف 📄.pdf",
		"a\x00b\n\u0085c": "abc", " a ": " a ", strings.Repeat("x", 1024): strings.Repeat("x", 1024),
	} {
		if got, err := files.ParseFilename(sent); got != want || err != nil {
			t.Errorf("%q became %q, %v; want %q", sent, got, err, want)
		}
	}
	for _, sent := range []string{"", "dir/", "..", ".", "\x01", "a/..", " ", "\xff", strings.Repeat("x", 1025)} {
		if got, err := files.ParseFilename(sent); err == nil {
			t.Errorf("%q became %q", sent, got)
		}
	}
}
