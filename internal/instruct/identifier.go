package instruct

import (
	"slices"
	"strings"
	"unicode"
)

// Some keys name an identifier that has one form everywhere. What is not of it is the number of something else.

const wordsOfKind = 4 // of a description that says nothing but what the value is: "IBAN of the supplier", and not "IBAN or account number"

// identifies reports whether a text can be the identifier that a key or its short description names; true if they name none.
func identifies(key, description, text string) bool {
	words := wordsOf(key)
	if more := wordsOf(description); len(more) <= wordsOfKind {
		words = append(words, more...)
	}
	code := strings.ToUpper(foldText(text, asCode))
	for _, word := range words {
		if known, fits := identifierForm(word, text, code); known {
			return fits
		}
	}
	return true
}

// identifierForm reports whether a word names a kind of identifier, and whether a text, of which code is the letters and digits, has its form.
func identifierForm(word, text, code string) (known, fits bool) {
	digits := digitsIn(code)
	switch word {
	case "iban":
		return true, len(code) >= 15 && len(code) <= 34+len(word) && strings.ContainsFunc(code, unicode.IsLetter) && digits >= 10
	case "isbn":
		return true, digits == 9 || digits == 10 || digits == 12 || digits == 13
	case "issn":
		return true, digits == 7 || digits == 8
	case "doi":
		return true, strings.Contains(text, "10.") && strings.Contains(text, "/")
	case "ean", "gtin":
		return true, slices.Contains([]int{8, 12, 13, 14}, digits)
	case "bic", "swift":
		return true, len(code) >= 8 && len(code) <= 11+len(word) && !strings.ContainsFunc(code[:4], digit)
	}
	return false, false
}

func digitsIn(text string) int {
	n := 0
	for _, r := range text {
		if digit(r) {
			n++
		}
	}
	return n
}
