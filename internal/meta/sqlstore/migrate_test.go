package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// nextVersion is the migrations of this program and one more.
func nextVersion(t *testing.T) fs.FS {
	t.Helper()
	all := fstest.MapFS{"99999_next.sql": {Data: []byte("-- +goose Up\nCREATE TABLE next (id TEXT);\n")}}
	for _, name := range sqlFiles(t) {
		all[filepath.Base(name)] = &fstest.MapFile{Data: sqlFile(t, name)}
	}
	return all
}

func sqlFiles(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(sqliteMigrations, "migrations/sqlite/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("the migrations are %v, %v", names, err)
	}
	return names
}

func sqlFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := sqliteMigrations.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// migrated brings the database at path to the next version.
func migrated(t *testing.T, path string) {
	t.Helper()
	migratedBy(t, path, nextVersion(t), sqliteGoMigrations()...)
}

// migratedBy brings the database at path to the version that the migrations lead to.
func migratedBy(t *testing.T, path string, folder fs.FS, others ...*goose.Migration) {
	t.Helper()
	file, err := openSQLiteFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Now: now, Logger: slog.New(slog.DiscardHandler)}
	if err := errors.Join(file.migrateBy(t.Context(), options, folder, others...), file.close()); err != nil {
		t.Fatal(err)
	}
}

func TestOlderDatabaseIsCopiedFirst(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "satchel.db")
	s, err := OpenSQLite(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	var id satchel.FileID
	if err := errors.Join(s.InTx(t.Context(), insertOne(0, &id)), s.Close()); err != nil {
		t.Fatal(err)
	}
	if copies := copiesIn(t, dir); len(copies) != 0 {
		t.Errorf("a fresh database was copied: %v", copies)
	}
	migrated(t, path)
	copies := copiesIn(t, dir)
	if len(copies) != 1 || filepath.Base(copies[0]) != "satchel.db.before-v99999-20261123T120000Z" {
		t.Fatalf("the copies are %v", copies)
	}
	migrated(t, path) // nothing to do, so no copy, which could not be made: its name is taken
	before := openTest(t, Options{Path: copies[0]})
	wantStored(t, before, id, true)
}

func copiesIn(t *testing.T, dir string) []string {
	t.Helper()
	copies, err := filepath.Glob(filepath.Join(dir, "*.before-*"))
	if err != nil {
		t.Fatal(err)
	}
	return copies
}

func TestNewerDatabaseIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "satchel.db")
	migrated(t, path)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), Options{Path: path}); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("opening it: %v, want ErrNewerSchema", err)
	}
	if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
		t.Errorf("it was changed, or is gone: %v", err)
	}
}

// The database of 0.1.0 that TestFirstSchemaIsMigrated makes: three files with one, three and two versions. seq was then the version of the
// file's row, so that it has gaps; the rows of the oldest file were changed more often than its metadata.
const firstRows = `
INSERT INTO files (id, org_id, workspace_id, user_id, filename, purpose, status, status_details, failure_code, failure_message, content_type,
		content_blob_id, bytes, sha256, version, expires_at, updated_at, metadata, instructions, schema) VALUES
	('file-a', 'org-1', 'default', 'user-1', 'a.txt', 'user_data', 'processed', '', '', '', 'text/plain', 'blob-a', 1, zeroblob(32), 4, NULL, 4000000,
		'{"kept":1,"n":2}', 'find it', '{"type":"object"}'),
	('file-b', 'org-1', 'default', 'user-1', 'b.txt', 'user_data', 'error', 'broken', 'document_broken', 'it is', 'text/plain', 'blob-b', 1, zeroblob(32),
		6, 9000000, 6000000, '{"big":1e401}', '', ''),
	('file-c', 'org-2', 'lab', 'user-2', 'c.txt', 'vision', 'processed', '', '', '', 'image/png', 'blob-c', 1, zeroblob(32), 1, NULL, 1000000, '{}', '', '');
INSERT INTO versions (org_id, workspace_id, file_id, seq, at, user_id, edit, replaces, before) VALUES
	('org-1', 'default', 'file-a', 1, 1000000, 'user-1', '{"n":1}', 1, ''),
	('org-1', 'default', 'file-a', 4, 4000000, 'user-2', '{"kept":1,"n":2}', 0, '{"kept":1,"n":1}'),
	('org-1', 'default', 'file-b', 1, 1000000, 'user-1', '{}', 1, ''),
	('org-1', 'default', 'file-b', 2, 2000000, 'user-1', '{"big":1e400}', 0, '{}'),
	('org-1', 'default', 'file-b', 6, 6000000, 'user-1', '{"big":1e401}', 0, '{"big":1e400}'),
	('org-2', 'lab', 'file-c', 1, 1000000, 'user-2', '{}', 1, '');
INSERT INTO orgs (id, name, created_at) VALUES ('org-1', 'acme', 1000000);
INSERT INTO users (id, name, created_at) VALUES ('user-1', 'ann', 1000000), ('user-2', 'bob', 2000000);
INSERT INTO members (org_id, user_id, role) VALUES ('org-1', 'user-1', 'owner'), ('org-1', 'user-2', 'member'), ('org-2', 'user-2', 'admin');
INSERT INTO workspaces (org_id, id, created_at) VALUES ('org-1', 'default', 1000000), ('org-1', 'lab', 1000000);
INSERT INTO workspace_members (org_id, workspace_id, user_id, access) VALUES ('org-1', 'lab', 'user-2', 'viewer');
INSERT INTO tokens (id, hash, org_id, user_id, role, operator, workspace_id, access, created_at) VALUES
	('tok-1', x'0100000000000000000000000000000000000000000000000000000000000000', 'org-1', 'user-1', 'owner', 1, '', '', 1000000),
	('tok-2', x'0200000000000000000000000000000000000000000000000000000000000000', 'org-1', 'user-2', 'member', 0, 'lab', 'writer', 2000000),
	('tok-3', x'0300000000000000000000000000000000000000000000000000000000000000', 'org-1', 'user-2', 'member', 0, 'lab', 'viewer', 3000000);`

// TestFirstSchemaIsMigrated opens a database that the first release wrote.
func TestFirstSchemaIsMigrated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "satchel.db")
	first := fstest.MapFS{"00001_first.sql": {Data: sqlFile(t, "migrations/sqlite/00001_first.sql")}}
	migratedBy(t, path, first)
	old, err := openSQLiteFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = old.write.Exec(firstRows)
	if err := errors.Join(err, old.close()); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), Options{Path: path, KeepSchema: true}); !errors.Is(err, ErrOlderSchema) {
		t.Errorf("beside a server of the first release: %v, want ErrOlderSchema", err)
	}
	s := openTest(t, Options{Path: path})
	if copies := copiesIn(t, filepath.Dir(path)); len(copies) != 1 {
		t.Errorf("the copies are %v, want one", copies)
	}
	wantFirstFiles(t, s)
	wantFirstVersions(t, s)
	wantFirstPeople(t, s)
	if wrong, err := s.RecountUsage(t.Context(), false); err != nil || len(wrong) != 0 {
		t.Errorf("what is used was not counted: %+v, %v", wrong, err)
	}
	if entries, err := s.Audit(t.Context(), "org-1", satchel.AuditQuery{Limit: 10}); err != nil || len(entries) > 0 {
		t.Errorf("the audit has %v, %v", entries, err)
	}
	var id satchel.FileID
	if err := s.InTx(t.Context(), insertOne(0, &id)); err != nil {
		t.Errorf("a new file: %v", err)
	}
}

func wantFirstFiles(t *testing.T, s *SQLite) {
	t.Helper()
	b := &satchel.File{
		ID: "file-b", Org: "org-1", Workspace: "default", User: "user-1", Filename: "b.txt", Purpose: satchel.PurposeUserData, Status: satchel.StatusError,
		StatusDetails: "broken", Failure: &satchel.Failure{Code: satchel.CodeDocumentBroken, Message: "it is"}, ContentType: "text/plain",
		Metadata: satchel.StoredMetadata(`{"big":1e401}`), Content: satchel.Blob{ID: "blob-b", Size: 1}, ExpiresAt: time.Unix(9, 0).UTC(),
		UpdatedAt: time.Unix(6, 0).UTC(), Version: 6, MetadataVersion: 3,
	}
	a := &satchel.File{
		ID: "file-a", Org: "org-1", Workspace: "default", User: "user-1", Filename: "a.txt", Purpose: satchel.PurposeUserData,
		Status: satchel.StatusProcessed, Metadata: satchel.StoredMetadata(`{"kept":1,"n":2}`), Instructions: "find it", Schema: `{"type":"object"}`,
		ContentType: "text/plain", Content: satchel.Blob{ID: "blob-a", Size: 1}, UpdatedAt: time.Unix(4, 0).UTC(), Version: 4, MetadataVersion: 2,
	}
	page, err := s.Files(t.Context(), testScope(), satchel.Query{Limit: 10, Ascending: true}, time.Unix(1, 0))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]*satchel.File{a, b}, page.Files, cmp.AllowUnexported(satchel.Metadata{})); diff != "" {
		t.Errorf("the files are not as they were:\n%s", diff)
	}
	failed, err := s.FailedFiles(t.Context(), satchel.CodeDocumentBroken, "", 10)
	if err != nil || len(failed) != 1 || failed[0].ID != "file-b" {
		t.Errorf("failed are %v, %v; want file-b", failed, err)
	}
}

func wantFirstPeople(t *testing.T, s *SQLite) {
	t.Helper()
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	members, err := s.Members(t.Context(), "org-1", satchel.Slice{Limit: 10})
	want := []satchel.Member{
		{Org: "org-1", User: "user-1", Name: "ann", Role: satchel.RoleOwner, CreatedAt: at(1)},
		{Org: "org-1", User: "user-2", Name: "bob", Role: satchel.RoleMember, CreatedAt: at(2)},
	}
	if diff := cmp.Diff(want, members); err != nil || diff != "" {
		t.Errorf("members, %v:\n%s", err, diff)
	}
	tokens, err := s.Tokens(t.Context(), "org-1")
	lab := []satchel.WorkspaceID{"lab"}
	wantTokens := []*satchel.Token{
		{ID: "tok-1", Hash: [32]byte{1}, Org: "org-1", User: "user-1", Role: satchel.RoleOwner, Operator: true, CreatedAt: at(1)},
		{ID: "tok-2", Hash: [32]byte{2}, Org: "org-1", User: "user-2", Role: satchel.RoleMember, Workspaces: lab, CreatedAt: at(2)},
		{ID: "tok-3", Hash: [32]byte{3}, Org: "org-1", User: "user-2", Role: satchel.RoleMember, Workspaces: lab, ReadOnly: true, CreatedAt: at(3)},
	}
	if diff := cmp.Diff(wantTokens, tokens); err != nil || diff != "" {
		t.Errorf("tokens, %v:\n%s", err, diff)
	}
	if _, access, err := s.WorkspaceAccess(t.Context(), "org-1", "lab", "user-2"); err != nil || access != satchel.AccessWriter { // which a token gave
		t.Errorf("access %q, %v", access, err)
	}
}

func wantFirstVersions(t *testing.T, s *SQLite) {
	t.Helper()
	at := func(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }
	type states struct{ before, after string }
	for _, c := range []struct {
		file     satchel.FileID
		versions []*satchel.Version
		states   []states // of the versions, oldest first
	}{
		{"file-a", []*satchel.Version{
			{Number: 2, Keys: []string{"n"}, Change: satchel.Change{User: "user-2", At: at(4), Edit: `{"kept":1,"n":2}`}},
			{Number: 1, Keys: []string{"kept", "n"}, Change: satchel.Change{User: "user-1", At: at(1), Edit: `{"n":1}`, Replace: true}},
		}, []states{{`{}`, `{"kept":1,"n":1}`}, {`{"kept":1,"n":1}`, `{"kept":1,"n":2}`}}},
		{"file-b", []*satchel.Version{
			{Number: 3, Keys: []string{"big"}, Change: satchel.Change{User: "user-1", At: at(6), Edit: `{"big":1e401}`}},
			{Number: 2, Keys: []string{"big"}, Change: satchel.Change{User: "user-1", At: at(2), Edit: `{"big":1e400}`}},
			{Number: 1, Keys: []string{}, Change: satchel.Change{User: "user-1", At: at(1), Edit: `{}`, Replace: true}},
		}, []states{{`{}`, `{}`}, {`{}`, `{"big":1e400}`}, {`{"big":1e400}`, `{"big":1e401}`}}},
	} {
		got, err := s.Versions(t.Context(), testScope(), c.file, 0, 10)
		if diff := cmp.Diff(c.versions, got); err != nil || diff != "" {
			t.Errorf("the versions of %s, %v:\n%s", c.file, err, diff)
		}
		for i, want := range c.states {
			before, after, err := s.VersionStates(t.Context(), testScope(), c.file, int64(i+1))
			if err != nil || before.String() != want.before || after.String() != want.after {
				t.Errorf("version %d of %s leads from %s to %s, %v; want from %s to %s", i+1, c.file, before, after, err, want.before, want.after)
			}
		}
	}
}

func TestNotADatabase(t *testing.T) {
	path := filepath.Join(t.TempDir(), "satchel.db")
	if err := os.WriteFile(path, []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSQLite(t.Context(), Options{Path: path}); err == nil {
		t.Error("a text file was opened")
	}
	if _, err := OpenSQLite(t.Context(), Options{Path: filepath.Join(t.TempDir(), "no", "folder", "satchel.db")}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// TestManyOpenAtOnce opens one new database many times at once, as several processes would, and writes through all of them.
func TestManyOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a folder with ?, % and #", "satchel.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	const stores = 6
	var all sync.WaitGroup
	for range stores {
		all.Go(func() {
			s, err := OpenSQLite(t.Context(), Options{Path: path})
			if err != nil {
				t.Error(err)
				return
			}
			for i := range 5 {
				if err := s.InTx(t.Context(), insertOne(i, new(satchel.FileID))); err != nil {
					t.Error(err)
				}
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s := openTest(t, Options{Path: path})
	if count, err := s.CountFiles(t.Context()); err != nil || count != stores*5 {
		t.Errorf("%d files are stored, %v; want %d", count, err, stores*5)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read the database: %v, %v", info, err)
	}
}

// TestSnapshot copies the database while it is written: the copy is the state at one moment.
func TestSnapshot(t *testing.T) {
	s := openTest(t, Options{})
	path := filepath.Join(t.TempDir(), "copy.db")
	ctx, stop := context.WithCancel(t.Context())
	started := make(chan struct{})
	var writing sync.WaitGroup
	writing.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_ = s.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
				return errors.Join(insertOne(i, new(satchel.FileID))(ctx, tx), insertOne(-i, new(satchel.FileID))(ctx, tx))
			})
			if i == 20 {
				close(started)
			}
		}
	})
	<-started
	if err := s.Snapshot(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	stop()
	writing.Wait()
	if err := s.Snapshot(t.Context(), path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("over a file that is there: %v, want fs.ErrExist", err)
	}
	again := openTest(t, Options{Path: path})
	count, err := again.CountFiles(t.Context())
	if err != nil || count < 40 || count%2 != 0 {
		t.Errorf("the copy has %d files, %v; want whole transactions, twenty at least", count, err)
	}
}

// TestScrub checks that nothing of a deleted file is left in the database's files.
func TestScrub(t *testing.T) {
	s := openTest(t, Options{})
	scope, secrets := testScope(), []string{"secret-value", "secret-name", "secret-status", "secret-edit"}
	f := testFile(scope, 0)
	f.Metadata, f.Filename, f.StatusDetails = satchel.StoredMetadata(`{"k":"secret-value"}`), "secret-name", "secret-status"
	if err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		f.ID = nextID(ctx, tx)
		return tx.InsertFile(ctx, scope, f, satchel.Change{Edit: "secret-edit"})
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.LoadFiles(t.Context(), scope, 100, func(i int) *satchel.File { return testFile(scope, i) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := leftIn(t, s.file.path, secrets); len(left) != len(secrets) {
		t.Errorf("only %v are found, so the test finds nothing", left)
	}
	if err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, f.ID, time.Now()) }); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := leftIn(t, s.file.path, secrets); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

// leftIn gives the words that stand somewhere in the database's files.
func leftIn(t *testing.T, path string, words []string) (left []string) {
	t.Helper()
	files, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data...)
	}
	for _, word := range words {
		if bytes.Contains(all, []byte(word)) {
			left = append(left, word)
		}
	}
	return left
}

// TestScrubWhileReading holds an old state: the scrub says that it could not, and nobody waits for long.
func TestScrubWhileReading(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.InTx(t.Context(), insertOne(0, new(satchel.FileID))); err != nil {
		t.Fatal(err)
	}
	reading, err := s.file.read.BeginTx(t.Context(), &sql.TxOptions{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := reading.QueryRow(countFiles).Scan(&n); err != nil {
		t.Fatal(err)
	}
	if err := s.InTx(t.Context(), insertOne(1, new(satchel.FileID))); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); satchel.CodeOf(err) != satchel.CodeUnavailable {
		t.Errorf("while somebody reads: %v, want CodeUnavailable", err)
	}
	if err := reading.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scrub(t.Context()); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
