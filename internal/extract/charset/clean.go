package charset

import (
	"bytes"
	"io"
	"slices"
	"unicode/utf8"
)

// blocks is the reading side of a filter: it reads block by block, has each changed, and gives out the result.
type blocks struct {
	in     io.Reader
	block  []byte
	change func(text []byte, last bool) []byte // what it gives is used up before the next call
	ready  []byte
	err    error // of in
}

func newBlocks(in io.Reader, change func([]byte, bool) []byte) *blocks {
	return &blocks{in: in, block: make([]byte, maxHead), change: change}
}

// Read implements io.Reader.
func (b *blocks) Read(p []byte) (int, error) {
	for len(b.ready) == 0 {
		if b.err != nil {
			return 0, b.err
		}
		var n int
		n, b.err = b.in.Read(b.block)
		b.ready = b.change(b.block[:n], b.err != nil)
	}
	n := copy(p, b.ready)
	b.ready = b.ready[n:]
	return n, nil
}

// newValidator gives what it reads with U+FFFD in the place of what is no UTF-8.
func newValidator(in io.Reader) io.Reader {
	var carried, text []byte // the bytes of a character that the last block did not end
	return newBlocks(in, func(block []byte, last bool) []byte {
		text = append(append(text[:0], carried...), block...)
		whole := len(text)
		if !last {
			whole -= unfinished(text)
		}
		carried = append(carried[:0], text[whole:]...)
		if utf8.Valid(text[:whole]) {
			return text[:whole]
		}
		return bytes.ToValidUTF8(text[:whole], []byte("\uFFFD"))
	})
}

// unfinished gives how many bytes at the end of a text are the beginning of a character.
func unfinished(text []byte) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if tail := text[len(text)-n:]; utf8.RuneStart(tail[0]) {
			if utf8.FullRune(tail) {
				return 0
			}
			return n
		}
	}
	return 0
}

// newCleaner ends lines with \n, and takes out what Reader says. A text that has nothing of that is passed on as it is.
func newCleaner(in io.Reader) io.Reader {
	var c cleaner
	return newBlocks(in, c.clean)
}

// cleaner remembers within what the last block ended.
type cleaner struct {
	out    []byte
	state  state
	lineCR bool // the last character was a CR, for which a line end was written
}

// state is where in an escape sequence a text is.
type state int

const (
	stateText    state = iota
	stateEscape        // after ESC
	stateControl       // in a control sequence, which ends with a letter
	stateCommand       // in a command to the terminal, which ends with BEL or ESC \
)

func (c *cleaner) clean(text []byte, _ bool) []byte {
	if c.state == stateText && !c.lineCR && plain(text) {
		return text
	}
	c.out = c.out[:0]
	for _, b := range text {
		c.next(b)
	}
	return c.out
}

// plain reports whether there is nothing to take out.
func plain(text []byte) bool { return !slices.ContainsFunc(text, special) }

func special(b byte) bool { return b < ' ' && b != '\n' && b != '\t' && b != '\f' || b == 0x7F }

func (c *cleaner) next(b byte) {
	after := c.lineCR
	c.lineCR = b == '\r'
	switch {
	case b == '\n' && after:
	case b == '\n', b == '\r':
		c.state = stateText
		c.out = append(c.out, '\n')
	case b == 0x1B:
		c.state = stateEscape
	case c.state == stateCommand, c.state != stateText && b < utf8.RuneSelf:
		c.state = c.state.after(b)
	case !special(b):
		c.state = stateText
		c.out = append(c.out, b)
	}
}

// after gives the state after one more byte of an escape sequence.
func (s state) after(b byte) state {
	switch {
	case s == stateEscape && b == '[':
		return stateControl
	case s == stateEscape && b == ']':
		return stateCommand
	case s == stateEscape && b >= ' ' && b < '0':
		return stateEscape
	case s == stateControl && (b < '@' || b > '~'), s == stateCommand && b != 0x07:
		return s
	}
	return stateText
}
