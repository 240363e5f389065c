// Package charset finds out in which encoding a text is, and turns it into UTF-8. It knows no file formats: whoever knows that a format
// declares its encoding, as HTML and XML do, hands the declaration in.
//
// What is certain goes first: a byte order mark, UTF-16 and UTF-32 by their pattern, valid UTF-8. Then what the document declares, if its
// bytes fit. Then a guess: the encoding in which the words are the most probable in any of the languages that are written in it.
package charset

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/transform"
)

// Limits of what is looked at to find the encoding, in bytes.
const (
	maxHead   = 64 << 10 // of a text's beginning
	maxWords  = 16 << 10 // of words with bytes beyond ASCII
	maxWord   = 4 << 10  // of one such word
	maxAround = 16       // of ASCII before one
	maxScan   = 64 << 20 // of a text, for such words
)

// UTF8 is the name of the encoding of most texts. ASCII is a part of it.
const UTF8 = "utf-8"

// ErrBinary says that something is no text in any encoding.
var ErrBinary = errors.New("charset: this is no text")

// Detect names the encoding of a text that begins with head, as the WHATWG Encoding Standard does ("utf-8", "windows-1257", "shift_jis"),
// besides "utf-32le" and "utf-32be". It gives "" for what is no text. Declared is what the text itself says; empty: nothing.
func Detect(head []byte, declared string) string {
	if len(head) >= maxHead {
		head = head[:maxHead-unfinished(head[:maxHead])]
	}
	return choose(head, appendWords(nil, head), declared)
}

// Decode gives a whole text in UTF-8, cleaned as Reader does it, and the name of the encoding that it was in. It fails with ErrBinary.
func Decode(text []byte, declared string) (decoded, name string, err error) {
	r, err := NewReader(bytes.NewReader(text), int64(len(text)), declared)
	if err != nil {
		return "", "", err
	}
	clean, err := io.ReadAll(r)
	return string(clean), r.Name, err
}

// Reader gives a text in UTF-8 without byte order mark. Lines end with \n, and what no reader sees is gone: control characters other than
// tab, line feed and form feed, and the escape sequences of terminals. Bytes that mean nothing become U+FFFD.
type Reader struct {
	Name string // of the encoding, as Detect gives it
	io.Reader
}

// NewReader looks at a text and gives a Reader for it. It holds a few blocks of 64 KiB, however long the text is. It fails with ErrBinary.
func NewReader(in io.ReaderAt, size int64, declared string) (*Reader, error) {
	head := make([]byte, min(size, maxHead))
	if _, err := io.ReadFull(io.NewSectionReader(in, 0, size), head); err != nil {
		return nil, err
	}
	words, err := scan(in, size)
	if err != nil {
		return nil, err
	}
	name := choose(head, words, declared)
	if name == "" {
		return nil, ErrBinary
	}
	skip := int64(len(mark(head)))
	return &Reader{name, newCleaner(decoder(io.NewSectionReader(in, skip, size-skip), name))}, nil
}

// Label gives the name under which Detect knows an encoding that is called label; "" for one that nobody knows, or that may not be believed.
func Label(label string) string {
	enc, err := htmlindex.Get(label)
	if err != nil {
		return ""
	}
	switch name, _ := htmlindex.Name(enc); name {
	case "replacement", "x-user-defined", "utf-16le", "utf-16be":
		return ""
	default:
		return name
	}
}

// scan collects words from as much of a text as that takes.
func scan(in io.ReaderAt, size int64) (words []byte, err error) {
	block := make([]byte, maxHead)
	for at := int64(0); at < min(size, maxScan) && len(words) < maxWords; {
		n, err := in.ReadAt(block, at)
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		text := block[:n]
		if n == len(block) {
			text = uncut(text)
		}
		words = appendWords(words, text)
		at += int64(max(len(text), 1))
	}
	return words, nil
}

// uncut gives a block of a text without the word at its end, which goes on in the next one, unless that is very long.
func uncut(text []byte) []byte {
	for n := range maxWord {
		if text[len(text)-1-n] < 0x40 {
			return text[:len(text)-n]
		}
	}
	return text[:len(text)-unfinished(text)]
}

// appendWords adds the words of a text that have bytes beyond ASCII, with what stands around them and a space after each: it says something
// of the language. In some encodings the second byte of a character is an ASCII letter, so these belong to a word in any case.
func appendWords(words, text []byte) []byte {
	free, start := 0, 0 // where the text begins that was not taken yet, and the word
	for i := 0; i < len(text) && len(words) < maxWords; i++ {
		switch b := text[i]; {
		case b < 0x40 || b == 0x7F:
			start = i + 1
		case b >= utf8.RuneSelf:
			end := wordEnd(text, i)
			from := start
			for from > free && from > start-maxAround && text[from-1] < utf8.RuneSelf {
				from--
			}
			to := min(end, start+maxWord)
			words = append(words, text[from:to]...)
			words = append(words, ' ')
			i, start, free = end, end+1, end
		}
	}
	return words
}

func wordEnd(text []byte, at int) int {
	for at < len(text) && text[at] >= 0x40 && text[at] != 0x7F {
		at++
	}
	return at
}

// choose names the encoding of a text that begins with head and has these words.
func choose(head, words []byte, declared string) string {
	if m := mark(head); len(m) > 0 {
		return marked(m)
	}
	if name := wide(head); name != "" {
		return name
	}
	if junk(head) {
		return ""
	}
	label := Label(declared)
	switch {
	case bytes.Contains(head, []byte("\x1b$B")), bytes.Contains(head, []byte("\x1b$@")):
		return "iso-2022-jp"
	case len(words) == 0 || mostlyUTF8(words):
		return UTF8
	case label != "" && label != UTF8 && fits(words, label):
		return label
	}
	name, poor := guess(words)
	if poor && foreign(head) {
		return ""
	}
	return name
}

// junk reports whether there are more control characters than the few that a careless program leaves in a text.
func junk(head []byte) bool {
	text := bytes.TrimRight(head, "\x00")
	if len(text) == 0 {
		return len(head) > 0
	}
	controls := 0
	for _, b := range text {
		if b < ' ' && !strings.ContainsRune("\a\b\t\n\v\f\r\x1a\x1b", rune(b)) || b == 0x7F {
			controls++
		}
	}
	return controls*500 > len(text)
}

// mostlyUTF8 reports whether the characters that are valid outweigh the bytes that are not. No other encoding has the bytes that go on with
// a character by accident in the right place, again and again. What is cut off at the end of the text is not held against it.
func mostlyUTF8(words []byte) bool {
	const enough, beforeCut = 3, 2 // bytes that go on with a character, for one that is invalid, and before a cut
	words = bytes.TrimRight(words, " ")
	cut := unfinished(words)
	words = words[:len(words)-cut]
	goingOn, invalid := 0, 0
	for i := 0; i < len(words); {
		r, n := utf8.DecodeRune(words[i:])
		if r == utf8.RuneError && n == 1 {
			invalid++
		}
		goingOn += n - 1
		i += n
	}
	return goingOn >= enough*invalid && (cut == 0 || goingOn >= beforeCut)
}

// foreign reports whether more than three of ten bytes are beyond ASCII. In a text with fewer, what cannot be read does not matter much.
func foreign(head []byte) bool {
	high := 0
	for _, b := range head {
		if b >= utf8.RuneSelf {
			high++
		}
	}
	return high*10 > 3*len(head)
}

// fits reports whether bytes mean something in an encoding, but for one in fifty.
func fits(words []byte, name string) bool {
	text, err := encodingOf(name).NewDecoder().Bytes(words)
	return err == nil && bytes.Count(text, []byte("\uFFFD"))*50 <= len(words)
}

// encodingOf gives the encoding that has a name of Detect.
func encodingOf(name string) encoding.Encoding {
	switch name {
	case "utf-32le":
		return utf32.UTF32(utf32.LittleEndian, utf32.IgnoreBOM)
	case "utf-32be":
		return utf32.UTF32(utf32.BigEndian, utf32.IgnoreBOM)
	case "iso-2022-jp":
		return japanese.ISO2022JP
	}
	if enc, err := htmlindex.Get(name); err == nil {
		return enc
	}
	for _, c := range candidates() {
		if c.name == name {
			return c.enc
		}
	}
	return unicode.UTF8
}

// decoder gives a text in an encoding as UTF-8.
func decoder(in io.Reader, name string) io.Reader {
	if name == UTF8 {
		return newValidator(in)
	}
	return transform.NewReader(in, encodingOf(name).NewDecoder())
}
