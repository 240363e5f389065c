package text_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/extracttest"
	"github.com/satchel-files/satchel/internal/extract/text"
)

func read(t testing.TB, content, contentType string) (*extracttest.Book, satchel.Document) {
	t.Helper()
	return extracttest.Read(t, text.Format{}, content, contentType)
}

func TestShortTexts(t *testing.T) {
	for _, c := range []struct{ name, contentType, content, want string }{
		{"words", "text/plain", "One.\r\nTwo.\n", "One.\nTwo.\n"},
		{"another encoding", "text/plain", "M\xFCller", "Müller"},
		{"source code", "text/x-go", "package main\n", "package main\n"},
		{"a log with colours", "text/plain", "\x1b[32mok\x1b[0m\n", "ok\n"},

		{"a table", "text/csv", "name,age\nAnna,31\n\"Bo|b\",\"4\n4\"\n", "| name | age |\n| --- | --- |\n| Anna | 31 |\n| Bo\\|b | 4 4 |\n"},
		{"semicolons", "text/csv", "a;b\n1,5;2,5\n", "| a | b |\n| --- | --- |\n| 1,5 | 2,5 |\n"},
		{"a named separator", "text/csv", "sep=|\na|b\n1|2\n", "| a | b |\n| --- | --- |\n| 1 | 2 |\n"},
		{"quotes", "text/csv", "a,b\n\"say \"\"hi\"\"\",5\" pipe\n", "| a | b |\n| --- | --- |\n| say \"hi\" | 5\" pipe |\n"},
		{"tabs", "text/tab-separated-values", "a, b\tc\n1\t\n", "| a, b | c |\n| --- | --- |\n| 1 | |\n"},
		{"rows of different length", "text/csv", "a\n1,2,3\n4,5\n", "| a | | |\n| --- | --- | --- |\n| 1 | 2 | 3 |\n| 4 | 5 |\n"},
		{"one column", "text/csv", "a\nb\n", "a\nb\n"},
		{"too many columns", "text/csv", strings.Repeat("a,", 64) + "b\n", strings.Repeat("a,", 64) + "b\n"},

		{"JSON", "application/json", "{\"a\": 1,\n \"b\": [true]}", "{\"a\": 1,\n \"b\": [true]}"},
		{"JSON on one line", "application/json", `{"a":["` + strings.Repeat("x", 400) + `",2]}`,
			"{\n  \"a\": [\n    \"" + strings.Repeat("x", 400) + "\",\n    2\n  ]\n}"},
		{"broken JSON on one line", "application/json", `{"a":` + strings.Repeat("x", 400), `{"a":` + strings.Repeat("x", 400)},
		{"escapes", "application/json", `["\u0101\u00e9 \ud83d\ude00 \u0041\n\\u0101 \ud83d \u01"]`, `["āé 😀 \u0041\n\\u0101 \ud83d \u01"]`},
		{"an escape at the end", "application/json", `["\u010`, `["\u010`},
		{"lines of JSON", "application/x-ndjson", "{\"a\":\"\\u0101\"}\n{\"b\":2}\n", "{\"a\":\"ā\"}\n{\"b\":2}\n"},

		{"XML", "text/xml", `<?xml version="1.0" encoding="UTF-8"?>
<order id="7" xmlns:x="urn:x"><!-- no --><x:buyer vat="LV4000">SIA &quot;Kaste&quot;</x:buyer><lines><line n="1"/><line n="2">Nails &amp; glue</line></lines></order>`,
			"order (id: 7)\n  buyer (vat: LV4000): SIA \"Kaste\"\n  lines\n    line (n: 1)\n    line (n: 2): Nails & glue\n"},
		{"XML with running text", "text/xml", "<doc><p>Some <b>bold</b>\n  words<br/>and <l><i>one</i><i>two</i></l>.</p></doc>", "doc\n  p: Some bold words and one two .\n"},
		{"XML in another encoding", "application/rss+xml", "<?xml version='1.0' encoding='windows-1257'?><a>R\xEEga</a>", "a: Rīga\n"},
		{"XML with elements in running text", "text/xml", "<doc><title>Größe &amp; Maß</title><p>Hallo, H<s>2</s>O</p> und so</doc>", "doc: Größe & Maß Hallo, H2O und so\n"},
		{"XML with CDATA", "text/xml", "<a><![CDATA[1 < 2]]></a>", "a: 1 < 2\n"},
		{"broken XML", "text/xml", "<a><b>text</a", "<a><b>text</a"},
		{"XML that is not closed", "text/xml", "<a><b>text", "<a><b>text"},
		{"XML alone in name", "text/xml", "no element", ""},
	} {
		b, _ := read(t, c.content, c.contentType)
		if got := b.Text(); got != c.want || len(b.Pages) > 1 {
			t.Errorf("%s:\n%s\nwant:\n%s\n(%d pages)", c.name, got, c.want, len(b.Pages))
		}
	}
}

func TestNothing(t *testing.T) {
	for _, content := range []string{"", " \n\t\r\n", "\f\f\f", "\xEF\xBB\xBF"} {
		for _, contentType := range []string{"text/plain", "text/csv", "application/json", "text/xml"} {
			if b, _ := read(t, content, contentType); len(b.Pages) != 0 {
				t.Errorf("%q as %s gave %q", content, contentType, b.Pages)
			}
		}
	}
}

func TestWhatDocumentsSay(t *testing.T) {
	for _, c := range []struct {
		contentType, content string
		want                 satchel.Document
	}{
		{"text/plain", "words", satchel.Document{Format: "text"}},
		{"text/x-go", "package main", satchel.Document{Format: "go"}},
		{"application/sql", "select 1", satchel.Document{Format: "sql"}},
		{"application/x-subrip", "1", satchel.Document{Format: "srt"}},
		{"text/tab-separated-values", "a", satchel.Document{Format: "tsv"}},
		{"application/geo+json", "{}", satchel.Document{Format: "json"}},
		{"application/x-ndjson", "{}", satchel.Document{Format: "jsonl"}},
		{"text/plain", "R\xEEga ir skaista pils\xE7ta", satchel.Document{Format: "text", Properties: map[string]string{"encoding": "windows-1257"}}},
		{"application/rss+xml", `<rss xml:lang="lv"><channel><title> Ziņas
 šodien</title><item><title>Cits</title></item></channel></rss>`, satchel.Document{Format: "xml", Title: "Ziņas šodien", Language: "lv"}},
		{"text/xml", "<books><book><title>A</title></book><book><title>B</title></book></books>", satchel.Document{Format: "xml"}},
	} {
		if _, doc := read(t, c.content, c.contentType); !cmp.Equal(doc, c.want) {
			t.Errorf("%s: %s", c.contentType, cmp.Diff(c.want, doc))
		}
	}
}

func TestFormFeedsArePages(t *testing.T) {
	b, _ := read(t, "one\ntwo\n\f\n\f three\f\n\f", "text/plain")
	want := []extract.Page{{Text: "one\ntwo\n"}, {Text: ""}, {Text: " three"}}
	if !cmp.Equal(b.Pages, want) {
		t.Error(cmp.Diff(want, b.Pages))
	}
	page := strings.Repeat("A line of a long page.\n", 2000)
	b, _ = read(t, strings.Repeat(page+"\f", 5), "text/plain")
	if len(b.Pages) != 5 || b.Pages[4].Text != page || b.Pages[4].Label != "" {
		t.Errorf("%d pages, the last: %.40q", len(b.Pages), b.Pages[len(b.Pages)-1])
	}
}

func TestLongTextsAreCut(t *testing.T) {
	var lines, paragraphs, table strings.Builder
	table.WriteString("number,text\n")
	for i := range 10_000 {
		fmt.Fprintf(&lines, "line %05d of a log\n", i+1)
		fmt.Fprintf(&table, "%05d,\"some text\nin two lines\"\n", i+1)
		if i%50 == 0 {
			paragraphs.WriteString("\n")
		}
		fmt.Fprintf(&paragraphs, "word %05d\n", i+1)
	}
	for _, c := range []struct {
		name, contentType, content string
		labels                     []string
	}{
		{"lines", "text/plain", lines.String(), []string{"lines 1–3277", "lines 3278–6554", "lines 6555–9831", "lines 9832–10000"}},
		{"paragraphs", "text/x-rst", strings.Repeat(paragraphs.String(), 2), []string{
			"lines 1–4591", "lines 4592–9181", "lines 9182–13771", "lines 13772–18361", "lines 18362–20400",
		}},
		{"one line", "application/json", `["` + strings.Repeat("word ", 60_000) + `"]`, []string{"line 1, part 1", "line 1, part 2", "line 1, part 3", "line 1, part 4"}},
		{"a long line among others", "text/plain", "first\n" + strings.Repeat("word  ", 50_000) + "\nlast\n", []string{"lines 1–2", "line 2, part 1", "line 2, part 2", "lines 2–3"}},
	} {
		b, _ := read(t, c.content, c.contentType)
		if !cmp.Equal(b.Labels(), c.labels) {
			t.Errorf("%s: %s", c.name, cmp.Diff(c.labels, b.Labels()))
		}
		if b.Text() != c.content {
			t.Errorf("%s: the pages together are not the text", c.name)
		}
		for i, p := range b.Pages { // white space there would be taken away
			if strings.TrimRight(p.Text, " ") != p.Text {
				t.Errorf("%s: page %d ends with a space", c.name, i+1)
			}
		}
	}

	b, _ := read(t, table.String(), "text/csv")
	if want := []string{"rows 1–2114", "rows 2115–4229", "rows 4230–6344", "rows 6345–8459", "rows 8460–10000"}; !cmp.Equal(b.Labels(), want) {
		t.Errorf("a table: %s", cmp.Diff(want, b.Labels()))
	}
	for i, p := range b.Pages {
		if first, _, _ := strings.Cut(p.Text, "\n"); first != "number,text" {
			t.Errorf("page %d of a table begins with %q", i+1, first)
		}
	}
	if got := strings.ReplaceAll(b.Text(), "number,text\n", ""); "number,text\n"+got != table.String() {
		t.Error("a table: the pages together are not the text")
	}
}

// Whatever a text is like, its pages have about the size that they should have.
func TestPagesAreBounded(t *testing.T) {
	for name, content := range map[string]string{
		"without any line end":       strings.Repeat("x", 1<<20),
		"of wide characters":         strings.Repeat("日", 1<<18),
		"with a quote never closed":  "a,b\n\"" + strings.Repeat("1,2\n", 1<<18),
		"with an endless first row":  strings.Repeat("1,", 1<<18) + strings.Repeat("\n1,2", 1<<17),
		"with a form feed":           "\f" + strings.Repeat("x\n", 1<<18),
		"of empty lines":             "x" + strings.Repeat("\n", 1<<18) + "x",
		"with escapes":               strings.Repeat(`"\u0101`, 1<<17),
		"of brackets":                strings.Repeat("[", 1<<18),
		"of elements":                strings.Repeat("<a>", 1<<18),
		"of elements that are alike": "<r>" + strings.Repeat("<a/>", 1<<17) + "</r>",
	} {
		for _, contentType := range []string{"text/plain", "text/csv", "application/json", "text/xml"} {
			b, _ := read(t, content, contentType)
			for i, p := range b.Pages {
				if len(p.Text) > 164<<10 || !utf8.ValidString(p.Text) {
					t.Errorf("a text %s as %s: page %d has %d bytes", name, contentType, i+1, len(p.Text))
					break
				}
			}
		}
	}
}

// JSON that would grow beyond measure when it is indented stays as it is.
func TestDeepJSON(t *testing.T) {
	content := strings.Repeat("[", 33) + strings.Repeat("1,", 50_000) + "1" + strings.Repeat("]", 33)
	if b, _ := read(t, content, "application/json"); b.Text() != content {
		t.Error("it was indented")
	}
}

func TestXMLBombs(t *testing.T) {
	laughs := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;"><!ENTITY file SYSTEM "file:///etc/passwd">]><lolz>&lol2; &file;</lolz>`
	if b, _ := read(t, laughs, "text/xml"); b.Text() != "lolz: &lol2; &file;\n" {
		t.Errorf("entities: %q", b.Text())
	}
	deep := strings.Repeat("<a>", 101) + "x" + strings.Repeat("</a>", 101)
	if b, _ := read(t, deep, "text/xml"); b.Text() != deep {
		t.Errorf("deep nesting: %q", b.Text())
	}
	if b, _ := read(t, "<r>"+strings.Repeat("<a/>", 100_000)+"</r>", "text/xml"); !strings.HasPrefix(b.Text(), "<r><a/>") {
		t.Errorf("many elements: %.40q", b.Text())
	}
}

func TestWhatIsNoText(t *testing.T) {
	for _, content := range []string{"\x00\x01\x02\x03", strings.Repeat("\x00", 100), "\x7fELF\x02\x01\x01\x00"} {
		var b extracttest.Book
		if _, err := (text.Format{}).Extract(t.Context(), extracttest.Input(content, "text/plain"), &b); !errors.Is(err, extract.ErrUnsupported) || len(b.Pages) > 0 {
			t.Errorf("%q: %v, %d pages", content, err, len(b.Pages))
		}
	}
}

func TestErrorsEndTheWork(t *testing.T) {
	long := strings.Repeat("a line\n", 100_000)
	failure := errors.New("no room")
	b := &extracttest.Book{Fail: failure, Enough: 1}
	if _, err := (text.Format{}).Extract(t.Context(), extracttest.Input(long, "text/plain"), b); !errors.Is(err, failure) || len(b.Pages) != 2 {
		t.Errorf("an error of the output: %v after %d pages", err, len(b.Pages))
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := (text.Format{}).Extract(ctx, extracttest.Input(long, "text/plain"), &extracttest.Book{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a cancelled context: %v", err)
	}
	if _, err := (text.Format{}).Extract(t.Context(), extract.Input{SectionReader: io.NewSectionReader(breaking{}, 0, 1<<30), Type: "text/csv"}, &extracttest.Book{}); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("an error of reading: %v", err)
	}
}

// breaking is a document whose disk fails after a while.
type breaking struct{}

func (breaking) ReadAt(p []byte, at int64) (int, error) {
	if at > 8<<20 {
		return 0, io.ErrClosedPipe
	}
	return copy(p, strings.Repeat("x,y\n", len(p)/4+1)), nil
}

func TestTypes(t *testing.T) {
	if got := (text.Format{}).Types(); !cmp.Equal(got, extract.TextTypes()) {
		t.Errorf("got %q", got)
	}
}

// endless is a log of any length that takes no memory.
type endless struct{}

const logLine = "2024-05-01T12:00:00Z INFO request done method=GET path=/files status=200 ms=12\n"

func (endless) ReadAt(p []byte, at int64) (int, error) {
	n := 0
	for n < len(p) {
		n += copy(p[n:], logLine[(at+int64(n))%int64(len(logLine)):])
	}
	return n, nil
}

// meter is an output that only counts.
type meter struct {
	pages, longest int
	bytes          int64
}

func (*meter) Expect(int) error { return nil }

func (m *meter) Page(p extract.Page) error {
	m.pages, m.longest, m.bytes = m.pages+1, max(m.longest, len(p.Text)), m.bytes+int64(len(p.Text))
	return nil
}

func TestLongLogsTakeLittleMemory(t *testing.T) {
	const size = int64(len(logLine)) * 200_000 // 16 MB
	in := extract.Input{SectionReader: io.NewSectionReader(endless{}, 0, size), Type: "text/plain"}
	var m meter
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := (text.Format{}).Extract(t.Context(), in, &m); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if m.bytes != size || m.pages > 2001 || m.longest > 96<<10 {
		t.Errorf("%d bytes in %d pages, the longest of %d", m.bytes, m.pages, m.longest)
	}
	if perByte := float64(after.TotalAlloc-before.TotalAlloc) / float64(size); perByte > 2 {
		t.Errorf("%.1f bytes were allocated for each byte of text: more than its pages", perByte)
	}
}

func FuzzExtract(f *testing.F) {
	types := []string{"text/plain", "text/csv", "text/tab-separated-values", "application/json", "application/x-ndjson", "text/xml"}
	f.Add([]byte("a,b\n\"1\n2\",3\n"), 1)
	f.Add([]byte("sep=;\na;b\n"), 1)
	f.Add([]byte(`{"a":["\u0101\ud83d\ude00"]}`), 3)
	f.Add([]byte("<?xml version='1.0' encoding='koi8-r'?><a b='c'>&d;<e/>x</a>"), 5)
	f.Add([]byte("one\ftwo\f"), 0)
	f.Fuzz(func(t *testing.T, content []byte, which int) {
		contentType := types[uint(which)%uint(len(types))]
		var b extracttest.Book
		doc, err := text.Format{}.Extract(t.Context(), extracttest.Input(string(content), contentType), &b)
		if errors.Is(err, extract.ErrUnsupported) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if all := b.Text() + doc.Title + doc.Language; !utf8.ValidString(all) || strings.ContainsAny(all, "\x00\r") {
			t.Errorf("%q as %s gave %q", content, contentType, all)
		}
	})
}

func BenchmarkExtract(b *testing.B) {
	long := strings.Repeat(logLine, 200_000)
	for _, c := range []struct{ name, contentType, content string }{
		{"log", "text/plain", long},
		{"latin", "text/plain", strings.Repeat("Rechnung f\xFCr Fr\xE4ulein M\xFCller, bezahlt in bar am Montag\n", 200_000)},
		{"csv", "text/csv", "name,city,number,amount\n" + strings.Repeat("Anna,Riga,12345,\"1,234.50\"\n", 400_000)},
		{"table", "text/csv", "name,city,number,amount\n" + strings.Repeat("Anna,Riga,12345,\"1,234.50\"\n", 2_000)},
		{"jsonl", "application/x-ndjson", strings.Repeat(`{"name":"Anna B\u0113rzi\u0146a","city":"R\u012bga","number":12345}`+"\n", 200_000)},
		{"xml", "text/xml", "<list>" + strings.Repeat("<item id=\"1\"><name>Anna</name><city>Rīga</city></item>", 20_000) + "</list>"},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(c.content)))
			for b.Loop() {
				var m meter
				if _, err := (text.Format{}).Extract(b.Context(), extracttest.Input(c.content, c.contentType), &m); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
