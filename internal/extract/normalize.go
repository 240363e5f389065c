package extract

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

const (
	maxBlankLines = 2
	maxSpaces     = 4 << 10 // bytes of white space in a row; what is more adds nothing
)

// normalizer makes the text of a page that is the same whatever it was read from: valid UTF-8 without NUL, U+0002 (a soft hyphen, as PDF
// readers write it) and form feeds, which stand between pages; lines that end with \n and have no white space before it; at most
// maxBlankLines blank ones in a row, none at the end. It holds about pieceSize bytes, however long the page is.
type normalizer struct {
	emit     func(piece []byte) error // gets whole characters
	buf      []byte
	partial  []byte // the beginning of a character
	spaces   []byte // white space that counts if something follows on its line
	newlines int    // line ends that count if something follows
	started  bool   // something was visible
	carriage bool   // the last character was \r
}

// Write takes the next bytes of the page.
func (n *normalizer) Write(p []byte) (int, error) {
	size := len(p)
	if len(n.partial) > 0 {
		p = append(n.partial, p...)
		n.partial = nil
	}
	for len(p) > 0 {
		if run := visibleRun(p); run > 0 {
			if err := n.visible(p[:run]); err != nil {
				return 0, err
			}
			p = p[run:]
			continue
		}
		if !utf8.FullRune(p) {
			n.partial = bytes.Clone(p)
			break
		}
		r, width := utf8.DecodeRune(p)
		if err := n.rune(r); err != nil {
			return 0, err
		}
		p = p[width:]
	}
	return size, nil
}

// WriteString is Write, in pieces, so that a long text is not copied as a whole.
func (n *normalizer) WriteString(s string) (int, error) {
	size := len(s)
	for len(s) > 0 {
		piece := s[:min(len(s), pieceSize)]
		if _, err := n.Write([]byte(piece)); err != nil {
			return 0, err
		}
		s = s[len(piece):]
	}
	return size, nil
}

// end gives the last piece.
func (n *normalizer) end() error {
	for range n.partial {
		if err := n.rune(utf8.RuneError); err != nil {
			return err
		}
	}
	if n.started && n.newlines > 0 {
		n.buf = append(n.buf, '\n')
	}
	if len(n.buf) == 0 {
		return nil
	}
	return n.emit(n.buf)
}

// visibleRun says how many bytes from the first on are plain ASCII that stays as it is, pieceSize at most.
func visibleRun(p []byte) int {
	p = p[:min(len(p), pieceSize)]
	for i, c := range p {
		between := c == ' ' && i > 0 && i+1 < len(p) && p[i+1] > ' ' && p[i+1] < utf8.RuneSelf // two words
		if c >= utf8.RuneSelf || c <= ' ' && !between {
			return i
		}
	}
	return len(p)
}

// rune takes one character.
func (n *normalizer) rune(r rune) error {
	after := n.carriage
	n.carriage = r == '\r'
	switch {
	case r == '\n' && after, r == 0, r == 2:
	case r == '\n', r == '\r', r == '\f':
		n.spaces = n.spaces[:0]
		n.newlines++
	case unicode.IsSpace(r):
		if len(n.spaces) < maxSpaces {
			n.spaces = utf8.AppendRune(n.spaces, r)
		}
	default:
		var b [utf8.UTFMax]byte
		return n.visible(b[:utf8.EncodeRune(b[:], r)])
	}
	return nil
}

// visible takes characters that stay, and what stands before them.
func (n *normalizer) visible(p []byte) error {
	most := maxBlankLines
	if n.started {
		most++ // the end of a line with something in it
	}
	for range min(n.newlines, most) {
		n.buf = append(n.buf, '\n')
	}
	n.buf = append(append(n.buf, n.spaces...), p...)
	n.newlines, n.spaces = 0, n.spaces[:0]
	n.started, n.carriage = true, false
	if len(n.buf) < pieceSize {
		return nil
	}
	err := n.emit(n.buf)
	n.buf = n.buf[:0]
	return err
}
