package diskblob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
)

func newKey() string { return blob.Key(satchel.NewBlobID(time.Now())) }

func create(t *testing.T, store blob.Store, key string) blob.Writer {
	t.Helper()
	w, err := store.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Abort() })
	return w
}

func put(t *testing.T, store blob.Store, key string) {
	t.Helper()
	if err := create(t, store, key).Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestModes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "some", "where")
	store, key := open(t, dir), newKey()
	put(t, store, key)
	for name, want := range map[string]fs.FileMode{
		"": 0o700, "..": 0o700, filepath.Dir(filepath.Dir(key)): 0o700, filepath.Dir(key): 0o700, key: 0o600,
	} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
}

func TestOpenGivesAFile(t *testing.T) {
	store, key := open(t, t.TempDir()), newKey()
	put(t, store, key)
	object, err := store.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := object.(*os.File); !ok {
		t.Errorf("an object is a %T: the kernel cannot send it by itself", object)
	}
	if err := object.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenOfAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{name, filepath.Join(name, "blobs")} {
		if _, err := diskblob.Open(dir); !errors.Is(err, unix.ENOTDIR) || !strings.Contains(err.Error(), name) {
			t.Errorf("Open(%s): %v", dir, err)
		}
	}
}

// What a crash leaves is found by the next process as a part, and can be deleted.
func TestAPartOutlivesItsProcess(t *testing.T) {
	dir, key := t.TempDir(), newKey()
	create(t, open(t, dir), key)
	next := open(t, dir)
	var found []blob.Entry
	err := next.List(t.Context(), "", func(e blob.Entry) error { found = append(found, e); return nil })
	if err != nil || len(found) != 1 || found[0].Key != key || !found[0].Partial || found[0].Size != 7 {
		t.Errorf("found %+v, %v", found, err)
	}
	if err := next.Delete(t.Context(), key); err != nil {
		t.Error(err)
	}
	if keys := blobtest.Keys(t, next); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
}

func TestTwoWritersOfOneKey(t *testing.T) {
	store, key := open(t, t.TempDir()), newKey()
	first := create(t, store, key)
	if _, err := store.Create(t.Context(), key); !errors.Is(err, fs.ErrExist) {
		t.Errorf("the second writer: %v", err)
	}
	if err := first.Commit(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestForeignFilesAreLeftAlone(t *testing.T) {
	dir := t.TempDir()
	store, key := open(t, dir), newKey()
	put(t, store, key)
	foreign := []string{
		"README", "notes/x/y", "2020-01-01T00/readme", "2020-01-01T01/q/readme.part", "2020-01-01T02/long/x", "2020-13-01T00/q/x",
		filepath.Join(filepath.Dir(key), "deep", filepath.Base(key)),
	}
	for _, name := range foreign {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte("mine"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, empty := range []string{"empty", "2020-1-1T00"} {
		if err := os.Mkdir(filepath.Join(dir, empty), 0o700); err != nil {
			t.Fatal(err)
		}
		foreign = append(foreign, empty)
	}
	if keys := blobtest.Keys(t, store); len(keys) != 1 || keys[0] != key {
		t.Errorf("listed: %v", keys)
	}
	if err := store.Prune(t.Context(), time.Now().Add(1000*time.Hour)); err != nil {
		t.Error(err)
	}
	for _, name := range foreign {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestPruneRemovesWhatIsEmptyAndOld(t *testing.T) {
	dir := t.TempDir()
	store := open(t, dir)
	now := time.Date(2026, 11, 23, 14, 59, 0, 0, time.UTC)
	for hours := range 4 { // 14, 13, 12 and 11 o'clock; an object is left at 12
		key := blob.Key(satchel.NewBlobID(now.Add(-time.Duration(hours) * time.Hour)))
		put(t, store, key)
		if hours != 2 {
			if err := store.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Prune(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var left []string
	for _, entry := range entries {
		left = append(left, entry.Name())
	}
	if got := strings.Join(left, " "); got != "2026-11-23T12 2026-11-23T14" {
		t.Errorf("left: %s", got)
	}
}

// A store whose folder is gone (unmounted, renamed) says so. It must not look empty, and must not come back by itself.
func TestAVanishedFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "blobs")
	store, key := open(t, dir), newKey()
	put(t, store, key)
	staging := create(t, store, newKey())
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	_, created := store.Create(ctx, newKey())
	_, opened := store.Open(ctx, key)
	_, free := store.FreeBytes(ctx)
	for name, err := range map[string]error{
		"Create": created, "Open": opened, "FreeBytes": free, "Delete": store.Delete(ctx, key), "Commit": staging.Commit(ctx),
		"Prune": store.Prune(ctx, time.Now()), "List": store.List(ctx, "", func(blob.Entry) error { return nil }),
		"List of an hour": store.List(ctx, "2026-11-23T14/", func(blob.Entry) error { return nil }),
	} {
		if err == nil || errors.Is(err, blob.ErrNotExist) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := staging.Abort(); err != nil {
		t.Errorf("Abort: %v", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder came back: %v", err)
	}
}
