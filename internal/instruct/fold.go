package instruct

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// form is how much of a text's looks folding gives up. Each gives up what the one before it does, and more.
type form int

const (
	asText  form = iota // case, width, diacritics, ligatures, kinds of spaces, quotes and dashes, hyphens inside words, marks of Markdown
	asWords             // and all punctuation: what remains are words with one blank between them
	asCode              // and the blanks: what remains are letters and digits
	forms               // how many there are
)

// folded is a text in one form, with the way back to the original: for every byte of text where the character that it came from begins and
// ends in the original. Offsets are 32 bits wide: originals are parts of pages, far below 2 GiB.
type folded struct {
	text     string
	from, to []int32
}

// span is a slice of an original text: bytes from start up to end.
type span struct{ start, end int }

// fold makes the form of s. Matching two texts in one form compares them without what the form gives up.
func fold(s string, f form) folded {
	o := folder{original: s, form: f, out: make([]byte, 0, len(s)), from: make([]int32, 0, len(s)), to: make([]int32, 0, len(s))}
	for o.at < len(s) {
		o.next()
	}
	return folded{string(o.out), o.from, o.to}
}

// foldText is fold for a text whose places do not matter.
func foldText(s string, f form) string { return fold(s, f).text }

type folder struct {
	original string
	form     form
	at       int // in original
	out      []byte
	from, to []int32
	last     rune // the last rune of out; 0: none
	gap      bool // white space was seen since
	buffer   []byte
}

// next folds one rune of the original.
func (o *folder) next() {
	r, size := utf8.DecodeRuneInString(o.original[o.at:])
	start := o.at
	o.at += size
	switch {
	case r < utf8.RuneSelf:
		o.take(r, start)
	case r == utf8.RuneError: // a part of a character
		o.take(r, start)
	case superscript(r): // a footnote or an exponent, not one more digit
		o.gap = true
	default:
		o.buffer = norm.NFKD.AppendString(o.buffer[:0], o.original[start:o.at])
		for part := o.buffer; len(part) > 0; {
			r, size := utf8.DecodeRune(part)
			o.take(r, start)
			part = part[size:]
		}
	}
}

// take folds one rune of a decomposed character.
func (o *folder) take(r rune, start int) {
	switch r = plain(r); {
	case r == dropped:
	case diacritic(r):
		if n := len(o.to); n > 0 && !o.gap {
			o.to[n-1] = int32(o.at) //nolint:gosec // see folded
		}
	case unicode.IsSpace(r) || r == '|':
		o.gap = true
	case wordRune(r):
		o.emit(unicode.ToLower(r), start)
	case r == '-' && o.joins():
	case o.form == asText:
		o.emit(r, start)
	default:
		o.gap = true
	}
}

// joins reports whether the hyphen just read stands inside a word, and skips the line break behind it if the word is parted there.
func (o *folder) joins() bool {
	if o.gap || !unicode.IsLetter(o.last) {
		return false
	}
	rest := o.original[o.at:]
	if line, ok := strings.CutPrefix(strings.TrimLeft(rest, " \r\t"), "\n"); ok {
		rest = strings.TrimLeft(line, " \t")
	}
	if r, _ := utf8.DecodeRuneInString(rest); !unicode.IsLetter(r) {
		return false
	}
	o.at = len(o.original) - len(rest)
	return true
}

// emit writes one rune, after the blank that is due.
func (o *folder) emit(r rune, start int) {
	if o.gap && o.last != 0 && o.form != asCode && (!unspaced(o.last) || !unspaced(r)) {
		o.write(' ', start)
	}
	o.gap, o.last = false, r
	switch r {
	case 'ß':
		o.write('s', start)
		o.write('s', start)
	case 'ς':
		o.write('σ', start)
	default:
		o.write(r, start)
	}
}

func (o *folder) write(r rune, start int) {
	before := len(o.out)
	o.out = utf8.AppendRune(o.out, r)
	for range len(o.out) - before {
		o.from = append(o.from, int32(start)) //nolint:gosec // see folded
		o.to = append(o.to, int32(o.at))      //nolint:gosec // see folded
	}
}

const dropped = -1

// plain gives the one rune that stands for all quotes, dashes and the like of a kind, and dropped for what nobody sees or means.
func plain(r rune) rune {
	switch r {
	case '\u00ad', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '*', '`', '\\', '_':
		return dropped
	case '‘', '’', '‚', '‛', '′', '´', 'ʼ':
		return '\''
	case '“', '”', '„', '‟', '«', '»', '‹', '›', '″':
		return '"'
	case '‐', '‑', '‒', '–', '—', '―', '−':
		return '-'
	}
	return r
}

func superscript(r rune) bool {
	return r == '¹' || r == '²' || r == '³' || r == '⁰' || r >= '⁴' && r <= '⁹'
}

// diacritic reports the marks that are given up: those of the European scripts. In others a mark can be half of the letter.
func diacritic(r rune) bool { return r >= 0x300 && r <= 0x36f }

func wordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsMark(r)
}

// unspaced reports letters of scripts that put no spaces between words.
func unspaced(r rune) bool {
	return r >= 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// occurrences gives the places of needle, which is in the same form, in the original: whole words only, at most limit.
func (f folded) occurrences(original, needle string, limit int) []span {
	var found []span
	for at := 0; needle != "" && len(found) < limit; {
		i := strings.Index(f.text[at:], needle)
		if i < 0 {
			break
		}
		i += at
		place := f.original(span{i, i + len(needle)})
		if standsAlone(original, place) {
			found = append(found, place)
		}
		_, size := utf8.DecodeRuneInString(f.text[i:])
		at = i + size
	}
	return found
}

// original gives the place in the original of a place in the folded text, which is not empty.
func (f folded) original(s span) span { return span{int(f.from[s.start]), int(f.to[s.end-1])} }

// standsAlone reports whether a slice of text is not a part of a longer word or number.
func standsAlone(text string, s span) bool {
	first, _ := utf8.DecodeRuneInString(text[s.start:s.end])
	last, _ := utf8.DecodeLastRuneInString(text[s.start:s.end])
	before, size := utf8.DecodeLastRuneInString(text[:s.start])
	after, next := utf8.DecodeRuneInString(text[s.end:])
	if grown(before, first) || grown(last, after) {
		return false
	}
	if digit(first) && (before == '.' || before == ',') {
		further, _ := utf8.DecodeLastRuneInString(text[:s.start-size])
		return !digit(further)
	}
	if digit(last) && (after == '.' || after == ',') {
		further, _ := utf8.DecodeRuneInString(text[s.end+next:])
		return !digit(further)
	}
	return true
}

// grown reports whether two neighbours belong to one word.
func grown(a, b rune) bool { return wordRune(a) && wordRune(b) && !unspaced(a) && !unspaced(b) }

func digit(r rune) bool { return r >= '0' && r <= '9' }

// composed gives a text whose characters have one form each, without losing a diacritic.
func composed(s string) string { return norm.NFKC.String(s) }

// oneLine writes text with single spaces for all that separates words.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
