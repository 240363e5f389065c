package instruct

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
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
	schema *metaschema.Schema
	parts  int
	names  map[string]string // of definitions, by the references that lead to them
	defs   *metaschema.Object
}

// typed makes the schema of a type.
func typed(kind string) *metaschema.Object { return (&metaschema.Object{}).With("type", kind) }

// setSchema gives the schema of "set": the properties of the metadata's schema, all of them in their order, or any object. With partial, an
// answer need not have all.
func (d *deriver) setSchema(partial bool) *metaschema.Object {
	if d.schema == nil {
		return freeObject(freeLevels)
	}
	set := d.objectOf(d.schema.Root, partial)
	if set.Get("properties") == nil && d.schema.Root.Get("additionalProperties") == nil {
		return freeObject(freeLevels)
	}
	return set
}

// value derives the schema of one value, which may not be null.
func (d *deriver) value(of any) *metaschema.Object {
	if d.parts++; d.parts > maxParts {
		return free(0)
	}
	node, _ := of.(*metaschema.Object)
	if node == nil {
		return free(freeLevels)
	}
	if ref := node.Text("$ref"); ref != "" {
		return (&metaschema.Object{}).With("$ref", "#/$defs/"+d.define(ref))
	}
	if values, ok := node.Get("enum").([]any); ok {
		return enum(values)
	}
	if value := node.Get("const"); value != nil {
		return enum([]any{value})
	}
	for _, key := range []string{"anyOf", "oneOf"} {
		if parts, ok := node.Get(key).([]any); ok {
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
	target, _ := d.schema.Resolve(ref)
	made := d.value(target)
	d.defs = d.defs.With(name, made)
	return name
}

func enum(values []any) *metaschema.Object {
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
	return (&metaschema.Object{}).With("enum", scalars)
}

func (d *deriver) alternatives(parts []any) *metaschema.Object {
	var all []any
	for _, part := range parts {
		if node, _ := part.(*metaschema.Object); node.Text("type") != "null" {
			all = append(all, d.value(part))
		}
	}
	switch len(all) {
	case 0:
		return free(0)
	case 1:
		one, _ := all[0].(*metaschema.Object)
		return one
	}
	return (&metaschema.Object{}).With("anyOf", all)
}

// byType derives a schema that says, or lets guess, of which types its values are.
func (d *deriver) byType(node *metaschema.Object) *metaschema.Object {
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
		one, _ := all[0].(*metaschema.Object)
		return one
	}
	return (&metaschema.Object{}).With("anyOf", all)
}

// typesOf gives the types that a schema names, or those that its keywords are about.
func typesOf(node *metaschema.Object) []string {
	switch kind := node.Get("type").(type) {
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
		if slices.ContainsFunc(group[1:], func(key string) bool { return node.Get(key) != nil }) {
			return group[:1]
		}
	}
	return nil
}

func stringSchema(node *metaschema.Object) *metaschema.Object {
	s := typed("string")
	switch node.Text("format") {
	case "date", "time", "date-time": // forced into that form, a small model that begins to copy 01.05.2026 goes on with 0105-02-06; we convert
		return s.With("maxLength", maxDate)
	case "uuid":
		return s.With("format", "uuid")
	}
	if pattern, ok := plainPattern(node.Text("pattern")); ok {
		return s.With("pattern", pattern)
	}
	return s.With("maxLength", clamp(node.Get("maxLength"), maxString))
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

func numberSchema(kind string, node *metaschema.Object) *metaschema.Object {
	s := typed(kind)
	for _, key := range []string{"minimum", "maximum"} {
		if n, ok := node.Get(key).(json.Number); ok {
			s.With(key, n)
		}
	}
	return s
}

func (d *deriver) arrayOf(node *metaschema.Object) *metaschema.Object {
	items := free(1)
	if node.Get("items") != nil {
		items = d.value(node.Get("items"))
	}
	return typed("array").With("items", items).With("maxItems", clamp(node.Get("maxItems"), maxItems))
}

// objectOf derives an object: its properties may be null, and all stand in the answer, so that none is forgotten, unless it is partial.
func (d *deriver) objectOf(node *metaschema.Object, partial bool) *metaschema.Object {
	properties := d.schema.Properties(node)
	if len(properties.Names()) == 0 {
		return typed("object").With("additionalProperties", d.additional(node))
	}
	made := &metaschema.Object{}
	for _, key := range properties.Names() {
		if of, isBool := properties.Get(key).(bool); !isBool || of {
			made.With(key, nullable(d.value(properties.Get(key))))
		}
	}
	s := typed("object").With("properties", made)
	if !partial {
		s.With("required", made.Names())
	}
	return s.With("additionalProperties", false)
}

func (d *deriver) additional(node *metaschema.Object) any {
	if more := node.Child("additionalProperties"); more != nil {
		return nullable(d.value(more))
	}
	return free(1)
}

// nullable lets a value be null.
func nullable(s *metaschema.Object) *metaschema.Object {
	if values, ok := s.Get("enum").([]any); ok {
		return (&metaschema.Object{}).With("enum", append(slices.Clone(values), null{}))
	}
	if kind := s.Text("type"); kind != "" && kind != "object" && kind != "array" {
		return s.With("type", []string{kind, "null"})
	}
	if parts, ok := s.Get("anyOf").([]any); ok {
		return (&metaschema.Object{}).With("anyOf", append(slices.Clone(parts), typed("null")))
	}
	return (&metaschema.Object{}).With("anyOf", []any{s, typed("null")})
}

// null is a JSON null among values in which nil means that there is nothing.
type null struct{}

// MarshalJSON writes null.
func (null) MarshalJSON() ([]byte, error) { return []byte("null"), nil }

// free gives the schema of any value that is not nested deeper than so many levels.
func free(levels int) *metaschema.Object {
	all := []any{typed("string").With("maxLength", maxString), typed("number"), typed("boolean"), typed("null")}
	if levels > 0 {
		all = append(all, typed("array").With("items", free(levels-1)).With("maxItems", maxItems), freeObject(levels))
	}
	return (&metaschema.Object{}).With("anyOf", all)
}

func freeObject(levels int) *metaschema.Object {
	return typed("object").With("additionalProperties", free(levels-1))
}

// answerSchema gives the schema of a whole answer. What the licence does not allow is not offered.
func answerSchema(s *metaschema.Schema, may licence, ask, partial bool) json.RawMessage {
	d := &deriver{schema: s}
	properties := &metaschema.Object{}
	if ask {
		properties.With("needs_document", typed("boolean"))
	}
	properties.With("set", d.setSchema(partial))
	if names := pathTexts(may.rename); len(names) > 0 {
		move := typed("object").
			With("properties", (&metaschema.Object{}).With("from", enum(names)).With("to", typed("string").With("maxLength", satchel.MaxMetadataKey))).
			With("required", []string{"from", "to"}).With("additionalProperties", false)
		list := typed("array").With("items", move).With("maxItems", len(names))
		if may.must {
			list.With("minItems", 1)
		}
		properties.With("rename", list)
	}
	if names := pathTexts(may.remove); len(names) > 0 {
		properties.With("remove", typed("array").With("items", enum(names)).With("maxItems", len(names)))
	}
	whole := typed("object").With("properties", properties).With("required", properties.Names()).With("additionalProperties", false)
	if d.defs != nil {
		whole.With("$defs", d.defs)
	}
	text, err := metaschema.Encode(whole)
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
