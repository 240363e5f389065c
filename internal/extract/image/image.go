// Package image reads what images say of themselves, and makes small copies of them for models that see. They have no text here.
package image

import (
	"context"
	"fmt"
	stdimage "image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"

	"github.com/bep/imagemeta"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"
	"golang.org/x/image/webp"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// Format reads images. It keeps nothing.
type Format struct{}

var (
	_ extract.Format   = Format{}
	_ extract.Renderer = Format{}
)

// kind is a family of images: what reads it, as far as there is something.
type kind struct {
	name   string
	size   func(io.Reader) (stdimage.Config, error) // nil: only facts can tell
	decode func(io.Reader) (stdimage.Image, error)  // nil: it cannot be drawn
	facts  imagemeta.ImageFormat                    // zero: none
}

// Types are the content types of the images that it reads.
func (Format) Types() []string {
	return []string{
		"image/jpeg", "image/png", "image/apng", "image/gif", "image/webp", "image/tiff", "image/bmp",
		"image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence", "image/avif",
	}
}

func kindOf(contentType string) (kind, bool) {
	switch contentType {
	case "image/jpeg":
		return kind{"jpeg", jpeg.DecodeConfig, jpeg.Decode, imagemeta.JPEG}, true
	case "image/png", "image/apng":
		return kind{"png", png.DecodeConfig, png.Decode, imagemeta.PNG}, true
	case "image/gif":
		return kind{"gif", gif.DecodeConfig, gif.Decode, 0}, true
	case "image/webp":
		return kind{"webp", webp.DecodeConfig, webp.Decode, imagemeta.WebP}, true
	case "image/tiff":
		return kind{"tiff", tiff.DecodeConfig, tiff.Decode, imagemeta.TIFF}, true
	case "image/bmp":
		return kind{"bmp", bmp.DecodeConfig, bmp.Decode, 0}, true
	case "image/heic", "image/heic-sequence", "image/heif", "image/heif-sequence":
		return kind{"heic", nil, nil, imagemeta.HEIF}, true
	case "image/avif":
		return kind{"avif", nil, nil, imagemeta.AVIF}, true
	}
	return kind{}, false
}

// Extract gives no pages. Width and Height are those of the pixels as they are stored; Properties has the orientation, if it is not the
// usual one.
func (Format) Extract(ctx context.Context, in extract.Input, _ extract.Output) (satchel.Document, error) {
	k, ok := kindOf(in.Type)
	if !ok {
		return satchel.Document{}, extract.ErrUnsupported
	}
	if err := ctx.Err(); err != nil {
		return satchel.Document{}, err
	}
	f, failure := readFacts(in, k.facts)
	if k.size == nil {
		delete(f.tags, "exif Orientation") // the container has one of its own, which the size follows
	}
	about := f.document()
	about.Format = k.name
	if k.size == nil {
		if failure != nil && about.Width == 0 {
			return satchel.Document{}, broken(failure)
		}
		return about, nil
	}
	config, err := k.size(start(in))
	if err != nil {
		return satchel.Document{}, broken(err)
	}
	about.Width, about.Height = config.Width, config.Height
	return about, nil
}

// start reads a document from its beginning, without moving the place where others read it.
func start(in extract.Input) *io.SectionReader { return io.NewSectionReader(in, 0, in.Size()) }

func broken(err error) error {
	return &satchel.Error{
		Code: satchel.CodeDocumentBroken, Err: err,
		Message: "this image is damaged, or no image of the kind that it begins like; save it anew, and upload that",
	}
}

func tooLarge(config stdimage.Config) error {
	return satchel.Errorf(satchel.CodeDocumentTooComplex, "this image of %d × %d pixels is too large to be looked at; scale it down", config.Width, config.Height)
}

// Render gives the image, with at most side pixels on its longer side and turned as its orientation says, on white, as a JPEG. Of moving
// images it is the first picture. HEIC and AVIF cannot be drawn: that is extract.ErrUnsupported.
func (Format) Render(ctx context.Context, in extract.Input, n, side int) ([]byte, error) {
	k, ok := kindOf(in.Type)
	switch {
	case !ok || k.decode == nil:
		return nil, extract.ErrUnsupported
	case n != 1 || side < 1:
		return nil, fmt.Errorf("image: picture %d with %d pixels", n, side)
	}
	config, err := k.size(start(in))
	if err != nil {
		return nil, broken(err)
	}
	if bytesFor(config, in) > maxBytes {
		return nil, tooLarge(config)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	picture, err := k.decode(start(in))
	if err != nil || picture.Bounds().Empty() {
		return nil, broken(err)
	}
	f, _ := readFacts(in, k.facts) // damaged ones say nothing of the orientation
	return encode(turn(shrink(picture, side), f.orientation()))
}
