package mail

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strconv"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// readMailbox gives the mails of a mailbox one after the other; no more than one is in memory. A mailbox of one mail is that mail.
func readMailbox(ctx context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	box := mailbox{in: bufio.NewReaderSize(io.NewSectionReader(in, 0, in.Size()), 64<<10)}
	raw, more, err := box.next()
	if err != nil {
		return satchel.Document{Format: "mbox"}, err
	}
	m, err := open(ctx, bytes.NewReader(raw), 0)
	if !more {
		if err != nil {
			return satchel.Document{Format: "eml"}, err
		}
		return m.document(), m.alone(ctx, out)
	}
	count := 1
	err = among(ctx, out, m, err)
	for more && err == nil {
		if raw, more, err = box.next(); err == nil {
			m, err = open(ctx, bytes.NewReader(raw), 0)
			err = among(ctx, out, m, err)
			count++
		}
	}
	return satchel.Document{Format: "mbox", Properties: map[string]string{"messages": strconv.Itoa(count)}}, err
}

// among gives one of several mails, or a page that says why it cannot be read.
func among(ctx context.Context, out extract.Output, m *letter, err error) error {
	if failure, ok := errors.AsType[*satchel.Error](err); ok {
		return give(ctx, out, "", failure.Message+"\n")
	}
	if err != nil {
		return err
	}
	return m.deliver(ctx, out, m.name())
}

// mailbox is a file in which mails follow each other, each after a line that begins with "From " and says when it came.
type mailbox struct{ in *bufio.Reader }

var fromLine = regexp.MustCompile(`^From \S.*\d\d?:\d\d`)

// next gives the next mail, and whether there are more.
func (b *mailbox) next() (mail []byte, more bool, err error) {
	begins, empty := true, true // a line begins, after an empty one
	for {
		line, err := b.in.ReadSlice('\n')
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, false, err
		}
		switch {
		case begins && len(mail) == 0 && bytes.HasPrefix(line, []byte("From ")):
		case begins && empty && fromLine.Match(line):
			return mail, true, nil
		default:
			if begins && bytes.HasPrefix(bytes.TrimLeft(line, ">"), []byte("From ")) && line[0] == '>' {
				line = line[1:]
			}
			mail = append(mail, line...)
		}
		empty = begins && len(bytes.TrimRight(line, "\r\n")) == 0
		begins = bytes.HasSuffix(line, []byte("\n"))
		if len(mail) > maxMail {
			return nil, false, tooComplex("one mail has more than 64 MiB")
		}
		if errors.Is(err, io.EOF) {
			return mail, false, nil
		}
	}
}
