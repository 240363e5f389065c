package process

import (
	"fmt"
	"strings"

	"github.com/satchel-files/satchel"
)

// remark says of a success what its owner should know: that there was nothing to read.
func (r *run) remark() string {
	if r.work.File().Text.ID != "" {
		return ""
	}
	return textless(r.work.File())
}

// textless says why no text was found in a file.
func textless(file *satchel.File) string {
	switch {
	case file.Content.Size == 0:
		return "No text was found: the file is empty."
	case file.Document == nil || file.Document.Format == "":
		return unread(file.ContentType)
	case strings.HasPrefix(file.ContentType, "image/"):
		return fmt.Sprintf("No text was found: the file is an image (%s), and a picture holds no text that could be read.", file.Document.Format)
	case laidOut(file.Document.Format):
		return fmt.Sprintf("No text was found in this %s: it seems to hold images alone.", file.Document.Format)
	}
	return fmt.Sprintf("No text was found in this %s: it holds only blanks.", file.Document.Format)
}

// unread says that nothing reads content of that type, and what would help.
func unread(contentType string) string {
	switch contentType {
	case "application/x-ole-storage", "application/msword", "application/vnd.ms-excel", "application/vnd.ms-powerpoint":
		return "No text was found: this is an old Word, Excel or PowerPoint format, which is stored, but cannot be read; " +
			"save it as DOCX, XLSX or PPTX, and upload that."
	}
	return fmt.Sprintf("No text was found: content of type %s is stored, but cannot be read.", contentType)
}

// laidOut reports whether documents of a format have pages, slides or sheets that can show images in the place of text.
func laidOut(format string) bool {
	switch format {
	case "pdf", "docx", "pptx", "xlsx", "odt", "odp", "ods", "epub":
		return true
	}
	return false
}
