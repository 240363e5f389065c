package image_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	stdimage "image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/bmp"
	"golang.org/x/image/tiff"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/image"
)

func input(contentType string, content []byte) extract.Input {
	return extract.Input{SectionReader: io.NewSectionReader(bytes.NewReader(content), 0, int64(len(content))), Type: contentType}
}

// noOutput takes nothing: images have no pages.
type noOutput struct{ t testing.TB }

func (o noOutput) Expect(n int) error {
	o.t.Errorf("%d pages are expected", n)
	return nil
}

func (o noOutput) Page(p extract.Page) error {
	o.t.Errorf("page %+v", p)
	return nil
}

// picture is a picture of that size: its left half is blue, the rest white, and its first row green.
func picture(width, height int) *stdimage.RGBA {
	p := stdimage.NewRGBA(stdimage.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{255, 255, 255, 255}
			if x < width/2 {
				c = color.RGBA{0, 0, 255, 255}
			}
			if y == 0 {
				c = color.RGBA{0, 255, 0, 255}
			}
			p.SetRGBA(x, y, c)
		}
	}
	return p
}

func encoded(t testing.TB, write func(io.Writer) error) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := write(&out); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asPNG(t testing.TB, p stdimage.Image) []byte {
	return encoded(t, func(w io.Writer) error { return png.Encode(w, p) })
}

func asJPEG(t testing.TB, p stdimage.Image) []byte {
	return encoded(t, func(w io.Writer) error { return jpeg.Encode(w, p, nil) })
}

func testFile(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// box gives a box of the containers of HEIC and AVIF.
func box(name string, parts ...[]byte) []byte {
	content := bytes.Join(parts, nil)
	return append(binary.BigEndian.AppendUint32(nil, uint32(8+len(content))), append([]byte(name), content...)...)
}

// container gives a HEIC or AVIF without a picture, of that size.
func container(brand string, width, height uint32) []byte {
	size := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(make([]byte, 4), width), height)
	association := []byte{0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 1, 1} // of property 1 with item 1
	return append(box("ftyp", []byte(brand+"\x00\x00\x00\x00mif1")), box("meta", make([]byte, 4),
		box("pitm", []byte{0, 0, 0, 0, 0, 1}), box("iprp", box("ipco", box("ispe", size)), box("ipma", association)))...)
}

func TestSizes(t *testing.T) {
	p := picture(5, 3)
	tests := []struct {
		name, contentType, format string
		content                   []byte
		width, height             int
	}{
		{"JPEG", "image/jpeg", "jpeg", asJPEG(t, p), 5, 3},
		{"progressive JPEG", "image/jpeg", "jpeg", testFile(t, "progressive.jpg"), 48, 32},
		{"PNG", "image/png", "png", asPNG(t, p), 5, 3},
		{"APNG", "image/apng", "png", asPNG(t, p), 5, 3},
		{"GIF", "image/gif", "gif", encoded(t, func(w io.Writer) error { return gif.Encode(w, p, nil) }), 5, 3},
		{"TIFF", "image/tiff", "tiff", encoded(t, func(w io.Writer) error { return tiff.Encode(w, p, nil) }), 5, 3},
		{"BMP", "image/bmp", "bmp", encoded(t, func(w io.Writer) error { return bmp.Encode(w, p) }), 5, 3},
		{"WebP", "image/webp", "webp", testFile(t, "blue.webp"), 5, 3},
		{"HEIC", "image/heic", "heic", container("heic", 4032, 3024), 4032, 3024},
		{"AVIF", "image/avif", "avif", container("avif", 640, 480), 640, 480},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			about, err := image.Format{}.Extract(t.Context(), input(test.contentType, test.content), noOutput{t})
			if err != nil {
				t.Fatal(err)
			}
			want := satchel.Document{Format: test.format, Width: test.width, Height: test.height, Properties: map[string]string{}}
			if diff := cmp.Diff(want, about); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, contentType := range (image.Format{}).Types() {
		if _, err := (image.Format{}).Extract(t.Context(), input(contentType, []byte("no image")), noOutput{t}); satchel.CodeOf(err) != satchel.CodeDocumentBroken {
			t.Errorf("%s: %v", contentType, err)
		}
	}
	if _, err := (image.Format{}).Extract(t.Context(), input("image/jxl", nil), noOutput{t}); !errors.Is(err, extract.ErrUnsupported) {
		t.Errorf("another type: %v", err)
	}
}

// entry is a tag of EXIF: text, or numbers of 2 bytes, or fractions, or the place of further tags.
type entry struct {
	tag       uint16
	text      string
	short     uint16
	fractions []uint32
	inside    []entry
}

// exif gives tags as EXIF has them.
func exif(entries ...entry) []byte {
	return table([]byte("II*\x00\x08\x00\x00\x00"), entries)
}

// table appends a table of tags, then their values.
func table(out []byte, entries []entry) []byte {
	little := binary.LittleEndian
	at := len(out)
	out = append(out, make([]byte, 2+12*len(entries)+4)...)
	little.PutUint16(out[at:], uint16(len(entries)))
	for i, e := range entries {
		kind, count, value := uint16(3), 1, uint32(e.short)
		end := uint32(len(out))
		switch {
		case e.text != "":
			kind, count, value = 2, len(e.text)+1, end
			out = append(out, e.text+"\x00"...)
			if count <= 4 {
				value = little.Uint32(append([]byte(e.text), 0, 0, 0, 0))
			}
		case e.fractions != nil:
			kind, count, value = 5, len(e.fractions)/2, end
			for _, n := range e.fractions {
				out = little.AppendUint32(out, n)
			}
		case e.inside != nil:
			kind, value = 4, end
			out = table(out, e.inside)
		}
		field := out[at+2+12*i:]
		little.PutUint16(field, e.tag)
		little.PutUint16(field[2:], kind)
		little.PutUint32(field[4:], uint32(count))
		little.PutUint32(field[8:], value)
	}
	return out
}

// withSegments puts segments at the beginning of a JPEG.
func withSegments(content []byte, segments ...[]byte) []byte {
	out := bytes.Clone(content[:2])
	for _, s := range segments {
		out = append(out, 0xff, s[0], byte((len(s)+1)>>8), byte(len(s)+1))
		out = append(out, s[1:]...)
	}
	return append(out, content[2:]...)
}

func exifSegment(entries ...entry) []byte {
	return append([]byte("\xe1Exif\x00\x00"), exif(entries...)...)
}

func xmpSegment(properties string) []byte {
	return []byte("\xe1http://ns.adobe.com/xap/1.0/\x00" + `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">` +
		`<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/">` + properties + `</rdf:Description></rdf:RDF></x:xmpmeta>`)
}

// iptcSegment gives a segment with datasets of record 2, each a number and a value.
func iptcSegment(sets map[byte][]string) []byte {
	var data []byte
	for number, values := range sets {
		for _, value := range values {
			data = append(data, 0x1c, 2, number, byte(len(value)>>8), byte(len(value)))
			data = append(data, value...)
		}
	}
	head := append([]byte("\xedPhotoshop 3.0\x008BIM\x04\x04\x00\x00"), binary.BigEndian.AppendUint32(nil, uint32(len(data)))...)
	return append(head, data...)
}

func TestFacts(t *testing.T) {
	photo := exifSegment(
		entry{tag: 0x010e, text: "A street  in the rain "},
		entry{tag: 0x010f, text: "NIKON CORPORATION"},
		entry{tag: 0x0110, text: "NIKON D750"},
		entry{tag: 0x0112, short: 6},
		entry{tag: 0x0131, text: "Editor 1.0"},
		entry{tag: 0x0132, text: "2024:02:01 10:00:00"},
		entry{tag: 0x013b, text: "Jane Doe"},
		entry{tag: 0x8298, text: "(c) Jane"},
		entry{tag: 0x8769, inside: []entry{
			{tag: 0x829a, fractions: []uint32{1, 250}},
			{tag: 0x829d, fractions: []uint32{28, 10}},
			{tag: 0x8827, short: 400},
			{tag: 0x9003, text: "2024:01:31 23:30:00"},
			{tag: 0x9011, text: "+01:00"},
			{tag: 0x920a, fractions: []uint32{50, 1}},
			{tag: 0xa434, text: "50mm f/1.8"},
		}},
		entry{tag: 0x8825, inside: []entry{
			{tag: 1, text: "S"}, {tag: 2, fractions: []uint32{33, 1, 51, 1, 36, 1}},
			{tag: 3, text: "E"}, {tag: 4, fractions: []uint32{151, 1, 12, 1, 0, 1}},
			{tag: 6, fractions: []uint32{58, 1}},
		}},
	)
	tests := []struct {
		name     string
		segments [][]byte
		want     satchel.Document
	}{
		{"nothing", nil, satchel.Document{Properties: map[string]string{}}},
		{"EXIF", [][]byte{photo}, satchel.Document{
			Author: "Jane Doe", Created: time.Date(2024, 1, 31, 22, 30, 0, 0, time.UTC), Modified: time.Date(2024, 2, 1, 10, 0, 0, 0, time.UTC),
			Properties: map[string]string{
				"description": "A street in the rain", "camera": "NIKON CORPORATION NIKON D750", "lens": "50mm f/1.8", "software": "Editor 1.0",
				"copyright": "(c) Jane", "orientation": "turn by 90° clockwise", "exposure_time": "1/250 s", "f_number": "2.8", "iso": "400",
				"focal_length": "50 mm", "gps": "-33.860000, 151.200000", "gps_altitude": "58 m",
			},
		}},
		{"XMP", [][]byte{xmpSegment(`<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Brücke</rdf:li></rdf:Alt></dc:title>` +
			`<dc:creator><rdf:Seq><rdf:li>Anna</rdf:li><rdf:li>Ben</rdf:li></rdf:Seq></dc:creator>` +
			`<dc:subject><rdf:Bag><rdf:li>bridge</rdf:li><rdf:li>night</rdf:li></rdf:Bag></dc:subject><xmp:CreateDate>2023-05-06T07:08:09+02:00</xmp:CreateDate>`)},
			satchel.Document{
				Title: "Brücke", Author: "Anna, Ben", Created: time.Date(2023, 5, 6, 5, 8, 9, 0, time.UTC),
				Properties: map[string]string{"keywords": "bridge, night"},
			}},
		{"IPTC", [][]byte{iptcSegment(map[byte][]string{5: {"The title"}, 80: {"The author"}, 120: {"What is seen"}, 25: {"one", "two"}, 55: {"20220304"}, 90: {"Wien"}})},
			satchel.Document{
				Title: "The title", Author: "The author", Created: time.Date(2022, 3, 4, 0, 0, 0, 0, time.UTC),
				Properties: map[string]string{"description": "What is seen", "keywords": "one, two", "city": "Wien"},
			}},
		{"what is nonsense", [][]byte{exifSegment(
			entry{tag: 0x0112, short: 99}, entry{tag: 0x0132, text: "0000:00:00 00:00:00"}, entry{tag: 0x013b, text: "\x01\x02 \x03"},
			entry{tag: 0x8825, inside: []entry{{tag: 2, fractions: []uint32{0, 1, 0, 1, 0, 1}}, {tag: 4, fractions: []uint32{0, 1, 0, 1, 0, 1}}}},
		)}, satchel.Document{Properties: map[string]string{}}},
		{"damaged", [][]byte{photo[:40]}, satchel.Document{Properties: map[string]string{}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			content := withSegments(asJPEG(t, picture(5, 3)), test.segments...)
			about, err := image.Format{}.Extract(t.Context(), input("image/jpeg", content), noOutput{t})
			if err != nil {
				t.Fatal(err)
			}
			test.want.Format, test.want.Width, test.want.Height = "jpeg", 5, 3
			if diff := cmp.Diff(test.want, about); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A PNG keeps EXIF in a chunk of its own.
func TestFactsOfPNGs(t *testing.T) {
	content := asPNG(t, picture(5, 3))
	const head = 8 + 25 // the signature and IHDR
	chunk := append([]byte("eXIf"), exif(entry{tag: 0x013b, text: "Jane Doe"})...)
	out := binary.BigEndian.AppendUint32(bytes.Clone(content[:head]), uint32(len(chunk)-4))
	out = binary.BigEndian.AppendUint32(append(out, chunk...), crc32.ChecksumIEEE(chunk))
	about, err := image.Format{}.Extract(t.Context(), input("image/png", append(out, content[head:]...)), noOutput{t})
	if err != nil || about.Author != "Jane Doe" {
		t.Errorf("%q, %v", about.Author, err)
	}
}

// Values of documents are long at will; what we keep of them is not.
func TestFactsAreBounded(t *testing.T) {
	long := strings.Repeat("ä", 4000)
	many := make([]string, 900)
	for i := range many {
		many[i] = "a keyword"
	}
	content := withSegments(asJPEG(t, picture(5, 3)), exifSegment(entry{tag: 0x013b, text: long}), iptcSegment(map[byte][]string{25: many}))
	about, err := image.Format{}.Extract(t.Context(), input("image/jpeg", content), noOutput{t})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{about.Author, about.Properties["keywords"]} {
		if len(value) < 4000 || len(value) > 4096 || !utf8.ValidString(value) {
			t.Errorf("%d bytes", len(value))
		}
	}
}

// Boxes that lead back to themselves have no end.
func TestEndlessBoxes(t *testing.T) {
	back := binary.BigEndian.AppendUint64([]byte("\x00\x00\x00\x01free"), 1<<64-8) // begins 8 bytes before itself
	content := append(box("ftyp", []byte("heic\x00\x00\x00\x00")), back...)
	_, err := image.Format{}.Extract(t.Context(), input("image/heic", content), noOutput{t})
	if code := satchel.CodeOf(err); err != nil && code != satchel.CodeDocumentBroken {
		t.Errorf("%v", err)
	}
}

func TestRender(t *testing.T) {
	p := picture(400, 200)
	tests := []struct {
		name, contentType   string
		content             []byte
		side, width, height int
	}{
		{"JPEG", "image/jpeg", asJPEG(t, p), 100, 100, 50},
		{"PNG", "image/png", asPNG(t, p), 100, 100, 50},
		{"GIF", "image/gif", encoded(t, func(w io.Writer) error { return gif.Encode(w, p, nil) }), 100, 100, 50},
		{"TIFF", "image/tiff", encoded(t, func(w io.Writer) error { return tiff.Encode(w, p, nil) }), 100, 100, 50},
		{"BMP", "image/bmp", encoded(t, func(w io.Writer) error { return bmp.Encode(w, p) }), 100, 100, 50},
		{"as it is", "image/png", asPNG(t, p), 1000, 400, 200},
		{"by a fraction", "image/png", asPNG(t, p), 333, 333, 166},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := draw(t, test.contentType, test.content, test.side)
			if size := got.Bounds().Size(); size.X != test.width || size.Y != test.height {
				t.Fatalf("%v", size)
			}
			near(t, got, test.width/4, test.height/2, color.RGBA{0, 0, 255, 255})
			near(t, got, test.width*3/4, test.height/2, color.RGBA{255, 255, 255, 255})
		})
	}
	near(t, draw(t, "image/webp", testFile(t, "blue.webp"), 100), 2, 1, color.RGBA{0, 0, 255, 255})
	near(t, draw(t, "image/jpeg", testFile(t, "progressive.jpg"), 24), 12, 8, color.RGBA{0, 0, 255, 255})
}

func draw(t *testing.T, contentType string, content []byte, side int) stdimage.Image {
	t.Helper()
	small, err := image.Format{}.Render(t.Context(), input(contentType, content), 1, side)
	if err != nil {
		t.Fatal(err)
	}
	got, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func near(t *testing.T, p stdimage.Image, x, y int, want color.RGBA) {
	t.Helper()
	got := color.RGBAModel.Convert(p.At(x, y)).(color.RGBA)
	far := func(a, b uint8) bool { d := int(a) - int(b); return d < -12 || d > 12 }
	if far(got.R, want.R) || far(got.G, want.G) || far(got.B, want.B) {
		t.Errorf("at %d,%d of %v: %v, want %v", x, y, p.Bounds().Max, got, want)
	}
}

// The picture has a blue left half, and green at its top; the orientation says where they are to be seen.
func TestOrientation(t *testing.T) {
	p := picture(64, 32)
	for y := range 8 {
		for x := range 64 {
			p.SetRGBA(x, y, color.RGBA{0, 255, 0, 255})
		}
	}
	left, right, top, bottom := [2]int{4, 50}, [2]int{96, 50}, [2]int{50, 4}, [2]int{50, 96} // in per cent
	tests := map[uint16][2][2]int{                                                           // where green is, and blue
		1: {top, left}, 2: {top, right}, 3: {bottom, right}, 4: {bottom, left}, 5: {left, top}, 6: {right, top}, 7: {right, bottom}, 8: {left, bottom},
	}
	for orientation, where := range tests {
		content := withSegments(encoded(t, func(w io.Writer) error { return jpeg.Encode(w, p, &jpeg.Options{Quality: 100}) }),
			exifSegment(entry{tag: 0x0112, short: orientation}))
		got := draw(t, "image/jpeg", content, 64)
		size := got.Bounds().Size()
		if tall := orientation >= 5; tall != (size.Y > size.X) {
			t.Errorf("orientation %d: %v", orientation, size)
		}
		for i, c := range []color.RGBA{{0, 255, 0, 255}, {0, 0, 255, 255}} {
			near(t, got, where[i][0]*size.X/100, where[i][1]*size.Y/100, c)
		}
	}
}

// What can be seen through is white.
func TestRenderOnWhite(t *testing.T) {
	p := stdimage.NewNRGBA(stdimage.Rect(0, 0, 20, 20))
	for i := range 200 {
		p.SetNRGBA(i%20, i/20, color.NRGBA{255, 0, 0, 128})
	}
	got := draw(t, "image/png", asPNG(t, p), 20)
	near(t, got, 10, 3, color.RGBA{255, 127, 127, 255})
	near(t, got, 10, 17, color.RGBA{255, 255, 255, 255})
}

// An image of a few bytes can claim to have any number of pixels: its size is told, and it is not unpacked.
func TestImageBombs(t *testing.T) {
	content := asPNG(t, picture(2, 2))
	binary.BigEndian.PutUint32(content[16:], 60_000)
	binary.BigEndian.PutUint32(content[20:], 60_000)
	binary.BigEndian.PutUint32(content[29:], crc32.ChecksumIEEE(content[12:29]))
	about, err := image.Format{}.Extract(t.Context(), input("image/png", content), noOutput{t})
	if err != nil || about.Width != 60_000 || about.Height != 60_000 {
		t.Errorf("%+v, %v", about, err)
	}
	_, err = image.Format{}.Render(t.Context(), input("image/png", content), 1, 100)
	var failure *satchel.Error
	if !errors.As(err, &failure) || failure.Code != satchel.CodeDocumentTooComplex || !strings.Contains(failure.Message, "60000 × 60000") {
		t.Errorf("%v", err)
	}
	baseline, passes := asJPEG(t, picture(2, 2)), testFile(t, "progressive.jpg")
	for _, test := range []struct {
		content []byte
		marker  string
		want    satchel.Code
	}{
		{baseline, "\xff\xc0", satchel.CodeDocumentBroken}, // 36 million pixels may be unpacked, but are not there
		{passes, "\xff\xc2", satchel.CodeDocumentTooComplex},
	} {
		at := bytes.Index(test.content, []byte(test.marker))
		binary.BigEndian.PutUint16(test.content[at+5:], 6000)
		binary.BigEndian.PutUint16(test.content[at+7:], 6000)
		if _, err := (image.Format{}).Render(t.Context(), input("image/jpeg", test.content), 1, 100); satchel.CodeOf(err) != test.want {
			t.Errorf("%x: %v", test.marker, err)
		}
	}
}

func TestWhatCannotBeDrawn(t *testing.T) {
	for _, contentType := range []string{"image/heic", "image/avif", "image/jxl"} {
		_, err := image.Format{}.Render(t.Context(), input(contentType, container("heic", 4, 4)), 1, 100)
		if !errors.Is(err, extract.ErrUnsupported) {
			t.Errorf("%s: %v", contentType, err)
		}
	}
	content := asPNG(t, picture(9, 9))
	if _, err := (image.Format{}).Render(t.Context(), input("image/png", content[:len(content)-20]), 1, 100); satchel.CodeOf(err) != satchel.CodeDocumentBroken {
		t.Errorf("half a PNG: %v", err)
	}
	for _, wrong := range [][2]int{{0, 100}, {2, 100}, {1, 0}} {
		if _, err := (image.Format{}).Render(t.Context(), input("image/png", content), wrong[0], wrong[1]); err == nil {
			t.Errorf("picture %d of side %d", wrong[0], wrong[1])
		}
	}
}

// Whatever the bytes are: facts, or an error that says what is wrong.
func FuzzImage(f *testing.F) {
	types := image.Format{}.Types()
	p := picture(5, 3)
	facts := exifSegment(entry{tag: 0x0112, short: 6}, entry{tag: 0x8825, inside: []entry{{tag: 2, fractions: []uint32{1, 2, 3, 4, 5, 6}}}})
	f.Add(uint8(0), withSegments(asJPEG(f, p), facts, xmpSegment("<dc:title>t</dc:title>"), iptcSegment(map[byte][]string{5: {"t"}})))
	f.Add(uint8(1), asPNG(f, p))
	f.Add(uint8(3), encoded(f, func(w io.Writer) error { return gif.Encode(w, p, nil) }))
	f.Add(uint8(4), testFile(f, "blue.webp"))
	f.Add(uint8(5), encoded(f, func(w io.Writer) error { return tiff.Encode(w, p, nil) }))
	f.Add(uint8(6), encoded(f, func(w io.Writer) error { return bmp.Encode(w, p) }))
	f.Add(uint8(7), container("heic", 4, 3))
	f.Add(uint8(11), container("avif", 4, 3))
	f.Fuzz(func(t *testing.T, n uint8, content []byte) {
		in := input(types[int(n)%len(types)], content)
		about, err := image.Format{}.Extract(t.Context(), in, noOutput{t})
		checkFailure(t, err)
		for _, text := range append([]string{about.Title, about.Author}, values(about.Properties)...) {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n") {
				t.Fatalf("no text: %q", text)
			}
		}
		if about.Width*about.Height < 1<<20 {
			_, err = image.Format{}.Render(t.Context(), in, 1, 50)
			checkFailure(t, err)
		}
	})
}

func values(m map[string]string) []string {
	var all []string
	for _, value := range m {
		all = append(all, value)
	}
	return all
}

func checkFailure(t *testing.T, err error) {
	t.Helper()
	switch code := satchel.CodeOf(err); {
	case err == nil, errors.Is(err, extract.ErrUnsupported), code == satchel.CodeDocumentBroken, code == satchel.CodeDocumentTooComplex:
	default:
		t.Fatalf("%s: %v", code, err)
	}
}
