package diskblob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
)

var (
	_ blob.SpaceReporter = (*Store)(nil)
	_ blob.Pruner        = (*Store)(nil)
)

// syncs stands before a store's fsync: it notes what was synced and lets what it is told fail.
type syncs struct {
	mu   sync.Mutex
	root string
	all  []string
	fail func(name string) bool
}

// watch gives an empty store and what it syncs from now on.
func watch(t *testing.T) (*Store, *syncs) {
	t.Helper()
	store, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &syncs{root: store.root, fail: func(string) bool { return false }}
	store.sync = s.sync
	return store, s
}

func (s *syncs) sync(file *os.File) error {
	name, err := filepath.Rel(s.root, file.Name())
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, name)
	if s.fail(name) {
		return &fs.PathError{Op: "sync", Path: file.Name(), Err: unix.EIO}
	}
	return file.Sync()
}

func (s *syncs) take() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.all
	s.all = nil
	return all
}

func newKey() (key, hour, folder string) {
	key = blob.Key(satchel.NewBlobID(time.Now()))
	folder = filepath.Dir(key)
	return key, filepath.Dir(folder), folder
}

func create(t *testing.T, store *Store, key string) *writer {
	t.Helper()
	w, err := store.Create(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("content")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Abort() })
	return w.(*writer)
}

func TestEverythingIsSyncedBeforeCommitReturns(t *testing.T) {
	store, syncs := watch(t)
	key, hour, folder := newKey()
	w := create(t, store, key)
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := []string{".", hour, key + ".part", folder}
	if got := syncs.take(); !slices.Equal(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
	sibling := siblingOf(t, key)
	if err := create(t, store, sibling).Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := syncs.take(), []string{sibling + ".part", folder}; !slices.Equal(got, want) {
		t.Errorf("in a known folder: synced %v, want %v", got, want)
	}
}

// siblingOf gives the key of another object in the same folder.
func siblingOf(t *testing.T, key string) string {
	t.Helper()
	const digit = 23 // of chance, and not the one that names the folder
	id, ok := blob.ID(key)
	if !ok {
		t.Fatalf("%q is no key", key)
	}
	other := satchel.BlobID("0")
	if id[digit:digit+1] == other {
		other = "1"
	}
	return blob.Key(id[:digit] + other + id[digit+1:])
}

// A folder that somebody else made, or is making, is synced all the same.
func TestAFolderOfUnknownMakerIsSynced(t *testing.T) {
	store, syncs := watch(t)
	key, hour, folder := newKey()
	if err := os.MkdirAll(filepath.Join(store.root, folder), folderMode); err != nil {
		t.Fatal(err)
	}
	if err := create(t, store, key).Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := syncs.take(), []string{".", hour, key + ".part", folder}; !slices.Equal(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
}

func TestNobodyIsAheadOfTheMaker(t *testing.T) {
	store, syncs := watch(t)
	_, hour, folder := newKey()
	var mu sync.Mutex
	var events []string
	note := func(event string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, event)
	}
	syncs.fail = func(name string) bool { note("synced " + name); return false }
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if err := store.folders.ensure(folder); err != nil {
				t.Error(err)
			}
			note("ensured")
		})
	}
	wg.Wait()
	want := append([]string{"synced .", "synced " + hour}, slices.Repeat([]string{"ensured"}, 8)...)
	if !slices.Equal(events, want) {
		t.Errorf("%v, want %v", events, want)
	}
}

func TestAFolderThatWasMadeAgainIsSyncedByCommit(t *testing.T) {
	store, syncs := watch(t)
	key, hour, folder := newKey()
	w := create(t, store, key)
	store.folders.forget(hour) // as a prune would, before another Create made the folders again
	store.folders.forget(folder)
	syncs.take()
	if err := w.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := syncs.take(), []string{key + ".part", ".", hour, folder}; !slices.Equal(got, want) {
		t.Errorf("synced %v, want %v", got, want)
	}
}

// What a prune removed must not be taken for durable when somebody makes it again.
func TestPruneForgets(t *testing.T) {
	store, _ := watch(t)
	key, hour, folder := newKey()
	if err := create(t, store, key).Abort(); err != nil {
		t.Fatal(err)
	}
	if !store.folders.isKnown(folder) || !store.folders.isKnown(hour) {
		t.Error("the folders of a Create are not known")
	}
	if err := store.Prune(t.Context(), time.Now().Add(2*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if store.folders.isKnown(folder) || store.folders.isKnown(hour) {
		t.Error("pruned folders are known")
	}
}

func TestCreateMakesAgainWhatWasRemoved(t *testing.T) {
	store, _ := watch(t)
	key, hour, folder := newKey()
	for _, removed := range []string{folder, hour} {
		if err := store.folders.ensure(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(store.root, removed)); err != nil {
			t.Fatal(err)
		}
		w := create(t, store, key)
		if err := w.Commit(t.Context()); err != nil {
			t.Errorf("%s removed: %v", removed, err)
		}
		if err := store.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
}

// A failed fsync is final: the object is not there, and no second try makes it appear.
func TestAFailedSyncIsFinal(t *testing.T) {
	key, hour, folder := newKey()
	for _, failing := range []string{key + ".part", folder, hour, "."} {
		t.Run(failing, func(t *testing.T) {
			store, syncs := watch(t)
			syncs.fail = func(name string) bool { return name == failing }
			w, err := store.Create(t.Context(), key)
			if err == nil {
				_, err = w.Write([]byte("content"))
			}
			if err == nil {
				err = w.Commit(t.Context())
			}
			if !errors.Is(err, unix.EIO) {
				t.Fatalf("error %v, want EIO", err)
			}
			if _, err := store.Open(t.Context(), key); !errors.Is(err, blob.ErrNotExist) {
				t.Errorf("open: %v", err)
			}
			if w != nil {
				syncs.take()
				if err := w.Commit(t.Context()); err == nil {
					t.Error("the second Commit succeeded")
				}
				if again := syncs.take(); len(again) > 0 {
					t.Errorf("synced again: %v", again)
				}
				if err := w.Abort(); err != nil {
					t.Error(err)
				}
			}
			if keys := blobtest.Keys(t, store); len(keys) > 0 {
				t.Errorf("left behind: %v", keys)
			}
			syncs.fail = func(string) bool { return false }
			if err := create(t, store, key).Commit(t.Context()); err != nil {
				t.Errorf("a new upload: %v", err)
			}
		})
	}
}

func TestAFullDisk(t *testing.T) {
	store, _ := watch(t)
	key, _, _ := newKey()
	w := create(t, store, key)
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.close(); err != nil {
		t.Fatal(err)
	}
	w.file = full
	if _, err := w.Write([]byte("more")); !errors.Is(err, blob.ErrNoSpace) || !errors.Is(err, unix.ENOSPC) {
		t.Errorf("write: %v, want ErrNoSpace", err)
	}
	if err := w.Commit(t.Context()); err == nil {
		t.Error("Commit after a failed write succeeded")
	}
	if err := w.Abort(); err != nil {
		t.Error(err)
	}
	if keys := blobtest.Keys(t, store); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
	if err := noted(&fs.PathError{Op: "write", Err: unix.EDQUOT}); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("over quota: %v", err)
	}
}

func TestKnownFoldersAreBounded(t *testing.T) {
	f := newFolders(t.TempDir(), func(string) error { return nil })
	for i := range 3 * knownFolders {
		f.remember(strings.Repeat("x", i))
	}
	if len(f.known) > knownFolders || !f.isKnown(strings.Repeat("x", 3*knownFolders-1)) {
		t.Errorf("%d folders are known", len(f.known))
	}
}
