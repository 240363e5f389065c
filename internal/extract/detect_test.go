package extract_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"mime"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/image"
	"github.com/satchel-files/satchel/internal/extract/mail"
	"github.com/satchel-files/satchel/internal/extract/markup"
	"github.com/satchel-files/satchel/internal/extract/office"
	"github.com/satchel-files/satchel/internal/extract/pdf"
	"github.com/satchel-files/satchel/internal/extract/text"
)

const (
	ooxml = "application/vnd.openxmlformats-officedocument."
	odf   = "application/vnd.oasis.opendocument."
)

func detect(t testing.TB, content, filename string) string {
	t.Helper()
	found, err := extract.Detect(io.NewSectionReader(strings.NewReader(content), 0, int64(len(content))), filename)
	if err != nil {
		t.Fatalf("%s: %v", filename, err)
	}
	return found
}

func TestDetect(t *testing.T) {
	const (
		page     = "<!DOCTYPE html>\n<html><head><title>T</title></head><body>b</body></html>"
		mail     = "Received: by a\nFrom: Anna <anna@example.org>\nTo: b@example.org\nSubject: Hi\nMIME-Version: 1.0\n\nbody\n"
		readme   = "# Title\n\nSome words with a [link](https://example.org).\n"
		table    = "name,age\nAnna,31\nBruno,44\nCecile,27\n"
		wide     = "\xFF\xFE<\x00h\x00t\x00m\x00l\x00>\x00a\x00<\x00/\x00h\x00t\x00m\x00l\x00>\x00"
		prose    = "Dear Anna, thank you.\nYours, Bruno, who\nwaits, as ever.\n"
		settings = "name: satchel\nport: 8080\n"
		damaged  = "PK\x03\x04 and then \x00\x01 no more of it"
	)
	for _, c := range []struct{ name, filename, content, want string }{
		// what has marks
		{"nothing", "a.txt", "", "application/octet-stream"},
		{"PDF", "a.txt", "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n", "application/pdf"},
		{"PDF of plain characters", "a", "%PDF-1.4\n1 0 obj\n<<>>\nendobj\n", "application/pdf"},
		{"PNG called text", "a.txt", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "image/png"},
		{"gzip called CSV", "a.csv", "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03", "application/gzip"},
		{"junk called text", "a.txt", "\x01\x02\x03\x04 and then \x05\x06", "application/octet-stream"},
		{"an old office document", "a.docx", "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + strings.Repeat("\x00", 600), "application/x-ole-storage"},

		{"a damaged DOCX", "a.docx", damaged, ooxml + "wordprocessingml.document"},
		{"a damaged XLSX", "A.XLSX", damaged, ooxml + "spreadsheetml.sheet"},
		{"a damaged PPTX", "a.pptx", damaged, ooxml + "presentationml.presentation"},
		{"a damaged ODT", "a.odt", damaged, odf + "text"},
		{"a damaged EPUB", "a.epub", damaged, "application/epub+zip"},
		{"a damaged archive", "a.zip", damaged, "application/zip"},

		// text that begins like something else
		{"text with the letters of a bitmap", "a", "BMW builds cars in Munich.", "text/plain"},
		{"text with the letters of a program", "a", "MZ is what the file begins with.", "text/plain"},
		{"text with the letters of a zip", "a", "PK is short for Peter Kay.", "text/plain"},

		// plain text
		{"words", "", "Just some words.\n", "text/plain"},
		{"words called PDF", "a.pdf", "Just some words.\n", "text/plain"},
		{"words called HTML", "a.html", "Just some words.\n", "text/plain"},
		{"words called JSON", "a.json", "Just some words.\n", "text/plain"},
		{"words called mail", "a.eml", "Just some words.\n", "text/plain"},
		{"words in UTF-16 without a mark", "a", "a\x00b\x00 \x00c\x00d\x00", "text/plain"},
		{"words in Latin 1", "a", "M\xFCller und S\xF6hne", "text/plain"},
		{"words in Shift JIS", "a", "\x93\xFA\x96\x7B\x8C\xEA\x82\xCC\x95\xB6\x8F\xCD\x82\xC5\x82\xB7\x81\x42", "text/plain"},
		{"sentences with commas", "", prose, "text/plain"},
		{"a log", "server.log", "2024-05-01 12:00:00 [info] a, b\n2024-05-01 12:00:01 [info] c, d\n", "text/plain"},
		{"lines with colours", "", "\x1b[31mred\x1b[0m\n", "text/plain"},
		{"a list of ignored files", ".gitignore", "*.o\n", "text/plain"},

		// HTML
		{"a page", "", page, "text/html"},
		{"a page called text", "a.txt", page, "text/html"},
		{"a page called Python", "a.py", page, "text/html"},
		{"a page in UTF-16", "", wide, "text/html"},
		{"a page after a comment", "", "<!-- saved -->\n<html><p>x</p></html>", "text/html"},
		{"a fragment", "", "<p>Hello <b>you</b></p>", "text/html"},
		{"a fragment called text", "a.txt", "<b>not</b> a page", "text/plain"},
		{"a readme that begins with HTML", "README.md", "<h1 align=center>Tool</h1>\n\nIt works.", "text/markdown"},
		{"HTML that begins with words", "a.html", "Hello<br>you", "text/html"},
		{"an unusual element called HTML", "a.html", "<q>x</q>", "text/html"},
		{"XML called HTML", "a.html", "<?xml version=\"1.0\"?><en-note><div>x</div></en-note>", "application/xhtml+xml"},
		{"a component", "a.vue", "<template><p>x</p></template>\n<script>\n</script>", "text/x-vue"},
		{"XHTML", "a.xhtml", page, "application/xhtml+xml"},
		{"XHTML by declaration", "", `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>`, "application/xhtml+xml"},

		// XML
		{"XML", "", `<?xml version="1.0"?><order id="1"/>`, "text/xml"},
		{"XML called text", "a.txt", `<?xml version="1.0"?><order id="1"/>`, "text/xml"},
		{"XML without a declaration", "", `<order id="1"><item>x</item></order>`, "text/xml"},
		{"XML with entities", "a.xml", "<!DOCTYPE lolz [<!ENTITY lol \"lol\"><!ENTITY b \"&lol;&lol;\">]><lolz>&b;</lolz>", "text/xml"},
		{"what only looks like XML", "", "<anna> hello\n<bruno> hello & welcome", "text/plain"},
		{"an address", "", "<anna@example.org> wrote something", "text/plain"},
		{"a feed", "", `<?xml version="1.0"?><rss version="2.0"><channel/></rss>`, "application/rss+xml"},
		{"a drawing", "a.xml", `<svg xmlns="http://www.w3.org/2000/svg"><text>x</text></svg>`, "image/svg+xml"},
		{"a drawing with a declaration", "", `<?xml version="1.0"?><!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>`, "image/svg+xml"},

		// JSON and its relatives
		{"JSON", "", `{"a": [1, 2, {"b": null}]}`, "application/json"},
		{"JSON called text", "a.txt", "[1, 2]", "application/json"},
		{"JSON called JavaScript", "a.js", "[1, 2]", "text/javascript"},
		{"JSON with comments", "tsconfig.json", "// base\n{\"a\": 1, }", "application/json"},
		{"lines of JSON", "", "{\"a\":1}\n{\"a\":2}\n", "application/x-ndjson"},
		{"one line of JSON", "a.jsonl", "{\"a\":1}\n", "application/x-ndjson"},
		{"a map", "", `{"type": "Feature", "geometry": null}`, "application/geo+json"},
		{"what begins like a list", "", "[info] started", "text/plain"},

		// tables
		{"a table", "", table, "text/csv"},
		{"a table called text", "a.txt", table, "text/plain"},
		{"a table with semicolons", "", "a;b;c\n1;2;3\n4;5;6\n", "text/csv"},
		{"a table with tabs", "", "a\tb\n1\t2\n3\t4\n", "text/tab-separated-values"},
		{"a table with commas in quotes", "", "a,b,c\n\"1, 2\",2,3\n\"3, 4, 5\",4,5\n", "text/csv"},
		{"an uneven table", "", "a,b\n1,2\n3\n", "text/plain"},
		{"anything called a table", "a.csv", "one column\n", "text/csv"},

		// Markdown, YAML and the like
		{"Markdown", "", readme, "text/markdown"},
		{"Markdown by name", "a.md", "nothing special", "text/markdown"},
		{"a script with comments", "", "# set up\n# and go\nmake -j4\n", "text/plain"},
		{"YAML", "", "---\n" + settings, "application/yaml"},
		{"YAML by name", "a.yml", settings, "application/yaml"},
		{"TOML by name", "a.toml", "[a]\nb = 1\n", "application/toml"},
		{"RTF", "a.doc", "{\\rtf1\\ansi Hello}", "text/rtf"},
		{"a calendar", "", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n", "text/calendar"},
		{"subtitles", "a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n", "text/vtt"},

		// source code
		{"Go", "main.go", "package main\n", "text/x-go"},
		{"Python by its first line", "run", "#!/usr/bin/env python3\nprint(1)\n", "text/x-python"},
		{"a shell script", "", "#!/bin/sh\necho 1\n", "text/x-shellscript"},
		{"PHP", "", "<?php echo 1;", "text/x-php"},
		{"a Makefile", "src/Makefile", "all:\n\tgo build\n", "text/x-makefile"},
		{"a name with a Windows path", `C:\src\Main.JAVA`, "class Main {}", "text/x-java"},
		{"a header that looks like one of a mail", "a.py", "Received: 1\nFrom: 2\nSubject: 3\n\n", "text/x-python"},

		// mail
		{"a mail", "", mail, "message/rfc822"},
		{"a mail called text", "a.txt", mail, "message/rfc822"},
		{"a mail with CRLF", "", strings.ReplaceAll(mail, "\n", "\r\n"), "message/rfc822"},
		{"a mail with a folded header", "", "Subject: a\n and b\nFrom: c@example.org\nTo: d@example.org\n\nx", "message/rfc822"},
		{"a mail of one header by name", "a.eml", "Subject: a\n\nx", "message/rfc822"},
		{"a mailbox", "", "From anna@example.org Mon May  1 12:00:00 2024\n" + mail, "application/mbox"},
		{"a letter", "", "To: Anna\nSubject: Rent\n\nPlease pay.", "text/plain"},
		{"headers of the web", "", "HTTP/1.1 200 OK\nDate: now\nContent-Type: text/plain\n\n", "text/plain"},
		{"a text that begins with from", "", "From the beginning:\nall was well\n", "text/plain"},
	} {
		if got := detect(t, c.content, c.filename); got != c.want {
			t.Errorf("%s (%s): %s, want %s", c.name, c.filename, got, c.want)
		}
	}
}

// part is an entry of an archive.
type part struct{ name, content string }

func archive(t testing.TB, parts ...part) string {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, p := range parts {
		f, err := w.Create(p.name)
		if err == nil {
			_, err = io.WriteString(f, p.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func typesPart(main string) part {
	return part{"[Content_Types].xml", `<Types><Default Extension="xlsx" ContentType="` + ooxml + `spreadsheetml.sheet"/><Override ContentType="application/` +
		main + `.main+xml"/></Types>`}
}

func TestDetectArchives(t *testing.T) {
	const open = "vnd.openxmlformats-officedocument."
	padding := part{"docProps/thumbnail.jpeg", strings.Repeat("padding ", 2000)}
	container := part{"META-INF/container.xml", `<rootfile media-type="application/oebps-package+xml"/>`}
	for _, c := range []struct {
		name  string
		parts []part
		want  string
	}{
		{"an archive", []part{{"a.txt", "a"}}, "application/zip"},
		{"an empty one", nil, "application/zip"},
		{"a document", []part{typesPart(open + "wordprocessingml.document"), {"word/document.xml", ""}}, ooxml + "wordprocessingml.document"},
		{"its parts in another order", []part{padding, {"word/document.xml", ""}, typesPart(open + "wordprocessingml.document")}, ooxml + "wordprocessingml.document"},
		{"its main part elsewhere", []part{padding, {"doc.xml", ""}, typesPart(open + "wordprocessingml.document")}, ooxml + "wordprocessingml.document"},
		{"without the list of types", []part{padding, {"word/document.xml", ""}}, ooxml + "wordprocessingml.document"},
		{"with backslashes", []part{padding, {`word\document.xml`, ""}}, ooxml + "wordprocessingml.document"},
		{"a template", []part{padding, typesPart(open + "wordprocessingml.template")}, ooxml + "wordprocessingml.template"},
		{"with macros", []part{padding, typesPart("vnd.ms-word.document.macroEnabled")}, "application/vnd.ms-word.document.macroenabled.12"},
		{"a template with macros", []part{typesPart("vnd.ms-word.template.macroEnabledTemplate")}, "application/vnd.ms-word.template.macroenabled.12"},
		{"slides", []part{padding, typesPart(open + "presentationml.presentation")}, ooxml + "presentationml.presentation"},
		{"slides without the list of types", []part{padding, {"ppt/presentation.xml", ""}}, ooxml + "presentationml.presentation"},
		{"a workbook", []part{padding, typesPart(open + "spreadsheetml.sheet")}, ooxml + "spreadsheetml.sheet"},
		{"a workbook without the list of types", []part{padding, {"xl/workbook.xml", ""}}, ooxml + "spreadsheetml.sheet"},
		{"a binary workbook", []part{{"[Content_Types].xml", `"application/vnd.ms-excel.sheet.binary.macroEnabled.main"`}, {"xl/workbook.bin", ""}},
			"application/vnd.ms-excel.sheet.binary.macroenabled.12"},
		{"an archive with an office document's first part", []part{{"word/readme.txt", "a"}, {"b.txt", "b"}}, "application/zip"},
		{"ODT", []part{{"mimetype", odf + "text"}, {"content.xml", ""}}, odf + "text"},
		{"ODT whose type comes last", []part{padding, {"content.xml", ""}, {"mimetype", odf + "text\n"}}, odf + "text"},
		{"ODS without a type", []part{padding, {"content.xml", ""}, {"META-INF/manifest.xml", `<e full-path="/" media-type="` + odf + `spreadsheet"/>`}}, odf + "spreadsheet"},
		{"a lie about the type", []part{padding, {"content.xml", ""}, {"mimetype", odf + "text; evil=\"1\""}}, "application/zip"},
		{"EPUB", []part{{"mimetype", "application/epub+zip"}, container}, "application/epub+zip"},
		{"EPUB without a type", []part{padding, container}, "application/epub+zip"},
		{"a program", []part{{"META-INF/MANIFEST.MF", "Manifest-Version: 1.0"}, {"Main.class", ""}}, "application/java-archive"},
	} {
		for _, filename := range []string{"a", "a.docx", "a.txt"} {
			if got := detect(t, archive(t, c.parts...), filename); got != c.want {
				t.Errorf("%s (%s): %s, want %s", c.name, filename, got, c.want)
			}
		}
	}
}

// A damaged archive keeps the type that its first entries show, or else its name: whoever reads it can say that it is damaged.
func TestDetectDamagedArchives(t *testing.T) {
	whole := archive(t, part{"word/document.xml", strings.Repeat("x", 100)}, part{"word/styles.xml", "y"}, typesPart("none"))
	for _, c := range []struct{ name, content, want string }{
		{"cut", whole[:len(whole)/2], ooxml + "wordprocessingml.document"},
		{"a beginning alone", "PK\x03\x04", ooxml + "wordprocessingml.document"},
		{"an end alone", "PK\x05\x06" + strings.Repeat("\x00", 18), "application/zip"},
		{"a directory that says millions", whole[:60] + "PK\x05\x06\x00\x00\x00\x00\xff\xfe\xff\xfe\xff\xff\xff\x7f\x00\x00\x00\x00\x00\x00", ooxml + "wordprocessingml.document"},
	} {
		if got := detect(t, c.content, "a.docx"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestDetectLargeDirectories(t *testing.T) {
	long := strings.Repeat("long/", 12_000)
	parts := []part{{"a.txt", ""}}
	for i := range 400 { // 24 MB of names
		parts = append(parts, part{long + string(rune('a'+i%26)), ""})
	}
	parts = append(parts, part{"word/document.xml", ""})
	if got := detect(t, archive(t, parts...), "a.docx"); got != "application/zip" {
		t.Errorf("an archive with a long directory: %s", got)
	}
}

type unreadable struct{}

func (unreadable) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestDetectHandsReadErrorsOn(t *testing.T) {
	if _, err := extract.Detect(io.NewSectionReader(unreadable{}, 0, 10), "a"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}

// Whoever reads plain text claims all of its types, and nobody else's.
func TestTextTypes(t *testing.T) {
	types := extract.TextTypes()
	for _, want := range []string{"text/plain", "text/csv", "text/x-go", "text/x-php", "application/json", "text/xml", "application/rss+xml"} {
		if !slices.Contains(types, want) {
			t.Errorf("%s is missing", want)
		}
	}
	for _, other := range []string{"text/html", "application/xhtml+xml", "text/markdown", "message/rfc822", "application/mbox", "image/svg+xml", "text/rtf"} {
		if slices.Contains(types, other) {
			t.Errorf("%s is no plain text", other)
		}
	}
	for _, contentType := range types {
		if base, params, err := mime.ParseMediaType(contentType); err != nil || base != contentType || len(params) > 0 {
			t.Errorf("%q is no base type: %v", contentType, err)
		}
	}
}

// Two formats that claim the same type would depend on their order.
func TestTypesAreClaimedOnce(t *testing.T) {
	claimed := map[string]bool{}
	for _, format := range append(office.Formats(), pdf.New(pdf.Config{}), image.Format{}, text.Format{}, markup.Format{}, mail.Format{}) {
		for _, contentType := range format.Types() {
			if claimed[contentType] {
				t.Errorf("%s is claimed twice", contentType)
			}
			claimed[contentType] = true
		}
	}
	for _, contentType := range []string{"application/octet-stream", "application/zip", "text/rtf", "application/warc"} {
		if claimed[contentType] {
			t.Errorf("%s is claimed, and nobody can read it", contentType)
		}
	}
}

func FuzzDetect(f *testing.F) {
	f.Add([]byte("<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"), "a.xml")
	f.Add([]byte("From: a\nSubject: b\nTo: c\n\nd"), "a.eml")
	f.Add([]byte(archive(f, part{"mimetype", "application/epub+zip"})), "a.epub")
	f.Add([]byte("a,b\n1,2\n3,4\n"), "")
	f.Add([]byte("\xFF\xFEa\x00"), "Makefile")
	f.Fuzz(func(t *testing.T, content []byte, filename string) {
		found := detect(t, string(content), filename)
		if base, params, err := mime.ParseMediaType(found); err != nil || base != found || len(params) > 0 {
			t.Errorf("%q is no base type: %v", found, err)
		}
	})
}
