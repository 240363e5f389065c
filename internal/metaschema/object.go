package metaschema

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// Object is a JSON object whose keys keep their order: a model answers in the order of its schema, and the author of a schema has chosen one.
// Values are of the kinds that encoding/json gives, with json.Number for numbers and *Object for objects.
type Object struct {
	keys   []string
	values map[string]any
}

// With sets a key, at the end if it is new, and gives the object. A nil value is left out.
func (o *Object) With(key string, value any) *Object {
	if o == nil {
		o = &Object{}
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

// Get gives the value of a key; nil if there is none. The nil object has none.
func (o *Object) Get(key string) any {
	if o == nil {
		return nil
	}
	return o.values[key]
}

// Child gives the object at a key; nil if it is none.
func (o *Object) Child(key string) *Object {
	inner, _ := o.Get(key).(*Object)
	return inner
}

// Text gives the string at a key; empty if it is none.
func (o *Object) Text(key string) string {
	s, _ := o.Get(key).(string)
	return s
}

// Names gives the keys in their order.
func (o *Object) Names() []string {
	if o == nil {
		return nil
	}
	return o.keys
}

// MarshalJSON writes the keys in their order.
func (o *Object) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, key := range o.keys {
		if i > 0 {
			b = append(b, ',')
		}
		for j, part := range []any{key, o.values[key]} {
			text, err := Encode(part)
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

// Encode is json.Marshal without the escapes that are for HTML.
func Encode(value any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}

var errTooDeep = errors.New("metaschema: JSON nested too deeply")

const maxNesting = 64 // of JSON that is read in order

// ParseOrdered reads one JSON value and keeps the order of keys. Of a key that comes twice the last value counts.
func ParseOrdered(text []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	value, err := orderedValue(decoder, maxNesting)
	if err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("metaschema: something behind the JSON value")
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

func orderedObject(d *json.Decoder, levels int) (*Object, error) {
	o := &Object{values: map[string]any{}}
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

// Unordered gives a tree with maps for objects.
func Unordered(value any) any {
	switch value := value.(type) {
	case *Object:
		m := make(map[string]any, len(value.keys))
		for key, inner := range value.values {
			m[key] = Unordered(inner)
		}
		return m
	case []any:
		items := make([]any, len(value))
		for i, item := range value {
			items[i] = Unordered(item)
		}
		return items
	}
	return value
}
