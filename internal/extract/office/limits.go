package office

import (
	"errors"
	"fmt"

	"github.com/satchel-files/satchel"
)

const (
	kibi = 1 << 10
	mebi = 1 << 20
)

// limits bound what is done for one document, whatever it says of itself. Sizes are in bytes.
type limits struct {
	entries   int   // files in the archive
	directory int64 // the archive's list of files
	unpacked  int64 // all that is unpacked, counted as it is read
	ratio     int64 // unpacked for each byte of the document, once ratioFrom has been unpacked
	ratioFrom int64
	token     int   // one tag, or the text between two tags
	depth     int   // elements inside of each other
	elements  int   // elements of all parts together
	held      int   // what one page keeps in memory: its text, and a little for each block and cell
	text      int64 // the text of all pages
	pages     int
	strings   int // the table of strings that the sheets of a workbook share
	chapter   int // one chapter of a book, as HTML
}

// usualLimits leave room for a sheet of a million rows and a book of some thousand pages. The memory that a document can take follows
// from held, strings and chapter, a few times each.
func usualLimits() limits {
	return limits{
		entries:   20_000,
		directory: 8 * mebi,
		unpacked:  1024 * mebi,
		ratio:     250,
		ratioFrom: 64 * mebi,
		token:     8 * mebi,
		depth:     512,
		elements:  60_000_000,
		held:      96 * mebi,
		text:      256 * mebi,
		pages:     100_000,
		strings:   96 * mebi,
		chapter:   16 * mebi,
	}
}

// meter counts what one document has cost. Its first error stays: whoever gets an error from a library can ask whether it was this one.
type meter struct {
	limits
	packed   int64 // size of the document
	read     int64 // unpacked so far
	seen     int   // elements so far
	page     int   // held by the page under way
	kept     int   // held until the document ends
	written  int64 // text of the pages that are done
	finished int   // pages that are done
	stop     func() error
	err      error
}

// fail keeps the first error and gives it.
func (m *meter) fail(err error) error {
	if m.err == nil {
		m.err = err
	}
	return m.err
}

// unpack counts n unpacked bytes.
func (m *meter) unpack(n int) error {
	m.read += int64(n)
	switch {
	case m.read > m.unpacked:
		return m.fail(tooComplex("it unpacks to more than %d MiB", m.unpacked/mebi))
	case m.read > m.ratioFrom && m.read/max(m.packed, 1) > m.ratio:
		return m.fail(tooComplex("it unpacks to more than %d times its size", m.ratio))
	}
	return nil
}

// element counts one element at the given depth, and looks now and then whether the work is still wanted.
func (m *meter) element(depth int) error {
	m.seen++
	switch {
	case depth > m.depth:
		return m.fail(tooComplex("its elements are nested more than %d deep", m.depth))
	case m.seen > m.elements:
		return m.fail(tooComplex("it has more than %d elements", m.elements))
	case m.seen%1024 == 0:
		if err := m.stop(); err != nil {
			return m.fail(err)
		}
	}
	return nil
}

// hold counts n bytes that stay in memory until the page ends.
func (m *meter) hold(n int) error {
	if m.page += n; m.page+m.kept > m.held {
		return m.fail(tooComplex("the text of one page, slide, sheet or chapter takes more than %d MiB", m.held/mebi))
	}
	return nil
}

// keep counts n bytes that stay in memory until the document ends.
func (m *meter) keep(n int) error {
	m.kept += n
	return m.hold(0)
}

// turn counts a page of n bytes that is done.
func (m *meter) turn(n int) error {
	m.page, m.written, m.finished = 0, m.written+int64(n), m.finished+1
	switch {
	case m.written > m.text:
		return m.fail(tooComplex("it has more than %d MiB of text", m.text/mebi))
	case m.finished > m.pages:
		return m.fail(tooComplex("it has more than %d pages", m.pages))
	}
	return nil
}

func tooComplex(format string, args ...any) error {
	return satchel.Errorf(satchel.CodeDocumentTooComplex, "the document is too complex to be read: %s; split it into smaller documents", fmt.Sprintf(format, args...))
}

// entities says that a part defines XML entities: no office program writes any, and text can grow with them without bounds.
func entities(part string) error {
	return satchel.Errorf(satchel.CodeDocumentTooComplex,
		"the document is too complex to be read: its part %s defines XML entities; open it in an office program and save it anew", quote(part))
}

// broken says that the document is damaged, and where. The cause is for the log.
func broken(what string, cause error) error {
	return &satchel.Error{
		Code:    satchel.CodeDocumentBroken,
		Message: "the document is damaged: " + what + "; open it in the program that made it and save it anew",
		Err:     cause,
	}
}

func encrypted() error {
	return satchel.Errorf(satchel.CodeDocumentEncrypted, "the document is encrypted; save it without a password and upload it again")
}

// optional forgives a part that is damaged, or not there, when the document can be read without it.
func optional(err error) error {
	if satchel.CodeOf(err) == satchel.CodeDocumentBroken || errors.Is(err, errNoPart) {
		return nil
	}
	return err
}
