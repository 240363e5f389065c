package office

import (
	"strings"
	"testing"
	"time"
)

const epubContainer = xmlHead + `<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>`

// epubFile makes a book; chapters are names and bodies.
func epubFile(chapters []string, more ...string) parts {
	manifest, spine := "", ""
	p := parts{"mimetype", "application/epub+zip", "META-INF/container.xml", epubContainer}
	for i := 0; i < len(chapters); i += 2 {
		id := "c" + string(rune('0'+i/2))
		manifest += `<item id="` + id + `" href="` + strings.ReplaceAll(chapters[i], " ", "%20") + `" media-type="application/xhtml+xml"/>`
		spine += `<itemref idref="` + id + `"/>`
		p = append(p, "OEBPS/"+chapters[i], xmlHead+`<!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml"><head><title/></head><body>`+chapters[i+1]+`</body></html>`)
	}
	opf := xmlHead + `<package xmlns="http://www.idpf.org/2007/opf" version="3.0"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Book</dc:title><dc:creator>Ada</dc:creator><dc:creator>Bob</dc:creator>
<dc:language>nl</dc:language><dc:date>2020-05</dc:date><dc:publisher>House</dc:publisher><meta property="dcterms:modified">2021-01-02T03:04:05Z</meta></metadata>
<manifest>` + manifest + `<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="scripted nav"/><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/><item id="pic" href="a.png" media-type="image/png"/></manifest>
<spine toc="ncx"><itemref idref="pic"/>` + spine + spine + `<itemref idref="gone"/></spine></package>`
	return append(append(p, "OEBPS/book.opf", opf), more...)
}

func TestEpubChapters(t *testing.T) {
	for _, c := range []struct{ name, body, want string }{
		{"blocks", `<h1>One</h1><section><p>Some <b>bo</b>ld, <em>set</em> text with a <a href="x.xhtml#y">link</a>.</p><p>1. is no list * <br/>next line</p></section><hr/>`, "# One\n\nSome bold, set text with a link.\n\n1. is no list *\nnext line\n\n* * *"},
		{"entities", `<p>a &lt;b&gt; &amp; c&nbsp;d &eacute; &#8212; &unknown;</p>`, "a <b> & c\u00a0d é — &unknown;"},
		{"lists", `<ul><li>a<ul><li>b</li></ul></li><li>c</li></ul><ol start="3"><li>three</li><li>four</li></ol>`, "- a\n\n  - b\n- c\n\n3. three\n4. four"},
		{"table", `<table><tr><th>A</th><th>B</th></tr><tr><td><p>1</p><p>2</p></td><td>x|y<br/>z</td></tr></table>`, "| A | B |\n|---|---|\n| 1 2 | x\\|y z |"},
		{"what is not text", `<script>no</script><style>no</style><svg><text>no</text></svg><p>a<img src="x" alt="picture"/><ruby>漢<rt>kan</rt></ruby></p>`, "apicture漢"},
		{"tags that close themselves", `<script src="x"/><p>still here</p><div/><p>and here</p><a id="x"/>`, "still here\n\nand here"},
		{"HTML that is not XML", `<p>one<p>two<ul><li>a<li>b</ul><p>un<b>closed</p><p>t < u & v</p>`, "one\n\ntwo\n\n- a\n- b\n\nunclosed\n\nt < u & v"},
		{"code", `<pre>a
  b &lt;c&gt;</pre>`, "```\na\n  b <c>\n```"},
		{"quotation", `<blockquote><p>said</p></blockquote>`, "> said"},
		{"above and below the line", `<p>note<sup>1</sup> m<sup>2</sup> H<sub>2</sub>O 1<sup>s<i>t</i></sup> x<sub>max</sub></p><p>a<sup>b</p>`, "note¹ m² H₂O 1^(st) x_(max)\n\na^(b)"},
		{"formulas", `<p><math><mrow><mi>x</mi><mn>2</mn></mrow><annotation encoding="tex">x^2</annotation><annotation-xml>no</annotation-xml></math></p>`, "x2"},
		{"CDATA", `<p><![CDATA[x & y]]></p>`, "x & y"},
	} {
		t.Run(c.name, func(t *testing.T) { wantText(t, mustRead(t, "epub", epubFile([]string{"a.xhtml", c.body})), c.want) })
	}
}

const (
	navPart = xmlHead + `<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><body><nav epub:type="landmarks"><ol><li><a href="two%20b.xhtml">no</a></li></ol></nav>
<nav epub:type="toc"><h1>Contents</h1><ol><li><a href="one.xhtml#start">First <i>chapter</i></a><ol><li><a href="one.xhtml#more">no</a></li></ol></li><li><a href="./two%20b.xhtml">Second</a></li></ol></nav></body></html>`
	ncxPart = xmlHead + `<!DOCTYPE ncx PUBLIC "-//NISO//DTD ncx 2005-1//EN" "http://www.daisy.org/z3986/2005/ncx-2005-1.dtd"><ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>
<navPoint><navLabel><text>Old first</text></navLabel><content src="one.xhtml"/><navPoint><navLabel><text>Old second</text></navLabel><content src="two%20b.xhtml#x"/></navPoint></navPoint></navMap></ncx>`
)

func TestEpubLabelsAndProperties(t *testing.T) {
	chapters := []string{"one.xhtml", "<p>1</p>", "two b.xhtml", "<p>2</p>", "three.xhtml", ""}
	r := mustRead(t, "epub", epubFile(chapters, "OEBPS/nav.xhtml", navPart, "OEBPS/toc.ncx", ncxPart))
	wantText(t, r, "1\n=====\n2\n=====\n")
	wantLabels(t, r, "First chapter", "Second", "")
	d := r.doc
	if r.Expected != 3 || d.Format != "epub" || d.Title != "Book" || d.Author != "Ada" || d.Language != "nl" || d.Properties["creators"] != "Ada, Bob" || d.Properties["publisher"] != "House" {
		t.Errorf("%d %+v", r.Expected, d)
	}
	if !d.Created.Equal(time.Date(2020, 5, 1, 0, 0, 0, 0, time.UTC)) || !d.Modified.Equal(time.Date(2021, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("created %v, modified %v", d.Created, d.Modified)
	}
	wantLabels(t, mustRead(t, "epub", epubFile(chapters, "OEBPS/toc.ncx", ncxPart)), "Old first", "Old second", "")
	wantLabels(t, mustRead(t, "epub", epubFile(chapters)), "", "", "")
}

func TestEpubDeepAndWide(t *testing.T) {
	const deep, lines = 200, 2000
	r := mustRead(t, "epub", epubFile([]string{"a.xhtml", strings.Repeat("<blockquote>", deep) + strings.Repeat("line<br/>", lines) + strings.Repeat("</blockquote>", deep)}))
	if got, most := len(r.text()), lines*(len("line\n")+maxNested*len("> ")); got > most {
		t.Errorf("%d bytes of text from nested quotations, want %d at most", got, most)
	}
	r = mustRead(t, "epub", epubFile([]string{"a.xhtml", `<table><tr><td colspan="99999999">a</td></tr><tr><td>b</td></tr></table>`}))
	if got := len(r.text()); got > 20*maxSpan {
		t.Errorf("%d bytes of text from a wide cell", got)
	}
}
