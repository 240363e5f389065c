package metaschema

import (
	"errors"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/satchel-files/satchel"
)

// Fault is one thing that is wrong with metadata under a schema.
type Fault struct {
	Path    []string // to the value; array items by their index
	Missing []string // keys that are required there and are not there
	Extra   []string // keys that must not be there
	Message string   // what is wrong, for people and models, without the path
}

func (f Fault) where() string {
	if len(f.Path) == 0 {
		return "the metadata"
	}
	return satchel.PathText(f.Path)
}

// String says what is wrong where.
func (f Fault) String() string { return f.where() + ": " + f.Message }

const maxFaults = 20

// Validate finds what is wrong with metadata, at most maxFaults things. Numbers must be Calm.
func (s *Schema) Validate(metadata map[string]any) []Fault {
	if s == nil {
		return nil
	}
	failed, ok := errors.AsType[*jsonschema.ValidationError](s.compiled.Validate(metadata))
	if !ok {
		return nil
	}
	var faults []Fault
	collectFaults(failed, &faults)
	return faults
}

// collectFaults gives the leaves of a validator's error; what failed in all of several alternatives is one fault at the value that has them.
func collectFaults(e *jsonschema.ValidationError, faults *[]Fault) {
	if len(*faults) == maxFaults {
		return
	}
	f := Fault{Path: e.InstanceLocation}
	switch what := e.ErrorKind.(type) {
	case *kind.Required:
		f.Missing = slices.Sorted(slices.Values(what.Missing))
	case *kind.AdditionalProperties:
		f.Extra = slices.Sorted(slices.Values(what.Properties))
	case *kind.AnyOf, *kind.OneOf:
		f.Message = "fits none of the alternatives of the schema"
		*faults = append(*faults, f)
		return
	}
	if len(e.Causes) > 0 {
		for _, cause := range e.Causes {
			collectFaults(cause, faults)
		}
		return
	}
	f.Message = oneLine(e.ErrorKind.LocalizedString(message.NewPrinter(language.English)))
	*faults = append(*faults, f)
}
