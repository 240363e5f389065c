package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

const selectExpired = `SELECT org_id, workspace_id, user_id, id FROM files WHERE expires_at IS NOT NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2`

// Expired implements meta.System.
func (s *Store) Expired(ctx context.Context, now time.Time, limit int) ([]meta.OwnedFile, error) {
	return collect(ctx, s.q, scanOwned, selectExpired, now.UnixMicro(), limit)
}

// DoomedWorkspaces implements meta.System.
func (s *Store) DoomedWorkspaces(ctx context.Context) ([]satchel.Scope, error) {
	return collect(ctx, s.q, func(found rows) (satchel.Scope, error) {
		scope := satchel.Scope{Access: satchel.AccessWriter}
		err := found.Scan((*string)(&scope.Org), (*string)(&scope.Workspace))
		return scope, err
	}, `SELECT org_id, id FROM workspaces WHERE doomed_at IS NOT NULL ORDER BY doomed_at LIMIT 1000`)
}

const forgetIdempotency = `DELETE FROM idempotency WHERE created_at < $1`

// ForgetIdempotency implements meta.System.
func (s *Store) ForgetIdempotency(ctx context.Context, before time.Time) (int, error) {
	var gone int64
	err := s.change(ctx, func(ctx context.Context, tx *transaction) (err error) {
		gone, err = tx.q.exec(ctx, forgetIdempotency, before.UnixMicro())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forgetting idempotency keys: %w", err)
	}
	return int(gone), nil
}

const countFiles = `SELECT COUNT(*) FROM files`

// CountFiles implements meta.System.
func (s *Store) CountFiles(ctx context.Context) (int64, error) {
	count, err := collect(ctx, s.q, scanOne[int64], countFiles)
	if err != nil {
		return 0, fmt.Errorf("counting files: %w", err)
	}
	return count[0], nil
}

const selectBlobs = `SELECT id, file_id, bytes, sha256, CASE WHEN doomed_at IS NULL THEN 0 ELSE 1 END FROM blobs WHERE id > $1 ORDER BY id LIMIT $2`

// Blobs implements meta.BlobRegister.
func (s *Store) Blobs(ctx context.Context, after satchel.BlobID, limit int) ([]meta.BlobRow, error) {
	return collect(ctx, s.q, func(found rows) (row meta.BlobRow, err error) {
		var doomed integer
		err = found.Scan((*string)(&row.ID), (*string)(&row.File), (*integer)(&row.Size), (*hash)(&row.SHA256), &doomed)
		row.Doomed = doomed != 0
		return row, err
	}, selectBlobs, string(after), limit)
}

// idChunk is how many ids one statement takes.
const idChunk = 100

// KnownBlobs implements meta.BlobRegister.
func (s *Store) KnownBlobs(ctx context.Context, ids []satchel.BlobID) (map[satchel.BlobID]bool, error) {
	known := make(map[satchel.BlobID]bool, len(ids))
	text := `SELECT id FROM blobs WHERE id IN (` + placeholders(1, idChunk) + `)`
	for chunk := range slices.Chunk(ids, idChunk) {
		found, err := collect(ctx, s.q, scanOne[string], text, padded(chunk, idChunk)...)
		if err != nil {
			return nil, fmt.Errorf("looking for blobs: %w", err)
		}
		for _, id := range found {
			known[satchel.BlobID(id)] = true
		}
	}
	return known, nil
}

const selectDoomed = `SELECT id FROM blobs WHERE doomed_at IS NOT NULL ORDER BY doomed_at LIMIT $1`

// DoomedBlobs implements meta.BlobRegister.
func (s *Store) DoomedBlobs(ctx context.Context, limit int) ([]satchel.BlobID, error) {
	return collect(ctx, s.q, func(found rows) (id satchel.BlobID, err error) {
		err = found.Scan((*string)(&id))
		return id, err
	}, selectDoomed, limit)
}

func forgetBlobs() string {
	return `DELETE FROM blobs WHERE doomed_at IS NOT NULL AND id IN (` + placeholders(1, idChunk) + `)`
}

// ForgetBlobs implements meta.BlobRegister.
func (s *Store) ForgetBlobs(ctx context.Context, ids []satchel.BlobID) error {
	text := forgetBlobs()
	return s.change(ctx, func(ctx context.Context, tx *transaction) error {
		for chunk := range slices.Chunk(ids, idChunk) {
			if err := tx.lockDoomed(ctx, padded(chunk, idChunk)); err != nil {
				return fmt.Errorf("finding blobs to forget: %w", err)
			}
			if err := tx.uncountBlobs(ctx, padded(chunk, idChunk)); err != nil {
				return err
			}
			if _, err := tx.q.exec(ctx, text, padded(chunk, idChunk)...); err != nil {
				return fmt.Errorf("forgetting blobs: %w", err)
			}
		}
		return nil
	})
}

func selectDoomedOf() string {
	return `SELECT id FROM blobs WHERE doomed_at IS NOT NULL AND id IN (` + placeholders(1, idChunk) + `) ORDER BY id`
}

// lockDoomed is for blobs that are about to be forgotten: what is uncounted must be what is then deleted.
func (t *transaction) lockDoomed(ctx context.Context, ids []any) error {
	if t.dialect.forUpdate == "" {
		return nil
	}
	_, err := collect(ctx, t.q, scanOne[string], selectDoomedOf()+t.dialect.forUpdate, ids...)
	return err
}

func sumDoomed() string {
	return `SELECT org_id, workspace_id, 0, CAST(SUM(bytes) AS BIGINT) FROM blobs WHERE doomed_at IS NOT NULL AND kind = 'content' AND id IN (` +
		placeholders(1, idChunk) + `) GROUP BY org_id, workspace_id`
}

// uncountBlobs is for blobs that are about to be forgotten.
func (t *transaction) uncountBlobs(ctx context.Context, ids []any) error {
	gone, err := t.amounts(ctx, sumDoomed(), ids...)
	if err != nil {
		return fmt.Errorf("counting blobs to forget: %w", err)
	}
	for of, amount := range gone {
		if err := t.uncount(ctx, of.org, of.ws, amount); err != nil {
			return err
		}
	}
	return nil
}

// Mark implements meta.Mark.
func (s *Store) Mark(ctx context.Context, name string) (string, error) {
	var value string
	err := s.q.get(ctx, []any{&value}, `SELECT value FROM marks WHERE name = $1`, name)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading mark %s: %w", name, err)
	}
	return value, nil
}

const setMark = `INSERT INTO marks (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value`

// SetMark implements meta.Mark.
func (s *Store) SetMark(ctx context.Context, name, value string) error {
	return s.change(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.q.exec(ctx, setMark, name, value)
		return err
	})
}

// LoadFiles inserts n files made by file, which is called with 0, 1, 2 and so on and leaves the id and the metadata version to the store, through the way of any
// other file, but many to a transaction. It is for benchmarks and tests: when it fails, the transactions before stay.
func (s *Store) LoadFiles(ctx context.Context, scope satchel.Scope, n int, file func(i int) *satchel.File) error {
	// Not more: SQLite rolls a statement's journal back by walking the whole transaction's, which is quadratic in its length.
	const perTransaction = 100
	for start := 0; start < n; start += perTransaction {
		err := s.change(ctx, func(ctx context.Context, tx *transaction) error {
			for i := start; i < min(n, start+perTransaction); i++ {
				if err := tx.loadFile(ctx, scope, file(i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("loading files from %d on: %w", start, err)
		}
	}
	return nil
}

// loadFile inserts a file that lacks its id and its metadata version.
func (t *transaction) loadFile(ctx context.Context, scope satchel.Scope, f *satchel.File) (err error) {
	if f.ID, err = t.NextFileID(ctx); err != nil {
		return err
	}
	f.MetadataVersion = 1
	return t.InsertFile(ctx, scope, f, satchel.Change{User: f.User, At: f.UpdatedAt, Edit: f.Metadata.String(), Replace: true})
}

// placeholders gives n placeholders from $first on, with commas between them.
func placeholders(first, n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = "$" + strconv.Itoa(first+i)
	}
	return strings.Join(all, ", ")
}

// padded gives the ids as arguments, the last one repeated until there are size of them, so that one statement does for all.
func padded[ID ~string](ids []ID, size int) []any {
	args := make([]any, size)
	for i := range args {
		args[i] = string(ids[min(i, len(ids)-1)])
	}
	return args
}
