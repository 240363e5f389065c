// Package documents makes documents of many formats out of nothing, for measuring what becomes of them: a bench must run on a machine that
// has none. They are small and plain, but whole: programs that read their format read them.
package documents

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Document is a file to upload.
type Document struct {
	Name    string // with the usual ending
	Type    string // the content type that a browser sends with it
	Content []byte
	Pages   int  // that were written
	Paged   bool // they are pages, slides or sheets to whoever reads it, not only so much text
}

// pageWords is how many words stand on a page, and rows how many rows of six cells.
const (
	pageWords = 400
	rows      = 50
)

// kind is a format: how its files are called, and how one with so many pages is written.
type kind struct {
	ending, media string
	paged         bool
	write         func(a *author, pages int) []byte
}

// kinds are all formats by their names.
func kinds() map[string]kind {
	const office = "application/vnd.openxmlformats-officedocument."
	return map[string]kind{
		"pdf":      {"pdf", "application/pdf", true, writePDF},
		"docx":     {"docx", office + "wordprocessingml.document", true, writeDOCX},
		"pptx":     {"pptx", office + "presentationml.presentation", true, writePPTX},
		"xlsx":     {"xlsx", office + "spreadsheetml.sheet", true, writeXLSX},
		"html":     {"html", "text/html", false, writeHTML},
		"text":     {"txt", "text/plain", true, writeText},
		"markdown": {"md", "text/markdown", false, writeMarkdown},
		"csv":      {"csv", "text/csv", false, writeCSV},
		"json":     {"json", "application/json", false, writeJSON},
		"mail":     {"eml", "message/rfc822", false, writeMail},
	}
}

// Formats gives the names of all formats, sorted.
func Formats() []string { return slices.Sorted(maps.Keys(kinds())) }

// Make makes a document of one of the Formats. A page has 400 words, a sheet 50 rows of six cells, a slide 60 words. The same arguments give
// the same bytes, another seed other words.
func Make(format string, pages int, seed uint64) Document {
	k := kinds()[format]
	a := &author{rand.New(rand.NewPCG(seed, uint64(pages))), strings.Fields(vocabulary)}
	return Document{
		Name: fmt.Sprintf("%s-%d.%s", format, seed, k.ending), Type: k.media, Content: k.write(a, pages), Pages: pages, Paged: k.paged,
	}
}

// vocabulary is what the author knows. Length and mix of the words are about those of a letter in English.
const vocabulary = `the of the and to the in a of the and to in a is that for it as was with be by on not this are or from at which but have an had they
you were their one all we can her has there been if more when will would who so no out up into do any your what other time about than its only could
new them man some these then two first may such like our over even most me state after also made many did must before back through years where much
way well down should because each just those people how too little good very make world still own see work long get here between both life being
under never day same another know while last might us great old year off come since against go came right used take three amount invoice delivery
contract payment number report meeting office customer account agreement quarter schedule material machine station valley engineer committee
laboratory measurement temperature reading paragraph appendix summary estimate warranty signature address winter morning copper timber harbour`

// author writes words that mean nothing.
type author struct {
	*rand.Rand
	known []string
}

// words gives n words; one in twenty is a number.
func (a *author) words(n int) []string {
	all := make([]string, n)
	for i := range all {
		if a.IntN(20) == 0 {
			all[i] = a.number()
		} else {
			all[i] = a.known[a.IntN(len(a.known))]
		}
	}
	return all
}

func (a *author) number() string { return fmt.Sprintf("%d.%02d", a.IntN(100_000), a.IntN(100)) }

func (a *author) date() string {
	return fmt.Sprintf("%d-%02d-%02d", 2000+a.IntN(27), 1+a.IntN(12), 1+a.IntN(28))
}

// sentences gives n words as sentences.
func (a *author) sentences(n int) string {
	var s strings.Builder
	for n > 0 {
		length := min(n, 6+a.IntN(16))
		text := strings.Join(a.words(length), " ")
		s.WriteString(strings.ToUpper(text[:1]) + text[1:] + ". ")
		n -= length
	}
	return strings.TrimSuffix(s.String(), " ")
}

// paragraphs gives n words in five paragraphs.
func (a *author) paragraphs(n int) []string {
	const many = 5
	all := make([]string, many)
	for i := range all {
		all[i] = a.sentences(n / many)
	}
	return all
}

// heading gives a line that stands above a page.
func (a *author) heading() string { return strings.TrimSuffix(a.sentences(5), ".") }
