package office

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/extracttest"
)

// parts are the names and contents of an archive's files, in their order: name, content, name, content …
type parts []string

// pack makes the archive.
func (p parts) pack(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(p); i += 2 {
		w, err := z.Create(p[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, p[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const (
	xmlHead  = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	relTypes = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
	ooxmlNS  = ` xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"` +
		` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"` +
		` xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"` +
		` xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"` +
		` xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"` +
		` xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"` +
		` xmlns:xdr="http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"` +
		` xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"` +
		` xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"` +
		` xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"` +
		` xmlns:v="urn:schemas-microsoft-com:vml"`
)

// rels makes a list of relations: id, type, target …
func rels(list ...string) string {
	var b strings.Builder
	b.WriteString(xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`)
	for i := 0; i < len(list); i += 3 {
		kind := relTypes + list[i+1]
		if list[i+1] == "core-properties" {
			kind = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
		}
		b.WriteString(`<Relationship Id="` + list[i] + `" Type="` + kind + `" Target="` + list[i+2] + `"/>`)
	}
	return b.String() + `</Relationships>`
}

// office makes a package whose main part has the name main: what it leads to has the relation type of its folder's or own name.
func office(main, content string, more ...string) parts {
	list := []string{"doc", "officeDocument", main}
	var own []string
	for i := 0; i < len(more); i += 2 {
		switch name := more[i]; {
		case name == "docProps/core.xml":
			list = append(list, "core", "core-properties", name)
		case name == "docProps/app.xml":
			list = append(list, "app", "extended-properties", name)
		case path.Ext(name) == ".rels":
		default:
			id := strings.TrimSuffix(path.Base(name), ".xml")
			own = append(own, id, strings.TrimRight(id, "0123456789"), "/"+name)
		}
	}
	p := parts{"_rels/.rels", rels(list...), main, content, path.Join(path.Dir(main), "_rels", path.Base(main)+".rels"), rels(own...)}
	return append(p, more...)
}

// docx makes a document of Word with that body. Further parts are named as Word does.
func docxFile(body string, more ...string) parts {
	return office("word/document.xml", xmlHead+`<w:document`+ooxmlNS+`><w:body>`+body+`</w:body></w:document>`, more...)
}

// p is a paragraph with one run, text a run.
func p(text string) string   { return `<w:p>` + run(text) + `</w:p>` }
func run(text string) string { return `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r>` }

// result is what a Format gave.
type result struct {
	extracttest.Book
	doc satchel.Document
}

// text joins the pages.
func (r *result) text() string { return strings.Join(r.Texts(), "\n=====\n") }

func formatNamed(t testing.TB, name string) *format {
	t.Helper()
	for _, f := range Formats() {
		if f, ok := f.(*format); ok && f.name == name {
			return f
		}
	}
	t.Fatalf("no format %q", name)
	return nil
}

// extractBytes reads a document with a Format.
func extractBytes(f extract.Format, content []byte) (*result, error) {
	r := &result{}
	in := extract.Input{SectionReader: io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))), Type: f.Types()[0]}
	doc, err := f.Extract(context.Background(), in, r)
	r.doc = doc
	return r, err
}

// mustRead reads a document that is in order.
func mustRead(t testing.TB, name string, p parts) *result {
	t.Helper()
	r, err := extractBytes(formatNamed(t, name), p.pack(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// wantText compares the text of all pages with what is wanted.
func wantText(t *testing.T, r *result, want string) {
	t.Helper()
	if got := r.text(); got != want {
		t.Errorf("got:\n%s\n--- want:\n%s", got, want)
	}
}

// wantLabels compares the labels of the pages.
func wantLabels(t *testing.T, r *result, want ...string) {
	t.Helper()
	got := r.Labels()
	if strings.Join(got, "|") != strings.Join(want, "|") {
		t.Errorf("labels %q, want %q", got, want)
	}
}
