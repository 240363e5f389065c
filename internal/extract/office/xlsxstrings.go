package office

import (
	"errors"
	"strconv"
	"strings"
)

// sharedStrings are the texts that the cells of a workbook name by number. They stand one behind the other.
type sharedStrings struct {
	text []byte
	ends []uint32
}

func (s *sharedStrings) load(a *archive, name string) error {
	err := a.walk(name, "x:sst", func(e element) error {
		if e.name != "x:si" {
			return nil
		}
		text, err := richText(e)
		if err != nil {
			return err
		}
		s.text = append(s.text, text...)
		s.ends = append(s.ends, uint32(len(s.text))) //nolint:gosec // bounded below
		const each = 4
		if len(s.text)+each*len(s.ends) > a.strings {
			return a.fail(tooComplex("its table of texts takes more than %d MiB", a.strings/mebi))
		}
		return nil
	})
	if errors.Is(err, errNoPart) {
		return nil
	}
	return err
}

// at gives text number n, from 0, or "".
func (s *sharedStrings) at(n int) string {
	if n < 0 || n >= len(s.ends) {
		return ""
	}
	from := uint32(0)
	if n > 0 {
		from = s.ends[n-1]
	}
	return string(s.text[from:s.ends[n]])
}

// richText gives the text of a cell that has runs of its own looks, without how it is spoken.
func richText(e element) (string, error) {
	var b strings.Builder
	shift := onLine
	err := e.walk(func(e element) error {
		switch e.name {
		case "x:rPr":
			return e.walk(func(e element) error {
				if e.name == "x:vertAlign" {
					shift = scriptNamed(e.attr("val"))
				}
				return nil
			})
		case "x:t":
			text, err := e.text()
			b.WriteString(text)
			return err
		case "x:r":
			text, err := richText(e)
			b.WriteString(text)
			return err
		}
		return nil
	})
	return shift.write(tidy(unescape(b.String()))), err
}

// unescape reads _xHHHH_ as the character that it stands for.
func unescape(text string) string {
	before, rest, found := strings.Cut(text, "_x")
	if !found {
		return text
	}
	var b strings.Builder
	for found {
		b.WriteString(before)
		if n, err := strconv.ParseUint(rest[:min(len(rest), 4)], 16, 16); err == nil && len(rest) > 4 && rest[4] == '_' {
			b.WriteRune(rune(n))
			rest = rest[5:]
		} else {
			b.WriteString("_x")
		}
		before, rest, found = strings.Cut(rest, "_x")
	}
	b.WriteString(before)
	return b.String()
}
