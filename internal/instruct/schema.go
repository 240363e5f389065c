package instruct

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/satchel-files/satchel"
)

const (
	maxSchema     = 64 << 10 // bytes
	maxSchemaWork = 20_000   // parts of a schema that apply to one value at the most, on all ways that lead to it
)

// schema is a metadata_schema: it binds the metadata after an edit. The nil schema binds nothing.
type schema struct {
	root     *object
	compiled *jsonschema.Schema
}

// CheckSchema finds out whether a metadata_schema can be used: the error, a satchel.Error, says why not. Beside what JSON Schema demands, it
// refers only to its own parts, by paths, and is not so entangled that checking a value takes long.
func CheckSchema(text string) error {
	_, err := parseSchema(text)
	return err
}

// parseSchema reads a metadata_schema; nil for the empty text. The error is a satchel.Error for the schema's author.
func parseSchema(text string) (*schema, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > maxSchema {
		return nil, badSchema("it has %d bytes; at most %d are read", len(text), maxSchema)
	}
	tree, err := satchel.ParseJSONObject("metadata_schema", []byte(text))
	if err != nil {
		return nil, err
	}
	ordered, err := parseOrdered([]byte(text))
	root, ok := ordered.(*object)
	if err != nil || !ok {
		return nil, badSchema("it is nested too deeply")
	}
	if !calm(tree) {
		return nil, badSchema("a number in it has an exponent beyond %d", maxExponent)
	}
	s := &schema{root: root}
	if ref := s.strangeRef(root); ref != "" {
		return nil, badSchema("it refers to %q; only references of the form #/$defs/name are followed", ref)
	}
	if (&weigher{schema: s, known: map[weighed]int{}}).weigh(root, satchel.MaxMetadataDepth) > maxSchemaWork {
		return nil, badSchema("its references and alternatives multiply beyond use")
	}
	s.compiled, err = compile(tree)
	return s, err
}

func badSchema(format string, args ...any) error {
	return satchel.BodyFault(satchel.CodeInvalidValue, "metadata_schema", nil, "metadata_schema is not a usable JSON Schema: "+format, args...)
}

// calm reports whether the numbers in a tree can be compared: those with enormous exponents would be written out digit by digit.
func calm(value any) bool {
	switch value := value.(type) {
	case json.Number:
		if len(value) > satchel.MaxNumber {
			return false
		}
		_, ok := decimalOf(value)
		return ok
	case []any:
		return !slices.ContainsFunc(value, func(item any) bool { return !calm(item) })
	case map[string]any:
		for _, inner := range value {
			if !calm(inner) {
				return false
			}
		}
	}
	return true
}

const schemaName = "schema:metadata" // the schema's address, in the compiler and in its messages

func compile(tree map[string]any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaName, tree); err != nil {
		return nil, badSchema("%.300s", oneLine(err.Error()))
	}
	compiled, err := compiler.Compile(schemaName)
	if err != nil {
		return nil, badSchema("%.300s", oneLine(err.Error()))
	}
	return compiled, nil
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// noLoader fetches nothing: a schema is complete in itself.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas at other addresses are not fetched")
}

// resolve follows a reference within the schema; ok is false if it leads elsewhere, or is not written as a path.
func (s *schema) resolve(ref string) (target any, ok bool) {
	path, local := strings.CutPrefix(ref, "#")
	if !local || path != "" && path[0] != '/' {
		return nil, false
	}
	target = s.root
	for _, part := range strings.Split(path, "/")[1:] {
		o, _ := target.(*object)
		if target = o.get(strings.NewReplacer("~1", "/", "~0", "~").Replace(part)); target == nil {
			return nil, false
		}
	}
	return target, true
}

// strangeRef finds a reference that resolve does not follow, or another keyword by which schemas name each other; empty: there is none.
func (s *schema) strangeRef(value any) string {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if ref := s.strangeRef(item); ref != "" {
				return ref
			}
		}
	case *object:
		if ref := s.ownStrangeRef(value); ref != "" {
			return ref
		}
		for _, key := range value.keys {
			if slices.Contains([]string{"enum", "const", "default", "examples"}, key) { // values, not schemas
				continue
			}
			if ref := s.strangeRef(value.values[key]); ref != "" {
				return ref
			}
		}
	}
	return ""
}

// ownStrangeRef is strangeRef for an object's own keywords.
func (s *schema) ownStrangeRef(o *object) string {
	for _, key := range []string{"$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", s.idKey()} {
		if ref := o.text(key); ref != "" && o != s.root {
			return ref
		}
	}
	if ref := o.text("$ref"); ref != "" {
		if _, ok := s.resolve(ref); !ok {
			return ref
		}
	}
	return ""
}

// idKey is the keyword that gives a part of a schema an address of its own.
func (s *schema) idKey() string {
	if strings.Contains(s.root.text("$schema"), "draft-04") {
		return "id"
	}
	return "$id"
}

const maxHops = 16 // references that lead to references

// node gives the object in which a schema's keywords stand, references followed; nil for what is no object.
func (s *schema) node(value any) *object {
	o, _ := value.(*object)
	for range maxHops {
		ref := o.text("$ref")
		if ref == "" {
			return o
		}
		target, _ := s.resolve(ref)
		o, _ = target.(*object)
	}
	return nil
}

// properties gives the schemas of a node's properties in their order, those out of allOf included.
func (s *schema) properties(value any) *object { return s.gather(value, maxHops) }

func (s *schema) gather(value any, hops int) *object {
	node, all := s.node(value), (*object)(nil)
	if node == nil || hops == 0 {
		return nil
	}
	own := node.child("properties")
	for _, key := range own.names() {
		all = all.with(key, own.get(key))
	}
	parts, _ := node.get("allOf").([]any)
	for _, part := range parts {
		more := s.gather(part, hops-1)
		for _, key := range more.names() {
			if all.get(key) == nil {
				all = all.with(key, more.get(key))
			}
		}
	}
	return all
}

// weigher counts how often a validator could look at one value. Schemas can be small and yet take forever: each of thirty definitions refers
// to the next one twice.
type weigher struct {
	schema *schema
	known  map[weighed]int
}

type weighed struct {
	node   *object
	levels int
}

// weigh gives the parts that apply to a value and to what is in it down to so many levels. What refers to itself without going into the value
// weighs too much; a validator stops at it.
func (w *weigher) weigh(value any, levels int) int {
	node, ok := value.(*object)
	if !ok || levels == 0 {
		return 1
	}
	if weight, ok := w.known[weighed{node, levels}]; ok {
		return weight
	}
	w.known[weighed{node, levels}] = maxSchemaWork + 1 // until it is known: nobody may need it before
	total := 1
	for _, key := range node.keys {
		total = min(total+w.keyword(key, node.values[key], levels), maxSchemaWork+1)
	}
	w.known[weighed{node, levels}] = total
	return total
}

func (w *weigher) keyword(key string, value any, levels int) int {
	switch key {
	case "$ref":
		ref, _ := value.(string)
		target, _ := w.schema.resolve(ref)
		return w.weigh(target, levels)
	case "not", "if", "then", "else":
		return w.weigh(value, levels)
	case "allOf", "anyOf", "oneOf", "dependentSchemas":
		return w.each(value, levels)
	case "items", "prefixItems", "additionalProperties", "unevaluatedProperties", "unevaluatedItems", "contains", "additionalItems":
		return w.each(value, levels-1)
	case "properties", "patternProperties":
		return w.widest(value, levels-1)
	}
	return 0
}

func (w *weigher) each(value any, levels int) int {
	switch value := value.(type) {
	case []any:
		total := 0
		for _, item := range value {
			total = min(total+w.weigh(item, levels), maxSchemaWork+1)
		}
		return total
	case *object:
		return w.weigh(value, levels)
	}
	return 1
}

// widest weighs properties: a value is only one of them.
func (w *weigher) widest(value any, levels int) int {
	o, _ := value.(*object)
	most := 0
	for _, key := range o.names() {
		most = max(most, w.weigh(o.values[key], levels))
	}
	return most
}

// fault is one thing that is wrong with metadata under a schema.
type fault struct {
	path    []string // to the value; array items by their index
	missing []string // keys that are required there and are not there
	extra   []string // keys that must not be there
	message string   // what is wrong, for people and models, without the path
	limit   bool     // the metadata as a whole is beyond a limit
}

func (f fault) where() string {
	if len(f.path) == 0 {
		return "the metadata"
	}
	return satchel.PathText(f.path)
}

// String says what is wrong where.
func (f fault) String() string { return f.where() + ": " + f.message }

const maxFaults = 20

// check validates metadata. Numbers must be calm.
func (s *schema) check(metadata map[string]any) []fault {
	if s == nil {
		return nil
	}
	failed, ok := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(metadata))
	if !ok {
		return nil
	}
	var faults []fault
	collectFaults(failed, &faults)
	return faults
}

// collectFaults gives the leaves of a validator's error; what failed in all of several alternatives is one fault at the value that has them.
func collectFaults(e *jsonschema.ValidationError, faults *[]fault) {
	if len(*faults) == maxFaults {
		return
	}
	f := fault{path: e.InstanceLocation}
	switch what := e.ErrorKind.(type) {
	case *kind.Required:
		f.missing = slices.Sorted(slices.Values(what.Missing))
	case *kind.AdditionalProperties:
		f.extra = slices.Sorted(slices.Values(what.Properties))
	case *kind.AnyOf, *kind.OneOf:
		f.message = "fits none of the alternatives of the schema"
		*faults = append(*faults, f)
		return
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			collectFaults(cause, faults)
		}
		return
	}
	f.message = oneLine(e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
	*faults = append(*faults, f)
}
