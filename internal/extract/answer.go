package extract

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// maxImage is how many bytes an image of a page may have.
const maxImage = 8 << 20

// Streamer is what an Output can be that takes a page's text piece by piece, so that nobody has to hold a long page. Who has the text at once
// calls Page, and who has a reader calls Stream, if there is one. What a Pool gives its text to is asked for it too: what is no Streamer gets
// each page as one string, of up to PoolConfig.MaxText bytes.
type Streamer interface {
	// Stream takes the next page. It reads text to its end, or returns an error; an error of text is returned, wrapped or not.
	Stream(label string, text io.Reader) error
}

// Result is what a Pool found out about a document.
type Result struct {
	Type     string // its content type, found in its bytes; empty: nobody came so far as to look
	Document satchel.Document
}

// bounds limit what a child may say of one document.
type bounds struct {
	text  int64 // bytes
	pages int
}

// answer is what a child says of one document. It believes nothing: whatever comes, memory is bounded, out gets no more than bounds, and
// all text is valid.
type answer struct {
	frames *frameReader
	bounds bounds
	out    Output // nil: an image is wanted

	result Result
	image  []byte
	text   int64 // bytes so far
	pages  int
	runes  int64
	ended  bool // the child has said all, and is ready for the next document
}

// read reads it to its end. After an error with ended still false nobody knows what the child does.
func (a *answer) read() error {
	for {
		k, payload, err := a.frames.next()
		if err != nil {
			return err
		}
		if k == kindDone {
			return a.done(payload)
		}
		if err := a.take(k, payload); err != nil {
			return err
		}
	}
}

// take takes one frame.
func (a *answer) take(k kind, payload []byte) error {
	switch {
	case k == kindFailure:
		return a.fail(payload)
	case k == kindType && a.result.Type == "" && len(payload) > 0:
		a.result.Type = oneLine(string(payload), maxLabel)
		return nil
	case k == kindExpect && a.out != nil && len(payload) == 8:
		return a.expect(binary.BigEndian.Uint64(payload))
	case k == kindPage && a.out != nil:
		return a.page(oneLine(string(payload), maxLabel))
	case k == kindImage && a.out == nil:
		return a.picture(payload)
	}
	return fmt.Errorf("%w: an unexpected frame %q", errProtocol, k)
}

func (a *answer) done(payload []byte) error {
	if err := parse(payload, &a.result.Document); err != nil {
		return err
	}
	d := cleanDocument(a.result.Document)
	d.Pages, d.Characters = a.pages, a.runes
	if d.Format == "" {
		d.Format = formatOf(a.result.Type)
	}
	a.result.Document, a.ended = d, true
	return nil
}

// formatOf makes the name of a format out of a content type: "rtf" of "text/rtf".
func formatOf(contentType string) string {
	subtype, _, _ := strings.Cut(contentType[strings.IndexByte(contentType, '/')+1:], ";")
	return oneLine(strings.TrimPrefix(subtype, "x-"), maxName)
}

func (a *answer) fail(payload []byte) error {
	var f failure
	if err := parse(payload, &f); err != nil {
		return err
	}
	a.ended = !f.Last
	return f.err()
}

func (a *answer) expect(pages uint64) error {
	if pages > uint64(a.bounds.pages) { //nolint:gosec // not negative
		return a.tooManyPages()
	}
	return a.out.Expect(int(pages)) //nolint:gosec // an int, as bounds are
}

func (a *answer) tooManyPages() error {
	return tooComplex("the document has more than %d pages", a.bounds.pages)
}

// page takes a page up to its end, and gives it to out.
func (a *answer) page(label string) error {
	if a.pages++; a.pages > a.bounds.pages {
		return a.tooManyPages()
	}
	text := &pageText{answer: a}
	err := give(a.out, label, text)
	if err == nil {
		_, err = io.Copy(io.Discard, text) // what out has left
	}
	if text.err != nil && !errors.Is(text.err, io.EOF) {
		return text.err
	}
	return err
}

// give hands out a page in the way that out likes best.
func give(out Output, label string, text io.Reader) error {
	if s, ok := out.(Streamer); ok {
		return s.Stream(label, text)
	}
	var all strings.Builder
	if _, err := io.Copy(&all, text); err != nil {
		return err
	}
	return out.Page(Page{Label: label, Text: all.String()})
}

func (a *answer) picture(piece []byte) error {
	if len(a.image)+len(piece) > maxImage {
		return tooComplex("the image of the page has more than %s", size(maxImage))
	}
	a.image = append(a.image, piece...)
	return nil
}

// pageText reads the text of one page out of an answer.
type pageText struct {
	answer *answer
	piece  []byte
	err    error // sticks; io.EOF after the page's end
}

// Read gives the next of the text.
func (t *pageText) Read(p []byte) (int, error) {
	for len(t.piece) == 0 {
		if t.err == nil {
			t.piece, t.err = t.next()
		}
		if t.err != nil {
			return 0, t.err
		}
	}
	n := copy(p, t.piece)
	t.piece = t.piece[n:]
	return n, nil
}

func (t *pageText) next() ([]byte, error) {
	k, payload, err := t.answer.frames.next()
	switch {
	case err != nil:
		return nil, err
	case k == kindText:
		return payload, t.answer.count(payload)
	case k == kindPageEnd && len(payload) == 0:
		return nil, io.EOF
	case k == kindFailure:
		return nil, t.answer.fail(payload)
	}
	return nil, fmt.Errorf("%w: an unexpected frame %q within a page", errProtocol, k)
}

// count checks a piece of text against the bounds, and that it is as normalizer makes it, as far as others rely on that.
func (a *answer) count(piece []byte) error {
	if !utf8.Valid(piece) || bytes.ContainsAny(piece, "\x00\x02\f\r") {
		return fmt.Errorf("%w: text that is none", errProtocol)
	}
	if a.text += int64(len(piece)); a.text > min(a.bounds.text, math.MaxInt64-maxFrame) {
		return tooComplex("the document holds more than %s of text", size(a.bounds.text))
	}
	a.runes += int64(utf8.RuneCount(piece))
	return nil
}
