package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/satchel-files/satchel/internal/blob"
)

// namesAtOnce bounds how many names of a folder are in memory.
const namesAtOnce = 1000

// List walks the folders. Files whose names are no keys are not the store's, and are not listed.
func (s *Store) List(ctx context.Context, prefix string, visit func(blob.Entry) error) error {
	folder, trimmed := strings.CutSuffix(prefix, "/")
	switch {
	case prefix == "":
		folder = "."
	case !trimmed || !fs.ValidPath(folder) || folder == ".":
		return fmt.Errorf("diskblob: list: %q is not a prefix of keys", prefix)
	}
	return s.list(ctx, folder, visit)
}

func (s *Store) list(ctx context.Context, folder string, visit func(blob.Entry) error) error {
	return s.eachEntry(folder, func(found fs.DirEntry) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(folder, found.Name())
		if found.IsDir() {
			if strings.Count(name, "/") < 2 {
				return s.list(ctx, name, visit)
			}
			return nil
		}
		entry, ok, err := entryOf(name, found)
		if err != nil || !ok {
			return err
		}
		return visit(entry)
	})
}

// entryOf tells what a file is; ok is false when it is not the store's, or gone.
func entryOf(name string, found fs.DirEntry) (entry blob.Entry, ok bool, err error) {
	key, partial := strings.CutSuffix(name, partSuffix)
	if _, ok := blob.ID(key); !ok {
		return blob.Entry{}, false, nil
	}
	info, err := found.Info()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return blob.Entry{}, false, nil
	case err != nil:
		return blob.Entry{}, false, fmt.Errorf("diskblob: list: %w", err)
	}
	return blob.Entry{Key: key, Size: info.Size(), Modified: info.ModTime(), Partial: partial}, true, nil
}

// eachEntry visits what is in a folder, in the order in which the file system gives it. A folder that is gone has nothing in it,
// unless it is the store's own that is gone. Visit's errors are returned as they are.
func (s *Store) eachEntry(folder string, visit func(fs.DirEntry) error) error {
	dir, err := os.Open(s.folders.path(folder))
	if err := s.missing(err); errors.Is(err, blob.ErrNotExist) {
		return nil
	} else if err != nil {
		return fmt.Errorf("diskblob: list: %w", err)
	}
	defer dir.Close() //nolint:errcheck // only read
	for {
		entries, err := dir.ReadDir(namesAtOnce)
		for _, entry := range entries {
			if err := visit(entry); err != nil {
				return err
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("diskblob: list: %w", err)
		case err != nil: // removed while it was read
			return nil
		}
	}
}
