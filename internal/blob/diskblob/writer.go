package diskblob

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/satchel-files/satchel/internal/blob"
)

// writebackEvery is how many bytes are written before the kernel is told to begin with them, so that fsync finds little left to do.
const writebackEvery = 16 << 20

// openAttempts is how often Create makes a folder again that was pruned before a file was in it.
const openAttempts = 5

// Create starts an object. A key that another writer holds is refused.
func (s *Store) Create(ctx context.Context, key string) (blob.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	place, err := s.place(key)
	if err != nil {
		return nil, err
	}
	folder := path.Dir(key)
	file, err := s.createPart(folder, place+partSuffix)
	if err != nil {
		return nil, fmt.Errorf("diskblob: create an object: %w", noted(err))
	}
	return &writer{store: s, file: file, folder: folder, place: place}, nil
}

func (s *Store) createPart(folder, part string) (file *os.File, err error) {
	for range openAttempts {
		if err := s.folders.ensure(folder); err != nil {
			return nil, s.missing(err)
		}
		file, err = os.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, fileMode)
		if !errors.Is(err, fs.ErrNotExist) {
			return file, err
		}
		s.folders.forget(folder)
	}
	return nil, s.missing(err)
}

// writer is one object on its way into the store.
type writer struct {
	store   *Store
	file    *os.File // nil once closed
	folder  string   // relative to the root
	place   string   // where the object will lie
	written int64
	started int64 // bytes that the kernel was told to begin with
	state   state
}

type state int

const (
	open state = iota
	committed
	failed  // never to be committed
	aborted // and nothing is left
)

// Write appends to the part.
func (w *writer) Write(b []byte) (int, error) {
	if w.state != open {
		return 0, fmt.Errorf("diskblob: write: %w", fs.ErrClosed)
	}
	n, err := w.file.Write(b)
	w.written += int64(n)
	if err == nil && w.written-w.started >= writebackEvery {
		err = startWriteback(w.file, w.started, w.written-w.started)
		w.started = w.written
	}
	if err != nil {
		w.state = failed
		return n, fmt.Errorf("diskblob: %w", noted(err))
	}
	return n, nil
}

// Commit makes the object durable and gives it its name.
func (w *writer) Commit(ctx context.Context) error {
	if w.state != open {
		return fmt.Errorf("diskblob: commit: %w", fs.ErrClosed)
	}
	w.state = failed
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.publish(); err != nil {
		return fmt.Errorf("diskblob: commit an object: %w", noted(err))
	}
	w.state = committed
	return nil
}

func (w *writer) publish() error {
	if err := w.store.sync(w.file); err != nil {
		return err
	}
	if err := w.close(); err != nil {
		return err
	}
	// Since the part lies in it, the folder cannot be pruned; but it may be one that was made again after Create had ensured it.
	if err := w.store.folders.ensure(w.folder); err != nil {
		return w.store.missing(err)
	}
	if err := os.Rename(w.place+partSuffix, w.place); err != nil {
		return w.store.missing(err)
	}
	if err := w.store.syncFolder(w.store.folders.path(w.folder)); err != nil {
		return errors.Join(err, os.Remove(w.place))
	}
	return nil
}

// Abort removes the part. It may be called again when it failed.
func (w *writer) Abort() error {
	if w.state == committed || w.state == aborted {
		return nil
	}
	w.state = failed
	_ = w.close() // what is thrown away need not be written
	for _, name := range []string{w.place + partSuffix, w.place} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("diskblob: abort an object: %w", err)
		}
	}
	w.state = aborted
	return nil
}

func (w *writer) close() error {
	if w.file == nil {
		return nil
	}
	file := w.file
	w.file = nil
	return file.Close()
}
