package main

import (
	"cmp"
	"html"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// bag is how often each token stands in a text.
type bag map[string]int

// number finds digits with the separators between them.
var number = regexp.MustCompile(`\d+(?:[.,]\d+)*`)

// wordsIn gives the words of a text: letters with their marks, in lower case and compatible form. Soft hyphens do not part them.
func wordsIn(text string) bag {
	b := bag{}
	for word := range strings.FieldsFuncSeq(plain(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) }) {
		b[word]++
	}
	return b
}

// numbersIn gives the numbers of a text as they are written.
func numbersIn(text string) bag {
	b := bag{}
	for _, n := range number.FindAllString(plain(text), -1) {
		b[n]++
	}
	return b
}

func plain(text string) string {
	return strings.ReplaceAll(strings.ToLower(norm.NFKC.String(text)), "\u00ad", "")
}

func (b bag) size() int {
	n := 0
	for _, count := range b {
		n += count
	}
	return n
}

// common counts the tokens that two texts share, each as often as it stands in both.
func (b bag) common(other bag) int {
	n := 0
	for token, count := range b {
		n += min(count, other[token])
	}
	return n
}

// without gives the tokens that stand more often here than in the other text, the longest first.
func (b bag) without(other bag) []string {
	var all []string
	for _, token := range slices.SortedFunc(maps.Keys(b), func(a, c string) int { return cmp.Or(cmp.Compare(len(c), len(a)), cmp.Compare(a, c)) }) {
		if b[token] > other[token] {
			all = append(all, token)
		}
	}
	return all
}

// share is how two texts agree: what they have in common, of all that each has.
type share struct{ common, ours, theirs int }

func compareBags(ours, theirs bag) share {
	return share{ours.common(theirs), ours.size(), theirs.size()}
}

func (s share) add(more share) share {
	return share{s.common + more.common, s.ours + more.ours, s.theirs + more.theirs}
}

// recall is how much of theirs we have; precision, how much of ours they have. Of nothing it is all.
func (s share) recall() float64    { return ratio(s.common, s.theirs) }
func (s share) precision() float64 { return ratio(s.common, s.ours) }

func ratio(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

// What LibreOffice's HTML has around the text.
var (
	head = regexp.MustCompile(`(?s)<head>.*?</head>|<HEAD>.*?</HEAD>`)
	tag  = regexp.MustCompile(`<[^>]*>`)
)

// htmlText gives the text of HTML as LibreOffice writes it.
func htmlText(page string) string {
	return html.UnescapeString(tag.ReplaceAllString(head.ReplaceAllString(page, " "), " "))
}

// link finds the address in a link of Markdown, which no other program's text has; the words that people see stay.
var link = regexp.MustCompile(`\]\([^()\s]*\)`)

// ourText takes out of our text what is Markdown and would count as words.
func ourText(text string) string {
	return strings.ReplaceAll(link.ReplaceAllString(text, "]"), `\`, "")
}
