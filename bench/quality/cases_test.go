package main

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/instruct"
)

func loadAll(t *testing.T) set {
	t.Helper()
	files, err := fs.Sub(testdata, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	s, err := load(files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSetIsLargeAndMixed(t *testing.T) {
	s := loadAll(t)
	count := map[string]int{}
	for _, d := range s.documents {
		count["documents"]++
		count["documents "+string(d.Half)]++
		count[d.Language]++
		count[d.Kind]++
		if strings.Count(d.text, "\f") >= 5 {
			count["long"]++
		}
		if slices.ContainsFunc(sortedKeys(d.Fields), func(key string) bool { return d.Fields[key].Absent }) {
			count["with something absent"]++
		}
	}
	for _, e := range s.edits {
		count["edits"]++
		count["edits "+string(e.Half)]++
		count["edit "+e.Kind]++
	}
	for what, least := range map[string]int{
		"documents": 40, "documents tune": 20, "documents report": 20, "edits": 25, "edits tune": 12, "edits report": 12, "long": 4, "with something absent": 20,
		"en": 10, "de": 8, "fr": 5, "es": 4, "lv": 4, "ru": 3, "it": 3,
		"invoice": 7, "paper": 4, "contract": 4, "mail": 5, "minutes": 4, "form": 4, "cv": 4, "product": 4,
		"edit rename": 4, "edit add": 4, "edit remove": 4, "edit translate": 3, "edit split": 3, "edit tag": 3, "edit contradictory": 2, "edit needless": 4,
	} {
		if count[what] < least {
			t.Errorf("%s: %d, want at least %d", what, count[what], least)
		}
	}
}

// What a document is said to hold must stand in it, or the figures mean nothing.
func TestAnswersStandInTheirDocuments(t *testing.T) {
	for _, d := range loadAll(t).documents {
		if d.Half != tune && d.Half != report {
			t.Errorf("%s: half %q", d.name, d.Half)
		}
		if len(d.order) != len(d.Fields) || len(d.Fields) == 0 {
			t.Errorf("%s: %d fields, %d in order", d.name, len(d.Fields), len(d.order))
		}
		for key, w := range d.Fields {
			checkAnswer(t, d, key, w)
		}
	}
}

func checkAnswer(t *testing.T, d document, key string, w want) {
	t.Helper()
	switch {
	case w.Type == "":
		t.Errorf("%s: %s has no type", d.name, key)
	case w.Absent == (w.Expect != nil):
		t.Errorf("%s: %s must have either an answer or none", d.name, key)
	case w.Absent || w.Derived:
	case w.Text != "" && !strings.Contains(d.text, w.Text):
		t.Errorf("%s: %q of %s is not in the text", d.name, w.Text, key)
	case w.Text == "" && !stands(w.Expect, d.text):
		t.Errorf("%s: %v of %s does not stand in the text", d.name, w.Expect, key)
	case w.Text != "" && w.compare(w.Text) == differs && !strings.Contains(fold(w.Text), fold(flatText(w.Expect))) && w.Format != "date":
		if number, ok := w.Expect.(json.Number); !ok || !slices.Contains(numbersIn(w.Text), canonicalNumber(number.String())) {
			t.Errorf("%s: %q does not say %v of %s", d.name, w.Text, w.Expect, key)
		}
	}
	if len(w.Enum) > 0 && !w.Absent && !slices.Contains(w.Enum, w.Expect) {
		t.Errorf("%s: %v of %s is not allowed by its own schema", d.name, w.Expect, key)
	}
	if w.Matches != "" {
		regexp.MustCompile(w.Matches)
	}
}

// oracle answers as the set wants it, with the evidence that there is.
func oracle(d document) *instruct.Result {
	r := &instruct.Result{Edit: satchel.Edit{Set: map[string]any{}}, Evidence: map[string]instruct.Evidence{}}
	for key, w := range d.Fields {
		if w.Absent {
			continue
		}
		r.Edit.Set[key] = w.Expect
		quote := w.Text
		if quote == "" {
			quote = flatText(w.Expect)
			if items, ok := w.Expect.([]any); ok {
				quote, _ = items[0].(string)
			}
		}
		for i, page := range strings.Split(d.text, "\f") {
			if strings.Contains(fold(page), fold(quote)) {
				r.Evidence[key] = instruct.Evidence{Page: i + 1, Quote: quote}
			}
		}
	}
	return r
}

func TestTheOracleMakesNoFault(t *testing.T) {
	s := loadAll(t)
	var all score
	for _, d := range s.documents {
		got, err := scoreDocument(d, oracle(d))
		if err != nil || len(got.faults) > 0 {
			t.Errorf("%s: %v %v", d.name, err, got.faults)
		}
		all.add(got)
	}
	if all.exact != all.fields || all.right != len(s.documents) || all.evidenced != all.standing || all.standing < 200 || all.invented > 0 {
		t.Errorf("%+v", all)
	}
}

// Nothing is worth nothing, but for what is absent.
func TestTheSilentModel(t *testing.T) {
	var all score
	absent := 0
	for _, d := range loadAll(t).documents {
		got, err := scoreDocument(d, &instruct.Result{})
		if err != nil {
			t.Fatal(err)
		}
		all.add(got)
		for _, w := range d.Fields {
			if w.Absent {
				absent++
			}
		}
	}
	if all.exact != absent || all.near != 0 || all.missing != all.fields-absent || all.values != 0 || all.deleted != 0 {
		t.Errorf("%d absent: %+v", absent, all)
	}
}

func TestEditsByTheOracle(t *testing.T) {
	described := map[string]any{
		"translate-title:title":        "Precipitation and Water Levels of the Upper Öhrlbach",
		"translate-subject-de:betreff": "Die Pumpe ist kaputt, bitte ersetzen",
		"tag-report:tags":              []any{"pump", "drainage", "cellar"},
	}
	for _, e := range loadAll(t).edits {
		r := &instruct.Result{Edit: satchel.Edit{Set: map[string]any{}}}
		for key, w := range e.After {
			value := w.Expect
			if value == nil {
				value = described[e.name+":"+key]
			}
			r.Edit.Remove = append(r.Edit.Remove, []string{key})
			r.Edit.Set[key] = value
		}
		for _, key := range e.Gone {
			r.Edit.Remove = append(r.Edit.Remove, []string{key})
		}
		got, err := scoreEdit(e, r)
		if err != nil || got.right != 1 || got.exact != got.fields || got.deleted+got.changed+got.invented > 0 {
			t.Errorf("%s: %v %+v", e.name, err, got)
		}
		for _, key := range append(sortedKeys(e.After), e.Gone...) {
			if _, was := e.before.Object()[key]; slices.Contains(e.Gone, key) && !was {
				t.Errorf("%s: %s is to go, but is not there", e.name, key)
			}
		}
	}
}
