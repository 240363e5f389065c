package main

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/instruct"
)

func invoice() document {
	return document{
		name: "invoice", order: []string{"number", "date", "total", "paid_by", "kind"},
		text: "Invoice HS-1 of 17 April 2025\fTotal 1,234.50 for Wexley Pilots",
		Fields: map[string]want{
			"number":  {Type: "string", Expect: "HS-1"},
			"date":    {Type: "string", Format: "date", Expect: "2025-04-17", Text: "17 April 2025"},
			"total":   {Type: "number", Expect: json.Number("1234.5"), Text: "1,234.50"},
			"paid_by": {Type: "string", Absent: true},
			"kind":    {Type: "string", Expect: "bill", Derived: true},
		},
	}
}

func proof(page int, quote string) instruct.Evidence {
	return instruct.Evidence{Page: page, Quote: quote}
}

func TestScoreOfADocument(t *testing.T) {
	type set = map[string]any
	type evidence = map[string]instruct.Evidence
	number := func(text string) json.Number { return json.Number(text) }
	for name, c := range map[string]struct {
		set      set
		evidence evidence
		remove   [][]string
		before   string
		want     score
	}{
		"all right": {
			set:      set{"number": "HS-1", "date": "2025-04-17", "total": number("1234.50"), "kind": "bill"},
			evidence: evidence{"number": proof(1, "Invoice HS-1"), "date": proof(1, "17 April 2025"), "total": proof(2, "1,234.50")},
			want:     score{fields: 5, exact: 5, values: 4, standing: 3, evidenced: 3, right: 1},
		},
		"near": {
			set:  set{"number": "hs 1", "date": "17 April 2025", "total": "1,234.50", "kind": "Bill"},
			want: score{fields: 5, exact: 1, near: 4, values: 4, standing: 3},
		},
		"wrong, but in the text": {
			set:  set{"number": "Wexley Pilots", "kind": "letter"},
			want: score{fields: 5, exact: 1, missing: 2, values: 2, standing: 1},
		},
		"invented": {
			set:  set{"number": "HS-2", "paid_by": "Wexley Pilots", "total": number("99")},
			want: score{fields: 5, missing: 2, values: 3, invented: 3},
		},
		"not asked for": {
			set:  set{"customer": "Wexley Pilots", "city": "Rome"},
			want: score{fields: 5, exact: 1, missing: 4, values: 2, invented: 1},
		},
		"evidence that is none": {
			set:      set{"number": "HS-1", "date": "2025-04-17", "total": number("1234.5")},
			evidence: evidence{"number": proof(2, "Invoice HS-1"), "date": proof(1, "Invoice"), "total": proof(7, "1,234.50")},
			want:     score{fields: 5, exact: 4, missing: 1, values: 3, standing: 3},
		},
		"evidence that is not in the text": {
			set:      set{"number": "HS-1"},
			evidence: evidence{"number": proof(1, "The number is HS-1")},
			want:     score{fields: 5, exact: 2, missing: 3, values: 1, standing: 1},
		},
		"metadata from before": {
			before: `{"folder":"x","shelf":7,"page":1}`,
			remove: [][]string{{"folder"}},
			set:    set{"shelf": number("8"), "page": number("1")},
			want:   score{fields: 5, exact: 1, missing: 4, values: 1, invented: 1, deleted: 1, changed: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := invoice()
			d.Metadata = json.RawMessage(c.before)
			got, err := scoreDocument(d, &instruct.Result{Edit: satchel.Edit{Set: c.set, Remove: c.remove}, Evidence: c.evidence})
			if err != nil {
				t.Fatal(err)
			}
			c.want.cases = 1
			checkScore(t, got, c.want)
		})
	}
}

func checkScore(t *testing.T, got, want score) {
	t.Helper()
	faults := got.faults
	got.faults = nil
	if !slices.Equal(got.figures(), want.figures()) {
		t.Errorf("%+v\nwant %+v\n%v", got, want, faults)
	}
}

func (s score) figures() []int {
	return []int{
		s.cases, s.right, s.fields, s.exact, s.near, s.missing, s.values, s.invented, s.deleted, s.changed, s.standing, s.evidenced, s.failed,
	}
}

// Without a schema the model names the keys.
func TestKeysOfTheModelsOwn(t *testing.T) {
	d := invoice()
	d.Schema = "none"
	d.Fields["number"] = want{Type: "string", Expect: "HS-1", Keys: []string{"invoice no"}}
	d.Fields["date"] = want{Type: "string", Expect: "2025-04-17", Text: "17 April 2025", Keys: []string{"when.day"}}
	set := map[string]any{
		"Invoice_No": "HS-1",
		"when":       map[string]any{"day": "2025-04-17"},
		"amounts":    map[string]any{"total": json.Number("1234.5")},
		"sort":       "bill",
		"customer":   "Wexley Pilots",
	}
	got, err := scoreDocument(d, &instruct.Result{Edit: satchel.Edit{Set: set}})
	if err != nil {
		t.Fatal(err)
	}
	checkScore(t, got, score{cases: 1, fields: 5, exact: 4, near: 1, values: 5, standing: 3})
}

func TestScoreOfAnEdit(t *testing.T) {
	before := `{"author":"A. Fenwick","tags":["bees","islands"],"address":{"zip":"1","town":"Wexley"},"note":"x"}`
	type edits = satchel.Edit
	for name, c := range map[string]struct {
		after map[string]want
		gone  []string
		may   []string
		edit  edits
		want  score
	}{
		"rename": {
			after: map[string]want{"writer": {Expect: "A. Fenwick"}}, gone: []string{"author"},
			edit: edits{Rename: []satchel.Rename{{From: []string{"author"}, To: []string{"writer"}}}},
			want: score{right: 1, fields: 1, exact: 1, values: 1},
		},
		"rename that leaves the old key": {
			after: map[string]want{"writer": {Expect: "A. Fenwick"}}, gone: []string{"author"},
			edit: edits{Set: map[string]any{"writer": "A. Fenwick"}},
			want: score{fields: 1, exact: 1, values: 1},
		},
		"a key that has to stay is removed": {
			edit: edits{Remove: [][]string{{"note"}}},
			want: score{deleted: 1},
		},
		"a key that has to stay is changed, another made up": {
			edit: edits{Set: map[string]any{"note": "y", "mood": "good"}},
			want: score{changed: 1, values: 2 - 1, invented: 1},
		},
		"a list loses an item": {
			after: map[string]want{"tags": {Expect: []any{"bees", "islands", "winter"}}},
			edit:  edits{Set: map[string]any{"tags": []any{"winter"}}},
			want:  score{fields: 1, values: 1, deleted: 2, invented: 1},
		},
		"an object loses a part": {
			after: map[string]want{"address": {Expect: map[string]any{"postcode": "1", "town": "Wexley"}}},
			edit:  edits{Remove: [][]string{{"address"}}, Set: map[string]any{"address": map[string]any{"postcode": "1"}}},
			want:  score{fields: 1, values: 1, deleted: 1},
		},
		"what is to change is removed": {
			after: map[string]want{"note": {Expect: "y"}},
			edit:  edits{Remove: [][]string{{"note"}}},
			want:  score{fields: 1, missing: 1, deleted: 1},
		},
		"a key that does not matter": {
			may:  []string{"note", "remark"},
			edit: edits{Remove: [][]string{{"note"}}, Set: map[string]any{"remark": "x"}},
			want: score{right: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			metadata, err := satchel.ParseMetadata([]byte(before))
			if err != nil {
				t.Fatal(err)
			}
			e := edit{before: metadata, Instruction: "do it", After: c.after, Gone: c.gone, May: c.may}
			got, err := scoreEdit(e, &instruct.Result{Edit: c.edit})
			if err != nil {
				t.Fatal(err)
			}
			c.want.cases = 1
			checkScore(t, got, c.want)
		})
	}
}

func TestFailedCase(t *testing.T) {
	d := invoice()
	checkScore(t, failedCase(d.Fields, errors.New("model busy")), score{cases: 1, failed: 1, fields: 5, missing: 4})
}

func TestRow(t *testing.T) {
	o := outcome{
		documents: score{cases: 4, fields: 20, exact: 15, near: 2, values: 50, invented: 1, standing: 16, evidenced: 15, deleted: 1},
		schemas:   score{fields: 10, exact: 9}, edits: score{cases: 5, right: 4, deleted: 2},
		tokens: satchel.Tokens{Input: 1000, Output: 200}, seconds: 10,
	}
	const want = "| m | tune | 4 | 20 | 15 | 2 | 85.0 % | 90.0 % | 2.0 % | 93.8 % | 4 of 5 | 3 | 1200 | 2.5 |\n"
	if got := row("m", tune, o); got != want {
		t.Errorf("%swant %s", got, want)
	}
	if got := row("m", tune, outcome{}); !strings.Contains(got, "| - |") {
		t.Errorf("nothing was measured: %s", got)
	}
}
