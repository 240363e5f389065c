package extract

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
)

const (
	maxNotes    = 64 << 10 // bytes that are logged of what a child says while it reads one document
	maxNote     = 1 << 10  // of one line
	outOfMemory = "out of memory"
)

// notes is where a child's standard error goes: to the log, in bounds. It also looks for the last words of a Go program.
type notes struct {
	log *slog.Logger

	mu     sync.Mutex
	line   []byte
	left   int
	memory bool // it ran out of memory
	depth  bool // it ran out of stack
	first  string
}

// Write takes what the child said. It never fails.
func (n *notes) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	size := len(p)
	p = p[:min(len(p), n.left)]
	n.left -= len(p)
	for len(p) > 0 {
		line, rest, whole := bytes.Cut(p, []byte("\n"))
		n.line = append(n.line, line[:min(len(line), maxNote-len(n.line))]...)
		if whole {
			n.take(context.Background())
		}
		p = rest
	}
	return size, nil
}

// take notes a line.
func (n *notes) take(ctx context.Context) {
	line := oneLine(string(n.line), maxNote)
	n.line = n.line[:0]
	if line == "" {
		return
	}
	if n.first == "" {
		n.first = line
	}
	n.memory = n.memory || strings.Contains(line, outOfMemory) || strings.Contains(line, "cannot allocate memory")
	n.depth = n.depth || strings.Contains(line, "stack exceeds")
	n.log.DebugContext(ctx, "a child said", "line", line)
}

// begin forgets what was said before.
func (n *notes) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line, n.left, n.first, n.memory, n.depth = n.line[:0], maxNotes, "", false, false
}

// words says what a child that has died said: the first line, and whether it ran out of memory or stack.
func (n *notes) words(ctx context.Context) (first string, memory, depth bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.take(ctx)
	return n.first, n.memory, n.depth
}
