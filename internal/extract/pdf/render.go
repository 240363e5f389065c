package pdf

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/jpeg"

	"github.com/klippa-app/go-pdfium/enums"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

const (
	maxSide  = 8192 // pixels; it takes 256 MiB
	quality  = 88   // of a JPEG: small letters stay sharp
	white    = 0xffffffff
	drawAll  = enums.FPDF_RENDER_FLAG_ANNOT | enums.FPDF_RENDER_FLAG_REVERSE_BYTE_ORDER // red, green, blue, as Go's images have them
	perPixel = 4
)

// Render draws page n, with its annotations and what is filled into its form, on white, as a JPEG.
func (f *Format) Render(ctx context.Context, in extract.Input, n, side int) ([]byte, error) {
	if side < 1 {
		return nil, fmt.Errorf("pdf: a picture of %d pixels", side)
	}
	e, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	d, err := openDocument(ctx, e, in)
	if err != nil {
		return nil, err
	}
	defer d.close()
	if n < 1 || n > d.pages {
		return nil, fmt.Errorf("pdf: page %d of %d", n, d.pages)
	}
	picture, err := d.draw(n-1, min(side, maxSide))
	switch {
	case errors.Is(err, errMemory):
		return nil, tooMuch(n-1, err)
	case err != nil:
		return nil, &satchel.Error{Code: satchel.CodeDocumentBroken, Message: fmt.Sprintf("page %d of this PDF cannot be drawn", n), Err: err}
	}
	return picture, nil
}

// draw draws page i and gives the JPEG. That PDFium asked for more memory than there is counts even if it did without: it then leaves
// pictures out.
func (d *document) draw(i, side int) ([]byte, error) {
	page := requests.Page{ByIndex: &requests.PageByIndex{Document: d.ref, Index: i}}
	size, err := d.pdfium.GetPageSize(&requests.GetPageSize{Page: page})
	if err != nil {
		return nil, d.or(errNoPage, err)
	}
	width, height := fit(size.Width, size.Height, side)
	bitmap, err := d.pdfium.FPDFBitmap_Create(&requests.FPDFBitmap_Create{Width: width, Height: height})
	if err != nil {
		return nil, d.or(err, err)
	}
	if err := d.paint(page, bitmap.Bitmap, width, height); err != nil {
		return nil, d.or(err, err)
	}
	pixels, err := d.pdfium.FPDFBitmap_GetBuffer(&requests.FPDFBitmap_GetBuffer{Bitmap: bitmap.Bitmap})
	if err != nil {
		return nil, d.or(err, err)
	}
	if d.engine.room.denied {
		return nil, errMemory
	}
	return encode(pixels.Buffer, width, height)
}

// paint paints white, the page upon it, and its form upon that.
func (d *document) paint(page requests.Page, bitmap references.FPDF_BITMAP, width, height int) error {
	_, err := d.pdfium.FPDFBitmap_FillRect(&requests.FPDFBitmap_FillRect{Bitmap: bitmap, Width: width, Height: height, Color: white})
	if err != nil {
		return err
	}
	_, err = d.pdfium.FPDF_RenderPageBitmap(&requests.FPDF_RenderPageBitmap{
		Bitmap: bitmap, Page: page, SizeX: width, SizeY: height, Flags: drawAll,
	})
	if err != nil {
		return err
	}
	form, err := d.theForm()
	if err != nil {
		return d.fatal(err)
	}
	_, err = d.pdfium.FPDF_FFLDraw(&requests.FPDF_FFLDraw{
		FormHandle: form, Bitmap: bitmap, Page: page, SizeX: width, SizeY: height, Flags: drawAll,
	})
	return err
}

// fit gives the pixels of a page whose longer side has as many as asked for.
func fit(width, height float64, side int) (int, int) {
	if !(width > 0 && height > 0) { // nor are they numbers
		return 1, 1
	}
	scale := float64(side) / max(width, height)
	return max(1, int(width*scale+0.5)), max(1, int(height*scale+0.5))
}

// encode makes a JPEG of pixels of four bytes, the last of which says nothing.
func encode(pixels []byte, width, height int) ([]byte, error) {
	picture := &image.RGBA{Pix: pixels, Stride: width * perPixel, Rect: image.Rect(0, 0, width, height)}
	var out bytes.Buffer
	err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}
