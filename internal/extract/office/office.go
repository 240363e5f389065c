// Package office reads the documents of office programs and e-books: DOCX, XLSX, PPTX, ODT, ODS, ODP and EPUB. All are zip archives of
// XML parts; archive and scanner go through them within limits, one part after the other, and paper writes what was found as Markdown.
//
// What a reader of the document sees is taken: text that is hidden or was deleted is not. Headers and footers stand once, on the first page;
// footnotes under the page that names them, and comments of DOCX and XLSX at the end of theirs.
package office

import (
	"context"
	"errors"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// Formats gives a Format for each family of documents. They keep nothing between two documents.
func Formats() []extract.Format {
	const ooxml, odf = "application/vnd.openxmlformats-officedocument.", "application/vnd.oasis.opendocument."
	const word, excel, power = "application/vnd.ms-word.", "application/vnd.ms-excel.", "application/vnd.ms-powerpoint."
	return []extract.Format{
		&format{"docx", readDOCX, usualLimits(), []string{
			ooxml + "wordprocessingml.document", ooxml + "wordprocessingml.template",
			word + "document.macroenabled.12", word + "template.macroenabled.12",
		}},
		&format{"pptx", readPPTX, usualLimits(), []string{
			ooxml + "presentationml.presentation", ooxml + "presentationml.template", ooxml + "presentationml.slideshow",
			power + "presentation.macroenabled.12", power + "template.macroenabled.12", power + "slideshow.macroenabled.12",
		}},
		&format{"xlsx", readXLSX, usualLimits(), []string{
			ooxml + "spreadsheetml.sheet", ooxml + "spreadsheetml.template",
			excel + "sheet.macroenabled.12", excel + "template.macroenabled.12",
		}},
		&format{"odt", readODT, usualLimits(), []string{odf + "text", odf + "text-template", odf + "text-master", odf + "text-web"}},
		&format{"odp", readODP, usualLimits(), []string{odf + "presentation", odf + "presentation-template"}},
		&format{"ods", readODS, usualLimits(), []string{odf + "spreadsheet", odf + "spreadsheet-template"}},
		&format{"epub", readEPUB, usualLimits(), []string{"application/epub+zip"}},
		ole{},
	}
}

// format is one family of documents. It implements extract.Format.
type format struct {
	name   string
	read   func(a *archive, out *paper, doc *satchel.Document) error
	limits limits
	types  []string
}

func (f *format) Types() []string { return f.types }

func (f *format) Extract(ctx context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	m := &meter{limits: f.limits, stop: ctx.Err}
	doc := satchel.Document{Format: f.name}
	if isOLE(in) {
		return doc, oleFault(ctx, in)
	}
	a, err := openArchive(in, m)
	if err != nil {
		return doc, err
	}
	err = f.read(a, newPaper(m, out), &doc)
	if errors.Is(err, errNoPart) {
		err = broken("a part of it is missing", err)
	}
	return doc, err
}
