// Package markup reads what is marked up for people: HTML and XHTML, Markdown, and the words in SVG drawings. HTML becomes Markdown, with
// headings, lists, quotations, code and tables; what a reader of the page would not see is left out, and emphasis is, because it would stand
// in the way of whoever looks for words. Nothing is escaped, but bars in cells of tables.
package markup

import (
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/charset"
	"github.com/satchel-files/satchel/internal/extract/text"
)

// Limits of what is read as a whole.
const (
	maxSource = 32 << 20 // bytes of HTML or SVG in UTF-8
	maxTags   = 1 << 20  // of HTML, opening and closing ones
)

// Format reads markup. It keeps nothing between two documents.
type Format struct{}

var _ extract.Format = Format{}

// Types are those of HTML, XHTML, Markdown and SVG.
func (Format) Types() []string {
	return []string{"text/html", "application/xhtml+xml", "text/markdown", "image/svg+xml"}
}

// Extract gives the text, in one page if it is short, else in pages that begin with headings and are called after them.
func (Format) Extract(ctx context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	r, err := charset.NewReader(in, in.Size(), declared(in))
	if errors.Is(err, charset.ErrBinary) {
		return satchel.Document{}, extract.ErrUnsupported
	}
	if err != nil {
		return satchel.Document{}, err
	}
	var doc satchel.Document
	switch in.Type {
	case "text/markdown":
		doc, err = readMarkdown(ctx, r, in.Size(), out)
	case "image/svg+xml":
		doc, err = readSVG(ctx, r, out)
	default:
		doc, err = readHTML(ctx, r, out)
	}
	if r.Name != charset.UTF8 {
		property(&doc, "encoding", r.Name)
	}
	return doc, err
}

// encodingMark finds what a document declares: in an XML declaration, or in a meta element in either of its forms.
var encodingMark = regexp.MustCompile(`(?i)^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']|<meta\s[^>]*charset\s*=\s*["']?\s*([\w.:-]+)`)

func declared(in extract.Input) string {
	head := make([]byte, min(in.Size(), 4<<10))
	n, _ := in.ReadAt(head, 0)
	match := encodingMark.FindSubmatch(head[:n])
	if match == nil {
		return ""
	}
	return string(match[1]) + string(match[2])
}

// property adds a fact that a document says of itself.
func property(doc *satchel.Document, name, value string) {
	if value == "" {
		return
	}
	if doc.Properties == nil {
		doc.Properties = map[string]string{}
	}
	if doc.Properties[name] == "" {
		doc.Properties[name] = value
	}
}

// readAll reads a document that is small enough.
func readAll(r io.Reader) (string, error) {
	source, err := io.ReadAll(io.LimitReader(r, maxSource+1))
	if err == nil && len(source) > maxSource {
		err = tooComplex("it has more than 32 MiB")
	}
	return string(source), err
}

func tooComplex(what string) error {
	return satchel.Errorf(satchel.CodeDocumentTooComplex, "the document is too complex to be read: %s; split it into smaller documents", what)
}

// readHTML gives a page of HTML.
func readHTML(ctx context.Context, r io.Reader, out extract.Output) (satchel.Document, error) {
	source, err := readAll(r)
	if err != nil {
		return satchel.Document{Format: "html"}, err
	}
	markdown, doc, err := Convert(ctx, source)
	if err != nil {
		return doc, err
	}
	return doc, text.Pages(ctx, strings.NewReader(markdown), int64(len(markdown)), out, &headings{})
}
