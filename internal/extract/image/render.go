package image

import (
	"bytes"
	stdimage "image"
	"image/color"
	"image/draw"
	"image/jpeg"
	"io"

	"github.com/satchel-files/satchel/internal/extract"
)

const (
	maxBytes = 256 << 20 // that the pixels of an image may take: 64 million of the usual ones
	quality  = 88        // of a JPEG: small letters stay sharp
)

// bytesFor says about how much memory it takes to decode an image.
func bytesFor(config stdimage.Config, in extract.Input) int64 {
	each := int64(4)
	switch config.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model:
		each = 8
	case color.Gray16Model:
		each = 2
	case color.GrayModel:
		each = 1
	}
	if in.Type == "image/jpeg" && progressive(start(in)) {
		each *= 3 // all coefficients are kept until the end
	}
	if _, ok := config.ColorModel.(color.Palette); ok {
		each = 1
	}
	return int64(config.Width) * int64(config.Height) * each
}

// progressive says whether a JPEG comes in several passes: it looks for the segment that begins the picture.
func progressive(r io.ReadSeeker) bool {
	var head [4]byte
	if _, err := io.ReadFull(r, head[:2]); err != nil {
		return false
	}
	for range maxTags {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return false
		}
		marker, length := head[1], int64(head[2])<<8|int64(head[3])
		switch {
		case marker >= 0xc0 && marker <= 0xc2:
			return marker == 0xc2
		case head[0] != 0xff || length < 2:
			return false
		}
		if _, err := r.Seek(length-2, io.SeekCurrent); err != nil {
			return false
		}
	}
	return false
}

// shrink gives the picture on white with at most side pixels on its longer side. Each pixel is the average of those that it stands for; the
// rows are taken one at a time, so that it takes little memory.
func shrink(picture stdimage.Image, side int) *stdimage.RGBA {
	from := picture.Bounds()
	to := fit(from.Dx(), from.Dy(), side)
	small := stdimage.NewRGBA(to)
	row := stdimage.NewRGBA(stdimage.Rect(0, 0, from.Dx(), 1))
	sums := make([]uint64, 3*to.Dx())
	counts := make([]uint64, to.Dx())
	for y, next := 0, 0; y < to.Dy(); y++ {
		clear(sums)
		clear(counts)
		for end := (y + 1) * from.Dy() / to.Dy(); next < end; next++ {
			draw.Draw(row, row.Rect, stdimage.White, stdimage.Point{}, draw.Src)
			draw.Draw(row, row.Rect, picture, stdimage.Pt(from.Min.X, from.Min.Y+next), draw.Over)
			addRow(row.Pix, sums, counts)
		}
		for x, n := range counts {
			pixel := small.Pix[small.PixOffset(x, y):]
			pixel[0], pixel[1], pixel[2], pixel[3] = average(sums[3*x], n), average(sums[3*x+1], n), average(sums[3*x+2], n), 0xff
		}
	}
	return small
}

// addRow adds a row of pixels to the sums of the pixels that will stand for them.
func addRow(pixels []byte, sums, counts []uint64) {
	width, small := len(pixels)/4, len(counts)
	for x := range width {
		to := x * small / width
		pixel := pixels[4*x : 4*x+3]
		sums[3*to] += uint64(pixel[0])
		sums[3*to+1] += uint64(pixel[1])
		sums[3*to+2] += uint64(pixel[2])
		counts[to]++
	}
}

func average(sum, n uint64) byte { return byte((sum + n/2) / n) } //nolint:gosec // of bytes, which is one

// fit gives the size to show: none is larger than the image, and none is nothing.
func fit(width, height, side int) stdimage.Rectangle {
	longer := max(width, height)
	if longer <= side {
		return stdimage.Rect(0, 0, width, height)
	}
	return stdimage.Rect(0, 0, max(1, width*side/longer), max(1, height*side/longer))
}

// turn turns and mirrors a picture as an orientation says.
func turn(picture *stdimage.RGBA, orientation int) *stdimage.RGBA {
	if orientation == 1 {
		return picture
	}
	width, height := picture.Rect.Dx(), picture.Rect.Dy()
	size := stdimage.Rect(0, 0, width, height)
	if orientation >= 5 {
		size = stdimage.Rect(0, 0, height, width)
	}
	turned := stdimage.NewRGBA(size)
	for y := range height {
		for x := range width {
			toX, toY := moved(x, y, width-1, height-1, orientation)
			copy(turned.Pix[turned.PixOffset(toX, toY):][:4], picture.Pix[picture.PixOffset(x, y):][:4])
		}
	}
	return turned
}

// moved says where a stored pixel is to be seen; right and bottom are the last column and row.
func moved(x, y, right, bottom, orientation int) (int, int) {
	switch orientation {
	case 2:
		return right - x, y
	case 3:
		return right - x, bottom - y
	case 4:
		return x, bottom - y
	case 5:
		return y, x
	case 6:
		return bottom - y, x
	case 7:
		return bottom - y, right - x
	case 8:
		return y, right - x
	}
	return x, y
}

func encode(picture stdimage.Image) ([]byte, error) {
	var out bytes.Buffer
	err := jpeg.Encode(&out, picture, &jpeg.Options{Quality: quality})
	return out.Bytes(), err
}
