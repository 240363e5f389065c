package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxPrefixes = 8 // quotations and lists inside of each other; what is deeper is not indented any further

// gap is what stands between two pieces of text.
type gap int

const (
	nothing gap = iota
	space
	newLine
	blankLine
)

// sheet collects text as Markdown. White space is written when the next word comes, so that there is never too much of it.
type sheet struct {
	out      []byte
	gap      gap
	prefixes []string // stand before each line
	marker   string   // stands before the next word: of a heading, a list item
	pending  int      // how many of the last prefixes the marker stands for
	flat     bool     // all is one line
	start    int      // where the text begins whose start was asked for; -1: it has not come yet
}

// String gives the text.
func (s *sheet) String() string {
	if len(s.out) == 0 {
		return ""
	}
	return string(s.out) + "\n"
}

// need sees to it that there is at least so much before the next word.
func (s *sheet) need(g gap) {
	if s.flat {
		g = min(g, space)
	}
	s.gap = max(s.gap, g)
}

// words writes text in which white space only parts words.
func (s *sheet) words(text string) {
	for text != "" {
		end := strings.IndexFunc(text, unicode.IsSpace)
		if end < 0 {
			end = len(text)
		}
		s.word(text[:end])
		if text = text[end:]; text != "" {
			s.need(space)
			text = strings.TrimLeftFunc(text, unicode.IsSpace)
		}
	}
}

// word writes what has no white space in it. Characters that nobody sees are left out.
func (s *sheet) word(word string) {
	if strings.ContainsFunc(word, invisible) {
		word = strings.Map(func(r rune) rune {
			if invisible(r) {
				return -1
			}
			return r
		}, word)
	}
	if strings.Trim(word, "\u200c\u200d") == "" { // joiners alone join nothing
		return
	}
	s.begin()
	s.out = append(s.out, word...)
}

func invisible(r rune) bool {
	switch r {
	case '\u00ad', '\u034f', '\u200b', '\u2060', '\ufeff':
		return true
	}
	return r < ' ' || r == 0x7f || r == utf8.RuneError
}

// begin writes what was put off until the next word.
func (s *sheet) begin() {
	if s.gap >= newLine || len(s.out) == 0 {
		prefix := strings.Join(s.prefixes[:len(s.prefixes)-s.pending], "")
		s.startLine(prefix, s.gap == blankLine)
	} else if s.gap == space {
		s.out = append(s.out, ' ')
	}
	s.out = append(s.out, s.marker...)
	s.gap, s.marker, s.pending = nothing, "", 0
	if s.start < 0 {
		s.start = len(s.out)
	}
}

func (s *sheet) startLine(prefix string, blank bool) {
	if len(s.out) > 0 {
		s.out = append(s.out, '\n')
		if blank {
			s.out = append(append(s.out, strings.TrimRight(prefix, " ")...), '\n')
		}
	}
	s.out = append(s.out, prefix...)
}

// nextLine begins another line of a block that has begun.
func (s *sheet) nextLine() { s.startLine(strings.Join(s.prefixes, ""), false) }

// mark puts a marker before the next word and rest before each line after it, until the function that it gives is called.
func (s *sheet) mark(marker, rest string) (end func()) {
	length, before, pending, prefixes := len(s.out), s.marker, s.pending, s.prefixes
	s.marker += marker
	if rest != "" && len(prefixes) < maxPrefixes && !s.flat {
		s.prefixes = append(prefixes[:len(prefixes):len(prefixes)], rest)
		s.pending++
	}
	return func() {
		s.prefixes = prefixes
		if len(s.out) == length { // no word came
			s.marker, s.pending = before, pending
		}
	}
}

// rewrite puts another text in the place of the one that write writes. Text of several lines is left alone.
func (s *sheet) rewrite(write func(), as func(text string) string) {
	outer := s.start
	s.start = -1
	write()
	start := s.start
	if outer >= 0 {
		s.start = outer
	}
	if start < 0 {
		return
	}
	if text := string(s.out[start:]); !strings.Contains(text, "\n") {
		s.out = append(s.out[:start], as(text)...)
	}
}
