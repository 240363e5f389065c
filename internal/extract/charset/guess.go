package charset

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Costs in bits of what a text should not have, or has seldom. They were tuned on texts of forty languages in thirty encodings.
const (
	costForeign  = 15 // a letter that the language does not have
	costAlien    = 5  // an ASCII letter in a script that is not Latin
	costIdeogram = 13 // one that is not among the most common
	costQuote    = 4  // typographic quotes, dashes and the like
	costSymbol   = 13
	costInvalid  = 30 // bytes that mean nothing in the encoding, and control characters
	costBreak    = 6  // a change within a word that no writer makes: from small to capital letters, to another script, to a symbol
	costCapital  = 2
	costRare     = 6 // any encoding but the first, which most texts are in that are not in UTF-8
)

const minJudged = 64 // bytes; fewer may be anything

// guess finds the encoding in which words, as appendWords collects them, are the most probable in any language that is written in it. Poor
// says that even in that they are no words of any: texts cost two to five bits a byte.
func guess(words []byte) (name string, poor bool) {
	best := 0
	for _, c := range candidates() {
		text, err := c.enc.NewDecoder().Bytes(words)
		if err != nil {
			continue
		}
		bits := price(string(text), c.languages)
		if name != "" {
			bits += costRare
		}
		bits += costDOS(c.name)
		if name == "" || bits < best {
			best, name = bits, c.name
		}
	}
	if name == "windows-1252" && euros(words) {
		name = "iso-8859-15"
	}
	return name, len(words) >= minJudged && best*4 >= 23*len(words)
}

// costDOS is what the code pages of DOS cost besides: Windows replaced them, and in a word or two their letters can be those of any other
// encoding, in that of Central Europe more often than in that of the West.
func costDOS(name string) int {
	const western, central = 3, 12
	switch name {
	case "ibm850":
		return western
	case "ibm852":
		return central
	}
	return 0
}

// euros reports whether words in windows-1252 rather are in ISO-8859-15. It has the euro where the other one has a sign for currencies that
// nobody writes, and no characters where that one has its own euro, quotes and dashes.
func euros(words []byte) bool {
	const sign = 0xA4
	return bytes.IndexByte(words, sign) >= 0 && !slices.ContainsFunc(words, func(b byte) bool { return b >= 0x80 && b < 0xA0 })
}

// price gives the bits of a text in the one of the languages in which it costs least.
func price(text, languages string) int {
	counts, fixed := tally(text)
	best := -1
	for language := range strings.FieldsSeq(languages) {
		bits, known := 0, costs(language)
		latin := known['e'] > 0
		for r, n := range counts {
			bits += n * letterCost(r, known, latin)
		}
		if best < 0 || bits < best {
			best = bits
		}
	}
	return best + fixed
}

func letterCost(r rune, known map[rune]int, latin bool) int {
	bits, ok := known[r]
	switch {
	case ok:
		return bits
	case r < utf8.RuneSelf && !latin:
		return costAlien
	case unicode.Is(unicode.Han, r) && known['一'] > 0, unicode.Is(unicode.Hangul, r) && known['이'] > 0:
		return costIdeogram
	}
	return costForeign
}

// tally counts the small letters of a text, and adds up what its other characters and its oddities cost in any language.
func tally(text string) (counts map[rune]int, bits int) {
	counts = map[rune]int{}
	var before, last kind
	for _, r := range text {
		kind := kindOf(r)
		if kind.letter() {
			counts[unicode.ToLower(r)]++
		} else {
			bits += symbolCost(r, kind)
		}
		bits += breakCost(before, last, kind)
		if r != '’' {
			before, last = last, kind
		}
	}
	open, closed := strings.Count(text, "«"), strings.Count(text, "»")
	return counts, bits + costBreak*max(open-closed, closed-open)
}

// kind is what a character is, as far as it matters for its neighbours.
type kind int

const (
	kindSpace kind = iota
	kindASCII      // a letter
	kindSmall      // a Latin letter beyond ASCII, small or without case
	kindCapital
	kindScript // a letter of another script that has no capitals, or is small
	kindScriptCapital
	kindIdeogram
	kindQuote
	kindSymbol
	kindInvalid
)

func (k kind) letter() bool { return k >= kindASCII && k <= kindIdeogram }

func kindOf(r rune) kind {
	switch {
	case r == utf8.RuneError, unicode.IsControl(r) && r >= utf8.RuneSelf, unicode.Is(unicode.Co, r):
		return kindInvalid
	case r < utf8.RuneSelf:
		if unicode.IsLetter(r) {
			return kindASCII
		}
		return kindSpace
	case unicode.IsLetter(r) || unicode.IsMark(r):
		return letterKind(r)
	case strings.ContainsRune("\u00a0«»„“”‘’‚–—…•·°§€£¤©®™№²³½×、。，・「」（）：；！？《》", r):
		return kindQuote
	}
	return kindSymbol
}

func letterKind(r rune) kind {
	upper := unicode.IsUpper(r)
	switch {
	case unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana):
		return kindIdeogram
	case unicode.Is(unicode.Latin, r) && upper:
		return kindCapital
	case unicode.Is(unicode.Latin, r):
		return kindSmall
	case upper:
		return kindScriptCapital
	}
	return kindScript
}

func symbolCost(r rune, k kind) int {
	switch k {
	case kindInvalid:
		return costInvalid
	case kindQuote:
		return costQuote
	case kindSpace:
		if r < '@' {
			return 0
		}
		return costAlien
	}
	return costSymbol
}

// breakCost looks at a character and the two before it.
func breakCost(before, last, k kind) int {
	switch {
	case last == kindSmall && k == kindCapital, last == kindScript && k == kindScriptCapital:
		return costBreak
	case last.latin() && k.script(), last.script() && k.latin():
		return costBreak
	case last.letter() && k == kindSymbol, last == kindSymbol && k.letter():
		return costBreak
	case before.alphabetic() && last == kindQuote && k.alphabetic():
		return costBreak
	}
	if k == kindCapital || k == kindScriptCapital {
		return costCapital
	}
	return 0
}

func (k kind) latin() bool { return k == kindASCII || k == kindSmall || k == kindCapital }

func (k kind) script() bool { return k == kindScript || k == kindScriptCapital }

func (k kind) alphabetic() bool { return k.latin() || k.script() }
