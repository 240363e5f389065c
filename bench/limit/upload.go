//go:build linux

package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// uploads stores the files of multipart requests in a folder.
type uploads struct {
	dir  string
	next atomic.Int64
}

// answer wraps a way of storing one part under a new name.
func (u *uploads) answer(store func(part io.Reader, name string) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		name := fmt.Sprintf("f%d", u.next.Add(1))
		err := eachPart(r, func(part io.Reader) error { return store(part, name) })
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"id":%q}`, name)
	}
}

func (u *uploads) remove(w http.ResponseWriter, r *http.Request) {
	if err := os.Remove(filepath.Join(u.dir, filepath.Base(r.PathValue("name")))); err != nil {
		http.Error(w, err.Error(), http.StatusNotFound)
	}
}

func eachPart(r *http.Request, visit func(io.Reader) error) error {
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	size := min(max(r.ContentLength, 4<<10), 256<<10)
	form := multipart.NewReader(bufio.NewReaderSize(r.Body, int(size)), params["boundary"])
	for {
		part, err := form.NextRawPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if part.FileName() == "" {
			continue
		}
		if err := visit(part); err != nil {
			return err
		}
	}
}

// writeoutEvery is how many bytes are written before the disk is told to begin with them. Without it fsync would begin the work
// of the disk only when everything has arrived, and the limit would be none: it is about half as fast.
const writeoutEvery = 16 << 20

// file is a file whose bytes go to the disk while more of them arrive.
type file struct {
	*os.File
	written, begun int64
}

func (f *file) Write(b []byte) (int, error) {
	n, err := f.File.Write(b)
	f.written += int64(n)
	if err == nil && f.written-f.begun >= writeoutEvery {
		err = unix.SyncFileRange(int(f.Fd()), f.begun, f.written-f.begun, unix.SYNC_FILE_RANGE_WRITE)
		f.begun = f.written
	}
	return n, err
}

// large writes a file while another goroutine hashes it.
func (u *uploads) large(part io.Reader, name string) error {
	f, err := os.Create(filepath.Join(u.dir, name))
	if err != nil {
		return err
	}
	h := newHasher()
	err = copyHashed(&file{File: f}, part, h)
	h.sum()
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func copyHashed(w io.Writer, r io.Reader, h *hasher) error {
	for {
		buf := <-h.free
		n, err := io.ReadFull(r, buf)
		h.full <- buf[:n]
		if _, werr := w.Write(buf[:n]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// hasher computes a SHA-256 in its own goroutine. Buffers go round: a buffer that comes back from free has been hashed, and
// whoever fills it has written it to the file by the time it asks for the next.
type hasher struct {
	free, full chan []byte
	done       chan []byte
}

func newHasher() *hasher {
	const buffers, size = 4, 256 << 10
	h := &hasher{free: make(chan []byte, buffers), full: make(chan []byte, buffers), done: make(chan []byte, 1)}
	for range buffers {
		h.free <- make([]byte, size)
	}
	go func() {
		sum := sha256.New()
		for buf := range h.full {
			sum.Write(buf)
			h.free <- buf[:cap(buf)]
		}
		h.done <- sum.Sum(nil)
	}()
	return h
}

func (h *hasher) sum() []byte {
	close(h.full)
	return <-h.done
}

// small stores a file so that it survives a power cut under its final name.
func (u *uploads) small(part io.Reader, name string) error {
	f, err := os.CreateTemp(u.dir, "tmp-*")
	if err != nil {
		return err
	}
	_, err = io.Copy(f, part)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), filepath.Join(u.dir, name)); err != nil {
		return err
	}
	return syncFolder(u.dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
