package documents

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// wordsOf gives the words of a text: letters alone, in lower case and compatible form.
func wordsOf(text string) []string {
	return strings.FieldsFunc(strings.ToLower(norm.NFKC.String(text)), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
}

// What does not reach the text of a document that is made of a source: the block before it, the notes of a speaker, addresses of links, markup.
var (
	front  = regexp.MustCompile(`(?s)\A---\n.*?\n---\n`)
	notes  = regexp.MustCompile(`(?s)::: notes\n.*?:::`)
	link   = regexp.MustCompile(`\]\([^)]*\)`)
	maths  = regexp.MustCompile(`\$[^$]*\$`)
	about  = regexp.MustCompile(`(?s)<office:meta>.*</office:meta>`)
	markup = regexp.MustCompile(`<[^>]*>`)
)

// plainWords gives the different words of a source, at least four letters long, that reach a document.
func plainWords(text, kind string) []string {
	switch kind {
	case ".md":
		for _, what := range []*regexp.Regexp{front, notes, link, maths} {
			text = what.ReplaceAllString(text, " ")
		}
	case ".fods":
		text = markup.ReplaceAllString(about.ReplaceAllString(text, " "), " ")
	}
	words := slices.DeleteFunc(wordsOf(text), func(word string) bool { return len([]rune(word)) < 4 })
	slices.Sort(words)
	return slices.Compact(words)
}

func TestPlainWords(t *testing.T) {
	const source = "---\ntitle: Hidden\n---\n# Größe\n[see the list](https://kitchen.example/allergens) $\\beta$ *list*\n\n::: notes\nsecret\n:::\n"
	if got := strings.Join(plainWords(source, ".md"), " "); got != "größe list" {
		t.Errorf("%q", got)
	}
	if got := strings.Join(plainWords(`<office:meta>no</office:meta><a office:x="hidden">shown</a>`, ".fods"), " "); got != "shown" {
		t.Errorf("%q", got)
	}
}
