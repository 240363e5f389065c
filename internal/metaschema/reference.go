package metaschema

import (
	"slices"
	"strings"
)

// Resolve follows a reference within the schema; ok is false if it leads elsewhere, or is not written as a path.
func (s *Schema) Resolve(ref string) (target any, ok bool) {
	path, local := strings.CutPrefix(ref, "#")
	if !local || path != "" && path[0] != '/' {
		return nil, false
	}
	target = s.Root
	for _, part := range strings.Split(path, "/")[1:] {
		o, _ := target.(*Object)
		if target = o.Get(strings.NewReplacer("~1", "/", "~0", "~").Replace(part)); target == nil {
			return nil, false
		}
	}
	return target, true
}

// strangeRef finds a reference that Resolve does not follow, or another keyword by which schemas name each other; empty: there is none.
func (s *Schema) strangeRef(value any) string {
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if ref := s.strangeRef(item); ref != "" {
				return ref
			}
		}
	case *Object:
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
func (s *Schema) ownStrangeRef(o *Object) string {
	for _, key := range []string{"$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor", s.idKey()} {
		if ref := o.Text(key); ref != "" && o != s.Root {
			return ref
		}
	}
	if ref := o.Text("$ref"); ref != "" {
		if _, ok := s.Resolve(ref); !ok {
			return ref
		}
	}
	return ""
}

// idKey is the keyword that gives a part of a schema an address of its own.
func (s *Schema) idKey() string {
	if strings.Contains(s.Root.Text("$schema"), "draft-04") {
		return "id"
	}
	return "$id"
}

const maxHops = 16 // references that lead to references

// Node gives the object in which a schema's keywords stand, references followed; nil for what is no object.
func (s *Schema) Node(value any) *Object {
	o, _ := value.(*Object)
	for range maxHops {
		ref := o.Text("$ref")
		if ref == "" {
			return o
		}
		target, _ := s.Resolve(ref)
		o, _ = target.(*Object)
	}
	return nil
}

// Properties gives the schemas of a node's properties in their order, those out of allOf included.
func (s *Schema) Properties(value any) *Object { return s.gather(value, maxHops) }

func (s *Schema) gather(value any, hops int) *Object {
	node, all := s.Node(value), (*Object)(nil)
	if node == nil || hops == 0 {
		return nil
	}
	own := node.Child("properties")
	for _, key := range own.Names() {
		all = all.With(key, own.Get(key))
	}
	parts, _ := node.Get("allOf").([]any)
	for _, part := range parts {
		more := s.gather(part, hops-1)
		for _, key := range more.Names() {
			if all.Get(key) == nil {
				all = all.With(key, more.Get(key))
			}
		}
	}
	return all
}
