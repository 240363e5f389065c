package satchel_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
)

func parse(t testing.TB, text string) satchel.Metadata {
	t.Helper()
	m, err := satchel.ParseMetadata([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return m
}

func TestMetadataIsCanonical(t *testing.T) {
	for _, c := range []struct{ sent, kept string }{
		{`{}`, `{}`},
		{` { "b" : 1 , "a" : [ true , null ] } `, `{"a":[true,null],"b":1}`},
		{`{"n":1.10,"e":1E400,"z":-0}`, `{"e":1E400,"n":1.10,"z":-0}`},
		{`{"html":"<b>&\u2028"}`, `{"html":"<b>&\u2028"}`},
		{`{"e":"\u00e9 \ud83d\ude00"}`, `{"e":"é 😀"}`},
	} {
		if got := parse(t, c.sent).String(); got != c.kept {
			t.Errorf("%s became %s, want %s", c.sent, got, c.kept)
		}
	}
}

func TestMetadataFaults(t *testing.T) {
	nested := func(depth int) string { return strings.Repeat(`{"a":`, depth) + "1" + strings.Repeat("}", depth) }
	leaves := func(n int) string {
		items := make([]string, n)
		for i := range items {
			items[i] = fmt.Sprintf(`"k%d":%d`, i, i)
		}
		return "{" + strings.Join(items, ",") + "}"
	}
	for name, c := range map[string]struct {
		text string
		code satchel.Code // "" means that it is right
		key  string
	}{
		"not JSON":              {`{"a":}`, satchel.CodeMalformedJSON, ""},
		"trailing":              {`{} {}`, satchel.CodeMalformedJSON, ""},
		"empty":                 {``, satchel.CodeMalformedJSON, ""},
		"invalid UTF-8":         {"{\"a\":\"\xff\"}", satchel.CodeMalformedJSON, ""},
		"lone high surrogate":   {`{"a":"\ud83d"}`, satchel.CodeMalformedJSON, ""},
		"lone low surrogate":    {`{"a":"\ude00"}`, satchel.CodeMalformedJSON, ""},
		"surrogates reversed":   {`{"a":"\ude00\ud83d"}`, satchel.CodeMalformedJSON, ""},
		"escaped backslash":     {`{"a":"\\ud83d"}`, "", ""},
		"array":                 {`[1]`, satchel.CodeInvalidType, ""},
		"null":                  {`null`, satchel.CodeInvalidType, ""},
		"string":                {`"a"`, satchel.CodeInvalidType, ""},
		"key twice":             {`{"a":{"b":1,"b":2}}`, satchel.CodeDuplicate, "a.b"},
		"key twice by escape":   {`{"a":1,"\u0061":2}`, satchel.CodeDuplicate, "a"},
		"8 levels":              {nested(8), "", ""},
		"9 levels":              {nested(9), satchel.CodeTooDeep, "a.a.a.a.a.a.a.a"},
		"arrays count as level": {`{"a":[[[[[[[[1]]]]]]]]}`, satchel.CodeTooDeep, "a.0.0.0.0.0.0.0"},
		"1000 leaves":           {leaves(1000), "", ""},
		"1001 leaves":           {leaves(1001), satchel.CodeTooMany, ""},
		"key of 128 bytes":      {`{"` + strings.Repeat("k", 128) + `":1}`, "", ""},
		"key of 129 bytes":      {`{"` + strings.Repeat("k", 129) + `":1}`, satchel.CodeTooLong, strings.Repeat("k", 129)},
		"empty key":             {`{"":1}`, satchel.CodeInvalidValue, ""},
		"control in key":        {`{"a\u0007":1}`, satchel.CodeInvalidValue, "a\a"},
		"C1 control in key":     {`{"a\u0085":1}`, satchel.CodeInvalidValue, "a\u0085"},
		"NUL in value":          {`{"a":["x","\u0000"]}`, satchel.CodeInvalidValue, "a.1"},
		"tab in value":          {`{"a":"\t"}`, "", ""},
		"number of 64":          {`{"a":` + strings.Repeat("1", 64) + `}`, "", ""},
		"number of 65":          {`{"a":` + strings.Repeat("1", 65) + `}`, satchel.CodeTooLong, "a"},
		"64 KiB":                {`{"a":"` + strings.Repeat("x", 64<<10-8) + `"}`, "", ""},
		"over 64 KiB":           {`{"a":"` + strings.Repeat("x", 64<<10-7) + `"}`, satchel.CodeTooLong, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := satchel.ParseMetadata([]byte(c.text))
			if got := satchel.CodeOf(err); got != c.code {
				t.Fatalf("code %q, want %q (%v)", got, c.code, err)
			}
			var fault *satchel.Error
			if errors.As(err, &fault) && strings.Join(fault.Path, ".") != c.key {
				t.Errorf("the fault is at %q, want %q", fault.Path, c.key)
			}
		})
	}
}

func TestMetadataReportsAllFaults(t *testing.T) {
	_, err := satchel.ParseMetadata([]byte(`{"":1,"a\u0001":2,"n":` + strings.Repeat("9", 70) + `}`))
	var faults satchel.Faults
	if !errors.As(err, &faults) || len(faults) != 3 {
		t.Fatalf("want three faults, got %v", err)
	}
}

// The table of RFC 7396, appendix A, as far as it concerns objects.
func TestMerge(t *testing.T) {
	for _, c := range []struct{ before, patch, after string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"a":1,"e":null}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":[1]}`, `{"a":[null]}`, `{"a":[null]}`},
	} {
		patch, err := satchel.ParsePatch([]byte(c.patch))
		if err != nil {
			t.Fatal(err)
		}
		got, err := parse(t, c.before).Merge(patch)
		if err != nil || got.String() != c.after {
			t.Errorf("%s with %s became %s (%v), want %s", c.before, c.patch, got, err, c.after)
		}
	}
}

func TestMergeKeepsTheLimits(t *testing.T) {
	half := func(key string) string { return `{"` + key + `":"` + strings.Repeat("x", 40<<10) + `"}` }
	patch, err := satchel.ParsePatch([]byte(half("b")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parse(t, half("a")).Merge(patch); satchel.CodeOf(err) != satchel.CodeTooLong {
		t.Errorf("two halves over the limit: %v", err)
	}
}

// FuzzMetadata: what is accepted is canonical, stays itself when read again, and means the same to encoding/json.
func FuzzMetadata(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,{"b":null}],"c":"\ud83d\ude00"}`, `{"n":1e-7}`, `{"a":"\ud83d"}`, `{"a":1,"a":2}`, `[`, `{"\u0000":"\\u"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := satchel.ParseMetadata(text)
		if err != nil {
			return
		}
		again, err := satchel.ParseMetadata([]byte(m.String()))
		if err != nil || again != m {
			t.Fatalf("%s is not read as itself: %s, %v", m, again, err)
		}
		var sent, kept any
		if json.Unmarshal(text, &sent) == nil && json.Unmarshal([]byte(m.String()), &kept) == nil {
			a, _ := json.Marshal(sent)
			b, _ := json.Marshal(kept)
			if string(a) != string(b) {
				t.Fatalf("%s became %s", a, b)
			}
		}
	})
}

func TestConditionMatch(t *testing.T) {
	object := parse(t, `{"author":"hegel","year":1812,"ratio":1.50,"tags":["logic",{"lang":"de"},3],"pub":{"city":"Berlin","no":null},"draft":true,"empty":[],"matrix":[[1,2]]}`).Object()
	for filter, want := range map[string]bool{
		`{"author":"hegel"}`:             true,
		`{"author":"Hegel"}`:             false,
		`{"author":"hegel","year":1812}`: true,
		`{"year":1812.0}`:                true,
		`{"year":18.12e2}`:               true,
		`{"year":"1812"}`:                false,
		`{"ratio":1.5}`:                  true,
		`{"tags":"logic"}`:               true,
		`{"tags":3}`:                     true,
		`{"tags":["logic",3]}`:           true,
		`{"tags":["logic","physics"]}`:   false,
		`{"tags":{"lang":"de"}}`:         true,
		`{"tags":[]}`:                    true,
		`{"empty":[]}`:                   true,
		`{"author":[]}`:                  false,
		`{"author":["hegel"]}`:           false,
		`{"pub":{"city":"Berlin"}}`:      true,
		`{"pub":{"city":"Riga"}}`:        false,
		`{"pub":{}}`:                     true,
		`{"pub":{"no":null}}`:            true,
		`{"nothing":null}`:               false,
		`{"draft":true}`:                 true,
		`{"draft":false}`:                false,
		`{"matrix":[[1]]}`:               true,
		`{"matrix":1}`:                   false,
		`{}`:                             true,
	} {
		patch, err := satchel.ParsePatch([]byte(filter))
		if err != nil {
			t.Fatal(err)
		}
		got := true
		for _, condition := range patch.Conditions() {
			got = got && condition.Match(object)
		}
		if got != want {
			t.Errorf("%s matches: %v, want %v", filter, got, want)
		}
	}
	for _, c := range []struct {
		path []string
		text string
		want bool
	}{
		{[]string{"year"}, "1812", true}, {[]string{"year"}, "1812.0", false}, {[]string{"ratio"}, "1.50", true}, {[]string{"draft"}, "true", true},
		{[]string{"pub", "city"}, "Berlin", true}, {[]string{"tags"}, "3", true}, {[]string{"tags", "lang"}, "de", true}, {[]string{"pub"}, "Berlin", false},
	} {
		if got := (satchel.Condition{Path: c.path, Value: c.text, Text: true}).Match(object); got != c.want {
			t.Errorf("%v as text %q matches: %v, want %v", c.path, c.text, got, c.want)
		}
	}
}

func TestEqualNumbers(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"0", "-0.00", true}, {"1", "1.0", true}, {"10", "1e1", true}, {"0.1", "1E-1", true}, {"1", "-1", false}, {"100", "1e+2", true},
		{"9007199254740993", "9007199254740992", false}, {"1e999999999999999999999999", "1e999999999999999999999998", false},
		{"1e999999999999999999999999", "10e999999999999999999999998", true}, {"0e5", "0", true},
	} {
		if got := satchel.EqualNumbers(json.Number(c.a), json.Number(c.b)); got != c.want {
			t.Errorf("%s equals %s: %v, want %v", c.a, c.b, got, c.want)
		}
	}
}
