package satchel

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// The limits of metadata, for the object that is stored and for each one that is sent.
const (
	MaxMetadata       = 64 << 10 // bytes of JSON text
	MaxMetadataDepth  = 8        // levels; the object itself is the first
	MaxMetadataLeaves = 1000     // scalars, and arrays and objects without content
	MaxMetadataKey    = 128      // bytes of a key
	MaxNumber         = 64       // characters of a number
)

// Metadata is a JSON object in canonical form: keys sorted, no spaces, numbers digit by digit as they were sent. The zero value
// is the empty object. Make one with ParseMetadata or from another; the limits then hold.
type Metadata struct{ text string }

// ParseMetadata reads a JSON object. The error, a Faults, names every key at fault; text that is not JSON is CodeMalformedJSON.
func ParseMetadata(text []byte) (Metadata, error) {
	patch, err := ParsePatch(text)
	if err != nil {
		return Metadata{}, err
	}
	return patch.Metadata()
}

// NewMetadata makes metadata of an object whose values are of the kinds that JSON has: nil, bool, string, json.Number,
// []any and map[string]any.
func NewMetadata(object map[string]any) (Metadata, error) {
	text, err := checkObject(object)
	if err != nil {
		return Metadata{}, err
	}
	return StoredMetadata(text), nil
}

// StoredMetadata trusts text to be what String gave before. It is for stores.
func StoredMetadata(text string) Metadata {
	if text == "{}" {
		text = ""
	}
	return Metadata{text}
}

// String is the canonical JSON text, at least "{}".
func (m Metadata) String() string {
	if m.text == "" {
		return "{}"
	}
	return m.text
}

// MarshalJSON gives the canonical text.
func (m Metadata) MarshalJSON() ([]byte, error) { return []byte(m.String()), nil }

// Object gives the metadata as a tree of its own: changing it does not change m. Numbers are json.Number.
func (m Metadata) Object() map[string]any {
	object := map[string]any{}
	decoder := json.NewDecoder(strings.NewReader(m.String()))
	decoder.UseNumber()
	_ = decoder.Decode(&object) // canonical text always decodes
	return object
}

// Patch is a JSON merge patch (RFC 7396): a key with null removes, objects are merged, everything else replaces.
type Patch struct{ object map[string]any }

// ParsePatch reads a merge patch under the limits of metadata. The error is as for ParseMetadata.
func ParsePatch(text []byte) (Patch, error) {
	object, err := parseObject(text)
	return Patch{object}, err
}

// Take removes a top-level key and gives its value; ok is false when the patch does not name it.
func (p Patch) Take(key string) (value any, ok bool) {
	value, ok = p.object[key]
	delete(p.object, key)
	return value, ok
}

// Keys gives the top-level keys that the patch names, sorted.
func (p Patch) Keys() []string { return slices.Sorted(maps.Keys(p.object)) }

// String is the patch as canonical JSON text.
func (p Patch) String() string { return string(appendCanonical(nil, p.object)) }

// Conditions reads the patch as a filter: for every key, the value that the metadata must hold.
func (p Patch) Conditions() []Condition {
	var all []Condition
	for _, key := range slices.Sorted(maps.Keys(p.object)) {
		all = append(all, Condition{Path: []string{key}, Value: p.object[key]})
	}
	return all
}

// Metadata is what the patch makes when it replaces everything; a null in it is then a value like any other.
func (p Patch) Metadata() (Metadata, error) { return NewMetadata(p.object) }

// Merge gives m after the patch. The result must keep the limits too.
func (m Metadata) Merge(p Patch) (Metadata, error) {
	return NewMetadata(merge(m.Object(), p.object))
}

func merge(target, patch map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for key, value := range patch {
		switch value := value.(type) {
		case nil:
			delete(target, key)
		case map[string]any:
			inner, _ := target[key].(map[string]any)
			target[key] = merge(inner, value)
		default:
			target[key] = value
		}
	}
	return target
}

// parseObject reads one JSON object under the rules for metadata. It gives the object beside the faults that are in it.
func parseObject(text []byte) (map[string]any, error) {
	if len(text) > 4*MaxMetadata { // white space and escapes may make the text longer than what it means
		return nil, BodyFault(CodeTooLong, "metadata", nil, "metadata must be at most %d bytes of JSON; %d bytes were sent", MaxMetadata, len(text))
	}
	object, err := ParseJSONObject("metadata", text)
	if err != nil {
		return nil, err
	}
	_, err = checkObject(object)
	return object, err
}

// checkObject finds everything that is wrong with metadata, and gives its canonical text.
func checkObject(object map[string]any) (text string, err error) {
	var faults Faults
	faults.Add(checkTree(object))
	text = string(appendCanonical(nil, object))
	if len(text) > MaxMetadata {
		faults.Add(BodyFault(CodeTooLong, "metadata", nil, "metadata must be at most %d bytes of JSON; it has %d", MaxMetadata, len(text)))
	}
	return text, faults.Err()
}

// ParseJSONObject reads exactly one JSON object; name is what messages call it. Numbers are json.Number. Unlike json.Unmarshal it
// refuses what would be changed silently: invalid UTF-8, halves of surrogate pairs, and a key that comes twice. Text that is not JSON is
// CodeMalformedJSON, another kind of value CodeInvalidType, and one nested beyond all use CodeTooDeep.
func ParseJSONObject(name string, text []byte) (map[string]any, error) {
	if !utf8.Valid(text) {
		return nil, BodyFault(CodeMalformedJSON, name, nil, "%s is not valid UTF-8", name)
	}
	if !json.Valid(text) {
		return nil, invalidJSON(name, text)
	}
	if hasLoneSurrogate(text) {
		return nil, BodyFault(CodeMalformedJSON, name, nil, "%s has half of a surrogate pair (\\ud800 to \\udfff), which is no character", name)
	}
	reader := treeReader{name: name, Decoder: json.NewDecoder(bytes.NewReader(text))}
	reader.UseNumber()
	value, err := reader.value(nil)
	if err != nil {
		return nil, err
	}
	object, ok := value.(map[string]any)
	if !ok {
		return nil, BodyFault(CodeInvalidType, name, nil, "%s must be a JSON object, not %s", name, kindOf(value))
	}
	return object, nil
}

// maxJSONDepth is how many levels are read at all. It is far below what encoding/json refuses.
const maxJSONDepth = 100

// invalidJSON says why text is not accepted as JSON: it is none, or nested so deeply that encoding/json gives up.
func invalidJSON(name string, text []byte) error {
	reader := treeReader{name: name, Decoder: json.NewDecoder(bytes.NewReader(text))}
	if _, err := reader.value(nil); CodeOf(err) == CodeTooDeep {
		return err
	}
	return malformedJSON(name, text)
}

func malformedJSON(name string, text []byte) error {
	var discard any
	err := json.Unmarshal(text, &discard)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		return BodyFault(CodeMalformedJSON, name, nil, "%s is not JSON: %s at byte %d", name, syntax.Error(), syntax.Offset)
	}
	return BodyFault(CodeMalformedJSON, name, nil, "%s is not JSON", name)
}

// treeReader reads valid JSON, value by value; path leads to each, for the message about a key that comes twice. Paths share their
// memory: copies would make deep nesting cost the square of its depth.
type treeReader struct {
	*json.Decoder
	name string
}

// tooDeep names the level that metadata may have, or that of any other object.
func (r treeReader) tooDeep(path []string) error {
	levels := maxJSONDepth
	if r.name == "metadata" {
		levels = MaxMetadataDepth
	}
	return BodyFault(CodeTooDeep, r.name, path, "%s may be %d levels deep; %q goes deeper", r.name, levels, dotted(path))
}

func (r treeReader) value(path []string) (any, error) {
	if len(path) > maxJSONDepth {
		return nil, r.tooDeep(slices.Clone(path[:MaxMetadataDepth]))
	}
	token, err := r.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return r.object(path)
	case json.Delim('['):
		return r.array(path)
	}
	return token, nil
}

func (r treeReader) object(path []string) (any, error) {
	object := map[string]any{}
	for r.More() {
		token, err := r.Token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		inner := append(path, key)
		if _, twice := object[key]; twice {
			return nil, BodyFault(CodeDuplicate, r.name, slices.Clone(inner), "%s has the key %q twice", r.name, dotted(inner))
		}
		if object[key], err = r.value(inner); err != nil {
			return nil, err
		}
	}
	_, err := r.Token()
	return object, err
}

func (r treeReader) array(path []string) (any, error) {
	array := []any{}
	for r.More() {
		value, err := r.value(append(path, strconv.Itoa(len(array))))
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	_, err := r.Token()
	return array, err
}

// hasLoneSurrogate looks for \u escapes in valid JSON that are one half of a pair without the other.
func hasLoneSurrogate(text []byte) bool {
	for i := 0; i < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		unit := escapedUnit(text[i+1:])
		i += 4
		switch {
		case unit >= 0xDC00 && unit <= 0xDFFF:
			return true
		case unit >= 0xD800 && unit <= 0xDBFF:
			if !bytes.HasPrefix(text[i+1:], []byte(`\u`)) {
				return true
			}
			if low := escapedUnit(text[i+3:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

func escapedUnit(text []byte) uint64 {
	unit, _ := strconv.ParseUint(string(text[:4]), 16, 32)
	return unit
}

// treeCheck walks a tree of JSON values and collects what breaks the rules for metadata.
type treeCheck struct {
	faults Faults
	leaves int
}

const maxTreeFaults = 20 // a hostile tree could have thousands; more help nobody

func checkTree(object map[string]any) error {
	var c treeCheck
	c.object(object, nil)
	if c.leaves > MaxMetadataLeaves {
		c.fault(CodeTooMany, nil, "metadata must have at most %d values; it has %d", MaxMetadataLeaves, c.leaves)
	}
	return c.faults.Err()
}

func (c *treeCheck) fault(code Code, path []string, format string, args ...any) {
	if len(c.faults) < maxTreeFaults {
		c.faults = append(c.faults, BodyFault(code, "metadata", slices.Clone(path), format, args...))
	}
}

func (c *treeCheck) object(object map[string]any, path []string) {
	if len(path)+1 > MaxMetadataDepth {
		c.fault(CodeTooDeep, path, "metadata may be %d levels deep; %q goes deeper", MaxMetadataDepth, dotted(path))
		return
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		inner := append(path[:len(path):len(path)], key)
		c.key(key, inner)
		c.value(object[key], inner)
	}
}

func (c *treeCheck) key(key string, path []string) {
	switch {
	case key == "":
		c.fault(CodeInvalidValue, path, "metadata has an empty key; a key has 1 to %d bytes", MaxMetadataKey)
	case len(key) > MaxMetadataKey:
		c.fault(CodeTooLong, path, "the metadata key %q has %d bytes; a key has 1 to %d", dotted(path), len(key), MaxMetadataKey)
	case strings.ContainsFunc(key, isControl):
		c.fault(CodeInvalidValue, path, "the metadata key %q has a control character", dotted(path))
	case !utf8.ValidString(key):
		c.fault(CodeInvalidValue, path, "the metadata key %q is not valid UTF-8", dotted(path))
	}
}

func (c *treeCheck) value(value any, path []string) {
	switch value := value.(type) {
	case map[string]any:
		if len(value) == 0 {
			c.leaves++
		}
		c.object(value, path)
	case []any:
		c.array(value, path)
	case string:
		c.leaves++
		if strings.ContainsRune(value, 0) {
			c.fault(CodeInvalidValue, path, "the metadata value of %q has a NUL character", dotted(path))
		} else if !utf8.ValidString(value) {
			c.fault(CodeInvalidValue, path, "the metadata value of %q is not valid UTF-8", dotted(path))
		}
	case json.Number:
		c.leaves++
		if len(value) > MaxNumber {
			c.fault(CodeTooLong, path, "the number at %q has %d characters; at most %d are kept", dotted(path), len(value), MaxNumber)
		}
	default:
		c.leaves++
	}
}

func (c *treeCheck) array(array []any, path []string) {
	if len(path)+1 > MaxMetadataDepth {
		c.fault(CodeTooDeep, path, "metadata may be %d levels deep; %q goes deeper", MaxMetadataDepth, dotted(path))
		return
	}
	if len(array) == 0 {
		c.leaves++
	}
	for i, value := range array {
		c.value(value, append(path[:len(path):len(path)], strconv.Itoa(i)))
	}
}

// isControl reports C0, DEL and C1 control characters, which no key or file name may have.
func isControl(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }

func dotted(path []string) string { return strings.Join(path, ".") }

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "a boolean"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case []any:
		return "an array"
	}
	return "an object"
}

// appendCanonical writes value as JSON with sorted keys and without spaces. Unlike json.Marshal it does not escape < > and &,
// and it leaves numbers as they are.
func appendCanonical(b []byte, value any) []byte {
	switch value := value.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range slices.Sorted(maps.Keys(value)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, key), ':')
			b = appendCanonical(b, value[key])
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range value {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendCanonical(b, item)
		}
		return append(b, ']')
	case string:
		return appendString(b, value)
	case json.Number:
		return append(b, value...)
	case bool:
		return strconv.AppendBool(b, value)
	}
	return append(b, "null"...)
}

func appendString(b []byte, s string) []byte {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(s) // a string always encodes
	return append(b, bytes.TrimSuffix(out.Bytes(), []byte("\n"))...)
}

// NewPatch makes a patch of an object whose values are of the kinds that NewMetadata takes.
func NewPatch(object map[string]any) (Patch, error) {
	_, err := checkObject(object)
	return Patch{object}, err
}
