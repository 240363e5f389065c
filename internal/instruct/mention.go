package instruct

import (
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// An instruction is the only thing that can have keys removed or renamed: what a document says, and what a model makes of it, cannot. So it
// is decided here, by the instruction's own words, which keys a model may touch in these ways at all.

// licence is what an instruction allows.
type licence struct {
	remove [][]string // paths that may be removed
	rename [][]string // paths that may be renamed
	must   bool       // one of them has to be
}

const maxPaths = 500 // of metadata, that can be removed or renamed by a model

// licenceOf reads an instruction. A key may be removed or renamed if the instruction names it in a clear form (in any case, with blanks for
// underscores, in quotes, in another number or case of its word, and for everyday keys in another language), or says that it is about all keys,
// and if it speaks of removing or renaming. For a metadata update in a language in which no such words are known to us, the name is enough.
func licenceOf(kind Kind, instruction string, metadata satchel.Metadata) licence {
	said, clauses := clausesOf(instruction)
	words := said.words
	paths := pathsOf(metadata.Object())
	asked := removals{mentions{phrase: said}, clauses}
	named := namedPaths(said, paths, everyKey(words))
	foreign := kind == Update && !slices.ContainsFunc(words, knownVerb) && !strings.ContainsAny(instruction, "?？") // who asks, changes nothing
	var l licence
	switch {
	case foreign, asked.all():
		l.remove = namedPaths(said, paths, !foreign)
	default:
		l.remove = slices.DeleteFunc(namedPaths(said, paths, false), func(path []string) bool { return !asked.named(path) })
	}
	moves := slices.ContainsFunc(words, renameWord) || slices.ContainsFunc(words, moveWord)
	if foreign || moves || slices.ContainsFunc(words, changeWord) && slices.ContainsFunc(words, keyNoun) {
		l.rename = named
	}
	return l
}

func (l licence) empty() bool { return len(l.remove) == 0 && len(l.rename) == 0 }

// pathsOf gives the paths of all keys in nested objects, parents before what is in them, in order, at most maxPaths.
func pathsOf(object map[string]any) [][]string {
	var all [][]string
	var walk func(map[string]any, []string)
	walk = func(object map[string]any, above []string) {
		for _, key := range slices.Sorted(maps.Keys(object)) {
			path := append(slices.Clone(above), key)
			if len(all) == maxPaths {
				return
			}
			all = append(all, path)
			if inner, ok := object[key].(map[string]any); ok {
				walk(inner, path)
			}
		}
	}
	walk(object, nil)
	return all
}

// phrase is the words of a text or a key, folded: letters and digits apart, also at the humps of camelCase.
type phrase struct {
	words []string
	glued []bool // whether a word goes on with the one before it, as in first_name
}

func phraseOf(text string) phrase {
	var p phrase
	start, glue := 0, false
	last, before := ' ', ' ' // the two runes before this one
	for i, r := range text {
		hump := unicode.IsUpper(r) && unicode.IsLower(last)
		switch {
		case wordRune(r) && (hump || !wordRune(last)):
			p.take(text[start:i], glue)
			start, glue = i, hump || (last == '_' || last == '-') && wordRune(before)
		case !wordRune(r) && wordRune(last):
			p.take(text[start:i], glue)
			start, glue = i, false
		}
		last, before = r, last
	}
	p.take(text[start:], glue)
	return p
}

// take adds the words of a piece of text without blanks.
func (p *phrase) take(piece string, glue bool) {
	for _, w := range scan(foldText(piece, asWords)) {
		first, _ := utf8.DecodeRuneInString(w.text)
		p.words = append(p.words, w.text)
		p.glued = append(p.glued, glue && !unspaced(first))
		glue = !unspaced(first)
	}
}

// wordsOf gives the words of a text or a key.
func wordsOf(text string) []string { return phraseOf(text).words }

// namedPaths gives the paths that an instruction names, less those that it wants to be kept, or with all, all but those.
func namedPaths(said phrase, paths [][]string, all bool) [][]string {
	words := said.words
	m := mentions{phrase: said, used: make([]bool, len(words))}
	named := m.named(paths)
	kept := slices.DeleteFunc(slices.Clone(named), func(path []string) bool { return !m.kept(path) })
	if all || everything(words) && len(kept) == len(named) {
		return slices.DeleteFunc(slices.Clone(paths), func(path []string) bool { return slices.ContainsFunc(kept, related(path)) })
	}
	return slices.DeleteFunc(slices.Clone(named), func(path []string) bool { return contains(kept, path) || m.around(path, named) })
}

// around reports whether a path only says where another one that is named lies: "the zip in address".
func (m mentions) around(path []string, named [][]string) bool {
	inner := func(other []string) bool { return len(other) > len(path) && slices.Equal(other[:len(path)], path) }
	return slices.ContainsFunc(named, inner) && slices.ContainsFunc(m.find(keyWords(path)), func(s span) bool {
		before := m.words[:s.start]
		if len(before) > 0 && articleWord(before[len(before)-1]) {
			before = before[:len(before)-1]
		}
		return len(before) > 0 && placeWord(before[len(before)-1])
	})
}

// related reports paths of which one lies in the other.
func related(path []string) func([]string) bool {
	return func(other []string) bool {
		n := min(len(path), len(other))
		return slices.Equal(path[:n], other[:n])
	}
}

func contains(paths [][]string, path []string) bool {
	return slices.ContainsFunc(paths, func(p []string) bool { return slices.Equal(p, path) })
}

// mentions finds keys in the words of an instruction. Words that belong to a longer key do not name a shorter one.
type mentions struct {
	phrase
	used []bool
}

// named gives the paths that are mentioned, in their order: the longest names first take their words.
func (m mentions) named(paths [][]string) [][]string {
	order := slices.Clone(paths)
	slices.SortStableFunc(order, func(a, b []string) int { return len(keyWords(b)) - len(keyWords(a)) })
	var found [][]string
	for _, path := range order {
		if m.mentioned(path, paths) {
			found = append(found, path)
		}
	}
	return slices.DeleteFunc(slices.Clone(paths), func(path []string) bool { return !contains(found, path) })
}

func keyWords(path []string) []string { return wordsOf(path[len(path)-1]) }

// mentioned looks for the last key of a path. If a key outside of objects has the same name, the objects around this one must be named too.
func (m mentions) mentioned(path []string, paths [][]string) bool {
	words := keyWords(path)
	if len(path) > 1 && contains(paths, path[len(path)-1:]) {
		words = wordsOf(strings.Join(path, " "))
	}
	if len(words) == 0 {
		return false
	}
	places := m.find(words)
	fresh := false
	for _, s := range places {
		if slices.Contains(m.used[s.start:s.end], false) {
			fresh = true
		}
	}
	if fresh {
		for _, s := range places {
			for i := s.start; i < s.end; i++ {
				m.used[i] = len(words) > 1 || m.used[i] // the word of a short name may stand for two keys of that name
			}
		}
	}
	return fresh || len(m.kinds(words[len(words)-1])) > 0
}

// find gives the places of a key's words: one after the other, or written as one, and not as a part of a longer name.
func (m mentions) find(key []string) []span {
	var found []span
	joined := strings.Join(key, "")
	for i := range m.words {
		if m.glued[i] {
			continue
		}
		if matchWords(m.words[i:], key) {
			found = append(found, span{i, i + len(key)})
			continue
		}
		together := ""
		for j := i; j < len(m.words) && len(together) < len(joined); j++ {
			if together += m.words[j]; together == joined {
				found = append(found, span{i, j + 1})
			}
		}
	}
	return slices.DeleteFunc(found, func(s span) bool { return s.end < len(m.glued) && m.glued[s.end] })
}

func matchWords(words, key []string) bool {
	if len(words) < len(key) {
		return false
	}
	for i, w := range key {
		if !sameWord(words[i], w) {
			return false
		}
	}
	return true
}

// kinds gives where the instruction speaks of all keys of a kind: "all dates" for due_date.
func (m mentions) kinds(last string) []span {
	var found []span
	for i, w := range m.words {
		if i > 0 && sameWord(w, last) && (allWord(m.words[i-1]) || i > 1 && allWord(m.words[i-2])) {
			found = append(found, span{i, i + 1})
		}
	}
	return found
}

// sameWord reports whether two folded words are the same but for their endings, or mean the same everyday key.
func sameWord(a, b string) bool {
	if a == b {
		return true
	}
	x, y := []rune(a), []rune(b)
	same := 0
	for same < len(x) && same < len(y) && x[same] == y[same] {
		same++
	}
	restA, restB := string(x[same:]), string(y[same:])
	switch {
	case same >= 3 && (same == len(x) && len(y)-same <= 2 || same == len(y) && len(x)-same <= 2):
		return unicode.IsLetter(y[len(y)-1]) && unicode.IsLetter(x[len(x)-1])
	case same >= 4 && len(x)-same <= 1 && len(y)-same <= 1:
		return unicode.IsLetter(y[len(y)-1]) && unicode.IsLetter(x[len(x)-1])
	case same >= 3 && (restA == "y" && restB == "ies" || restA == "ies" && restB == "y"):
		return true
	}
	meaning := meaningOf(x)
	return meaning != "" && meaning == meaningOf(y)
}

// meaningOf gives the English name of an everyday key, also by an inflected form of its word.
func meaningOf(word []rune) string {
	for cut := range min(3, max(1, len(word)-3)) {
		if meaning := conceptOf(string(word[:len(word)-cut])); meaning != "" {
			return meaning
		}
	}
	return ""
}

// kept reports whether a path is named behind words such as "except" and "keep", before the instruction speaks of removing again.
func (m mentions) kept(path []string) bool {
	return slices.ContainsFunc(m.find(keyWords(path)), func(s span) bool {
		before := m.words[:s.start]
		keep, remove := lastIndexFunc(before, keepWord), lastIndexFunc(before, removalWord)
		return keep >= 0 && remove < keep && (keep == 0 || before[keep] != "but" || before[keep-1] != "nothing")
	})
}

func lastIndexFunc(words []string, is func(string) bool) int {
	for i, w := range slices.Backward(words) {
		if is(w) {
			return i
		}
	}
	return -1
}

// everyKey reports words such as "all keys", "every field", "alle Metadaten".
func everyKey(words []string) bool {
	for i, w := range words {
		if allWord(w) && slices.ContainsFunc(words[i+1:min(len(words), i+4)], keyNoun) {
			return true
		}
	}
	return false
}

// everything reports words that leave nothing out: "everything", "the rest", "clear the metadata", "keep only".
func everything(words []string) bool {
	if slices.ContainsFunc(words, totalWord) || slices.ContainsFunc(words, clearingWord) && slices.ContainsFunc(words, keyNoun) {
		return true
	}
	for i, w := range words {
		if keepWord(w) && slices.ContainsFunc(words[max(0, i-1):min(len(words), i+2)], onlyWord) {
			return true
		}
	}
	return false
}
