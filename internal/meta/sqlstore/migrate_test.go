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

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// nextVersion is the migrations of this program and one more.
func nextVersion(t *testing.T) fs.FS {
	t.Helper()
	first, err := sqliteMigrations.ReadFile("migrations/sqlite/00001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{
		"00001_first.sql": {Data: first},
		"00002_next.sql":  {Data: []byte("-- +goose Up\nCREATE TABLE next (id TEXT);\n")},
	}
}

// migrated brings the database at path to the next version.
func migrated(t *testing.T, path string) {
	t.Helper()
	file, err := openSQLiteFile(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	options := Options{Now: now, Logger: slog.New(slog.DiscardHandler)}
	if err := errors.Join(file.migrateBy(t.Context(), options, nextVersion(t)), file.close()); err != nil {
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
	if len(copies) != 1 || filepath.Base(copies[0]) != "satchel.db.before-v2-20261123T120000Z" {
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
		f.ID = tx.NextFileID()
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
