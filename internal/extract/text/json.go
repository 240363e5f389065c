package text

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Limits of JSON that is indented.
const (
	maxIndent   = 32  // levels
	longestLine = 400 // bytes; what has no longer lines is easy to read as it is
)

// json gives JSON as it stands, but for escapes. What is short and written without line ends is indented.
func (p pager) json(ctx context.Context, r io.Reader, lines bool) error {
	r = newUnescaper(r)
	if lines {
		return p.pages(ctx, r, &lineMarks{})
	}
	head, all, err := short(r, maxJSON)
	switch {
	case err != nil:
		return err
	case all != nil:
		return p.pages(ctx, all, &lineMarks{})
	}
	return p.pages(ctx, strings.NewReader(indented(head)), &lineMarks{})
}

// indented gives JSON one value a line, if it is JSON and has long lines.
func indented(text string) string {
	long := false
	for line := range strings.Lines(text) {
		long = long || len(line) > longestLine
	}
	var b bytes.Buffer
	if !long || levels(text) > maxIndent || json.Indent(&b, []byte(text), "", "  ") != nil {
		return text
	}
	return b.String()
}

// levels says how deep the brackets of a text are nested, those in strings too.
func levels(text string) int {
	deepest, depth := 0, 0
	for i := range len(text) {
		switch text[i] {
		case '[', '{':
			depth++
		case ']', '}':
			depth--
		}
		deepest = max(deepest, depth)
	}
	return deepest
}

// unescaper gives JSON with \u00e9 and its like as the characters that they stand for. Those of ASCII stay, for they may have a meaning.
type unescaper struct {
	lines *bufio.Scanner
	ready []byte
}

func newUnescaper(r io.Reader) io.Reader {
	u := &unescaper{lines: bufio.NewScanner(r)}
	u.lines.Buffer(nil, 2*maxLine)
	u.lines.Split(func(data []byte, atEOF bool) (int, []byte, error) { return splitLine(data, atEOF, false) })
	return u
}

// Read implements io.Reader.
func (u *unescaper) Read(p []byte) (int, error) {
	for len(u.ready) == 0 {
		if !u.lines.Scan() {
			if err := u.lines.Err(); err != nil {
				return 0, err
			}
			return 0, io.EOF
		}
		u.ready = unescape(u.lines.Bytes())
	}
	n := copy(p, u.ready)
	u.ready = u.ready[n:]
	return n, nil
}

func unescape(line []byte) []byte {
	if !bytes.Contains(line, []byte(`\u`)) {
		return line
	}
	out := make([]byte, 0, len(line))
	for len(line) > 0 {
		at := bytes.IndexByte(line, '\\')
		if at < 0 || at+1 == len(line) {
			return append(out, line...)
		}
		out, line = append(out, line[:at]...), line[at:]
		r, size := escaped(line)
		if size == 0 {
			r, size = 0, 2
		}
		if r < utf8.RuneSelf {
			out = append(out, line[:size]...)
		} else {
			out = utf8.AppendRune(out, r)
		}
		line = line[size:]
	}
	return out
}

// escaped reads an escape with four digits, or two of them that are one character; size is 0 for none.
func escaped(text []byte) (r rune, size int) {
	r, ok := fourDigits(text)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if low, ok := fourDigits(text[6:]); ok {
		if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return 0, 6
}

func fourDigits(text []byte) (rune, bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	n, err := strconv.ParseUint(string(text[2:6]), 16, 16)
	return rune(n), err == nil
}
