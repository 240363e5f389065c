package instruct

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel/internal/llm"
)

// tokens makes pieces of a text in which | stands between tokens, and of what the model might have written instead of some.
func tokens(text string, nulls map[string]float64) (pieces []llm.Piece) {
	for part := range strings.SplitSeq(text, "|") {
		piece := llm.Piece{Text: part, Likely: []llm.Choice{{Text: part, Probability: 0.5}}}
		if p, ok := nulls[part]; ok {
			piece.Likely = append(piece.Likely, llm.Choice{Text: " null", Probability: p})
		}
		pieces = append(pieces, piece)
	}
	return pieces
}

func TestDoubts(t *testing.T) {
	for _, c := range []struct {
		name, text string
		nulls      map[string]float64
		want       map[string]float64
	}{
		{"a set", `{"set": {"a":| "|x|", "b":| |12|, "c":| null|}}`, map[string]float64{` "`: 0.25, " ": 0.125}, map[string]float64{"a": 0.25, "b": 0.125, "c": 0.5}},
		{"around it", "```json\n" + `{"set":{"a":| "x|"}}` + "\n```", map[string]float64{` "x`: 0.25}, map[string]float64{"a": 0.25}},
		{"within a token", `{"set":{"a|":"x|", "b":|"y"}}`, map[string]float64{`":"x`: 0.25, `"y"}}`: 0.5}, map[string]float64{"b": 0.5}},
		{"nested", `{"set":{"a":| {"b":| "x|"}, "c":| ["d"|]}}`, map[string]float64{` {"b":`: 0.25, ` "x`: 0.75}, map[string]float64{"a": 0.25, "c": 0}},
		{"other members", `{"rename":{"a":| "x|"}, "set":{"b":| "y|"}, "remove":{"c":| "z|"}}`, map[string]float64{` "x`: 0.5, ` "y`: 0.25, ` "z`: 0.5}, map[string]float64{"b": 0.25}},
		{"a key twice", `{"set":{"a":| "x|", "a":| "y|"}}`, map[string]float64{` "x`: 0.5}, map[string]float64{"a": 0}},
		{"a value like a key", `{"set":{"a":| "b: c|"}}`, nil, map[string]float64{"a": 0}},
		{"cut off", `{"set":{"a":| "x|", "b":| "y`, map[string]float64{` "x`: 0.25, ` "y`: 0.5}, map[string]float64{"a": 0.25, "b": 0.5}},
		{"no JSON", `I cannot| say|`, nil, map[string]float64{}},
		{"broken", `}|]{"set":|`, nil, map[string]float64{}},
		{"nothing", "", nil, map[string]float64{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, doubtsOf(tokens(c.text, c.nulls))); diff != "" {
				t.Error(diff)
			}
		})
	}
	if p := nullProbability(llm.Piece{Likely: []llm.Choice{{Text: "null", Probability: 0.25}, {Text: " n", Probability: 0.125}, {Text: "none", Probability: 0.5}, {Text: " ", Probability: 0.1}}}); p != 0.375 {
		t.Errorf("a null that begins in two ways has %v", p)
	}
}

func FuzzDoubts(f *testing.F) {
	f.Add(`{"set": {"a":| "|x|", "b":| |12|}}`)
	f.Add(`{"set":{"a|":[{"|set":|1}],"a":null}}`)
	f.Fuzz(func(t *testing.T, text string) {
		for key, doubt := range doubtsOf(tokens(text, map[string]float64{" ": 0.5})) {
			if doubt < 0 || doubt > 1 {
				t.Errorf("%q is %v", key, doubt)
			}
		}
	})
}

// A value that the model held doubtful itself is left out and named; what the instruction gives is no matter of the document.
func TestDoubtfulValues(t *testing.T) {
	answer := tokens(`{"set":{"tenant":| "Amalia Voss"|,"landlord":|  "Pier 9"|,"reviewed_by":|   "Grace"|,"deposit":| null}}`,
		map[string]float64{` "Amalia Voss"`: 0.04, `  "Pier 9"`: 0.06, `   "Grace"`: 0.5})
	var said strings.Builder
	for _, piece := range answer {
		said.WriteString(piece.Text)
	}
	model := newScript(&llm.Response{Text: said.String(), Pieces: answer})
	state, err := do(t, model, Task{
		Kind: Process, Instruction: `Find tenant, landlord and deposit; reviewed_by is "Grace".`,
		Text: text("The undersigned Amalia Voss leases the warehouse at Pier 9."), MaxTokens: 10_000,
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"tenant": "Amalia Voss", "reviewed_by": "Grace"}
	if diff := cmp.Diff(want, state.Result.Edit.Set); diff != "" {
		t.Error(diff)
	}
	if notes := strings.Join(state.Result.Notes, " "); !strings.Contains(notes, `"landlord" was left out: "Pier 9" was left in doubt by the language model.`) || strings.Contains(notes, "deposit") {
		t.Errorf("the notes are %q", notes)
	}
	if !model.asked[0].Pieces {
		t.Error("the model was not asked how sure it is")
	}
}
