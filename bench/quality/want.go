package main

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

// want is what is right for one key. testdata/README.md describes it.
type want struct {
	Type        string         `json:"type,omitempty"`
	Format      string         `json:"format,omitempty"`
	Enum        []any          `json:"enum,omitempty"`
	Items       map[string]any `json:"items,omitempty"`
	Description string         `json:"description,omitempty"`

	Expect   any      `json:"expect,omitempty"`
	Also     []any    `json:"also,omitempty"`
	Absent   bool     `json:"absent,omitempty"`
	Text     string   `json:"text,omitempty"`
	Derived  bool     `json:"derived,omitempty"`
	Keys     []string `json:"keys,omitempty"`
	Contains []string `json:"contains,omitempty"`
	Matches  string   `json:"matches,omitempty"`
	MinItems int      `json:"min_items,omitempty"`
	MaxItems int      `json:"max_items,omitempty"`
	Strict   bool     `json:"strict,omitempty"`
}

// match says how a value compares with what is right.
type match int

// The kinds of matches, from bad to good.
const (
	differs match = iota
	near          // equal but for case, spaces, punctuation, and the forms of numbers and dates
	exact
)

// compare gives how well a value fits.
func (w want) compare(got any) match {
	if w.Expect == nil {
		return w.fits(got)
	}
	best := differs
	for _, form := range append([]any{w.Expect}, w.Also...) {
		best = max(best, compareValues(form, got))
	}
	if best < near && len(w.Contains) > 0 {
		best = min(w.fits(got), near)
	}
	if best == near && w.Strict {
		return differs
	}
	return best
}

// fits is compare for what is right by description.
func (w want) fits(got any) match {
	text, isText := got.(string)
	items, isArray := got.([]any)
	for _, part := range w.Contains {
		if !strings.Contains(fold(flatText(got)), fold(part)) {
			return differs
		}
	}
	switch {
	case w.Matches != "" && (!isText || !regexp.MustCompile(w.Matches).MatchString(text)):
		return differs
	case w.Type == "array" && !isArray, w.MinItems > len(items), w.MaxItems > 0 && w.MaxItems < len(items):
		return differs
	case len(w.Contains) == 0 && w.Matches == "" && w.Type != "array":
		return differs // nothing is described
	}
	return exact
}

// compareValues compares JSON values of the kinds that metadata have.
func compareValues(expected, got any) match {
	if sameValue(expected, got) {
		return exact
	}
	switch expected := expected.(type) {
	case string:
		if text, ok := scalarText(got); ok && sameText(expected, text) {
			return near
		}
	case json.Number:
		if text, ok := got.(string); ok && sameNumber(expected, text) {
			return near
		}
	case []any:
		if sameItems(expected, got) {
			return near
		}
	case map[string]any:
		return compareObjects(expected, got)
	}
	return differs
}

func compareObjects(expected map[string]any, got any) match {
	object, ok := got.(map[string]any)
	if !ok || len(object) != len(expected) {
		return differs
	}
	worst := exact
	for key, value := range expected {
		inner, there := object[key]
		if !there {
			return differs
		}
		worst = min(worst, compareValues(value, inner))
	}
	return worst
}

// sameValue is equality of JSON, where 1260 and 1260.0 are the same number.
func sameValue(a, b any) bool {
	switch a := a.(type) {
	case json.Number:
		b, ok := b.(json.Number)
		return ok && canonicalNumber(a.String()) == canonicalNumber(b.String())
	case []any:
		b, ok := b.([]any)
		return ok && slices.EqualFunc(a, b, sameValue)
	case map[string]any:
		return compareObjects(a, b) == exact
	}
	return satchel.CanonicalJSON(a) == satchel.CanonicalJSON(b)
}

func sameText(expected, got string) bool {
	if fold(expected) == fold(got) && fold(got) != "" {
		return true
	}
	dates := datesIn(got)
	return isISODate(expected) && slices.Contains(dates, expected) && len(fold(got)) <= longestDate
}

// longestDate is how many letters and digits a date may have before it counts as more than one.
const longestDate = 32

// sameNumber reports whether a text holds this number and no other, such as "1.234,50 €".
func sameNumber(expected json.Number, text string) bool {
	found := numberTokens(text)
	return len(found) == 1 && slices.Contains(readings(found[0]), canonicalNumber(expected.String()))
}

// sameItems compares an array without its order, or a text that lists the items.
func sameItems(expected []any, got any) bool {
	items, ok := got.([]any)
	if text, isText := got.(string); isText {
		items, ok = nil, true
		for item := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' }) {
			items = append(items, item)
		}
	}
	return ok && slices.Equal(foldedItems(expected), foldedItems(items))
}

func foldedItems(items []any) []string {
	var all []string
	for _, item := range items {
		all = append(all, fold(flatText(item)))
	}
	slices.Sort(all)
	return all
}

// scalarText gives a string, number or boolean as text.
func scalarText(value any) (string, bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		return satchel.CanonicalJSON(value), true
	}
	return "", false
}

// flatText gives all the scalars of a value, with spaces between them.
func flatText(value any) string {
	var parts []string
	for _, leaf := range leaves(nil, value) {
		text, _ := scalarText(leaf.value)
		parts = append(parts, text)
	}
	return strings.Join(parts, " ")
}

// leaf is a scalar within a value.
type leaf struct {
	path  []string
	value any
}

// leaves gives the scalars of a value in the order of their keys; indices of arrays are no part of a path.
func leaves(path []string, value any) []leaf {
	switch value := value.(type) {
	case map[string]any:
		var all []leaf
		for _, key := range sortedKeys(value) {
			all = append(all, leaves(append(path[:len(path):len(path)], key), value[key])...)
		}
		return all
	case []any:
		var all []leaf
		for _, item := range value {
			all = append(all, leaves(path, item)...)
		}
		return all
	}
	return []leaf{{path, value}}
}

// decode reads JSON strictly, with numbers as they are written.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}
