package httpapi

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// parseQuery reads the query string and finds what is wrong with it as a whole: broken encoding, a parameter given twice, and, for a client that wants
// strictness, an unknown one.
func (c *call) parseQuery() {
	var err error
	c.query, err = url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		c.faults.Add(&satchel.Error{Code: satchel.CodeMalformedRequest, Message: "the query string is malformed: " + err.Error(), In: satchel.InQuery})
		return
	}
	for _, name := range sortedKeys(c.query) {
		switch values := c.query[name]; {
		case !c.route.declares(name):
			c.unknown(satchel.InQuery, name)
		case len(values) > 1 && !strings.HasSuffix(name, "[]"):
			c.queryFault(satchel.CodeDuplicate, name, "%s is given %d times; give it once", name, len(values))
		case !utf8.ValidString(values[0]) || strings.ContainsRune(values[0], 0):
			c.queryFault(satchel.CodeInvalidValue, name, "%s must be valid UTF-8 without NUL", name)
			delete(c.query, name) // what is no text need not be found to be no number, too
		}
	}
}

func sortedKeys(values url.Values) []string {
	keys := make([]string, 0, len(values))
	for key := range values {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// unknown notes a name that the operation does not have: a fault for a strict client, else something to mention.
func (c *call) unknown(in, name string) {
	if !c.prefer.strict {
		c.ignored = append(c.ignored, name)
		return
	}
	c.faults.Add(&satchel.Error{Code: satchel.CodeUnknownParameter, Message: "this operation has no parameter or field " + strconv.Quote(name), In: in, Param: name})
}

func (c *call) queryFault(code satchel.Code, name, format string, args ...any) {
	base, path, ok := bracketed(name)
	if !ok {
		base, path = name, nil
	}
	fault := satchel.BodyFault(code, base, path, format, args...)
	fault.In = satchel.InQuery
	c.faults.Add(fault)
}

// absent reports whether a form field or query parameter counts as not given: clients send None as an empty value, or as null.
func absent(value string) bool { return strings.TrimSpace(value) == "" || value == "null" }

// text gives a query parameter, "" when it is absent.
func (c *call) text(name string) string {
	if value := c.query.Get(name); !absent(value) {
		return value
	}
	return ""
}

// integer gives a query parameter within bounds, or def when it is absent.
func (c *call) integer(name string, least, most, def int) int {
	text := c.text(name)
	if text == "" {
		return def
	}
	if !isInteger(text) {
		c.queryFault(satchel.CodeInvalidType, name, "%s must be an integer between %d and %d, not %.64q", name, least, most, text)
		return def
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		c.queryFault(satchel.CodeOutOfRange, name, "%s must be between %d and %d", name, least, most)
		return def
	}
	return n
}

func isInteger(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	return digits != "" && strings.Trim(digits, "0123456789") == ""
}

// oneOf gives a query parameter that must be one of a few words, or def when it is absent.
func (c *call) oneOf(name, def string, words ...string) string {
	text := c.text(name)
	if text == "" {
		return def
	}
	if !slices.Contains(words, text) {
		c.queryFault(satchel.CodeInvalidValue, name, "%s must be one of %s; %.64q is none of them", name, strings.Join(words, ", "), text)
	}
	return text
}

// workspace gives the workspace that the query names.
func (c *call) workspace() satchel.WorkspaceID {
	text := c.text("workspace")
	if text == "" {
		return satchel.DefaultWorkspace
	}
	ws, ok := satchel.ParseWorkspaceID(text)
	if !ok {
		fault := badWorkspace(text)
		fault.In = satchel.InQuery
		c.faults.Add(fault)
	}
	return ws
}

func badWorkspace(text string) *satchel.Error {
	return satchel.BodyFault(satchel.CodeInvalidValue, "workspace", nil,
		"%.64q is no workspace id: 1 to 34 lower-case letters and digits, in groups joined by - or _, such as \"team-a\"", text)
}

// bracketed takes a name such as metadata[pub][city] apart; ok is false for any other form.
func bracketed(name string) (base string, path []string, ok bool) {
	base, rest, found := strings.Cut(name, "[")
	if !found || !strings.HasSuffix(rest, "]") || base == "" {
		return "", nil, false
	}
	path = strings.Split(strings.TrimSuffix(rest, "]"), "][")
	for _, key := range path {
		if strings.ContainsAny(key, "[]") {
			return "", nil, false
		}
	}
	return base, path, true
}
