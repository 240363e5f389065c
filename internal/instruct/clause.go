package instruct

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clause is a part of an instruction with at most one wish in it: what a verb says goes for the keys of its own clause.
type clause struct {
	start, end int // in the instruction's words
	asks       bool
}

// clausesOf takes an instruction apart at the marks that stand before a blank, and before a further verb.
func clausesOf(instruction string) (p phrase, clauses []clause) {
	for _, sentence := range sentencesOf(instruction) {
		part := phraseOf(sentence)
		asks := strings.ContainsAny(sentence, "?？") && !slices.ContainsFunc(part.words, pleadingWord)
		start := len(p.words)
		for i, w := range part.words {
			next := part.words[min(i+1, len(part.words)-1)]
			if joiningWord(w) && i > 0 && knownVerb(next) && !keepWord(next) {
				clauses = append(clauses, clause{start, len(p.words) + i, asks})
				start = len(p.words) + i
			}
		}
		p.words, p.glued = append(p.words, part.words...), append(p.glued, part.glued...)
		clauses = append(clauses, clause{start, len(p.words), asks})
	}
	return p, slices.DeleteFunc(clauses, func(c clause) bool { return c.start == c.end })
}

// sentencesOf cuts a text behind punctuation; a point in address.zip is none.
func sentencesOf(text string) []string {
	var all []string
	start := 0
	for i := range text {
		r, size := utf8.DecodeRuneInString(text[i:]) // of what is not UTF-8, one byte
		after := i + size
		next, _ := utf8.DecodeRuneInString(text[after:])
		if r == '\n' || strings.ContainsRune(".,;:!?…–—", r) && (after == len(text) || unicode.IsSpace(next)) || strings.ContainsRune("。，；：！？、", r) {
			all = append(all, text[start:after])
			start = after
		}
	}
	return append(all, text[start:])
}

// removals tells which mentions of keys an instruction wants to be removed.
type removals struct {
	mentions
	clauses []clause
}

// named reports whether an instruction asks for a key to be removed, by one of the places where it names it.
func (r removals) named(path []string) bool {
	return slices.ContainsFunc(r.placesOf(path), func(s span) bool {
		i := slices.IndexFunc(r.clauses, func(c clause) bool { return c.start <= s.start && s.start < c.end })
		return i >= 0 && !r.denies(r.clauses[i], s.start) && (r.removes(r.governing(i)) || r.pointedAt(i))
	})
}

// placesOf gives where an instruction names a key, or all keys of its kind: "all dates" for due_date.
func (r removals) placesOf(path []string) []span {
	words := keyWords(path)
	if len(words) == 0 {
		return nil
	}
	return append(r.find(words), r.kinds(words[len(words)-1])...)
}

// governing gives the clause whose verb counts in a clause: its own, or that of the one before, or else behind it.
func (r removals) governing(i int) clause {
	verbal := func(c clause) bool { return slices.ContainsFunc(r.words[c.start:c.end], knownVerb) }
	for j := i; j >= 0; j-- {
		if verbal(r.clauses[j]) {
			return r.clauses[j]
		}
	}
	for _, c := range r.clauses[i:] {
		if verbal(c) {
			return c
		}
	}
	return r.clauses[i]
}

// removes reports whether a clause asks for a removal.
func (r removals) removes(c clause) bool {
	for i := c.start; i < c.end; i++ {
		if !c.asks && r.removalAt(i) && !r.denies(c, i) {
			return true
		}
	}
	return false
}

// removalAt reports a verb of removing; "clear" is often none.
func (p phrase) removalAt(i int) bool {
	if !strings.HasPrefix(p.words[i], "clear") {
		return removalWord(p.words[i])
	}
	return slices.Contains([]string{"clear", "clears", "clearing", "cleared"}, p.words[i]) && (i == 0 || !stateWord(p.words[i-1]))
}

// denies reports whether a clause says "not", or the like, before a word in it, or at its end, as in German; "nothing but" is no denial.
func (r removals) denies(c clause, at int) bool {
	for i := c.start; i < c.end; i++ {
		next := ""
		if i+1 < c.end {
			next = r.words[i+1]
		}
		if negativeWord(r.words[i]) && next != "but" && (i < at || i == c.end-1) {
			return true
		}
	}
	return false
}

// pointedAt reports whether the next clause removes what it only points at: "join both, and remove them".
func (r removals) pointedAt(i int) bool {
	if i+1 >= len(r.clauses) {
		return false
	}
	next := r.clauses[i+1]
	return r.removes(next) && slices.ContainsFunc(r.words[next.start:next.end], pointingWord)
}

// all reports whether an instruction asks for all keys to be removed, or all but some: "remove all keys", "clear the metadata", "keep only".
func (r removals) all() bool {
	return slices.ContainsFunc(r.clauses, func(c clause) bool {
		words := r.words[c.start:c.end]
		if c.asks {
			return false
		}
		if everything(words) && (r.removes(c) || slices.ContainsFunc(words, keepWord)) {
			return true
		}
		for i, w := range words {
			near := func(j int) bool { return j >= 0 && j < len(words) && r.removalAt(c.start+j) && !r.denies(c, c.start+j) }
			if allWord(w) && slices.ContainsFunc(words[i+1:min(len(words), i+4)], keyNoun) &&
				(near(i-1) || near(i-2) || slices.ContainsFunc([]int{i + 2, i + 3, i + 4}, near)) {
				return true
			}
		}
		return false
	})
}
