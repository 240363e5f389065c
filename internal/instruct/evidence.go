package instruct

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
)

const (
	maxSought     = 1000     // bytes of a value that is looked for
	maxQuote      = 200      // bytes of a quote, unless the value itself is longer
	maxPlaces     = 50       // occurrences of one value that are compared
	maxLeaves     = 200      // values of one tree that are looked for
	searchStretch = 64 << 10 // bytes of a page that are searched at a time
	searchOverlap = 2 << 10  // bytes of the stretch before that are searched again; more than maxSought
)

// FindAll looks for the values of set in a whole text, stretch by stretch, and gives the evidence by key. A value that does not stand in the
// text has none. For an array or an object the evidence is that of the first of its values, in their order, that is found: keys are sorted.
// Booleans have none. Spaces, case, width, diacritics, hyphens, kinds of quotes and dashes are folded; numbers and dates are found in the
// usual ways to write them. Among several places the one is taken before which the words of the key stand, or else the first.
func FindAll(ctx context.Context, text Text, set map[string]any) (map[string]Evidence, error) {
	found := map[string]Evidence{}
	for _, page := range text.Pages() {
		for offset := int64(0); offset < page.Length && len(found) < len(set); offset += searchStretch {
			start := max(0, offset-searchOverlap)
			part, err := readPart(ctx, text, page, start, min(page.Length, offset+searchStretch)-start)
			if err != nil {
				return nil, err
			}
			p := newPassage(page.Number, part)
			for key, value := range set {
				if _, known := found[key]; known {
					continue
				}
				if evidence, ok := p.evidence(value, hintsOf(key)); ok {
					found[key] = evidence
				}
			}
		}
	}
	return found, nil
}

// Find is FindAll for one value of a key in the text of one page, which should not be larger than some MiB; false: it does not stand there.
func Find(page int, text, key string, value any) (Evidence, bool) {
	return newPassage(page, text).evidence(value, hintsOf(key))
}

// readPart reads a part of a page, less the halves of words at its ends.
func readPart(ctx context.Context, text Text, page satchel.TextPage, start, length int64) (string, error) {
	part, err := text.Read(ctx, page.Offset+start, length)
	if start > 0 {
		part = fromBlank(part)
	}
	if start+length < page.Length {
		part = toBlank(part)
	}
	return part, err
}

// wholeRunes gives the length of s without the beginning of a character at its end.
func wholeRunes(s string) int {
	for i := 1; i < utf8.UTFMax && i <= len(s); i++ {
		if utf8.RuneStart(s[len(s)-i]) {
			if !utf8.FullRuneInString(s[len(s)-i:]) {
				return len(s) - i
			}
			break
		}
	}
	return len(s)
}

// passage is a part of one page in which values are looked for. What searching needs is made when it is first needed.
type passage struct {
	page     int
	original string
	forms    [forms]*folded
	figures  []figure
	byNumber map[decimal][]int // in figures
	dates    []written
	byDate   map[string][]int // in dates
}

func newPassage(page int, text string) *passage { return &passage{page: page, original: text} }

func (p *passage) in(f form) folded {
	if p.forms[f] == nil {
		made := fold(p.original, f)
		p.forms[f] = &made
	}
	return *p.forms[f]
}

// numbers gives the passage's figures, and where among them a number is.
func (p *passage) numbers() ([]figure, map[decimal][]int) {
	if p.byNumber == nil {
		p.figures, p.byNumber = figures(p.in(asText).text), map[decimal][]int{}
		for i, f := range p.figures {
			p.byNumber[f.value] = append(p.byNumber[f.value], i)
		}
	}
	return p.figures, p.byNumber
}

// days gives the passage's dates, and where among them a date is.
func (p *passage) days() ([]written, map[string][]int) {
	if p.byDate == nil {
		p.dates, p.byDate = dates(p.in(asText).text), map[string][]int{}
		for i, d := range p.dates {
			p.byDate[d.iso] = append(p.byDate[d.iso], i)
		}
	}
	return p.dates, p.byDate
}

// evidence finds the best place of a value, or of the first leaf of a tree that has one.
func (p *passage) evidence(value any, hints []string) (Evidence, bool) {
	for _, leaf := range leavesOf(value) {
		if places := p.places(leaf); len(places) > 0 {
			return Evidence{Page: p.page, Quote: p.quote(p.best(places, hints))}, true
		}
	}
	return Evidence{}, false
}

// leavesOf gives the strings and numbers in a tree, in order, at most maxLeaves.
func leavesOf(value any) []any {
	var leaves []any
	var walk func(any)
	walk = func(value any) {
		switch value := value.(type) {
		case string, json.Number:
			if len(leaves) < maxLeaves {
				leaves = append(leaves, value)
			}
		case []any:
			for _, item := range value {
				walk(item)
			}
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(value)) {
				walk(value[key])
			}
		}
	}
	walk(value)
	return leaves
}

// places finds where a string or number stands, in the least bent form in which it does.
func (p *passage) places(leaf any) []span {
	switch leaf := leaf.(type) {
	case json.Number:
		return p.numberPlaces(leaf)
	case string:
		leaf = strings.TrimSpace(leaf)
		if leaf == "" || len(leaf) > maxSought {
			return nil
		}
		for _, look := range []func(string) []span{p.literal, p.datePlaces, p.clockPlaces, p.figurePlaces, p.inWords, p.inCode} {
			if found := look(leaf); len(found) > 0 {
				return found
			}
		}
	}
	return nil
}

// literal finds a string as it is, but for what asText folds. If it stands there with its very diacritics, the places without do not count.
func (p *passage) literal(value string) []span {
	found := p.in(asText).occurrences(p.original, foldText(value, asText), maxPlaces)
	if strict := slices.DeleteFunc(slices.Clone(found), func(s span) bool { return !p.sameMarks(s, value) }); len(strict) > 0 {
		return strict
	}
	if letters := strings.IndexFunc(value, func(r rune) bool { return !wordRune(r) }); letters < 0 && len(value) < minWord {
		return nil // "de" stands in too many texts
	}
	return found
}

const minWord = 3 // bytes of a word that counts wherever it stands, in any case

// sameMarks reports whether a place has the diacritics of value; for what is very short, also its case.
func (p *passage) sameMarks(s span, value string) bool {
	there := p.original[s.start:s.end]
	if len(value) < minWord {
		return there == value
	}
	return strings.EqualFold(composed(there), composed(value))
}

func (p *passage) inWords(value string) []span {
	needle := foldText(value, asWords)
	if !strings.Contains(needle, " ") {
		return nil
	}
	return p.in(asWords).occurrences(p.original, needle, maxPlaces)
}

const minCode = 6 // letters and digits of a code that is found however it is grouped

func (p *passage) inCode(value string) []span {
	needle := foldText(value, asCode)
	if utf8.RuneCountInString(needle) < minCode || !strings.ContainsAny(needle, "0123456789") {
		return nil
	}
	return p.in(asCode).occurrences(p.original, needle, maxPlaces)
}

func (p *passage) numberPlaces(n json.Number) []span {
	value, ok := decimalOf(n)
	if !ok {
		return nil
	}
	all, by := p.numbers()
	var firm, loose []span
	for _, i := range by[value][:min(maxPlaces, len(by[value]))] {
		if place := p.in(asText).original(all[i].at); all[i].loose {
			loose = append(loose, place)
		} else {
			firm = append(firm, place)
		}
	}
	if len(firm) > 0 {
		return firm
	}
	return loose
}

// figurePlaces finds a string that is a number, perhaps with a currency or a unit, however it is written.
func (p *passage) figurePlaces(value string) []span {
	if !startsOrEndsInDigit(value) {
		return nil
	}
	n, ok := readNumber(value, unsure)
	if !ok {
		return nil
	}
	return p.numberPlaces(n)
}

func startsOrEndsInDigit(s string) bool {
	first, _ := utf8.DecodeRuneInString(s)
	last, _ := utf8.DecodeLastRuneInString(s)
	return unicode.IsDigit(first) || unicode.IsDigit(last)
}

// datePlaces finds 2026-03-05 and 2026-03 as dates, and the day of 2026-03-05T14:30:00Z if the time stands near it or is midnight. A day whose year
// is not written beside it counts where the whole date is nowhere.
func (p *passage) datePlaces(value string) []span {
	day, clock, timed := strings.Cut(value, "T")
	if !isDay(day) && !isMonth(day) {
		return nil
	}
	all, by := p.days()
	here := by[day]
	if len(here) == 0 && isDay(day) {
		here = by["-"+day[4:]]
	}
	var found []span
	for _, i := range here[:min(maxPlaces, len(here))] {
		place := p.in(asText).original(all[i].at)
		if !timed || strings.HasPrefix(clock, "00:00") || p.near(place, clock) {
			found = append(found, place)
		}
	}
	return found
}

func isDay(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && strings.Trim(s, "0123456789-") == ""
}

func isMonth(s string) bool {
	return len(s) == 7 && s[4] == '-' && strings.Trim(s, "0123456789-") == ""
}

const timeDistance = 40 // bytes between a day and the time of that day

// near reports whether hours and minutes stand beside a date.
func (p *passage) near(place span, clock string) bool {
	if len(clock) < 5 {
		return false
	}
	around := p.original[max(0, place.start-timeDistance):min(len(p.original), place.end+timeDistance)]
	return strings.Contains(around, clock[:5]) || strings.Contains(around, strings.TrimPrefix(clock[:5], "0"))
}

// hintsOf gives the words of a key, folded, that are looked for around its value.
func hintsOf(texts ...string) []string {
	var hints []string
	for _, text := range texts {
		for _, w := range wordsOf(text) {
			if len(w) >= minWord && !slices.Contains(hints, w) {
				hints = append(hints, w)
			}
		}
	}
	return hints
}

// hintsUnder gives those of a key and of what a schema says of it, if there is one.
func hintsUnder(s *metaschema.Schema, of any, key string) []string {
	if s == nil {
		return hintsOf(key)
	}
	return hintsOf(key, describe(s, of))
}

// topHints gives those of a key with what a schema says of the top-level key in which it lies.
func topHints(s *metaschema.Schema, top, key string) []string {
	if s == nil {
		return hintsOf(key)
	}
	return hintsUnder(s, s.Properties(s.Root).Get(top), key)
}

const (
	hintBefore = 120 // bytes before a value in which the words of its key are looked for
	hintAfter  = 40
)

// best chooses the place around which most of the hints stand, the nearest, or the first.
func (p *passage) best(places []span, hints []string) span {
	if len(places) == 1 || len(hints) == 0 {
		return places[0]
	}
	best := places[0]
	for _, other := range places[1:] {
		if p.score(other, hints) > p.score(best, hints) {
			best = other
		}
	}
	return best
}

func (p *passage) score(s span, hints []string) int {
	before := foldText(p.original[max(0, s.start-hintBefore):s.start], asText)
	after := foldText(p.original[s.end:min(len(p.original), s.end+hintAfter)], asText)
	score := 0
	for _, hint := range hints {
		if i := strings.LastIndex(before, hint); i >= 0 {
			score += 2*hintBefore - (len(before) - i)
		} else if strings.Contains(after, hint) {
			score += hintBefore / 2
		}
	}
	return score
}

// quote gives a place with what stands around it: its line, or as much of it as fits.
func (p *passage) quote(s span) string {
	room := (maxQuote - (s.end - s.start)) / 2
	if room <= 0 {
		return p.original[s.start:s.end]
	}
	before := p.original[max(0, s.start-room):s.start]
	after := p.original[s.end:min(len(p.original), s.end+room)]
	if i := strings.LastIndexByte(before, '\n'); i >= 0 {
		before = before[i+1:]
	} else if len(before) == room {
		before = fromBlank(before)
	}
	if i := strings.IndexByte(after, '\n'); i >= 0 {
		after = after[:i]
	} else if len(after) == room {
		after = toBlank(after)
	}
	return strings.TrimSpace(before + p.original[s.start:s.end] + after)
}

const maxWord = 64 // bytes in which a blank is looked for

// fromBlank drops the part of a word at the beginning.
func fromBlank(s string) string {
	if i := strings.IndexAny(s[:min(len(s), maxWord)], " \n"); i >= 0 {
		return s[i+1:]
	}
	for s != "" && !utf8.RuneStart(s[0]) {
		s = s[1:]
	}
	return s
}

// toBlank drops the part of a word at the end.
func toBlank(s string) string {
	if i := strings.LastIndexAny(s[max(0, len(s)-maxWord):], " \n"); i >= 0 {
		return s[:max(0, len(s)-maxWord)+i]
	}
	return s[:wholeRunes(s)]
}
