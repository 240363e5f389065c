package documents

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"strings"
)

// writePDF writes A4 pages of Helvetica, compressed as usual.
func writePDF(a *author, pages int) []byte {
	objects := []string{"", "", "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>", "<</Title(" + a.heading() + ")/Author(Ada Example)>>"}
	var kids strings.Builder
	for range pages {
		text := deflate(a.pageOfPDF())
		objects = append(objects, fmt.Sprintf("<</Length %d/Filter/FlateDecode>>stream\n%s\nendstream", len(text), text))
		objects = append(objects, fmt.Sprintf("<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>/Contents %d 0 R>>", len(objects)))
		fmt.Fprintf(&kids, "%d 0 R ", len(objects))
	}
	objects[0] = "<</Type/Catalog/Pages 2 0 R>>"
	objects[1] = fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]>>", pages, kids.String())
	return assemble(objects)
}

// pageOfPDF gives the operators that show a page, line by line.
func (a *author) pageOfPDF() string {
	var s strings.Builder
	fmt.Fprintf(&s, "BT /F1 16 Tf 14 TL 50 790 Td (%s) Tj T* /F1 10 Tf T*\n", a.heading())
	for _, paragraph := range a.paragraphs(pageWords) {
		for _, line := range lines(paragraph, 95) {
			s.WriteString("(" + line + ") Tj T*\n")
		}
		s.WriteString("T*\n")
	}
	return s.String() + "ET"
}

func deflate(text string) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write([]byte(text)); err != nil {
		panic(err) // memory takes everything
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// assemble gives the file: the objects, and the table of where they stand. Object 1 is the catalog, 4 the document's information.
func assemble(objects []string) []byte {
	var out bytes.Buffer
	out.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	var table strings.Builder
	table.WriteString("0000000000 65535 f \n")
	for i, body := range objects {
		fmt.Fprintf(&table, "%010d 00000 n \n", out.Len())
		fmt.Fprintf(&out, "%d 0 obj\n%s\nendobj\n", i+1, body)
	}
	start := out.Len()
	fmt.Fprintf(&out, "xref\n0 %d\n%strailer\n<</Size %[1]d/Root 1 0 R/Info 4 0 R>>\nstartxref\n%[3]d\n%%%%EOF\n", len(objects)+1, table.String(), start)
	return out.Bytes()
}
