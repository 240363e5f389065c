package httpapi

import (
	"bytes"
	"io"
)

// partHeaders reads a multipart body for the multipart reader and does two things that it does not: it makes control characters in the
// headers of parts into tabs, which a header may have (else one in a file name would refuse the whole form, where we only leave it out), and
// it knows whether the form was closed (a body that ends within a header looks to the multipart reader like the end of the form).
// Contents pass unchanged.
type partHeaders struct {
	body      io.Reader
	boundary  string
	delimiter []byte // the line break before a boundary, and the boundary
	place     formPlace
	tail      []byte // the end of what was read of a content: a delimiter may have begun there
	rest      []byte // what stands behind a boundary in its line, as far as it was read
	line      int    // characters in the present header line
	closed    bool   // the last boundary was there
}

// formPlace is where in a form the reader stands.
type formPlace int

const (
	inContent      formPlace = iota
	behindBoundary           // in the rest of its line
	inHeader
	behindForm // whatever follows means nothing
)

func newPartHeaders(body io.Reader, boundary string) *partHeaders {
	// The first boundary may end any line, or none, and says by its own end what a line break is in this form.
	return &partHeaders{body: body, boundary: boundary, delimiter: []byte("\n--" + boundary), tail: []byte("\n")}
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
		case behindForm:
			rest = nil
		}
	}
	return n, err
}

// complete reports whether the form was closed: call it when the multipart reader has seen the end of the body.
func (h *partHeaders) complete() bool {
	return h.closed || h.place == behindBoundary && isClosing(h.rest)
}

// isClosing reports whether what stands behind a boundary closes the form.
func isClosing(rest []byte) bool {
	rest, dashes := bytes.CutPrefix(rest, []byte("--"))
	return dashes && len(bytes.TrimLeft(rest, " \t")) == 0
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
	h.place, h.tail, h.rest = behindBoundary, nil, nil
	return rest
}

// maxBoundaryLine is how much of a boundary's line is looked at: longer ones are none.
const maxBoundaryLine = 256

// boundaryLine reads to the end of a boundary's line and decides what the boundary was.
func (h *partHeaders) boundaryLine(b []byte) []byte {
	line, following, ended := bytes.Cut(b, []byte("\n"))
	h.rest = append(h.rest, line...)
	if !ended {
		if len(h.rest) > maxBoundaryLine {
			h.place, h.tail = inContent, nil
		}
		return nil
	}
	rest, withReturn := bytes.CutSuffix(h.rest, []byte("\r"))
	switch {
	case isClosing(rest):
		h.place, h.closed = behindForm, true
	case len(bytes.TrimLeft(rest, " \t")) > 0:
		h.place, h.tail = inContent, []byte("\n")
	default:
		h.place, h.line = inHeader, 0
		h.delimiter = []byte("\n--" + h.boundary)
		if withReturn {
			h.delimiter = []byte("\r\n--" + h.boundary)
		}
	}
	return following
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
		case c == '\r' && (i+1 == len(b) || b[i+1] == '\n'):
		default:
			h.line++
			if c < ' ' || c == 0x7f {
				b[i] = '\t'
			}
		}
	}
	return nil
}
