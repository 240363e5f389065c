package instruct

import (
	"maps"
	"slices"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
)

// fault is one thing that is wrong with the metadata after an edit.
type fault struct {
	metaschema.Fault
	limit bool // the metadata as a whole is beyond a limit
}

// review finds what is wrong with the metadata after an edit, and was not wrong before it.
func (e *editor) review(edit satchel.Edit) []fault {
	after, err := e.task.Metadata.Apply(edit)
	if err != nil {
		return limitFaults(err)
	}
	instance := after.Object()
	var faults []fault
	for _, key := range slices.Sorted(maps.Keys(instance)) {
		if metaschema.Calm(instance[key]) {
			continue
		}
		if edit.Set[key] != nil && !metaschema.Calm(edit.Set[key]) {
			faults = append(faults, fault{Fault: metaschema.Fault{Path: []string{key}, Message: "a number in it has an exponent beyond use"}})
		}
		delete(instance, key)
	}
	before := e.schema.Validate(calmOnly(e.base))
	for _, wrong := range e.schema.Validate(instance) {
		if f, isNew := (fault{Fault: wrong}).since(before); isNew && !e.onlyMissing(f, edit) {
			faults = append(faults, f)
		}
	}
	return faults
}

// since gives what is new of a fault; false: nothing is.
func (f fault) since(before []metaschema.Fault) (fault, bool) {
	for _, old := range before {
		if !slices.Equal(f.Path, old.Path) {
			continue
		}
		switch {
		case len(f.Extra) > 0:
			f.Extra = slices.DeleteFunc(slices.Clone(f.Extra), func(key string) bool { return slices.Contains(old.Extra, key) })
			if len(f.Extra) == 0 {
				return f, false
			}
		case f.same(old):
			return f, false
		}
	}
	return f, true
}

func calmOnly(object map[string]any) map[string]any {
	all := maps.Clone(object)
	maps.DeleteFunc(all, func(_ string, value any) bool { return !metaschema.Calm(value) })
	return all
}

func (f fault) same(other metaschema.Fault) bool {
	return slices.Equal(f.Path, other.Path) && f.Message == other.Message
}

// onlyMissing reports that keys are required which nobody has taken away: they were not found, which is no fault of the edit.
func (e *editor) onlyMissing(f fault, edit satchel.Edit) bool {
	if len(f.Missing) == 0 || len(f.Path) > 0 {
		return false
	}
	return !slices.ContainsFunc(f.Missing, func(key string) bool { return takesAway(edit, key) })
}

// takesAway reports whether an edit removes or renames a top-level key.
func takesAway(edit satchel.Edit, key string) bool {
	path := []string{key}
	return contains(edit.Remove, path) || moved(edit, path)
}

// limitFaults reads the errors of satchel.Metadata.Apply.
func limitFaults(err error) []fault {
	var faults satchel.Faults
	faults.Add(err)
	var found []fault
	for _, f := range faults {
		found = append(found, fault{Fault: metaschema.Fault{Path: f.Path, Message: f.Message}, limit: len(f.Path) == 0})
	}
	return found
}
