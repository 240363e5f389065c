// Package diskblob is a blob.Store in a folder of the local file system.
//
// An object lies under its key, which is a path of three parts: hour, one character, id. While it is written it is called <id>.part and
// lies beside its final place. Commit syncs the file, renames it, and syncs its folder; every folder that was made for it has
// been synced by then too, up to the store's own. An fsync that failed is final: the kernel may have dropped the pages that it could not
// write, and a second fsync would then succeed without them.
package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel/internal/blob"
)

const (
	fileMode   = 0o600
	folderMode = 0o700
	partSuffix = ".part"
)

// Store keeps objects in a folder. It may be the only one that prunes there. It is safe for concurrent use.
type Store struct {
	root    string
	folders *folders
	sync    func(*os.File) error
}

// Open gives the store in a folder, which is made, durably, if it does not exist.
func Open(dir string) (*Store, error) {
	root, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("diskblob: %w", err)
	}
	s := &Store{root: root, sync: (*os.File).Sync}
	s.folders = newFolders(root, s.syncFolder)
	if err := s.makeRoot(root); err != nil {
		return nil, fmt.Errorf("diskblob: make the folder of the store: %w", noted(err))
	}
	return s, nil
}

// makeRoot makes a folder and those above it. The folder above one that exists is synced too, if it can be read: whoever made the
// folder may have died before doing so.
func (s *Store) makeRoot(dir string) error {
	above := filepath.Dir(dir)
	info, err := os.Stat(dir)
	switch {
	case err == nil && !info.IsDir():
		return &fs.PathError{Op: "open", Path: dir, Err: unix.ENOTDIR}
	case err == nil:
		if err := s.syncFolder(above); !errors.Is(err, fs.ErrPermission) {
			return err
		}
		return nil
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := s.makeRoot(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, folderMode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return s.syncFolder(above)
}

// Open gives an object's *os.File.
func (s *Store) Open(_ context.Context, key string) (blob.Object, error) {
	place, err := s.place(key)
	if err != nil {
		return nil, err
	}
	file, err := os.Open(place)
	if err != nil {
		return nil, fmt.Errorf("diskblob: %w", s.missing(err))
	}
	return file, nil
}

// Delete removes an object, and a part of it.
func (s *Store) Delete(_ context.Context, key string) error {
	place, err := s.place(key)
	if err != nil {
		return err
	}
	for _, name := range []string{place, place + partSuffix} {
		if err := s.missing(os.Remove(name)); err != nil && !errors.Is(err, blob.ErrNotExist) {
			return fmt.Errorf("diskblob: %w", err)
		}
	}
	return nil
}

// FreeBytes asks the file system.
func (s *Store) FreeBytes(context.Context) (int64, error) {
	free, err := freeBytes(s.root)
	if err != nil {
		return 0, fmt.Errorf("diskblob: free space of %s: %w", s.root, err)
	}
	return free, nil
}

// place gives the path of an object. Only keys that blob.Key can give have one, so that none leads out of the store.
func (s *Store) place(key string) (string, error) {
	if _, ok := blob.ID(key); !ok {
		return "", fmt.Errorf("diskblob: %q is not the key of an object", key)
	}
	return filepath.Join(s.root, filepath.FromSlash(key)), nil
}

// syncFolder makes the entries of a folder durable.
func (s *Store) syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(s.sync(folder), folder.Close())
}

// missing turns "no such file" into blob.ErrNotExist, unless the store's own folder is what is missing: then nothing is known of its
// objects.
func (s *Store) missing(err error) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.present(); err != nil {
		return err
	}
	return fmt.Errorf("%w: %w", blob.ErrNotExist, err)
}

// present is nil while the store's folder is there.
func (s *Store) present() error {
	info, err := os.Stat(s.root)
	switch {
	case err != nil:
		return fmt.Errorf("the store's folder has vanished: %w", err)
	case !info.IsDir():
		return fmt.Errorf("the store's folder %s is no folder any more", s.root)
	}
	return nil
}

// noted marks the errors that mean blob.ErrNoSpace.
func noted(err error) error {
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return fmt.Errorf("%w: %w", blob.ErrNoSpace, err)
	}
	return err
}
