package instruct

import (
	"maps"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

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
		inside = len(e.schema.Properties(e.schema.Properties(e.schema.Root).Get(first)).Names()) > 0
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

// mergeInto merges objects deeply, as an edit's set is merged into metadata.
func mergeInto(target, more map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for key, value := range more {
		inner, isObject := value.(map[string]any)
		old, wasObject := target[key].(map[string]any)
		if isObject && wasObject {
			target[key] = mergeInto(maps.Clone(old), inner)
			continue
		}
		target[key] = value
	}
	return target
}
