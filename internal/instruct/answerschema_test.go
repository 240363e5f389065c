package instruct

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel/internal/metaschema"
)

func mustSchema(t testing.TB, text string) *metaschema.Schema {
	t.Helper()
	s, err := metaschema.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAnswerSchema(t *testing.T) {
	for _, c := range []struct{ name, schema, set string }{
		{"scalars in their order", `{"properties":{"z":{"type":"string"},"a":{"type":"integer","minimum":0},"b":{"type":"boolean"},"d":{"type":"string","format":"date"}}}`,
			`{"type":"object","properties":{"z":{"type":["string","null"],"maxLength":1000},"a":{"type":["integer","null"],"minimum":0},` +
				`"b":{"type":["boolean","null"]},"d":{"type":["string","null"],"maxLength":40}},"required":["z","a","b","d"],"additionalProperties":false}`},
		{"limits", `{"properties":{"s":{"type":"string","maxLength":20},"l":{"type":"array","items":{"type":"string"},"maxItems":3}}}`,
			`{"type":"object","properties":{"s":{"type":["string","null"],"maxLength":20},"l":{"anyOf":[{"type":"array","items":{"type":"string","maxLength":1000},` +
				`"maxItems":3},{"type":"null"}]}},"required":["s","l"],"additionalProperties":false}`},
		{"enums", `{"properties":{"k":{"type":"string","enum":["a","b"]},"c":{"const":1}}}`,
			`{"type":"object","properties":{"k":{"enum":["a","b",null]},"c":{"enum":[1,null]}},"required":["k","c"],"additionalProperties":false}`},
		{"what servers misread goes", `{"properties":{"s":{"type":"string","pattern":"x+$","not":{"const":"y"}},"p":{"type":"string","pattern":"^\\d{4}-[A-Z]{2}$"}},` +
			`"patternProperties":{"^x":{"type":"string"}}}`,
			`{"type":"object","properties":{"s":{"type":["string","null"],"maxLength":1000},"p":{"type":["string","null"],"pattern":"^[0-9]{4}-[A-Z]{2}$"}},` +
				`"required":["s","p"],"additionalProperties":false}`},
		{"a map", `{"type":"object","additionalProperties":{"type":"number"}}`,
			`{"type":"object","additionalProperties":{"type":["number","null"]}}`},
		{"a null that is allowed anyway", `{"properties":{"s":{"type":["string","null"]},"t":{"anyOf":[{"type":"integer"},{"type":"null"}]}}}`,
			`{"type":"object","properties":{"s":{"type":["string","null"],"maxLength":1000},"t":{"type":["integer","null"]}},"required":["s","t"],"additionalProperties":false}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := answerSchema(mustSchema(t, c.schema), licence{}, false, false)
			want := `{"type":"object","properties":{"set":` + c.set + `},"required":["set"],"additionalProperties":false}`
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Error(diff)
			}
			if _, err := metaschema.Parse(string(got)); err != nil {
				t.Errorf("it is no schema itself: %v", err)
			}
		})
	}
}

func TestAnswerSchemaOfReferences(t *testing.T) {
	s := mustSchema(t, `{"properties":{"person":{"$ref":"#/$defs/person"}},"$defs":{"person":{"type":"object","properties":{
		"name":{"type":"string"},"friends":{"type":"array","items":{"$ref":"#/$defs/person"}}}}}}`)
	got := answerSchema(s, licence{remove: [][]string{{"a"}}, rename: [][]string{{"b", "c"}}}, true, true)
	if _, err := metaschema.Parse(string(got)); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{`"person":{"anyOf":[{"$ref":"#/$defs/d1"},{"type":"null"}]}`, `"items":{"$ref":"#/$defs/d1"}`, `"enum":["a"]`, `"enum":["b.c"]`, `{"needs_document"`} {
		if !strings.Contains(strings.Replace(string(got), `{"type":"object","properties":{"needs_document"`, `{"needs_document"`, 1), part) {
			t.Errorf("%s is not in %s", part, got)
		}
	}
}

// FuzzAnswerSchema derives from every schema that can be used a schema that can be used, and that lets the model say that nothing was found.
func FuzzAnswerSchema(f *testing.F) {
	for _, s := range []string{
		`{}`, `{"properties":{"a":{"$ref":"#"}}}`, `{"allOf":[{"properties":{"a":{"type":["string","number"]}}}],"properties":{"b":true,"c":false}}`,
		`{"properties":{"a":{"oneOf":[{"const":null},{"enum":[1,"x",{}]}],"items":{"items":{}}}}}`, `{"additionalProperties":false}`,
		`{"properties":{"l":{"prefixItems":[{}],"items":false},"s":{"maxLength":-1.5,"pattern":"^a{1,2}$"}}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := metaschema.Parse(text)
		if err != nil || s == nil {
			return
		}
		derived := answerSchema(s, licence{}, false, false)
		made, err := metaschema.Parse(string(derived))
		if err != nil && len(derived) < metaschema.MaxBytes {
			t.Fatalf("%s\nbecame\n%s\n%v", text, derived, err)
		}
		if made == nil {
			return
		}
		nothing := map[string]any{}
		for _, key := range s.Properties(s.Root).Names() {
			nothing[key] = nil
		}
		for _, f := range made.Validate(map[string]any{"set": nothing}) {
			if len(f.Extra) == 0 {
				t.Fatalf("%s\nbecame\n%s\nwhich does not take nulls: %s", text, derived, f)
			}
		}
		keyLines(s)
	})
}
