package instruct

import (
	"maps"
	"regexp"
	"slices"

	"github.com/satchel-files/satchel"
)

// reservedKey is what metadata updates take for an instruction; it is never stored.
const reservedKey = "instructions"

// assigned gives values to the very keys to which the instruction assigns them ("status = draft"), where a model has written them to a longer one that
// was there, and takes out what it has copied from the form of the answer.
func (e *editor) assigned(set map[string]any) map[string]any {
	if !slices.Contains(e.words, "key") && !slices.Contains(e.words, "value") && set["key"] != nil && set["value"] != nil {
		delete(set, "key")
		delete(set, "value")
	}
	for _, key := range []string{"needs_document", "set", "rename", "remove"} { // its own words
		if _, isText := set[key].(string); !isText && e.base[key] == nil {
			delete(set, key)
		}
	}
	if _, there := set[reservedKey]; there {
		e.note("%q was left out: it is no key that metadata can have.", reservedKey)
		delete(set, reservedKey)
	}
	for _, key := range assignments(e.task.Instruction) {
		if set[key] != nil {
			continue
		}
		for _, other := range slices.Sorted(maps.Keys(set)) {
			words := wordsOf(other)
			if other != key && len(words) > len(wordsOf(key)) && matchWords(words, wordsOf(key)) && len(mentions{phrase: e.phrase}.find(words)) == 0 && e.says(set[other]) {
				set[key] = set[other]
				delete(set, other)
				break
			}
		}
	}
	return set
}

func assignmentForm() *regexp.Regexp { return regexp.MustCompile(`([\pL_][\pL\pN_.-]*)\s*=[^=]`) }

// assignments gives the keys that stand before an equals sign.
func assignments(instruction string) []string {
	var keys []string
	for _, found := range assignmentForm().FindAllStringSubmatch(instruction, maxNotes) {
		keys = append(keys, found[1])
	}
	return keys
}

// withoutNewNames takes out of an edit what comes of taking a new name for something else: a value under a name that something was only to be
// renamed to, and such a name as a value.
func (e *editor) withoutNewNames(edit satchel.Edit) {
	for _, key := range slices.Sorted(maps.Keys(edit.Set)) {
		_, old := e.base[key]
		text, isText := edit.Set[key].(string)
		switch {
		case !old && e.newName(key) && !movedTo(edit, []string{key}):
			e.note("%q was not set: the instruction asks for a rename.", key)
		case old && isText && e.newName(text):
			e.note("%q was left as it is: the instruction asks for a rename.", key)
		default:
			continue
		}
		delete(edit.Set, key)
	}
}

// withoutUnasked takes out of an edit of an update the keys that are there already and that the instruction does not name, unless it is one
// about all of them, such as a translation: what stands in a document, or comes to a model's mind, is no reason to change them.
func (e *editor) withoutUnasked(edit satchel.Edit) {
	touched := func(key string) bool {
		return e.touches(key) || slices.ContainsFunc(innerKeys(edit.Set[key]), e.touches)
	}
	named := slices.ContainsFunc(slices.Collect(maps.Keys(edit.Set)), touched)
	if e.task.Kind != Update || everyKey(e.words) || everything(e.words) || !named && slices.ContainsFunc(e.words, sweepingWord) {
		return
	}
	for _, key := range slices.Sorted(maps.Keys(edit.Set)) {
		if _, old := e.base[key]; old && !touched(key) {
			e.note("%q was left as it is: the instruction does not name it.", key)
			delete(edit.Set, key)
		}
	}
}

// innerKeys gives the keys in an object, and in those inside of it.
func innerKeys(value any) []string {
	object, _ := value.(map[string]any)
	var keys []string
	for key, inner := range object {
		keys = append(append(keys, key), innerKeys(inner)...)
	}
	return keys
}

// touches reports whether the instruction has a word of a key.
func (e *editor) touches(key string) bool {
	return slices.ContainsFunc(wordsOf(key), func(word string) bool {
		return slices.ContainsFunc(e.words, func(said string) bool { return sameWord(said, word) })
	})
}

// newName reports whether the instruction says a word only where it asks for a rename.
func (e *editor) newName(text string) bool {
	places := mentions{phrase: e.phrase}.find(wordsOf(text))
	return len(places) > 0 && !slices.ContainsFunc(places, func(s span) bool {
		verb := lastIndexFunc(e.words[:s.start], func(w string) bool { return knownVerb(w) && !e.isKey(w) })
		return verb < 0 || !renameWord(e.words[verb])
	})
}

// isKey reports whether a word is a key of the metadata, such as "note", and so perhaps no verb.
func (e *editor) isKey(word string) bool {
	for key := range e.base {
		if slices.Equal(wordsOf(key), []string{word}) {
			return true
		}
	}
	return false
}

// assembled reports whether a text of several words has only words that are known.
func assembled(value any, known []string) bool {
	text, _ := value.(string)
	words := wordsOf(text)
	return len(words) > 1 && !slices.ContainsFunc(words, func(w string) bool { return !slices.Contains(known, w) })
}
