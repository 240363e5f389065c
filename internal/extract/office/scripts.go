package office

import (
	"strings"

	"github.com/satchel-files/satchel/internal/extract"
)

// script is where text stands that is smaller than what is around it.
type script int

const (
	onLine script = iota
	above
	below
)

// Marks of such text, while a paragraph is put together: one piece of it may come in several runs. As with notes, no document can forge one.
const (
	aboveOpen   = "\x03"
	belowOpen   = "\x04"
	scriptClose = "\x05"
)

// mark marks a run of text.
func (s script) mark(text string) string {
	switch {
	case text == "":
	case s == above:
		return aboveOpen + text + scriptClose
	case s == below:
		return belowOpen + text + scriptClose
	}
	return text
}

// write writes a piece of text as it stands.
func (s script) write(text string) string {
	switch s {
	case above:
		return extract.Superscript(text)
	case below:
		return extract.Subscript(text)
	}
	return text
}

// scriptNamed reads the word that Word and Excel have for it.
func scriptNamed(value string) script {
	return map[string]script{"superscript": above, "subscript": below}[value]
}

// scriptShifted reads by how much text is shifted up, as DrawingML and OpenDocument have it: "30000", "-25%", "super 58%".
func scriptShifted(value string) script {
	value, _, _ = strings.Cut(strings.TrimSpace(value), " ")
	switch {
	case value == "sub", strings.HasPrefix(value, "-") && strings.Trim(value, "-0%") != "":
		return below
	case value == "super", strings.Trim(value, "0%") != "":
		return above
	}
	return onLine
}

// scripts writes what is marked in a text. What follows another piece on the same height goes on with it, and the innermost mark counts.
func scripts(text string) string {
	if !strings.ContainsAny(text, aboveOpen+belowOpen) {
		return text
	}
	var b strings.Builder
	var piece []byte
	kind, open := onLine, []script{}
	turn := func() {
		now := onLine
		if len(open) > 0 {
			now = open[len(open)-1]
		}
		if now != kind && len(piece) > 0 {
			b.WriteString(kind.write(string(piece)))
			piece = piece[:0]
		}
		kind = now
	}
	for i := range len(text) {
		switch c := text[i : i+1]; {
		case c == aboveOpen:
			open = append(open, above)
		case c == belowOpen:
			open = append(open, below)
		case c == scriptClose && len(open) > 0:
			open = open[:len(open)-1]
		case c != scriptClose:
			turn()
			piece = append(piece, c...)
		}
	}
	return b.String() + kind.write(string(piece))
}
