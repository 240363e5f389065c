package satchel

import (
	"maps"
	"slices"
	"strings"
)

// Edit is a change of metadata in the three ways that a language model has: it sets values, renames keys and removes keys. The parts apply in
// the order rename, remove, set. Paths lead from the top of the metadata through objects.
type Edit struct {
	Set    map[string]any // merged deeply into what is there; no nulls
	Rename []Rename
	Remove [][]string
}

// Rename moves the value at From, which must exist, to To; what stood at To is replaced.
type Rename struct{ From, To []string }

// Empty reports whether the edit changes nothing.
func (e Edit) Empty() bool { return len(e.Set) == 0 && len(e.Rename) == 0 && len(e.Remove) == 0 }

// Keys gives the top-level keys that the edit speaks of, sorted.
func (e Edit) Keys() []string {
	var keys []string
	for key := range e.Set {
		keys = append(keys, key)
	}
	for _, r := range e.Rename {
		keys = append(keys, r.From[0], r.To[0])
	}
	for _, path := range e.Remove {
		keys = append(keys, path[0])
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// Without gives the edit less everything that would change one of the top-level keys, and names the keys for which something was left out.
func (e Edit) Without(keys []string) (rest Edit, left []string) {
	if len(keys) == 0 {
		return e, nil
	}
	held := func(key string) bool {
		if !slices.Contains(keys, key) {
			return false
		}
		left = append(left, key)
		return true
	}
	for key, value := range e.Set {
		if !held(key) {
			if rest.Set == nil {
				rest.Set = map[string]any{}
			}
			rest.Set[key] = value
		}
	}
	for _, r := range e.Rename {
		from, to := held(r.From[0]), held(r.To[0])
		if !from && !to {
			rest.Rename = append(rest.Rename, r)
		}
	}
	for _, path := range e.Remove {
		if !held(path[0]) {
			rest.Remove = append(rest.Remove, path)
		}
	}
	slices.Sort(left)
	return rest, slices.Compact(left)
}

// Apply gives m after the edit. The result keeps the limits of metadata, or the error is a Faults that names what does not.
func (m Metadata) Apply(e Edit) (Metadata, error) {
	object := m.Object()
	moved, there := make([]any, len(e.Rename)), make([]bool, len(e.Rename))
	for i, r := range e.Rename { // all are taken first, so that two can change places
		moved[i], there[i] = takePath(object, r.From)
	}
	for i, r := range e.Rename {
		if there[i] {
			putPath(object, r.To, moved[i])
		}
	}
	for _, path := range e.Remove {
		takePath(object, path)
	}
	return NewMetadata(merge(object, e.Set))
}

// Keys gives the top-level keys, sorted.
func (m Metadata) Keys() []string { return changedKeys(nil, m.Object()) }

// ChangedKeys gives the top-level keys whose values differ between two states, sorted. A key that only one has differs.
func ChangedKeys(before, after Metadata) []string {
	return changedKeys(before.Object(), after.Object())
}

func changedKeys(before, after map[string]any) []string {
	keys := []string{}
	for key, value := range after {
		old, ok := before[key]
		if !ok || !sameJSON(old, value) {
			keys = append(keys, key)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// sameJSON compares values digit by digit, as they are stored.
func sameJSON(a, b any) bool {
	return string(appendCanonical(nil, a)) == string(appendCanonical(nil, b))
}

// Lookup gives the value at a path through objects.
func Lookup(object map[string]any, path []string) (value any, ok bool) {
	for i, key := range path {
		value, ok = object[key]
		if !ok || i == len(path)-1 {
			return value, ok
		}
		if object, ok = value.(map[string]any); !ok {
			return nil, false
		}
	}
	return nil, false
}

// takePath removes the value at a path and gives it.
func takePath(object map[string]any, path []string) (any, bool) {
	value, ok := Lookup(object, path)
	if !ok {
		return nil, false
	}
	last := len(path) - 1
	if last > 0 {
		parent, _ := Lookup(object, path[:last])
		object, _ = parent.(map[string]any)
	}
	delete(object, path[last])
	return value, true
}

// putPath puts a value at a path, with objects on the way where there are none.
func putPath(object map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		inner, ok := object[key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			object[key] = inner
		}
		object = inner
	}
	object[path[len(path)-1]] = value
}

// PathText writes a path as people do: keys with dots between them.
func PathText(path []string) string { return strings.Join(path, ".") }

// CanonicalJSON gives a JSON value (of the kinds that NewMetadata takes) as text: keys sorted, no spaces, numbers as they are.
func CanonicalJSON(value any) string { return string(appendCanonical(nil, value)) }

// String gives the edit as JSON: {"set":{…},"rename":{"/author":"/writer"},"remove":["/draft"]}, with JSON Pointers (RFC 6901) for paths and
// without what is empty.
func (e Edit) String() string {
	object := map[string]any{}
	if len(e.Set) > 0 {
		object["set"] = e.Set
	}
	if len(e.Rename) > 0 {
		moves := map[string]any{}
		for _, r := range e.Rename {
			moves[pointer(r.From)] = pointer(r.To)
		}
		object["rename"] = moves
	}
	if len(e.Remove) > 0 {
		paths := make([]any, len(e.Remove))
		for i, path := range e.Remove {
			paths[i] = pointer(path)
		}
		object["remove"] = paths
	}
	return CanonicalJSON(object)
}

// ParseEdit reads what String wrote.
func ParseEdit(text string) (Edit, error) {
	object, err := ParseJSONObject("edit", []byte(text))
	if err != nil {
		return Edit{}, err
	}
	var e Edit
	e.Set, _ = object["set"].(map[string]any)
	moves, _ := object["rename"].(map[string]any)
	for _, from := range slices.Sorted(maps.Keys(moves)) {
		to, _ := moves[from].(string)
		e.Rename = append(e.Rename, Rename{parsePointer(from), parsePointer(to)})
	}
	paths, _ := object["remove"].([]any)
	for _, path := range paths {
		text, _ := path.(string)
		e.Remove = append(e.Remove, parsePointer(text))
	}
	return e, nil
}

func pointer(path []string) string {
	var b strings.Builder
	for _, key := range path {
		b.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key))
	}
	return b.String()
}

func parsePointer(text string) []string {
	path := strings.Split(strings.TrimPrefix(text, "/"), "/")
	for i, key := range path {
		path[i] = strings.NewReplacer("~1", "/", "~0", "~").Replace(key)
	}
	return path
}

// MarshalJSON gives what String does.
func (e Edit) MarshalJSON() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalJSON reads what String wrote.
func (e *Edit) UnmarshalJSON(text []byte) (err error) {
	*e, err = ParseEdit(string(text))
	return err
}
