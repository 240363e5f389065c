package files

import (
	"errors"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/satchel-files/satchel"
)

// maxSchema bounds a metadata_schema, in bytes.
const maxSchema = 64 << 10

// checkSchema finds what is wrong with a metadata_schema: it must be a JSON Schema (2020-12 unless it says otherwise) of an object, complete in
// itself.
func checkSchema(text string) error {
	if len(text) > maxSchema {
		return satchel.BodyFault(satchel.CodeTooLong, "metadata_schema", nil, "metadata_schema must be at most %d bytes; it has %d", maxSchema, len(text))
	}
	if blank(text) {
		return nil
	}
	if _, err := satchel.ParseJSONObject("metadata_schema", []byte(text)); err != nil {
		return AsField(err)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		return badSchema(err.Error())
	}
	if kind, ok := document.(map[string]any)["type"]; ok && kind != "object" {
		return badSchema(`metadata are an object, so its type must be "object"`)
	}
	return compile(document)
}

// schemaName stands for the schema in the compiler, which knows documents by their addresses.
const schemaName = "metadata-schema.json"

func compile(document any) error {
	compiler := jsonschema.NewCompiler()
	compiler.UseLoader(noLoader{})
	if err := compiler.AddResource(schemaName, document); err != nil {
		return badSchema(err.Error())
	}
	if _, err := compiler.Compile(schemaName); err != nil {
		return badSchema(err.Error())
	}
	return nil
}

func badSchema(why string) error {
	return satchel.BodyFault(satchel.CodeInvalidValue, "metadata_schema", nil, "metadata_schema is not a usable JSON Schema: %.500s", strings.ReplaceAll(why, "\n", " "))
}

// noLoader fetches nothing: a schema must not make the server read files or call others.
type noLoader struct{}

// Load implements jsonschema.URLLoader.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("references to other documents are not followed")
}
