package instruct

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// Forms, invoices and signatures name what stands behind a colon or a gap. What stands only behind the name of one key is no answer to another.

// withoutForeign takes from a set the values that stand, wherever they do, behind the label of another key.
func (c *conformer) withoutForeign(set map[string]any) {
	keys := c.keys(set)
	for _, key := range slices.Sorted(maps.Keys(set)) {
		if c.foreign(set[key], key, keys) || c.otherNumber(set[key], key, keys) {
			c.mistaken(key, set[key])
			delete(set, key)
		}
	}
}

// keys gives the keys that are asked for, or else those that there are.
func (c *conformer) keys(set map[string]any) []string {
	if c.schema != nil {
		if names := c.schema.Properties(c.schema.Root).Names(); len(names) > 0 {
			return names
		}
	}
	return slices.Sorted(maps.Keys(set))
}

func (c *conformer) foreign(value any, key string, keys []string) bool {
	found := false
	for _, p := range c.passages {
		for _, place := range p.places(value) {
			if p.besides(place, c.hints(key)) || !c.labelsOther(wordsOf(p.label(place)), key, keys) {
				return false
			}
			found = true
		}
	}
	return found
}

// labelsOther reports whether a label has all words of another key, and none that is like one of this key's.
func (c *conformer) labelsOther(label []string, key string, keys []string) bool {
	if anyAlike(label, c.hints(key)) {
		return false
	}
	return slices.ContainsFunc(keys, func(other string) bool {
		words := wordsOf(other)
		return other != key && len(words) > 0 && !slices.ContainsFunc(words, func(of string) bool {
			return !slices.ContainsFunc(label, func(w string) bool { return sameWord(w, of) })
		})
	})
}

const (
	longLabel   = 5 // bytes of a word that says what a number is; "no." does not
	knownLabels = 2 // other keys whose words are labels in the text, by which it has the language of the keys
)

// otherNumber reports a code that stands only behind labels, none of which is like a word of its key, in a text that labels things by the words of
// the keys.
func (c *conformer) otherNumber(value any, key string, keys []string) bool {
	text, isText := value.(string)
	if !isText || !copied(value) || isDay(text) || strings.Contains(text, "@") || strings.Contains(text, "://") || c.labelled(key, keys) < knownLabels {
		return false
	}
	own, found := c.hints(key), false
	for _, p := range c.passages {
		for _, place := range p.places(value) {
			label := wordsOf(p.label(place))
			telling := slices.ContainsFunc(label, func(w string) bool { return len(w) >= longLabel && !strings.ContainsFunc(w, digit) })
			if !telling || anyAlike(label, own) || p.besides(place, own) {
				return false
			}
			found = true
		}
	}
	return found
}

// labelled counts the keys beside one whose words stand before a colon.
func (c *conformer) labelled(key string, keys []string) int {
	var labels []string
	for _, p := range c.passages {
		for line := range strings.Lines(p.original) {
			if before, _, ok := strings.Cut(line, ":"); ok && len(before) <= maxLabel {
				labels = append(labels, wordsOf(before)...)
			}
		}
	}
	n := 0
	for _, other := range keys {
		if other != key && anyAlike(labels, c.hints(other)) {
			n++
		}
	}
	return n
}

func anyAlike(words, hints []string) bool {
	return slices.ContainsFunc(words, func(w string) bool {
		return slices.ContainsFunc(hints, func(hint string) bool { return alike(w, hint) })
	})
}

const leastLike = 4 // bytes at the beginning that words of one family share

// alike reports whether one of two words has the beginning of the other in it, as compounds and inflected words do.
func alike(a, b string) bool {
	short, long := a, b
	if len(a) > len(b) {
		short, long = b, a
	}
	return sameWord(a, b) || len(short) >= leastLike && strings.Contains(long, stem(short)) || len(short) >= minWord && strings.HasPrefix(long, short) // "Ref."
}

// besides reports whether one of the hints stands behind a place on its line: "Present: Ann Lee (chair)".
func (p *passage) besides(place span, hints []string) bool {
	after, _, _ := strings.Cut(p.original[place.end:min(len(p.original), place.end+hintAfter)], "\n")
	return anyAlike(wordsOf(after), hints)
}

const (
	maxLabel = 60 // bytes
	gapWidth = 2  // blanks that part columns
)

// label gives the words to which a place is the answer: those before a colon or a gap on its line; none if something else stands between.
func (p *passage) label(place span) string {
	before := p.original[max(0, place.start-2*maxLabel):place.start]
	before = before[strings.LastIndexByte(before, '\n')+1:]
	bare := strings.TrimRight(before, " \t€$£„“\"«([")
	parted := strings.HasSuffix(bare, ":")
	bare = strings.TrimSuffix(bare, ":")
	if !parted && !strings.HasSuffix(before, strings.Repeat(" ", gapWidth)) && !strings.HasSuffix(before, "\t") {
		return ""
	}
	bare = bare[lastSentence(bare):]
	for _, end := range []string{strings.Repeat(" ", gapWidth), "\t", "; ", ", ", ": ", "|"} {
		if i := strings.LastIndex(bare, end); i >= 0 {
			bare = bare[i+len(end):]
		}
	}
	if len(bare) > maxLabel || !utf8.ValidString(bare) {
		return ""
	}
	return bare
}
