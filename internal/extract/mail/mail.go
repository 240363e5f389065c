// Package mail reads mails and mailboxes. A mail is a page: its subject, who wrote to whom and when, its text, and a list of what is attached.
// Attachments are not read, but for mails that were forwarded as such, which are pages of their own.
package mail

import (
	"context"
	"io"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/text"
)

const (
	typeMail    = "message/rfc822"
	typeMailbox = "application/mbox"

	maxWhole = 128 << 10 // bytes of a mail that is one page
)

// Format reads mails. It keeps nothing between two documents.
type Format struct{}

var _ extract.Format = Format{}

// Types are those of a mail and of a mailbox.
func (Format) Types() []string { return []string{typeMail, typeMailbox} }

// Extract gives each mail as a page, called after its subject, and several if it is very long. A mail that is encrypted or cannot be read is
// an error if it is alone; among others its page says so.
func (Format) Extract(ctx context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	if in.Type == typeMailbox {
		return readMailbox(ctx, in, out)
	}
	m, err := open(ctx, io.NewSectionReader(in, 0, in.Size()), 0)
	if err != nil {
		return satchel.Document{Format: "eml"}, err
	}
	return m.document(), m.alone(ctx, out)
}

// alone gives a mail that is all there is.
func (m *letter) alone(ctx context.Context, out extract.Output) error {
	if m.encrypted {
		return satchel.Errorf(satchel.CodeDocumentEncrypted,
			"the mail is encrypted; save it decrypted in the program that has its key, and upload it again")
	}
	return m.deliver(ctx, out, "")
}

// deliver gives a mail, and those within it.
func (m *letter) deliver(ctx context.Context, out extract.Output, label string) error {
	if err := give(ctx, out, label, m.String()); err != nil {
		return err
	}
	for _, inner := range m.inner {
		if err := inner.deliver(ctx, out, inner.name()); err != nil {
			return err
		}
	}
	return nil
}

// give gives a mail as one page, or as several of the same name.
func give(ctx context.Context, out extract.Output, label, content string) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case strings.TrimSpace(content) == "":
		return nil
	case len(content) <= maxWhole:
		return out.Page(extract.Page{Label: label, Text: content})
	}
	return text.Pages(ctx, strings.NewReader(content), int64(len(content)), out, marks(label))
}

// marks cut a long mail anywhere. They implement text.Marks.
type marks string

// Fit implements text.Marks.
func (marks) Fit([]byte) text.Fit { return text.Possible }

// Take implements text.Marks.
func (marks) Take([]byte) {}

// End implements text.Marks.
func (m marks) End() (label, head string) { return string(m), "" }

func tooComplex(what string) *satchel.Error {
	return satchel.Errorf(satchel.CodeDocumentTooComplex, "the mail is too complex to be read: %s; save its parts and upload them one by one", what)
}

// broken says that nothing could be made of a mail; the cause is for the log.
func broken(cause error) *satchel.Error {
	return &satchel.Error{
		Code: satchel.CodeDocumentBroken, Err: cause,
		Message: "the mail is damaged: its parts cannot be told apart; save it anew in the mail program",
	}
}
