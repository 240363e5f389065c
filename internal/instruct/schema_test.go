package instruct

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel"
)

func TestSchemasThatCannotBeUsed(t *testing.T) {
	var bomb strings.Builder
	bomb.WriteString(`{"$ref":"#/$defs/a0","$defs":{`)
	for i := range 40 {
		fmt.Fprintf(&bomb, `"a%d":{"allOf":[{"$ref":"#/$defs/a%d"},{"$ref":"#/$defs/a%d"}]},`, i, i+1, i+1)
	}
	bomb.WriteString(`"a40":{"type":"object"}}}`)
	for name, text := range map[string]string{
		"no JSON":                `{`,
		"no object":              `[]`,
		"a wrong keyword":        `{"type":"objet"}`,
		"a wrong pattern":        `{"properties":{"a":{"pattern":"["}}}`,
		"another address":        `{"properties":{"a":{"$ref":"https://example.com/a.json"}}}`,
		"a file":                 `{"$ref":"file:///etc/passwd"}`,
		"nowhere":                `{"properties":{"a":{"$ref":"#/$defs/none"}}}`,
		"an anchor":              `{"properties":{"a":{"$ref":"#here"}},"$defs":{"h":{"$anchor":"here"}}}`,
		"an address within":      `{"$defs":{"a":{"$id":"https://example.com/a","$ref":"#/$defs/b","$defs":{"b":{}}}}}`,
		"an enormous number":     `{"properties":{"a":{"maximum":1e999999999}}}`,
		"an unknown dialect":     `{"$schema":"https://example.com/dialect"}`,
		"itself":                 `{"allOf":[{"$ref":"#"}]}`,
		"references that double": bomb.String(),
		"too long":               `{"title":"` + strings.Repeat("x", maxSchema) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckSchema(text); satchel.CodeOf(err) == "" || satchel.CodeOf(err) == satchel.CodeInternal {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestSchemasThatCanBeUsed(t *testing.T) {
	for name, text := range map[string]string{
		"none":              " ",
		"the empty one":     `{}`,
		"definitions":       `{"$id":"https://example.com/x","properties":{"a":{"$ref":"#/$defs/a~1b"}},"$defs":{"a/b":{"type":"string"}}}`,
		"an older draft":    `{"$schema":"http://json-schema.org/draft-07/schema#","definitions":{"a":{"type":"string"}},"properties":{"a":{"$ref":"#/definitions/a"}}}`,
		"a tree":            `{"properties":{"children":{"type":"array","items":{"$ref":"#"}},"id":{"type":"string","examples":[{"$ref":"x"}]}}}`,
		"many alternatives": `{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"number"},{"type":"null"}]}}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if err := CheckSchema(text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckFindsFaultsWithTheirPlaces(t *testing.T) {
	s := mustSchema(t, `{"type":"object","properties":{
		"when":{"type":"string","format":"date"},"at":{"type":"string","format":"date-time"},"n":{"type":"integer","maximum":5},
		"kind":{"enum":["a","b"]},"list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}},
		"either":{"anyOf":[{"type":"string","maxLength":2},{"type":"number"}]}},"required":["n"],"additionalProperties":false}`)
	var got []string
	for _, f := range s.check(metadata(t, `{"when":"5 March","at":"2026-03-05","kind":"c","list":[{"x":1},{"x":"two"},{}],"either":"long","more":1}`).Object()) {
		got = append(got, satchel.PathText(f.path)+" "+strings.Join(f.missing, ",")+" "+strings.Join(f.extra, ","))
	}
	want := map[string]bool{" n ": true, "  more": true, "when  ": true, "at  ": true, "kind  ": true, "list.1.x  ": true, "list.2 x ": true, "either  ": true}
	for _, f := range got {
		if !want[f] {
			t.Errorf("unexpected fault %q", f)
		}
		delete(want, f)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
}

func mustSchema(t testing.TB, text string) *schema {
	t.Helper()
	s, err := parseSchema(text)
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
			if err := CheckSchema(string(got)); err != nil {
				t.Errorf("it is no schema itself: %v", err)
			}
		})
	}
}

func TestAnswerSchemaOfReferences(t *testing.T) {
	s := mustSchema(t, `{"properties":{"person":{"$ref":"#/$defs/person"}},"$defs":{"person":{"type":"object","properties":{
		"name":{"type":"string"},"friends":{"type":"array","items":{"$ref":"#/$defs/person"}}}}}}`)
	got := answerSchema(s, licence{remove: [][]string{{"a"}}, rename: [][]string{{"b", "c"}}}, true, true)
	if err := CheckSchema(string(got)); err != nil {
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
		s, err := parseSchema(text)
		if err != nil || s == nil {
			return
		}
		derived := answerSchema(s, licence{}, false, false)
		made, err := parseSchema(string(derived))
		if err != nil && len(derived) < maxSchema {
			t.Fatalf("%s\nbecame\n%s\n%v", text, derived, err)
		}
		if made == nil {
			return
		}
		nothing := map[string]any{}
		for _, key := range s.properties(s.root).names() {
			nothing[key] = nil
		}
		if err := made.compiled.Validate(map[string]any{"set": nothing}); err != nil {
			t.Logf("%v", err)
			for _, f := range made.check(map[string]any{"set": nothing}) {
				if len(f.extra) == 0 {
					t.Fatalf("%s\nbecame\n%s\nwhich does not take nulls: %s", text, derived, f)
				}
			}
		}
		keyLines(s)
	})
}

func TestOrderedJSONKeepsItsOrder(t *testing.T) {
	in := `{"z":1,"a":{"y":[1,{"c":null,"b":"<x>"}]},"m":1.50}`
	value, err := parseOrdered([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	out, err := encode(value)
	if err != nil || string(out) != in {
		t.Errorf("%s, %v", out, err)
	}
	if _, err := parseOrdered([]byte(`{} {}`)); err == nil {
		t.Error("two values are one")
	}
	if _, err := parseOrdered([]byte(strings.Repeat("[", 200) + strings.Repeat("]", 200))); err == nil {
		t.Error("200 levels are read")
	}
	if got := unordered(value).(map[string]any)["m"]; got != json.Number("1.50") {
		t.Errorf("number %v", got)
	}
}
