package pdf

import (
	"slices"
	"strings"
	"unicode"

	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"golang.org/x/text/unicode/bidi"
)

// class is which way characters are read.
type class int

const (
	neutral class = iota // punctuation and blanks
	digits               // left to right, but each number by itself
	left
	right // Hebrew, Arabic and their like
)

// unit is a neutral character, or others of one class that stand side by side, in the order in which they are read.
type unit struct {
	text  []rune
	class class
	index int     // of its first character, in the text page
	x     float64 // where that stands
}

// readRight says whether text has characters that are read from right to left.
func readRight(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return r >= '\u0590' && classOf(r) == right })
}

func classOf(r rune) class {
	properties, _ := bidi.LookupRune(r)
	switch properties.Class() {
	case bidi.R, bidi.AL:
		return right
	case bidi.L:
		return left
	case bidi.EN, bidi.AN:
		return digits
	default:
		return neutral
	}
}

// directed gives the text of a page that has characters that are read from right to left. PDFium orders the letters of their words, but
// leaves the words of a line from left to right, unless a setting of the document says otherwise, which few have; where the words stand
// tells whether it did.
func (d *document) directed(page references.FPDF_TEXTPAGE, count int) (string, error) {
	var out strings.Builder
	var line []unit
	for i := range count {
		char, err := d.pdfium.FPDFText_GetUnicode(&requests.FPDFText_GetUnicode{TextPage: page, Index: i})
		if err != nil {
			return "", err
		}
		r := rune(char.Unicode) //nolint:gosec // a code point
		if r != '\n' {
			line = extend(line, r, i)
			continue
		}
		if err := d.directLine(page, line, &out); err != nil {
			return "", err
		}
		out.WriteByte('\n')
		line = line[:0]
	}
	err := d.directLine(page, line, &out)
	return out.String(), err
}

// extend adds the character with an index to a line. Accents go with what they stand on, and what is neutral stands alone.
func extend(line []unit, r rune, index int) []unit {
	c := classOf(r)
	if last := len(line) - 1; last >= 0 && (c != neutral && line[last].class == c || unicode.Is(unicode.Mn, r)) {
		line[last].text = append(line[last].text, r)
		return line
	}
	return append(line, unit{text: []rune{r}, class: c, index: index})
}

// directLine writes a line in the order in which it is read.
func (d *document) directLine(page references.FPDF_TEXTPAGE, line []unit, out *strings.Builder) error {
	if slices.ContainsFunc(line, func(u unit) bool { return u.class == right }) {
		for i := range line {
			box, err := d.pdfium.FPDFText_GetCharBox(&requests.FPDFText_GetCharBox{TextPage: page, Index: line[i].index})
			if err == nil {
				line[i].x = box.Left
			} else if crashed(err) {
				return err
			}
		}
		if asSeen(line) {
			asRead(line)
		}
	}
	for _, u := range line {
		out.WriteString(string(u.text))
	}
	return nil
}

// asSeen says whether words that are read from right to left stand from left to right.
func asSeen(line []unit) bool {
	rising, before := 0, -1
	for i, u := range line {
		if u.class == neutral {
			continue
		}
		if before >= 0 && (u.class == right || line[before].class == right) {
			if u.x > line[before].x {
				rising++
			} else {
				rising--
			}
		}
		before = i
	}
	return rising > 0
}

// asRead puts a line that is ordered as it is seen, from left to right, into the order in which it is read. Of two directions in a line,
// the one with more letters is the line's, and what goes the other way is an insertion.
func asRead(line []unit) {
	letters := map[class]int{}
	for _, u := range line {
		letters[u.class] += len(u.text)
	}
	if letters[right] >= letters[left] {
		turn(line)
		return
	}
	for from := 0; from < len(line); from++ {
		if line[from].class != right {
			continue
		}
		to := from
		for i := from; i < len(line) && line[i].class != left; i++ {
			if line[i].class == right {
				to = i
			}
		}
		turn(line[from : to+1])
		from = to
	}
}

// turn turns the order of units around, except within insertions that are read from left to right.
func turn(line []unit) {
	slices.Reverse(line)
	for from := 0; from < len(line); from++ {
		if line[from].class != left && line[from].class != digits {
			continue
		}
		to := from
		for i := from + 1; i < len(line) && line[i].class != right; i++ {
			if line[i].class != neutral && joined(line[to:i+1]) {
				to = i
			}
		}
		slices.Reverse(line[from : to+1])
		from = to
	}
}

// joined says whether two units with something neutral between them, or nothing, make one insertion: words do, but of numbers only the
// parts of one.
func joined(units []unit) bool {
	first, last := units[0], units[len(units)-1]
	if first.class == left || last.class == left || len(units) == 2 {
		return true
	}
	return len(units) == 3 && strings.ContainsRune(",.:/-+'’", units[1].text[0])
}
