package instruct

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
)

// editor turns what a model wants into an edit that the instruction, the caller's keys, the schema and the limits of metadata allow.
type editor struct {
	task   *Task
	schema *metaschema.Schema
	may    licence
	phrase // of the instruction
	base   map[string]any
	shown  []*passage // the text that the model saw when it wrote
	notes  []string
}

func newEditor(task *Task, s *metaschema.Schema, may licence) *editor {
	return &editor{task: task, schema: s, may: may, phrase: phraseOf(task.Instruction), base: task.Metadata.Object()}
}

const (
	maxNotes = 30
	maxNote  = 400 // bytes
)

// note says something for people, once.
func (e *editor) note(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if len(text) > maxNote {
		text = text[:wholeRunes(text[:maxNote])] + "…"
	}
	if len(e.notes) < maxNotes && !slices.Contains(e.notes, text) {
		e.notes = append(e.notes, text)
	}
}

// moves gives the renames and removals that the licence allows; set is what the same answer sets, and loses what only retypes a moved value.
func (e *editor) moves(a *answer) satchel.Edit {
	var edit satchel.Edit
	for _, move := range a.rename {
		if r, ok := e.rename(move[0], move[1]); ok && !moved(edit, r.From) {
			edit.Rename = append(edit.Rename, r)
		}
	}
	for _, name := range a.remove {
		if path, ok := e.removal(name); ok {
			if to, ok := e.retyped(a, path); ok && !moved(edit, path) {
				edit.Rename = append(edit.Rename, satchel.Rename{From: path, To: to})
			}
			edit.Remove = append(edit.Remove, path)
		}
	}
	e.implied(a, &edit)
	edit.Remove = slices.DeleteFunc(edit.Remove, func(path []string) bool { return moved(edit, path) || movedTo(edit, path) })
	for _, r := range edit.Rename {
		e.dropRetyped(a.set, r)
	}
	for _, path := range edit.Remove { // a value for what is to be removed is no wish, unless the instruction gives it
		if value, ok := a.set[path[0]]; ok && len(path) == 1 && !e.says(value) {
			delete(a.set, path[0])
		}
	}
	return edit
}

func moved(edit satchel.Edit, path []string) bool {
	return slices.ContainsFunc(edit.Rename, func(r satchel.Rename) bool { return slices.Equal(r.From, path) })
}

func movedTo(edit satchel.Edit, path []string) bool {
	return slices.ContainsFunc(edit.Rename, func(r satchel.Rename) bool { return slices.Equal(r.To, path) })
}

// rename checks one rename.
func (e *editor) rename(from, to string) (satchel.Rename, bool) {
	source, there := e.find(from)
	target := e.targetPath(source, to)
	switch {
	case !there || target == nil || slices.Equal(source, target) || target[0] == reservedKey:
		return satchel.Rename{}, false
	case !contains(e.may.rename, source):
		e.note("%q was not renamed, because the instruction does not name it.", satchel.PathText(source))
		return satchel.Rename{}, false
	case !e.mayTarget(source, target):
		e.note("%q was not renamed to %q, because the instruction does not say so.", satchel.PathText(source), satchel.PathText(target))
		return satchel.Rename{}, false
	}
	return satchel.Rename{From: source, To: target}, true
}

// mayTarget reports whether the instruction wants a new name: it says it, or it asks for another spelling of the old one. A metadata update may
// leave the name to the model, but not to the document.
func (e *editor) mayTarget(from, to []string) bool {
	name := wordsOf(to[len(to)-1])
	if len(name) == 0 {
		return false
	}
	said := len(mentions{phrase: e.phrase}.find(name)) > 0
	if _, taken := satchel.Lookup(e.base, to); taken || said {
		return said
	}
	if strings.Join(name, "") == strings.Join(keyWords(from), "") {
		return true
	}
	return e.task.Kind == Update && !slices.ContainsFunc(e.shown, func(p *passage) bool { return len(p.places(to[len(to)-1])) > 0 })
}

// find gives the path of a key as a model writes it.
func (e *editor) find(name string) ([]string, bool) {
	name = strings.TrimSpace(name)
	if _, ok := e.base[name]; ok {
		return []string{name}, true
	}
	paths := pathsOf(e.base)
	for _, same := range []func(path []string) bool{
		func(path []string) bool { return satchel.PathText(path) == strings.TrimPrefix(name, "/") },
		func(path []string) bool { return "/"+strings.Join(path, "/") == name },
		func(path []string) bool { return slices.Equal(wordsOf(satchel.PathText(path)), wordsOf(name)) },
	} {
		if i := slices.IndexFunc(paths, same); i >= 0 {
			return paths[i], true
		}
	}
	return nil, false
}

// targetPath reads the new name of a key: beside the old one, unless it leads elsewhere. Nil if no key can have it.
func (e *editor) targetPath(from []string, to string) []string {
	to = strings.TrimSpace(to)
	path := []string{to}
	parts := strings.Split(to, ".")
	_, inside := e.base[parts[0]].(map[string]any)
	switch {
	case len(from) == 0:
		return nil
	case len(parts) > 1 && (inside || len(from) > 1):
		path = parts
	case len(from) > 1:
		path = append(slices.Clone(from[:len(from)-1]), to)
	}
	if clean, bad := cleanSet(map[string]any{to: nil}); len(bad) > 0 || len(clean) == 0 || slices.Contains(path, "") {
		return nil
	}
	return path
}

// withoutForgotten takes out of an edit what it sets under keys that were to be renamed and were not.
func (e *editor) withoutForgotten(edit satchel.Edit, may licence) satchel.Edit {
	edit = clone(edit)
	for _, path := range may.rename {
		e.note("%q was not renamed: the model did not say how.", satchel.PathText(path))
		if value, ok := edit.Set[path[0]]; ok && len(path) == 1 && !e.says(value) {
			delete(edit.Set, path[0])
		}
	}
	return edit
}

// removal checks one removal.
func (e *editor) removal(name string) ([]string, bool) {
	path, there := e.find(name)
	if there && !contains(e.may.remove, path) {
		e.note("%q was not removed, because the instruction does not ask for that.", satchel.PathText(path))
		return nil, false
	}
	return path, there
}

// retyped finds the new key under which a model has written again the value of one that it removes: it meant a rename.
func (e *editor) retyped(a *answer, path []string) ([]string, bool) {
	old, _ := satchel.Lookup(e.base, path)
	for _, key := range slices.Sorted(maps.Keys(a.set)) {
		if _, taken := e.base[key]; !taken && sameValue(a.set[key], old) && contains(e.may.rename, path) {
			return []string{key}, true
		}
	}
	return nil, false
}

// implied finds renames for which a model has only written the old value under the new name, where the instruction asks for a rename of the one
// key that it names to the other.
func (e *editor) implied(a *answer, edit *satchel.Edit) {
	for _, path := range e.may.rename {
		if moved(*edit, path) || len(a.rename) > 0 || !slices.ContainsFunc(e.words, renameWord) {
			continue
		}
		to, ok := e.retyped(a, path)
		if ok = ok && len(mentions{phrase: e.phrase}.find(keyWords(to))) > 0; !ok && len(e.may.rename) == 1 {
			to, ok = e.onlyTarget(a)
		}
		if ok {
			edit.Rename = append(edit.Rename, satchel.Rename{From: path, To: to})
		}
	}
}

// onlyTarget finds the one new key of a set that the instruction says only as a new name. Whatever a model has written there is a copy of the old
// value, with slips or without.
func (e *editor) onlyTarget(a *answer) (path []string, ok bool) {
	for key := range a.set {
		if _, old := e.base[key]; !old && e.newName(key) {
			if ok {
				return nil, false
			}
			path, ok = []string{key}, true
		}
	}
	return path, ok
}

// dropRetyped takes a moved value out of the set: it moves as it is, and is not typed again, unless the instruction itself gives a new one.
func (e *editor) dropRetyped(set map[string]any, r satchel.Rename) {
	for _, path := range [][]string{r.From, r.To} {
		if value, ok := set[path[0]]; ok && len(path) == 1 && (!e.says(value) || isNameOf(value, r.From) || isNameOf(value, r.To)) {
			delete(set, path[0])
		}
	}
}

// isNameOf reports whether a value is only the name of a key: of a renaming, the instruction says it, but not as a value.
func isNameOf(value any, path []string) bool {
	text, ok := value.(string)
	return ok && foldText(text, asWords) == foldText(path[len(path)-1], asWords)
}

// says reports whether the instruction itself contains a scalar value.
func (e *editor) says(value any) bool {
	return len(newPassage(0, e.task.Instruction).places(value)) > 0
}

// sameValue compares values but for the case, the spaces and the punctuation of text, and the form of numbers.
func sameValue(a, b any) bool {
	switch a := a.(type) {
	case string:
		b, ok := b.(string)
		return ok && foldText(a, asWords) == foldText(b, asWords)
	case json.Number:
		b, ok := b.(json.Number)
		x, okX := decimalOf(a)
		y, okY := decimalOf(b)
		return ok && (a == b || okX && okY && x == y)
	}
	return satchel.CanonicalJSON(a) == satchel.CanonicalJSON(b)
}

// protect takes out of an edit what would change a protected key, and names it.
func (e *editor) protect(edit satchel.Edit) satchel.Edit {
	rest, left := edit.Without(e.task.Protected)
	for _, key := range left {
		e.note("%q was left as it is, because it was set by hand.", key)
	}
	return rest
}
