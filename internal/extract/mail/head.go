package mail

import (
	"io"
	"mime"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"

	"github.com/satchel-files/satchel/internal/extract/charset"
)

const maxHeader = 4 << 10 // bytes of a header that are shown

// header gives a header of a part in one line, decoded. What is raw in it is in any encoding, or in that of the text.
func header(p *enmime.Part, name string) string {
	value := p.Header.Get(name)
	decoder := mime.WordDecoder{CharsetReader: func(label string, in io.Reader) (io.Reader, error) {
		raw, err := io.ReadAll(in)
		if err != nil {
			return nil, err
		}
		decoded, err := utf8Text(raw, label)
		return strings.NewReader(decoded), err
	}}
	if decoded, err := decoder.DecodeHeader(value); err == nil {
		value = decoded
	}
	if decoded, err := utf8Text([]byte(value), ""); err == nil {
		value = decoded
	}
	return oneLine(value)
}

// oneLine gives valid text without control characters, with single spaces, that is not too long.
func oneLine(text string) string {
	text = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(text, "\uFFFD"), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if len(text) > maxHeader {
		text = strings.ToValidUTF8(text[:maxHeader], "") + " …"
	}
	return text
}

// utf8Text decodes a text.
func utf8Text(raw []byte, label string) (string, error) {
	decoded, _, err := charset.Decode(raw, label)
	return decoded, err
}

// date reads the date of a mail; the zero time if there is none, or none that can be read.
func date(p *enmime.Part) time.Time {
	t, err := mail.ParseDate(p.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return t
}

// parameter gives a parameter of a part's content type.
func parameter(p *enmime.Part, name string) string {
	_, params, _, err := mediatype.Parse(p.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return params[name]
}
