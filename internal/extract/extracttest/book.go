// Package extracttest keeps what a format gives, for the tests of formats.
package extracttest

import (
	"io"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// Book is an extract.Output that collects pages. The zero value takes all of them.
type Book struct {
	Expected int // as Expect was told
	Pages    []extract.Page
	Fail     error // what Page fails with, from the first page on that is one too many
	Enough   int   // how many pages are not too many
}

// Expect implements extract.Output.
func (b *Book) Expect(pages int) error {
	b.Expected = pages
	return nil
}

// Page implements extract.Output. It collects pages that are too many as well: whoever goes on after a failure is found out.
func (b *Book) Page(p extract.Page) error {
	b.Pages = append(b.Pages, p)
	if len(b.Pages) > b.Enough {
		return b.Fail
	}
	return nil
}

// Text gives the text of all pages, with nothing in between.
func (b *Book) Text() string { return strings.Join(b.Texts(), "") }

// Texts gives the text of each page.
func (b *Book) Texts() (all []string) {
	for _, p := range b.Pages {
		all = append(all, p.Text)
	}
	return all
}

// Labels gives what the document calls each page.
func (b *Book) Labels() (all []string) {
	for _, p := range b.Pages {
		all = append(all, p.Label)
	}
	return all
}

// Input is a document of that content and type.
func Input(content, contentType string) extract.Input {
	return extract.Input{SectionReader: io.NewSectionReader(strings.NewReader(content), 0, int64(len(content))), Type: contentType}
}

// Read reads a document that can be read.
func Read(t testing.TB, f extract.Format, content, contentType string) (*Book, satchel.Document) {
	t.Helper()
	var b Book
	doc, err := f.Extract(t.Context(), Input(content, contentType), &b)
	if err != nil {
		t.Fatalf("%s, %.100q: %v", contentType, content, err)
	}
	return &b, doc
}
