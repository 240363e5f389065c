package instruct

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
)

// conformer makes of a model's values what they were meant to be: what means "not found" goes, numbers and dates get the form that the schema or
// the key asks for, in the reading that the text's habits give them, and words of an enum their spelling. It invents nothing; what it does
// not understand stays for the check.
type conformer struct {
	schema   *metaschema.Schema
	passages []*passage                  // the text that the model has seen
	point    point                       // how that text writes fractions
	order    order                       // and dates
	literal  bool                        // the instruction wants dates or numbers in a form of its own
	asNumber bool                        // the instruction wants numbers, so that units go
	said     func(text string) bool      // whether the instruction itself gives this text as a value
	strict   bool                        // what can only be copied must stand in the text, or among what is given
	given    func(value any) bool        // the instruction, the metadata, or an earlier window has this value
	invented func(key string, value any) // is told what was left out for that
	mistaken func(key string, value any) // is told what was left out because it answers another key
}

// conform gives the set of an answer in its proper form, without what was not found.
func (c *conformer) conform(set map[string]any) map[string]any {
	var root any
	if c.schema != nil {
		root = c.schema.Root
	}
	value, _ := c.object(set, root, "", false)
	made, _ := value.(map[string]any)
	if c.strict {
		c.withoutMistaken(made)
		c.withoutForeign(made)
	}
	return made
}

// value conforms one value; ok is false for what means "not found". listed says that it lies in an array, where a null can stand for that.
func (c *conformer) value(value, of any, key string, listed bool) (made any, ok bool) {
	want := c.expect(of)
	switch value := value.(type) {
	case string:
		made, ok = c.text(value, want, key)
		return made, ok && c.grounded(made, want, key)
	case json.Number:
		made = c.number(value, want, key)
		return made, made != nil && c.grounded(made, want, key)
	case []any:
		return c.array(value, want, key)
	case map[string]any:
		return c.object(value, of, key, listed)
	case bool:
		return c.truth(value, want, key), true
	}
	return nil, false
}

// grounded reports whether a value may stay: what can only be copied, such as a date, a number of several digits, a code or a mail address, must
// be found where the model can have it from. Other texts can be in other words, but are not to be words of the question.
func (c *conformer) grounded(value any, want expectation, key string) bool {
	text, isText := value.(string)
	if !c.strict || c.given(value) {
		return true
	}
	switch {
	case isText && (remark(text) || !ofKind(key, text) || !identifies(key, c.description(want), text)):
		c.mistaken(strings.Fields(key)[0], value)
		return false
	case zero(value) && !c.hasZero() && !c.saysNone(hintsUnder(c.schema, want.of, key)):
		c.invented(strings.Fields(key)[0], value)
		return false
	case c.inText(value):
		return true
	case copied(value) && !c.ofYear(value):
		c.invented(strings.Fields(key)[0], value)
		return false
	case isText && len(want.words) == 0 && c.schema != nil && want.of != nil:
		return !strings.Contains(foldText(describe(c.schema, want.of), asWords), foldText(text, asWords))
	}
	return true
}

// remark reports text that is all in brackets, such as "(will follow)".
func remark(text string) bool {
	return strings.HasPrefix(text, "(") && strings.HasSuffix(text, ")") && strings.Count(text, "(") == 1 && !strings.ContainsFunc(text, digit)
}

func (c *conformer) description(want expectation) string {
	if c.schema == nil || want.of == nil {
		return ""
	}
	return describe(c.schema, want.of)
}

// zero reports the number by which a model says that there is none.
func zero(value any) bool {
	n, isNumber := value.(json.Number)
	d, ok := decimalOf(n)
	return isNumber && ok && d == "0"
}

// hasZero reports whether the text has a zero that is a number of its own, and not a part of a code.
func (c *conformer) hasZero() bool {
	return slices.ContainsFunc(c.passages, func(p *passage) bool {
		all, _ := p.numbers()
		return slices.ContainsFunc(all, func(f figure) bool {
			written := p.in(asText).text[f.at.start:f.at.end]
			return f.value == "0" && !f.loose && !strings.HasPrefix(written, "00")
		})
	})
}

// saysNone reports whether a short line of the text that speaks of a key has a word such as none: "Absences: none".
func (c *conformer) saysNone(hints []string) bool {
	none := func(w string) bool { return negativeWord(w) || missingWord(w) }
	return slices.ContainsFunc(c.passages, func(p *passage) bool {
		for line := range strings.Lines(p.original) {
			if words := wordsOf(line); len(line) <= maxLabel && slices.ContainsFunc(words, none) && anyAlike(words, hints) {
				return true
			}
		}
		return false
	})
}

func (c *conformer) inText(value any) bool {
	return slices.ContainsFunc(c.passages, func(p *passage) bool { return len(p.places(value)) > 0 })
}

// ofYear reports a year in which a date of the text is: it may be written with two digits.
func (c *conformer) ofYear(value any) bool {
	n, _ := value.(json.Number)
	return slices.ContainsFunc(c.passages, func(p *passage) bool {
		days, _ := p.days()
		return slices.ContainsFunc(days, func(d written) bool { return len(n) == 4 && strings.HasPrefix(d.iso, string(n)) })
	})
}

const (
	copiedDigits = 3  // of a number or a code that nobody makes up
	copiedLength = 60 // bytes of a code
	copiedWords  = 4
)

// copied reports values that are copied or invented, but not put in other words.
func copied(value any) bool {
	switch value := value.(type) {
	case json.Number:
		d, ok := decimalOf(value)
		return ok && len(significant(d)) >= copiedDigits
	case string:
		day, _, _ := strings.Cut(value, "T")
		if isDay(day) || isMonth(day) {
			return true
		}
		digits := digitsIn(value)
		short := len(value) <= copiedLength && len(strings.Fields(value)) <= copiedWords
		return short && (digits >= copiedDigits || strings.Contains(value, "@") || strings.Contains(value, "://"))
	}
	return false
}

func (c *conformer) object(object map[string]any, of any, key string, listed bool) (any, bool) {
	properties := c.propertiesOf(of)
	made := map[string]any{}
	for name, inner := range object {
		child := properties.Get(name)
		if child == nil {
			child = c.additionalOf(of)
		}
		if inner, ok := c.value(inner, child, key+" "+name, listed); ok {
			made[name] = inner
		}
	}
	if len(made) == 0 {
		return nil, false
	}
	if listed {
		c.fillNulls(made, of, properties)
	}
	return made, true
}

func (c *conformer) propertiesOf(of any) *metaschema.Object {
	if c.schema == nil {
		return nil
	}
	return c.schema.Properties(of)
}

func (c *conformer) additionalOf(of any) any {
	if c.schema == nil {
		return nil
	}
	if more := c.schema.Node(of).Child("additionalProperties"); more != nil {
		return more
	}
	return nil
}

// fillNulls gives an object inside an array the nulls that its schema demands for what was not found.
func (c *conformer) fillNulls(object map[string]any, of any, properties *metaschema.Object) {
	if c.schema == nil {
		return
	}
	required, _ := c.schema.Node(of).Get("required").([]any)
	for _, key := range required {
		name, _ := key.(string)
		if _, there := object[name]; !there && slices.Contains(c.expect(properties.Get(name)).kinds, "null") {
			object[name] = nil
		}
	}
}

func (c *conformer) array(items []any, want expectation, key string) (any, bool) {
	if len(items) == 1 && !want.takes("array") {
		return c.value(items[0], want.of, key, false)
	}
	made := []any{}
	seen := map[string]bool{}
	for _, item := range items {
		item, ok := c.value(item, want.items, key, true)
		if text := strings.ToLower(satchel.CanonicalJSON(item)); ok && !seen[text] {
			seen[text] = true
			made = append(made, item)
		}
	}
	return made, len(made) > 0
}

// number gives a number as it is wanted; nil means "not found".
func (c *conformer) number(n json.Number, want expectation, key string) any {
	if want.takes("number") || want.takes("integer") {
		n = c.correctNumber(n, key)
		if whole, zeros, ok := strings.Cut(string(n), "."); ok && strings.Trim(zeros, "0") == "" {
			return json.Number(whole)
		}
		return n
	}
	if want.takes("string") {
		return c.spelled(string(n), want)
	}
	if want.takes("array") {
		item, ok := c.value(n, want.items, key, true)
		if !ok {
			return nil
		}
		return []any{item}
	}
	return n
}

func (c *conformer) text(text string, want expectation, key string) (any, bool) {
	text = strings.TrimSpace(text)
	spelled := c.ticked(c.spelled(text, want), want)
	missing := notFound(text) || c.missingPart(text, want, key)
	if !slices.Contains(want.words, spelled) && missing && (blankValue(text) || !c.said(text)) {
		return nil, false
	}
	switch {
	case want.of == nil:
		return c.unbound(c.bare(c.marked(text), want, key), key), true
	case want.takes("string"):
		dated := slices.Contains(want.formats, "date") || slices.Contains(want.formats, "date-time")
		if dated && !strings.ContainsAny(foldText(text, asText), "0123456789") { // a model that finds none tells of something else
			return nil, false
		}
		return c.formatted(c.bare(c.marked(spelled), want, key), want), true
	}
	return c.converted(text, want, key), true
}

// missingPart reports values such as "photographer unknown": words of the key and of its description, and one for what is not known.
func (c *conformer) missingPart(text string, want expectation, key string) bool {
	words := wordsOf(text)
	if len(words) < 2 || len(words) > 4 || c.inText(text) {
		return false
	}
	about := hintsUnder(c.schema, want.of, key)
	rest := slices.DeleteFunc(words, func(w string) bool {
		return slices.ContainsFunc(about, func(hint string) bool { return sameWord(w, hint) })
	})
	return len(rest) == 1 && missingWord(rest[0])
}

// marked gives a text that the document has only with other diacritics those of the document: small models lose them.
func (c *conformer) marked(text string) string {
	for _, p := range c.passages {
		found := p.literal(text)
		if len(found) == 0 {
			continue
		}
		if there := oneLine(p.original[found[0].start:found[0].end]); !p.sameMarks(found[0], text) && foldText(there, asCode) == foldText(text, asCode) &&
			!strings.EqualFold(composed(there), composed(text)) && len(strings.Fields(there)) == len(strings.Fields(text)) {
			return there
		}
		return text
	}
	return text
}
