package instruct

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A small model copies more than was asked for: the form of address before a name, the postal address behind it; or less: an initial where the
// text has the whole name. What a key asks for is known by its own words and those of its description.

// bare takes from a copied text what stands around it and is not asked for.
func (c *conformer) bare(text string, want expectation, key string) string {
	if !c.strict || c.literal || len(want.words) > 0 || len(want.formats) > 0 {
		return text
	}
	about := hintsUnder(c.schema, want.of, key)
	less := slices.ContainsFunc(about, lackingWord)
	if less || !slices.ContainsFunc(about, addressWord) {
		text = withoutAddress(text)
	}
	if less || !slices.ContainsFunc(about, titleWord) {
		text = c.withoutTitle(text)
	}
	return c.unabbreviated(text)
}

const (
	leastName = 2 // words of a name that has a form of address before it: "Mr Smith" stays, for there is no other part of the name
	mostName  = 6
)

// withoutTitle gives a name without the forms of address and the titles before it.
func (c *conformer) withoutTitle(text string) string {
	words := strings.Fields(text)
	n := 0
	for n < len(words) && (c.isTitle(words[n]) || n > 0 && inBrackets(words[n])) {
		n++
	}
	rest := words[n:]
	if n == 0 || len(rest) < leastName || len(rest) > mostName || strings.ContainsFunc(text, digit) || !capital(rest[0]) {
		return text
	}
	return strings.Join(rest, " ")
}

// isTitle reports a form of address or a title: a known one, or an abbreviation in small letters. M. is one where the text speaks of others in
// French, and else the initial of a name.
func (c *conformer) isTitle(word string) bool {
	if word == "M." {
		return slices.ContainsFunc([]string{"Mme", "Mlle", "Madame", "Monsieur", "MM."}, func(other string) bool { return c.inText(other) })
	}
	if first, _ := utf8.DecodeRuneInString(word); unicode.IsLower(first) && strings.HasSuffix(word, ".") {
		return true
	}
	parts := strings.Fields(foldText(strings.TrimRight(word, "ºª"), asWords)) // Sr.ª, Eng.º
	return len(parts) > 0 && !slices.ContainsFunc(parts, func(part string) bool { return !addressForm(part) })
}

func inBrackets(word string) bool {
	return strings.HasPrefix(word, "(") && strings.HasSuffix(word, ")")
}

func capital(word string) bool {
	r, _ := utf8.DecodeRuneInString(word)
	return unicode.IsUpper(r)
}

// withoutAddress gives what stands before a postal address: parts with figures, behind a first part that has none.
func withoutAddress(text string) string {
	for i, r := range text {
		if !parting(r) || strings.ContainsFunc(text[:i], digit) {
			continue
		}
		rest := strings.TrimLeftFunc(text[i:], func(r rune) bool { return parting(r) || unicode.IsSpace(r) })
		if first, _, _ := strings.Cut(strings.TrimSpace(rest), ","); strings.ContainsFunc(first, digit) && isAddress(rest) {
			return strings.TrimSpace(text[:i])
		}
	}
	return text
}

// parting reports what stands between a name and an address.
func parting(r rune) bool { return strings.ContainsRune(",;·•\n", r) }

// isAddress reports a text that can be a street and a town: two parts or two numbers, and neither a date, nor an amount, nor a measure.
func isAddress(text string) bool {
	folded := foldText(text, asText)
	if len(dates(folded)) > 0 || strings.ContainsAny(text, "€$£%@") || quantity(text) {
		return false
	}
	numbers := strings.FieldsFunc(text, func(r rune) bool { return !digit(r) })
	return len(numbers) > 1 || strings.ContainsFunc(text, parting)
}

// quantity reports a text that begins with a number and a word in small letters, such as "5 kg".
func quantity(text string) bool {
	words := strings.Fields(text)
	return len(words) > 1 && digit(rune(words[0][0])) && !capital(words[1])
}

// unabbreviated gives the whole first name for an initial, if the text has one, and only one, before the same surname.
func (c *conformer) unabbreviated(text string) string {
	initial, surname, ok := strings.Cut(text, ". ")
	if !ok || utf8.RuneCountInString(initial) != 1 || len(surname) < leastSurname || strings.ContainsAny(surname, " .") {
		return text
	}
	var whole []string
	for _, p := range c.passages {
		for _, at := range p.literal(surname) {
			if first := wordBefore(p.original, at.start); strings.HasPrefix(first, initial) && first != initial && !slices.Contains(whole, first) {
				whole = append(whole, first)
			}
		}
	}
	if len(whole) != 1 {
		return text
	}
	return whole[0] + " " + surname
}

const leastSurname = 3 // bytes

// wordBefore gives the word of letters that ends just before a place; none if something else than a blank stands between.
func wordBefore(text string, at int) string {
	before := strings.TrimRight(text[max(0, at-maxWord):at], " \u00a0")
	start := strings.LastIndexFunc(before, func(r rune) bool { return !unicode.IsLetter(r) && r != '-' })
	return before[start+1:]
}
