package pdf_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/extracttest"
	"github.com/satchel-files/satchel/internal/extract/pdf"
)

func utf16Of(s string) []uint16 { return utf16.Encode([]rune(s)) }

func TestText(t *testing.T) {
	f := open(t, pdf.Config{})
	tests := []struct {
		name, page, want string
	}{
		{"lines", written("Invoice 2024-17", "Total: 1,234.56 EUR"), "Invoice 2024-17\nTotal: 1,234.56 EUR"},
		{"nothing", "", ""},
		{"a word that was divided", written("The develop-", "ment goes on."), "The development goes on."},
		{"a hyphen that is one", written("Form 12-", "34 and well-known"), "Form 12-\n34 and well-known"},
		{"a soft hyphen that is seen", written("well\xadknown"), "well-known"},
		{"a soft hyphen at the end", written("develop\xad", "ment"), "development"},
		{"blanks at the ends", written("one   ", "two"), "one\ntwo"},
		{"letters beyond ASCII", written("Stra\xdfe \x80 5 \x93caf\xe9\x94"), "Straße € 5 “café”"},
		{
			"columns, one after the other", "BT /F1 12 Tf 14 TL 72 700 Td (left one) Tj T* (left two) Tj ET BT /F1 12 Tf 14 TL 320 700 Td (right one) Tj T* (right two) Tj ET",
			"left one\nleft two\nright one\nright two",
		},
		{
			"a row of a table", "BT /F1 12 Tf 72 700 Td (Pos) Tj 100 0 Td (Article) Tj 200 0 Td (9.90) Tj ET", "Pos Article 9.90",
		},
		{"words by gaps alone", "BT /F1 12 Tf 72 700 Td [(two)-600(words)] TJ ET", "two words"},
		{"not drawn, as beneath scans", "BT 3 Tr /F1 12 Tf 72 700 Td (recognized) Tj ET", "recognized"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBuilder()
			b.page(test.page, "")
			_, out := read(t, f, b.bytes())
			if diff := cmp.Diff([]string{test.want}, out.Texts()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The text of a page is read as it stands upright, however the page is turned, and its text upon it.
func TestTurnedPages(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	for _, turn := range []string{"", "0 1 -1 0 842 0 cm ", "-1 0 0 -1 595 842 cm ", "0 -1 1 0 0 842 cm "} {
		for _, angle := range []int{0, 90, 180, 270} {
			b.page(turn+written("first line", "second line"), fmt.Sprintf("/Rotate %d", angle))
		}
	}
	_, out := read(t, f, b.bytes())
	for i, text := range out.Texts() {
		if text != "first line\nsecond line" {
			t.Errorf("page %d: %q", i+1, text)
		}
	}
}

func TestCharactersByTheFontsTable(t *testing.T) {
	f := open(t, pdf.Config{})
	tests := []struct {
		name     string
		meanings []string
		codes    string
		want     string
	}{
		{"ligatures", []string{"ﬁ", "n", "ffi", "e"}, "ABD CD", "fine ffie"},
		{"beyond 16 bits", []string{"😀", "𝟏", "𠮷"}, "AAAAAAAAAABBBBBBBBBBCCCCCCCCCC", strings.Repeat("😀", 10) + strings.Repeat("𝟏", 10) + strings.Repeat("𠮷", 10)},
		{"Chinese", []string{"合", "同", "编", "号"}, "ABCD", "合同编号"},
		{"bullets of the Symbol font", []string{"\uf0b7", "x"}, "A B", "• x"},
		{"no characters", []string{"\x01", "\x17", "\x00", "a"}, "DABCD", "aa"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBuilder()
			font := b.mapped(test.meanings)
			b.page("BT /F2 12 Tf 72 700 Td "+literal(test.codes)+" Tj ET", fmt.Sprintf("/Resources<</Font<</F2 %d 0 R>>>>", font))
			_, out := read(t, f, b.bytes())
			if got := out.Pages[0].Text; got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// The letters of "שלום" and "גדול" as they stand on paper, from left to right, are codes DCBA and HGFE.
func TestWordsFromRightToLeft(t *testing.T) {
	f := open(t, pdf.Config{})
	meanings := []string{"ש", "ל", "ו", "ם", "ג", "ד", "ו", "ל", " ", "1", "2", "a", "b", ".", ","}
	const shalom, gadol = "DCBA", "HGFE"
	tests := []struct {
		name, codes, want string
	}{
		{"two words", gadol + "I" + shalom, "שלום גדול"},
		{"a full stop", "N" + gadol + "I" + shalom, "שלום גדול."},
		{"a number between", gadol + "IJKI" + shalom, "שלום 12 גדול"},
		{"a number with a point", gadol + "IJNKI" + shalom, "שלום 1.2 גדול"},
		{"numbers by themselves", gadol + "IJIKI" + shalom, "שלום 2 1 גדול"},
		{"foreign words between", gadol + "IL MI" + shalom, "שלום a b גדול"},
		{"between foreign words", "LMLMLMLMLI" + gadol + "I" + shalom + "IM", "ababababa שלום גדול b"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			b := newBuilder()
			font := b.mapped(meanings)
			b.page("BT /F2 12 Tf 72 700 Td "+literal(strings.ReplaceAll(test.codes, " ", "I"))+" Tj ET", fmt.Sprintf("/Resources<</Font<</F2 %d 0 R>>>>", font))
			_, out := read(t, f, b.bytes())
			if got := out.Pages[0].Text; got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
			b.catalog = "/ViewerPreferences<</Direction/R2L>>" // then PDFium orders the words itself, of lines in one direction at least
			_, out = read(t, f, b.bytes())
			if got := out.Pages[0].Text; test.name == "two words" && got != test.want {
				t.Errorf("in a document from right to left: %q, want %q", got, test.want)
			}
		})
	}
}

func TestLabels(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	for range 6 {
		b.page(written("x"), "")
	}
	b.catalog = "/PageLabels<</Nums[0<</S/r>>2<</S/D>>4<</S/D/P(A-)/St 7>>]>>"
	_, out := read(t, f, b.bytes())
	var labels []string
	for _, page := range out.Pages {
		labels = append(labels, page.Label)
	}
	if diff := cmp.Diff([]string{"i", "ii", "1", "2", "A-7", "A-8"}, labels); diff != "" {
		t.Error(diff)
	}
	if _, out := read(t, f, plain("one")); out.Pages[0].Label != "" {
		t.Errorf("a page without a label is called %q", out.Pages[0].Label)
	}
}

func TestAbout(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	b.page(written("x"), "")
	b.catalog = "/Lang(de_AT)"
	b.info = "/Title" + textString("  Jahres\nbericht 😀 ") + "/Author(J\\366rg)/Subject(Zahlen)/Keywords(a, b)/Creator(Writer)/Producer(Maker 1.0)" +
		"/CreationDate(D:20240131235959+01'00')/ModDate(D:20240201)"
	about, out := read(t, f, b.bytes())
	want := satchel.Document{
		Format: "pdf", Title: "Jahres bericht 😀", Author: "Jörg", Language: "de-AT",
		Created: time.Date(2024, 1, 31, 22, 59, 59, 0, time.UTC), Modified: time.Date(2024, 2, 1, 0, 0, 0, 0, time.UTC),
		Properties: map[string]string{"subject": "Zahlen", "keywords": "a, b", "creator": "Writer", "producer": "Maker 1.0"},
	}
	if diff := cmp.Diff(want, about); diff != "" {
		t.Error(diff)
	}
	if out.Expected != 1 {
		t.Errorf("expected %d pages", out.Expected)
	}
}

func TestDates(t *testing.T) {
	f := open(t, pdf.Config{})
	day := func(year, month, day int) time.Time {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	}
	tests := map[string]time.Time{
		"D:2019":                          day(2019, 1, 1),
		"D:201907":                        day(2019, 7, 1),
		"20190704":                        day(2019, 7, 4),
		"D:20190704120000Z00'00'":         day(2019, 7, 4).Add(12 * time.Hour),
		"D:20190704120000-05'30":          day(2019, 7, 4).Add(17*time.Hour + 30*time.Minute),
		"D:20190704120000+0200":           day(2019, 7, 4).Add(10 * time.Hour),
		"D:20190704120000+02:00":          day(2019, 7, 4).Add(10 * time.Hour),
		"2019-07-04T12:00:00+02:00":       day(2019, 7, 4).Add(10 * time.Hour),
		"2019-07-04":                      day(2019, 7, 4),
		"Thu Jul  4 12:00:00 2019":        day(2019, 7, 4).Add(12 * time.Hour),
		"Thu, 04 Jul 2019 12:00:00 +0000": day(2019, 7, 4).Add(12 * time.Hour),
		"D:20191304":                      {},
		"D:00000000000000":                {},
		"yesterday":                       {},
		"12345678901234567890":            {},
		"":                                {},
	}
	for text, want := range tests {
		b := newBuilder()
		b.page("", "")
		b.info = "/CreationDate" + literal(text)
		if about, _ := read(t, f, b.bytes()); !about.Created.Equal(want) {
			t.Errorf("%q is %v, want %v", text, about.Created, want)
		}
	}
}

func TestFormsAndNotes(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	b.page(written("Application"), "/Annots") // see below
	page := b.kids[0]
	look := b.stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]", "")
	looks := fmt.Sprintf("/AP<</N<</Yes %d 0 R/Off %d 0 R>>>>", look, look)
	widget := func(entries string) int {
		return b.add(fmt.Sprintf("<</Type/Annot/Subtype/Widget/P %d 0 R/Rect[100 600 300 620]/F 4%s>>", page, entries))
	}
	fields := []int{
		widget("/FT/Tx/T(name)/TU(Full name)/V" + textString("Zoë Müller")),
		widget("/FT/Tx/T(remark)/Ff 4096/V(first\\rsecond)"),
		widget("/FT/Tx/T(empty)/V()"),
		widget("/FT/Tx/T(secret)/V(hidden)/F 2"),
		widget("/FT/Btn/T(agree)/TU(I agree)/V/Yes/AS/Yes" + looks),
		widget("/FT/Btn/T(choice)/Ff 32768/V/Yes/AS/Yes" + looks),
		widget("/FT/Btn/T(spam)/V/Off/AS/Off" + looks),
		widget("/FT/Ch/T(country)/Ff 131072/Opt[[(at)(Austria)][(de)(Germany)]]/V(de)"),
		widget("/FT/Ch/T(list)/Opt[(red)(green)(blue)]/V[(red)(blue)]"),
		widget("/FT/Btn/T(send)/Ff 65536/MK<</CA(Send)>>"),
		widget("/FT/Tx/T(sub[0])/V(last part)"),
	}
	kids := strings.Fields(strings.Trim(strings.ReplaceAll(fmt.Sprint(fields), " ", " 0 R "), "[]"))
	notes := fmt.Sprintf("%d 0 R %d 0 R %d 0 R %d 0 R",
		b.add("<</Type/Annot/Subtype/Text/Rect[0 0 20 20]/T(Anna)/Contents(please check)>>"),
		b.add("<</Type/Annot/Subtype/FreeText/Rect[0 0 20 20]/T(Anna)/Contents(PAID)/DA(/F1 12 Tf)>>"),
		b.add("<</Type/Annot/Subtype/Popup/Rect[0 0 20 20]/Contents(please check)>>"),
		b.add("<</Type/Annot/Subtype/Link/Rect[0 0 20 20]/Contents(a link)>>"),
	)
	list := strings.Join(kids, " ") + " 0 R"
	b.objects[page-1] = strings.Replace(b.objects[page-1], "/Annots", fmt.Sprintf("/Annots[%s %s]", list, notes), 1)
	b.catalog = fmt.Sprintf("/AcroForm<</Fields[%s]/DA(/F1 12 Tf)/DR<</Font<</F1 3 0 R>>>>>>", list)
	_, out := read(t, f, b.bytes())
	want := "Application\n\nFull name: Zoë Müller\nremark: first\nsecond\nI agree: Yes\nchoice: Yes\ncountry: Germany\nlist: red, blue\nsub: last part\n" +
		"Anna: please check\nPAID"
	if diff := cmp.Diff(want, out.Pages[0].Text); diff != "" {
		t.Error(diff)
	}
	b.catalog = "" // a page that was taken out of its form
	_, out = read(t, f, b.bytes())
	if got := out.Pages[0].Text; !strings.Contains(got, "Full name: Zoë Müller") || !strings.Contains(got, "I agree: Yes") || strings.Contains(got, "spam") {
		t.Errorf("without the form: %q", got)
	}
}

// One value that a thousand fields show is written once, and a page has not more than so much of them.
func TestValuesAreBounded(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	b.page(written("x"), "/Annots")
	var list strings.Builder
	for i := range 200 {
		fmt.Fprintf(&list, " %d 0 R", b.add(fmt.Sprintf("<</Type/Annot/Subtype/Text/Rect[0 0 9 9]/Contents(%05d%s)>>", i, strings.Repeat("v", 30_000))))
	}
	again := strings.Repeat(list.String(), 3)
	page := b.kids[0]
	b.objects[page-1] = strings.Replace(b.objects[page-1], "/Annots", "/Annots["+again+"]", 1)
	_, out := read(t, f, b.bytes())
	if size := len(out.Pages[0].Text); size < 1<<20 || size > 1<<20+40_000 {
		t.Errorf("%d bytes", size)
	}
}

func TestPasswords(t *testing.T) {
	f := open(t, pdf.Config{})
	for _, name := range []string{"owner-rc4.pdf", "owner-aes128.pdf", "owner-aes256.pdf"} {
		about, out := read(t, f, testFile(t, name))
		if out.Pages[0].Text != "Not so secret" || about.Title != "Secrets" {
			t.Errorf("%s: %q, %q", name, out.Pages[0].Text, about.Title)
		}
	}
	for _, name := range []string{"user-rc4.pdf", "user-aes256.pdf"} {
		_, err := f.Extract(t.Context(), input(testFile(t, name)), &extracttest.Book{})
		if satchel.CodeOf(err) != satchel.CodeDocumentEncrypted {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := f.Render(t.Context(), input(testFile(t, name)), 1, 100); satchel.CodeOf(err) != satchel.CodeDocumentEncrypted {
			t.Errorf("Render %s: %v", name, err)
		}
	}
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestBrokenDocuments(t *testing.T) {
	f := open(t, pdf.Config{})
	whole := plain("some text")
	noPages := newBuilder()
	allMissing := newBuilder()
	allMissing.pages = "<</Type/Pages/Count 3/Kids[90 0 R 91 0 R 92 0 R]>>"
	tests := map[string][]byte{
		"empty":        {},
		"no PDF":       []byte("<html>%PDF</html>"),
		"a head alone": []byte("%PDF-1.7\n"),
		"cut early":    whole[:60],
		"no pages":     noPages.bytes(),
		"no page is":   allMissing.bytes(),
		"zeros":        make([]byte, 1<<20),
	}
	for name, content := range tests {
		_, err := f.Extract(t.Context(), input(content), &extracttest.Book{})
		var failure *satchel.Error
		if !errors.As(err, &failure) || failure.Code != satchel.CodeDocumentBroken || failure.Message == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	damaged := bytes.Replace(whole, []byte("startxref"), []byte("startxxxx"), 1)
	if _, out := read(t, f, damaged); out.Pages[0].Text != "some text" {
		t.Errorf("without a table: %q", out.Texts())
	}
}

func TestPagesThatCannotBeLoaded(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	first, second := b.page(written("one"), ""), b.page(written("five"), "")
	b.pages = fmt.Sprintf("<</Type/Pages/Count 7/Kids[%d 0 R 90 0 R 91 0 R 92 0 R %d 0 R 93 0 R 94 0 R]>>", first, second)
	about, out := read(t, f, b.bytes())
	if diff := cmp.Diff([]string{"one", "", "", "", "five", "", ""}, out.Texts()); diff != "" {
		t.Error(diff)
	}
	if got := about.Properties["unreadable_pages"]; got != "2-4, 6-7" {
		t.Errorf("unreadable: %q", got)
	}
}

// A document may say that it has a million pages. Those that are not there do not become text.
func TestPagesThatAreNotThere(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	b.page(written("one"), "")
	b.pages = fmt.Sprintf("<</Type/Pages/Count 1000000/Kids[%d 0 R]>>", b.kids[0])
	about, out := read(t, f, b.bytes())
	if diff := cmp.Diff([]string{"one"}, out.Texts()); diff != "" {
		t.Error(diff)
	}
	if got := about.Properties["unreadable_pages"]; got != "2-1000000" {
		t.Errorf("unreadable: %q", got)
	}
}

// bomb is a page whose content unpacks to many times what it takes.
func bomb(t testing.TB, size int) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	if _, err := io.CopyN(w, spaces{}, int64(size)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	b := newBuilder()
	b.page(written("before"), "")
	b.pageWith(b.stream("/Filter/FlateDecode", packed.String()), "")
	return b.bytes()
}

type spaces struct{}

func (spaces) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestTooMuchMemory(t *testing.T) {
	f := open(t, pdf.Config{MemoryPages: pdf.MinMemoryPages})
	var out extracttest.Book
	_, err := f.Extract(t.Context(), input(bomb(t, 100<<20)), &out)
	var failure *satchel.Error
	if !errors.As(err, &failure) || failure.Code != satchel.CodeDocumentTooComplex || !strings.Contains(failure.Message, "page 2") {
		t.Errorf("a bomb: %v", err)
	}
	if diff := cmp.Diff([]string{"before"}, out.Texts()); diff != "" {
		t.Error(diff)
	}
	if _, err := f.Render(t.Context(), input(bomb(t, 100<<20)), 2, 100); satchel.CodeOf(err) != satchel.CodeDocumentTooComplex {
		t.Errorf("a picture of a bomb: %v", err)
	}
	if _, err := f.Render(t.Context(), input(plain("x")), 1, 8000); satchel.CodeOf(err) != satchel.CodeDocumentTooComplex {
		t.Errorf("a picture that takes more than there is: %v", err)
	}
	if _, out := read(t, f, plain("after")); out.Pages[0].Text != "after" {
		t.Errorf("the next document: %q", out.Texts())
	}
}

// A document may be larger than the memory for it: PDFium keeps what it has read, so it is begun anew from time to time.
func TestDocumentsLargerThanTheMemory(t *testing.T) {
	f := open(t, pdf.Config{MemoryPages: pdf.MinMemoryPages})
	b := newBuilder()
	picture := strings.Repeat("0123456789abcdef", 1<<16)
	var want []string
	for i := range 60 {
		n := b.stream("/Type/XObject/Subtype/Image/Width 1024/Height 1024/BitsPerComponent 8/ColorSpace/DeviceGray", picture)
		b.page("/I Do "+written(fmt.Sprintf("page %d", i)), fmt.Sprintf("/Resources<</Font<</F1 3 0 R>>/XObject<</I %d 0 R>>>>", n))
		want = append(want, fmt.Sprintf("page %d", i))
	}
	_, out := read(t, f, b.bytes())
	if diff := cmp.Diff(want, out.Texts()); diff != "" {
		t.Error(diff)
	}
}

func TestOutputsErrorsEndTheWork(t *testing.T) {
	f := open(t, pdf.Config{})
	full := errors.New("full")
	out := extracttest.Book{Fail: full, Enough: 2}
	if _, err := f.Extract(t.Context(), input(plain("1", "2", "3", "4")), &out); !errors.Is(err, full) || len(out.Pages) != 3 {
		t.Errorf("%v after %d pages", err, len(out.Pages))
	}
	ctx, cancel := context.WithCancel(t.Context())
	stop := stopper{cancel: cancel}
	if _, err := f.Extract(ctx, input(plain("1", "2", "3", "4")), &stop); !errors.Is(err, context.Canceled) || stop.pages != 1 {
		t.Errorf("%v after %d pages", err, stop.pages)
	}
}

// stopper cancels the work when it has a page.
type stopper struct {
	cancel context.CancelFunc
	pages  int
}

func (s *stopper) Expect(int) error { return nil }

func (s *stopper) Page(extract.Page) error {
	s.pages++
	s.cancel()
	return nil
}

func TestRender(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	b.page("0 0 1 rg 0 421 595 421 re f", "")                                              // the upper half is blue
	b.page("0 0 1 rg 0 421 595 421 re f", "/Rotate 90")                                    // so it is the right half
	b.page("/G gs 1 0 0 rg 0 0 595 842 re f", "/Resources<</ExtGState<</G<</ca 0.5>>>>>>") // half red on white
	content := b.bytes()
	blue, white, pink := [3]int{0, 0, 255}, [3]int{255, 255, 255}, [3]int{255, 127, 127}
	tests := []struct {
		page, side, width, height int
		upperLeft, lowerRight     [3]int
	}{
		{1, 200, 141, 200, blue, white},
		{2, 200, 200, 141, white, blue},
		{3, 100, 71, 100, pink, pink},
	}
	for _, test := range tests {
		picture := draw(t, f, content, test.page, test.side)
		size := picture.Bounds().Size()
		if size.X != test.width || size.Y != test.height {
			t.Errorf("page %d is %v", test.page, size)
		}
		near(t, picture, 10, 10, test.upperLeft)
		near(t, picture, size.X-10, size.Y-10, test.lowerRight)
	}
	for _, n := range []int{0, 4, -1} {
		if _, err := f.Render(t.Context(), input(content), n, 100); err == nil {
			t.Errorf("page %d was drawn", n)
		}
	}
}

// What was filled into a form is drawn.
func TestRenderAFilledForm(t *testing.T) {
	f := open(t, pdf.Config{})
	b := newBuilder()
	page := b.page("", "/Annots[6 0 R]")
	look := "/Type/XObject/Subtype/Form/BBox[0 0 400 400]"
	field := b.add(fmt.Sprintf("<</Type/Annot/Subtype/Widget/P %d 0 R/Rect[100 400 500 800]/F 4/FT/Tx/T(f)/V(v)/AP<</N 7 0 R>>>>", page))
	b.stream(look, "0 1 0 rg 0 0 400 400 re f")
	b.catalog = fmt.Sprintf("/AcroForm<</Fields[%d 0 R]>>", field)
	picture := draw(t, f, b.bytes(), 1, 842)
	near(t, picture, 300, 242, [3]int{0, 255, 0})
	near(t, picture, 300, 642, [3]int{255, 255, 255})
}

func draw(t *testing.T, f *pdf.Format, content []byte, page, side int) image.Image {
	t.Helper()
	encoded, err := f.Render(t.Context(), input(content), page, side)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := jpeg.Decode(bytes.NewReader(encoded))
	if err != nil {
		t.Fatal(err)
	}
	return picture
}

func near(t *testing.T, picture image.Image, x, y int, want [3]int) {
	t.Helper()
	r, g, b, _ := picture.At(x, y).RGBA()
	for i, got := range []uint32{r, g, b} {
		if d := int(got>>8) - want[i]; d < -8 || d > 8 {
			t.Errorf("at %d,%d: %d %d %d, want %v", x, y, r>>8, g>>8, b>>8, want)
			return
		}
	}
}

// Whatever the bytes are: an answer, or an error that says what is wrong, and the next document can be read.
func FuzzExtract(f *testing.F) {
	f.Add(plain("one", "two"))
	f.Add(testFile(f, "owner-aes256.pdf"))
	f.Add(testFile(f, "user-rc4.pdf"))
	form := newBuilder()
	page := form.page(written("x"), "/Annots[6 0 R]")
	form.add(fmt.Sprintf("<</Type/Annot/Subtype/Widget/P %d 0 R/Rect[1 1 9 9]/FT/Ch/T(f)/Opt[(a)(b)]/V(b)>>", page))
	form.catalog = "/Lang(en)/PageLabels<</Nums[0<</S/r>>]>>/AcroForm<</Fields[6 0 R]>>"
	form.info = "/Title(t)/CreationDate(D:2024)"
	f.Add(form.bytes())
	f.Add(form.bytes()[:500])
	format := open(f, pdf.Config{MemoryPages: 2 * pdf.MinMemoryPages})
	f.Fuzz(func(t *testing.T, content []byte) {
		var out extracttest.Book
		_, err := format.Extract(t.Context(), input(content), &out)
		checkFailure(t, err)
		for _, page := range out.Pages {
			if !utf8.ValidString(page.Text+page.Label) || strings.ContainsAny(page.Text+page.Label, "\x00\r") {
				t.Fatalf("no text: %q, %q", page.Label, page.Text)
			}
		}
		if err == nil && len(out.Pages) > 0 {
			_, err := format.Render(t.Context(), input(content), 1, 50)
			checkFailure(t, err)
		}
	})
}

func checkFailure(t *testing.T, err error) {
	t.Helper()
	switch code := satchel.CodeOf(err); code {
	case "", satchel.CodeDocumentBroken, satchel.CodeDocumentEncrypted, satchel.CodeDocumentTooComplex:
	default:
		t.Fatalf("%s: %v", code, err)
	}
}
