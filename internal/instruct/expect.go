package instruct

import (
	"encoding/json"
	"slices"
)

// expectation is what a schema wants in one place, all its alternatives together.
type expectation struct {
	of      any      // the schema; nil: there is none
	kinds   []string // of JSON; none: any
	formats []string
	words   []string // of enums
	items   any      // the schema of an array's items
}

func (e expectation) takes(kind string) bool {
	return len(e.kinds) == 0 || slices.Contains(e.kinds, kind)
}

const maxAlternatives = 16 // within each other

func (c *conformer) expect(of any) expectation {
	e := expectation{of: of}
	if c.schema != nil && of != nil {
		c.collect(of, &e, maxAlternatives)
	}
	return e
}

func (c *conformer) collect(of any, e *expectation, hops int) {
	node := c.schema.Node(of)
	if node == nil || hops == 0 {
		return
	}
	var parts []any
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		more, _ := node.Get(key).([]any)
		parts = append(parts, more...)
	}
	for _, part := range parts {
		c.collect(part, e, hops-1)
	}
	if len(parts) == 0 || node.Get("type") != nil {
		e.kinds = append(e.kinds, typesOf(node)...)
	}
	if format := node.Text("format"); format != "" {
		e.formats = append(e.formats, format)
	}
	values, _ := node.Get("enum").([]any)
	for _, value := range append(slices.Clone(values), node.Get("const")) {
		e.kinds = append(e.kinds, kindsOf(value)...)
		if word, ok := value.(string); ok {
			e.words = append(e.words, word)
		}
	}
	if items := node.Get("items"); items != nil {
		e.items = items
	}
}

// kindsOf names the type of a value of an enum.
func kindsOf(value any) []string {
	switch value.(type) {
	case string:
		return []string{"string"}
	case json.Number:
		return []string{"number"}
	case bool:
		return []string{"boolean"}
	}
	return nil
}
