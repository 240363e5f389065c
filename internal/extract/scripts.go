package extract

import (
	"strings"
	"unicode"
)

// Superscript writes a text that stands above the line, so that it does not become one with the word before: in the digits and signs that
// Unicode has for that, m², or else in brackets, 1^(st). What is neither letter nor digit is apart from words already, and stays.
func Superscript(text string) string {
	return script(text, "^", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾")
}

// Subscript does that with a text below the line: H₂O, x_(max).
func Subscript(text string) string {
	return script(text, "_", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎")
}

// script writes a text in small signs, which are in the order of those here.
func script(text, mark, small string) string {
	const usual = "0123456789+-−=()"
	word := strings.TrimSpace(text)
	wordy := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	if !strings.ContainsFunc(word, wordy) || strings.HasPrefix(word, "[") || strings.Contains(word, "\n") {
		return text
	}
	before, after, _ := strings.Cut(text, word)
	if strings.Trim(word, usual) != "" {
		return before + mark + "(" + word + ")" + after
	}
	from, to := []rune(usual), []rune(small)
	return before + strings.Map(func(r rune) rune {
		for i := range from {
			if from[i] == r {
				return to[i]
			}
		}
		return r
	}, word) + after
}
