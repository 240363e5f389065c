package satchel

import (
	"encoding/json"
	"math/big"
	"strings"
)

// Query says which files of a workspace are wanted, and in which order: by id, which is by creation.
type Query struct {
	After     FileID // start behind this id, in the order asked for; empty: at the first. Need not exist
	Limit     int    // at most this many
	Ascending bool   // oldest first; else newest first
	Purpose   Purpose
	Filename  string      // exact
	SHA256    *[32]byte   // of the content
	Metadata  []Condition // all must hold
}

// Page is a part of a list. More says that there are further files behind the last one.
type Page struct {
	Files []*File
	More  bool
}

// Condition is a demand on the value that stands at Path in the metadata.
type Condition struct {
	Path  []string // keys from the top; arrays on the way are looked through
	Value any      // nil, bool, string, json.Number, []any or map[string]any: what Match compares with
	Text  bool     // Value is a string to be compared with a scalar's text: "5" is then 5, too
}

// Match reports whether the metadata object meets the condition: a scalar equals the value (numbers by their amount), or stands in an array
// there; an object has everything that Value's has; an array holds all of Value's items.
func (c Condition) Match(object map[string]any) bool {
	return matchPath(object, c.Path, func(v any) bool {
		if c.Text {
			return textContains(v, c.Value)
		}
		return contains(v, c.Value)
	})
}

func matchPath(value any, path []string, match func(any) bool) bool {
	if len(path) == 0 {
		return match(value)
	}
	switch value := value.(type) {
	case map[string]any:
		inner, ok := value[path[0]]
		return ok && matchPath(inner, path[1:], match)
	case []any:
		for _, item := range value {
			if matchPath(item, path, match) {
				return true
			}
		}
	}
	return false
}

// contains reports whether have holds want, in the sense of Condition.Match.
func contains(have, want any) bool {
	switch want := want.(type) {
	case map[string]any:
		if object, ok := have.(map[string]any); ok {
			return containsAllKeys(object, want)
		}
	case []any:
		array, ok := have.([]any)
		return ok && containsAllItems(array, want)
	default:
		if equalScalars(have, want) {
			return true
		}
	}
	array, _ := have.([]any)
	for _, item := range array {
		if _, nested := item.([]any); !nested && contains(item, want) {
			return true
		}
	}
	return false
}

func containsAllKeys(have, want map[string]any) bool {
	for key, value := range want {
		inner, ok := have[key]
		if !ok || !contains(inner, value) {
			return false
		}
	}
	return true
}

func containsAllItems(have, want []any) bool {
	for _, item := range want {
		found := false
		for _, candidate := range have {
			if found = contains(candidate, item); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

func textContains(have, want any) bool {
	if array, ok := have.([]any); ok {
		for _, item := range array {
			if _, nested := item.([]any); !nested && textContains(item, want) {
				return true
			}
		}
		return false
	}
	text, scalar := ScalarText(have)
	return scalar && text == want
}

// ScalarText gives a scalar as people write it: strings bare, numbers digit by digit, true, false. Null has no text.
func ScalarText(value any) (text string, ok bool) {
	switch value := value.(type) {
	case string:
		return value, true
	case json.Number:
		return value.String(), true
	case bool:
		if value {
			return "true", true
		}
		return "false", true
	}
	return "", false
}

func equalScalars(a, b any) bool {
	x, isNumber := a.(json.Number)
	y, isNumberToo := b.(json.Number)
	if isNumber && isNumberToo {
		return EqualNumbers(x, y)
	}
	if isNumber || isNumberToo {
		return false
	}
	switch a.(type) {
	case map[string]any, []any:
		return false
	}
	return a == b
}

// EqualNumbers reports whether two JSON numbers are the same amount, however they are written: 1, 1.0 and 10e-1 are.
func EqualNumbers(a, b json.Number) bool {
	digitsA, exponentA, negativeA := decimal(a)
	digitsB, exponentB, negativeB := decimal(b)
	return digitsA == digitsB && (digitsA == "" || negativeA == negativeB && exponentA.Cmp(exponentB) == 0)
}

// decimal takes a JSON number apart: 0.digits times ten to the exponent, digits without zeros at either end; zero has no digits.
// The exponent is big because its text may have sixty digits; nothing is ever raised to it.
func decimal(n json.Number) (digits string, exponent *big.Int, negative bool) {
	text, negative := strings.CutPrefix(n.String(), "-")
	mantissa, power, _ := strings.Cut(strings.ToLower(text), "e")
	whole, fraction, _ := strings.Cut(mantissa, ".")
	exponent = new(big.Int)
	if power != "" {
		exponent.SetString(strings.TrimPrefix(power, "+"), 10)
	}
	all := whole + fraction
	digits = strings.TrimLeft(all, "0")
	exponent.Add(exponent, big.NewInt(int64(len(whole)-(len(all)-len(digits)))))
	return strings.TrimRight(digits, "0"), exponent, negative
}

// Slice is a page of a list in the order of its keys: at most Limit items behind After.
type Slice struct {
	After string
	Limit int
}
