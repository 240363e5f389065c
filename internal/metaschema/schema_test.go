package metaschema

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

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
		"of a list":              `{"type":"array"}`,
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
		"too long":               `{"title":"` + strings.Repeat("x", MaxBytes) + `"}`,
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Parse(text); satchel.CodeOf(err) == "" || satchel.CodeOf(err) == satchel.CodeInternal {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestWhatIsWrongWithASchema(t *testing.T) {
	for text, want := range map[string]string{
		`{"required":"a"}`:                            "metadata_schema is not a usable JSON Schema: at /required: got string, want array",
		`{"properties":{"a":{"minimum":"x"}}}`:        "metadata_schema is not a usable JSON Schema: at /properties/a/minimum: got string, want number",
		`{"properties":{"a":1,"b":{"type":"objet"}}}`: "metadata_schema is not a usable JSON Schema: at /properties/a: got number, want boolean or object",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "json-schema.org") {
			t.Errorf("%s: %v", text, err)
		}
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
			if _, err := Parse(text); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestCheckFindsFaultsWithTheirPlaces(t *testing.T) {
	s := mustParse(t, `{"type":"object","properties":{
		"when":{"type":"string","format":"date"},"at":{"type":"string","format":"date-time"},"n":{"type":"integer","maximum":5},
		"kind":{"enum":["a","b"]},"list":{"type":"array","items":{"type":"object","properties":{"x":{"type":"number"}},"required":["x"]}},
		"either":{"anyOf":[{"type":"string","maxLength":2},{"type":"number"}]}},"required":["n"],"additionalProperties":false}`)
	var got []string
	for _, f := range s.Validate(tree(t, `{"when":"5 March","at":"2026-03-05","kind":"c","list":[{"x":1},{"x":"two"},{}],"either":"long","more":1}`)) {
		got = append(got, satchel.PathText(f.Path)+" "+strings.Join(f.Missing, ",")+" "+strings.Join(f.Extra, ","))
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

func mustParse(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func tree(t testing.TB, text string) map[string]any {
	t.Helper()
	object, err := satchel.ParseJSONObject("metadata", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object
}

// FuzzParse parses whatever somebody calls a schema: it is refused, or it can check metadata.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"$ref":"#"}`, `{"properties":{"a":{"$ref":"#"},"b":{"maximum":1e64}}}`, `{"type":"object","required":["a"],"$defs":{"a":{"not":{}}}}`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err == nil {
			s.Validate(map[string]any{"a": "x", "b": []any{json.Number("1")}})
		} else if code := satchel.CodeOf(err); code == "" || code == satchel.CodeInternal {
			t.Fatal(err)
		}
	})
}
