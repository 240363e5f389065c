package program

import (
	"bytes"
	"slices"
	"strings"
	"sync"
)

// Record keeps what a process writes. The zero value is an empty one.
type Record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *Record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// String gives all of it.
func (r *Record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// Tail gives the last lines, without those that only tell of requests: of these there are too many.
func (r *Record) Tail() string {
	lines := slices.DeleteFunc(strings.Split(strings.TrimSpace(r.String()), "\n"), func(line string) bool { return strings.Contains(line, "msg=request") })
	return strings.Join(lines[max(0, len(lines)-25):], "\n")
}
