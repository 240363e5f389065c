package extract

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// said is what a child sends.
type said struct{ bytes.Buffer }

func say() *said { return &said{} }

func (s *said) frame(k kind, payload string) *said {
	s.Write(appendHeader(nil, k, len(payload)))
	s.WriteString(payload)
	return s
}

func (s *said) page(label, text string) *said {
	return s.frame(kindPage, label).frame(kindText, text).frame(kindPageEnd, "")
}

func eight(n uint64) string { return string(binary.BigEndian.AppendUint64(nil, n)) }

func TestAnswer(t *testing.T) {
	plain := func() *said { return say().frame(kindType, "text/x-plain; charset=utf-8") }
	tests := []struct {
		name  string
		said  *said
		draws bool
		want  error // nil: it is read to its end
	}{
		{"good", plain().frame(kindExpect, eight(2)).page("a", "ü").page("b", "").frame(kindDone, "{}"), false, nil},
		{"image", plain().frame(kindImage, "GIF").frame(kindDone, "{}"), true, nil},
		{"nothing", say(), false, errBroken},
		{"no type", say().frame(kindType, ""), false, errProtocol},
		{"cut", plain().frame(kindPage, "a").frame(kindText, "b"), false, errBroken},
		{"cut in a payload", say().frame(kindDone, "{}").cut(1), false, errBroken},
		{"too long a frame", say().raw("P\x00\x10\x00\x01"), false, errProtocol},
		{"unknown frame", plain().frame('?', ""), false, errProtocol},
		{"two types", plain().frame(kindType, "x"), false, errProtocol},
		{"text outside of a page", plain().frame(kindText, "x"), false, errProtocol},
		{"page in a page", plain().frame(kindPage, "a").frame(kindPage, "b"), false, errProtocol},
		{"done in a page", plain().frame(kindPage, "a").frame(kindDone, "{}"), false, errProtocol},
		{"end with something in it", plain().frame(kindPage, "a").frame(kindPageEnd, "x"), false, errProtocol},
		{"page instead of an image", plain().page("a", "b"), true, errProtocol},
		{"image instead of pages", plain().frame(kindImage, "GIF"), false, errProtocol},
		{"half a character", plain().page("a", "\xc3"), false, errProtocol},
		{"zero", plain().page("a", "\x00"), false, errProtocol},
		{"form feed", plain().page("a", "\f"), false, errProtocol},
		{"short number", plain().frame(kindExpect, "1"), false, errProtocol},
		{"no JSON", plain().frame(kindDone, "{"), false, errProtocol},
		{"no JSON in a failure", plain().frame(kindFailure, "["), false, errProtocol},
		{"unsupported", plain().frame(kindFailure, `{"Unsupported": true}`), false, ErrUnsupported},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := &answer{frames: newFrameReader(test.said), bounds: bounds{text: 10, pages: 2}}
			out := &outcome{}
			if !test.draws {
				a.out = out
			}
			if err := a.read(); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if ended := test.want == nil || errors.Is(test.want, ErrUnsupported); a.ended != ended {
				t.Errorf("ended is %v", a.ended)
			}
		})
	}
}

func (s *said) raw(bytes string) *said { s.WriteString(bytes); return s }

func (s *said) cut(n int) *said { s.Truncate(s.Len() - n); return s }

func TestAnswerIsBounded(t *testing.T) {
	pages, text := say(), say().frame(kindPage, "")
	for range 3 {
		pages.page("", "")
		text.frame(kindText, "1234")
	}
	image := say()
	for range 9 {
		image.frame(kindImage, strings.Repeat("x", 1<<20))
	}
	for name, a := range map[string]*answer{
		"pages":    {frames: newFrameReader(pages), out: &outcome{}},
		"text":     {frames: newFrameReader(text), out: &outcome{}},
		"expected": {frames: newFrameReader(say().frame(kindExpect, eight(1<<63))), out: &outcome{}},
		"image":    {frames: newFrameReader(image)},
	} {
		a.bounds = bounds{text: 10, pages: 2}
		if err := a.read(); satchel.CodeOf(err) != satchel.CodeDocumentTooComplex {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestCodesOfAChild(t *testing.T) {
	f := newFailure(&satchel.Error{Code: satchel.CodeDocumentBroken, Message: strings.Repeat("ä", 1000), Err: errors.New("cause\n" + strings.Repeat("x", 1<<20))})
	if len(f.Message) != maxMessage || len(f.Cause) != maxCause {
		t.Errorf("%d and %d bytes", len(f.Message), len(f.Cause))
	}
	for code, want := range map[satchel.Code]satchel.Code{
		satchel.CodeDocumentBroken:    satchel.CodeDocumentBroken,
		satchel.CodeDocumentEncrypted: satchel.CodeDocumentEncrypted,
		satchel.CodeInvalidToken:      satchel.CodeExtractionFailed,
		"":                            satchel.CodeExtractionFailed,
	} {
		if got := satchel.CodeOf(failure{Code: code}.err()); got != want {
			t.Errorf("%q became %q", code, got)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for contentType, want := range map[string]string{"text/x-rust; charset=utf-8": "rust", "application/pdf": "pdf", "": "", "odd": "odd"} {
		if got := formatOf(contentType); got != want {
			t.Errorf("%q: %q, want %q", contentType, got, want)
		}
	}
}

func TestDocumentsAreBounded(t *testing.T) {
	many := map[string]string{"\x00": "nameless", "empty": " "}
	for i := range 1000 {
		many[strings.Repeat("k", i)] = "v"
	}
	d := cleanDocument(satchel.Document{
		Created: time.Date(12_000, 1, 1, 0, 0, 0, 0, time.UTC), Modified: time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.FixedZone("", 3600)),
		Language: strings.Repeat("l", 1000), Properties: many,
	})
	if !d.Created.IsZero() || d.Modified != time.Date(2026, 1, 2, 2, 4, 5, 678_901_000, time.UTC) {
		t.Errorf("times %v and %v", d.Created, d.Modified)
	}
	if len(d.Language) != maxName || len(d.Properties) != maxProperties {
		t.Errorf("language of %d bytes, %d properties", len(d.Language), len(d.Properties))
	}
	if d.Properties["empty"] != "" || d.Properties["k"] != "v" {
		t.Errorf("properties %v", d.Properties)
	}
}

func TestOneLine(t *testing.T) {
	for _, test := range []struct {
		in    string
		limit int
		want  string
	}{
		{" a \r\n\t b\x00c ", 100, "a b c"},
		{"äöü", 5, "äö"},
		{"ab cd", 3, "ab"},
		{"ab cd", 4, "ab c"},
		{"a\xffb", 100, "a\uFFFDb"},
		{"", 0, ""},
	} {
		if got := oneLine(test.in, test.limit); got != test.want {
			t.Errorf("%q in %d: %q, want %q", test.in, test.limit, got, test.want)
		}
	}
}

// TestClock has a child answer at once and somebody take his time with each piece.
func TestClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer ours.Close()
		go func() {
			for range 10 {
				_, _ = theirs.Write([]byte("x"))
			}
		}()
		more := []time.Duration{0, 2 * time.Second, 3 * time.Second}
		c := &clock{from: ours, left: time.Second, more: func() time.Duration {
			next := more[len(more)-1]
			more = more[:len(more)-1]
			return next
		}}
		for range 10 {
			if _, err := c.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
			<-time.After(time.Minute)
		}
		start := time.Now()
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if waited := time.Since(start); waited != 6*time.Second {
			t.Errorf("waited %s", waited)
		}
	})
}

// FuzzAnswer is a child that somebody has taken over.
func FuzzAnswer(f *testing.F) {
	f.Add(say().frame(kindType, "a/b").frame(kindExpect, eight(1)).page("l", "text").frame(kindDone, `{"Title":"t"}`).Bytes(), true)
	f.Add(say().frame(kindImage, "GIF").frame(kindDone, `{}`).Bytes(), false)
	f.Add(say().frame(kindPage, "a").frame(kindFailure, `{"Code":"document_broken","Message":"m"}`).Bytes(), true)
	f.Add(say().raw("X\xff\xff\xff\xff").Bytes(), true)
	f.Fuzz(func(t *testing.T, sent []byte, text bool) {
		a := &answer{frames: newFrameReader(bytes.NewReader(sent)), bounds: bounds{text: 100, pages: 3}}
		out := &outcome{}
		if text {
			a.out = out
		}
		err := a.read()
		total := 0
		for _, page := range out.pages {
			total += len(page.Text)
			if !utf8.ValidString(page.Text) || !utf8.ValidString(page.Label) || len(page.Label) > maxLabel {
				t.Errorf("page %q", page)
			}
		}
		if total > 100 || len(out.pages) > 3 || len(a.image) > maxImage || cap(a.frames.buf) > maxFrame {
			t.Errorf("%d bytes on %d pages, an image of %d, a buffer of %d", total, len(out.pages), len(a.image), cap(a.frames.buf))
		}
		if a.ended && err == nil && a.result.Document.Pages != len(out.pages) {
			t.Errorf("%d pages, but the document says %d", len(out.pages), a.result.Document.Pages)
		}
	})
}

// normalized is a page as a child sends it, given to the normalizer in pieces of some bytes.
func normalized(t testing.TB, text string, piece int) string {
	t.Helper()
	var all strings.Builder
	n := &normalizer{emit: func(p []byte) error {
		if !utf8.Valid(p) || len(p) > maxFrame {
			t.Errorf("piece %q", p)
		}
		_, err := all.Write(p)
		return err
	}}
	for len(text) > 0 {
		next := text[:min(len(text), piece)]
		if _, err := io.WriteString(n, next); err != nil {
			t.Fatal(err)
		}
		text = text[len(next):]
	}
	if err := n.end(); err != nil {
		t.Fatal(err)
	}
	return all.String()
}

func TestNormalizer(t *testing.T) {
	for text, want := range map[string]string{
		"":                                   "",
		" \n\t\r\n\f \u00a0":                 "",
		"a":                                  "a",
		"a\n":                                "a\n",
		"a\n\n\n\n":                          "a\n",
		"\n\n\n\n  a":                        "\n\n  a",
		"a  \nb\t\r\nc\u3000\rd ":            "a\nb\nc\nd",
		"a\n\n\n\n\n\nb":                     "a\n\n\nb",
		"a\n \n \n \n \nb":                   "a\n\n\nb",
		"a\r\r\nb":                           "a\n\nb",
		"a\fb":                               "a\nb",
		"hy\x02phen\x00s":                    "hyphens",
		"a\xff\xc3":                          "a\uFFFD\uFFFD",
		"\xe2\x82\xac\xf0\x9f\x99":           "€\uFFFD\uFFFD\uFFFD",
		"a\tb  c":                            "a\tb  c",
		strings.Repeat("x", 100000):          strings.Repeat("x", 100000),
		"a" + strings.Repeat(" ", 1e6) + "b": "a" + strings.Repeat(" ", maxSpaces) + "b",
	} {
		for _, piece := range []int{1, 3, 1 << 20} {
			if got := normalized(t, text, piece); got != want {
				t.Errorf("%.50q in pieces of %d: %.50q, want %.50q", text, piece, got, want)
			}
		}
	}
}

func FuzzNormalizer(f *testing.F) {
	f.Add("a \r\n\n\n\n b\x00\x02\f\xff", 2)
	f.Fuzz(func(t *testing.T, text string, piece int) {
		got := normalized(t, text, len(text)+1)
		if split := normalized(t, text, max(piece, 1)); split != got {
			t.Errorf("in pieces of %d: %q, at once %q", piece, split, got)
		}
		if again := normalized(t, got, 7); again != got {
			t.Errorf("%q became %q", got, again)
		}
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\x02\r\f") || strings.Contains(got, " \n") || strings.Contains(got, "\n\n\n\n") {
			t.Errorf("got %q", got)
		}
	})
}

func TestNotesAreBounded(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	n := &notes{log: pool.config.Logger}
	n.begin()
	for range 1000 {
		if written, err := n.Write(bytes.Repeat([]byte("x"), 1000)); written != 1000 || err != nil {
			t.Fatalf("%d, %v", written, err)
		}
	}
	if n.left != 0 || len(n.line) != maxNote {
		t.Errorf("%d bytes are left, the line has %d", n.left, len(n.line))
	}
	n.begin()
	_, _ = n.Write([]byte("\nfirst\nfatal error: runtime: out of mem"))
	_, _ = n.Write([]byte("ory"))
	if first, memory, depth := n.words(t.Context()); first != "first" || !memory || depth {
		t.Errorf("%q, %v, %v", first, memory, depth)
	}
}
