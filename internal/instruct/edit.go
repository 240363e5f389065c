package instruct

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

// editor turns what a model wants into an edit that the instruction, the caller's keys, the schema and the limits of metadata allow.
type editor struct {
	task   *Task
	schema *schema
	may    licence
	phrase // of the instruction
	base   map[string]any
	shown  []*passage // the text that the model saw when it wrote
	notes  []string
}

func newEditor(task *Task, s *schema, may licence) *editor {
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
	case !there || target == nil || slices.Equal(source, target):
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
		if to, ok := e.retyped(a, path); ok && len(mentions{phrase: e.phrase}.find(keyWords(to))) > 0 {
			edit.Rename = append(edit.Rename, satchel.Rename{From: path, To: to})
		}
	}
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

// trim makes a set small: what is there already goes, keys with points in them find their objects, and lists to which something is to be added
// keep what they have.
func (e *editor) trim(set map[string]any) map[string]any {
	made := map[string]any{}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		made = mergeInto(made, e.unfold(key, set[key]))
	}
	if slices.ContainsFunc(e.words, addingWord) && !slices.ContainsFunc(e.words, removalWord) {
		addItems(made, e.base)
	}
	dropSame(made, e.base)
	dropShortened(made, e.base)
	e.untype(made)
	return made
}

// untype gives new keys the very values of old ones that a model has typed again with a slip.
func (e *editor) untype(set map[string]any) {
	for key, value := range set {
		text, _ := value.(string)
		if _, old := e.base[key]; old || len(text) < leastSlip {
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(e.base)) {
			if old, _ := e.base[name].(string); !strings.EqualFold(old, text) && slip(foldText(old, asWords), foldText(text, asWords)) {
				set[key] = old
				break
			}
		}
	}
}

const (
	leastSlip  = 12   // bytes of a text in which a slip is told from a change
	slipsIn    = 20   // characters in which there may be one
	longestOld = 2000 // bytes of a text that is compared
)

// slip reports whether two texts differ in so few characters that one is a copy of the other.
func slip(a, b string) bool {
	x, y := []rune(a), []rune(b)
	most := len(x) / slipsIn
	if len(a) > longestOld || len(x)-len(y) > most || len(y)-len(x) > most {
		return false
	}
	return distance(x, y) <= most
}

// distance counts the characters to change, to add and to take out between two texts.
func distance(a, b []rune) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i, r := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j, s := range b {
			change := diagonal
			if r != s {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// dropShortened takes out of a set the values that were only shown cut short.
func dropShortened(set, base map[string]any) {
	for key, value := range set {
		text, _ := value.(string)
		begins, cut := strings.CutSuffix(text, "…")
		if old, there := base[key]; cut && there && strings.HasPrefix(strings.Trim(satchel.CanonicalJSON(old), `"`), begins) {
			delete(set, key)
		}
	}
}

// unfold turns "customer.phone" into an object where the metadata or the schema has an object "customer".
func (e *editor) unfold(key string, value any) map[string]any {
	first, rest, dotted := strings.Cut(key, ".")
	if _, whole := e.base[key]; !dotted || whole || first == "" || rest == "" {
		return map[string]any{key: value}
	}
	_, inside := e.base[first].(map[string]any)
	if !inside && e.schema != nil {
		inside = len(e.schema.properties(e.schema.properties(e.schema.root).get(first)).names()) > 0
	}
	if !inside {
		return map[string]any{key: value}
	}
	return map[string]any{first: map[string]any{rest: value}}
}

// addItems puts the present items of lists before the new ones.
func addItems(set, base map[string]any) {
	for key, value := range set {
		switch value := value.(type) {
		case []any:
			if old, ok := base[key].([]any); ok {
				set[key] = union(old, value, satchel.MaxMetadataLeaves)
			}
		case map[string]any:
			if old, ok := base[key].(map[string]any); ok {
				addItems(value, old)
			}
		}
	}
}

// union gives the items of both lists, each once.
func union(a, b []any, most int) []any {
	all := slices.Clone(a)
	for _, item := range b {
		if len(all) < most && !slices.ContainsFunc(all, func(other any) bool { return sameValue(item, other) }) {
			all = append(all, item)
		}
	}
	return all
}

// dropSame takes out of a set what would change nothing.
func dropSame(set, base map[string]any) {
	for key, value := range set {
		old, there := base[key]
		inner, isObject := value.(map[string]any)
		before, wasObject := old.(map[string]any)
		if isObject && wasObject {
			if dropSame(inner, before); len(inner) == 0 {
				delete(set, key)
			}
			continue
		}
		if there && satchel.CanonicalJSON(value) == satchel.CanonicalJSON(old) {
			delete(set, key)
		}
	}
}

// protect takes out of an edit what would change a protected key, and names it.
func (e *editor) protect(edit satchel.Edit) satchel.Edit {
	rest, left := edit.Without(e.task.Protected)
	for _, key := range left {
		e.note("%q was left as it is, because it was set by hand.", key)
	}
	return rest
}

// review finds what is wrong with the metadata after an edit, and was not wrong before it.
func (e *editor) review(edit satchel.Edit) []fault {
	after, err := e.task.Metadata.Apply(edit)
	if err != nil {
		return limitFaults(err)
	}
	instance := after.Object()
	var faults []fault
	for _, key := range slices.Sorted(maps.Keys(instance)) {
		if calm(instance[key]) {
			continue
		}
		if edit.Set[key] != nil && !calm(edit.Set[key]) {
			faults = append(faults, fault{path: []string{key}, message: "a number in it has an exponent beyond use"})
		}
		delete(instance, key)
	}
	before := e.schema.check(calmOnly(e.base))
	for _, f := range e.schema.check(instance) {
		if f, isNew := f.since(before); isNew && !e.onlyMissing(f, edit) {
			faults = append(faults, f)
		}
	}
	return faults
}

// since gives what is new of a fault; false: nothing is.
func (f fault) since(before []fault) (fault, bool) {
	for _, old := range before {
		if !slices.Equal(f.path, old.path) {
			continue
		}
		switch {
		case len(f.extra) > 0:
			f.extra = slices.DeleteFunc(slices.Clone(f.extra), func(key string) bool { return slices.Contains(old.extra, key) })
			if len(f.extra) == 0 {
				return f, false
			}
		case f.same(old):
			return f, false
		}
	}
	return f, true
}

func calmOnly(object map[string]any) map[string]any {
	all := maps.Clone(object)
	maps.DeleteFunc(all, func(_ string, value any) bool { return !calm(value) })
	return all
}

func (f fault) same(other fault) bool {
	return slices.Equal(f.path, other.path) && f.message == other.message
}

// onlyMissing reports that keys are required which nobody has taken away: they were not found, which is no fault of the edit.
func (e *editor) onlyMissing(f fault, edit satchel.Edit) bool {
	if len(f.missing) == 0 || len(f.path) > 0 {
		return false
	}
	return !slices.ContainsFunc(f.missing, func(key string) bool { return takesAway(edit, key) })
}

// takesAway reports whether an edit removes or renames a top-level key.
func takesAway(edit satchel.Edit, key string) bool {
	path := []string{key}
	return contains(edit.Remove, path) || moved(edit, path)
}

// limitFaults reads the errors of satchel.Metadata.Apply.
func limitFaults(err error) []fault {
	var faults satchel.Faults
	faults.Add(err)
	var found []fault
	for _, f := range faults {
		found = append(found, fault{path: f.Path, message: f.Message, limit: len(f.Path) == 0})
	}
	return found
}

const maxPrunes = 50

// prune takes out of an edit what is wrong with it, piece by piece, and names it.
func (e *editor) prune(edit satchel.Edit) satchel.Edit {
	edit = clone(edit)
	for range maxPrunes {
		faults := e.review(edit)
		if len(faults) == 0 {
			return edit
		}
		e.pruneOne(&edit, faults[0])
	}
	if len(e.review(edit)) > 0 {
		e.note("What the model wrote was left out, because the metadata would not fit the schema or the limits with it.")
		return satchel.Edit{}
	}
	return edit
}

// clone copies an edit deeply, so that taking out of it changes nothing else.
func clone(edit satchel.Edit) satchel.Edit {
	copied, err := satchel.ParseEdit(edit.String())
	if err != nil { // a key too deep, or not UTF-8, which no answer has
		return satchel.Edit{}
	}
	return copied
}

func (e *editor) pruneOne(edit *satchel.Edit, f fault) {
	for _, key := range f.missing {
		if len(f.path) == 0 && takesAway(*edit, key) {
			e.note("%q stays, because the schema requires it.", key)
			edit.Remove = slices.DeleteFunc(edit.Remove, func(path []string) bool { return slices.Equal(path, []string{key}) })
			edit.Rename = slices.DeleteFunc(edit.Rename, func(r satchel.Rename) bool { return slices.Equal(r.From, []string{key}) })
			return
		}
	}
	cut := false
	for _, key := range f.extra {
		path := append(slices.Clone(f.path), key)
		if e.undo(edit, path) {
			e.note("%q was left out, because the schema has no such key.", satchel.PathText(path))
			cut = true
		}
	}
	if cut {
		return
	}
	if f.limit {
		e.shrink(edit, f)
		return
	}
	if path := cutPath(edit.Set, f.path); path != nil {
		e.note("%q was left out: %s.", satchel.PathText(path), strings.TrimSuffix(f.message, "."))
		return
	}
	e.pruneAny(edit, f)
}

// shrink takes the largest values out of an edit until the metadata is within its limits.
func (e *editor) shrink(edit *satchel.Edit, f fault) {
	var left []string
	for len(edit.Set) > 0 && slices.ContainsFunc(e.review(*edit), func(f fault) bool { return f.limit }) {
		largest, size := "", -1
		for _, key := range slices.Sorted(maps.Keys(edit.Set)) {
			if n := len(satchel.CanonicalJSON(edit.Set[key])); n > size {
				largest, size = key, n
			}
		}
		delete(edit.Set, largest)
		left = append(left, strconv.Quote(largest))
	}
	more := ""
	if len(left) > maxNamed {
		left, more = left[:maxNamed], fmt.Sprintf(" and %d more", len(left)-maxNamed)
	}
	e.note("Left out: %s%s; %s.", strings.Join(left, ", "), more, f.message)
	if len(left) == 0 { // it is the moves that do not fit
		*edit = satchel.Edit{}
	}
}

const maxNamed = 10 // keys in one note

// undo takes back what an edit does to a path: it sets it, or renames something to it.
func (e *editor) undo(edit *satchel.Edit, path []string) bool {
	before := len(edit.Rename)
	edit.Rename = slices.DeleteFunc(edit.Rename, func(r satchel.Rename) bool { return slices.Equal(r.To, path) })
	return cutPath(edit.Set, path) != nil || len(edit.Rename) < before
}

// cutPath takes the value at a path out of a set, or the nearest around it, and gives its path; nil if the set has nothing of it.
func cutPath(set map[string]any, path []string) []string {
	if len(path) == 0 || set == nil {
		return nil
	}
	value, ok := set[path[0]]
	if !ok {
		return nil
	}
	switch inner := value.(type) {
	case map[string]any:
		if below := cutPath(inner, path[1:]); below != nil {
			if len(inner) == 0 {
				delete(set, path[0])
			}
			return append(slices.Clone(path[:1]), below...)
		}
	case []any:
		if rest, below := cutItem(inner, path[1:]); below != nil {
			if set[path[0]] = rest; len(rest) == 0 {
				delete(set, path[0])
			}
			return append(slices.Clone(path[:1]), below...)
		}
	}
	delete(set, path[0])
	return slices.Clone(path[:1])
}

// cutItem takes the item at the head of a path out of a list; nil if the path does not lead to one.
func cutItem(items []any, path []string) (rest []any, cut []string) {
	if len(path) == 0 {
		return items, nil
	}
	i, err := strconv.Atoi(path[0])
	if err != nil || i < 0 || i >= len(items) {
		return items, nil
	}
	return slices.Delete(items, i, i+1), path[:1]
}

// pruneAny deals with a fault that belongs to no value: the first key without which it is gone goes, or else everything.
func (e *editor) pruneAny(edit *satchel.Edit, f fault) {
	for _, key := range slices.Sorted(maps.Keys(edit.Set)) {
		less := clone(*edit)
		delete(less.Set, key)
		if !slices.ContainsFunc(e.review(less), f.same) {
			e.note("%q was left out: %s.", key, f.message)
			*edit = less
			return
		}
	}
	e.note("What the model wrote was left out: %s.", strings.TrimSuffix(f.String(), "."))
	*edit = satchel.Edit{}
}

// wrong says what is wrong with an edit in words for the model.
func wrong(faults []fault) error {
	var all []string
	for _, f := range faults[:min(len(faults), 5)] {
		all = append(all, f.String())
	}
	return errors.New(strings.Join(all, "; "))
}
