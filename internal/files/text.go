package files

import (
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// pageBreak stands between two pages of a stored text, and belongs to neither: the form feed, as in the output of many tools.
const pageBreak = "\f"

// Text is text on its way into the store, page by page.
type Text struct {
	staged *blob.Staged
	pages  []satchel.TextPage
}

// Discard throws away text that was not published.
func (t *Text) Discard(ctx context.Context) error { return t.staged.Discard(ctx) }

// TextWriter takes pages in order.
type TextWriter struct {
	out    io.Writer
	offset int64
	pages  []satchel.TextPage
}

// Page takes the next page. The text is valid UTF-8; form feeds in it become line breaks.
func (w *TextWriter) Page(label, text string) error { return w.Stream(label, strings.NewReader(text)) }

// Stream is Page for a text that is read to its end.
func (w *TextWriter) Stream(label string, text io.Reader) error {
	if len(w.pages) > 0 {
		if err := w.write([]byte(pageBreak)); err != nil {
			return err
		}
	}
	page := satchel.TextPage{Number: len(w.pages) + 1, Label: label, Offset: w.offset}
	b := make([]byte, 32<<10)
	for {
		n, err := text.Read(b)
		page.Characters += makePlain(b[:n])
		if writeErr := w.write(b[:n]); writeErr != nil {
			return writeErr
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
	}
	page.Length = w.offset - page.Offset
	w.pages = append(w.pages, page)
	return nil
}

// makePlain makes form feeds line breaks and counts characters, in a part of a text that may begin and end within one.
func makePlain(b []byte) (characters int) {
	for i, c := range b {
		if c == pageBreak[0] {
			b[i] = '\n'
		}
		if utf8.RuneStart(c) {
			characters++
		}
	}
	return characters
}

func (w *TextWriter) write(b []byte) error {
	n, err := w.out.Write(b)
	w.offset += int64(n)
	return err
}

// StageText stores the text that fill writes, in constant memory, for KeepFound. Whoever calls it discards what is not kept.
func (s *Service) StageText(ctx context.Context, fill func(*TextWriter) error) (*Text, error) {
	reader, writer := io.Pipe()
	text := &TextWriter{out: writer}
	filled := make(chan error, 1)
	go func() {
		err := fill(text)
		_ = writer.CloseWithError(err) // never fails; nil is the end
		filled <- err
	}()
	staged, err := s.vault.StageDerived(ctx, reader)
	_ = reader.CloseWithError(io.ErrClosedPipe) // so that fill ends if staging did first
	if fillErr := <-filled; fillErr != nil && err == nil {
		err = fillErr
	}
	if err != nil {
		if staged != nil {
			_ = staged.Discard(ctx) // the sweeper takes what stays
		}
		return nil, err
	}
	return &Text{staged: staged, pages: text.pages}, nil
}

// Text gives a file and its text, which the caller closes. CodeNoText if there is none, or none yet.
func (s *Service) Text(ctx context.Context, scope satchel.Scope, id string) (*satchel.File, io.ReadSeekCloser, error) {
	for attempt := 0; ; attempt++ {
		file, err := s.File(ctx, scope, id)
		if err != nil {
			return nil, nil, err
		}
		if file.Text.ID == "" {
			return nil, nil, errNoText(file)
		}
		text, err := s.open(ctx, file.Text)
		if err == nil {
			return file, text, nil
		}
		if attempt > 0 { // the first time it may have been replaced between its row and its bytes
			return nil, nil, fmt.Errorf("open text of %s: %w", id, err)
		}
	}
}

// errNoText says why a file has no text.
func errNoText(file *satchel.File) error {
	message := "no text was found in " + string(file.ID)
	switch file.Status {
	case satchel.StatusUploaded, satchel.StatusProcessing:
		message = string(file.ID) + " has no text yet: it is being processed"
	case satchel.StatusError:
		message = string(file.ID) + " has no text: " + file.StatusDetails
	case satchel.StatusProcessed:
		if file.Document == nil {
			message = string(file.ID) + " was not read, because of its purpose; POST /files/{file_id}/process reads it"
		}
	}
	return &satchel.Error{Code: satchel.CodeNoText, Message: message, In: satchel.InPath, Param: "file_id"}
}

// PageText is a page with its text, if that was asked for.
type PageText struct {
	satchel.TextPage
	Text string
}

// maxPagesBytes ends a list of pages with their text early.
const maxPagesBytes = 8 << 20

// Pages gives at most limit pages of a file's text with numbers above after, and whether there are more. With text it also ends, with at least
// one page, after about 8 MiB. CodeNoText as for Text.
func (s *Service) Pages(ctx context.Context, scope satchel.Scope, id string, after, limit int, withText bool) (pages []PageText, more bool, err error) {
	file, text, err := s.Text(ctx, scope, id)
	if err != nil {
		return nil, false, err
	}
	defer text.Close()
	rows, err := s.store.TextPages(ctx, scope, file.ID, after, limit+1)
	if err != nil {
		return nil, false, err
	}
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	size := int64(0)
	for i, row := range rows {
		page := PageText{TextPage: row}
		if withText {
			if size += row.Length; size > maxPagesBytes && i > 0 {
				return pages, true, nil
			}
			if page.Text, err = ReadPage(text, row); err != nil {
				return nil, false, err
			}
		}
		pages = append(pages, page)
	}
	return pages, more, nil
}

// Page gives one page with its text; CodeNotFound for a number that the text does not have.
func (s *Service) Page(ctx context.Context, scope satchel.Scope, id string, number int) (*PageText, error) {
	pages, _, err := s.Pages(ctx, scope, id, number-1, 1, true)
	if err != nil {
		return nil, err
	}
	if len(pages) == 0 || pages[0].Number != number {
		return nil, &satchel.Error{Code: satchel.CodeNotFound, Message: fmt.Sprintf("Page not found: %d", number), In: satchel.InPath, Param: "number"}
	}
	return &pages[0], nil
}

// ReadPage reads a page out of the text that it belongs to.
func ReadPage(text io.ReadSeeker, page satchel.TextPage) (string, error) {
	return ReadText(text, page.Offset, page.Length)
}

// ReadText reads a part of a text.
func ReadText(text io.ReadSeeker, offset, length int64) (string, error) {
	if _, err := text.Seek(offset, io.SeekStart); err != nil {
		return "", err
	}
	b := make([]byte, length)
	_, err := io.ReadFull(text, b)
	return string(b), err
}
