package extract

import "strings"

const maxAddress = 200 // bytes of a link's address; longer ones are seldom for people

// Link writes a text that leads to an address, as Markdown does, if the address means something outside of the document and the text does
// not say it already. Text of several lines is left alone.
func Link(text, address string) string {
	word := strings.TrimSpace(text)
	if word == "" || strings.ContainsAny(word, "\n\f") || !Meaningful(address) || sameAddress(word, address) {
		return text
	}
	before, after, _ := strings.Cut(text, word)
	return before + "[" + word + "](" + address + ")" + after
}

// Meaningful reports whether an address is one that people can use, and not a place within the document.
func Meaningful(address string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(address), ":")
	switch scheme {
	case "http", "https", "mailto", "tel", "ftp":
		return ok && len(address) <= maxAddress && !strings.ContainsAny(address, " \t\r\n<>")
	}
	return false
}

// sameAddress reports whether a text is an address, but for what people leave out.
func sameAddress(text, address string) bool {
	bare := func(s string) string {
		for _, start := range []string{"mailto:", "tel:", "https://", "http://", "www."} {
			s = strings.TrimPrefix(s, start)
		}
		return strings.TrimSuffix(s, "/")
	}
	return strings.EqualFold(bare(text), bare(address))
}
