package httpapi

import (
	"bytes"
	"io"
)

// partHeaders reads a multipart body and makes control characters in the headers of its parts into tabs, which a header may have: the multipart reader
// refuses the whole form for one in a file name, where we only leave it out. Contents pass unchanged.
type partHeaders struct {
	body      io.Reader
	delimiter []byte // the line break before a boundary, and the boundary
	place     formPlace
	tail      []byte // the end of what was read of a content: a delimiter may have begun there
	line      int    // characters in the present header line
	broke     bool   // behind a boundary: its line's carriage return is there, and a line feed must follow
}

// formPlace is where in a form the reader stands.
type formPlace int

const (
	inContent      formPlace = iota
	behindBoundary           // in the rest of its line, where only blanks may be
	inHeader
)

func newPartHeaders(body io.Reader, boundary string) *partHeaders {
	return &partHeaders{
		body: body, delimiter: []byte("\r\n--" + boundary),
		tail: []byte("\r\n"), // the first boundary need not have a line before it
	}
}

func (h *partHeaders) Read(p []byte) (int, error) {
	n, err := h.body.Read(p)
	for rest := p[:n]; len(rest) > 0; {
		switch h.place {
		case inContent:
			rest = h.content(rest)
		case behindBoundary:
			rest = h.boundaryLine(rest)
		case inHeader:
			rest = h.header(rest)
		}
	}
	return n, err
}

// content looks for the end of a content and gives what follows it.
func (h *partHeaders) content(b []byte) []byte {
	overlap := len(h.delimiter) - 1
	seam := append(h.tail, b[:min(len(b), overlap)]...)
	if i := bytes.Index(seam, h.delimiter); i >= 0 {
		return h.found(b[i+len(h.delimiter)-len(h.tail):])
	}
	if i := bytes.Index(b, h.delimiter); i >= 0 {
		return h.found(b[i+len(h.delimiter):])
	}
	if len(b) < overlap {
		b = seam
	}
	h.tail = append(make([]byte, 0, 2*overlap), b[max(0, len(b)-overlap):]...)
	return nil
}

func (h *partHeaders) found(rest []byte) []byte {
	h.place, h.tail = behindBoundary, nil
	return rest
}

// boundaryLine reads to the end of a boundary's line. Anything else than blanks there makes it content, or the end of the form.
func (h *partHeaders) boundaryLine(b []byte) []byte {
	for i, c := range b {
		switch {
		case c == '\n':
			h.place, h.line, h.broke = inHeader, 0, false
			return b[i+1:]
		case c == '\r' && !h.broke:
			h.broke = true
		case (c == ' ' || c == '\t') && !h.broke:
		default:
			h.place, h.broke = inContent, false
			return b[i:]
		}
	}
	return nil
}

// header cleans the headers of a part, to the empty line that ends them.
func (h *partHeaders) header(b []byte) []byte {
	for i, c := range b {
		switch {
		case c == '\n' && h.line == 0:
			h.place, h.tail = inContent, []byte("\r\n") // an empty content may end at once
			return b[i+1:]
		case c == '\n':
			h.line = 0
		case c == '\r':
		default:
			h.line++
			if c < ' ' || c == 0x7f {
				b[i] = '\t'
			}
		}
	}
	return nil
}
