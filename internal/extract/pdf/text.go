package pdf

import (
	"math"
	"unicode"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

const samples = 32 // characters of a page that say which way its text stands

// textPage is the text of a page, as PDFium puts it together from where the characters stand: in the order of the content, lines ended by
// CR and LF, and at the ends of lines a mark for each hyphen that divides a word.
type textPage struct {
	ref   references.FPDF_TEXTPAGE
	count int
}

// text gives the text of a page.
func (d *document) text(page requests.Page) (string, error) {
	loaded, err := d.loadText(page)
	if err != nil {
		return "", d.or(errNoPage, err)
	}
	turned, err := d.upright(page, loaded)
	if err == nil && turned {
		if err = d.closeText(loaded); err == nil {
			loaded, err = d.loadText(page)
		}
	}
	if err != nil {
		return "", d.or(errNoPage, err)
	}
	text, err := d.textOf(loaded)
	if err == nil {
		err = d.closeText(loaded)
	}
	if err != nil {
		return "", d.or(errNoPage, err)
	}
	return text, nil
}

func (d *document) loadText(page requests.Page) (textPage, error) {
	loaded, err := d.pdfium.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: page})
	if err != nil {
		return textPage{}, err
	}
	count, err := d.pdfium.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: loaded.TextPage})
	if err != nil {
		return textPage{}, err
	}
	return textPage{loaded.TextPage, count.Count}, nil
}

func (d *document) closeText(t textPage) error {
	_, err := d.pdfium.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: t.ref})
	return err
}

func (d *document) textOf(t textPage) (string, error) {
	text, err := d.pdfium.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: t.ref, Count: t.count})
	if err != nil {
		return "", err
	}
	if readRight(text.Text) {
		return d.directed(t.ref, t.count)
	}
	return text.Text, nil
}

// upright turns the page so that most of its characters stand upright, as far as quarter turns can do that, and says whether it had to:
// PDFium would put the lines of text that runs up or down the page in the wrong order, and such are wide tables in papers. The text must be
// loaded anew then.
func (d *document) upright(page requests.Page, t textPage) (bool, error) {
	votes, all := [4]int{}, 0
	for i := range min(samples, t.count) {
		turn, err := d.turnOf(t, i*t.count/min(samples, t.count))
		if err != nil {
			return false, err
		}
		if turn >= 0 {
			votes[turn]++
			all++
		}
	}
	for turn, count := range votes {
		if count*2 > all {
			return d.turn(page, enums.FPDF_PAGE_ROTATION((4-turn)%4))
		}
	}
	return false, nil
}

// turnOf gives by how many quarters a character is turned clockwise on its unturned page, or -1 for what is no mark on paper.
func (d *document) turnOf(t textPage, index int) (int, error) {
	char, err := d.pdfium.FPDFText_GetUnicode(&requests.FPDFText_GetUnicode{TextPage: t.ref, Index: index})
	if err != nil {
		return 0, err
	}
	if r := rune(char.Unicode); unicode.IsSpace(r) || unicode.IsControl(r) { //nolint:gosec // a code point
		return -1, nil
	}
	angle, err := d.pdfium.FPDFText_GetCharAngle(&requests.FPDFText_GetCharAngle{TextPage: t.ref, Index: index})
	if err != nil {
		if crashed(err) {
			return 0, err
		}
		return -1, nil
	}
	return int(math.Round(float64(angle.CharAngle)/(math.Pi/2))) & 3, nil
}

// turn sets by how much the page is turned, and says whether that is a change.
func (d *document) turn(page requests.Page, to enums.FPDF_PAGE_ROTATION) (bool, error) {
	now, err := d.pdfium.FPDFPage_GetRotation(&requests.FPDFPage_GetRotation{Page: page})
	if err != nil || now.PageRotation == to {
		return false, err
	}
	_, err = d.pdfium.FPDFPage_SetRotation(&requests.FPDFPage_SetRotation{Page: page, Rotate: to})
	return true, err
}
