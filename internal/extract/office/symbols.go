package office

import (
	"strconv"
	"strings"
)

// The characters that the font Symbol has from 0x20 and from 0xA0; a space stands where there is none.
const (
	symbolLow  = " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_ αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼ "
	symbolHigh = "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…  ↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊〈   ∑"
)

// symbol gives the character that a font of symbols shows for a code, in hexadecimal. Those that nobody has a word for give nothing.
func symbol(font, code string) string {
	n, err := strconv.ParseUint(code, 16, 32)
	if err != nil {
		return ""
	}
	return drawnSymbol(font, rune(n)) //nolint:gosec // at most 32 bits, and looked at before use
}

// drawnSymbol is symbol for a character of a text, where such fonts have theirs from U+F000.
func drawnSymbol(font string, r rune) string {
	private := r >= 0xf000 && r <= 0xf0ff
	if !private && r > 0xff {
		return tidy(string(r))
	}
	low := r & 0xff
	switch font = strings.ToLower(font); {
	case strings.HasPrefix(font, "wingdings"), strings.HasPrefix(font, "webdings"):
		return wingding(font, low)
	case font == "symbol" || private:
		return greek(low)
	}
	return tidy(string(r))
}

func greek(low rune) string {
	table, at := []rune(symbolLow), int(low-0x20)
	if low >= 0xa0 {
		table, at = []rune(symbolHigh), int(low-0xa0)
	}
	if at < 0 || at >= len(table) || table[at] == ' ' {
		return ""
	}
	return string(table[at])
}

// wingding knows the ticks, boxes, bullets and arrows that forms and lists are made of.
func wingding(font string, low rune) string {
	if font != "wingdings" {
		return ""
	}
	switch low {
	case 0x4a:
		return "☺"
	case 0x6c, 0x9f:
		return "●"
	case 0x6e, 0xa7:
		return "■"
	case 0x6f, 0xa8, 0x71, 0x72:
		return "☐"
	case 0xfb:
		return "✗"
	case 0xfc:
		return "✓"
	case 0xfd:
		return "☒"
	case 0xfe:
		return "☑"
	case 0xdf, 0xe7:
		return "←"
	case 0xe0, 0xe8:
		return "→"
	}
	return ""
}

// fromSymbols replaces the characters of a text in a font of symbols.
func fromSymbols(font, text string) string {
	private := func(r rune) bool { return r >= 0xf000 && r <= 0xf0ff }
	if strings.IndexFunc(text, private) < 0 {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		if private(r) {
			b.WriteString(drawnSymbol(font, r))
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}
