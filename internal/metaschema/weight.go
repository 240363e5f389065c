package metaschema

// weigher counts how often a validator could look at one value. Schemas can be small and yet take forever: each of thirty definitions refers
// to the next one twice.
type weigher struct {
	schema *Schema
	known  map[weighed]int
}

type weighed struct {
	node   *Object
	levels int
}

// weigh gives the parts that apply to a value and to what is in it down to so many levels. What refers to itself without going into the value
// weighs too much; a validator stops at it.
func (w *weigher) weigh(value any, levels int) int {
	node, ok := value.(*Object)
	if !ok || levels == 0 {
		return 1
	}
	if weight, ok := w.known[weighed{node, levels}]; ok {
		return weight
	}
	w.known[weighed{node, levels}] = maxWork + 1 // until it is known: nobody may need it before
	total := 1
	for _, key := range node.keys {
		total = min(total+w.keyword(key, node.values[key], levels), maxWork+1)
	}
	w.known[weighed{node, levels}] = total
	return total
}

func (w *weigher) keyword(key string, value any, levels int) int {
	switch key {
	case "$ref":
		ref, _ := value.(string)
		target, _ := w.schema.Resolve(ref)
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
			total = min(total+w.weigh(item, levels), maxWork+1)
		}
		return total
	case *Object:
		return w.weigh(value, levels)
	}
	return 1
}

// widest weighs properties: a value is only one of them.
func (w *weigher) widest(value any, levels int) int {
	o, _ := value.(*Object)
	most := 0
	for _, key := range o.Names() {
		most = max(most, w.weigh(o.values[key], levels))
	}
	return most
}
