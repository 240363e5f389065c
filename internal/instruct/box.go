package instruct

import (
	"slices"
	"strings"
)

// Forms offer words with boxes before them. Which box is ticked is beyond a small model: it reads the words.

// box is a box of a form, the word or words behind it, and what stands before the first box of its line.
type box struct {
	ticked bool
	text   string
	line   string
}

// boxes gives the boxes in the text, in order: [x] and [ ], (x) and ( ), and the characters that are boxes.
func (c *conformer) boxes() []box {
	var all []box
	for _, p := range c.passages {
		if !strings.ContainsAny(p.original, "[(☐☑☒") {
			continue
		}
		for line := range strings.Lines(p.original) {
			all = append(all, boxesIn(line)...)
		}
	}
	return all
}

func boxesIn(line string) []box {
	marks := strings.NewReplacer("[ ]", "☐", "[]", "☐", "( )", "☐", "[x]", "☒", "[X]", "☒", "(x)", "☒", "(X)", "☒", "☑", "☒", "✓", "☒", "✔", "☒")
	line = marks.Replace(line)
	label, rest := line, ""
	if i := strings.IndexAny(line, "☐☒"); i >= 0 {
		label, rest = line[:i], line[i:]
	}
	var all []box
	for rest != "" {
		ticked := strings.HasPrefix(rest, "☒")
		rest = rest[len("☒"):]
		end := strings.IndexAny(rest, "☐☒")
		if end < 0 {
			end = len(rest)
		}
		all = append(all, box{ticked, strings.TrimSpace(rest[:end]), label})
		rest = rest[end:]
	}
	return all
}

// ticked gives, for a word of an enum, the one word of it that the text has behind a ticked box, if the word itself is behind an empty one.
func (c *conformer) ticked(word string, want expectation) string {
	if !c.strict || len(want.words) == 0 {
		return word
	}
	var chosen []string
	empty := false
	for _, b := range c.boxes() {
		for _, other := range want.words {
			switch {
			case !begins(b.text, other):
			case b.ticked:
				chosen = append(chosen, other)
			case other == word:
				empty = true
			}
		}
	}
	if empty && len(chosen) == 1 {
		return chosen[0]
	}
	return word
}

// begins reports whether a text begins with the words of another.
func begins(text, with string) bool {
	words, first := wordsOf(text), wordsOf(with)
	return len(first) > 0 && len(words) >= len(first) && slices.Equal(words[:len(first)], first)
}

// truth gives the truth that the boxes for yes and no say behind the words of a key, or else the value that there is.
func (c *conformer) truth(value bool, want expectation, key string) bool {
	if !c.strict {
		return value
	}
	about := hintsUnder(c.schema, want.of, key)
	said := map[bool]bool{}
	for _, b := range c.boxes() {
		first, _, _ := strings.Cut(b.text, " ")
		truth, ok := readTruth(first)
		if ok && b.ticked && anyAlike(wordsOf(b.line), about) {
			said[truth] = true
		}
	}
	if len(said) == 1 {
		return said[true]
	}
	return value
}
