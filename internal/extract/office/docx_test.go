package office

import (
	"strings"
	"testing"
	"time"
)

const wordStyles = xmlHead + `<w:styles` + ooxmlNS + `>
<w:docDefaults><w:rPrDefault><w:rPr><w:lang w:val="de-AT"/></w:rPr></w:rPrDefault></w:docDefaults>
<w:style w:type="paragraph" w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="Own"><w:name w:val="My chapter"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:type="paragraph" w:styleId="Lvl3"><w:name w:val="Third"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="TOCHeading"><w:name w:val="TOC Heading"/><w:basedOn w:val="berschrift1"/><w:pPr><w:outlineLvl w:val="9"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="Numbered"><w:name w:val="heading 2"/><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
<w:style w:type="numbering" w:styleId="Listed"><w:name w:val="Listed"/><w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="LoopA"><w:basedOn w:val="LoopB"/></w:style>
<w:style w:type="paragraph" w:styleId="LoopB"><w:basedOn w:val="LoopA"/></w:style>
</w:styles>`

func styled(style, text string) string {
	return `<w:p><w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>` + run(text) + `</w:p>`
}

func listed(num, level, text string) string {
	return `<w:p><w:pPr><w:numPr><w:ilvl w:val="` + level + `"/><w:numId w:val="` + num + `"/></w:numPr></w:pPr>` + run(text) + `</w:p>`
}

func TestDocxHeadings(t *testing.T) {
	r := mustRead(t, "docx", docxFile(
		styled("Titel", "The title")+styled("berschrift1", "One")+p("Text.")+styled("Own", "Own style")+styled("Lvl3", "Third\tlevel")+
			styled("TOCHeading", "Contents")+styled("LoopA", "Loop")+
			`<w:p><w:pPr><w:outlineLvl w:val="1"/></w:pPr>`+run("Direct")+`</w:p>`, "word/styles.xml", wordStyles))
	wantText(t, r, "# The title\n\n# One\n\nText.\n\n# Own style\n\n### Third\tlevel\n\nContents\n\nLoop\n\n## Direct")
	if r.doc.Language != "de-AT" {
		t.Errorf("language %q", r.doc.Language)
	}
}

const wordNumbering = xmlHead + `<w:numbering` + ooxmlNS + `>
<w:abstractNum w:abstractNumId="0">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="%2)"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="lowerRoman"/><w:lvlText w:val="%1.%2.%3"/><w:isLgl/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="1"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="&#xF0B7;"/></w:lvl>
<w:lvl w:ilvl="1"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="2"><w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:lvlText w:val="Part %1"/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1.%2"/><w:pStyle w:val="Numbered"/></w:lvl></w:abstractNum>
<w:abstractNum w:abstractNumId="4"><w:numStyleLink w:val="Listed"/></w:abstractNum>
<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>
<w:num w:numId="2"><w:abstractNumId w:val="1"/></w:num>
<w:num w:numId="3"><w:abstractNumId w:val="2"/></w:num>
<w:num w:numId="4"><w:abstractNumId w:val="0"/><w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>
<w:num w:numId="5"><w:abstractNumId w:val="4"/></w:num>
</w:numbering>`

func TestDocxLists(t *testing.T) {
	r := mustRead(t, "docx", docxFile(
		listed("1", "0", "one")+listed("1", "1", "one a")+listed("1", "2", "legal")+listed("1", "1", "one b")+listed("1", "0", "two")+listed("1", "1", "again a")+
			p("Between.")+
			listed("2", "0", "dot")+listed("2", "1", "ring")+listed("2", "0", "dot")+
			listed("3", "0", "parts")+styled("Numbered", "Section")+styled("Numbered", "Next")+
			listed("4", "0", "seven")+listed("4", "0", "eight")+listed("5", "0", "goes on")+listed("0", "0", "none"),
		"word/styles.xml", wordStyles, "word/numbering.xml", wordNumbering))
	wantText(t, r, `1. one
    a) one a
        1.1.1 legal
    b) one b
2. two
    a) again a

Between.

- dot
    - ring
- dot
Part I parts

## I.1 Section

## I.2 Next

7. seven
8. eight
9. goes on

none`)
}

func TestDocxInline(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"runs join", `<w:p>` + run("Hel") + run("lo ") + run("world") + `</w:p>`, "Hello world"},
		{"breaks and tabs", `<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t><w:cr/><w:t>d</w:t></w:r></w:p>`, "a\tb\nc\nd"},
		{"hyphens", `<w:p><w:r><w:t>co</w:t><w:softHyphen/><w:t>op</w:t><w:noBreakHyphen/><w:t>x soft` + "\u00ad" + `ly</w:t></w:r></w:p>`, "coop-x softly"},
		{"link", `<w:p>` + run("see ") + `<w:hyperlink r:id="rId9">` + run("the page") + `</w:hyperlink></w:p>`, "see the page"},
		{"deleted and inserted", `<w:p>` + run("now ") + `<w:del><w:r><w:delText>old</w:delText></w:r></w:del><w:ins>` + run("new") + `</w:ins></w:p>`, "now new"},
		{"moved", `<w:p><w:moveFrom>` + run("gone") + `</w:moveFrom><w:moveTo>` + run("here") + `</w:moveTo></w:p>`, "here"},
		{
			"deleted end of a paragraph",
			`<w:p><w:pPr><w:rPr><w:del/></w:rPr></w:pPr>` + run("first ") + `</w:p>` + p("second"), "first second",
		},
		{"hidden", `<w:p>` + run("seen") + `<w:r><w:rPr><w:vanish/></w:rPr><w:t>secret</w:t></w:r><w:r><w:rPr><w:vanish w:val="0"/></w:rPr><w:t> too</w:t></w:r></w:p>`, "seen too"},
		{
			"field", `<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText> REF x \h </w:instrText></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>` +
				run("result") + `<w:r><w:fldChar w:fldCharType="end"/></w:r>` + run(" after") + `</w:p>`, "result after",
		},
		{
			"field in a field's code",
			`<w:p><w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>IF </w:instrText></w:r>` +
				`<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:fldChar w:fldCharType="separate"/></w:r>` + run("inner") + `<w:r><w:fldChar w:fldCharType="end"/></w:r>` +
				`<w:r><w:fldChar w:fldCharType="separate"/></w:r>` + run("shown") + `<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>`, "shown",
		},
		{"simple field", `<w:p><w:fldSimple w:instr="DATE">` + run("1 May") + `</w:fldSimple></w:p>`, "1 May"},
		{"page number in the text", `<w:p><w:fldSimple w:instr=" PAGE ">` + run("7") + `</w:fldSimple></w:p>`, "7"},
		{
			"symbols", `<w:p><w:r><w:sym w:font="Symbol" w:char="F061"/><w:sym w:font="Wingdings" w:char="F0FC"/><w:sym w:font="Wingdings" w:char="F001"/>` +
				`<w:sym w:font="Arial" w:char="20AC"/></w:r><w:r><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr><w:t>&#xF0B0;</w:t></w:r></w:p>`, "α✓€°",
		},
		{"content controls", `<w:sdt><w:sdtPr><w:alias w:val="no"/></w:sdtPr><w:sdtContent>` + p("in") + `<w:p><w:sdt><w:sdtContent>` + run("side") + `</w:sdtContent></w:sdt></w:p></w:sdtContent></w:sdt>`, "in\n\nside"},
		{"ruby", `<w:p><w:r><w:ruby><w:rt>` + run("kana") + `</w:rt><w:rubyBase>` + run("漢字") + `</w:rubyBase></w:ruby></w:r></w:p>`, "漢字"},
		{"formula", `<w:p><m:oMath><m:r><m:t>E=m</m:t></m:r><m:sSup><m:e><m:r><m:t>c</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup></m:oMath></w:p>`, "E=mc²"},
		{
			"text box: one of the alternatives, behind the paragraph",
			`<w:p>` + run("Before ") + `<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wps:wsp><wps:txbx><w:txbxContent>` + p("boxed") +
				`</w:txbxContent></wps:txbx></wps:wsp></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox><w:txbxContent>` + p("boxed") +
				`</w:txbxContent></v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>` + run("after") + `</w:p>`, "Before after\n\nboxed",
		},
		{"alternative without a choice", `<w:p><w:r><mc:AlternateContent><mc:Fallback><w:t>old</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>`, "old"},
		{"word art", `<w:p><w:r><w:pict><v:shape><v:textpath string="DRAFT"/></v:shape></w:pict></w:r></w:p>`, "DRAFT"},
		{"comment", `<w:p>` + run("a") + `<w:commentRangeStart w:id="0"/>` + run("b") + `<w:commentRangeEnd w:id="0"/><w:r><w:commentReference w:id="0"/></w:r></w:p>`, "ab"},
		{
			"above and below the line", `<w:p>` + run("note") + shifted("superscript", "1") + shifted("superscript", "2") + run(" H") + shifted("subscript", "2") + run("O 1") +
				shifted("superscript", "s") + shifted("superscript", "t") + shifted("baseline", ".") + `</w:p>`, "note¹² H₂O 1^(st).",
		},
		{"nothing", `<w:p/><w:p><w:r/></w:p>`, ""},
	} {
		t.Run(c.name, func(t *testing.T) { wantText(t, mustRead(t, "docx", docxFile(c.body)), c.want) })
	}
}

func shifted(where, text string) string {
	return `<w:r><w:rPr><w:vertAlign w:val="` + where + `"/></w:rPr><w:t>` + text + `</w:t></w:r>`
}

func row(cells ...string) string { return `<w:tr>` + strings.Join(cells, "") + `</w:tr>` }

func tc(properties, content string) string {
	return `<w:tc><w:tcPr>` + properties + `</w:tcPr>` + content + `</w:tc>`
}

func TestDocxTables(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{
			"spans", row(tc("", p("A")), tc(`<w:gridSpan w:val="2"/>`, p("B and C"))) + row(tc(`<w:vMerge w:val="restart"/>`, p("1")), tc("", p("2")), tc("", p("x|y"))) +
				row(tc(`<w:vMerge/>`, p("")), tc("", p("3")+p("4")), tc("", p("5"))),
			"| A | B and C | |\n| --- | --- | --- |\n| 1 | 2 | x\\|y |\n| | 3 4 | 5 |",
		},
		{"empty rows and columns", row(tc("", p("")), tc("", p("a")), tc("", p("b"))) + row(tc("", p("")), tc("", p("")), tc("", p(""))) + row(tc("", p("")), tc("", p("c")), tc("", p("d"))), "| a | b |\n| --- | --- |\n| c | d |"},
		{"one cell is no table", row(tc("", p("Just")+p("text"))), "Just\n\ntext"},
		{"a table in a cell", row(tc("", p("outer")), tc("", `<w:tbl>`+row(tc("", p("i")), tc("", p("j")))+`</w:tbl>`+p("end"))), "| outer | i j end |\n| --- | --- |"},
		{"content controls around rows and cells", `<w:sdt><w:sdtContent>` + row(`<w:sdt><w:sdtContent>`+tc("", p("a"))+`</w:sdtContent></w:sdt>`, tc("", p("b"))) + `</w:sdtContent></w:sdt>`, "| a | b |\n| --- | --- |"},
		{"an absurd span", row(tc(`<w:gridSpan w:val="999999999"/>`, p("a")), tc("", p("b"))), "| a | b |\n| --- | --- |"},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantText(t, mustRead(t, "docx", docxFile(`<w:tbl><w:tblPr/><w:tblGrid/>`+c.body+`</w:tbl>`)), c.want)
		})
	}
}

func TestDocxPages(t *testing.T) {
	const pageBr, rendered = `<w:r><w:br w:type="page"/></w:r>`, `<w:r><w:lastRenderedPageBreak/></w:r>`
	for _, c := range []struct{ name, body, want string }{
		{"none", p("a") + p("b"), "a\n\nb"},
		{"explicit", p("a") + `<w:p>` + pageBr + `</w:p>` + p("b"), "a\n=====\nb"},
		{"as last seen", p("a") + `<w:p>` + rendered + run("b") + `</w:p>`, "a\n=====\nb"},
		{"explicit and seen are one", p("a") + `<w:p>` + pageBr + `</w:p><w:p>` + rendered + run("b") + `</w:p>`, "a\n=====\nb"},
		{"within a paragraph", `<w:p>` + run("a ") + rendered + run("b") + `</w:p>`, "a\n=====\nb"},
		{"an empty page counts", p("a") + `<w:p>` + pageBr + pageBr + `</w:p>` + p("b"), "a\n=====\n\n=====\nb"},
		{"before a paragraph", `<w:p><w:pPr><w:pageBreakBefore/></w:pPr>` + run("a") + `</w:p><w:p><w:pPr><w:pageBreakBefore/></w:pPr>` + rendered + run("b") + `</w:p>`, "a\n=====\nb"},
		{"a heading keeps its level", p("a") + `<w:p><w:pPr><w:outlineLvl w:val="0"/></w:pPr>` + rendered + run("b") + `</w:p>`, "a\n=====\n# b"},
		{"column break is none", `<w:p>` + run("a") + `<w:r><w:br w:type="column"/></w:r>` + run("b") + `</w:p>`, "a\nb"},
		{
			"before a row", `<w:tbl>` + row(tc("", p("a")), tc("", p("b"))) + row(tc("", `<w:p>`+rendered+run("c")+`</w:p>`), tc("", p("d"))) + `</w:tbl>` + p("e"),
			"| a | b |\n| --- | --- |\n=====\n| c | d |\n| --- | --- |\n\ne",
		},
		{
			"within a row", `<w:tbl>` + row(tc("", p("a")), tc("", p("b"))) + row(tc("", p("c")), tc("", p("d")+`<w:p>`+rendered+run("e")+`</w:p>`)) +
				row(tc("", p("f")), tc("", p("g"))) + `</w:tbl>`,
			"| a | b |\n| --- | --- |\n| c | d e |\n=====\n| f | g |\n| --- | --- |",
		},
		{"in a table that is a frame", `<w:tbl>` + row(tc("", p("a")+`<w:p>`+rendered+run("b")+`</w:p>`)) + `</w:tbl>`, "a\n=====\nb"},
	} {
		t.Run(c.name, func(t *testing.T) { wantText(t, mustRead(t, "docx", docxFile(c.body)), c.want) })
	}
}

func TestDocxNotesAndMargins(t *testing.T) {
	const note, end = `<w:r><w:footnoteReference w:id="%"/></w:r>`, `<w:r><w:endnoteReference w:id="1"/></w:r>`
	ref := func(id string) string { return strings.Replace(note, "%", id, 1) }
	r := mustRead(t, "docx", docxFile(
		`<w:p>`+run("One")+ref("2")+run(" two")+ref("1")+run(" end")+end+`</w:p><w:p><w:r><w:br w:type="page"/></w:r></w:p><w:p>`+run("Again")+ref("2")+run(" three")+ref("3")+run(" missing")+ref("99")+`</w:p>`,
		"word/footnotes.xml", xmlHead+`<w:footnotes`+ooxmlNS+`><w:footnote w:type="separator" w:id="-1"><w:p><w:r><w:separator/></w:r></w:p></w:footnote>`+
			`<w:footnote w:id="1">`+p("first id")+`</w:footnote><w:footnote w:id="2">`+p("second")+p("id")+`</w:footnote><w:footnote w:id="3">`+p("third")+`</w:footnote></w:footnotes>`,
		"word/endnotes.xml", xmlHead+`<w:endnotes`+ooxmlNS+`><w:endnote w:id="1">`+p("at the end")+`</w:endnote></w:endnotes>`,
		"word/header1.xml", xmlHead+`<w:hdr`+ooxmlNS+`><w:p>`+run("Head, page ")+`<w:fldSimple w:instr="PAGE">`+run("1")+`</w:fldSimple></w:p></w:hdr>`,
		"word/header2.xml", xmlHead+`<w:hdr`+ooxmlNS+`>`+p("Head, page ")+`</w:hdr>`,
		"word/footer1.xml", xmlHead+`<w:ftr`+ooxmlNS+`>`+p("Foot")+`</w:ftr>`,
	))
	wantText(t, r, "Head, page\n\nOne[^1] two[^2] end[^i]\n\nFoot\n\n[^1]: second id\n[^2]: first id\n=====\nAgain[^1] three[^3] missing\n\n[^3]: third\n[^i]: at the end")
}

func TestDocxDrawings(t *testing.T) {
	frame := func(inner string) string {
		return `<w:p><w:r><w:drawing><a:graphic><a:graphicData>` + inner + `</a:graphicData></a:graphic></w:drawing></w:r></w:p>`
	}
	r := mustRead(t, "docx", docxFile(frame(`<c:chart r:id="chart1"/>`)+frame(`<dgm:relIds r:dm="data1"/>`)+frame(`<c:chart r:id="gone"/>`)+p("end"),
		"word/charts/chart1.xml", chartPart, "word/diagrams/data1.xml", xmlHead+`<dgm:dataModel`+ooxmlNS+`><dgm:ptLst>`+
			`<dgm:pt type="doc"><dgm:t><a:p/></dgm:t></dgm:pt><dgm:pt><dgm:t><a:p><a:r><a:t>Plan</a:t></a:r></a:p></dgm:t></dgm:pt>`+
			`<dgm:pt type="pres"><dgm:t><a:p><a:r><a:t>no</a:t></a:r></a:p></dgm:t></dgm:pt><dgm:pt><dgm:t><a:p><a:r><a:t>Do</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>`))
	wantText(t, r, "Sales\n\n| | North | South |\n| --- | --- | --- |\n| Jan 2024 | 50% | 1% |\n| Feb 2024 | 25% | |\n\nPlan\n\nDo\n\nend")
}

const chartPart = xmlHead + `<c:chartSpace` + ooxmlNS + `><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Sales</a:t></a:r></a:p></c:rich></c:tx></c:title><c:plotArea><c:barChart>
<c:ser><c:tx><c:strRef><c:f>S!A1</c:f><c:strCache><c:pt idx="0"><c:v>North</c:v></c:pt></c:strCache></c:strRef></c:tx>
<c:cat><c:numRef><c:numCache><c:formatCode>mmm yyyy</c:formatCode><c:pt idx="0"><c:v>45292</c:v></c:pt><c:pt idx="1"><c:v>45323</c:v></c:pt></c:numCache></c:numRef></c:cat>
<c:val><c:numRef><c:numCache><c:formatCode>0%</c:formatCode><c:pt idx="0"><c:v>0.5</c:v></c:pt><c:pt idx="1"><c:v>0.25</c:v></c:pt></c:numCache></c:numRef></c:val></c:ser>
<c:ser><c:tx><c:v>South</c:v></c:tx><c:cat><c:numRef><c:numCache><c:pt idx="0"><c:v>45292</c:v></c:pt></c:numCache></c:numRef></c:cat>
<c:val><c:numRef><c:numCache><c:formatCode>0%</c:formatCode><c:pt idx="0"><c:v>0.01</c:v></c:pt></c:numCache></c:numRef></c:val></c:ser>
</c:barChart></c:plotArea></c:chart></c:chartSpace>`

const coreProperties = xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
<dc:title> The  Title </dc:title><dc:creator>Ada</dc:creator><dc:subject>Sub</dc:subject><cp:keywords>a; b</cp:keywords><dc:language>fr</dc:language>
<dcterms:created xsi:type="dcterms:W3CDTF">2024-02-03T04:05:06Z</dcterms:created><dcterms:modified>2024-02-04T04:05:06+01:00</dcterms:modified>
<cp:lastModifiedBy>Bob</cp:lastModifiedBy></cp:coreProperties>`

func TestDocxProperties(t *testing.T) {
	r := mustRead(t, "docx", docxFile(p("x"), "docProps/core.xml", coreProperties, "docProps/app.xml",
		xmlHead+`<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties"><Application>Writer</Application><Pages>3</Pages><Company/></Properties>`))
	d := r.doc
	if d.Format != "docx" || d.Title != "The Title" || d.Author != "Ada" || d.Language != "fr" {
		t.Errorf("%+v", d)
	}
	if want := time.Date(2024, 2, 3, 4, 5, 6, 0, time.UTC); !d.Created.Equal(want) {
		t.Errorf("created %v", d.Created)
	}
	if want := time.Date(2024, 2, 4, 3, 5, 6, 0, time.UTC); !d.Modified.Equal(want) {
		t.Errorf("modified %v", d.Modified)
	}
	for key, want := range map[string]string{"subject": "Sub", "keywords": "a; b", "modified_by": "Bob", "producer": "Writer", "company": ""} {
		if got := d.Properties[key]; got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
}

// Documents in the ISO form of the language, in UTF-16, with odd names of parts.
func TestDocxOtherSpellings(t *testing.T) {
	iso := strings.NewReplacer("http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main",
		relTypes, "http://purl.oclc.org/ooxml/officeDocument/relationships/")
	f := docxFile(styled("berschrift1", "Head"), "word/styles.xml", wordStyles)
	for i := range f {
		f[i] = iso.Replace(f[i])
	}
	wantText(t, mustRead(t, "docx", f), "# Head")

	f = docxFile(p("Grüße"))
	var wide strings.Builder
	wide.WriteString("\xff\xfe")
	for _, r := range strings.Replace(f[3], "UTF-8", "UTF-16", 1) {
		wide.WriteString(string([]byte{byte(r), byte(r >> 8)}))
	}
	f[2], f[3] = `WORD\Document.XML`, wide.String()
	wantText(t, mustRead(t, "docx", f), "Grüße")
}

const wordLinks = xmlHead + `<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">` +
	`<Relationship Id="out" Type="` + relTypes + `hyperlink" Target="https://example.org/a" TargetMode="External"/>` +
	`<Relationship Id="mail" Type="` + relTypes + `hyperlink" Target="mailto:a@example.org" TargetMode="External"/>` +
	`<Relationship Id="file" Type="` + relTypes + `hyperlink" Target="file:///c:/a" TargetMode="External"/></Relationships>`

func TestDocxLinks(t *testing.T) {
	link := func(id, text string) string { return `<w:hyperlink r:id="` + id + `">` + text + `</w:hyperlink>` }
	char := func(kind string) string { return `<w:r><w:fldChar w:fldCharType="` + kind + `"/></w:r>` }
	field := func(code, result string) string {
		return char("begin") + `<w:r><w:instrText>` + code + `</w:instrText></w:r>` + char("separate") + result + char("end")
	}
	for _, c := range []struct{ name, body, want string }{
		{"a page", run("see ") + link("out", run("the ")+run("page ")) + run("there"), "see [the page](https://example.org/a) there"},
		{"a place in a page", `<w:hyperlink r:id="out" w:anchor="b">` + run("x") + `</w:hyperlink>`, "[x](https://example.org/a#b)"},
		{"its text is its address", link("mail", run("a@example.org")), "a@example.org"},
		{"what means nothing elsewhere", link("file", run("a")) + link("", run("b")), "ab"},
		{"above the line", link("out", run("m")+shifted("superscript", "2")), "[m²](https://example.org/a)"},
		{"a field", run("see ") + field(` HYPERLINK "https://example.org/b" \o "tip" `, run("this")) + run(" one"), "see [this](https://example.org/b) one"},
		{"a field to a place", field(` HYPERLINK \l "here" `, run("this")), "this"},
		{"a simple field", `<w:fldSimple w:instr="HYPERLINK &quot;https://example.org/b&quot;">` + run("this") + `</w:fldSimple>`, "[this](https://example.org/b)"},
		{"over lines", link("out", `<w:r><w:t>a</w:t><w:br/><w:t>b</w:t></w:r>`), "a\nb"},
	} {
		f := docxFile(`<w:p>` + c.body + `</w:p>`)
		f[5] = wordLinks
		t.Run(c.name, func(t *testing.T) { wantText(t, mustRead(t, "docx", f), c.want) })
	}
}

func TestDocxPictures(t *testing.T) {
	drawing := func(description string) string {
		return `<w:r><w:drawing><wp:inline xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"><wp:docPr id="1" name="Picture 1" descr="` +
			description + `"/><a:graphic/></wp:inline></w:drawing></w:r>`
	}
	wantText(t, mustRead(t, "docx", docxFile(`<w:p>`+run("ME")+drawing("A cat&#10;on a mat")+run("TA ")+drawing("Dog")+run(", too")+drawing("")+run("!")+`</w:p><w:p>`+drawing("Alone")+`</w:p>`)),
		"ME A cat on a mat TA Dog , too!\n\nAlone")
}

func TestDocxComments(t *testing.T) {
	about := func(id string) string { return `<w:r><w:commentReference w:id="` + id + `"/></w:r>` }
	r := mustRead(t, "docx", docxFile(
		`<w:p>`+run("one")+about("0")+run(" two")+about("9")+`</w:p><w:p>`+about("2")+`</w:p><w:p><w:r><w:br w:type="page"/></w:r>`+run("three")+about("1")+`</w:p>`,
		"word/comments.xml", xmlHead+`<w:comments`+ooxmlNS+`><w:comment w:id="0" w:author="Anna">`+p("Is that")+p("right?")+`</w:comment><w:comment w:id="1">`+p("Yes.")+
			`</w:comment><w:comment w:id="2" w:author="Bo">`+p("No text here.")+`</w:comment></w:comments>`))
	wantText(t, r, "one two\n\nAnna: Is that right?\nBo: No text here.\n=====\nthree\n\nYes.")
}
