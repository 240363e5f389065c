package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// fileColumns are what a File is read from, in the order of scanFile. The tenant is known to whoever asks.
const fileColumns = `f.id, f.user_id, f.filename, f.purpose, f.status, f.status_details, f.failure_code, f.failure_message, f.content_type,
	f.content_blob_id, f.bytes, f.sha256, f.text_blob_id, f.text_bytes, f.text_sha256, f.version, f.metadata_version, COALESCE(f.expires_at, 0),
	f.updated_at, f.settled, f.metadata, f.instructions, f.schema, f.document`

const selectFile = `SELECT ` + fileColumns + ` FROM files f WHERE f.org_id = $1 AND f.workspace_id = $2 AND f.id = $3`

// fileRow is where the columns of a file go.
type fileRow struct {
	file                           satchel.File
	failureCode, failure, metadata string
	settled, document              string
	expiresAt, updatedAt           int64
	dest                           []any
}

func newFileRow(scope satchel.Scope) *fileRow {
	r := &fileRow{file: satchel.File{Org: scope.Org, Workspace: scope.Workspace}}
	f := &r.file
	r.dest = []any{
		(*string)(&f.ID), (*string)(&f.User), &f.Filename, (*string)(&f.Purpose), (*string)(&f.Status), &f.StatusDetails, &r.failureCode,
		&r.failure, &f.ContentType, (*string)(&f.Content.ID), (*integer)(&f.Content.Size), (*hash)(&f.Content.SHA256),
		(*string)(&f.Text.ID), (*integer)(&f.Text.Size), (*textHash)(&f.Text.SHA256), (*integer)(&f.Version), (*integer)(&f.MetadataVersion),
		(*integer)(&r.expiresAt), (*integer)(&r.updatedAt), &r.settled, &r.metadata, &f.Instructions, &f.Schema, &r.document,
	}
	return r
}

// read gives the file, once dest is filled. The row is not used again.
func (r *fileRow) read() (*satchel.File, error) {
	f := &r.file
	f.Failure = readFailure(r.failureCode, r.failure)
	f.Metadata = satchel.StoredMetadata(r.metadata)
	f.ExpiresAt = fromMicros(r.expiresAt)
	f.UpdatedAt = fromMicros(r.updatedAt)
	var err error
	if f.Settled, err = readSettled(r.settled); err != nil {
		return nil, fmt.Errorf("the settled standing of file %s: %w", f.ID, err)
	}
	if f.Document, err = readDocument(r.document); err != nil {
		return nil, fmt.Errorf("the document of file %s: %w", f.ID, err)
	}
	return f, nil
}

// File is what meta.FileReader says, for a transaction that may be about to change the file: nobody else does so before the commit.
func (t *transaction) File(ctx context.Context, scope satchel.Scope, id satchel.FileID) (*satchel.File, error) {
	return t.file(ctx, selectFile+t.dialect.forUpdate, scope, id)
}

// File implements meta.FileReader.
func (r reader) File(ctx context.Context, scope satchel.Scope, id satchel.FileID) (*satchel.File, error) {
	return r.file(ctx, selectFile, scope, id)
}

func (r reader) file(ctx context.Context, text string, scope satchel.Scope, id satchel.FileID) (*satchel.File, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	row := newFileRow(scope)
	err := r.q.get(ctx, row.dest, text, string(scope.Org), string(scope.Workspace), string(id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, satchel.FileNotFound(string(id))
	case err != nil:
		return nil, fmt.Errorf("reading file %s: %w", id, err)
	}
	return row.read()
}

// checkOwn refuses a file that is not the scope's: a programming error.
func checkOwn(scope satchel.Scope, f *satchel.File) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if f.Org != scope.Org || f.Workspace != scope.Workspace {
		return fmt.Errorf("sqlstore: file %s belongs to another scope", f.ID)
	}
	return nil
}

const insertFile = `INSERT INTO files (id, org_id, workspace_id, user_id, filename, purpose, status, status_details, failure_code, failure_message,
	content_type, content_blob_id, bytes, sha256, text_blob_id, text_bytes, text_sha256, version, metadata_version, expires_at, updated_at, settled,
	metadata, instructions, schema, document)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26)
	ON CONFLICT DO NOTHING`

// InsertFile implements meta.FileWriter.
func (t *transaction) InsertFile(ctx context.Context, scope satchel.Scope, f *satchel.File, change satchel.Change) error {
	if err := checkOwn(scope, f); err != nil {
		return err
	}
	if f.MetadataVersion != 1 {
		return fmt.Errorf("sqlstore: a new file has metadata version 1, not %d", f.MetadataVersion)
	}
	settled, document, err := writeStanding(f)
	if err != nil {
		return err
	}
	failure := failureColumns(f.Failure)
	err = t.unit.later(ctx, isInserted("file "+string(f.ID)), insertFile,
		string(f.ID), string(f.Org), string(f.Workspace), string(f.User), f.Filename, string(f.Purpose), string(f.Status), f.StatusDetails,
		string(failure.Code), failure.Message, f.ContentType, string(f.Content.ID), f.Content.Size, f.Content.SHA256[:],
		string(f.Text.ID), f.Text.Size, hashOf(f.Text), f.Version, f.MetadataVersion, orNull(f.ExpiresAt), f.UpdatedAt.UnixMicro(), settled, f.Metadata.String(), f.Instructions, f.Schema, document)
	if err != nil {
		return err
	}
	if err := t.insertBlob(ctx, f, "content", f.Content); err != nil {
		return err
	}
	if err := t.swapText(ctx, &satchel.File{}, f); err != nil {
		return err
	}
	if err := t.insertVersion(ctx, f, satchel.Metadata{}, change); err != nil {
		return err
	}
	if err := t.count(ctx, scope, satchel.Amount{Files: 1, Bytes: f.Content.Size}); err != nil {
		return err
	}
	return changeAttributes(ctx, t.unit, t.store.attributes.insert, scope, f.ID, attributesOf(f).without(nil))
}

const insertBlob = `INSERT INTO blobs (id, org_id, workspace_id, file_id, kind, bytes, sha256) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT DO NOTHING`

// insertBlob gives a stored object of the file its row.
func (t *transaction) insertBlob(ctx context.Context, f *satchel.File, kind string, b satchel.Blob) error {
	return t.unit.later(ctx, isInserted("blob "+string(b.ID)), insertBlob,
		string(b.ID), string(f.Org), string(f.Workspace), string(f.ID), kind, b.Size, b.SHA256[:])
}

const updateFile = `UPDATE files SET user_id = $5, filename = $6, purpose = $7, status = $8, status_details = $9, failure_code = $10,
	failure_message = $11, content_type = $12, text_blob_id = $13, text_bytes = $14, text_sha256 = $15, version = $16, metadata_version = $17,
	expires_at = $18, updated_at = $19, settled = $20, metadata = $21, instructions = $22, schema = $23, document = $24
	WHERE org_id = $1 AND workspace_id = $2 AND id = $3 AND version = $4`

// UpdateFile implements meta.FileWriter.
func (t *transaction) UpdateFile(ctx context.Context, scope satchel.Scope, before, after *satchel.File, change satchel.Change) error {
	if err := checkOwn(scope, after); err != nil {
		return err
	}
	if err := checkStep(before, after); err != nil {
		return err
	}
	settled, document, err := writeStanding(after)
	if err != nil {
		return err
	}
	failure := failureColumns(after.Failure)
	changed, err := t.q.exec(ctx, updateFile, string(scope.Org), string(scope.Workspace), string(before.ID), before.Version,
		string(after.User), after.Filename, string(after.Purpose), string(after.Status), after.StatusDetails, string(failure.Code), failure.Message,
		after.ContentType, string(after.Text.ID), after.Text.Size, hashOf(after.Text), after.Version, after.MetadataVersion, orNull(after.ExpiresAt),
		after.UpdatedAt.UnixMicro(), settled, after.Metadata.String(), after.Instructions, after.Schema, document)
	switch {
	case err != nil:
		return fmt.Errorf("updating file %s: %w", before.ID, err)
	case changed == 0:
		return meta.ErrChanged
	}
	if before.MetadataVersion != after.MetadataVersion {
		if err := t.insertVersion(ctx, after, before.Metadata, change); err != nil {
			return err
		}
	}
	if err := t.swapText(ctx, before, after); err != nil {
		return err
	}
	return t.moveAttributes(ctx, scope, before, after)
}

// checkStep refuses an update that the contract does not know: a programming error.
func checkStep(before, after *satchel.File) error {
	switch {
	case after.ID != before.ID || after.Version != before.Version+1 || after.Content != before.Content:
		return fmt.Errorf("sqlstore: file %s version %d cannot become file %s version %d", before.ID, before.Version, after.ID, after.Version)
	case after.MetadataVersion == before.MetadataVersion && after.Metadata != before.Metadata,
		after.MetadataVersion != before.MetadataVersion && after.MetadataVersion != before.MetadataVersion+1:
		return fmt.Errorf("sqlstore: file %s: other metadata need the next metadata version, and %d became %d",
			before.ID, before.MetadataVersion, after.MetadataVersion)
	case after.Text.ID == before.Text.ID && after.Text != before.Text:
		return fmt.Errorf("sqlstore: file %s: another text needs another blob than %s", before.ID, before.Text.ID)
	}
	return nil
}

const doomBlob = `UPDATE blobs SET doomed_at = $5 WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3 AND id = $4 AND doomed_at IS NULL`

// swapText gives the new text's blob its row, and dooms the old one's.
func (t *transaction) swapText(ctx context.Context, before, after *satchel.File) error {
	if before.Text == after.Text {
		return nil
	}
	if before.Text.ID != "" {
		_, err := t.q.exec(ctx, doomBlob, string(after.Org), string(after.Workspace), string(after.ID), string(before.Text.ID), after.UpdatedAt.UnixMicro())
		if err != nil {
			return fmt.Errorf("dooming the text of %s: %w", after.ID, err)
		}
	}
	if after.Text.ID == "" {
		return nil
	}
	return t.insertBlob(ctx, after, "text", after.Text)
}

// moveAttributes changes the rows in which two states of a file differ.
func (t *transaction) moveAttributes(ctx context.Context, scope satchel.Scope, before, after *satchel.File) error {
	if before.Metadata == after.Metadata && before.Filename == after.Filename && before.Purpose == after.Purpose {
		return nil
	}
	old, now := attributesOf(before), attributesOf(after)
	if err := changeAttributes(ctx, t.unit, t.store.attributes.remove, scope, after.ID, old.without(now)); err != nil {
		return err
	}
	return changeAttributes(ctx, t.unit, t.store.attributes.insert, scope, after.ID, now.without(old))
}

// The rows that go with a file; blobs stay, doomed, until their bytes are gone.
const (
	deleteFile     = `DELETE FROM files WHERE org_id = $1 AND workspace_id = $2 AND id = $3`
	deleteVersions = `DELETE FROM versions WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3`
	deletePages    = `DELETE FROM pages WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3`
	deleteRuns     = `DELETE FROM runs WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3`
)

const doomBlobs = `UPDATE blobs SET doomed_at = $4 WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3 AND doomed_at IS NULL`

// DeleteFile implements meta.FileWriter.
func (t *transaction) DeleteFile(ctx context.Context, scope satchel.Scope, id satchel.FileID, now time.Time) error {
	f, err := t.File(ctx, scope, id)
	if err != nil {
		return err
	}
	if err := changeAttributes(ctx, t.unit, t.store.attributes.remove, scope, id, attributesOf(f).without(nil)); err != nil {
		return err
	}
	org, workspace := string(scope.Org), string(scope.Workspace)
	for _, text := range []string{deleteFile, deleteVersions, deletePages, deleteRuns} {
		if _, err := t.q.exec(ctx, text, org, workspace, string(id)); err != nil {
			return fmt.Errorf("deleting file %s: %w", id, err)
		}
	}
	if _, err := t.q.exec(ctx, doomBlobs, org, workspace, string(id), now.UnixMicro()); err != nil {
		return fmt.Errorf("dooming the blobs of %s: %w", id, err)
	}
	return t.uncount(ctx, scope.Org, scope.Workspace, satchel.Amount{Files: 1}) // its bytes are there until the blob is forgotten
}

const selectIdempotent = `SELECT fingerprint, files, created_at FROM idempotency WHERE org_id = $1 AND user_id = $2 AND key = $3`

// IdempotentCreate is what meta.FileReader says, for a transaction that goes on to use the key: nobody else does so before the commit.
func (t *transaction) IdempotentCreate(ctx context.Context, scope satchel.Scope, key string) (*meta.IdempotentCreate, error) {
	l := lock{topic: lockKey, name: strings.Join([]string{string(scope.Org), string(scope.User), key}, "\x00")}
	if err := t.unit.lock(ctx, l); err != nil {
		return nil, err
	}
	return t.reader.IdempotentCreate(ctx, scope, key)
}

// IdempotentCreate implements meta.FileReader.
func (r reader) IdempotentCreate(ctx context.Context, scope satchel.Scope, key string) (*meta.IdempotentCreate, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	c := &meta.IdempotentCreate{Key: key}
	var files string
	var createdAt int64
	err := r.q.get(ctx, []any{(*hash)(&c.Fingerprint), &files, &createdAt}, selectIdempotent, string(scope.Org), string(scope.User), key)
	if err != nil {
		return nil, notFound(err, "idempotency key", key)
	}
	for id := range strings.FieldsSeq(files) {
		c.Files = append(c.Files, satchel.FileID(id))
	}
	c.CreatedAt = fromMicros(createdAt)
	return c, nil
}

const insertIdempotent = `INSERT INTO idempotency (org_id, user_id, key, fingerprint, files, created_at) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (org_id, user_id, key) DO UPDATE
	SET fingerprint = excluded.fingerprint, files = excluded.files, created_at = excluded.created_at WHERE idempotency.created_at < $7`

// InsertIdempotentCreate implements meta.FileWriter; satchel.CodeConflict if the key is taken.
func (t *transaction) InsertIdempotentCreate(ctx context.Context, scope satchel.Scope, c meta.IdempotentCreate, expiredBefore time.Time) error {
	if err := scope.Check(); err != nil {
		return err
	}
	files := make([]string, len(c.Files))
	for i, id := range c.Files {
		files[i] = string(id)
	}
	made, err := t.q.exec(ctx, insertIdempotent, string(scope.Org), string(scope.User), c.Key, c.Fingerprint[:], strings.Join(files, " "),
		c.CreatedAt.UnixMicro(), expiredBefore.UnixMicro())
	return inserted(made, err, "idempotency key "+c.Key)
}
