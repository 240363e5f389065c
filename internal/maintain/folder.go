package maintain

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"github.com/gofrs/flock"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The layout of a data folder and of a backup.
const (
	databaseFile = "satchel.db"
	blobsFolder  = "blobs"
	manifestFile = "backup.json"
)

// target is a folder that a backup or a restore fills. Until it is finished, a file in it says that it is not, and no server may have it.
type target struct {
	folder string
	unlock func() error
}

// openTarget takes a folder for what, "backup" or "restore": an absent or empty one, or one that holds the same, unfinished.
func openTarget(folder, what string) (*target, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	if err := checkTarget(folder, what); err != nil { // before anything is put there
		return nil, err
	}
	unlock, err := lockServer(folder, (*flock.Flock).TryLockContext)
	if err != nil {
		return nil, err
	}
	t := &target{folder, unlock}
	if err := t.begin(what); err != nil {
		return nil, errors.Join(err, unlock())
	}
	return t, nil
}

func (t *target) begin(what string) error {
	if err := checkTarget(t.folder, what); err != nil {
		return err
	}
	if err := writeDurably(t.path(unfinished), []byte(what)); err != nil {
		return err
	}
	// Of an earlier attempt the objects are kept and the rest is done again.
	if err := os.Remove(t.path(manifestFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return t.removeAll(databaseFile)
}

// removeAll removes the files of the folder's first level whose names begin so.
func (t *target) removeAll(prefix string) error {
	entries, err := os.ReadDir(t.folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), prefix) {
			if err := os.Remove(t.path(e.Name())); err != nil {
				return err
			}
		}
	}
	return nil
}

func checkTarget(folder, what string) error {
	begun, err := os.ReadFile(filepath.Join(folder, unfinished))
	if err == nil && string(begun) == what {
		return nil
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if !slices.Contains([]string{serverLock, backupLock, "lost+found"}, e.Name()) {
			return fmt.Errorf("the folder %s is not empty (it holds %s): a %s needs an empty one, or one where it was interrupted", folder, e.Name(), what)
		}
	}
	return nil
}

func (t *target) path(name string) string { return filepath.Join(t.folder, name) }

// finish makes everything in the folder's first level durable and takes away the sign that something is missing.
func (t *target) finish() error {
	if err := syncFile(t.folder); err != nil {
		return err
	}
	if err := os.Remove(t.path(unfinished)); err != nil {
		return err
	}
	return errors.Join(syncFile(t.folder), syncFile(filepath.Dir(t.folder)))
}

func writeDurably(path string, content []byte) (err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return errors.Join(file.Sync(), syncFile(filepath.Dir(path)))
}

// syncFile makes a file's content durable, or a folder's names.
func syncFile(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// sum is what a manifest says of a file.
type sum struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// sumFile hashes a file.
func sumFile(ctx context.Context, path string) (s sum, err error) {
	file, err := os.Open(path)
	if err != nil {
		return sum{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return copySum(ctx, io.Discard, file)
}

// copyFile copies a file durably and says what it copied.
func copyFile(ctx context.Context, to, from string) (s sum, err error) {
	source, err := os.Open(from)
	if err != nil {
		return sum{}, err
	}
	defer func() { _ = source.Close() }() // it was only read
	file, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return sum{}, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if s, err = copySum(ctx, file, source); err != nil {
		return sum{}, err
	}
	return s, file.Sync()
}

func copySum(ctx context.Context, w io.Writer, r io.Reader) (sum, error) {
	hash := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(hash, w), &contextReader{ctx, r}, make([]byte, copyBuffer))
	return sum{n, fmt.Sprintf("%x", hash.Sum(nil))}, err
}
