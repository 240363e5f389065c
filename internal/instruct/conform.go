package instruct

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

// conformer makes of a model's values what they were meant to be: what means "not found" goes, numbers and dates get the form that the schema or
// the key asks for, in the reading that the text's habits give them, and words of an enum their spelling. It invents nothing; what it does
// not understand stays for the check.
type conformer struct {
	schema   *schema
	passages []*passage                  // the text that the model has seen
	point    point                       // how that text writes fractions
	order    order                       // and dates
	literal  bool                        // the instruction wants dates or numbers in a form of its own
	asNumber bool                        // the instruction wants numbers, so that units go
	said     func(text string) bool      // whether the instruction itself gives this text as a value
	strict   bool                        // what can only be copied must stand in the text, or among what is given
	given    func(value any) bool        // the instruction, the metadata, or an earlier window has this value
	invented func(key string, value any) // is told what was left out for that
}

// conform gives the set of an answer in its proper form, without what was not found.
func (c *conformer) conform(set map[string]any) map[string]any {
	var root any
	if c.schema != nil {
		root = c.schema.root
	}
	value, _ := c.object(set, root, "", false)
	made, _ := value.(map[string]any)
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
		return made, c.grounded(made, want, key)
	case []any:
		return c.array(value, want, key)
	case map[string]any:
		return c.object(value, of, key, listed)
	case bool:
		return value, true
	}
	return nil, false
}

// grounded reports whether a value may stay: what can only be copied, such as a date, a number of several digits, a code or a mail address, must
// be found where the model can have it from. Other texts can be in other words, but are not to be words of the question.
func (c *conformer) grounded(value any, want expectation, key string) bool {
	if !c.strict || c.inText(value) || c.given(value) {
		return true
	}
	switch text, isText := value.(string); {
	case copied(value) && !c.ofYear(value):
		c.invented(strings.Fields(key)[0], value)
		return false
	case isText && len(want.words) == 0 && c.schema != nil && want.of != nil:
		return !strings.Contains(foldText(describe(c.schema, want.of), asWords), foldText(text, asWords))
	}
	return true
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
		digits := 0
		for _, r := range value {
			if digit(r) {
				digits++
			}
		}
		short := len(value) <= copiedLength && len(strings.Fields(value)) <= copiedWords
		return short && (digits >= copiedDigits || strings.Contains(value, "@") || strings.Contains(value, "://"))
	}
	return false
}

func (c *conformer) object(object map[string]any, of any, key string, listed bool) (any, bool) {
	properties := c.propertiesOf(of)
	made := map[string]any{}
	for name, inner := range object {
		child := properties.get(name)
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

func (c *conformer) propertiesOf(of any) *object {
	if c.schema == nil {
		return nil
	}
	return c.schema.properties(of)
}

func (c *conformer) additionalOf(of any) any {
	if c.schema == nil {
		return nil
	}
	if more := c.schema.node(of).child("additionalProperties"); more != nil {
		return more
	}
	return nil
}

// fillNulls gives an object inside an array the nulls that its schema demands for what was not found.
func (c *conformer) fillNulls(object map[string]any, of any, properties *object) {
	if c.schema == nil {
		return
	}
	required, _ := c.schema.node(of).get("required").([]any)
	for _, key := range required {
		name, _ := key.(string)
		if _, there := object[name]; !there && slices.Contains(c.expect(properties.get(name)).kinds, "null") {
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
		item, _ := c.value(n, want.items, "", true)
		return []any{item}
	}
	return n
}

func (c *conformer) text(text string, want expectation, key string) (any, bool) {
	text = strings.TrimSpace(text)
	spelled := c.spelled(text, want)
	if !slices.Contains(want.words, spelled) && notFound(text) && (blankValue(text) || !c.said(text)) {
		return nil, false
	}
	switch {
	case want.of == nil:
		return c.unbound(c.marked(text), key), true
	case want.takes("string"):
		dated := slices.Contains(want.formats, "date") || slices.Contains(want.formats, "date-time")
		if dated && !strings.ContainsAny(foldText(text, asText), "0123456789") { // a model that finds none tells of something else
			return nil, false
		}
		return c.formatted(c.marked(spelled), want), true
	}
	return c.converted(text, want, key), true
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

// converted gives text as the type that the schema wants in its place, if it can be read as that.
func (c *conformer) converted(text string, want expectation, key string) any {
	if want.takes("number") || want.takes("integer") {
		if n, ok := readNumber(text, c.point); ok {
			return c.number(n, want, key)
		}
	}
	if want.takes("boolean") {
		if truth, ok := readTruth(text); ok {
			return truth
		}
	}
	if want.takes("array") {
		if item, ok := c.value(text, want.items, key, true); ok {
			return []any{item}
		}
	}
	return text
}

func readTruth(text string) (truth, ok bool) {
	switch foldText(text, asWords) {
	case "true", "yes", "y", "ja", "oui", "si", "sim", "да", "ja ", "tak", "是", "はい":
		return true, true
	case "false", "no", "n", "nein", "non", "nao", "нет", "ne", "nie", "nee", "nej", "否", "いいえ":
		return false, true
	}
	return false, false
}

// spelled gives a word of an enum in the enum's spelling.
func (c *conformer) spelled(text string, want expectation) string {
	for _, word := range want.words {
		if foldText(word, asCode) == foldText(text, asCode) {
			return word
		}
	}
	return text
}

// formatted gives dates their form.
func (c *conformer) formatted(text string, want expectation) string {
	switch {
	case slices.Contains(want.formats, "date"):
		day, _, _ := strings.Cut(text, "T")
		if isDay(day) {
			return c.correctDay(day)
		}
		if day, ok := readDate(text, c.habitOfDays(), c.year()); ok {
			return day
		}
	case slices.Contains(want.formats, "date-time"):
		return c.moment(text)
	case slices.Contains(want.formats, "time"):
		return clockOf(text)
	}
	return text
}

// clockOf gives a time of day in the form of RFC 3339. Without a zone it is taken as UTC, which is all that the form allows.
func clockOf(clock string) string {
	clock, zone := strings.ToUpper(strings.TrimSpace(clock)), ""
	if i := strings.IndexAny(clock, "Z+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
	}
	if strings.Count(clock, ":") == 1 {
		clock += ":00"
	}
	if zone == "" {
		zone = "Z"
	}
	return clock + zone
}

// moment gives a day, and perhaps a time, in the form of RFC 3339.
func (c *conformer) moment(text string) string {
	day, clock, timed := strings.Cut(text, "T")
	if !timed && len(text) > 11 && isDay(text[:10]) {
		day, clock = text[:10], strings.TrimSpace(text[10:])
	}
	if !isDay(day) {
		read, ok := readDate(text, c.habitOfDays(), c.year())
		if !ok {
			return text
		}
		day, clock = read, ""
	}
	if clock == "" {
		clock = "00:00"
	}
	return c.correctDay(day) + "T" + clockOf(clock)
}

// unbound gives a value for which there is no schema the form that its key asks for.
func (c *conformer) unbound(text, key string) any {
	if c.literal {
		return text
	}
	words := wordsOf(key)
	if isDay(text) {
		return c.correctDay(text)
	}
	if named := strings.ContainsFunc(text, func(r rune) bool { return wordRune(r) && !digit(r) }); named || slices.ContainsFunc(words, dateWord) {
		if day, ok := readDate(text, c.habitOfDays(), ""); ok {
			return day
		}
	}
	if code := len(text) > 1 && text[0] == '0' && digit(rune(text[1])); !code && (c.asNumber || slices.ContainsFunc(words, amountWord) && strings.Trim(text, "0123456789.,' \u00a0\u202f-") == "") {
		if n, ok := readNumber(text, c.point); ok {
			return n
		}
	}
	return text
}

// habitOfDays is the order of dates; where the text leaves it open, money in dollars speaks for the American one.
func (c *conformer) habitOfDays() order {
	if c.order != anyOrder {
		return c.order
	}
	for _, p := range c.passages {
		if strings.Contains(p.original, "$") || strings.Contains(p.original, "USD") {
			return monthFirst
		}
	}
	return dayFirst
}

// year is the year in which all dates of the text are, if there is such a one.
func (c *conformer) year() string {
	var all []written
	for _, p := range c.passages {
		days, _ := p.days()
		all = append(all, days...)
	}
	return yearOf(all)
}

// correctDay mends a date whose day and month were taken for each other: the text has it only the other way round.
func (c *conformer) correctDay(day string) string {
	swapped := day[:4] + day[7:10] + day[4:7]
	if c.hasDay(day) || !c.hasDay(swapped) {
		return day
	}
	return swapped
}

// hasDay reports whether the text has a date, in a reading that its habit allows.
func (c *conformer) hasDay(day string) bool {
	for _, p := range c.passages {
		all, by := p.days()
		for _, i := range by[day] {
			if !all[i].twice || c.order == anyOrder || all[i].order == c.order {
				return true
			}
		}
	}
	return false
}

// correctNumber mends a number that was misread: the text has the same digits only with the point elsewhere, or only together with a word such
// as million.
func (c *conformer) correctNumber(n json.Number, key string) json.Number {
	value, ok := decimalOf(n)
	if !ok || len(c.passages) == 0 {
		return n
	}
	digits, others, multiples, plain := significant(value), map[decimal]bool{}, map[decimal]bool{}, false
	for _, p := range c.passages {
		all, by := p.numbers()
		for _, i := range by[value] {
			if times, ok := multiplied(all, i); ok {
				multiples[times] = true
			} else if c.allows(all[i]) {
				plain = true
			}
		}
		for _, f := range all {
			if f.times == 0 && !f.loose && c.allows(f) && significant(f.value) == digits {
				others[f.value] = true
			}
		}
	}
	switch {
	case plain || slices.ContainsFunc(wordsOf(key), func(w string) bool { return scale(w) >= thousand }):
	case len(multiples) == 1:
		return json.Number(only(multiples))
	case len(others) == 1 && len(digits) >= minDigits:
		return json.Number(only(others))
	}
	return n
}

func only(set map[decimal]bool) decimal {
	for d := range set {
		return d
	}
	return ""
}

const thousand = 3 // as a power of ten

// multiplied gives what the word behind a number, such as million, makes of it.
func multiplied(all []figure, i int) (decimal, bool) {
	for _, f := range all[i:min(len(all), i+4)] {
		if f.at.end == all[i].at.end && f.times >= thousand && all[i].times == 0 {
			return f.value, true
		}
	}
	return "", false
}

const minDigits = 3 // of a number that is known by its digits alone

// allows reports whether a reading is one that the text's habit allows.
func (c *conformer) allows(f figure) bool {
	return c.point == unsure || f.point == unsure || f.point == c.point
}

// significant gives a number's digits without zeros at either end.
func significant(d decimal) string {
	return strings.Trim(strings.NewReplacer(".", "", "-", "").Replace(string(d)), "0")
}

// expectation is what a schema wants in one place, all its alternatives together.
type expectation struct {
	of      any      // the schema; nil: there is none
	kinds   []string // of JSON; none: any
	formats []string
	words   []string // of enums
	items   any      // the schema of an array's items
}

func (e expectation) takes(kind string) bool {
	return len(e.kinds) == 0 || slices.Contains(e.kinds, kind)
}

func (c *conformer) expect(of any) expectation {
	e := expectation{of: of}
	if c.schema != nil && of != nil {
		c.collect(of, &e, maxHops)
	}
	return e
}

func (c *conformer) collect(of any, e *expectation, hops int) {
	node := c.schema.node(of)
	if node == nil || hops == 0 {
		return
	}
	var parts []any
	for _, key := range []string{"anyOf", "oneOf", "allOf"} {
		more, _ := node.get(key).([]any)
		parts = append(parts, more...)
	}
	for _, part := range parts {
		c.collect(part, e, hops-1)
	}
	if len(parts) == 0 || node.get("type") != nil {
		e.kinds = append(e.kinds, typesOf(node)...)
	}
	if format := node.text("format"); format != "" {
		e.formats = append(e.formats, format)
	}
	values, _ := node.get("enum").([]any)
	for _, value := range append(slices.Clone(values), node.get("const")) {
		e.kinds = append(e.kinds, kindsOf(value)...)
		if word, ok := value.(string); ok {
			e.words = append(e.words, word)
		}
	}
	if items := node.get("items"); items != nil {
		e.items = items
	}
}

// kindsOf names the type of a value of an enum.
func kindsOf(value any) []string {
	switch value.(type) {
	case string:
		return []string{"string"}
	case json.Number:
		return []string{"number"}
	case bool:
		return []string{"boolean"}
	}
	return nil
}

// mergeInto merges objects deeply, as an edit's set is merged into metadata.
func mergeInto(target, more map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for key, value := range more {
		inner, isObject := value.(map[string]any)
		old, wasObject := target[key].(map[string]any)
		if isObject && wasObject {
			target[key] = mergeInto(maps.Clone(old), inner)
			continue
		}
		target[key] = value
	}
	return target
}
