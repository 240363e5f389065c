package pdf

import (
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/satchel-files/satchel/internal/extract"
)

const maxLabel = 200 // bytes of a page's label

// page reads page i, from 0. Its text is that of the page itself, then what was filled into its form, then what was written upon it.
func (d *document) page(i int) (extract.Page, error) {
	d.read++
	loaded, err := d.pdfium.FPDF_LoadPage(&requests.FPDF_LoadPage{Document: d.ref, Index: i})
	if err != nil {
		return extract.Page{}, d.or(errNoPage, err)
	}
	defer d.closePage(loaded.Page)
	page := requests.Page{ByReference: &loaded.Page}
	text, err := d.text(page)
	if err != nil {
		return extract.Page{}, err
	}
	remarks, err := d.remarks(page)
	if err != nil {
		return extract.Page{}, err
	}
	label, err := d.label(i)
	if err == nil && d.engine.room.denied { // PDFium goes on without what it has no memory for
		d.dead, err = true, errMemory
	}
	return extract.Page{Label: label, Text: join(tidy(text), remarks)}, err
}

// or gives missing for an answer of the library that says that something is not there.
func (d *document) or(missing, err error) error {
	if fatal := d.fatal(err); fatal != nil {
		return fatal
	}
	return missing
}

func (d *document) closePage(page references.FPDF_PAGE) {
	if d.dead {
		return
	}
	if _, err := d.pdfium.FPDF_ClosePage(&requests.FPDF_ClosePage{Page: page}); err != nil {
		_ = d.fatal(err) // the page was read; the next one finds out
	}
}

// label gives what the document calls page i; most call it nothing.
func (d *document) label(i int) (string, error) {
	label, err := d.pdfium.FPDF_GetPageLabel(&requests.FPDF_GetPageLabel{Document: d.ref, Page: i})
	if err != nil {
		return "", d.fatal(err)
	}
	return phrase(label.Label, maxLabel), nil
}
