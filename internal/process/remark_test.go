package process

import (
	"testing"

	"github.com/satchel-files/satchel"
)

func TestTextless(t *testing.T) {
	t.Parallel()
	const old = "No text was found: this is an old Word, Excel or PowerPoint format, which is stored, but cannot be read; " +
		"save it as DOCX, XLSX or PPTX, and upload that."
	for _, c := range []struct{ contentType, format, want string }{
		{"image/jpeg", "jpeg", "No text was found: the file is an image (jpeg), and a picture holds no text that could be read."},
		{"text/plain", "text", "No text was found in this text: it holds only blanks."},
		{"text/html", "html", "No text was found in this html: it holds only blanks."},
		{"application/pdf", "pdf", "No text was found in this pdf: it seems to hold images alone."},
		{"application/vnd.oasis.opendocument.text", "odt", "No text was found in this odt: it seems to hold images alone."},
		{"application/x-ole-storage", "", old},
		{"application/msword", "", old},
		{"application/gzip", "", "No text was found: content of type application/gzip is stored, but cannot be read."},
	} {
		file := &satchel.File{ContentType: c.contentType}
		file.Content.Size = 1
		if c.format != "" {
			file.Document = &satchel.Document{Format: c.format}
		}
		if got := textless(file); got != c.want {
			t.Errorf("%s: %q, want %q", c.contentType, got, c.want)
		}
	}
}
