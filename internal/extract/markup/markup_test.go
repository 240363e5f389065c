package markup_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/extracttest"
	"github.com/satchel-files/satchel/internal/extract/markup"
)

func read(t testing.TB, content, contentType string) (*extracttest.Book, satchel.Document) {
	t.Helper()
	return extracttest.Read(t, markup.Format{}, content, contentType)
}

func TestHTML(t *testing.T) {
	for _, c := range []struct{ name, page, want string }{
		{"words", "Hello  <b>you</b>,\n<i>there</i>", "Hello you, there\n"},
		{"parts of words", "<b>bo</b>ld x<sub>2</sub>", "bold x₂\n"},
		{"above and below the line", "note<sup>1</sup> m<sup>2</sup> H<sub>2</sub>O 1<sup>st</sup> x<sub>max</sub> cite<sup><a href='#1'>[1]</a></sup> Mark<sup>®</sup> 10<sup>-3</sup>",
			"note¹ m² H₂O 1^(st) x_(max) cite[1] Mark® 10⁻³\n"},
		{"above the line in a link", "<a href='https://example.org'>m<sup>2</sup></a>", "[m²](https://example.org)\n"},
		{"powers in formulas", "<math><msup><mi>x</mi> <mn>2</mn></msup><mo>+</mo><msub><mi>a</mi><mi>n</mi></msub><annotation>x^2</annotation></math>", "x²+a_(n)\n"},
		{"nothing is escaped", "<p>1 &lt; 2 &amp; snake_case *x* &amp;lt; # 5\\", "1 < 2 & snake_case *x* &lt; # 5\\\n"},
		{"paragraphs", "<p>one<p>two<div>three</div>four", "one\n\ntwo\n\nthree\nfour\n"},
		{"lines", "a<br>b<br/><br>c<div>d</div><div><br></div><div>e</div>", "a\nb\n\nc\nd\n\ne\n"},
		{"headings", "<h1>One <i>and\nmore</i></h1><h3><div>Two</div><br>x</h3><h2></h2>text<h9>y</h9>", "# One and more\n\n### Two x\n\ntexty\n"},
		{"a rule", "a<hr>b", "a\n\n---\n\nb\n"},
		{"spaces that do not break", "a&nbsp;b&#8239;c", "a b c\n"},
		{"what nobody sees", "soft&shy;hyphen zero&#8203;width <span>&zwnj;</span>\uFEFFmark &#847;&zwnj;&nbsp;&#847;", "softhyphen zerowidth mark\n"},
		{"joiners in words stay", "می\u200cخواهم 👩\u200d🚀", "می\u200cخواهم 👩\u200d🚀\n"},

		{"a list", "<ul><li>one</li><li> two <b>x</b></ul>after", "- one\n- two x\n\nafter\n"},
		{"a list in a list", "<ul><li>one<ul><li>two<li>three</ul><li>four</ul>", "- one\n  - two\n  - three\n- four\n"},
		{"a list that begins with one", "<ul><li><ul><li>x</ul></ul>", "- - x\n"},
		{"numbers", "<ol start=9><li>nine<li>ten<p>more</ol><ol><li>one</ol>", "9. nine\n10. ten\n\n    more\n\n1. one\n"},
		{"paragraphs in items", "<ul><li><p>a</p><p>b</p></li></ul>", "- a\n\n  b\n"},
		{"empty items", "<ul><li></li><li>x</li></ul>y", "- x\n\ny\n"},
		{"definitions", "<dl><dt>Term<dd>Meaning<br>of it<dd>Another</dl>", "Term\n: Meaning\n  of it\n: Another\n"},
		{"a quotation", "He:<blockquote><p>one<p>two<blockquote>three</blockquote></blockquote>end", "He:\n\n> one\n>\n> two\n>\n> > three\n\nend\n"},
		{"a list in a quotation", "<blockquote><ul><li>a<br>b</ul></blockquote>", "> - a\n>   b\n"},
		{"quotes", "He said <q>yes</q>.", "He said “yes”.\n"},

		{"code", "<pre><code class='x language-go'>a  b\n\n\tc &lt;\n</code></pre>", "```go\na  b\n\n\tc <\n```\n"},
		{"code with fences", "<pre>```\nx</pre>", "````\n```\nx\n````\n"},
		{"code in a list", "<ul><li>do:<pre>x\ny</pre></ul>", "- do:\n\n  ```\n  x\n  y\n  ```\n"},
		{"code in a line", "run <code>go  test</code>", "run go test\n"},
		{"struck out", "was <del>10</del> <s>a<br>b</s>", "was ~~10~~ a\nb\n"},

		{"a link", "see <a href='https://example.org/a?b=c'>the <b>page</b></a>.", "see [the page](https://example.org/a?b=c).\n"},
		{"a link that is its text", "<a href='https://www.example.org/'>example.org</a> <a href='mailto:a@b.org'>a@b.org</a>", "example.org a@b.org\n"},
		{"links that mean nothing elsewhere", "<a href='#x'>a</a> <a href='/b'>b</a> <a href='javascript:c()'>c</a> <a name=d>d</a>", "a b c d\n"},
		{"a link without text", "a<a href='https://example.org'> </a>b", "a b\n"},
		{"a long link", "<a href='https://example.org/" + strings.Repeat("x", 200) + "'>a</a>", "a\n"},
		{"a link over paragraphs", "<a href='https://example.org'><p>a<p>b</a>", "[a](https://example.org)\n\n[b](https://example.org)\n"},
		{"a link over lines", "<a href='https://example.org'><div>a</div><div>b</div></a>", "a\nb\n"},
		{"images", "<img src=a.png alt=' A\ncat '><img src=b.png> <a href='https://example.org'><img alt=Logo></a>", "A cat [Logo](https://example.org)\n"},
		{"images among words", "ME<img src=cid:1 alt='ALT text'>TA <img src='https://example.org/b.png' alt=Cat>s", "ME ALT text TA ![Cat](https://example.org/b.png) s\n"},
		{"a form", "<form>Name <input value=Anna><input type=hidden value=x><input type=password value=y><br><input type=checkbox checked> yes" +
			"<input type=radio>no<select><option>a<option selected>b</select><select><option>c<option>d</select><textarea>long\ntext</textarea>" +
			"<button>Go</button><input type=image alt=Send></form>", "Name Anna\n[x] yes[ ]no b c long textGo Send\n"},

		{"hidden things", "<script>a</script><style>b</style><template>c</template><noscript>d</noscript><p hidden>e</p><p style='Display : NONE'>f</p>" +
			"<span style='visibility:hidden'>g</span><dialog>h</dialog><dialog open>i</dialog><p hidden=until-found>j</p><iframe>k</iframe>" +
			"<!-- l --><svg><text>m</text></svg><object>n</object><datalist><option>o</datalist>z", "i\n\nj\n\nz\n"},
		{"a head", "<html><head><title>T</title><meta name=a content=b></head><body>text</body></html>", "text\n"},
		{"details", "<details><summary>More</summary>hidden until one clicks</details>", "More\nhidden until one clicks\n"},
		{"formulas", "<math><mi>x</mi><mo>=</mo><mn>1</mn><annotation>x=1</annotation></math>", "x=1\n"},
		{"ruby", "<ruby>漢<rp>(</rp><rt>かん</rt><rp>)</rp></ruby>", "漢かん\n"},

		{"a table", "<table><caption>Cats</caption><thead><tr><th>Name<th>Age</thead><tr><td>Tom | x<td>3<tr><td><b>Pat</b><br>y<td></table>end",
			"Cats\n\n| Name | Age |\n| --- | --- |\n| Tom \\| x | 3 |\n| Pat y |\n\nend\n"},
		{"cells over rows and columns", "<table><tr><th colspan=2>A<th>B<tr><td rowspan=2>1<td>2<td>3<tr><td>4<td>5<tr><td>6</table>",
			"| A | | B |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n| | 4 | 5 |\n| 6 |\n"},
		{"paragraphs and lists in cells", "<table><tr><td><p>a<p>b<td>c<tr><td><ul><li>d<li>e</ul><td>f</table>", "| a b | c |\n| --- | --- |\n| - d - e | f |\n"},
		{"a link in a cell", "<table><tr><td>a<td>b<tr><td><a href='https://example.org'>c</a><td>d</table>", "| a | b |\n| --- | --- |\n| [c](https://example.org) | d |\n"},
		{"a table in a list", "<ul><li>x<table><tr><td>a<td>b<tr><td>c<td>d</table></ul>", "- x\n\n  | a | b |\n  | --- | --- |\n  | c | d |\n"},
		{"a table for show", "<table><tr><td>left<td>right</table>", "left\nright\n"},
		{"a table that says so", "<table role=presentation><tr><td>a<td>b<tr><td>c<td>d</table>", "a\nb\nc\nd\n"},
		{"a table in a table", "<table><tr><td>menu<td><table><tr><td>a<td>b<tr><td>c<td>d</table><tr><td>x<td>y</table>",
			"menu\n\n| a | b |\n| --- | --- |\n| c | d |\n\nx\ny\n"},
		{"a heading in a table", "<table><tr><td><h2>Part</h2><td>x<tr><td>a<td>b</table>", "## Part\n\nx\na\nb\n"},
		{"a table with one full column", "<table><tr><td>a<td><tr><td>b<td></table>", "a\nb\n"},
		{"an empty table", "<table><tr><td><td><tr><td><td></table>x", "x\n"},

		{"nothing", "", ""},
		{"nothing to see", "<p> </p><div hidden>x</div>", ""},
		{"what is not closed", "<div><p>a<b>b<table><tr><td>c", "ab\n\nc\n"},
		{"NUL and other controls", "a\x00b\x0cc", "ab c\n"},
	} {
		got, _, err := markup.Convert(t.Context(), c.page)
		if strings.ReplaceAll(got, "\x00", "") != c.want || err != nil {
			t.Errorf("%s:\n%s\nwant:\n%s\n%v", c.name, got, c.want, err)
		}
	}
}

func TestWhatPagesSay(t *testing.T) {
	at := time.Date(2024, 5, 1, 10, 30, 0, 0, time.UTC)
	for _, c := range []struct {
		contentType, page string
		want              satchel.Document
	}{
		{"text/html", `<html lang="lv-LV"><head><title> Mans
  raksts </title><meta name="Author" content="Anna Bērziņa"><meta name=description content="Par ko">
<meta property="article:published_time" content="2024-05-01T12:30:00+02:00"><meta property="article:modified_time" content="2024-05-02">
<meta name=keywords content="a, b"><meta property="og:site_name" content="Ziņas"></head><h1>Cits</h1>`, satchel.Document{
			Format: "html", Title: "Mans raksts", Author: "Anna Bērziņa", Language: "lv-LV", Created: at, Modified: time.Date(2024, 5, 2, 0, 0, 0, 0, time.UTC),
			Properties: map[string]string{"description": "Par ko", "keywords": "a, b", "site": "Ziņas"},
		}},
		{"text/html", "<svg><title>No</title></svg><h1 hidden>No</h1><h1>First <b>heading</b></h1><h1>Second</h1>", satchel.Document{Format: "html", Title: "First heading"}},
		{"text/html", `<meta property="og:title" content="Named"><h1>Heading</h1>`, satchel.Document{Format: "html", Title: "Named"}},
		{"text/html", `<meta http-equiv=content-language content=de><meta name=date content="no date">`, satchel.Document{Format: "html", Language: "de"}},
		{"text/html", "<meta charset=windows-1257><title>R\xEEga</title>", satchel.Document{Format: "html", Title: "Rīga", Properties: map[string]string{"encoding": "windows-1257"}}},
		{"text/html", "<meta http-equiv='Content-Type' content='text/html; charset=koi8-r'><title>\xEE\xC5\xD4</title>",
			satchel.Document{Format: "html", Title: "Нет", Properties: map[string]string{"encoding": "koi8-r"}}},
		{"application/xhtml+xml", "<?xml version='1.0' encoding='iso-8859-2'?><html><title>\xA3\xF3d\xBC</title></html>",
			satchel.Document{Format: "html", Title: "Łódź", Properties: map[string]string{"encoding": "iso-8859-2"}}},
		{"text/html", "\xFF\xFE<\x00t\x00i\x00t\x00l\x00e\x00>\x00\x01\x01", satchel.Document{Format: "html", Title: "ā", Properties: map[string]string{"encoding": "utf-16le"}}},

		{"text/markdown", "words\n# not yet `x` #\n# Second", satchel.Document{Format: "markdown", Title: "not yet `x`"}},
		{"text/markdown", "```\n# code\n```\n\nTitle\nof it\n===\n", satchel.Document{Format: "markdown", Title: "of it"}},
		{"text/markdown", "no heading\n", satchel.Document{Format: "markdown"}},
		{"text/markdown", "---\ntitle: \"My: post\"\nauthor: [Anna, 'Bo']\ndate: 2024-05-01 10:30\nupdated: 2024-05-02\nlang: lv\ntags:\n  - a\n  - b # c\nempty:\nnested:\n  x: y\n---\n# Other\n",
			satchel.Document{
				Format: "markdown", Title: "My: post", Author: "Anna, Bo", Language: "lv", Created: at, Modified: time.Date(2024, 5, 2, 0, 0, 0, 0, time.UTC),
				Properties: map[string]string{"tags": "a, b # c"},
			}},
		{"text/markdown", "+++\ntitle = 'TOML'\ndraft = true\n+++\ntext", satchel.Document{Format: "markdown", Title: "TOML", Properties: map[string]string{"draft": "true"}}},
		{"text/markdown", "---\ntitle: never closed\n\n# Heading\n", satchel.Document{Format: "markdown", Title: "Heading"}},

		{"image/svg+xml", `<svg width="640px" height="480.5" xmlns="http://www.w3.org/2000/svg"><title>A plan</title><desc>Of the house</desc><g><title>no</title></g></svg>`,
			satchel.Document{Format: "svg", Title: "A plan", Width: 640, Height: 480, Properties: map[string]string{"description": "Of the house"}}},
		{"image/svg+xml", `<svg width="100%" height="2cm"/>`, satchel.Document{Format: "svg"}},
	} {
		if _, doc := read(t, c.page, c.contentType); !cmp.Equal(doc, c.want) {
			t.Errorf("%s\n%s", c.page, cmp.Diff(c.want, doc))
		}
	}
}

func TestMarkdownStaysAsItIs(t *testing.T) {
	const source = "---\ntitle: x\n---\n# *Title*\n\n* a\n* b\\_c\n\n<b>html</b>\n"
	if b, _ := read(t, strings.ReplaceAll(source, "\n", "\r\n"), "text/markdown"); len(b.Pages) != 1 || b.Pages[0] != (extract.Page{Text: source}) {
		t.Errorf("got %q", b.Pages)
	}
}

func TestDrawings(t *testing.T) {
	const source = `<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><svg><style>no</style><defs><text>no</text></defs>
<text x="1">Kitchen <tspan>12</tspan> m²</text><text>&c;<tspan x="1">two</tspan><tspan y="2">three</tspan></text><g><title>no</title><path d="M"/></g><text>cut`
	if b, _ := read(t, source, "image/svg+xml"); b.Text() != "Kitchen 12 m²\n&c;\ntwo\nthree\ncut\n" {
		t.Errorf("got %q", b.Text())
	}
}

// Long documents are cut before headings, and never within code.
func TestLongDocumentsAreCut(t *testing.T) {
	var html, markdown strings.Builder
	for i := range 60 {
		words := strings.Repeat("Some words of a long document. ", 100)
		fmt.Fprintf(&html, "<h2>Part %d</h2><p>%s</p>", i+1, words)
		fmt.Fprintf(&markdown, "## Part %d ##\n\n%s\n\n```\n# no heading\n```\n\n", i+1, words)
	}
	for contentType, content := range map[string]string{"text/html": html.String(), "text/markdown": markdown.String()} {
		b, _ := read(t, content, contentType)
		if len(b.Pages) < 3 || len(b.Pages) > 5 {
			t.Fatalf("%s: %d pages", contentType, len(b.Pages))
		}
		for _, p := range b.Pages {
			if line, _, _ := strings.Cut(p.Text, "\n"); strings.Trim(line, "# ") != p.Label || p.Label == "" {
				t.Errorf("%s: a page called %q begins with %q", contentType, p.Label, line)
			}
		}
	}
	code := "# Code\n```\n" + strings.Repeat("x\n", 100_000) + "```\nend\n" + strings.Repeat("words\n", 20_000)
	b, _ := read(t, code, "text/markdown")
	if b.Text() != code || b.Pages[len(b.Pages)-1].Label != "Code" {
		t.Errorf("%d pages", len(b.Pages))
	}
}

func TestWhatIsTooComplex(t *testing.T) {
	for name, c := range map[string]struct{ contentType, content string }{
		"deep HTML": {"text/html", strings.Repeat("<div>", 600) + "x"},
		"many tags": {"text/html", strings.Repeat("<p>", 1<<20+1)},
		"long HTML": {"text/html", strings.Repeat("words ", 6<<20)},
		"deep SVG":  {"image/svg+xml", strings.Repeat("<g>", 600)},
		"long SVG":  {"image/svg+xml", "<svg>" + strings.Repeat("words ", 6<<20)},
		"rich SVG":  {"image/svg+xml", "<svg>" + strings.Repeat("<a/>", 600_000)},
	} {
		var b extracttest.Book
		_, err := markup.Format{}.Extract(t.Context(), extracttest.Input(c.content, c.contentType), &b)
		if satchel.CodeOf(err) != satchel.CodeDocumentTooComplex || len(b.Pages) > 0 {
			t.Errorf("%s: %v, %d pages", name, err, len(b.Pages))
		}
	}
}

// What a page costs grows with its length: the same nesting that makes other programs write gigabytes gives little more than the words.
func TestHostilePages(t *testing.T) {
	for name, page := range map[string]string{
		"quotations in quotations": strings.Repeat("<blockquote>a", 250) + strings.Repeat("<p>b", 20_000),
		"lists in lists":           strings.Repeat("<ul><li>a", 200) + strings.Repeat("<br>b", 20_000),
		"wide cells":               "<table><tr>" + strings.Repeat("<td colspan=1000000>x", 1000) + "<tr><td rowspan=1000000>y<td>z</table>",
		"high cells":               "<table>" + strings.Repeat("<tr>"+strings.Repeat("<td rowspan=65534>x", 20), 1000) + "</table>",
		"tables in tables":         strings.Repeat("<table><tr><td>x", 120) + strings.Repeat("<td>y<td>z<tr>", 10_000),
		"links in links":           strings.Repeat("<a href='https://example.org'><table><tr><td>", 60) + strings.Repeat("x<br>", 10_000),
		"struck and struck":        strings.Repeat("<s>", 400) + strings.Repeat("x ", 100_000),
		"headings in headings":     strings.Repeat("<h1><div>x", 200) + strings.Repeat("y ", 10_000),
		"spaces":                   strings.Repeat("<p> ", 100_000),
		"one long word":            strings.Repeat("x", 1<<20),
		"choices in choices":       strings.Repeat("<select><option>x", 10_000),
	} {
		b, _ := read(t, page, "text/html")
		if length := len(b.Text()); length > 10*len(page) {
			t.Errorf("%s: %d bytes of %d", name, length, len(page))
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for contentType, content := range map[string]string{
		"text/html": strings.Repeat("<p>x", 10_000), "text/markdown": "# x", "image/svg+xml": "<svg><text>x</text></svg>",
	} {
		if _, err := (markup.Format{}).Extract(ctx, extracttest.Input(content, contentType), &extracttest.Book{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", contentType, err)
		}
	}
}

func TestWhatIsNoText(t *testing.T) {
	for _, contentType := range (markup.Format{}).Types() {
		if _, err := (markup.Format{}).Extract(t.Context(), extracttest.Input("<p>\x00\x01\x02\x03", contentType), &extracttest.Book{}); !errors.Is(err, extract.ErrUnsupported) {
			t.Errorf("%s: %v", contentType, err)
		}
	}
}

func FuzzExtract(f *testing.F) {
	f.Add([]byte("<h1>a</h1><table><tr><td colspan=2>b<td rowspan=3>c<tr><td>d</table><pre>e\n</pre><a href='http://f'>g</a>"), 0)
	f.Add([]byte("<ul><li><ol start=3><li><blockquote><dl><dd>x<s>y</s>"), 0)
	f.Add([]byte("---\na: [b, 'c']\n---\n# d\n```\n# e\n"), 2)
	f.Add([]byte("<?xml version='1.0' encoding='koi8-r'?><svg width='1'><text>a<tspan x='1'>b"), 3)
	types := markup.Format{}.Types()
	f.Fuzz(func(t *testing.T, content []byte, which int) {
		var b extracttest.Book
		doc, err := markup.Format{}.Extract(t.Context(), extracttest.Input(string(content), types[uint(which)%uint(len(types))]), &b)
		if err != nil {
			if !errors.Is(err, extract.ErrUnsupported) && satchel.CodeOf(err) != satchel.CodeDocumentTooComplex {
				t.Fatal(err)
			}
			return
		}
		if all := b.Text() + doc.Title + doc.Author + doc.Language; !utf8.ValidString(all) || strings.ContainsAny(all, "\x00\r") {
			t.Errorf("%q gave %q", content, all)
		}
		if length := len(b.Text()); length > 24*len(content)+200 {
			t.Errorf("%d bytes gave %d", len(content), length)
		}
	})
}

func BenchmarkConvert(b *testing.B) {
	page := strings.Repeat("<h2>A part</h2><p>Some words <b>bold</b> and a <a href='https://example.org'>link</a>.</p><ul><li>one<li>two</ul>"+
		"<table><tr><th>a<th>b<tr><td>1<td>2</table>\n", 2_000)
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if _, _, err := markup.Convert(b.Context(), page); err != nil {
			b.Fatal(err)
		}
	}
}
