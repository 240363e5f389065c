package office

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// xlsxFile makes a workbook; sheets are names and contents of x:worksheet.
func xlsxFile(sheets []string, more ...string) parts {
	const ns = ` xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	list := ""
	for i := 0; i < len(sheets); i += 2 {
		id := "sheet" + strconv.Itoa(i/2+1)
		list += `<sheet name="` + sheets[i] + `" sheetId="1" r:id="` + id + `"/>`
		more = append(more, "xl/worksheets/"+id+".xml", xmlHead+`<worksheet`+ns+`>`+sheets[i+1]+`</worksheet>`)
	}
	main := xmlHead + `<workbook` + ns + ` xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><sheets>` + list + `</sheets></workbook>`
	return office("xl/workbook.xml", main, more...)
}

const sharedPart = xmlHead + `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>Name</t></si><si><r><t>Ri</t></r><r><rPr/><t xml:space="preserve">ch </t></r><rPh><t>no</t></rPh></si>` +
	`<si><t>two_x000A_lines _x005F_x</t></si></sst>`

const stylesPart = xmlHead + `<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/>` +
	`<numFmt numFmtId="165" formatCode="#,##0.00\ &quot;EUR&quot;;[Red]\-#,##0.00\ &quot;EUR&quot;"/><numFmt numFmtId="166" formatCode="General&quot; kg&quot;"/></numFmts>` +
	`<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="164"/><xf numFmtId="10"/><xf numFmtId="165"/><xf numFmtId="14"/><xf numFmtId="44"/><xf numFmtId="166"/></cellXfs></styleSheet>`

func TestXlsxCells(t *testing.T) {
	r := mustRead(t, "xlsx", xlsxFile([]string{"A &amp; B", `<dimension ref="A1:XFD1048576"/><sheetData>
<row r="2"><c r="B2" t="s"><v>0</v></c><c r="D2" t="s"><v>1</v></c><c r="E2" t="inlineStr"><is><t>in|line</t></is></c></row>
<row r="3"><c r="B3" s="1"><v>45292</v></c><c r="C3"/><c r="D3" s="2"><v>0.125</v></c><c r="E3" s="3"><v>-1234.5</v></c></row>
<row><c t="b"><v>1</v></c></row>
<row r="9"><c r="B9" t="str"><f>A1&amp;"x"</f><v>text</v></c><c t="s"><v>2</v></c><c t="e"><v>#N/A</v></c><c><f>SUM(A1:A2)</f></c></row>
<row r="10"><c r="B10" s="4"><v>45292</v></c><c s="5"><v>0</v></c><c s="6"><v>12.50</v></c><c><v>0.30000000000000004</v></c><c s="99"><v>7</v></c><c t="s"><v>99</v></c><c t="d"><v>2024-05-06</v></c></row>
</sheetData><mergeCells><mergeCell ref="B2:C2"/></mergeCells>`, "Empty", `<sheetData/>`},
		"xl/sharedStrings.xml", sharedPart, "xl/styles.xml", stylesPart))
	wantText(t, r, `| | Name | | Rich | in\|line | | |
| --- | --- | --- | --- | --- | --- | --- |
| | 2024-01-01 | | 12.50% | -1,234.50 EUR | | |
| TRUE | | | | | | |
| | text | two lines _x | #N/A | =SUM(A1:A2) | | |
| | 1/1/2024 | $ - | 12.5 kg | 0.3 | 7 | 2024-05-06 |
=====
`)
	wantLabels(t, r, "A & B", "Empty")
	if r.Expected != 2 {
		t.Errorf("expected %d", r.Expected)
	}
}

func TestXlsxOrderAndHidden(t *testing.T) {
	f := xlsxFile([]string{"One", `<sheetData><row><c><v>1</v></c></row></sheetData>`, "Two", `<sheetData><row><c><v>2</v></c></row></sheetData>`})
	f[3] = strings.Replace(f[3], `<sheets>`, `<workbookPr date1904="1"/><sheets>`, 1)
	f[3] = strings.Replace(f[3], `name="One"`, `name="One" state="hidden"`, 1)
	wantText(t, mustRead(t, "xlsx", f), "(hidden sheet)\n\n1\n=====\n2")
}

func TestXlsxDate1904(t *testing.T) {
	f := xlsxFile([]string{"S", `<sheetData><row><c s="1"><v>0</v></c><c s="1"><v>1.5</v></c></row></sheetData>`}, "xl/styles.xml", stylesPart)
	f[3] = strings.Replace(f[3], `<sheets>`, `<workbookPr date1904="true"/><sheets>`, 1)
	wantText(t, mustRead(t, "xlsx", f), "| 1904-01-01 | 1904-01-02 |\n| --- | --- |")
}

func TestXlsxShapesAndCharts(t *testing.T) {
	r := mustRead(t, "xlsx", append(xlsxFile([]string{"S", `<sheetData><row><c><v>1</v></c></row></sheetData>`}),
		"xl/worksheets/_rels/sheet1.xml.rels", rels("d", "drawing", "../drawings/drawing1.xml"),
		"xl/drawings/drawing1.xml", xmlHead+`<xdr:wsDr`+ooxmlNS+`><xdr:twoCellAnchor><xdr:sp><xdr:nvSpPr/><xdr:txBody>`+drawn("", "a note")+`</xdr:txBody></xdr:sp></xdr:twoCellAnchor>`+
			`<xdr:twoCellAnchor><xdr:graphicFrame><a:graphic><a:graphicData><c:chart r:id="c"/></a:graphicData></a:graphic></xdr:graphicFrame></xdr:twoCellAnchor></xdr:wsDr>`,
		"xl/drawings/_rels/drawing1.xml.rels", rels("c", "chart", "/xl/charts/chart1.xml"), "xl/charts/chart1.xml", chartPart))
	wantText(t, r, "1\n\na note\n\nSales\n\n| | North | South |\n| --- | --- | --- |\n| Jan 2024 | 50% | 1% |\n| Feb 2024 | 25% | |")
}

func TestShownNumbers(t *testing.T) {
	f := newFormatter(false)
	for _, c := range []struct{ code, value, want string }{
		{"", "123456789012345678", "123456789012346000"},
		{"General", "1E3", "1000"},
		{"general", "0.1", "0.1"},
		{"@", "0.333333333333333333", "0.333333333333333"},
		{"General", "1.5E-10", "1.5E-10"},
		{"General", "4E+25", "4E+25"},
		{"General", "not a number", "not a number"},
		{"0", "2.5", "3"},
		{"#,##0.00", "1234567.891", "1,234,567.89"},
		{"0.00E+00", "12345", "1.23E+04"},
		{"[$-407]d. mmmm yyyy", "45352", "1. März 2024"},
		{"h:mm AM/PM", "0.75", "6:00 PM"},
		{"[h]:mm", "1.5", "36:00"},
		{`yyyy\-mm\-dd\ hh:mm:ss;@`, "45352.999999", "2024-03-02 00:00:00"},
		{`d/m/yy h:mm AM/PM`, "45352.75", "1/3/24 6:00 PM"},
		{`yyyy-mm-dd"T"hh:mm`, "45352.5", "2024-03-01T12:00"},
		{`yyyy-mm-dd hh:mm`, "0.25", "1900-01-00 06:00"},
		{`yyyy-mm-dd hh:mm`, "NaN", "NaN"},
		{`"yes";"no";"none"`, "0", "none"},
		{`"yes";"no"`, "-3", "no"},
		{`General" kg"`, "-1.50", "-1.5 kg"},
		{builtInFormat(43), "0", "-"},
		{builtInFormat(44), "-2", "$(2.00)"},
		{builtInFormat(22), "45352.5", "3/1/2024 12:00"},
		{`0;[`, "5", "5"},
		{strings.Repeat("0", 300), "5", "5"},
	} {
		for range 2 { // the second time it is remembered
			if got := strings.TrimSpace(f.show(c.code, c.value)); got != c.want {
				t.Errorf("%s as %q: %q, want %q", c.value, c.code, got, c.want)
			}
		}
	}
}

// Days and times that are shown part by part are what they are as a whole.
func TestShownMoments(t *testing.T) {
	f := newFormatter(false)
	start := time.Date(2024, 2, 28, 0, 0, 0, 0, time.UTC)
	const first, day, step = 45350, 24 * 60 * 60, 997
	for second := 0; second < 3*day; second += step {
		value := strconv.FormatFloat(first+float64(second)/day, 'f', -1, 64)
		want := start.Add(time.Duration(second) * time.Second).Format("2006-01-02 15:04:05")
		if got := f.show("yyyy-mm-dd hh:mm:ss", value); got != want {
			t.Fatalf("%s: %q, want %q", value, got, want)
		}
	}
}

func TestXlsxScripts(t *testing.T) {
	wantText(t, mustRead(t, "xlsx", xlsxFile([]string{"S", `<sheetData><row><c t="inlineStr"><is><r><t>m</t></r><r><rPr><vertAlign val="superscript"/></rPr><t>2</t></r></is></c></row></sheetData>`})), "m²")
}

func TestXlsxLinksAndComments(t *testing.T) {
	const links = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
		`<Relationship Id="out" Type="` + relTypes + `hyperlink" Target="https://example.org/a" TargetMode="External"/>` +
		`<Relationship Id="c" Type="` + relTypes + `comments" Target="../comments1.xml"/></Relationships>`
	said := func(cell, author, text string) string {
		return `<comment ref="` + cell + `" authorId="` + author + `"><text><r><t xml:space="preserve">` + text + `</t></r></text></comment>`
	}
	r := mustRead(t, "xlsx", xlsxFile([]string{"S", `<sheetData><row r="1"><c r="A1" t="str"><v>a</v></c><c r="B1" t="str"><v>the page</v></c></row>` +
		`<row r="2"><c r="A2" t="str"><v>b</v></c><c r="B2" t="str"><v>example.org/a</v></c></row></sheetData>` +
		`<hyperlinks xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"><hyperlink ref="B1:C1" r:id="out"/>` +
		`<hyperlink ref="B2" r:id="out"/><hyperlink ref="A1" location="S!B2"/><hyperlink ref="ZZZZZZ9" r:id="out"/></hyperlinks>`},
		"xl/worksheets/_rels/sheet1.xml.rels", links,
		"xl/comments1.xml", xmlHead+`<comments xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><authors><author>Anna</author><author>tc={1}</author></authors><commentList>`+
			said("A1", "0", "Anna:&#10;Is that\nright?")+said("B2", "1", "[Threaded comment]&#10;&#10;Your version of Excel allows you to read it.&#10;&#10;Comment:&#10;    Yes.")+said("B1", "7", " ")+`</commentList></comments>`))
	wantText(t, r, "| a | [the page](https://example.org/a) |\n| --- | --- |\n| b | example.org/a |\n\nAnna (A1): Is that right?\nB2: Yes.")
}
