package office

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// checkResult says what must hold of whatever a document gave: text fit to be stored, within limits, or an error for its owner.
func checkResult(t *testing.T, r *result, err error) {
	t.Helper()
	var e *satchel.Error
	if err != nil && !errors.As(err, &e) && !errors.Is(err, extract.ErrUnsupported) {
		t.Errorf("an error that says nothing to the owner: %v", err)
	}
	total := 0
	for _, p := range r.Pages {
		total += len(p.Text)
		for _, text := range []string{p.Text, p.Label} {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x01\x02\f\r") {
				t.Errorf("text that is not fit to be stored: %q", text)
			}
		}
	}
	if int64(total) > small().text {
		t.Errorf("%d bytes of text", total)
	}
}

func FuzzArchive(f *testing.F) {
	names := []string{"docx", "xlsx", "pptx", "odt", "odp", "ods", "epub"}
	for i, p := range []parts{
		docxFile(p("x")), xlsxFile([]string{"S", "<sheetData/>"}), pptxFile([]string{slidePart("", "")}, nil),
		odfFile("text", "", ""), odfFile("presentation", "", ""), odfFile("spreadsheet", "", ""), epubFile([]string{"a.xhtml", "x"}),
	} {
		f.Add(uint8(i), p.pack(f))
	}
	f.Add(uint8(0), compound("EncryptedPackage"))
	f.Fuzz(func(t *testing.T, which uint8, content []byte) {
		r, err := extractBytes(limited(t, names[int(which)%len(names)]), content)
		checkResult(t, r, err)
	})
}

func FuzzDocx(f *testing.F) {
	f.Add(listed("1", "0", "x")+`<w:tbl>`+row(tc(`<w:gridSpan w:val="2"/>`, p("a")), tc("", p("b")))+`</w:tbl>`, wordStyles, wordNumbering, `<w:footnote w:id="1">`+p("n")+`</w:footnote>`)
	f.Add(`<w:p><w:r><w:lastRenderedPageBreak/><w:footnoteReference w:id="1"/><w:br w:type="page"/></w:r></w:p>`, "", "", `<w:footnote w:id="1"><w:p><w:r><w:footnoteReference w:id="1"/></w:r></w:p></w:footnote>`)
	f.Fuzz(func(t *testing.T, body, styles, numbering, notes string) {
		file := docxFile(body, "word/styles.xml", styles, "word/numbering.xml", numbering, "word/footnotes.xml", `<w:footnotes`+ooxmlNS+`>`+notes+`</w:footnotes>`,
			"word/header1.xml", `<w:hdr`+ooxmlNS+`>`+body+`</w:hdr>`, "word/charts/chart1.xml", body)
		r, err := extractBytes(limited(t, "docx"), file.pack(t))
		checkResult(t, r, err)
	})
}

func FuzzPptx(f *testing.F) {
	f.Add(shapeOf(`<p:ph type="title"/>`, drawn("", "x")), layoutPart, masterPart)
	f.Fuzz(func(t *testing.T, shapes, layout, master string) {
		file := pptxFile([]string{slidePart("", shapes)}, map[int][]string{0: {"l", "slideLayout", "/l.xml", "n", "notesSlide", "/ppt/slides/slide1.xml"}},
			"l.xml", layout, "_rels/l.xml.rels", rels("m", "slideMaster", "/m.xml"), "m.xml", master, "_rels/m.xml.rels", rels("m", "slideMaster", "/l.xml"))
		r, err := extractBytes(limited(t, "pptx"), file.pack(t))
		checkResult(t, r, err)
	})
}

func FuzzXlsx(f *testing.F) {
	f.Add(`<sheetData><row r="2"><c r="B2" s="1"><v>45292.5</v></c><c t="s"><v>0</v></c></row></sheetData>`, sharedPart, stylesPart)
	f.Fuzz(func(t *testing.T, sheet, shared, styles string) {
		r, err := extractBytes(limited(t, "xlsx"), xlsxFile([]string{"S", sheet}, "xl/sharedStrings.xml", shared, "xl/styles.xml", styles).pack(t))
		checkResult(t, r, err)
	})
}

func FuzzODF(f *testing.F) {
	f.Add(uint8(0), odfLists, `<text:list text:style-name="L1"><text:list-item>`+tp("x")+`</text:list-item></text:list>`, `<text:outline-style/>`)
	f.Add(uint8(1), "", `<draw:page><draw:frame presentation:class="title"><draw:text-box>`+tp("x")+`</draw:text-box></draw:frame></draw:page>`, "")
	f.Add(uint8(2), "", `<table:table><table:table-row table:number-rows-repeated="3"><table:table-cell table:number-columns-repeated="9">`+tp("x")+`</table:table-cell></table:table-row></table:table>`, "")
	f.Fuzz(func(t *testing.T, which uint8, automatic, body, styles string) {
		kind := []string{"text", "presentation", "spreadsheet"}[which%3]
		file := odfFile(kind, automatic, body, "styles.xml", `<office:document-styles`+odfNS+`><office:styles>`+styles+`</office:styles><office:master-styles>`+body+`</office:master-styles></office:document-styles>`)
		r, err := extractBytes(limited(t, []string{"odt", "odp", "ods"}[which%3]), file.pack(t))
		checkResult(t, r, err)
	})
}

func FuzzEpub(f *testing.F) {
	f.Add(`<table><tr><td colspan="3">a<td>b</table><ul><li>x<ol start=9><li>y</ol></ul><pre> z</pre>`, navPart)
	f.Add(`<p>a<script/><![CDATA[b]]>&#0;&copy;<svg><title>x`, ncxPart)
	f.Fuzz(func(t *testing.T, body, contents string) {
		r, err := extractBytes(limited(t, "epub"), epubFile([]string{"a.xhtml", body}, "OEBPS/nav.xhtml", contents, "OEBPS/toc.ncx", contents).pack(t))
		checkResult(t, r, err)
	})
}

func FuzzNumberFormat(f *testing.F) {
	f.Add(`_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_);_(@_)`, "0", false)
	f.Add("[$-407]d. mmmm yyyy h:mm AM/PM", "45352.75", true)
	f.Add(`[>=100]General" kg";# ?/?`, "-1.5e-7", false)
	f.Fuzz(func(t *testing.T, code, value string, date1904 bool) {
		const most = 16 * kibi
		if text := newFormatter(date1904).show(code, value); len(text) > most+len(value) {
			t.Errorf("%q as %q takes %d bytes", value, code, len(text))
		}
	})
}
