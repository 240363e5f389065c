package office

import (
	"strings"
	"testing"
	"time"
)

const odfNS = ` xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"` +
	` xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"` +
	` xmlns:draw="urn:oasis:names:tc:opendocument:xmlns:drawing:1.0" xmlns:fo="urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0"` +
	` xmlns:presentation="urn:oasis:names:tc:opendocument:xmlns:presentation:1.0" xmlns:meta="urn:oasis:names:tc:opendocument:xmlns:meta:1.0"` +
	` xmlns:chart="urn:oasis:names:tc:opendocument:xmlns:chart:1.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xlink="http://www.w3.org/1999/xlink"` +
	` xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"`

// odfFile makes a document whose body is of that kind: "text", say.
func odfFile(kind, automatic, body string, more ...string) parts {
	return append(parts{
		"mimetype", "application/vnd.oasis.opendocument." + kind,
		"content.xml", xmlHead + `<office:document-content` + odfNS + `><office:automatic-styles>` + automatic + `</office:automatic-styles><office:body><office:` + kind + `>` + body +
			`</office:` + kind + `></office:body></office:document-content>`,
	}, more...)
}

func tp(text string) string { return `<text:p>` + text + `</text:p>` }

func TestOdtText(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"spaces", tp("  one\n  two<text:span> three</text:span> <text:s text:c=\"3\"/>four<text:tab/>five<text:line-break/>six "), "one two three    four\tfive\nsix"},
		{"headings", `<text:h text:outline-level="2">Two</text:h>` + tp("text") + `<text:h>One</text:h>`, "## Two\n\ntext\n\n# One"},
		{"links, fields and marks", tp(`see <text:a xlink:href="x">the <text:span>page</text:span></text:a><text:bookmark text:name="b"/> <text:date>1 May</text:date> <text:page-number>3</text:page-number>`), "see the page 1 May 3"},
		{"hidden", tp(`a<text:span text:style-name="H">secret</text:span><text:hidden-text>no</text:hidden-text>b`), "ab"},
		{"annotation", tp(`a<office:annotation><dc:creator>X</dc:creator>` + tp("note") + `</office:annotation>b<office:annotation-end/>`), "ab"},
		{"deleted", `<text:tracked-changes><text:changed-region><text:deletion>` + tp("gone") + `</text:deletion></text:changed-region></text:tracked-changes>` + tp("kept<text:change/>"), "kept"},
		{"notes", tp(`a<text:note text:note-class="footnote"><text:note-citation>1</text:note-citation><text:note-body>`+tp("below")+`</text:note-body></text:note> b<text:note text:note-class="endnote"><text:note-citation>i</text:note-citation><text:note-body>`+tp("last")+`</text:note-body></text:note>`) + tp("c"), "a[^1] b[^i]\n\nc\n\n[^1]: below\n[^i]: last"},
		{"frames", tp(`a <draw:frame><draw:text-box>` + tp("boxed") + `</draw:text-box></draw:frame><draw:custom-shape>` + tp("shape") + `<draw:enhanced-geometry/></draw:custom-shape>b`), "a b\n\nboxed\n\nshape"},
		{"section and index", `<text:section>` + tp("in") + `</text:section><text:section text:display="none">` + tp("no") + `</text:section><text:table-of-content><text:table-of-content-source><text:index-title-template>no</text:index-title-template></text:table-of-content-source><text:index-body>` + tp("Entry<text:tab/>3") + `</text:index-body></text:table-of-content>`, "in\n\nEntry\t3"},
		{"ruby", tp(`<text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>kana</text:ruby-text></text:ruby>`), "漢字"},
		{"many spaces", tp(`a<text:s text:c="999999999"/>b`), "a" + strings.Repeat(" ", maxSpaces) + "b"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			wantText(t, mustRead(t, "odt", odfFile("text", `<style:style style:name="H" style:family="text"><style:text-properties text:display="none"/></style:style>`, c.body)), c.want)
		})
	}
}

const odfLists = `<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1" style:num-suffix="."/>
<text:list-level-style-number text:level="2" style:num-format="a" style:num-prefix="(" style:num-suffix=")" text:display-levels="2"/></text:list-style>
<text:list-style style:name="L2"><text:list-level-style-bullet text:level="1" text:bullet-char="•"/></text:list-style>
<style:style style:name="P1" style:family="paragraph" style:list-style-name="L1"/>`

func TestOdtLists(t *testing.T) {
	item := func(text string) string { return `<text:list-item>` + tp(text) + `</text:list-item>` }
	r := mustRead(t, "odt", odfFile("text", odfLists,
		`<text:list text:style-name="L1" xml:id="a"><text:list-header>`+tp("head")+`</text:list-header>`+item("one")+
			`<text:list-item>`+tp("two")+tp("goes on")+`<text:list>`+item("inner")+item("more")+`</text:list></text:list-item><text:list-item text:start-value="7">`+tp("seven")+`</text:list-item></text:list>`+
			tp("between")+
			`<text:list text:style-name="L1" text:continue-numbering="true">`+item("eight")+`</text:list>`+
			`<text:list text:style-name="L1" text:continue-list="a">`+item("nine")+`</text:list>`+
			`<text:list text:style-name="L1">`+item("anew")+`</text:list>`+
			`<text:list text:style-name="L2">`+item("dot")+`</text:list>`+
			`<text:list><text:list-item><text:p text:style-name="P1">by its style</text:p></text:list-item></text:list>`+
			`<text:list text:style-name="gone">`+item("unknown")+`</text:list>`))
	wantText(t, r, `head

1. one
2. two

    goes on
    (2.a) inner
    (2.b) more
7. seven

between

8. eight
9. nine
1. anew
- dot
1. by its style
- unknown`)
}

func TestOdtNumberedHeadings(t *testing.T) {
	r := mustRead(t, "odt", odfFile("text", "", `<text:h text:outline-level="1">First</text:h><text:h text:outline-level="2">Sub</text:h><text:h text:outline-level="1">Second</text:h><text:h text:outline-level="3">Plain</text:h>`,
		"styles.xml", xmlHead+`<office:document-styles`+odfNS+`><office:styles><style:default-style style:family="paragraph"><style:text-properties fo:language="pt" fo:country="BR"/></style:default-style>
<text:outline-style><text:outline-level-style text:level="1" style:num-format="I" style:num-suffix="."/><text:outline-level-style text:level="2" style:num-format="1" text:display-levels="2"/>
<text:outline-level-style text:level="3" style:num-format=""/></text:outline-style></office:styles></office:document-styles>`))
	wantText(t, r, "# I. First\n\n## I.1 Sub\n\n# II. Second\n\n### Plain")
	if r.doc.Language != "pt-BR" {
		t.Errorf("language %q", r.doc.Language)
	}
}

func TestOdtPagesAndMargins(t *testing.T) {
	const automatic = `<style:style style:name="B" style:family="paragraph" style:parent-style-name="C"/><style:style style:name="C" style:family="paragraph"><style:paragraph-properties fo:break-before="page"/></style:style>
<style:style style:name="A" style:family="paragraph"><style:paragraph-properties fo:break-after="page"/></style:style><style:style style:name="M" style:family="paragraph" style:master-page-name="Other"/>`
	const table = `<table:table><table:table-row><table:table-cell>%1</table:table-cell><table:table-cell>%2</table:table-cell></table:table-row><text:soft-page-break/>` +
		`<table:table-row><table:table-cell>%3</table:table-cell><table:table-cell>%4</table:table-cell></table:table-row></table:table>`
	r := mustRead(t, "odt", odfFile("text", automatic, `<text:p text:style-name="M">one</text:p><text:p text:style-name="B">two</text:p><text:soft-page-break/>`+tp("thr<text:soft-page-break/>ee")+
		`<text:p text:style-name="A">end</text:p><text:p text:style-name="M">other</text:p>`+strings.NewReplacer("%1", tp("a"), "%2", tp("b"), "%3", tp("c"), "%4", tp("d")).Replace(table),
		"styles.xml", xmlHead+`<office:document-styles`+odfNS+`><office:master-styles><style:master-page style:name="Standard"><style:header>`+tp("Head")+`</style:header>
<style:footer>`+tp("Page <text:page-number>1</text:page-number>")+`</style:footer></style:master-page><style:master-page style:name="Other"><style:header>`+tp("Head")+`</style:header></style:master-page></office:master-styles></office:document-styles>`))
	wantText(t, r, "Head\n\none\n\nPage\n=====\ntwo\n=====\nthr\n=====\nee\n\nend\n=====\n\n=====\nother\n\n| a | b |\n| --- | --- |\n=====\n| c | d |\n| --- | --- |")
}

func TestOdtTables(t *testing.T) {
	r := mustRead(t, "odt", odfFile("text", "", `<table:table><table:table-column table:number-columns-repeated="3"/><table:table-header-rows><table:table-row><table:table-cell table:number-columns-spanned="2">`+tp("ab")+
		`</table:table-cell><table:covered-table-cell/><table:table-cell>`+tp("c")+`</table:table-cell></table:table-row></table:table-header-rows><table:table-row><table:table-cell>`+tp("1")+tp("2")+
		`</table:table-cell><table:table-cell table:number-columns-repeated="2">`+tp("same")+`</table:table-cell></table:table-row></table:table><table:table><table:table-row><table:table-cell>`+tp("alone")+`</table:table-cell></table:table-row></table:table>`))
	wantText(t, r, "| ab | | c |\n| --- | --- | --- |\n| 1 2 | same | same |\n\nalone")
}

func TestOdfMeta(t *testing.T) {
	r := mustRead(t, "odt", odfFile("text", "", tp("x"), "meta.xml", xmlHead+`<office:document-meta`+odfNS+`><office:meta><dc:title>Title</dc:title><meta:initial-creator>Ada</meta:initial-creator><dc:creator>Bob</dc:creator>
<meta:creation-date>2024-02-03T04:05:06.123</meta:creation-date><dc:date>2024-02-05T00:00:00</dc:date><dc:language>en-US</dc:language><meta:keyword>a</meta:keyword><meta:keyword>b</meta:keyword><meta:generator>Writer</meta:generator></office:meta></office:document-meta>`))
	d := r.doc
	if d.Format != "odt" || d.Title != "Title" || d.Author != "Ada" || d.Language != "en-US" || d.Properties["modified_by"] != "Bob" || d.Properties["keywords"] != "a, b" || d.Properties["producer"] != "Writer" {
		t.Errorf("%+v", d)
	}
	if want := time.Date(2024, 2, 3, 4, 5, 6, 123_000_000, time.UTC); !d.Created.Equal(want) {
		t.Errorf("created %v", d.Created)
	}
}

func TestOdpSlides(t *testing.T) {
	frame := func(class, text string) string {
		return `<draw:frame presentation:class="` + class + `"><draw:text-box>` + text + `</draw:text-box></draw:frame>`
	}
	r := mustRead(t, "odp", odfFile("presentation", `<style:style style:name="dp2" style:family="drawing-page"><style:drawing-page-properties presentation:visibility="hidden"/></style:style>`+odfLists,
		`<draw:page draw:name="page1">`+frame("outline", `<text:list text:style-name="L2"><text:list-item>`+tp("point")+`<text:list><text:list-item>`+tp("sub")+`</text:list-item></text:list></text:list-item></text:list>`)+frame("title", tp("The")+tp("title"))+
			`<draw:g><draw:custom-shape>`+tp("drawn")+`</draw:custom-shape></draw:g><draw:frame><table:table><table:table-row><table:table-cell>`+tp("a")+`</table:table-cell><table:table-cell>`+tp("b")+`</table:table-cell></table:table-row></table:table></draw:frame>
<presentation:notes><draw:page-thumbnail/>`+frame("notes", tp("Say it."))+`</presentation:notes></draw:page><draw:page draw:style-name="dp2"><draw:frame presentation:class="title" presentation:placeholder="true"><draw:text-box>`+tp("Click")+`</draw:text-box></draw:frame>
<draw:frame><draw:object xlink:href="./Object 1"/><draw:image xlink:href="./ObjectReplacements/Object 1"/></draw:frame></draw:page>`,
		"Object 1/content.xml", xmlHead+`<office:document-content`+odfNS+`><office:body><office:chart><chart:chart><chart:title>`+tp("Growth")+`</chart:title><chart:plot-area><chart:axis><chart:title>`+tp("Year")+`</chart:title></chart:axis></chart:plot-area>
<table:table><table:table-rows><table:table-row><table:table-cell>`+tp("2023")+`</table:table-cell><table:table-cell>`+tp("5")+`</table:table-cell></table:table-row></table:table-rows></table:table></chart:chart></office:chart></office:body></office:document-content>`))
	wantText(t, r, "# The title\n\n- point\n    - sub\n\ndrawn\n\n| a | b |\n| --- | --- |\n\nNotes:\n\nSay it.\n=====\n(hidden slide)\n\nGrowth\n\nYear\n\n| 2023 | 5 |\n| --- | --- |")
	wantLabels(t, r, "The title", "")
}

func TestOdsSheets(t *testing.T) {
	r := mustRead(t, "ods", odfFile("spreadsheet", `<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>`,
		`<table:table table:name="First"><table:table-column/><table:table-row table:number-rows-repeated="2"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>
<table:table-row><table:table-cell/><table:table-cell office:value-type="float" office:value="1234.5">`+tp("1,234.50 €")+`</table:table-cell><table:covered-table-cell/><table:table-cell table:number-columns-repeated="2">`+tp("x")+`</table:table-cell></table:table-row>
<table:table-row-group><table:table-row table:number-rows-repeated="2"><table:table-cell/><table:table-cell office:value-type="float" office:value="7"><office:annotation>`+tp("no")+`</office:annotation></table:table-cell></table:table-row></table:table-row-group>
<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row></table:table>
<table:table table:name="Second" table:style-name="ta2"><table:shapes><draw:custom-shape>`+tp("shape")+`</draw:custom-shape></table:shapes></table:table>`))
	wantText(t, r, "| 1,234.50 € | x | x |\n| --- | --- | --- |\n| 7 | | |\n| 7 | | |\n=====\n(hidden sheet)\n\nshape")
	wantLabels(t, r, "First", "Second")
}

func TestOdtScripts(t *testing.T) {
	styles := `<style:style style:name="up" style:family="text"><style:text-properties style:text-position="super 58%"/></style:style>` +
		`<style:style style:name="down" style:family="text"><style:text-properties style:text-position="-33% 58%"/></style:style>`
	wantText(t, mustRead(t, "odt", odfFile("text", styles, tp(`m<text:span text:style-name="up">2</text:span> H<text:span text:style-name="down">2</text:span>O`))), "m² H₂O")
}

func TestOdtTitles(t *testing.T) {
	styles := `<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>` +
		`<style:style style:name="Chapter" style:family="paragraph" style:default-outline-level="2"/><style:style style:name="Subtitle" style:family="paragraph"/>`
	r := mustRead(t, "odt", odfFile("text", styles, `<text:p text:style-name="P1">The title</text:p><text:p text:style-name="Subtitle">of it</text:p>`+
		`<text:p text:style-name="Chapter">A chapter</text:p><text:p text:style-name="Title">Another</text:p>`,
		"styles.xml", xmlHead+`<office:document-styles`+odfNS+`><office:styles><style:style style:name="Title" style:family="paragraph"/></office:styles></office:document-styles>`))
	wantText(t, r, "# The title\n\nof it\n\n## A chapter\n\n# Another")
}
