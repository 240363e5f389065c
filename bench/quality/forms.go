package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// fold leaves what two ways to write the same text have in common: letters and digits, in lower case, in compatible form.
func fold(text string) string {
	var b strings.Builder
	for _, r := range norm.NFKC.String(text) {
		switch {
		case r == 'ё' || r == 'Ё':
			b.WriteRune('е')
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		}
	}
	return b.String()
}

// token finds numbers as people write them: with dots, commas and apostrophes inside, and spaces before three digits.
var token = regexp.MustCompile(`-?\d+(?:[ \x{a0}\x{2009}\x{202f}]\d{3}\b)*(?:[.,'’]\d+)*`)

// numberTokens gives the numbers in a text, as they are written.
func numberTokens(text string) []string { return token.FindAllString(text, -1) }

// readings gives the values that a written number can have: "1.234" is one thousand in German and one in English.
func readings(written string) []string {
	sign := ""
	if strings.HasPrefix(written, "-") {
		sign, written = "-", written[1:]
	}
	var spaceless strings.Builder
	for _, r := range written {
		if unicode.IsDigit(r) || r == '.' || r == ',' {
			spaceless.WriteRune(r)
		}
	}
	plain := spaceless.String()
	last := strings.LastIndexAny(plain, ".,")
	if last < 0 {
		return []string{canonicalNumber(sign + plain)}
	}
	whole := strings.NewReplacer(".", "", ",", "").Replace(plain)
	decimal := strings.NewReplacer(".", "", ",", "").Replace(plain[:last]) + "." + plain[last+1:]
	var all []string
	if strings.Count(plain, plain[last:last+1]) == 1 {
		all = append(all, canonicalNumber(sign+decimal))
	}
	if len(plain)-last == 4 {
		all = append(all, canonicalNumber(sign+whole))
	}
	return all
}

// numbersIn gives every value that a number in a text can have.
func numbersIn(text string) []string {
	var all []string
	for _, written := range numberTokens(text) {
		all = append(all, readings(written)...)
		for part := range strings.FieldsSeq(written) { // two numbers side by side
			all = append(all, readings(part)...)
		}
	}
	return all
}

// canonicalNumber writes a number in one way; what is none stays as it is.
func canonicalNumber(text string) string {
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return text
	}
	return strconv.FormatFloat(value, 'f', -1, 64)
}

// months are how the names of months begin, in the languages of the set.
func months() [12]string {
	return [12]string{
		"jan jän ene gen янв sty", "feb fév fev фев lut", "mar mär maa мар", "apr avr abr апр kwi", "may mai mag maj mei мая май",
		"jun juin giu июн cze jūn", "jul juil lug июл lip jūl", "aug aoû ago авг sie", "sep set сен wrz", "oct okt ott out окт paź",
		"nov ноя lis", "dec déc dez dic дек gru",
	}
}

// monthOf gives the month that a word names, 0 for none.
func monthOf(word string) int {
	word = strings.ToLower(norm.NFC.String(word))
	for i, names := range months() {
		for name := range strings.FieldsSeq(names) {
			if strings.HasPrefix(word, name) {
				return i + 1
			}
		}
	}
	return 0
}

// The ways to write a date. Between day, month and year there may be "de", "of" or "gada".
var (
	yearFirst  = regexp.MustCompile(`\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})\b`)
	yearLast   = regexp.MustCompile(`\b(\d{1,2})[-/.] ?(\d{1,2})[-/.] ?(\d{4})\b`)
	dayMonth   = regexp.MustCompile(`\b(\d{1,2})(?:st|nd|rd|th|er|º|\.)?[\s\x{a0}]+(?:de |of )?(\pL{3,})\.?,?[\s\x{a0}]+(?:de |del )?(\d{4})\b`)
	monthDay   = regexp.MustCompile(`(\pL{3,})\.?[\s\x{a0}]+(\d{1,2})(?:st|nd|rd|th)?,?[\s\x{a0}]+(\d{4})\b`)
	yearWorded = regexp.MustCompile(`\b(\d{4})\.?[\s\x{a0}]+(?:gada )?(\d{1,2})\.?[\s\x{a0}]+(\pL{3,})`)
	isoDate    = regexp.MustCompile(`^\d{4}-\d{2}-\d{2}$`)
)

func isISODate(text string) bool { return isoDate.MatchString(text) }

// datesIn gives every date that a text can mean, as YYYY-MM-DD; 03/04/2025 means two.
func datesIn(text string) []string {
	found := map[string]bool{}
	add := func(year, month, day int) {
		t := time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
		if month > 0 && t.Day() == day && int(t.Month()) == month {
			found[fmt.Sprintf("%04d-%02d-%02d", year, month, day)] = true
		}
	}
	number := func(text string) int {
		n, _ := strconv.Atoi(text)
		return n
	}
	for _, m := range yearFirst.FindAllStringSubmatch(text, -1) {
		add(number(m[1]), number(m[2]), number(m[3]))
	}
	for _, m := range yearLast.FindAllStringSubmatch(text, -1) {
		add(number(m[3]), number(m[2]), number(m[1]))
		add(number(m[3]), number(m[1]), number(m[2]))
	}
	for _, m := range dayMonth.FindAllStringSubmatch(text, -1) {
		add(number(m[3]), monthOf(m[2]), number(m[1]))
	}
	for _, m := range monthDay.FindAllStringSubmatch(text, -1) {
		add(number(m[3]), monthOf(m[1]), number(m[2]))
	}
	for _, m := range yearWorded.FindAllStringSubmatch(text, -1) {
		add(number(m[1]), monthOf(m[3]), number(m[2]))
	}
	return slices.Sorted(maps.Keys(found))
}

// stands reports whether a value is written in a text, in any of the usual ways. Of an array or an object every part must be.
func stands(value any, text string) bool {
	return standsIn(value, source{text: text, folded: fold(text)})
}

// source is a text in which values are looked for.
type source struct{ text, folded string }

func standsIn(value any, in source) bool {
	all := leaves(nil, value)
	for _, leaf := range all {
		if !scalarStands(leaf.value, in) {
			return false
		}
	}
	return len(all) > 0
}

func scalarStands(value any, in source) bool {
	text, ok := scalarText(value)
	if !ok {
		return false
	}
	if _, isText := value.(string); !isText {
		return slices.Contains(numbersIn(in.text), canonicalNumber(text))
	}
	if isISODate(text) && slices.Contains(datesIn(in.text), text) {
		return true
	}
	folded := fold(text)
	return folded != "" && strings.Contains(in.folded, folded)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
