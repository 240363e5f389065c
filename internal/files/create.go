package files

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// IdempotencyWindow is how long an Idempotency-Key is remembered.
const IdempotencyWindow = 24 * time.Hour

// syncsAtOnce bounds how many files of one upload are made durable at the same time.
const syncsAtOnce = 8

// Create publishes all files of an upload, or none: bytes first, then the rows, in one transaction. The files come back in the order in
// which they were added, with rising ids. With an idempotency key it makes a set of files once: the same request again gives the same
// files as they are now; another request under the key is CodeIdempotencyReused, and one whose files were deleted
// CodeIdempotencyUsed. Bytes that no row names afterwards stay with the upload, for its Discard.
func (s *Service) Create(ctx context.Context, scope satchel.Scope, u *Upload, terms Terms, key string) ([]*satchel.File, error) {
	if err := mayWrite(scope); err != nil {
		return nil, err
	}
	c := &creation{Service: s, scope: scope, upload: u, terms: terms, key: key}
	if key != "" {
		c.fingerprint = c.takeFingerprint()
		if again, err := c.replay(ctx, s.store); again != nil || err != nil {
			return again, err
		}
	}
	if err := u.checkAge(); err != nil {
		return nil, err
	}
	if err := u.commitBytes(ctx); err != nil {
		return nil, err
	}
	if u.last != nil {
		if err := u.last(ctx); err != nil {
			return nil, err
		}
	}
	err := s.commit(ctx, c.insert)
	switch {
	case errors.Is(err, meta.ErrUncertain):
		u.release() // the rows may exist: only the sweeper can know
		return nil, err
	case err != nil:
		return nil, err
	case !c.replayed:
		u.release()
	}
	return c.files, nil
}

// checkAge refuses an upload whose first bytes are so old that another process may take them for left over.
func (u *Upload) checkAge() error {
	most := u.service.maxUpload
	for _, p := range u.parts {
		if most > 0 && u.service.now().Sub(p.blob().ID.Time()) > most {
			return satchel.Errorf(satchel.CodeRequestTimeout, "the upload took longer than %s; send it again in smaller parts, or faster", most)
		}
	}
	return nil
}

func (u *Upload) commitBytes(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(syncsAtOnce)
	for _, p := range u.parts {
		group.Go(func() error { return p.staged.Commit(ctx) })
	}
	return group.Wait()
}

// creation is one call of Create. Its insert may be called again by the store, and so starts afresh each time.
type creation struct {
	*Service
	scope       satchel.Scope
	upload      *Upload
	terms       Terms
	key         string
	fingerprint [32]byte

	rules    satchel.Rules
	files    []*satchel.File
	replayed bool
}

// insert is the transaction of a creation.
func (c *creation) insert(ctx context.Context, tx meta.Tx) error {
	c.files, c.replayed = nil, false
	if c.key != "" {
		again, err := c.replay(ctx, tx)
		if again != nil || err != nil {
			c.files, c.replayed = again, true
			return err
		}
	}
	var err error
	if c.rules, err = c.enter(ctx, tx); err != nil {
		return err
	}
	if err := c.settle(ctx, tx); err != nil {
		return err
	}
	for _, p := range c.upload.parts {
		id, err := tx.NextFileID(ctx)
		if err != nil {
			return err
		}
		file := c.newFile(id, p)
		if err := c.insertOne(ctx, tx, file); err != nil {
			return err
		}
		c.files = append(c.files, file)
	}
	if err := c.remember(ctx, tx); err != nil || len(c.files) == 0 {
		return err
	}
	return tx.InsertAudit(ctx, c.entry())
}

// entry is what the audit has of an upload: one entry, however many files.
func (c *creation) entry() satchel.AuditEntry {
	var details map[string]any
	n := len(c.files)
	if n > 1 {
		details = map[string]any{"files": n}
	}
	entry := c.scope.Did("createFile", string(c.files[0].ID), details)
	if n > 1 {
		entry.Last = string(c.files[n-1].ID)
	}
	return entry
}

// insertOne stores a file, and the run that processes it if there is anything to do.
func (c *creation) insertOne(ctx context.Context, tx meta.Tx, file *satchel.File) error {
	change := satchel.Change{User: c.scope.User, At: file.CreatedAt(), Edit: file.Metadata.String(), Replace: true}
	if file.Status == satchel.StatusProcessed {
		return tx.InsertFile(ctx, c.scope, file, change)
	}
	settled := file.Standing()
	file.Settled = &settled
	if err := tx.InsertFile(ctx, c.scope, file, change); err != nil {
		return err
	}
	run := c.newRun(c.scope, file, satchel.RunProcess)
	run.Protected = file.Metadata.Keys()
	if err := tx.InsertRun(ctx, c.scope, run); err != nil {
		return err
	}
	return enqueue(ctx, tx, run, time.Time{})
}

func (c *creation) newFile(id satchel.FileID, p part) *satchel.File {
	terms := c.terms.under(c.rules.Workspace)
	file := &satchel.File{
		ID: id, Org: c.scope.Org, Workspace: c.scope.Workspace, User: c.scope.User,
		Filename: p.filename, Purpose: c.terms.purpose, Status: satchel.StatusProcessed,
		Metadata: c.terms.metadata, Instructions: terms.instructions, Schema: terms.schema,
		ContentType: p.contentType, Content: p.blob(),
		UpdatedAt: id.Time(), Version: 1, MetadataVersion: 1,
	}
	if terms.lifetime > 0 {
		file.ExpiresAt = id.Time().Add(terms.lifetime)
	}
	if file.Purpose.Processed() || file.Instructions != "" {
		file.Status = satchel.StatusUploaded
	}
	return file
}

// enter gives what holds in the workspace, or says why the uploader may put nothing into it. An upload can take hours: in one that was there when it
// began, what counts is whether it is there still, and what the user was given in it.
func (c *creation) enter(ctx context.Context, tx meta.Tx) (satchel.Rules, error) {
	if err := c.ensureWorkspace(ctx, tx); err != nil {
		return satchel.Rules{}, err
	}
	ws := c.scope.Workspace
	place, err := tx.Place(ctx, c.scope)
	everywhere := c.scope.Anywhere && place.Role != satchel.RoleMember
	switch {
	case err != nil:
	case !place.Exists:
		err = satchel.Errorf(satchel.CodeNotFound, "workspace %q is being deleted, or has been; its id is free when that is over", ws)
	case place.Access.Allows(satchel.AccessWriter): // given by name, and taken away with the place in the organization
	case place.Role == "":
		err = satchel.Errorf(satchel.CodeForbidden, "you belong to the organization no more")
	case !everywhere && (ws != satchel.DefaultWorkspace || place.Confined):
		err = satchel.WorkspaceForbidden(ws)
	}
	return place.Rules, err
}

// ensureWorkspace makes the workspace of a first upload, and gives it to its uploader.
func (c *creation) ensureWorkspace(ctx context.Context, tx meta.Tx) error {
	org, ws, user := c.scope.Org, c.scope.Workspace, c.scope.User
	if c.upload.there || !c.scope.Fresh && (!c.scope.Anywhere || ws == satchel.DefaultWorkspace) {
		return nil
	}
	made, err := tx.InsertWorkspace(ctx, org, ws, c.now())
	if err != nil || !made {
		return err
	}
	if err := tx.Alone(ctx); err != nil {
		return err
	}
	place, err := tx.Place(ctx, c.scope)
	if err != nil || place.Role == "" {
		return err // enter says what is wrong
	}
	if err := tx.PutWorkspaceAccess(ctx, org, ws, user, satchel.AccessWriter); err != nil {
		return err
	}
	return tx.InsertAudit(ctx, c.scope.Did("createWorkspace", string(ws), nil))
}

func (c *creation) remember(ctx context.Context, tx meta.Tx) error {
	if c.key == "" {
		return nil
	}
	made := meta.IdempotentCreate{Key: c.key, Fingerprint: c.fingerprint, CreatedAt: c.now()}
	for _, file := range c.files {
		made.Files = append(made.Files, file.ID)
	}
	return tx.InsertIdempotentCreate(ctx, c.scope, made, c.now().Add(-IdempotencyWindow))
}

// replay gives the files that the key made before, nil if it is new.
func (c *creation) replay(ctx context.Context, reader meta.FileReader) ([]*satchel.File, error) {
	before, err := reader.IdempotentCreate(ctx, c.scope, c.key)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if before.CreatedAt.Before(c.now().Add(-IdempotencyWindow)) {
		return nil, nil
	}
	if before.Fingerprint != c.fingerprint {
		return nil, headerFault(satchel.CodeIdempotencyReused,
			"this Idempotency-Key came with another request before; use a new key for new content")
	}
	var files []*satchel.File
	for _, id := range before.Files {
		file, err := c.find(ctx, reader, c.scope, string(id))
		if satchel.CodeOf(err) == satchel.CodeNotFound {
			return nil, headerFault(satchel.CodeIdempotencyUsed,
				"this Idempotency-Key made %s, which has been deleted since; use a new key to upload again", id)
		}
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}

func headerFault(code satchel.Code, format string, args ...any) error {
	return &satchel.Error{Code: code, Message: fmt.Sprintf(format, args...), In: satchel.InHeader, Param: "Idempotency-Key"}
}

// takeFingerprint hashes what makes two requests the same: workspace, fields in canonical form, and each file's name, size and hash.
// It is stored for a day, so its form may change between versions only at the price of a 409 for retries across an upgrade.
func (c *creation) takeFingerprint() [32]byte {
	hash := sha256.New()
	write := json.NewEncoder(hash)
	// Encoding strings and integers to a hash cannot fail.
	_ = write.Encode([]any{c.scope.Workspace, c.terms.purpose, c.terms.metadata, c.terms.instructions, c.terms.schema, c.terms.lifetime})
	for _, p := range c.upload.parts {
		_ = write.Encode([]any{p.filename, p.blob().Size, p.blob().SHA256})
	}
	return [32]byte(hash.Sum(nil))
}
