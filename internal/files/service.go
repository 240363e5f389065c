// Package files is the life of a file: how it is created, read, listed, changed, deleted, and how it expires. The rules about files
// stand here and nowhere else; where bytes and rows are kept is known by packages blob and meta.
//
// Every method takes a satchel.Scope and answers only for its organization and workspace. A file of another one is
// satchel.CodeNotFound, like one that never was.
package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

// Config says what a Service is built on. Store and Vault must be set.
type Config struct {
	Store meta.Store
	Vault *blob.Vault
	Now   func() time.Time // nil: time.Now
	Model bool             // there is a language model that carries out instructions
	// MaxUpload is how old what an upload has sent may be when its files are made: other processes take what is older for left over. 0: as old as
	// it likes.
	MaxUpload time.Duration
}

// Service answers for all files of an installation. It is safe for concurrent use and keeps no state of its own.
type Service struct {
	store meta.Store
	vault *blob.Vault
	now   func() time.Time
	model bool

	maxUpload time.Duration
}

// New makes a Service.
func New(c Config) *Service {
	if c.Now == nil {
		c.Now = time.Now
	}
	return &Service{store: c.Store, vault: c.Vault, now: c.Now, model: c.Model, maxUpload: c.MaxUpload}
}

// File gives one file. CodeNotFound if there is none, or none any more.
func (s *Service) File(ctx context.Context, scope satchel.Scope, id string) (*satchel.File, error) {
	return s.find(ctx, s.store, scope, id)
}

// find gives a living file as reader sees it, the store or a transaction.
func (s *Service) find(ctx context.Context, reader meta.FileReader, scope satchel.Scope, id string) (*satchel.File, error) {
	fileID, ok := satchel.ParseFileID(id)
	if !ok {
		return nil, satchel.FileNotFound(id)
	}
	file, err := reader.File(ctx, scope, fileID)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return nil, satchel.FileNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	if file.Expired(s.now()) {
		return nil, satchel.FileNotFound(id)
	}
	return file, nil
}

// List gives a page of the scope's files.
func (s *Service) List(ctx context.Context, scope satchel.Scope, q satchel.Query) (satchel.Page, error) {
	return s.store.Files(ctx, scope, q, s.now())
}

// Presigner is what the bytes of Content are, too, where they can be fetched from their store.
type Presigner = blob.Presigner

// Content gives a file and its bytes, which the caller closes. The bytes of a local store are an *os.File.
func (s *Service) Content(ctx context.Context, scope satchel.Scope, id string) (*satchel.File, io.ReadSeekCloser, error) {
	file, err := s.File(ctx, scope, id)
	if err != nil {
		return nil, nil, err
	}
	object, err := s.open(ctx, file.Content)
	if errors.Is(err, blob.ErrNotExist) {
		return s.contentGone(ctx, scope, id, err)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("open content of %s: %w", id, err)
	}
	return file, object, nil
}

// checkSize refuses an object that is not as long as its row says: a part must not be taken for the whole. The object is closed then.
func checkSize(object io.ReadSeekCloser, want int64) error {
	size, err := object.Seek(0, io.SeekEnd)
	if err == nil && size == want {
		_, err = object.Seek(0, io.SeekStart)
	} else if err == nil {
		err = fmt.Errorf("the object is damaged: it has %d bytes, and should have %d", size, want)
	}
	if err != nil {
		return errors.Join(err, object.Close())
	}
	return nil
}

// contentGone tells a file that was deleted between its row and its bytes from one whose bytes are lost.
func (s *Service) contentGone(ctx context.Context, scope satchel.Scope, id string, cause error) (*satchel.File, io.ReadSeekCloser, error) {
	if _, err := s.File(ctx, scope, id); err != nil {
		return nil, nil, err
	}
	return nil, nil, fmt.Errorf("content of %s is missing: %w", id, cause)
}

// Delete removes a file from every answer at once; the sweeper takes its bytes within a minute.
func (s *Service) Delete(ctx context.Context, scope satchel.Scope, id string) error {
	if err := mayWrite(scope); err != nil {
		return err
	}
	return s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
		file, err := s.find(ctx, tx, scope, id)
		if err != nil {
			return err
		}
		if err := tx.DeleteFile(ctx, scope, file.ID, s.now()); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, scope.Did("deleteFile", string(file.ID), nil))
	})
}

// commit runs fn in a transaction and gives a full database its own code.
func (s *Service) commit(ctx context.Context, fn func(ctx context.Context, tx meta.Tx) error) error {
	err := s.store.InTx(ctx, fn)
	switch {
	case errors.Is(err, meta.ErrNoSpace):
		return &satchel.Error{Code: satchel.CodeInsufficientStorage, Message: "the server has no room left for this change", Err: err}
	case errors.Is(err, meta.ErrChanged):
		return &satchel.Error{Code: satchel.CodeConflict, Message: "the file was changed at the same moment; try again", Err: err}
	}
	return err
}

// mayWrite is the last of several checks: whoever made the scope was to ask for write access already.
func mayWrite(scope satchel.Scope) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if !scope.Access.Allows(satchel.AccessWriter) {
		return satchel.Errorf(satchel.CodeReadOnly, "you may read in workspace %q but not change anything in it", scope.Workspace)
	}
	return nil
}
