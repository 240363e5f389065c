package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel/internal/blob"
)

// knownFolders bounds the memory of durable folders: 33 of them are one hour.
const knownFolders = 1024

// folders makes and removes the folders below a root, and remembers which of them are durable: they exist, and so do, on the disk, their
// entries in the folders above. What is remembered at some moment was durable at that moment, because it is forgotten
// before it is removed, and only one goroutine makes or removes at a time.
type folders struct {
	root string
	sync func(dir string) error

	changing sync.Mutex // held while folders are made or removed

	mu    sync.RWMutex
	known map[string]struct{} // paths relative to the root, with slashes
}

func newFolders(root string, sync func(dir string) error) *folders {
	return &folders{root: root, sync: sync, known: map[string]struct{}{}}
}

// ensure makes a folder and those above it, up to the root, which must exist. All of them are durable when it returns nil, whoever made them.
func (f *folders) ensure(folder string) error {
	if f.isKnown(folder) {
		return nil
	}
	f.changing.Lock()
	defer f.changing.Unlock()
	return f.make(folder)
}

// make does ensure's work. A folder that was there already is synced like a new one: nobody knows whether its maker came to it.
func (f *folders) make(folder string) error {
	if folder == "." || f.isKnown(folder) {
		return nil
	}
	above := path.Dir(folder)
	if err := f.make(above); err != nil {
		return err
	}
	err := os.Mkdir(f.path(folder), folderMode)
	if errors.Is(err, fs.ErrNotExist) && above != "." { // the one above was removed behind our back
		f.forget(above)
		if err = f.make(above); err == nil {
			err = os.Mkdir(f.path(folder), folderMode)
		}
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.sync(f.path(above)); err != nil {
		return err
	}
	f.remember(folder)
	return nil
}

// remove removes a folder if it is empty; one that is not stays.
func (f *folders) remove(folder string) error {
	f.changing.Lock()
	defer f.changing.Unlock()
	f.forget(folder)
	err := unix.Rmdir(f.path(folder))
	switch {
	case err == nil, errors.Is(err, fs.ErrNotExist):
		return nil
	case errors.Is(err, unix.ENOTEMPTY), errors.Is(err, unix.EEXIST), errors.Is(err, unix.ENOTDIR):
		return nil
	}
	return &fs.PathError{Op: "rmdir", Path: f.path(folder), Err: err}
}

func (f *folders) path(folder string) string {
	return filepath.Join(f.root, filepath.FromSlash(folder))
}

func (f *folders) isKnown(folder string) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	_, ok := f.known[folder]
	return ok
}

func (f *folders) remember(folder string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.known) >= knownFolders {
		clear(f.known) // costs some needless syncs, once in many hours
	}
	f.known[folder] = struct{}{}
}

func (f *folders) forget(folder string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.known, folder)
}

// Prune removes the empty folders of the hours that ended before a moment.
func (s *Store) Prune(ctx context.Context, before time.Time) error {
	last := blob.Hour(before)
	return s.eachFolder(".", func(hour string) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if hour >= last || !isHour(hour) {
			return nil
		}
		if err := s.pruneHour(hour); err != nil {
			return fmt.Errorf("diskblob: prune: %w", err)
		}
		return nil
	})
}

func (s *Store) pruneHour(hour string) error {
	err := s.eachFolder(hour, func(name string) error {
		if len(name) != 1 {
			return nil
		}
		return s.folders.remove(hour + "/" + name)
	})
	if err != nil {
		return err
	}
	return s.folders.remove(hour)
}

// eachFolder visits the names of the folders in a folder.
func (s *Store) eachFolder(folder string, visit func(name string) error) error {
	return s.eachEntry(folder, func(entry fs.DirEntry) error {
		if !entry.IsDir() {
			return nil
		}
		return visit(entry.Name())
	})
}

func isHour(name string) bool {
	t, err := time.Parse("2006-01-02T15", name)
	return err == nil && blob.Hour(t) == name
}
