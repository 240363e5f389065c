package office

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// small are limits that a test reaches quickly.
func small() limits {
	return limits{
		entries: 50, directory: 16 * kibi, unpacked: 2 * mebi, ratio: 100, ratioFrom: 256 * kibi, token: 64 * kibi, depth: 100,
		elements: 20_000, held: 256 * kibi, text: 512 * kibi, pages: 30, strings: 64 * kibi, chapter: 128 * kibi,
	}
}

// limited is a format with such limits.
func limited(t testing.TB, name string) *format {
	f := *formatNamed(t, name)
	f.limits = small()
	return &f
}

func wantCode(t *testing.T, err error, code satchel.Code, says string) {
	t.Helper()
	if got := satchel.CodeOf(err); got != code {
		t.Fatalf("code %q (%v), want %q", got, err, code)
	}
	var e *satchel.Error
	if errors.As(err, &e); !strings.Contains(e.Message, says) {
		t.Errorf("message %q does not say %q", e.Message, says)
	}
}

func TestTooComplex(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("<w:sdt>", n) + strings.Repeat("</w:sdt>", n) }
	sheet := func(rows string, more ...string) parts {
		return xlsxFile([]string{"S", `<sheetData>` + rows + `</sheetData>`}, more...)
	}
	diagonal := ""
	for i := range 1000 {
		diagonal += fmt.Sprintf(`<row r="%d"><c r="%s%d"><v>1</v></c></row>`, i+1, letters3(i*16), i+1)
	}
	many := make([]string, 0, 100)
	for i := range 60 {
		many = append(many, fmt.Sprintf("c%d.xhtml", i), "<p>x</p>")
	}
	for _, c := range []struct {
		name, format string
		file         parts
		says         string
	}{
		{"a bomb", "docx", docxFile(strings.Repeat("<!--"+strings.Repeat("a", 20_000)+"-->", 50)), "times its size"},
		{"entities", "docx", parts{"_rels/.rels", rels("d", "officeDocument", "d.xml"), "d.xml", `<!DOCTYPE a [<!ENTITY x "y"><!ENTITY z "&x;&x;">]><w:document` + ooxmlNS + `/>`}, "defines XML entities"},
		{"entities in styles", "docx", docxFile(p("x"), "word/styles.xml", `<!DOCTYPE a [<!ENTITY x "y">]><w:styles`+ooxmlNS+`/>`), "defines XML entities"},
		{"entities in a chapter", "epub", epubFile([]string{"a.xhtml", `<!DOCTYPE html [<!ENTITY x "y">]><p>&x;</p>`}), "defines XML entities"},
		{"depth", "docx", docxFile(nested(200)), "nested more than 100"},
		{"elements", "docx", docxFile(strings.Repeat("<w:p/>", 30_000) + noise(20_000)), "more than 20000 elements"},
		{"a long attribute", "docx", docxFile(`<w:p w:x="` + noise(200_000) + `"/>`), "in one piece"},
		{"a long text", "docx", docxFile(p(noise(200_000))), "in one piece"},
		{"text in many pieces", "docx", docxFile(`<w:p><w:r><w:t>` + strings.Repeat(noise(9_000)+"<w:x/>", 10) + `</w:t></w:r></w:p>`), "in one piece"},
		{"a long page", "docx", docxFile(strings.Repeat(p(noise(20_000)), 15)), "the text of one page"},
		{"many pages", "docx", docxFile(`<w:p><w:r>` + strings.Repeat(`<w:br w:type="page"/>`, 40) + `</w:r></w:p>`), "more than 30 pages"},
		{"much text", "docx", docxFile(strings.Repeat(p(noise(20_000))+`<w:p><w:r><w:br w:type="page"/></w:r></w:p>`, 28)), "MiB of text"},
		{"many files", "docx", append(docxFile(p("x")), many...), "more than 50 files"},
		{"many sheets", "xlsx", xlsxFile(repeatSheets(40)), "more than 30"},
		{"a text that comes often", "xlsx", sheet(strings.Repeat(`<row>`+strings.Repeat(`<c t="s"><v>0</v></c>`, 10)+`</row>`, 10), "xl/sharedStrings.xml", `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>`+noise(20_000)+`</t></si></sst>`), "the text of one page"},
		{"many texts", "xlsx", sheet("", "xl/sharedStrings.xml", `<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">`+strings.Repeat(`<si><t>`+noise(9_000)+`</t></si>`, 9)+`</sst>`), "table of texts"},
		{"cells far apart", "xlsx", sheet(diagonal), "the text of one page"},
		{"repeated cells", "ods", odfFile("spreadsheet", "", `<table:table><table:table-row table:number-rows-repeated="1000000"><table:table-cell table:number-columns-repeated="16000">`+tp("x")+`</table:table-cell></table:table-row></table:table>`), "the text of one page"},
		{"repeated spaces", "odt", odfFile("text", "", tp(strings.Repeat(`<text:s text:c="999999"/>`, 1000))), "the text of one page"},
		{"a long chapter", "epub", epubFile([]string{"a.xhtml", noise(200_000)}), "its chapter"},
		{"a long tag in a chapter", "epub", epubFile([]string{"a.xhtml", `<p title="` + noise(200_000) + `">x</p>`}), "its chapter"},
		{"a deep chapter", "epub", epubFile([]string{"a.xhtml", strings.Repeat("<i>", 200)}), "nested more than"},
		{"a wide table", "epub", epubFile([]string{"a.xhtml", "<table><tr>" + strings.Repeat("<td>a</td>", 500) + "</tr>" + strings.Repeat("<tr><td>b</td></tr>", 500) + "</table>"}), "the text of one page"},
		{"many spans", "epub", epubFile([]string{"a.xhtml", "<table>" + strings.Repeat("<tr>"+strings.Repeat(`<td colspan="64" rowspan="64">a</td>`, 10)+"</tr>", 20) + "</table>"}), "the text of one page"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, err := extractBytes(limited(t, c.format), c.file.pack(t))
			wantCode(t, err, satchel.CodeDocumentTooComplex, c.says)
			if n := len(r.text()); int64(n) > small().text {
				t.Errorf("%d bytes of text were handed out", n)
			}
		})
	}
}

// What is not read costs nothing, however large it would be.
func TestBombThatIsNotRead(t *testing.T) {
	r, err := extractBytes(limited(t, "docx"), docxFile(p("x"), "word/media/image.bin", strings.Repeat("a", 5_000_000)).pack(t))
	if err != nil {
		t.Fatal(err)
	}
	wantText(t, r, "x")
}

// noise is text that does not compress well, without white space or markup.
func noise(n int) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	b, x := make([]byte, n), uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = alphabet[x>>26]
	}
	return string(b)
}

// letters3 names a column, counted from 0.
func letters3(n int) string {
	s := ""
	for n++; n > 0; n = (n - 1) / 26 {
		s = string(rune('A'+(n-1)%26)) + s
	}
	return s
}

func repeatSheets(n int) (sheets []string) {
	for range n {
		sheets = append(sheets, "S", "<sheetData/>")
	}
	return sheets
}

func TestBroken(t *testing.T) {
	good := docxFile(p(noise(2_000))).pack(t)
	flipped := bytes.Clone(good)
	flipped[bytes.Index(flipped, []byte("word/document.xml"))+200] ^= 0xff
	pack := func(p parts) []byte { return p.pack(t) }
	for _, c := range []struct {
		name, format string
		content      []byte
	}{
		{"nothing", "docx", nil},
		{"text", "docx", []byte("no zip at all, just text")},
		{"its beginning", "docx", good[:len(good)/2]},
		{"its end", "docx", good[len(good)/2:]},
		{"a bit wrong", "docx", flipped},
		{"an empty archive", "docx", pack(parts{})},
		{"no main part", "docx", pack(parts{"_rels/.rels", rels("d", "officeDocument", "word/document.xml")})},
		{"another document's part", "docx", pack(xlsxFile([]string{"S", "<sheetData/>"}))},
		{"cut XML", "docx", pack(parts{"_rels/.rels", rels("d", "officeDocument", "d.xml"), "d.xml", `<w:document` + ooxmlNS + `><w:body><w:p>`})},
		{"no XML", "docx", pack(parts{"_rels/.rels", rels("d", "officeDocument", "d.xml"), "d.xml", "text"})},
		{"a word document", "pptx", pack(docxFile(p("x")))},
		{"a word document", "xlsx", pack(docxFile(p("x")))},
		{"cut sheet", "xlsx", pack(xlsxFile([]string{"S", `<sheetData><row><c><v>1</v></c></row><row><![CDATA[`}))},
		{"no content", "odt", pack(parts{"mimetype", "x"})},
		{"a sheet", "odt", pack(odfFile("spreadsheet", "", ""))},
		{"text", "odp", pack(odfFile("text", "", ""))},
		{"text", "ods", pack(odfFile("text", "", ""))},
		{"no container", "epub", pack(parts{"mimetype", "application/epub+zip"})},
		{"no package", "epub", pack(parts{"META-INF/container.xml", epubContainer})},
		{"no chapters", "epub", pack(epubFile(nil))},
	} {
		t.Run(c.format+" "+c.name, func(t *testing.T) {
			_, err := extractBytes(formatNamed(t, c.format), c.content)
			wantCode(t, err, satchel.CodeDocumentBroken, "the document is damaged")
		})
	}
}

// What only tells about a document does not keep its text back.
func TestDamageBesideTheText(t *testing.T) {
	wantText(t, mustRead(t, "docx", docxFile(p("text"), "docProps/core.xml", "<broken", "word/styles.xml", "no XML", "word/numbering.xml", "<w:numbering", "word/footnotes.xml", "<a>", "word/header1.xml", "<b")), "text")
	wantText(t, mustRead(t, "odt", odfFile("text", "", tp("text"), "meta.xml", "<broken", "styles.xml", "no XML", "META-INF/manifest.xml", "<a")), "text")
	wantText(t, mustRead(t, "xlsx", xlsxFile([]string{"S", "<sheetData><row><c s=\"1\"><v>1</v></c></row></sheetData>"}, "xl/styles.xml", "<broken")), "1")
	wantText(t, mustRead(t, "epub", epubFile([]string{"a.xhtml", "text"}, "OEBPS/nav.xhtml", "<broken", "OEBPS/toc.ncx", "<a", "META-INF/encryption.xml", "<b")), "text")
}

func TestEncrypted(t *testing.T) {
	const algorithm = `<enc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/><enc:CipherData><enc:CipherReference URI="OEBPS/%s"/></enc:CipherData></enc:EncryptedData></encryption>`
	const drm = xmlHead + `<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container" xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptedData>` + algorithm
	locked := odfFile("text", "", "", "META-INF/manifest.xml", xmlHead+`<manifest:manifest`+odfNS+`><manifest:file-entry manifest:full-path="/"/><manifest:file-entry manifest:full-path="content.xml"><manifest:encryption-data><manifest:algorithm/></manifest:encryption-data></manifest:file-entry></manifest:manifest>`)
	for _, c := range []struct {
		name, format string
		content      []byte
	}{
		{"OpenDocument", "odt", locked.pack(t)},
		{"DRM", "epub", epubFile([]string{"a b.xhtml", "x"}, "META-INF/encryption.xml", fmt.Sprintf(drm, "a%20b.xhtml")).pack(t)},
		{"Office", "docx", compound("EncryptedPackage")},
		{"zip", "docx", withFlag(docxFile(p("x")).pack(t))},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := extractBytes(formatNamed(t, c.format), c.content)
			wantCode(t, err, satchel.CodeDocumentEncrypted, "")
		})
	}
	wantText(t, mustRead(t, "epub", epubFile([]string{"a.xhtml", "text"}, "META-INF/encryption.xml", fmt.Sprintf(drm, "font.otf"))), "text")
}

// compound is the container of the old formats, as far as its directory goes.
func compound(stream string) []byte {
	b := make([]byte, 512+4*128)
	copy(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	copy(b[512:], utf16Name("Root Entry"))
	copy(b[512+2*128:], utf16Name(stream))
	return b
}

// withFlag says of each file of an archive that it is encrypted.
func withFlag(archive []byte) []byte {
	for at := 0; ; {
		next := bytes.Index(archive[at:], []byte("PK\x01\x02"))
		if next < 0 {
			return archive
		}
		at += next + 8
		archive[at] |= 1
	}
}

func TestOLE(t *testing.T) {
	f := ole{}
	_, err := extractBytes(f, compound("EncryptedPackage"))
	wantCode(t, err, satchel.CodeDocumentEncrypted, "without a password")
	for name, content := range map[string][]byte{"another": compound("WordDocument"), "a longer name": compound("EncryptedPackage2"), "none": []byte("text"), "empty": nil} {
		if _, err := extractBytes(f, content); !errors.Is(err, extract.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// An archive can promise more files than it has, or have more than it promises.
func TestAbsurdEntryCounts(t *testing.T) {
	good := docxFile(p("x")).pack(t)
	end := bytes.LastIndex(good, []byte("PK\x05\x06"))
	lying := bytes.Clone(good)
	binary.LittleEndian.PutUint16(lying[end+10:], 40_000)
	_, err := extractBytes(limited(t, "docx"), lying)
	wantCode(t, err, satchel.CodeDocumentTooComplex, "more than 50 files")

	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range 2000 {
		if _, err := z.Create(fmt.Sprintf("file%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	hiding := b.Bytes()
	binary.LittleEndian.PutUint16(hiding[bytes.LastIndex(hiding, []byte("PK\x05\x06"))+10:], 1)
	_, err = extractBytes(limited(t, "docx"), hiding)
	wantCode(t, err, satchel.CodeDocumentTooComplex, "list of files")
}

// refusing is an Output that wants no more.
type refusing struct{ expect, page error }

func (r refusing) Expect(int) error        { return r.expect }
func (r refusing) Page(extract.Page) error { return r.page }

func TestOutputEndsTheWork(t *testing.T) {
	stop := errors.New("no more")
	for name, file := range map[string]parts{
		"docx": docxFile(p("x")), "xlsx": xlsxFile([]string{"S", "<sheetData/>"}), "pptx": pptxFile([]string{slidePart("", "")}, nil),
		"odt": odfFile("text", "", tp("x")), "odp": odfFile("presentation", "", "<draw:page/>"), "ods": odfFile("spreadsheet", "", "<table:table/>"), "epub": epubFile([]string{"a.xhtml", "x"}),
	} {
		content := file.pack(t)
		in := extract.Input{SectionReader: io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content)))}
		if _, err := formatNamed(t, name).Extract(t.Context(), in, refusing{page: stop}); !errors.Is(err, stop) || err != stop { //nolint:errorlint // as it is
			t.Errorf("%s: %v", name, err)
		}
		if name == "xlsx" || name == "pptx" || name == "epub" {
			if _, err := formatNamed(t, name).Extract(t.Context(), in, refusing{expect: stop}); !errors.Is(err, stop) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	content := docxFile(strings.Repeat("<w:p/>", 5000)).pack(t)
	in := extract.Input{SectionReader: io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content)))}
	if _, err := formatNamed(t, "docx").Extract(ctx, in, &result{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestFormats(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range Formats() {
		for _, name := range f.Types() {
			if seen[name] {
				t.Errorf("%s is claimed twice", name)
			}
			seen[name] = true
		}
	}
	for _, name := range []string{
		"application/vnd.openxmlformats-officedocument.wordprocessingml.document", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
		"application/vnd.openxmlformats-officedocument.presentationml.presentation", "application/vnd.oasis.opendocument.text",
		"application/vnd.oasis.opendocument.presentation", "application/vnd.oasis.opendocument.spreadsheet", "application/epub+zip", "application/x-ole-storage",
	} {
		if !seen[name] {
			t.Errorf("nobody claims %s", name)
		}
	}
}
