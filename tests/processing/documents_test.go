//go:build linux

package processing_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// report is a text of some windows for a model with a context of 2048 tokens: one a section. Every section has a fact, a line "name: value",
// that no other has, and the first and the last do not agree about the state.
func report(sections int) string {
	var parts []string
	for n := range sections {
		part := fmt.Sprintf("Item%02d: colour-%02d\n", n, n)
		if n == 0 || n == sections-1 {
			part += fmt.Sprintf("State: draft-%d\n", n)
		}
		for i := range 24 {
			part += fmt.Sprintf("\nSentence %d of section %d fills the page and says nothing that anybody would want to know.", i, n)
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "\n\n") + "\n"
}

// reported is the metadata that come of a report.
func reported(sections int) string {
	var b strings.Builder
	b.WriteByte('{')
	for n := range sections {
		fmt.Fprintf(&b, `"item%02d":"colour-%02d",`, n, n)
	}
	return fmt.Sprintf(`%s"state":"draft-%d"}`, b.String(), sections-1)
}

// long is a text whose reading takes a while: half a million pages of a book without an end.
func long() document {
	const line = "And so it went on and on, as it had done before, and nobody could say when it would come to an end.\n"
	return plain("long.txt", strings.Repeat(line, 32<<20/len(line)))
}

// pdfFile makes a PDF with those pages, each of some lines. trailer are further entries of its trailer.
func pdfFile(trailer string, pages ...[]string) document {
	objects := []string{"<</Type/Catalog/Pages 2 0 R>>", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"}
	kids := ""
	for _, lines := range pages {
		content := "BT /F1 12 Tf 14 TL 72 760 Td\n"
		for _, line := range lines {
			content += "(" + line + ") Tj T*\n"
		}
		content += "ET"
		objects = append(objects, fmt.Sprintf("<</Length %d>>stream\n%s\nendstream", len(content), content))
		objects = append(objects, fmt.Sprintf(
			"<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>", len(objects)))
		kids += fmt.Sprintf(" %d 0 R", len(objects))
	}
	objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), kids)
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n")
	table := "0000000000 65535 f \n"
	for i, body := range objects {
		table += fmt.Sprintf("%010d 00000 n \n", out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n%strailer<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, table, len(objects)+1, trailer, start)
	return document{"report.pdf", out.Bytes()}
}

// invoice is a PDF of two pages.
func invoice() document {
	d := pdfFile("", []string{"Invoice", "Supplier: Acme Ltd", "Date: 2026-03-05"}, []string{"All in all", "Total: 1,234.50", "Thank you."})
	d.name = "invoice.pdf"
	return d
}

// lockedPDF is a PDF that needs a password that nobody has.
func lockedPDF() document {
	word := strings.Repeat("a5", 32)
	d := pdfFile("/ID[<"+word+"><"+word+">]/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<"+word+">/U<"+word+">>>", []string{"secret"})
	d.name = "locked.pdf"
	return d
}

// bomb is a Word document of some hundred kilobytes that unpacks to 600 MB.
func bomb(t testing.TB) document {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	write := func(name, head, body string, times int, tail string) {
		w, err := z.Create(name)
		program.Must(t, err)
		_, err = io.WriteString(w, head)
		program.Must(t, err)
		for range times {
			_, err = io.WriteString(w, body)
			program.Must(t, err)
		}
		_, err = io.WriteString(w, tail)
		program.Must(t, err)
	}
	write("_rels/.rels", `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">`,
		`<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/>`, 1, `</Relationships>`)
	write("word/document.xml", `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>`,
		strings.Repeat(`<w:p><w:r><w:t>`+strings.Repeat("boom ", 1000)+`</w:t></w:r></w:p>`, 20), 6000, `</w:body></w:document>`)
	program.Must(t, z.Close())
	return document{"bomb.docx", b.Bytes()}
}

// nested is a web page of elements inside of each other.
func nested() document {
	return plain("nested.html", "<!doctype html><title>Deep</title><body>"+strings.Repeat("<div><b><ul><li>", 200_000)+"deep down")
}
