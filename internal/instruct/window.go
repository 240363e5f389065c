package instruct

import (
	"context"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

const (
	readPiece      = 64 << 10 // bytes of a page that are read at a time
	minWindow      = 64       // tokens; a window is not made smaller
	maxWindow      = 32 << 10 // tokens; more does not help, and a step should not take long
	smallestWindow = 2 << 10  // tokens that a window has as far as the context allows it
	windowShare    = 4        // of the context, that a window takes: small models get lost in long texts
	imageTokens    = 1500     // of one image, about
	maxImages      = 4        // of one request
	maxScans       = 100      // pages that are only looked at, in a document without any text
)

// cost estimates the tokens of a text, in hundredths, so that it is rather too much. It depends on the script and on the model; digits are
// tokens of their own in most.
func cost(r rune) int {
	switch {
	case r < utf8.RuneSelf:
		switch {
		case r >= 'a' && r <= 'z' || r == ' ':
			return 28
		case r >= 'A' && r <= 'Z':
			return 60
		}
		return 100
	case r < 0x370: // Latin with diacritics
		return 200
	case r >= 0x400 && r < 0x530 || r >= 0x590 && r < 0x780: // Cyrillic, Hebrew, Arabic
		return 55
	case r >= 0x10000:
		return 300
	}
	return 125
}

// tokensOf estimates the tokens of a text.
func tokensOf(text string) int {
	sum := 0
	for _, r := range text {
		sum += cost(r)
	}
	return (sum + 99) / 100
}

// position is where in a text the next window begins.
type position struct {
	Page   int   `json:"page,omitempty"`   // index of the page
	Offset int64 `json:"offset,omitempty"` // bytes of it that were read
}

// window is a part of a document that is shown to a model at once.
type window struct {
	passages    []*passage
	images      [][]byte
	first, last int      // numbers of its pages; 0: it has none
	next        position // where the one after it begins
	end         bool     // it is the last
	bytes       int64    // of the text, that it takes up
}

// blank reports whether there is nothing to read in it.
func (w *window) blank() bool {
	for _, p := range w.passages {
		if strings.ContainsFunc(p.original, wordRune) {
			return false
		}
	}
	return len(w.images) == 0
}

// text is what is shown of it.
func (w *window) text() string {
	var parts []string
	for _, p := range w.passages {
		if part := strings.TrimSpace(p.original); part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "\n\n")
}

// windower cuts a text into windows.
type windower struct {
	text   Text
	pages  []satchel.TextPage
	vision bool
	room   int // tokens that are left
	made   window
}

// nextWindow reads the window of so many tokens that begins at a position: whole pages where they fit, else whole sentences. Pages without
// text go along as images where the model sees.
func nextWindow(ctx context.Context, text Text, at position, tokens int, vision bool) (*window, error) {
	w := &windower{text: text, pages: text.Pages(), vision: vision, room: tokens, made: window{next: at}}
	if len(w.pages) == 0 {
		return &w.made, w.scans(ctx)
	}
	full := tokens
	for w.made.next.Page < len(w.pages) {
		page := w.pages[w.made.next.Page]
		if w.late(page, full) {
			return &w.made, nil
		}
		more, err := w.page(ctx, page)
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	w.made.end = w.made.next.Page >= len(w.pages)
	return &w.made, nil
}

// late reports whether a page had better begin the next window: it would be cut here, and not there.
func (w *windower) late(page satchel.TextPage, full int) bool {
	if w.made.next.Offset > 0 || len(w.made.passages)+len(w.made.images) == 0 || page.Length > int64(full)*3 {
		return false
	}
	needed := page.Characters * 30 / 100 // at least
	return needed > w.room && needed <= full && w.room < full/2
}

// page adds a page, or as much of it as fits; more is false if the window is full.
func (w *windower) page(ctx context.Context, page satchel.TextPage) (more bool, err error) {
	if page.Characters == 0 && page.Length == 0 {
		return w.scan(ctx, page.Number)
	}
	for w.made.next.Offset < page.Length {
		piece, err := w.piece(ctx, page)
		if err != nil {
			return false, err
		}
		cut, used := cutAt(piece, w.room)
		whole := cut == len(piece)
		if cut == 0 && len(w.made.passages) > 0 {
			return false, nil
		}
		w.add(page.Number, piece[:cut], used)
		if !whole || w.room < minWindow && w.made.next.Offset < page.Length {
			return false, nil
		}
	}
	w.made.next = position{Page: w.made.next.Page + 1}
	return w.room >= minWindow, nil
}

// piece reads the next bytes of a page, whole characters.
func (w *windower) piece(ctx context.Context, page satchel.TextPage) (string, error) {
	left := page.Length - w.made.next.Offset
	piece, err := w.text.Read(ctx, page.Offset+w.made.next.Offset, min(left, readPiece))
	if err != nil {
		return "", err
	}
	if left > readPiece {
		if whole := wholeRunes(piece); whole > 0 {
			piece = piece[:whole]
		}
	}
	return piece, nil
}

// add takes text of a page into the window. Pieces of one page that follow each other become one passage.
func (w *windower) add(page int, text string, tokens int) {
	made := &w.made
	if n := len(made.passages); n > 0 && made.passages[n-1].page == page {
		made.passages[n-1] = newPassage(page, made.passages[n-1].original+text)
	} else {
		made.passages = append(made.passages, newPassage(page, text))
	}
	w.saw(page)
	made.next.Offset += int64(len(text))
	made.bytes += int64(len(text))
	w.room -= tokens
}

func (w *windower) saw(page int) {
	if w.made.first == 0 {
		w.made.first = page
	}
	w.made.last = page
}

// scan adds the image of a page without text.
func (w *windower) scan(ctx context.Context, page int) (more bool, err error) {
	if w.vision {
		if len(w.made.images) == maxImages || len(w.made.images) > 0 && w.room < imageTokens {
			return false, nil
		}
		image, err := w.text.Image(ctx, page)
		if err != nil {
			return false, err
		}
		if image != nil {
			w.made.images = append(w.made.images, image)
			w.room -= imageTokens
			w.saw(page)
		}
	}
	w.made.next = position{Page: w.made.next.Page + 1}
	return w.room > 0, nil
}

// scans makes a window of the images of a document that has no text at all.
func (w *windower) scans(ctx context.Context) error {
	for w.vision && w.made.next.Page < maxScans {
		before := len(w.made.images)
		more, err := w.scan(ctx, w.made.next.Page+1)
		if err != nil {
			return err
		}
		if len(w.made.images) == before && w.made.next.Page > 0 && more { // there is no such page
			break
		}
		if !more {
			return nil
		}
	}
	w.made.end = true
	return nil
}

// cutAt gives how many bytes of a text fit into so many tokens, and what they cost: all of it, or whole paragraphs, or whole sentences, or
// lines, or words. It is 0 only if the text is empty or has no room at all.
func cutAt(text string, tokens int) (cut, used int) {
	sum, fits := 0, len(text)
	for i, r := range text {
		if sum += cost(r); sum > 100*tokens {
			fits = i
			break
		}
	}
	if fits == len(text) {
		return fits, (sum + 99) / 100
	}
	cut = boundary(text[:fits])
	return cut, tokensOf(text[:cut])
}

// boundary gives the best place to cut in the second half of a text.
func boundary(text string) int {
	half := len(text) / 2
	if i := strings.LastIndex(text[half:], "\n\n"); i >= 0 {
		return half + i + 2
	}
	if i := lastSentence(text[half:]); i > 0 {
		return half + i
	}
	for _, sep := range []string{"\n", " "} {
		if i := strings.LastIndex(text[half:], sep); i >= 0 {
			return half + i + 1
		}
	}
	return len(text)
}

// lastSentence gives where the last sentence that is whole ends, with the space behind it; 0: there is none.
func lastSentence(text string) int {
	end, stop := 0, false
	for i, r := range text {
		if stop && unicode.IsSpace(r) {
			end = i + utf8.RuneLen(r)
		}
		if strings.ContainsRune("。！？", r) {
			end = i + utf8.RuneLen(r)
		}
		stop = strings.ContainsRune(".!?…", r) || stop && strings.ContainsRune(`"')”»`, r)
	}
	return end
}
