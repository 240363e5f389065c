package charset

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

const (
	latvianText    = "Rēķins par siltumenerģiju jāapmaksā līdz mēneša beigām. Mūsu māja atrodas Brīvības ielā, netālu no vecā ķieģeļu ceha."
	lithuanianText = "Šilumos sąskaitą reikia apmokėti iki mėnesio pabaigos. Mūsų namas stovi Žvėryne, netoli senųjų plytų dirbtuvių."
	estonianText   = "Küttearve tuleb tasuda kuu lõpuks. Meie maja asub Võru tänaval, vana telliskivitehase lähedal, šokolaadipoe kõrval."
	germanText     = "Die Rechnung für die Wärme ist bis zum Monatsende zu zahlen. Unser Haus steht in der Königstraße, schräg gegenüber der Mühle."
	frenchText     = "La facture de chauffage doit être réglée avant la fin du mois. Notre maison se trouve près de l’ancienne tuilerie, à côté du château."
	polishText     = "Rachunek za ogrzewanie należy zapłacić do końca miesiąca. Nasz dom stoi przy ulicy Świętojańskiej, niedaleko dawnej cegielni."
	czechText      = "Účet za teplo je třeba zaplatit do konce měsíce. Náš dům stojí v Dlouhé ulici, nedaleko bývalé cihelny a větrného mlýna."
	russianText    = "Счёт за отопление нужно оплатить до конца месяца. Наш дом стоит на Садовой улице, недалеко от старого кирпичного завода."
	ukrainianText  = "Рахунок за опалення потрібно сплатити до кінця місяця. Наш будинок стоїть на вулиці Садовій, недалеко від старого заводу."
	greekText      = "Ο λογαριασμός της θέρμανσης πρέπει να πληρωθεί μέχρι το τέλος του μήνα. Το σπίτι μας βρίσκεται κοντά στο παλιό κεραμοποιείο."
	turkishText    = "Isıtma faturası ay sonuna kadar ödenmelidir. Evimiz Çiçek sokağında, eski tuğla fabrikasının hemen yanında, değirmenin karşısında."
	hebrewText     = "את חשבון החימום יש לשלם עד סוף החודש. הבית שלנו נמצא ליד בית החרושת הישן ללבנים."
	arabicText     = "يجب دفع فاتورة التدفئة قبل نهاية الشهر. يقع منزلنا بالقرب من مصنع الطوب القديم في وسط المدينة."
	thaiText       = "ต้องชำระค่าทำความร้อนภายในสิ้นเดือน บ้านของเราอยู่ใกล้โรงงานอิฐเก่า"
	japaneseText   = "暖房料金は月末までにお支払いください。私たちの家は古いレンガ工場の近くにあります。庭には大きな木が一本立っています。"
	chineseText    = "供暖费必须在月底之前付清。我们的房子在老砖厂附近，院子里有一棵大树，孩子们经常在树下玩。"
	taiwaneseText  = "暖氣費必須在月底之前付清。我們的房子在老磚廠附近，院子裡有一棵大樹，孩子們經常在樹下玩。"
	koreanText     = "난방비는 월말까지 납부해야 합니다. 우리 집은 오래된 벽돌 공장 근처에 있고 마당에는 큰 나무가 한 그루 있습니다."
)

func encode(t testing.TB, text, name string) []byte {
	t.Helper()
	enc := encodingOf(name)
	if name == "ibm437" { // no candidate, for ibm850 has its letters
		enc = charmap.CodePage437
	}
	encoded, err := enc.NewEncoder().Bytes([]byte(text))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return encoded
}

func TestWordsTellTheEncoding(t *testing.T) {
	for _, c := range []struct {
		text      string
		encodings string
	}{
		{latvianText, "utf-8 windows-1257 iso-8859-4 utf-16le utf-16be utf-32le utf-32be"},
		{lithuanianText, "utf-8 windows-1257 iso-8859-4"},
		{estonianText, "utf-8 windows-1257 utf-16le"},
		{germanText, "utf-8 windows-1252 utf-16le utf-16be"},
		{frenchText, "utf-8 windows-1252 macintosh"},
		{polishText, "utf-8 windows-1250 iso-8859-2"},
		{czechText, "utf-8 windows-1250 iso-8859-2"},
		{russianText, "utf-8 windows-1251 iso-8859-5 ibm866 ibm855 x-mac-cyrillic utf-16le utf-16be utf-32le"},
		{ukrainianText, "utf-8 windows-1251 koi8-u"},
		{greekText, "utf-8 windows-1253 utf-16be"},
		{turkishText, "utf-8 windows-1254"},
		{hebrewText, "utf-8 windows-1255"},
		{arabicText, "utf-8 windows-1256 iso-8859-6"},
		{thaiText, "utf-8 windows-874 utf-16le"},
		{japaneseText, "utf-8 shift_jis euc-jp iso-2022-jp utf-16le utf-16be"},
		{chineseText, "utf-8 gb18030 utf-16le utf-16be"},
		{taiwaneseText, "utf-8 big5 utf-16le"},
		{koreanText, "utf-8 euc-kr utf-16le"},
	} {
		for name := range strings.FieldsSeq(c.encodings) {
			text, found, err := Decode(encode(t, c.text, name), "")
			if err != nil || found != name || text != c.text {
				t.Errorf("%s came out as %s: %q, %v", name, found, text, err)
			}
		}
	}
}

// The same text can be in two encodings that do not differ in it; what must be right is the text.
func TestEqualEncodings(t *testing.T) {
	for _, c := range []struct{ name, text, found string }{
		{"koi8-r", russianText, "koi8-u"},
		{"iso-8859-13", latvianText, "windows-1257"},
		{"iso-8859-15", germanText, "windows-1252"},
		{"iso-8859-7", greekText, "windows-1253"},
		{"gbk", chineseText, "gb18030"},
		{"ibm437", germanText, "ibm850"},
		{"ibm850", germanText, "ibm850"},
		{"ibm850", strings.ReplaceAll(frenchText, "’", "'"), "ibm850"},
		{"ibm852", polishText, "ibm852"},
		{"ibm852", czechText, "ibm852"},
		{"iso-8859-15", "15 €", "iso-8859-15"},
		{"iso-8859-15", "Le cœur à 15 €", "iso-8859-15"},
		{"windows-1252", "15 € – fünfzehn", "windows-1252"},
		{"windows-1252", "Müller", "windows-1252"},
		{"windows-1252", "café au lait, 5 °C, £825", "windows-1252"},
		{"windows-1252", "“quoted” – and ‘so’ it’s…", "windows-1252"},
	} {
		text, found, err := Decode(encode(t, c.text, c.name), "")
		if err != nil || text != c.text || found != c.found {
			t.Errorf("%s came out as %s: %q, %v", c.name, found, text, err)
		}
	}
}

func TestMarksAndDeclarations(t *testing.T) {
	for _, c := range []struct {
		name, text, declared string
		want, found          string
	}{
		{"empty", "", "", "", "utf-8"},
		{"ASCII", "plain", "windows-1257", "plain", "utf-8"},
		{"UTF-8 with a mark", "\xEF\xBB\xBFmārka", "windows-1252", "mārka", "utf-8"},
		{"UTF-16 with a mark", "\xFF\xFEa\x00\x01\x01", "", "aā", "utf-16le"},
		{"UTF-16 the other way", "\xFE\xFF\x00a\x01\x01", "utf-8", "aā", "utf-16be"},
		{"UTF-32 with a mark", "\xFF\xFE\x00\x00a\x00\x00\x00", "", "a", "utf-32le"},
		{"UTF-32 the other way", "\x00\x00\xFE\xFF\x00\x00\x00a", "", "a", "utf-32be"},
		{"a mark alone", "\xFF\xFE", "", "", "utf-16le"},
		{"declared", "\xE2", "windows-1257", "ā", "windows-1257"},
		{"declared by another name", "\xE2", "CP1257", "ā", "windows-1257"},
		{"declared Latin 1", "\x80\xFC", " ISO-8859-1 ", "€ü", "windows-1252"},
		{"declared against the bytes", "m\xC4\x81rka", "windows-1252", "mārka", "utf-8"},
		{"declared UTF-8 in vain", "M\xFCller und S\xF6hne", "utf-8", "Müller und Söhne", "windows-1252"},
		{"declared UTF-16 in ASCII", "plain", "utf-16", "plain", "utf-8"},
		{"declared nonsense", "M\xFCller", "no-such-charset", "Müller", "windows-1252"},
		{"declared what replaces all", "M\xFCller", "iso-2022-kr", "Müller", "windows-1252"},
		{"UTF-8 with a stray byte", strings.Repeat("2026-11-12 INFO Größe ok\n", 3) + "caf\xE9\n", "", strings.Repeat("2026-11-12 INFO Größe ok\n", 3) + "caf\uFFFD\n", "utf-8"},
		{"UTF-8 that is cut at its end", "Grüße aus Köln – \xC3", "", "Grüße aus Köln – \uFFFD", "utf-8"},
		{"UTF-8 of one character, cut", "<p>日本\xE8\xAA", "", "<p>日本\uFFFD", "utf-8"},
		{"Latin 1 that ends like UTF-8", "M\xFCller \xE4\xDF caf\xE9", "", "Müller äß café", "windows-1252"},
		{"a few broken characters", strings.Repeat("ā", 20) + "\xFF!", "", strings.Repeat("ā", 20) + "\uFFFD!", "utf-8"},
	} {
		text, found, err := Decode([]byte(c.text), c.declared)
		if err != nil || text != c.want || found != c.found {
			t.Errorf("%s: %q in %s, %v; want %q in %s", c.name, text, found, err, c.want, c.found)
		}
	}
}

func TestWhatIsNoText(t *testing.T) {
	noise := make([]byte, 4000)
	source := rand.NewChaCha8([32]byte{1})
	_, _ = source.Read(noise)
	high := bytes.Clone(noise)
	for i := range high {
		high[i] |= 0x80
	}
	for _, c := range []struct {
		name string
		data []byte
	}{
		{"noise", noise},
		{"noise without control characters", high},
		{"zeros", make([]byte, 100)},
		{"a number", []byte{0, 0, 1, 0, 2, 0, 3, 0}},
		{"words with zeros", []byte("abcd\x00efgh\x00ijkl\x00mnopq\x00rs\x00tuvw\x00xyz\x01")},
		{"a few words with junk", []byte("no mail\x00\x01\x02\x03")},
		{"an executable's beginning", []byte("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x03\x00\x3e\x00")},
	} {
		if _, name, err := Decode(c.data, ""); !errors.Is(err, ErrBinary) {
			t.Errorf("%s is text in %s (%v)", c.name, name, err)
		}
		if name := Detect(c.data, "windows-1252"); name != "" {
			t.Errorf("%s is text in %s", c.name, name)
		}
	}
}

func TestWhatIsTakenOut(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"line ends", "a\r\nb\rc\n\r\nd\r\r\ne\r", "a\nb\nc\n\nd\n\ne\n"},
		{"tabs and form feeds stay", "a\tb\fc", "a\tb\fc"},
		{"colours", "\x1b[1;31mred\x1b[0m and \x1b[Kplain", "red and plain"},
		{"a window's title", "\x1b]0;title\x07text \x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "text link"},
		{"a character set", "\x1b(Btext\x1b=more", "textmore"},
		{"a sequence that never ends", "a\x1b[12\nb\x1b]0;c\nd", "a\nb\nd"},
		{"a sequence that is none", "\x1bā \x1b[1ā", "ā ā"},
		{"zeros at the end", "text\x00\x00", "text"},
		{"the end of DOS files", "text\x1a", "text"},
	} {
		if text, _, err := Decode([]byte(c.text), ""); err != nil || text != c.want {
			t.Errorf("%s: %q, %v; want %q", c.name, text, err, c.want)
		}
	}
}

// Whatever the sizes of the pieces in which a text arrives, it comes out the same.
func TestPieces(t *testing.T) {
	text := strings.Repeat("ā\r\n\x1b[1mb\x1b[0m\xFF日本\r", 50)
	want := strings.Repeat("ā\nb\uFFFD日本\n", 50)
	for name, in := range map[string]io.Reader{
		"bytes":  iotest.OneByteReader(strings.NewReader(text)),
		"halves": iotest.HalfReader(strings.NewReader(text)),
		"errors": iotest.DataErrReader(strings.NewReader(text)),
	} {
		if got, err := io.ReadAll(newCleaner(newValidator(in))); err != nil || string(got) != want {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if err := iotest.TestReader(newCleaner(newValidator(strings.NewReader(text))), []byte(want)); err != nil {
		t.Error(err)
	}
}

// The encoding of a long text is found where it shows, which may be far from the beginning.
func TestLongTexts(t *testing.T) {
	filler := strings.Repeat("0123456789 plain words and nothing else\n", 10_000)
	for _, name := range []string{"windows-1257", "utf-8"} {
		text := filler + latvianText
		r, err := NewReader(bytes.NewReader(encode(t, text, name)), int64(len(encode(t, text, name))), "")
		if err != nil || r.Name != name {
			t.Fatalf("%s: %v, %v", name, r, err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != text {
			t.Errorf("%s: the text came out otherwise (%v)", name, err)
		}
	}
	for cut := range 4 {
		text := []byte(strings.Repeat("x", maxHead-cut) + "ā" + strings.Repeat(" x", 10))
		if got, name, err := Decode(text, ""); err != nil || name != UTF8 || got != string(text) {
			t.Errorf("a character across blocks at %d: %s, %v", cut, name, err)
		}
		if name := Detect(text, ""); name != UTF8 {
			t.Errorf("a head that ends within a character: %s", name)
		}
	}
}

type brokenFile struct{ bytes.Reader }

func (brokenFile) ReadAt([]byte, int64) (int, error) { return 0, io.ErrClosedPipe }

func TestReadErrorsAreHandedOn(t *testing.T) {
	if _, err := NewReader(brokenFile{}, 10, ""); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
	if _, err := NewReader(strings.NewReader("short"), 10, ""); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(germanText), "")
	f.Add([]byte("\xFF\xFEa\x00\n\x00"), "utf-16")
	f.Add(encode(f, japaneseText, "shift_jis"), "shift_jis")
	f.Add(encode(f, russianText, "koi8-u"), "")
	f.Add([]byte("\n\x1b\x83"), "")
	f.Add([]byte("\x1b$B%F\x1b(B\r\n\x1b[0m\x00"), "iso-2022-jp")
	f.Fuzz(func(t *testing.T, text []byte, declared string) {
		decoded, name, err := Decode(text, declared)
		switch {
		case errors.Is(err, ErrBinary) && name == "":
		case err != nil:
			t.Fatal(err)
		case !utf8.ValidString(decoded) || strings.ContainsAny(decoded, "\x00\r\x1b"):
			t.Errorf("%q in %s came out as %q", text, name, decoded)
		case len(decoded) > 4*len(text)+8:
			t.Errorf("%d bytes came out as %d", len(text), len(decoded))
		}
	})
}

func BenchmarkReader(b *testing.B) {
	for _, name := range []string{"utf-8", "windows-1257"} {
		b.Run(name, func(b *testing.B) {
			text := encode(b, strings.Repeat(latvianText+"\n", 10_000), name)
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				r, err := NewReader(bytes.NewReader(text), int64(len(text)), "")
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
