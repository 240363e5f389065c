// Package metaschema reads a metadata_schema: a JSON Schema that the metadata of a file must fit, given with the file. Schemas come from
// anybody, so they are taken only within limits: complete in themselves, of bounded size, and quick to check a value by.
package metaschema

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/satchel-files/satchel"
)

const (
	// MaxBytes bounds a schema.
	MaxBytes = 64 << 10
	// MaxExponent bounds the exponents of numbers in schemas and in values that are checked, up and down.
	MaxExponent = 64

	maxWork = 20_000 // parts of a schema that apply to one value at the most, on all ways that lead to it
)

const field = "metadata_schema" // as requests call it

// Schema is a metadata_schema. The nil schema binds nothing.
type Schema struct {
	Root *Object // the schema itself, its keys in the author's order

	compiled *jsonschema.Schema
}

// Parse reads a metadata_schema, of JSON Schema 2020-12 unless it says otherwise; blank text is the nil schema. It must be of an object, refer
// only to its own parts, by paths (#/$defs/name), and not be so entangled that checking a value takes long. The error is a satchel.Error for the
// schema's author: CodeTooLong beyond MaxBytes, those of satchel.ParseJSONObject for what is no JSON object, or CodeInvalidValue with what makes
// it unusable.
func Parse(text string) (*Schema, error) {
	if strings.TrimSpace(text) == "" {
		return nil, nil
	}
	if len(text) > MaxBytes {
		return nil, satchel.BodyFault(satchel.CodeTooLong, field, nil, "%s must be at most %d bytes; it has %d", field, MaxBytes, len(text))
	}
	tree, err := satchel.ParseJSONObject(field, []byte(text))
	if err != nil {
		return nil, err
	}
	if kind, ok := tree["type"]; ok && kind != "object" {
		return nil, bad(`metadata are an object, so its type must be "object"`)
	}
	ordered, err := ParseOrdered([]byte(text))
	root, ok := ordered.(*Object)
	if err != nil || !ok {
		return nil, bad("it is nested too deeply")
	}
	if !Calm(tree) {
		return nil, bad("a number in it has an exponent beyond %d", MaxExponent)
	}
	s := &Schema{Root: root}
	if ref := s.strangeRef(root); ref != "" {
		return nil, bad("it refers to %q; only references of the form #/$defs/name are followed", ref)
	}
	if (&weigher{schema: s, known: map[weighed]int{}}).weigh(root, satchel.MaxMetadataDepth) > maxWork {
		return nil, bad("its references and alternatives multiply beyond use")
	}
	s.compiled, err = compile(tree)
	return s, err
}

func bad(format string, args ...any) error {
	return satchel.BodyFault(satchel.CodeInvalidValue, field, nil, field+" is not a usable JSON Schema: "+format, args...)
}

// Calm reports whether the numbers in a tree can be compared: those with enormous exponents would be written out digit by digit.
func Calm(value any) bool {
	switch value := value.(type) {
	case json.Number:
		return calmNumber(string(value))
	case []any:
		return !slices.ContainsFunc(value, func(item any) bool { return !Calm(item) })
	case map[string]any:
		for _, inner := range value {
			if !Calm(inner) {
				return false
			}
		}
	}
	return true
}

func calmNumber(text string) bool {
	if len(text) > satchel.MaxNumber {
		return false
	}
	i := strings.IndexAny(text, "eE")
	if i < 0 {
		return true
	}
	exponent, err := strconv.Atoi(text[i+1:])
	return err == nil && -MaxExponent <= exponent && exponent <= MaxExponent
}

const schemaName = "schema:metadata" // the schema's address, in the compiler and in its messages

func compile(tree map[string]any) (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	compiler.AssertFormat()
	if err := compiler.AddResource(schemaName, tree); err != nil {
		return nil, bad("%.300s", oneLine(err.Error()))
	}
	compiled, err := compiler.Compile(schemaName)
	if wrong, ok := errors.AsType[*jsonschema.SchemaValidationError](err); ok {
		return nil, badParts(wrong.Err)
	}
	if err != nil {
		return nil, bad("%.300s", oneLine(err.Error()))
	}
	return compiled, nil
}

// badParts says what of a schema breaks the rules for schemas, and where.
func badParts(err error) error {
	failed, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return bad("%.300s", oneLine(err.Error()))
	}
	var faults []Fault
	collectFaults(failed, &faults)
	var all satchel.Faults
	for _, f := range faults {
		all.AddNew(satchel.BodyFault(satchel.CodeInvalidValue, field, f.Path, "%s is not a usable JSON Schema: at /%s: %s", field, strings.Join(f.Path, "/"), f.Message))
	}
	return all.Err()
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// noLoader fetches nothing: a schema is complete in itself.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas at other addresses are not fetched")
}
