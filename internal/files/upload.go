package files

import (
	"context"
	"io"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// Upload collects the files of one request while they stream in. Nothing of it is visible until Create. Whoever makes one ends it with
// Discard, which throws away what Create did not hand over to rows. It is used by one goroutine.
type Upload struct {
	vault *blob.Vault
	parts []part
}

type part struct {
	filename    string
	contentType string
	staged      *blob.Staged
}

// NewUpload starts an upload.
func (s *Service) NewUpload() *Upload { return &Upload{vault: s.vault} }

// CheckRoom refuses an upload of size bytes that cannot fit, before any of it is read: CodeInsufficientStorage.
func (s *Service) CheckRoom(ctx context.Context, size int64) error {
	return s.vault.CheckRoom(ctx, size)
}

// Len is the number of files so far.
func (u *Upload) Len() int { return len(u.parts) }

// Add stages one file: it reads content to its end. The filename is what ParseFilename gave; declared is the content type that the client
// claims, which is only believed where the bytes leave it open. CodeFileTooLarge and CodeInsufficientStorage end the
// whole request; an error of content itself is returned wrapped.
func (u *Upload) Add(ctx context.Context, filename, declared string, content io.Reader) error {
	staged, err := u.vault.Stage(ctx, content)
	if err != nil {
		return err
	}
	u.parts = append(u.parts, part{filename, detectType(staged.Head, filename, declared), staged})
	return nil
}

// Discard throws away what was staged and not created.
func (u *Upload) Discard(ctx context.Context) error {
	var first error
	for _, p := range u.parts {
		if err := p.staged.Discard(ctx); err != nil && first == nil {
			first = err
		}
	}
	u.parts = nil
	return first
}

// release hands the bytes over to the rows, or to the sweeper where it is not known whether the rows came to be.
func (u *Upload) release() {
	for _, p := range u.parts {
		p.staged.Release()
	}
	u.parts = nil
}

func (p part) blob() satchel.Blob { return p.staged.Blob }
