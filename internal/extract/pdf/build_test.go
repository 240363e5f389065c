package pdf_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/extracttest"
	"github.com/satchel-files/satchel/internal/extract/pdf"
)

// builder makes a PDF, object by object. Object 1 is the catalog, 2 the root of the pages, 3 the font /F1.
type builder struct {
	objects []string // by number, from 1; empty: to come
	kids    []int    // the pages
	catalog string   // further entries of the catalog
	pages   string   // in place of the usual root of the pages
	info    string   // the entries of the document's information
}

func newBuilder() *builder {
	b := &builder{}
	b.add("")
	b.add("")
	b.add("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>")
	return b
}

// add adds an object and gives its number.
func (b *builder) add(body string) int {
	b.objects = append(b.objects, body)
	return len(b.objects)
}

// stream adds a stream. Its dictionary has the length already.
func (b *builder) stream(dictionary, content string) int {
	return b.add(fmt.Sprintf("<</Length %d%s>>stream\n%s\nendstream", len(content), dictionary, content))
}

// page adds an A4 page with that content and further entries of its dictionary.
func (b *builder) page(content, entries string) int {
	return b.pageWith(b.stream("", content), entries)
}

func (b *builder) pageWith(content int, entries string) int {
	n := b.add(fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R%s>>", content, entries))
	b.kids = append(b.kids, n)
	return n
}

// bytes gives the file.
func (b *builder) bytes() []byte {
	kids := ""
	for _, n := range b.kids {
		kids += fmt.Sprintf(" %d 0 R", n)
	}
	b.objects[0] = "<</Type/Catalog/Pages 2 0 R" + b.catalog + ">>"
	b.objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(b.kids), kids)
	if b.pages != "" {
		b.objects[1] = b.pages
	}
	trailer := "/Root 1 0 R"
	if b.info != "" {
		trailer += fmt.Sprintf("/Info %d 0 R", b.add("<<"+b.info+">>"))
	}
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	table := "0000000000 65535 f \n"
	for i, body := range b.objects {
		table += fmt.Sprintf("%010d 00000 n \n", out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	size, start := len(b.objects)+1, out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n%strailer<</Size %d%s>>\nstartxref\n%d\n%%%%EOF\n", size, table, size, trailer, start)
	return out.Bytes()
}

// written gives the content of a page with those lines, one below the other.
func written(lines ...string) string {
	var out strings.Builder
	out.WriteString("BT /F1 12 Tf 14 TL 72 760 Td\n")
	for _, line := range lines {
		out.WriteString(literal(line) + " Tj T*\n")
	}
	out.WriteString("ET")
	return out.String()
}

// literal gives a PDF's string of bytes.
func literal(s string) string {
	return "(" + strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(s) + ")"
}

// textString gives a PDF's string of Unicode.
func textString(s string) string {
	var hex strings.Builder
	for _, r := range utf16Of(s) {
		fmt.Fprintf(&hex, "%04X", r)
	}
	return "<FEFF" + hex.String() + ">"
}

// plain gives a PDF whose pages have those texts, lines and all.
func plain(pages ...string) []byte {
	b := newBuilder()
	for _, text := range pages {
		b.page(written(strings.Split(text, "\n")...), "")
	}
	return b.bytes()
}

// mapped adds a font whose bytes from "A" on stand for the given strings, and gives its number.
func (b *builder) mapped(meanings []string) int {
	var table strings.Builder
	for i, meaning := range meanings {
		units := ""
		for _, u := range utf16Of(meaning) {
			units += fmt.Sprintf("%04X", u)
		}
		fmt.Fprintf(&table, "<%02X> <%s>\n", 'A'+i, units)
	}
	cmap := b.stream("", "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /M def /CMapType 2 def\n"+
		"1 begincodespacerange <00> <FF> endcodespacerange\n"+strconv.Itoa(len(meanings))+" beginbfchar\n"+table.String()+"endbfchar\n"+
		"endcmap CMapName currentdict /CMap defineresource pop")
	return b.add(fmt.Sprintf("<</Type/Font/Subtype/Type1/BaseFont/Courier/ToUnicode %d 0 R>>", cmap))
}

// folder is where the tests of this package, and the processes that fuzz it, keep PDFium's compiled code.
func folder() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("satchel-pdf-test-%d", os.Getuid()))
}

func TestMain(m *testing.M) {
	if root := os.Getenv(prepareFolder); root != "" {
		os.Exit(prepareAlone(root))
	}
	if err := pdf.New(pdf.Config{CacheDir: folder()}).Prepare(context.Background()); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// open gives a Format that is closed when the test ends.
func open(t testing.TB, config pdf.Config) *pdf.Format {
	t.Helper()
	if config.CacheDir == "" {
		config.CacheDir = folder()
	}
	f := pdf.New(config)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return f
}

func input(content []byte) extract.Input {
	return extract.Input{SectionReader: io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))), Type: "application/pdf"}
}

// read extracts a document that can be read.
func read(t testing.TB, f *pdf.Format, content []byte) (satchel.Document, *extracttest.Book) {
	t.Helper()
	var out extracttest.Book
	about, err := f.Extract(t.Context(), input(content), &out)
	if err != nil {
		t.Fatalf("Extract: %v", err)
	}
	return about, &out
}
