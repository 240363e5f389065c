package instruct

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// object is a JSON object whose keys keep their order: a model answers in the order of its schema, and the author of a schema has chosen one.
// Values are of the kinds that encoding/json gives, with json.Number for numbers and *object for objects.
type object struct {
	keys   []string
	values map[string]any
}

// with sets a key, at the end if it is new, and gives the object. A nil value is left out.
func (o *object) with(key string, value any) *object {
	if o == nil {
		o = &object{}
	}
	if value == nil {
		return o
	}
	if o.values == nil {
		o.values = map[string]any{}
	}
	if _, ok := o.values[key]; !ok {
		o.keys = append(o.keys, key)
	}
	o.values[key] = value
	return o
}

// get gives the value of a key; nil if there is none. The nil object has none.
func (o *object) get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

// child gives the object at a key; nil if it is none.
func (o *object) child(key string) *object {
	inner, _ := o.get(key).(*object)
	return inner
}

// text gives the string at a key; empty if it is none.
func (o *object) text(key string) string {
	s, _ := o.get(key).(string)
	return s
}

// names gives the keys in their order.
func (o *object) names() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

// MarshalJSON writes the keys in their order.
func (o *object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, key := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		for j, part := range []any{key, o.values[key]} {
			text, err := encode(part)
			if err != nil {
				return nil, err
			}
			if j > 0 {
				b = append(b, ':')
			}
			b = append(b, text...)
		}
	}
	return append(b, '}'), nil
}

// encode is json.Marshal without the escapes that are for HTML.
func encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

var errTooDeep = errors.New("instruct: JSON nested too deeply")

const maxNesting = 64 // of JSON that is read in order

// parseOrdered reads one JSON value and keeps the order of keys. Of a key that comes twice the last value counts.
func parseOrdered(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := orderedValue(decoder, maxNesting)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("instruct: something behind the JSON value")
	}
	return value, nil
}

func orderedValue(d *json.Decoder, levels int) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	if levels == 0 {
		return nil, errTooDeep
	}
	switch token {
	case json.Delim('{'):
		return orderedObject(d, levels-1)
	case json.Delim('['):
		items := []any{}
		for d.More() {
			item, err := orderedValue(d, levels-1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err = d.Token()
		return items, err
	}
	return token, nil
}

func orderedObject(d *json.Decoder, levels int) (*object, error) {
	o := &object{values: map[string]any{}}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		value, err := orderedValue(d, levels)
		if err != nil {
			return nil, err
		}
		name, _ := key.(string)
		if _, twice := o.values[name]; !twice {
			o.keys = append(o.keys, name)
		}
		o.values[name] = value
	}
	_, err := d.Token()
	return o, err
}

// unordered gives a tree with maps for objects.
func unordered(value any) any {
	switch value := value.(type) {
	case *object:
		m := make(map[string]any, len(value.keys))
		for key, inner := range value.values {
			m[key] = unordered(inner)
		}
		return m
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = unordered(item)
		}
		return items
	}
	return value
}
