package files

import (
	"context"
	"errors"
	"io"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// Upload collects the files of one request while they stream in. Nothing of it is visible until Create. Whoever makes one ends it with
// Discard, which throws away what Create did not hand over to rows, and the room that was held. It is used by one goroutine.
type Upload struct {
	service *Service
	scope   satchel.Scope // the workspace is empty while it is not known
	size    int64         // as it was announced
	key     string
	room    *reservation // nil: nothing is limited
	parts   []part
	last    func(ctx context.Context) error // nil: nobody is asked
	there   bool                            // the workspace was there when it began
}

type part struct {
	filename    string
	contentType string
	staged      *blob.Staged
}

// NewUpload starts an upload of about size bytes, below 0: not known. One that cannot fit is refused before any of it is read: CodeInsufficientStorage,
// or CodeQuotaExceeded for what the scope's organization, or its workspace, may use; room there is held while the upload streams. The workspace
// may be empty: not known yet. key is its idempotency key, empty for none.
func (s *Service) NewUpload(ctx context.Context, scope satchel.Scope, size int64, key string) (*Upload, error) {
	if err := s.vault.CheckRoom(ctx, max(size, 0)); err != nil {
		return nil, err
	}
	room, err := s.reserve(ctx, scope, size, key)
	if err != nil {
		return nil, err
	}
	return &Upload{service: s, scope: scope, size: size, key: key, room: room}, nil
}

// Place says where the upload goes, if that was not known: what holds there counts from now on, with what has come already. CodeQuotaExceeded as for
// NewUpload.
func (u *Upload) Place(ctx context.Context, ws satchel.WorkspaceID) (err error) {
	if u.scope.Workspace != "" {
		return nil
	}
	u.scope.Workspace = ws
	if u.room != nil {
		return u.room.place(ctx, ws)
	}
	room, err := u.service.reserve(ctx, u.scope, u.size, u.key)
	if err == nil {
		u.room = room
	}
	return err
}

// MustStay notes that the workspace was there when the upload began: if it is gone at the end, with its settings, it is not made anew.
func (u *Upload) MustStay() { u.there = true }

// AskLast has Create ask ok once the bytes are durable, which may take a while, right before the rows are made. An error of ok is Create's, and
// nothing is made.
func (u *Upload) AskLast(ok func(ctx context.Context) error) { u.last = ok }

// Len is the number of files so far.
func (u *Upload) Len() int { return len(u.parts) }

// Add stages one file: it reads content to its end. The filename is what ParseFilename gave; declared is the content type that the client
// claims, which is only believed where the bytes leave it open. CodeFileTooLarge, CodeInsufficientStorage and CodeQuotaExceeded end the
// whole request; an error of content itself is returned wrapped.
func (u *Upload) Add(ctx context.Context, filename, declared string, content io.Reader) error {
	content, err := u.room.reader(ctx, content)
	if err != nil {
		return err
	}
	staged, err := u.service.vault.Stage(ctx, content)
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
	return errors.Join(first, u.room.release(ctx))
}

// release hands the bytes over to the rows, or to the sweeper where it is not known whether the rows came to be.
func (u *Upload) release() {
	for _, p := range u.parts {
		p.staged.Release()
	}
	u.parts = nil
	if u.room != nil {
		u.room.held = satchel.Amount{} // the files count themselves now; if they do not, it lapses
	}
}

func (p part) blob() satchel.Blob { return p.staged.Blob }
