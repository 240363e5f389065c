package instruct

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel/internal/metaschema"
)

// decimal is a number as people mean it: a minus sign if it is negative, digits without superfluous zeros, and behind a point the fraction, if
// there is one. Two texts mean the same number exactly if their decimals are the same.
type decimal string

// decimalOf gives a JSON number as a decimal; false if it is none, or has an exponent beyond use.
func decimalOf(n json.Number) (decimal, bool) {
	text := string(n)
	exponent := 0
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		var err error
		if exponent, err = strconv.Atoi(text[i+1:]); err != nil || exponent < -metaschema.MaxExponent || exponent > metaschema.MaxExponent {
			return "", false
		}
		text = text[:i]
	}
	text, negative := strings.CutPrefix(text, "-")
	whole, fraction, _ := strings.Cut(text, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return "", false
	}
	return makeDecimal(negative, whole, fraction, exponent), true
}

// makeDecimal joins digits before and behind the point, which is then moved exponent places to the right.
func makeDecimal(negative bool, whole, fraction string, exponent int) decimal {
	digits, point := whole+fraction, len(whole)+exponent
	if point < 0 {
		digits, point = strings.Repeat("0", -point)+digits, 0
	}
	if point > len(digits) {
		digits += strings.Repeat("0", point-len(digits))
	}
	whole, fraction = strings.TrimLeft(digits[:point], "0"), strings.TrimRight(digits[point:], "0")
	if whole == "" {
		whole = "0"
	}
	text := whole
	if fraction != "" {
		text += "." + fraction
	}
	if negative && text != "0" {
		text = "-" + text
	}
	return decimal(text)
}

// point is what a text writes between a number's whole and its fraction. Texts keep to one of them.
type point byte

const (
	unsure point = 0 // it has no fraction, or both readings are possible
	dot    point = '.'
	comma  point = ','
)

// figure is one reading of a number that is written in a text.
type figure struct {
	value decimal
	point point
	at    span // of its digits, sign and separators, in the folded text
	loose bool // a part of something longer: a code, a list, a range
	times int  // the power of ten that a percent sign or a word behind it stands for, which value includes; 0: none
}

// figures reads all numbers in a text that is folded as text. Where a number can be read in several ways, each reading is there.
func figures(text string) []figure {
	var all []figure
	for i := 0; i < len(text); {
		if !digit(rune(text[i])) {
			i++
			continue
		}
		run := numberRun(text, i)
		all = append(all, run.figures(text)...)
		i = run.end
	}
	return all
}

// run is a chain of groups of digits with one character between each two: groups[0] seps[0] groups[1] …
type run struct {
	span
	groups []string
	seps   []byte
}

const maxGroups = 12

// numberRun reads the longest run that starts at i. A blank or apostrophe joins groups only where it can part thousands.
func numberRun(text string, i int) run {
	r := run{span: span{i, i}}
	for len(r.groups) < maxGroups {
		end := r.end
		for end < len(text) && digit(rune(text[end])) {
			end++
		}
		r.groups = append(r.groups, text[r.end:end])
		r.end = end
		if end+1 >= len(text) || !digit(rune(text[end+1])) || !r.continues(text[end], text[end+1:]) {
			break
		}
		r.seps = append(r.seps, text[end])
		r.end++
	}
	return r
}

// continues reports whether a separator with a digit behind it belongs to the number.
func (r run) continues(sep byte, rest string) bool {
	switch sep {
	case '.', ',':
		return true
	case ' ', '\'':
		three := len(rest) >= 3 && digit(rune(rest[1])) && digit(rune(rest[2])) && (len(rest) == 3 || !digit(rune(rest[3])))
		first := len(r.groups) == 1 && len(r.groups[0]) <= 3
		return three && (first || len(r.seps) > 0 && r.seps[len(r.seps)-1] == sep)
	}
	return false
}

// figures gives every reading of the run.
func (r run) figures(text string) []figure {
	var all []figure
	for _, reading := range r.readings() {
		all = append(all, r.dress(text, reading)...)
	}
	if len(r.groups) > 1 && (len(all) == 0 || slices.Contains(r.seps, ' ')) { // an enumeration, perhaps
		at := r.start
		for _, group := range r.groups {
			part := run{span: span{at, at + len(group)}, groups: []string{group}}
			for _, f := range part.dress(text, reading{whole: group}) {
				f.loose = true
				all = append(all, f)
			}
			at += len(group) + 1
		}
	}
	return all
}

// reading is what the digits of a run can mean.
type reading struct {
	whole, fraction string
	point           point
}

// readings tells separators of thousands from the point before a fraction.
func (r run) readings() []reading {
	n := len(r.seps)
	if n == 0 {
		return []reading{{whole: r.groups[0]}}
	}
	last := r.seps[n-1]
	grouped := r.grouped(n)
	fraction := reading{whole: strings.Join(r.groups[:n], ""), fraction: r.groups[n], point: point(last)}
	whole := reading{whole: strings.Join(r.groups, "")}
	switch {
	case last == ' ' || last == '\'':
		if grouped {
			return []reading{whole}
		}
	case n == 1:
		if grouped && r.groups[0] != "0" {
			return []reading{whole, fraction}
		}
		return []reading{fraction}
	case grouped: // 1.234.567
		whole.point = opposite(last)
		return []reading{whole}
	case r.grouped(n-1) && r.seps[n-2] != last: // 1.234,56
		return []reading{fraction}
	}
	return nil // a date, a version, a list
}

func opposite(sep byte) point {
	if sep == '.' {
		return comma
	}
	return dot
}

// grouped reports whether the first n separators part thousands (or lakhs): all the same, and the right number of digits between them.
func (r run) grouped(n int) bool {
	if len(r.groups[0]) > 3 {
		return false
	}
	for i, sep := range r.seps[:n] {
		size := len(r.groups[i+1])
		if sep != r.seps[0] || size != 3 && (size != 2 || i == n-1 || sep != ',') {
			return false
		}
	}
	return true
}

// dress adds what stands around the digits: a sign, a percent sign, a word such as million.
func (r run) dress(text string, is reading) []figure {
	f := figure{value: makeDecimal(false, is.whole, is.fraction, 0), point: is.point, at: r.span, loose: attached(text, r.start)}
	all := []figure{f}
	if start, ok := minus(text, r.span); ok {
		signed := f
		signed.value, signed.at.start = makeDecimal(true, is.whole, is.fraction, 0), start
		all[0].loose = true
		all = append(all, signed)
	}
	if exponent := scale(text[r.end:]); exponent != 0 {
		scaled := f
		scaled.value, scaled.times = makeDecimal(false, is.whole, is.fraction, exponent), exponent
		all = append(all, scaled)
	}
	return all
}

// attached reports whether the number stands right behind a letter, a digit or a hyphen: then it may be a part of a code. A short code of a
// currency does not count.
func attached(text string, start int) bool {
	if start == 0 {
		return false
	}
	before := text[:start]
	letters := len(before) - len(strings.TrimRightFunc(before, wordRune))
	if letters == 3 {
		return false
	}
	return letters > 0 || before[start-1] == '-' && start > 1 && before[start-2] != ' '
}

// minus looks for the sign of a negative number: before it, or brackets around it, or behind it as accountants have it.
func minus(text string, s span) (start int, ok bool) {
	before := strings.TrimRight(text[:s.start], " $€£")
	if rest, ok := strings.CutSuffix(before, "-"); ok {
		if last, _ := utf8.DecodeLastRuneInString(rest); !wordRune(last) {
			return len(rest), true
		}
	}
	if strings.HasSuffix(before, "(") && strings.HasPrefix(text[s.end:], ")") {
		return s.start, true
	}
	return s.start, strings.HasPrefix(text[s.end:], "- ") || text[s.end:] == "-"
}

// scale gives the power of ten by which what follows a number multiplies it; 0: nothing does.
func scale(rest string) int {
	rest = strings.TrimPrefix(rest, " ")
	if strings.HasPrefix(rest, "%") {
		return -2
	}
	end := strings.IndexFunc(rest, func(r rune) bool { return !wordRune(r) })
	if end < 0 {
		end = len(rest)
	}
	switch rest[:end] {
	case "percent", "prozent", "procent", "procenti", "процентов":
		return -2
	case "k", "thousand", "tausend", "tsd", "mille", "mil", "mila", "tys", "тыс", "тысяч", "tukst", "tukstosi":
		return 3
	case "million", "millions", "millionen", "mio", "mln", "mn", "millones", "milioni", "milhoes", "milj", "miljoni", "miljonu", "miljoen",
		"miljoner", "млн", "миллион", "миллиона", "миллионов":
		return 6
	case "billion", "billions", "bn", "milliarden", "milliarde", "mrd", "milliards", "milliard", "miliardi", "mld", "mljrd", "miljardi", "miljard",
		"miljarder", "млрд", "миллиард", "миллиарда", "миллиардов":
		return 9
	}
	return 0
}

// pointOf gives what a text puts before fractions, if its unambiguous numbers agree.
func pointOf(all []figure) point {
	found := unsure
	for i, f := range all {
		if f.point == unsure || twoReadings(all, i) {
			continue
		}
		if found != unsure && found != f.point {
			return unsure
		}
		found = f.point
	}
	return found
}

// twoReadings reports whether the same digits can be read in another way too. Readings of the same digits stand side by side.
func twoReadings(all []figure, i int) bool {
	for j := max(0, i-4); j < min(len(all), i+5); j++ {
		if j != i && all[j].at.end == all[i].at.end && !all[j].loose && all[j].point != all[i].point {
			return true
		}
	}
	return false
}

// readNumber gives a text that is one number and nothing else but a currency, a unit or a sign as a JSON number. Where it can be read in two
// ways, the text's habit decides, and without one the separator parts thousands.
func readNumber(value string, habit point) (json.Number, bool) {
	text := foldText(value, asText)
	all := figures(text)
	best := -1
	for i, f := range all {
		switch {
		case f.loose || f.times < 0: // 5 % as a number is 5
		case best < 0:
			best = i
		case f.at.end != all[best].at.end: // a second number
			return "", false
		case f.value[0] == '-' || f.times > 0 || f.point == habit && habit != unsure && all[best].point != habit:
			best = i
		}
	}
	if best < 0 || !onlyUnits(text, all[best].at) {
		return "", false
	}
	return json.Number(all[best].value), true
}

const maxUnit = 12 // letters around a number that is still taken for a number: a currency, a unit

func onlyUnits(text string, s span) bool {
	around := strings.TrimSpace(text[:s.start]) + strings.TrimSpace(text[s.end:])
	return len(around) <= maxUnit && !strings.ContainsAny(around, "0123456789/:@")
}
