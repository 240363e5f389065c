package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// runColumns are what a Run is read from, in the order of newRunRow; the last two are long.
const (
	runColumns = `r.id, r.file_id, r.user_id, r.kind, r.state, r.step, r.dry_run, r.seen_version, r.claim, r.lease_until, r.attempts,
	r.input_tokens, r.output_tokens, r.created_at, r.updated_at, COALESCE(r.ended_at, 0), r.failure_code, r.failure_message, r.details,
	r.protected, r.instructions, r.schema, r.patch`
	ofFile = ` FROM runs r WHERE r.org_id = $1 AND r.workspace_id = $2 AND r.file_id = $3`

	selectRun      = `SELECT ` + runColumns + `, r.result, r.progress` + ofFile + ` AND r.id = $4`
	selectRuns     = `SELECT ` + runColumns + `, '', ''` + ofFile + ` AND r.id < $4 ORDER BY r.id DESC LIMIT $5`
	selectOpenRuns = `SELECT ` + runColumns + `, r.result, r.progress` + ofFile + ` AND r.ended_at IS NULL ORDER BY r.id LIMIT $4`
)

// runRow is where the columns of a run go.
type runRow struct {
	run                                     satchel.Run
	failureCode, failure, protected         string
	dryRun                                  integer
	leaseUntil, createdAt, updatedAt, ended int64
	attempts                                integer
	dest                                    []any
}

func newRunRow(scope satchel.Scope) *runRow {
	r := &runRow{run: satchel.Run{Org: scope.Org, Workspace: scope.Workspace}}
	v := &r.run
	r.dest = []any{
		(*string)(&v.ID), (*string)(&v.File), (*string)(&v.User), (*string)(&v.Kind), (*string)(&v.State), (*string)(&v.Step), &r.dryRun,
		(*integer)(&v.Seen), &v.Claim, (*integer)(&r.leaseUntil), &r.attempts, (*integer)(&v.Tokens.Input), (*integer)(&v.Tokens.Output),
		(*integer)(&r.createdAt), (*integer)(&r.updatedAt), (*integer)(&r.ended), &r.failureCode, &r.failure, &v.Details, &r.protected,
		&v.Instructions, &v.Schema, &v.Patch, &v.Result, &v.Progress,
	}
	return r
}

// read gives the run, once dest is filled. The row is not used again.
func (r *runRow) read() (*satchel.Run, error) {
	v := &r.run
	v.DryRun, v.Attempts = r.dryRun != 0, int(r.attempts)
	v.LeaseUntil, v.CreatedAt, v.UpdatedAt, v.EndedAt = fromMicros(r.leaseUntil), fromMicros(r.createdAt), fromMicros(r.updatedAt), fromMicros(r.ended)
	v.Failure = readFailure(r.failureCode, r.failure)
	if r.protected != "" {
		if err := json.Unmarshal([]byte(r.protected), &v.Protected); err != nil {
			return nil, fmt.Errorf("reading run %s: %w", v.ID, err)
		}
	}
	return v, nil
}

// Run implements meta.RunReader.
func (r reader) Run(ctx context.Context, scope satchel.Scope, file satchel.FileID, id satchel.RunID) (*satchel.Run, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	row := newRunRow(scope)
	err := r.q.get(ctx, row.dest, selectRun, string(scope.Org), string(scope.Workspace), string(file), string(id))
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, satchel.RunNotFound(string(id))
	case err != nil:
		return nil, fmt.Errorf("reading run %s: %w", id, err)
	}
	return row.read()
}

// Runs implements meta.RunReader.
func (r reader) Runs(ctx context.Context, scope satchel.Scope, file satchel.FileID, before satchel.RunID, limit int) ([]*satchel.Run, error) {
	if before == "" {
		before = "~" // behind every id
	}
	return r.runs(ctx, scope, selectRuns, file, string(before), limit)
}

// OpenRuns implements meta.RunReader.
func (r reader) OpenRuns(ctx context.Context, scope satchel.Scope, file satchel.FileID, limit int) ([]*satchel.Run, error) {
	return r.runs(ctx, scope, selectOpenRuns, file, limit)
}

func (r reader) runs(ctx context.Context, scope satchel.Scope, text string, file satchel.FileID, args ...any) ([]*satchel.Run, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	runs, err := collect(ctx, r.q, func(found rows) (*satchel.Run, error) {
		row := newRunRow(scope)
		if err := found.Scan(row.dest...); err != nil {
			return nil, err
		}
		return row.read()
	}, text, append([]any{string(scope.Org), string(scope.Workspace), string(file)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("reading the runs of %s: %w", file, err)
	}
	return runs, nil
}

const insertRun = `INSERT INTO runs (id, org_id, workspace_id, file_id, user_id, kind, state, step, dry_run, seen_version, claim, lease_until, attempts,
	input_tokens, output_tokens, created_at, updated_at, ended_at, failure_code, failure_message, details, protected, instructions, schema, patch,
	result, progress)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27)
	ON CONFLICT DO NOTHING`

// InsertRun implements meta.RunWriter.
func (t *transaction) InsertRun(ctx context.Context, scope satchel.Scope, run *satchel.Run) error {
	if err := checkOwnRun(scope, run); err != nil {
		return err
	}
	protected, err := listOf(run.Protected)
	if err != nil {
		return err
	}
	failure := failureColumns(run.Failure)
	made, err := t.q.exec(ctx, insertRun,
		string(run.ID), string(run.Org), string(run.Workspace), string(run.File), string(run.User), string(run.Kind), string(run.State), string(run.Step),
		flag(run.DryRun), run.Seen, run.Claim, micros(run.LeaseUntil), run.Attempts, run.Tokens.Input, run.Tokens.Output, micros(run.CreatedAt),
		micros(run.UpdatedAt), orNull(run.EndedAt), string(failure.Code), failure.Message, run.Details, protected, run.Instructions, run.Schema,
		run.Patch, run.Result, run.Progress)
	return inserted(made, err, "run "+string(run.ID))
}

// checkOwnRun refuses a run that is not the scope's: a programming error.
func checkOwnRun(scope satchel.Scope, run *satchel.Run) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if run.Org != scope.Org || run.Workspace != scope.Workspace {
		return fmt.Errorf("sqlstore: run %s belongs to another scope", run.ID)
	}
	return nil
}

const updateRun = `UPDATE runs SET state = $6, step = $7, seen_version = $8, claim = $9, lease_until = $10, attempts = $11, input_tokens = $12,
	output_tokens = $13, updated_at = $14, ended_at = $15, failure_code = $16, failure_message = $17, details = $18, result = $19, progress = $20
	WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3 AND id = $4 AND claim = $5 AND ended_at IS NULL`

// UpdateRun implements meta.RunWriter.
func (t *transaction) UpdateRun(ctx context.Context, scope satchel.Scope, before, after *satchel.Run) error {
	if err := checkOwnRun(scope, after); err != nil {
		return err
	}
	if after.ID != before.ID || after.File != before.File {
		return fmt.Errorf("sqlstore: run %s of %s cannot become run %s of %s", before.ID, before.File, after.ID, after.File)
	}
	failure := failureColumns(after.Failure)
	changed, err := t.q.exec(ctx, updateRun,
		string(scope.Org), string(scope.Workspace), string(before.File), string(before.ID), before.Claim,
		string(after.State), string(after.Step), after.Seen, after.Claim, micros(after.LeaseUntil), after.Attempts, after.Tokens.Input,
		after.Tokens.Output, micros(after.UpdatedAt), orNull(after.EndedAt), string(failure.Code), failure.Message, after.Details, after.Result,
		after.Progress)
	switch {
	case err != nil:
		return fmt.Errorf("updating run %s: %w", before.ID, err)
	case changed == 0:
		return meta.ErrChanged
	}
	return t.countTokens(ctx, scope, before, after)
}

const selectStale = `SELECT org_id, workspace_id, user_id, file_id FROM runs WHERE ended_at IS NULL AND claim <> '' AND lease_until < $1
	ORDER BY lease_until LIMIT $2`

// StaleRuns implements meta.RunRegister.
func (s *Store) StaleRuns(ctx context.Context, before time.Time, limit int) ([]meta.OwnedFile, error) {
	return collect(ctx, s.q, scanOwned, selectStale, before.UnixMicro(), limit)
}

const selectFailed = `SELECT org_id, workspace_id, user_id, id FROM files WHERE failure_code <> '' AND failure_code = $1 AND id > $2 ORDER BY id LIMIT $3`

// FailedFiles implements meta.RunRegister.
func (s *Store) FailedFiles(ctx context.Context, code satchel.Code, after satchel.FileID, limit int) ([]meta.OwnedFile, error) {
	return collect(ctx, s.q, scanOwned, selectFailed, string(code), string(after), limit)
}

// endLeases leaves older ends as they are: whoever waits longest is found first.
const endLeases = `UPDATE runs SET claim = $1, lease_until = CASE WHEN lease_until < $2 THEN lease_until ELSE $2 END WHERE ended_at IS NULL`

// nobody has a run whose worker is gone for sure.
const nobody = "nobody"

// EndLeases implements meta.RunRegister.
func (s *Store) EndLeases(ctx context.Context, now time.Time) error {
	err := s.change(ctx, func(ctx context.Context, tx *transaction) error {
		_, err := tx.q.exec(ctx, endLeases, nobody, now.UnixMicro()-1)
		return err
	})
	if err != nil {
		return fmt.Errorf("ending the leases of runs: %w", err)
	}
	return nil
}

const countRuns = `SELECT COUNT(*) FROM runs WHERE ended_at IS NULL`

// CountRuns implements meta.RunRegister.
func (s *Store) CountRuns(ctx context.Context) (int64, error) {
	count, err := collect(ctx, s.q, scanOne[int64], countRuns)
	if err != nil {
		return 0, fmt.Errorf("counting runs: %w", err)
	}
	return count[0], nil
}

// scanOwned reads a file with the scope that may work on it.
func scanOwned(found rows) (meta.OwnedFile, error) {
	f := meta.OwnedFile{Scope: satchel.Scope{Access: satchel.AccessWriter}}
	err := found.Scan((*string)(&f.Scope.Org), (*string)(&f.Scope.Workspace), (*string)(&f.Scope.User), (*string)(&f.ID))
	return f, err
}
