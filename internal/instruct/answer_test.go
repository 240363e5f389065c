package instruct

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/metaschema"
)

func TestParseAnswer(t *testing.T) {
	x := map[string]any{"x": json.Number("1.50")}
	for _, c := range []struct {
		name, text string
		want       answer
	}{
		{"all parts", `{"needs_document":true,"set":{"x":1.50},"rename":[{"from":"a","to":"b"}],"remove":["c"]}`, answer{needsDocument: true, set: x, rename: [][2]string{{"a", "b"}}, remove: []string{"c"}}},
		{"a rename as an object", `{"rename":{"a":"b","c":1}}`, answer{rename: [][2]string{{"a", "b"}}}},
		{"removals as an object", `{"remove":{"c":null}}`, answer{remove: []string{"c"}}},
		{"a fence", "```json\n{\"set\":{\"x\":1.50}}\n```", answer{set: x}},
		{"words around it", "Here it is: {\"set\":{\"x\":1.50}}\n```\nI hope so.", answer{set: x}},
		{"the set alone", `{"x":1.50}`, answer{set: x}},
		{"a key twice", `{"set":{"x":2,"x":1.50}}`, answer{set: x}},
		{"no set", `{"set":null}`, answer{}},
		{"odd items", `{"rename":["a",{"from":1}],"remove":[1,"c"]}`, answer{rename: [][2]string{{"", ""}, {"", ""}}, remove: []string{"c"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseAnswer(c.text, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(answer{})); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, text := range []string{"", "no", "[]", `{"set":1}`, `{"set":{}} {"set":{}}`, `{"set":{"x":1`, `{"set":{}} and more`} {
		if got, err := parseAnswer(text, false); err == nil {
			t.Errorf("%q was read as %v", text, got)
		}
	}
}

func TestMend(t *testing.T) {
	for in, want := range map[string]string{
		`{"set":{"a":1,"b":"x`:            `{"set":{"a":1}}`,
		`{"set":{"a":1,"b":2`:             `{"set":{"a":1}}`, // it could be 20
		`{"set":{"a":[1,2,{"c":"d"},{"e`:  `{"set":{"a":[1,2,{"c":"d"}]}}`,
		`{"set":{"a":"x","b":`:            `{"set":{"a":"x"}}`,
		`{"set":{"a":"x"},"remove":["y",`: `{"set":{"a":"x"},"remove":["y"]}`,
		`{"set":{`:                        ``,
		`{"set":{"a":tru`:                 ``,
		``:                                ``,
	} {
		if got := mend(in); got != want {
			t.Errorf("mend(%s) = %s, want %s", in, got, want)
		}
	}
}

func FuzzParseAnswer(f *testing.F) {
	for _, s := range []string{`{"set":{"a":[1,{"b":"c"}]},"remove":["x"]}`, "```json\n{}\n```", `{"set":{"a":1,"b`, `{"rename":{"a":"b"}}`, `{"a":"\ud800"}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAnswer(text, false)
		if err == nil {
			for cut := range len(text) { // whatever is cut off, what remains is read or refused
				if _, err := parseAnswer(text[:cut], true); err != nil && err.Error() == "" {
					t.Fatal("an error says nothing")
				}
			}
		}
		clean, _ := cleanSet(a.set)
		if _, bad := cleanSet(clean); len(bad) > 0 {
			t.Fatalf("%q is still unfit", bad)
		}
	})
}

// FuzzAdvance gives a model's answer, whatever it is, to a task: the result keeps the limits, and takes away only what the instruction names.
func FuzzAdvance(f *testing.F) {
	f.Add(`{"set":{"n":"1.234,50","s":"unknown"},"remove":["title","draft"],"rename":[{"from":"author","to":"title"}]}`, "remove the draft")
	f.Add(`{"needs_document":true,"set":{"pub.city":"x"}}`, "rename author to writer")
	f.Add(`{"set":{"tags":[[["x"]]],"pub":1,"when":"5.3.2026"},"remove":["author"]}`, "add x, keep only title")
	f.Fuzz(func(t *testing.T, reply, instruction string) {
		m := metadata(t, hegel)
		task := Task{
			Kind: Update, Instruction: instruction, Metadata: m, Protected: []string{"year"}, Text: text("am 5. März 2026: 1.234,50 EUR"),
			Schema: `{"properties":{"n":{"type":"number"},"when":{"type":"string","format":"date"},"l":{"items":{"type":"integer"}}}}`,
		}
		state, err := New(newScript(func(llm.Request) string { return reply })).Advance(t.Context(), task, State{})
		for range 6 {
			if err != nil || state.Done {
				break
			}
			state, err = New(newScript(func(llm.Request) string { return reply })).Advance(t.Context(), task, stored(t, state))
		}
		if err != nil {
			return
		}
		after, err := m.Apply(state.Result.Edit)
		if err != nil {
			t.Fatalf("%s breaks the limits: %v", state.Result.Edit, err)
		}
		may := licenceOf(Update, instruction, m)
		for _, path := range state.Result.Edit.Remove {
			if !contains(may.remove, path) {
				t.Fatalf("%q was removed, by %q", path, instruction)
			}
		}
		if faults := mustSchema(t, task.Schema).Validate(after.Object()); len(faults) > 0 && metaschema.Calm(after.Object()) {
			t.Fatalf("%s breaks the schema: %v", after, faults)
		}
		if year := after.Object()["year"]; year != json.Number("1812") {
			t.Fatalf("a protected key became %v", year)
		}
	})
}
