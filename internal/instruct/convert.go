package instruct

import (
	"encoding/json"
	"slices"
	"strings"
)

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
		if day, ok := c.dayIn(text); ok {
			return day
		}
	case slices.Contains(want.formats, "date-time"):
		return c.moment(text)
	case slices.Contains(want.formats, "time"):
		return clockOf(text)
	}
	return text
}

// dayIn reads a date, also one that has a weekday or a time beside it, as mails have.
func (c *conformer) dayIn(text string) (string, bool) {
	if day, ok := readDate(text, c.habitOfDays(), c.year()); ok {
		return day, true
	}
	folded := foldText(text, asText)
	found := dates(folded)
	if len(found) == 0 || slices.ContainsFunc(found, func(d written) bool { return d.at != found[0].at }) {
		return "", false
	}
	return readDate(folded[found[0].at.start:found[0].at.end], c.habitOfDays(), c.year())
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
