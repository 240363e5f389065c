// Package text reads what is text already: plain text in any encoding, source code, logs, CSV and TSV, JSON, XML, YAML and their like. The
// text stays as it is as far as that can be read: escapes of JSON become the characters that they stand for, small tables become Markdown,
// and XML becomes an outline. What is long is cut into pages, and never in memory as a whole.
package text

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/charset"
)

// Limits in bytes, of the text in UTF-8. What is longer is read as plain text is: as it stands, in pages.
const (
	maxTable = 64 << 10  // of a CSV that becomes a table
	maxJSON  = 256 << 10 // of JSON that is indented
	maxXML   = 8 << 20   // of XML that becomes an outline
)

// Format reads text. It keeps nothing between two documents.
type Format struct{}

var _ extract.Format = Format{}

// Types are those of extract.TextTypes.
func (Format) Types() []string { return extract.TextTypes() }

// Extract gives the text, in one page if it is short. Pages that end with a form feed stay pages.
func (Format) Extract(ctx context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	doc := satchel.Document{Format: name(in.Type)}
	r, err := charset.NewReader(in, in.Size(), declared(in))
	if errors.Is(err, charset.ErrBinary) {
		return doc, extract.ErrUnsupported
	}
	if err != nil {
		return doc, err
	}
	if r.Name != charset.UTF8 {
		doc.Properties = map[string]string{"encoding": r.Name}
	}
	p := pager{out, in.Size()}
	switch doc.Format {
	case "csv", "tsv":
		err = p.table(ctx, r, doc.Format == "tsv")
	case "json", "jsonl":
		err = p.json(ctx, r, doc.Format == "jsonl")
	case "xml":
		err = p.xml(ctx, r, &doc)
	default:
		err = p.pages(ctx, r, &lineMarks{})
	}
	return doc, err
}

// name gives the short name of a format.
func name(contentType string) string {
	_, subtype, _ := strings.Cut(contentType, "/")
	switch {
	case subtype == "plain":
		return "text"
	case subtype == "tab-separated-values":
		return "tsv"
	case subtype == "x-ndjson":
		return "jsonl"
	case subtype == "x-subrip":
		return "srt"
	case strings.HasSuffix(subtype, "json"):
		return "json"
	case strings.HasSuffix(subtype, "xml"), subtype == "x-amf":
		return "xml"
	}
	return strings.TrimPrefix(subtype, "x-")
}

var xmlEncoding = regexp.MustCompile(`^\s*<\?xml[^>]*\sencoding\s*=\s*["']([\w.:-]+)["']`)

// declared gives the encoding that an XML declaration names.
func declared(in extract.Input) string {
	head := make([]byte, min(in.Size(), 256))
	n, _ := in.ReadAt(head, 0)
	if match := xmlEncoding.FindSubmatch(head[:n]); match != nil {
		return string(match[1])
	}
	return ""
}

// short gives a text if it has at most limit bytes, and else its beginning and all of it to be read.
func short(r io.Reader, limit int) (text string, all io.Reader, err error) {
	head, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
	if err == nil && len(head) > limit {
		all = io.MultiReader(bytes.NewReader(head), r)
	}
	return string(head), all, err
}
