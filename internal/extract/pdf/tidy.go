package pdf

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// tidy makes text of what PDFium gives: lines end with LF alone and without blanks, words that were divided at the end of a line are whole
// again, and what is neither a character nor a line's end is gone.
func tidy(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	for i, r := range text {
		switch {
		case r == '\u00ad':
			hyphen(&out, text[i+len("\u00ad"):])
		case r == '\uf0b7': // the bullet of the Symbol font, which has no code of its own
			out.WriteRune('•')
		case r == '\n', r == '\t':
			out.WriteRune(r)
		case r == '\f', r == '\v', r == '\u2028', r == '\u2029':
			out.WriteByte('\n')
		case !dropped(r):
			out.WriteRune(r)
		}
	}
	return trimLines(out.String())
}

// hyphen writes a soft hyphen: where the line goes on it was drawn, so it is one to be seen. At the end of a line it is nothing, for there
// PDFium puts the halves of the word together.
func hyphen(out *strings.Builder, rest string) {
	if rest != "" && rest[0] != '\r' && rest[0] != '\n' {
		out.WriteByte('-')
	}
}

// dropped says what stands for no character: controls, and PDFium's two marks for hyphens that divide words, U+0002 and U+FFFE.
func dropped(r rune) bool {
	return unicode.IsControl(r) || r&0xfffe == 0xfffe || r == '\ufeff'
}

// trimLines takes blanks from the ends of lines, and empty lines from both ends of the text.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}

// phrase makes one line of a value that a document gives, of at most limit bytes.
func phrase(value string, limit int) string {
	value = strings.Join(strings.Fields(tidy(value)), " ")
	if len(value) <= limit {
		return value
	}
	for !utf8.RuneStart(value[limit]) {
		limit--
	}
	return strings.TrimSpace(value[:limit])
}

// join puts parts of a text below one another, with an empty line between them.
func join(parts ...string) string {
	var out strings.Builder
	for _, part := range parts {
		if part != "" && out.Len() > 0 {
			out.WriteString("\n\n")
		}
		out.WriteString(part)
	}
	return out.String()
}
