package office

import (
	"bytes"
	"context"
	"errors"
	"io"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// ole is the container of the old binary documents, which are not read. Encrypted new ones are such containers too, and are named.
type ole struct{}

func (ole) Types() []string { return []string{"application/x-ole-storage"} }

func (ole) Extract(ctx context.Context, in extract.Input, _ extract.Output) (satchel.Document, error) {
	if !isOLE(in) {
		return satchel.Document{}, extract.ErrUnsupported
	}
	return satchel.Document{}, oleFault(ctx, in)
}

func isOLE(in extract.Input) bool {
	const magic = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
	head := make([]byte, len(magic))
	_, err := in.ReadAt(head, 0)
	return (err == nil || errors.Is(err, io.EOF)) && string(head) == magic
}

// oleFault looks for a directory entry that holds an encrypted document. Entries are 128 bytes, wherever they stand.
func oleFault(ctx context.Context, in extract.Input) error {
	const entry = 128
	want := append(utf16Name("EncryptedPackage"), 0, 0)
	block := make([]byte, 512*entry)
	for at := int64(0); ctx.Err() == nil; at += int64(len(block)) {
		n, err := in.ReadAt(block, at)
		for b := block[:n]; len(b) >= entry; b = b[entry:] {
			if bytes.HasPrefix(b, want) {
				return encrypted()
			}
		}
		switch {
		case errors.Is(err, io.EOF):
			return extract.ErrUnsupported
		case err != nil:
			return broken("it cannot be read to its end", err)
		}
	}
	return ctx.Err()
}

// utf16Name is an ASCII name as such containers spell it.
func utf16Name(name string) []byte {
	wide := make([]byte, 0, 2*len(name))
	for _, c := range []byte(name) {
		wide = append(wide, c, 0)
	}
	return wide
}
