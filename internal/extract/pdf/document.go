package pdf

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/klippa-app/go-pdfium"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/tetratelabs/wazero/sys"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// What can become of an instance, and of a page.
var (
	errCrash  = errors.New("PDFium broke down")
	errMemory = errors.New("PDFium ran out of memory")
	errNoPage = errors.New("the page cannot be loaded")
)

// document is a PDF that is open in an instance of its own.
type document struct {
	engine *engine
	source *source
	pdfium pdfium.Pdfium
	ref    references.FPDF_DOCUMENT
	form   references.FPDF_FORMHANDLE // empty: not needed yet, or no form
	pages  int
	read   int    // pages read so far
	base   uint64 // bytes of memory that the instance had when it had read its first page
	dead   bool   // the instance broke down: it must not be asked anything
}

// source is what PDFium reads from, a few hundred bytes at a time: it never has the whole document. The library may keep a source after it
// is done with it, so it can be emptied.
type source struct{ *io.SectionReader }

// openDocument opens the document in a new instance.
func openDocument(ctx context.Context, e *engine, in extract.Input) (*document, error) {
	switch size := in.Size(); {
	case size == 0:
		return nil, satchel.Errorf(satchel.CodeDocumentBroken, "this file is empty; upload it again")
	case size > math.MaxInt32:
		return nil, satchel.Errorf(satchel.CodeDocumentTooComplex, "PDFs of more than 2 GiB cannot be read; split it into smaller ones")
	}
	instance, err := e.pool.GetInstanceWithContext(ctx)
	if err != nil {
		return nil, satchel.Errorf(satchel.CodeExtractionFailed, "the program that reads PDFs could not be started: %w", err)
	}
	d := &document{engine: e, source: &source{io.NewSectionReader(in, 0, in.Size())}, pdfium: instance}
	if err := d.open(); err != nil {
		d.close()
		return nil, complaint(err)
	}
	return d, nil
}

func (d *document) open() error {
	opened, err := d.pdfium.OpenDocument(&requests.OpenDocument{FileReader: d.source, FileReaderSize: d.source.Size()})
	if err != nil {
		return errors.Join(d.fatal(err), err)
	}
	d.ref = opened.Document
	count, err := d.pdfium.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: d.ref})
	if err != nil {
		return errors.Join(d.fatal(err), err)
	}
	d.pages = count.PageCount
	return nil
}

// close ends the instance, and all that it knows of the document with it.
func (d *document) close() {
	if d.dead {
		_ = d.pdfium.Kill()
	} else {
		_ = d.pdfium.Close() // what can fail here has no effect on what was read
	}
	d.source.SectionReader = io.NewSectionReader(strings.NewReader(""), 0, 0)
}

// fatal is what an answer of the library means for the instance: nothing, unless PDFium broke down over it or ran out of memory. Other
// errors say that what was asked for is not in the document.
func (d *document) fatal(err error) error {
	if d.engine.room.denied {
		d.dead = true
		return fmt.Errorf("%w: %w", errMemory, err)
	}
	if crashed(err) {
		d.dead = true
		return fmt.Errorf("%w: %w", errCrash, err)
	}
	return nil
}

// crashed tells traps of the machine, exits of the program in it, and panics of the library over a nonsensical answer of that program from
// the library's ordinary errors. It has no types for them.
func crashed(err error) bool {
	var exit *sys.ExitError
	text := err.Error()
	return errors.As(err, &exit) || strings.Contains(text, "wasm error") || strings.HasPrefix(text, "panic occurred")
}

// complaint says for the owner of a document why it cannot be opened.
func complaint(err error) error {
	code, text := satchel.CodeDocumentBroken, "this PDF is damaged, or no PDF; save it anew with the program that made it, and upload that"
	switch {
	case errors.Is(err, errMemory):
		code, text = satchel.CodeDocumentTooComplex, "this PDF needs more memory than a document may take; split it into smaller ones"
	case errors.Is(err, pdfiumerrors.ErrPassword):
		code, text = satchel.CodeDocumentEncrypted, "this PDF needs a password to be opened; upload it without one"
	case errors.Is(err, pdfiumerrors.ErrSecurity):
		code, text = satchel.CodeDocumentEncrypted, "this PDF is encrypted in a way that cannot be read; upload it without encryption"
	}
	return &satchel.Error{Code: code, Message: text, Err: err}
}
