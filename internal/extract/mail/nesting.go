package mail

import (
	"bytes"
	"strings"

	"github.com/jhillyerd/enmime/v2/mediatype"
)

const (
	maxNested   = 12       // multiparts inside of each other
	maxBoundary = 200      // bytes; standard programs write at most 70
	maxTypeLine = 16 << 10 // bytes of a header that says what a part is, and of a line that may be a boundary
)

// nesting follows the parts of a mail line by line, to know how deep they are in each other before the parser gets there: where boundaries
// are not closed, its time doubles with every level. It looks at less than the parser does; whatever multipart only that one finds is taken
// to be around all that follow.
type nesting struct {
	line    []byte   // the beginning of the line under way
	kind    []byte   // the field Content-Type of the header under way
	field   bool     // the last line of the header belongs to that field
	body    bool     // the header is over
	open    []string // boundaries of the multiparts around, the outermost first
	seen    map[string]bool
	unknown int // multiparts that only the parser found
	deepest int
}

// write takes the next bytes of the mail.
func (n *nesting) write(p []byte) {
	for len(p) > 0 {
		end := bytes.IndexByte(p, '\n') + 1
		whole := end > 0
		if !whole {
			end = len(p)
		}
		n.line = append(n.line, p[:min(end, maxTypeLine-min(len(n.line), maxTypeLine))]...)
		if p = p[end:]; whole {
			n.take(bytes.TrimRight(n.line, " \t\r\n"))
			n.line = n.line[:0]
		}
	}
}

// take takes the next line, without the white space at its end.
func (n *nesting) take(line []byte) {
	switch {
	case bytes.HasPrefix(line, []byte("--")) && n.boundary(string(line[2:])):
	case n.body:
	case len(line) == 0:
		n.enter()
		n.body = true
	case line[0] == ' ' || line[0] == '\t':
		if n.field && len(n.kind)+len(line) <= maxTypeLine {
			n.kind = append(n.kind, line...)
		}
	default:
		name, value, _ := bytes.Cut(line, []byte(":"))
		n.field = len(n.kind) == 0 && strings.EqualFold(string(bytes.TrimSpace(name)), "Content-Type")
		if n.field {
			n.kind = append(n.kind, value...)
		}
	}
}

// boundary ends the parts within the outermost multipart that has this boundary, and that one too where the boundary says so.
func (n *nesting) boundary(text string) bool {
	for i, b := range n.open {
		if text != b && text != b+"--" {
			continue
		}
		n.enter()
		n.body = text != b
		n.open = n.open[:i+1]
		if n.body {
			n.open = n.open[:i]
		}
		return true
	}
	return false
}

// enter ends a header. If that is the one of a multipart, what follows is within it.
func (n *nesting) enter() {
	kind, params, _, _ := mediatype.Parse(string(bytes.TrimSpace(n.kind)))
	n.kind, n.field = n.kind[:0], false
	if b := params["boundary"]; strings.HasPrefix(kind, "multipart/") && b != "" {
		if n.seen == nil {
			n.seen = map[string]bool{}
		}
		n.open, n.seen[b] = append(n.open, b), true
		n.deepest = max(n.deepest, len(n.open))
	}
}

// found takes the boundary of a multipart that the parser has come to.
func (n *nesting) found(boundary string) {
	if boundary != "" && !n.seen[boundary] {
		n.unknown++
	}
}

// tooDeep reports whether the parser may come to more levels than it can take.
func (n *nesting) tooDeep() bool { return n.deepest+n.unknown/2 > maxNested } // it asks about each twice
