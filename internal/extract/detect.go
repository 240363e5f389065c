package extract

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/satchel-files/satchel/internal/extract/charset"
)

const (
	typeUnknown = "application/octet-stream"
	typeText    = "text/plain"

	detectHead = 64 << 10 // bytes of a document that are looked at, besides the directory of an archive
)

// Detect finds the content type of a document, without parameters, in its bytes. Only for text the name decides what the bytes leave open,
// such as the language of source code: it turns no other content into text, and no text into anything else. A damaged zip archive is the
// document that it is called. What nobody knows, and what is empty, is application/octet-stream. The error is one of reading.
func Detect(in *io.SectionReader, filename string) (contentType string, err error) {
	head := make([]byte, min(in.Size(), detectHead))
	if _, err := in.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if len(head) == 0 {
		return typeUnknown, nil
	}
	found := mimetype.Detect(head)
	switch encoding := charset.Detect(head, ""); {
	case descends(found, typeZip):
		return detectZip(in, baseType(found), filename), nil
	case !descends(found, typeText) && !found.Is(typeUnknown) && (certain(baseType(found)) || !clean(head, encoding)):
		return baseType(found), nil
	case encoding == "":
		return typeUnknown, nil
	}
	text, _, err := charset.Decode(head, "")
	if err != nil {
		return "", err
	}
	return detectText(beginning{text, int64(len(head)) < in.Size()}, filename), nil
}

// baseType gives a content type without its parameters.
func baseType(m *mimetype.MIME) string {
	base, _, err := mime.ParseMediaType(m.String())
	if err != nil {
		return typeUnknown
	}
	return base
}

// descends reports whether a type is a kind of another.
func descends(m *mimetype.MIME, contentType string) bool {
	for ; m != nil; m = m.Parent() {
		if m.Is(contentType) {
			return true
		}
	}
	return false
}

// certain says which types begin like text and are none, so that their mark alone counts.
func certain(contentType string) bool {
	return slices.Contains([]string{
		"application/pdf", "application/vnd.fdf", "application/postscript", "application/x-archive", "application/vnd.debian.binary-package",
		"application/fits", "image/x-xpixmap",
	}, contentType)
}

// clean reports whether a document's beginning is text beyond doubt. Many marks of binary formats are two or three letters, which a text
// may well begin with.
func clean(head []byte, encoding string) bool {
	return encoding == charset.UTF8 && !bytes.ContainsFunc(head, func(r rune) bool {
		return r < ' ' && !strings.ContainsRune("\t\n\f\r", r)
	})
}
