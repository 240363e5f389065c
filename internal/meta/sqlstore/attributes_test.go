package sqlstore

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/satchel-files/satchel"
)

// orderOf compares values as the encoding must: by type, then by amount or byte by byte.
func orderOf(a, b any) int {
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c
	}
	switch a := a.(type) {
	case json.Number:
		return cmp.Compare(float(a), float(b.(json.Number))) //nolint:forcetypeassert // of one rank
	case string:
		return bytes.Compare([]byte(a), []byte(b.(string))) //nolint:forcetypeassert // of one rank
	}
	return 0
}

func rank(value any) int {
	switch value := value.(type) {
	case nil:
		return 0
	case bool:
		if value {
			return 2
		}
		return 1
	case json.Number:
		return 3
	case string:
		return 4
	case []any:
		return 5
	}
	return 6
}

func float(n json.Number) float64 {
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

// FuzzEncoding checks that the order of two encodings is the order of their values, and that only what was cut looks alike.
func FuzzEncoding(f *testing.F) {
	for _, text := range []string{
		`null`, `true`, `false`, `0`, `-0`, `1`, `-1`, `1e400`, `-1e400`, `1e-400`, `0.1`, `2`, `10`, `9007199254740993`, `""`, `"a"`, `"b"`,
		`"10"`, `"é"`, `[]`, `{}`, `[1]`,
	} {
		f.Add(text, `1.5`)
		f.Add(text, text)
		f.Add(`"a\u0001"`, text)
	}
	f.Fuzz(func(t *testing.T, textA, textB string) {
		a, okA := decodeJSON(textA)
		b, okB := decodeJSON(textB)
		if !okA || !okB {
			return
		}
		encodedA, encodedB := encodeValue(a), encodeValue(b)
		got, want := cmp.Compare(encodedA, encodedB), orderOf(a, b)
		if got != want && (got != 0 || len(encodedA) != 1+maxStringValue) {
			t.Errorf("%s and %s compare %d, their encodings %x and %x compare %d", textA, textB, want, encodedA, encodedB, got)
		}
		numberA, isNumberA := a.(json.Number)
		numberB, isNumberB := b.(json.Number)
		if isNumberA && isNumberB && satchel.EqualNumbers(numberA, numberB) && got != 0 {
			t.Errorf("%s equals %s, but their encodings differ", textA, textB)
		}
	})
}

func decodeJSON(text string) (value any, ok bool) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(text)))
	decoder.UseNumber()
	return value, decoder.Decode(&value) == nil
}

func TestNumbersAreSortable(t *testing.T) {
	inOrder := []json.Number{"-1e999", "-1.7e308", "-2", "-1.5", "-1e-300", "0", "5e-324", "0.1", "1", "1.0000000000000002", "2", "10", "1e22", "1e999"}
	var encoded []string
	for _, n := range inOrder {
		encoded = append(encoded, encodeNumber(n))
	}
	if !slices.IsSorted(encoded) || len(slices.Compact(encoded)) != len(inOrder) {
		t.Errorf("the encodings of %v are not in order", inOrder)
	}
	for _, pair := range [][2]json.Number{{"0", "-0.0"}, {"1", "1.0e0"}, {"1e400", "9e999"}, {"0", "1e-999"}} {
		if encodeNumber(pair[0]) != encodeNumber(pair[1]) {
			t.Errorf("%s and %s are encoded differently", pair[0], pair[1])
		}
	}
	if got := encodeNumber(json.Number(strconv.FormatFloat(math.Inf(1), 'g', -1, 64))); got != encodeNumber("1e999") {
		t.Errorf("infinity is %x", got)
	}
}

func TestAttributesAreASet(t *testing.T) {
	m, err := satchel.ParseMetadata([]byte(`{"k":[1,1.0,{"x":[1,[1]]},{"x":1}],"e":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	set := attributesOf(&satchel.File{Filename: "f", Purpose: "p", Metadata: m})
	want := attributeSet{}
	for path, values := range map[string][]any{
		filenamePath: {"f"}, purposePath: {"p"}, sha256Path: {string(make([]byte, 32))},
		"k": {[]any{}, json.Number("1"), map[string]any{}}, "k\x1fx": {[]any{}, json.Number("1")}, "e": {map[string]any{}},
	} {
		for _, value := range values {
			want[attribute{path, encodeValue(value)}] = struct{}{}
		}
	}
	if len(set.without(want)) != 0 || len(want.without(set)) != 0 {
		t.Errorf("too many: %q; missing: %q", set.without(want), want.without(set))
	}
}
