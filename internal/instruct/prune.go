package instruct

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

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
	for _, key := range f.Missing {
		if len(f.Path) == 0 && takesAway(*edit, key) {
			e.note("%q stays, because the schema requires it.", key)
			edit.Remove = slices.DeleteFunc(edit.Remove, func(path []string) bool { return slices.Equal(path, []string{key}) })
			edit.Rename = slices.DeleteFunc(edit.Rename, func(r satchel.Rename) bool { return slices.Equal(r.From, []string{key}) })
			return
		}
	}
	cut := false
	for _, key := range f.Extra {
		path := append(slices.Clone(f.Path), key)
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
	if path := cutPath(edit.Set, f.Path); path != nil {
		e.note("%q was left out: %s.", satchel.PathText(path), strings.TrimSuffix(f.Message, "."))
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
	e.note("Left out: %s%s; %s.", strings.Join(left, ", "), more, f.Message)
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
		if !slices.ContainsFunc(e.review(less), func(left fault) bool { return f.same(left.Fault) }) {
			e.note("%q was left out: %s.", key, f.Message)
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
