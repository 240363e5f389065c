package client

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// SourceError means that a file could not be read while it was sent: the fault is on this side.
type SourceError struct {
	Name string // of the Source
	Err  error
}

// Error names the source and the cause.
func (e *SourceError) Error() string { return fmt.Sprintf("read %s: %v", e.Name, e.Err) }

// Unwrap gives the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// source is a Source that remembers where it began and what went wrong.
type source struct {
	name    string
	body    io.Reader
	size    int64
	seeker  io.Seeker // nil: it can be read only once
	start   int64
	failure atomic.Pointer[SourceError]
}

func newSource(s Source) *source {
	own := &source{name: s.Name, body: s.Body, size: max(s.Size, -1)}
	if seeker, ok := s.Body.(io.Seeker); ok {
		if start, err := seeker.Seek(0, io.SeekCurrent); err == nil { // pipes have the method, too
			own.seeker, own.start = seeker, start
		}
	}
	return own
}

func (s *source) rewind() error {
	if _, err := s.seeker.Seek(s.start, io.SeekStart); err != nil {
		return s.fail(err)
	}
	return nil
}

func (s *source) fail(err error) error {
	failure := &SourceError{s.name, err}
	s.failure.Store(failure)
	return failure
}

func (s *source) reader() io.Reader { return &sourceReader{source: s} }

// sourceReader is one pass over a source. It holds the source to the size that was announced.
type sourceReader struct {
	*source
	done int64
}

func (r *sourceReader) Read(p []byte) (int, error) {
	n, err := r.body.Read(p)
	r.done += int64(n)
	switch {
	case err != nil && err != io.EOF:
		return n, r.fail(err)
	case r.size >= 0 && r.done > r.size:
		return 0, r.fail(fmt.Errorf("it grew beyond %d bytes while it was read", r.size))
	case err == io.EOF && r.size >= 0 && r.done < r.size:
		return n, r.fail(fmt.Errorf("it ended after %d of %d bytes", r.done, r.size))
	}
	return n, err
}

// formBody is the body of one attempt. After Close no read reaches the sources, so that the next attempt has them for itself: the
// transport may go on reading for a while after it has given the answer.
type formBody struct {
	mu       sync.Mutex
	closed   atomic.Bool
	blocking bool // a read may wait for ever (a terminal, a pipe), so Close does not wait for it
	begun    atomic.Bool
	ended    atomic.Bool // everything was read, or a source failed
	r        io.Reader
}

func (b *formBody) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed.Load() {
		return 0, os.ErrClosed
	}
	n, err := b.r.Read(p)
	b.begun.Store(true)
	if err != nil {
		b.ended.Store(true)
	}
	return n, err
}

// Close ends the attempt. It may be called often.
func (b *formBody) Close() error {
	b.closed.Store(true)
	if !b.blocking {
		b.mu.Lock()
		defer b.mu.Unlock()
	}
	return nil
}
