// Package extract gets text and pages out of documents. Format is the contract of whatever reads one family of formats; the leaves of
// this package implement it. Documents are not to be trusted, so the server never runs a Format: Pool has child processes do it, which
// are the same program, started again with limits of memory, time, files and output, and Serve is what such a child runs.
//
// Text is UTF-8 without NUL, lines end with \n. Headings, lists and tables are Markdown where the document has them as such; nothing is
// guessed from how a page looks. Failures are *satchel.Error with satchel.CodeDocumentEncrypted, CodeDocumentBroken,
// CodeDocumentTooComplex or CodeExtractionFailed and a message for the document's owner: what is wrong, and what would help.
package extract

import (
	"context"
	"errors"
	"io"

	"github.com/satchel-files/satchel"
)

// ErrUnsupported says that no Format reads content of that type. It is no failure of the document.
var ErrUnsupported = errors.New("extract: no text can be had from content of this type")

// Input is a document. It can be read at any place, any number of times.
type Input struct {
	*io.SectionReader        // the content, all of it
	Type              string // its content type, as Detect found it
	Filename          string // a hint for what the bytes leave open: which language source code is in, whether text is Markdown
}

// Output takes what a Format finds. An error of its methods ends the work: the Format returns it as it is.
type Output interface {
	// Expect says how many pages there will be, for showing progress. It is called before the first Page, if at all.
	Expect(pages int) error
	// Page takes the next page, in reading order.
	Page(p Page) error
}

// Page is one page, slide, sheet or chapter.
type Page struct {
	Label string // what the document calls it: "iv", a sheet's name, a chapter's title; empty: nothing
	Text  string
}

// Format reads one family of formats. It is used by one goroutine at a time, in a process of its own, and may keep what is costly to make
// between two documents, but nothing of a document. It need not bound the time it takes, nor, within reason, its memory: the process is
// bounded. It cannot open a file, nor a connection, nor start a program: the process gives all that up before its first document. What it needs
// from the disk it reads when it is made, or as a Starter.
type Format interface {
	// Types are the content types that it reads, as Detect gives them.
	Types() []string
	// Extract gives the pages to out and returns what the document says of itself; Pages and Characters are counted by the caller.
	// A document without text has no pages, or empty ones, and is no error.
	Extract(ctx context.Context, in Input, out Output) (satchel.Document, error)
}

// Renderer is what a Format can be that draws pages, for models that see.
type Renderer interface {
	// Render gives page number n, from 1, as a PNG or JPEG whose longer side has at most side pixels.
	Render(ctx context.Context, in Input, n, side int) ([]byte, error)
}
