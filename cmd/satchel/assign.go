package main

import (
	"bytes"
	"encoding/json"
	"strings"
)

// assignment is one of "key=text", "key:=JSON" and "key=", which is an empty text.
type assignment struct {
	key   string
	value json.RawMessage
	isRaw bool // of the form key:=JSON
	empty bool // of the form key=
}

func parseAssignment(arg string) (assignment, error) {
	key, text, found := strings.Cut(arg, "=")
	raw := strings.HasSuffix(key, ":")
	key = strings.TrimSuffix(key, ":")
	if !found || key == "" {
		return assignment{}, usagef("%q is no metadata: write key=text, or key:=JSON for numbers, true, false, null, lists and objects", arg)
	}
	if !raw {
		return assignment{key: key, value: quote(text), empty: text == ""}, nil
	}
	if !json.Valid([]byte(text)) {
		return assignment{}, usagef("%q: what stands behind := is not JSON; %s=%s would be a text", arg, key, text)
	}
	return assignment{key: key, value: json.RawMessage(text), isRaw: true}, nil
}

func parseAssignments(args []string) ([]assignment, error) {
	var all []assignment
	seen := map[string]bool{}
	for _, arg := range args {
		a, err := parseAssignment(arg)
		if err != nil {
			return nil, err
		}
		if seen[a.key] {
			return nil, usagef("the metadata key %q is given twice", a.key)
		}
		seen[a.key] = true
		all = append(all, a)
	}
	return all, nil
}

// quote writes text as a JSON string, without the escapes that HTML would need.
func quote(text string) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // text always encodes
	return bytes.TrimSpace(out.Bytes())
}

// metadataObject joins a JSON object, "" for none, with assignments, which win. It gives nil when there is neither.
func metadataObject(base string, assignments []assignment) (json.RawMessage, error) {
	object := map[string]json.RawMessage{}
	if base != "" && (json.Unmarshal([]byte(base), &object) != nil || object == nil) {
		return nil, usagef("--metadata-json must be a JSON object such as {\"author\": \"hegel\"}, not %s", base)
	}
	switch {
	case len(assignments) > 0:
		for _, a := range assignments {
			object[a.key] = a.value
		}
		return joinObject(object), nil
	case base != "":
		return json.RawMessage(base), nil // as it is: the server also sees a key that stands there twice
	}
	return nil, nil
}

// joinObject writes an object of raw values. Unlike json.Marshal it leaves the values as they are, digit by digit.
func joinObject(object map[string]json.RawMessage) json.RawMessage {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(object) // the values were checked to be JSON
	return bytes.TrimSpace(out.Bytes())
}
