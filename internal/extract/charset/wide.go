package charset

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// mark gives the byte order mark with which a text begins.
func mark(head []byte) []byte {
	for _, m := range []string{"\xEF\xBB\xBF", "\xFF\xFE\x00\x00", "\x00\x00\xFE\xFF", "\xFF\xFE", "\xFE\xFF"} {
		if bytes.HasPrefix(head, []byte(m)) {
			return head[:len(m)]
		}
	}
	return nil
}

// marked names the encoding that a byte order mark stands for.
func marked(m []byte) string {
	switch {
	case len(m) == 3:
		return UTF8
	case len(m) == 4 && m[0] == 0xFF:
		return "utf-32le"
	case len(m) == 4:
		return "utf-32be"
	case m[0] == 0xFF:
		return "utf-16le"
	}
	return "utf-16be"
}

// wide names the encoding of a text in UTF-16 or UTF-32 that has no mark; "" for any other. Read in the wrong order, the spaces of a text
// are no spaces, and its line ends no characters at all.
func wide(head []byte) string {
	if !slices.ContainsFunc(head, func(b byte) bool { return b < '\t' }) {
		return "" // nothing that any text in one byte a character could not have
	}
	best, name := 0, ""
	for _, c := range []struct {
		name   string
		decode func([]byte) []rune
	}{
		{"utf-32le", func(b []byte) []rune { return runes32(b, binary.LittleEndian) }},
		{"utf-32be", func(b []byte) []rune { return runes32(b, binary.BigEndian) }},
		{"utf-16le", func(b []byte) []rune { return runes16(b, binary.LittleEndian) }},
		{"utf-16be", func(b []byte) []rune { return runes16(b, binary.BigEndian) }},
	} {
		if n := usual(c.decode(head[:min(len(head), maxWords)])); n > best {
			best, name = n, c.name
		}
	}
	return name
}

func runes16(text []byte, order binary.ByteOrder) []rune {
	units := make([]uint16, len(text)/2)
	for i := range units {
		units[i] = order.Uint16(text[2*i:])
	}
	return utf16.Decode(units)
}

func runes32(text []byte, order binary.ByteOrder) []rune {
	runes := make([]rune, len(text)/4)
	for i := range runes {
		runes[i] = utf8.RuneError
		if u := order.Uint32(text[4*i:]); u <= unicode.MaxRune {
			runes[i] = rune(u)
		}
	}
	return runes
}

// usual counts the characters that are in every text: letters and digits of ASCII, spaces, line ends, and the punctuation of East Asia. It
// gives 0 if there are others that no text has, if less than one in a hundred is usual, and if the others are in the majority and do not go
// together: bytes that are no UTF-16 look like any signs of any scripts.
func usual(runes []rune) int {
	usual, strange := 0, 0
	var beyond []rune
	for _, r := range runes {
		switch {
		case strings.ContainsRune(" \n\r\t\f、。，", r), r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			usual++
		case r < ' ':
			return 0
		case r == utf8.RuneError, !unicode.IsGraphic(r) && !unicode.Is(unicode.Cf, r):
			strange++
		case r >= utf8.RuneSelf && unicode.IsLetter(r):
			beyond = append(beyond, r)
		}
	}
	switch {
	case len(runes) < 3, strange*100 > len(runes), usual*100 < len(runes), usual*2 < len(runes) && !coherent(beyond):
		return 0
	}
	return usual
}

// coherent reports whether four of five letters are of East Asia, and one in seven of the most common ones there, or four of five stand in
// the same part of Unicode, as the letters of any other script do.
func coherent(signs []rune) bool {
	blocks := map[rune]int{}
	most := 0
	for _, r := range signs {
		block := r >> 8
		if kindOf(r) == kindIdeogram {
			block = -1
		} else if unicode.Is(unicode.Latin, r) {
			block = 0
		}
		blocks[block]++
		most = max(most, blocks[block])
	}
	if most*5 < len(signs)*4 {
		return false
	}
	if blocks[-1]*2 < len(signs) {
		return true
	}
	common, known := 0, letters("zh")+letters("zh-Hant")+letters("ja")+letters("ko")
	for _, r := range signs {
		if strings.ContainsRune(known, r) {
			common++
		}
	}
	return common*7 >= blocks[-1]
}
