package instruct

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// order is in which order a text writes the numbers of a date. Texts keep to one of them.
type order byte

const (
	anyOrder   order = iota // the date is written in a way that leaves no doubt
	dayFirst                // 05.03.2026 is in March
	monthFirst              // 05/03/2026 is in May
)

// written is one reading of a date in a text.
type written struct {
	iso   string // 2026-03-05, or 2026-03 where no day is written, or --03-05 where no year is
	order order  // in which order day and month are, if they are numbers
	twice bool   // there is another reading of the same date
	at    span   // in the folded text
}

// dates reads all dates in a text that is folded as text. Where a date can be read in two ways, both are there, one behind the other.
func dates(text string) []written {
	var all []written
	words := scan(text)
	for i := 0; i < len(words); {
		found, used := dateAt(words[i:])
		all = append(all, found...)
		i += max(1, used)
	}
	return all
}

// word is a piece of text: letters, digits, or one other character that is not a blank.
type word struct {
	text string
	at   int
	kind byte // 'a' letters, '0' digits, '.' other
}

func (w word) end() int { return w.at + len(w.text) }

// scan cuts folded text into words. Letters of scripts without spaces stand alone.
func scan(text string) []word {
	var words []word
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		kind := kindOfRune(r)
		if kind == ' ' {
			i += size
			continue
		}
		end := i + size
		for kind != '.' && !unspaced(r) && end < len(text) {
			next, size := utf8.DecodeRuneInString(text[end:])
			if kindOfRune(next) != kind && !unicode.IsMark(next) || unspaced(next) {
				break
			}
			end += size
		}
		words = append(words, word{text[i:end], i, kind})
		i = end
	}
	return words
}

func kindOfRune(r rune) byte {
	switch {
	case digit(r):
		return '0'
	case r == ' ':
		return ' '
	case wordRune(r):
		return 'a'
	}
	return '.'
}

// dateAt reads the date that starts with the first word, in all its readings, and says how many words it has.
func dateAt(words []word) (found []written, used int) {
	if words[0].kind == 'a' {
		return monthWordFirst(words)
	}
	if words[0].kind != '0' {
		return nil, 0
	}
	for _, read := range []func([]word) ([]written, int){numbersOnly, compact, dayThenMonthWord, yearThenMonth} {
		if found, used = read(words); used > 0 {
			return found, used
		}
	}
	return nil, 0
}

// numbersOnly reads 2026-03-05, 5.3.2026, 03/05/26, 5. 3. 2026 and the like.
func numbersOnly(words []word) ([]written, int) {
	if len(words) < 5 || words[2].kind != '0' || words[4].kind != '0' {
		return nil, 0
	}
	sep := words[1].text
	if sep != words[3].text || sep != "." && sep != "/" && sep != "-" {
		return nil, 0
	}
	if gap := words[4].at - words[0].end(); gap > len(words[2].text)+4 { // a blank behind each separator at most
		return nil, 0
	}
	if len(words) > 6 && words[5].text == sep && words[6].kind == '0' && words[6].at == words[5].end() { // a longer chain: 1.2.3.4
		return nil, 0
	}
	a, b, c := words[0], words[2], words[4]
	at := span{a.at, c.end()}
	if len(a.text) == 4 && len(b.text) <= 2 && len(c.text) <= 2 {
		return makeDate(nil, a.text, b.text, c.text, anyOrder, at), 5
	}
	if len(a.text) > 2 || len(b.text) > 2 || len(c.text) != 4 && len(c.text) != 2 {
		return nil, 0
	}
	found := makeDate(nil, c.text, b.text, a.text, dayFirst, at)
	if sep != "." { // nobody writes months first with points
		found = makeDate(found, c.text, a.text, b.text, monthFirst, at)
	}
	if len(found) == 2 {
		found[0].twice, found[1].twice = true, true
	}
	return found, 5
}

// compact reads 20260305.
func compact(words []word) ([]written, int) {
	t := words[0].text
	if len(t) != 8 || t[:2] != "19" && t[:2] != "20" {
		return nil, 0
	}
	found := makeDate(nil, t[:4], t[4:6], t[6:], anyOrder, span{words[0].at, words[0].end()})
	return found, len(found)
}

// dayThenMonthWord reads 5 March 2026, 5. März 2026, 5 de marzo de 2026, 5-Mar-26, 5th of March, 2026.
func dayThenMonthWord(words []word) ([]written, int) {
	if len(words[0].text) > 2 {
		return nil, 0
	}
	i := skip(words, 1)
	if i >= len(words) || monthOf(words[i].text) == 0 {
		return nil, 0
	}
	month := monthOf(words[i].text)
	if j := skip(words, i+1); j < len(words) && words[j].kind == '0' && yearAfter(words[i:j+1]) {
		return makeDate(nil, words[j].text, strconv.Itoa(month), words[0].text, anyOrder, span{words[0].at, words[j].end()}), j + 1
	}
	return withoutYear(month, words[0].text, span{words[0].at, words[i].end()}), i + 1
}

// yearAfter reports whether the last word, behind a month and fillers, is a year: one of two digits only in 5-Mar-26 and the like.
func yearAfter(words []word) bool {
	year := words[len(words)-1].text
	return len(year) == 4 || len(year) == 2 && len(words) == 3 && (words[1].text == "-" || words[1].text == "/")
}

// withoutYear gives a day of a month.
func withoutYear(month int, day string, at span) []written {
	if d, err := strconv.Atoi(day); err == nil && d >= 1 && d <= 31 {
		return []written{{iso: fmt.Sprintf("--%02d-%02d", month, d), at: at}}
	}
	return nil
}

// yearThenMonth reads 2026. gada 5. marts, 2026 March 5, 2026年3月5日.
func yearThenMonth(words []word) ([]written, int) {
	if len(words[0].text) != 4 {
		return nil, 0
	}
	i := skip(words, 1)
	if i >= len(words) {
		return nil, 0
	}
	if month := monthOf(words[i].text); month != 0 {
		return monthAndDay(words, i+1, month)
	}
	j := skip(words, i+1)
	if words[i].kind != '0' || len(words[i].text) > 2 || j >= len(words) {
		return nil, 0
	}
	at := span{words[0].at, words[j].end()}
	if month := monthOf(words[j].text); month != 0 { // the day stands before the month's name
		found := makeDate(nil, words[0].text, strconv.Itoa(month), words[i].text, anyOrder, at)
		if k := skip(words, j+1); len(found) == 0 || k < len(words) && words[k].kind == '0' && yearAfter(words[i:k+1]) {
			return nil, 0 // the first number belongs to something else: No. 2024 of 9 November 2026
		}
		return found, j + 1
	}
	if words[j].kind == '0' && len(words[j].text) <= 2 && ideographic(words[1].text) {
		return makeDate(nil, words[0].text, words[i].text, words[j].text, anyOrder, at), j + 1
	}
	return nil, 0
}

func ideographic(s string) bool { return s == "年" || s == "\u1102\u1167\u11ab" }

// monthAndDay reads the day behind year and month, if there is one.
func monthAndDay(words []word, i, month int) ([]written, int) {
	year, m := words[0].text, strconv.Itoa(month)
	if j := skip(words, i); j < len(words) && words[j].kind == '0' && len(words[j].text) <= 2 {
		if found := makeDate(nil, year, m, words[j].text, anyOrder, span{words[0].at, words[j].end()}); found != nil {
			return found, j + 1
		}
	}
	return makeDate(nil, year, m, "", anyOrder, span{words[0].at, words[i-1].end()}), i
}

// monthWordFirst reads March 5, 2026 and March 2026.
func monthWordFirst(words []word) ([]written, int) {
	month := monthOf(words[0].text)
	if month == 0 {
		return nil, 0
	}
	m := strconv.Itoa(month)
	i := skip(words, 1)
	if i >= len(words) || words[i].kind != '0' {
		return nil, 0
	}
	if len(words[i].text) == 4 {
		return makeDate(nil, words[i].text, m, "", anyOrder, span{words[0].at, words[i].end()}), i + 1
	}
	if len(words[i].text) > 2 {
		return nil, 0
	}
	if j := skip(words, i+1); j < len(words) && words[j].kind == '0' && len(words[j].text) == 4 {
		return makeDate(nil, words[j].text, m, words[i].text, anyOrder, span{words[0].at, words[j].end()}), j + 1
	}
	return withoutYear(month, words[i].text, span{words[0].at, words[i].end()}), i + 1
}

const maxFillers = 3 // words between the parts of a date that mean nothing

// skip gives the first word from i on that is not one of those which stand between the parts of a date.
func skip(words []word, i int) int {
	last := min(len(words), i+maxFillers)
	for i < last && filler(words[i].text) {
		i++
	}
	return i
}

func filler(s string) bool { // the Korean words as folding takes them apart
	switch s {
	case ".", ",", "-", "/", "st", "nd", "rd", "th", "o", "a", "er", "re", "of", "de", "del", "do", "den", "the", "г", "год", "года", "gada", "gads",
		"m", "年", "月", "日", "\u1102\u1167\u11ab", "\u110b\u116f\u11af", "\u110b\u1175\u11af":
		return true
	}
	return false
}

// makeDate appends a date if there is such a day. Years of two digits are of 1970 to 2069.
func makeDate(all []written, year, month, day string, o order, at span) []written {
	y, errYear := strconv.Atoi(year)
	m, errMonth := strconv.Atoi(month)
	if errYear != nil || errMonth != nil || m < 1 || m > 12 {
		return all
	}
	if len(year) == 2 {
		y += 1900
		if y < 1970 {
			y += 100
		}
	}
	if y < 1000 {
		return all
	}
	if day == "" {
		return append(all, written{iso: fmt.Sprintf("%04d-%02d", y, m), at: at})
	}
	d, err := strconv.Atoi(day)
	if err != nil || d < 1 || time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC).Day() != d {
		return all
	}
	return append(all, written{iso: fmt.Sprintf("%04d-%02d-%02d", y, m, d), order: o, at: at})
}

// orderOf gives the order of a text's dates, if those that leave no doubt agree.
func orderOf(all []written) order {
	found := anyOrder
	for _, d := range all {
		if d.twice || d.order == anyOrder {
			continue
		}
		if found != anyOrder && found != d.order {
			return anyOrder
		}
		found = d.order
	}
	return found
}

// yearOf gives the year in which all of a text's dates are; empty: they are in several, or there are none.
func yearOf(all []written) string {
	year := ""
	for _, d := range all {
		switch {
		case d.iso[0] == '-' || d.iso[:4] == year:
		case year != "":
			return ""
		default:
			year = d.iso[:4]
		}
	}
	return year
}

// readDate gives a text that is one date and nothing else, but perhaps the day of the week, as 2026-03-05. Where it can be read in two ways, the
// text's habit decides; without one the day comes first. A date without a year is of the given one, if that is not empty.
func readDate(value string, habit order, year string) (string, bool) {
	text := foldText(value, asText)
	found := dates(text)
	if len(found) == 0 || !onlyDate(text, found[0].at) {
		return "", false
	}
	if day, ok := strings.CutPrefix(found[0].iso, "-"); ok && len(found) == 1 && year != "" {
		return year + day, true
	}
	if !isDay(found[0].iso) {
		return "", false
	}
	if len(found) == 2 && found[1].at == found[0].at && habit == monthFirst {
		return found[1].iso, true
	}
	return found[0].iso, len(found) == 1 || found[1].at == found[0].at
}

const maxAroundDate = 14 // bytes around a date that is still taken for a date: the day of the week

func onlyDate(text string, s span) bool {
	around := strings.TrimSpace(text[:s.start]) + strings.TrimSpace(text[s.end:])
	return len(around) <= maxAroundDate && !strings.ContainsAny(around, "0123456789")
}
