package instruct

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

// Limits of what a model is asked to write. Small models run on, and a JSON text that was cut is none.
const (
	maxString    = 1000 // characters
	maxItems     = 40   // of an array
	maxDate      = 40   // characters of a date as it is written
	maxParts     = 1000 // of a derived schema; what is beyond may be anything
	maxEnum      = 200  // values
	freeLevels   = 2    // of objects and arrays where there is no schema
	maxEnumPaths = 100  // keys that can be removed or renamed, in one request
)

// deriver makes the schema of an answer out of the schema of metadata: every property may be null, which means "not found", and only keywords
// that servers of language models honour remain. What they would read wrongly is left to the check of the answer.
type deriver struct {
	schema *schema
	parts  int
	names  map[string]string // of definitions, by the references that lead to them
	defs   *object
}

// typed makes the schema of a type.
func typed(kind string) *object { return (&object{}).with("type", kind) }

// setSchema gives the schema of "set": the properties of the metadata's schema, all of them in their order, or any object. With partial, an
// answer need not have all.
func (d *deriver) setSchema(partial bool) *object {
	if d.schema == nil {
		return freeObject(freeLevels)
	}
	set := d.objectOf(d.schema.root, partial)
	if set.get("properties") == nil && d.schema.root.get("additionalProperties") == nil {
		return freeObject(freeLevels)
	}
	return set
}

// value derives the schema of one value, which may not be null.
func (d *deriver) value(of any) *object {
	if d.parts++; d.parts > maxParts {
		return free(0)
	}
	node, _ := of.(*object)
	if node == nil {
		return free(freeLevels)
	}
	if ref := node.text("$ref"); ref != "" {
		return (&object{}).with("$ref", "#/$defs/"+d.define(ref))
	}
	if values, ok := node.get("enum").([]any); ok {
		return enum(values)
	}
	if value := node.get("const"); value != nil {
		return enum([]any{value})
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if parts, ok := node.get(key).([]any); ok {
			return d.alternatives(parts)
		}
	}
	return d.byType(node)
}

// define derives what a reference leads to, once, and gives its name.
func (d *deriver) define(ref string) string {
	if name, ok := d.names[ref]; ok {
		return name
	}
	name := "d" + strconv.Itoa(len(d.names)+1)
	if d.names == nil {
		d.names = map[string]string{}
	}
	d.names[ref] = name
	target, _ := d.schema.resolve(ref)
	made := d.value(target)
	d.defs = d.defs.with(name, made)
	return name
}

func enum(values []any) *object {
	var scalars []any
	for _, value := range values {
		switch value.(type) {
		case string, json.Number, bool:
			scalars = append(scalars, value)
		}
	}
	if len(scalars) == 0 || len(scalars) > maxEnum {
		return free(0)
	}
	return (&object{}).with("enum", scalars)
}

func (d *deriver) alternatives(parts []any) *object {
	var all []any
	for _, part := range parts {
		if node, _ := part.(*object); node.text("type") != "null" {
			all = append(all, d.value(part))
		}
	}
	switch len(all) {
	case 0:
		return free(0)
	case 1:
		one, _ := all[0].(*object)
		return one
	}
	return (&object{}).with("anyOf", all)
}

// byType derives a schema that says, or lets guess, of which types its values are.
func (d *deriver) byType(node *object) *object {
	types := typesOf(node)
	var all []any
	for _, kind := range types {
		switch kind {
		case "string":
			all = append(all, stringSchema(node))
		case "number", "integer":
			all = append(all, numberSchema(kind, node))
		case "boolean":
			all = append(all, typed("boolean"))
		case "array":
			all = append(all, d.arrayOf(node))
		case "object":
			all = append(all, d.objectOf(node, false))
		}
	}
	switch len(all) {
	case 0:
		return free(freeLevels)
	case 1:
		one, _ := all[0].(*object)
		return one
	}
	return (&object{}).with("anyOf", all)
}

// typesOf gives the types that a schema names, or those that its keywords are about.
func typesOf(node *object) []string {
	switch kind := node.get("type").(type) {
	case string:
		return []string{kind}
	case []any:
		var kinds []string
		for _, k := range kind {
			if name, ok := k.(string); ok {
				kinds = append(kinds, name)
			}
		}
		return kinds
	}
	about := [][]string{
		{"object", "properties", "allOf", "additionalProperties", "required"}, {"array", "items", "prefixItems", "maxItems", "minItems"},
		{"string", "format", "pattern", "maxLength", "minLength"}, {"number", "minimum", "maximum", "multipleOf"},
	}
	for _, group := range about {
		if slices.ContainsFunc(group[1:], func(key string) bool { return node.get(key) != nil }) {
			return group[:1]
		}
	}
	return nil
}

func stringSchema(node *object) *object {
	s := typed("string")
	switch node.text("format") {
	case "date", "time", "date-time": // forced into that form, a small model that begins to copy 01.05.2026 goes on with 0105-02-06; we convert
		return s.with("maxLength", maxDate)
	case "uuid":
		return s.with("format", "uuid")
	}
	if pattern, ok := plainPattern(node.text("pattern")); ok {
		return s.with("pattern", pattern)
	}
	return s.with("maxLength", clamp(node.get("maxLength"), maxString))
}

// clamp gives a limit as the schema has it, if that is lower.
func clamp(limit any, most int) int {
	n, ok := limit.(json.Number)
	if value, err := strconv.Atoi(string(n)); ok && err == nil && value >= 0 {
		return min(value, most)
	}
	return most
}

// plainPattern gives a pattern in the words that every server knows: anchors, letters, classes, bounded repetition. False for others.
func plainPattern(pattern string) (string, bool) {
	inner, ok := strings.CutPrefix(pattern, "^")
	inner, end := strings.CutSuffix(inner, "$")
	inner = strings.NewReplacer(`\d`, "[0-9]", `\.`, "[.]", `\-`, "-", `\/`, "/").Replace(inner)
	if !ok || !end || len(inner) > 100 || strings.ContainsAny(inner, `\^$|()*+?.`+"\n") {
		return "", false
	}
	return "^" + inner + "$", true
}

func numberSchema(kind string, node *object) *object {
	s := typed(kind)
	for _, key := range []string{"minimum", "maximum"} {
		if n, ok := node.get(key).(json.Number); ok {
			s.with(key, n)
		}
	}
	return s
}

func (d *deriver) arrayOf(node *object) *object {
	items := free(1)
	if node.get("items") != nil {
		items = d.value(node.get("items"))
	}
	return typed("array").with("items", items).with("maxItems", clamp(node.get("maxItems"), maxItems))
}

// objectOf derives an object: its properties may be null, and all stand in the answer, so that none is forgotten, unless it is partial.
func (d *deriver) objectOf(node *object, partial bool) *object {
	properties := d.schema.properties(node)
	if len(properties.names()) == 0 {
		return typed("object").with("additionalProperties", d.additional(node))
	}
	made := &object{values: map[string]any{}}
	for _, key := range properties.names() {
		if of, isBool := properties.get(key).(bool); !isBool || of {
			made.with(key, nullable(d.value(properties.get(key))))
		}
	}
	s := typed("object").with("properties", made)
	if !partial {
		s.with("required", made.keys)
	}
	return s.with("additionalProperties", false)
}

func (d *deriver) additional(node *object) any {
	if more := node.child("additionalProperties"); more != nil {
		return nullable(d.value(more))
	}
	return free(1)
}

// nullable lets a value be null.
func nullable(s *object) *object {
	if values, ok := s.get("enum").([]any); ok {
		return (&object{}).with("enum", append(slices.Clone(values), null{}))
	}
	if kind := s.text("type"); kind != "" && kind != "object" && kind != "array" {
		return s.with("type", []string{kind, "null"})
	}
	if parts, ok := s.get("anyOf").([]any); ok {
		return (&object{}).with("anyOf", append(slices.Clone(parts), typed("null")))
	}
	return (&object{}).with("anyOf", []any{s, typed("null")})
}

// null is a JSON null among values in which nil means that there is nothing.
type null struct{}

// MarshalJSON writes null.
func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// free gives the schema of any value that is not nested deeper than so many levels.
func free(levels int) *object {
	all := []any{typed("string").with("maxLength", maxString), typed("number"), typed("boolean"), typed("null")}
	if levels > 0 {
		all = append(all, typed("array").with("items", free(levels-1)).with("maxItems", maxItems), freeObject(levels))
	}
	return (&object{}).with("anyOf", all)
}

func freeObject(levels int) *object {
	return typed("object").with("additionalProperties", free(levels-1))
}

// answerSchema gives the schema of a whole answer. What the licence does not allow is not offered.
func answerSchema(s *schema, may licence, ask, partial bool) json.RawMessage {
	d := &deriver{schema: s}
	properties := &object{values: map[string]any{}}
	if ask {
		properties.with("needs_document", typed("boolean"))
	}
	properties.with("set", d.setSchema(partial))
	if names := pathTexts(may.rename); len(names) > 0 {
		move := typed("object").
			with("properties", (&object{}).with("from", enum(names)).with("to", typed("string").with("maxLength", satchel.MaxMetadataKey))).
			with("required", []string{"from", "to"}).with("additionalProperties", false)
		list := typed("array").with("items", move).with("maxItems", len(names))
		if may.must {
			list.with("minItems", 1)
		}
		properties.with("rename", list)
	}
	if names := pathTexts(may.remove); len(names) > 0 {
		properties.with("remove", typed("array").with("items", enum(names)).with("maxItems", len(names)))
	}
	whole := typed("object").with("properties", properties).with("required", properties.keys).with("additionalProperties", false)
	if d.defs != nil {
		whole.with("$defs", d.defs)
	}
	text, err := encode(whole)
	if err != nil {
		return nil // its parts are ours and encode
	}
	return text
}

// pathTexts gives paths as models are shown them.
func pathTexts(paths [][]string) []any {
	var texts []any
	for _, path := range paths[:min(len(paths), maxEnumPaths)] {
		texts = append(texts, satchel.PathText(path))
	}
	return texts
}
