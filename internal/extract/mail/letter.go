package mail

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/jhillyerd/enmime/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract/charset"
	"github.com/satchel-files/satchel/internal/extract/markup"
)

const (
	maxLevel    = 5   // mails inside of each other
	maxAttached = 500 // attachments that are listed
)

// letter is a mail that was read.
type letter struct {
	root      *enmime.Part
	texts     []string
	attached  []string // a line each
	inner     []*letter
	encrypted bool
	level     int // mails around it
}

// open reads a mail that is inside of so many others. What has no header and no parts that can be told apart is all text.
func open(ctx context.Context, r io.ReadSeeker, level int) (*letter, error) {
	root, err := parse(r)
	if satchel.CodeOf(err) == satchel.CodeDocumentBroken {
		root, err = bare(r, err)
	}
	if err != nil {
		return nil, err
	}
	m := &letter{root: root, level: level}
	return m, m.take(ctx, root)
}

// bare makes one part of a whole mail, if it is text; else it gives the error that brought it here.
func bare(r io.ReadSeeker, failure error) (*enmime.Part, error) {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(r, maxMail))
	if err != nil {
		return nil, err
	}
	if charset.Detect(content, "") == "" {
		return nil, failure
	}
	return &enmime.Part{ContentType: "text/plain", Content: content}, nil
}

// take takes a part, with those inside of it.
func (m *letter) take(ctx context.Context, p *enmime.Part) error {
	switch kind := strings.ToLower(p.ContentType); {
	case sealed(p, kind):
		m.encrypted = true
	case strings.HasPrefix(kind, "multipart/") && p.FirstChild != nil:
		return m.multipart(ctx, p, kind)
	case kind == "message/rfc822", kind == "message/global":
		return m.forwarded(ctx, p)
	case readable(p, kind):
		return m.text(ctx, p, kind)
	default:
		m.attach(p, kind)
	}
	return nil
}

// sealed reports whether a part is encrypted, by S/MIME or PGP.
func sealed(p *enmime.Part, kind string) bool {
	const envelope = "\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03" // the name of such content in ASN.1
	switch kind {
	case "multipart/encrypted", "application/pgp-encrypted":
		return true
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return strings.EqualFold(parameter(p, "smime-type"), "enveloped-data") ||
			bytes.Contains(p.Content[:min(len(p.Content), 64)], []byte(envelope))
	}
	return false
}

// readable reports whether a part is text that the reader of the mail sees.
func readable(p *enmime.Part, kind string) bool {
	if strings.EqualFold(p.Disposition, "attachment") {
		return false
	}
	switch kind {
	case "", "text/plain", "text/html", "text/markdown", "message/delivery-status", "text/rfc822-headers":
		return true
	}
	return strings.HasPrefix(kind, "multipart/") // of which nothing says where its parts are
}

// multipart takes those parts that are to be seen.
func (m *letter) multipart(ctx context.Context, p *enmime.Part, kind string) error {
	if kind == "multipart/alternative" {
		return m.alternative(ctx, p)
	}
	for child := p.FirstChild; child != nil; child = child.NextSibling {
		if err := m.take(ctx, child); err != nil {
			return err
		}
	}
	return nil
}

// alternative takes the plain one of the parts that say the same, unless it only says that one should look at the other.
func (m *letter) alternative(ctx context.Context, p *enmime.Part) error {
	var plain, rich letter
	var failure error
	for child := p.FirstChild; child != nil; child = child.NextSibling {
		to, take := &rich, (*letter).take
		switch kind := strings.ToLower(child.ContentType); {
		case kind == "text/plain" || kind == "":
			to = &plain
		case again(kind) && hasOther(p):
			continue
		case again(kind):
			take = (*letter).asItIs
		}
		to.level = m.level
		if err := take(to, ctx, child); err != nil {
			failure = err
		}
	}
	better := &plain
	if poorer(plain.texts, rich.texts) {
		better = &rich
	}
	m.texts = append(m.texts, better.texts...)
	m.attached = append(append(m.attached, plain.attached...), rich.attached...)
	m.inner = append(append(m.inner, plain.inner...), rich.inner...)
	m.encrypted = m.encrypted || plain.encrypted || rich.encrypted
	if len(better.texts) == 0 || ctx.Err() != nil {
		return failure
	}
	return nil
}

// again reports whether an alternative of that type says the same again for some programs, as an invitation for a calendar does.
func again(kind string) bool {
	return strings.HasPrefix(kind, "text/") && kind != "text/plain" && kind != "text/html"
}

// hasOther reports whether one of some alternatives is for people.
func hasOther(p *enmime.Part) bool {
	for child := p.FirstChild; child != nil; child = child.NextSibling {
		if kind := strings.ToLower(child.ContentType); !again(kind) && (readable(child, kind) || child.FirstChild != nil) {
			return true
		}
	}
	return false
}

// asItIs takes a part as text, whatever its type is.
func (m *letter) asItIs(ctx context.Context, p *enmime.Part) error {
	return m.text(ctx, p, "text/plain")
}

// poorer reports whether a plain text is little beside another.
func poorer(plain, rich []string) bool {
	const little = 400
	n := len(strings.TrimSpace(strings.Join(plain, "")))
	return n < little && len(strings.Join(rich, "")) > 4*n
}

// text takes a text.
func (m *letter) text(ctx context.Context, p *enmime.Part, kind string) error {
	decoded, err := utf8Text(p.Content, parameter(p, "charset"))
	if err != nil {
		m.attach(p, kind)
		return nil //nolint:nilerr // a text that is none is listed
	}
	switch {
	case kind == "text/html":
		if decoded, _, err = markup.Convert(ctx, decoded); err != nil {
			return err
		}
	case strings.HasPrefix(strings.TrimSpace(decoded), "-----BEGIN PGP MESSAGE-----"):
		m.encrypted = true
		return nil
	case strings.EqualFold(parameter(p, "format"), "flowed"):
		decoded = unfold(decoded, strings.EqualFold(parameter(p, "delsp"), "yes"))
	}
	if decoded = strings.TrimSpace(decoded); decoded != "" {
		m.texts = append(m.texts, decoded)
	}
	return nil
}

// unfold joins lines that a mail program broke for being long: those that end with a space, but for the mark of a signature. Lines of a
// quotation are only joined with lines of the same.
func unfold(text string, drop bool) string {
	var b strings.Builder
	open, quote := false, ""
	for line := range strings.SplitSeq(text, "\n") {
		body := strings.TrimLeft(line, ">")
		marks := line[:len(line)-len(body)]
		body = strings.TrimPrefix(body, " ")
		if open && marks != quote {
			b.WriteByte('\n')
			open = false
		}
		if !open && marks != "" {
			b.WriteString(marks + " ")
		}
		open, quote = strings.HasSuffix(body, " ") && body != "-- ", marks
		if open && drop {
			body = body[:len(body)-1]
		}
		b.WriteString(body)
		if !open {
			b.WriteByte('\n')
		}
	}
	return b.String()
}

// forwarded takes a mail that is a part of this one.
func (m *letter) forwarded(ctx context.Context, p *enmime.Part) error {
	if m.level+1 >= maxLevel {
		m.attach(p, "message/rfc822")
		return nil
	}
	inner, err := open(ctx, bytes.NewReader(p.Content), m.level+1)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if failure, ok := errors.AsType[*satchel.Error](err); ok {
		m.list(cmp.Or(p.FileName, "a mail"), "message/rfc822, "+failure.Message)
		return nil
	}
	if err != nil {
		return err
	}
	m.inner = append(m.inner, inner)
	m.list(inner.name(), "message/rfc822, "+size(p))
	return nil
}

// attach lists a part, unless it is one of those of which no reader knows: what the text shows in its midst, and signatures.
func (m *letter) attach(p *enmime.Part, kind string) {
	within := p.ContentID != "" && strings.HasPrefix(kind, "image/") || p.Header.Get("Content-Location") != ""
	if within && !strings.EqualFold(p.Disposition, "attachment") || strings.HasSuffix(kind, "pgp-signature") || strings.HasSuffix(kind, "pkcs7-signature") {
		return
	}
	name := p.FileName
	if decoded, err := utf8Text([]byte(name), ""); err == nil {
		name = decoded
	}
	m.list(cmp.Or(oneLine(name), "without a name"), cmp.Or(oneLine(kind), "application/octet-stream")+", "+size(p))
}

func (m *letter) list(name, what string) {
	if len(m.attached) < maxAttached {
		m.attached = append(m.attached, fmt.Sprintf("- %s (%s)", name, what))
	}
}

func size(p *enmime.Part) string { return humanize.Bytes(uint64(len(p.Content))) }

// name is what a mail is called in a list.
func (m *letter) name() string {
	return cmp.Or(header(m.root, "Subject"), header(m.root, "From"), "a mail")
}

// String gives the mail as a page.
func (m *letter) String() string {
	var blocks []string
	if subject := header(m.root, "Subject"); subject != "" {
		blocks = append(blocks, "# "+subject)
	}
	if head := m.head(); len(head) > 0 {
		blocks = append(blocks, strings.Join(head, "\n"))
	}
	if m.encrypted {
		blocks = append(blocks, "This mail is encrypted.")
	}
	blocks = append(blocks, m.texts...)
	if len(m.attached) > 0 {
		blocks = append(blocks, "## Attachments", strings.Join(m.attached, "\n"))
	}
	return strings.Join(blocks, "\n\n") + "\n"
}

// head gives who wrote to whom and when, a line each.
func (m *letter) head() (lines []string) {
	for _, name := range []string{"From", "To", "Cc", "Date"} {
		value := header(m.root, name)
		if at := date(m.root); name == "Date" && !at.IsZero() {
			value = at.Format("2006-01-02 15:04 -07:00")
		}
		if value != "" {
			lines = append(lines, "- "+name+": "+value)
		}
	}
	return lines
}

// document gives what the mail says of itself.
func (m *letter) document() satchel.Document {
	doc := satchel.Document{
		Format: "eml", Title: header(m.root, "Subject"), Author: header(m.root, "From"), Language: header(m.root, "Content-Language"),
		Created: date(m.root).UTC(), Properties: map[string]string{},
	}
	for _, name := range []string{"To", "Cc", "Message-Id", "Reply-To", "Organization", "Keywords"} {
		if value := header(m.root, name); value != "" {
			doc.Properties[strings.ToLower(name)] = value
		}
	}
	return doc
}
