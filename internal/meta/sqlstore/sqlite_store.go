package sqlstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/satchel-files/satchel/internal/meta"
)

// SQLite is a Store in one file, which can also be copied and scrubbed while it is in use.
type SQLite struct {
	*Store
	file   *sqliteFile
	writer *writer
	jobs   *jobDriver
}

// OpenSQLite opens the database at options.Path, makes it if there is none, and migrates an older one, of which a copy is first set
// aside beside it. A newer one is ErrNewerSchema. Several processes may have one database open.
func OpenSQLite(ctx context.Context, options Options) (*SQLite, error) {
	options = options.withDefaults()
	file, err := openSQLiteFile(ctx, options.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", options.Path, err)
	}
	if err := file.migrate(ctx, options); err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", options.Path, errors.Join(err, file.close()))
	}
	e := &sqliteEngine{file: file}
	s := &SQLite{file: file}
	if s.Store, err = newStore(ctx, e, reading{newStatements(file.read)}, options); err != nil {
		return nil, errors.Join(err, file.close())
	}
	jobs, err := newJobClient()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the client for jobs: %w", err), file.close())
	}
	bell := &bell{}
	s.writer = startWriter(file, options, jobs, bell) //nolint:contextcheck // it lives as long as the store
	e.writer = s.writer
	s.jobs = newJobDriver(s, bell)
	return s, nil
}

// Create makes a database of this version's schema at a path, and closes it: all of it is then in the one file, which can be copied. It is for tests,
// which need many.
func Create(ctx context.Context, path string) error {
	s, err := OpenSQLite(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// sqliteEngine implements engine.
type sqliteEngine struct {
	file   *sqliteFile
	writer *writer
}

func (e *sqliteEngine) change(ctx context.Context, fn func(ctx context.Context, u unit) error) error {
	return e.writer.do(ctx, func(ctx context.Context, q *inBatch) error { return fn(ctx, q) })
}

func (e *sqliteEngine) close() error {
	e.writer.close()
	return e.file.close()
}

// ping looks whether the database stands where it was opened.
func (e *sqliteEngine) ping(context.Context) error { return e.file.present() }

func (e *sqliteEngine) dialect() dialect {
	return dialect{
		bytes:      "$%d",
		newestFile: `SELECT COALESCE(MAX(id), '') FROM files`,
		addUsage: `INSERT INTO usage (org_id, workspace_id, day, files, bytes, input_tokens, output_tokens)
			VALUES ($1, $2, $3, $4, $5, $6, $7), ($1, '', $3, $4, $5, $6, $7)
			ON CONFLICT (org_id, workspace_id, day) DO UPDATE SET files = usage.files + excluded.files, bytes = usage.bytes + excluded.bytes,
			input_tokens = usage.input_tokens + excluded.input_tokens, output_tokens = usage.output_tokens + excluded.output_tokens`,
		takeUsage: `UPDATE usage SET files = files - $3, bytes = bytes - $4 WHERE org_id = $1 AND workspace_id IN ($2, '') AND day = 0`,
		addOne: `INSERT INTO usage (org_id, workspace_id, day, files, bytes, input_tokens, output_tokens) VALUES ($1, $2, 0, $3, $4, 0, 0)
			ON CONFLICT (org_id, workspace_id, day) DO UPDATE SET files = usage.files + excluded.files, bytes = usage.bytes + excluded.bytes`,
		deleteUsage: `DELETE FROM usage WHERE org_id = $1 AND (day <> 0 OR files = 0 AND bytes = 0)`,
	}
}

// handIn implements unit. The jobs of all transactions of a batch are inserted together, right before its commit.
func (q *inBatch) handIn(ctx context.Context, job meta.Job) error {
	switch {
	case q.over:
		return errOver
	case ctx.Err() != nil:
		return ctx.Err()
	}
	q.request.jobs = append(q.request.jobs, job)
	return nil
}

// lock implements unit: the writer runs one transaction after the other.
func (q *inBatch) lock(context.Context, lock) error { return nil }

// flush implements unit: nothing waits.
func (q *inBatch) flush(context.Context) error { return nil }

// freeze implements unit, for the same reason.
func (q *inBatch) freeze(context.Context) error { return nil }

// Snapshot implements meta.Snapshotter: path must not exist yet, and its folder must.
func (s *SQLite) Snapshot(ctx context.Context, path string) error { return s.file.snapshot(ctx, path) }

// Scrub implements meta.Scrubber. While somebody reads older rows (a snapshot does) it fails with satchel.CodeUnavailable.
func (s *SQLite) Scrub(ctx context.Context) error { return s.file.scrub(ctx) }
