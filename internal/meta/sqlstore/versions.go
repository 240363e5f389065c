package sqlstore

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/satchel-files/satchel"
)

const insertVersion = `INSERT INTO versions (org_id, workspace_id, file_id, seq, at, user_id, model, run_id, input_tokens, output_tokens, reverts,
	restores, replaces, failure_code, failure_message, keys, instruction, edit, evidence, before)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`

// insertVersion keeps why the metadata of f is what it is; before is what it was until now.
func (t *transaction) insertVersion(ctx context.Context, f *satchel.File, before satchel.Metadata, change satchel.Change) error {
	changed := append(satchel.ChangedKeys(before, f.Metadata), change.Confirms...)
	slices.Sort(changed)
	keys, err := json.Marshal(slices.Compact(changed))
	if err != nil {
		return err
	}
	failure := failureColumns(change.Failure)
	doing := fmt.Sprintf("inserting version %d of %s", f.MetadataVersion, f.ID)
	return t.unit.later(ctx, isDone(doing), insertVersion, string(f.Org), string(f.Workspace), string(f.ID), f.MetadataVersion, micros(change.At), string(change.User),
		change.Model, string(change.Run), change.Tokens.Input, change.Tokens.Output, change.Reverts, change.Restores, flag(change.Replace),
		string(failure.Code), failure.Message, string(keys), change.Instruction, change.Edit, change.Evidence, before.String())
}

const selectVersions = `SELECT seq, at, user_id, model, run_id, input_tokens, output_tokens, reverts, restores, replaces, failure_code, failure_message,
	keys, instruction, edit, evidence FROM versions WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3 AND seq < $4 ORDER BY seq DESC LIMIT $5`

// Versions implements meta.VersionReader.
func (r reader) Versions(ctx context.Context, scope satchel.Scope, file satchel.FileID, before int64, limit int) ([]*satchel.Version, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	if before == 0 {
		before = math.MaxInt64
	}
	all, err := collect(ctx, r.q, scanVersion, selectVersions, string(scope.Org), string(scope.Workspace), string(file), before, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the versions of %s: %w", file, err)
	}
	return all, nil
}

func scanVersion(found rows) (*satchel.Version, error) {
	var v satchel.Version
	var at, replaces integer
	var failureCode, failure, keys string
	err := found.Scan((*integer)(&v.Number), &at, (*string)(&v.User), &v.Model, (*string)(&v.Run), (*integer)(&v.Tokens.Input),
		(*integer)(&v.Tokens.Output), (*integer)(&v.Reverts), (*integer)(&v.Restores), &replaces, &failureCode, &failure, &keys, &v.Instruction,
		&v.Edit, &v.Evidence)
	if err != nil {
		return nil, err
	}
	v.At, v.Replace, v.Failure = fromMicros(int64(at)), replaces != 0, readFailure(failureCode, failure)
	if err := json.Unmarshal([]byte(keys), &v.Keys); err != nil {
		return nil, fmt.Errorf("the keys of version %d: %w", v.Number, err)
	}
	return &v, nil
}

// selectStates: what a version brought is what the next one found, or what the file has now.
const selectStates = `SELECT v.before, COALESCE(
		(SELECT n.before FROM versions n WHERE n.file_id = v.file_id AND n.seq = v.seq + 1),
		(SELECT f.metadata FROM files f WHERE f.org_id = v.org_id AND f.workspace_id = v.workspace_id AND f.id = v.file_id), '')
	FROM versions v WHERE v.org_id = $1 AND v.workspace_id = $2 AND v.file_id = $3 AND v.seq = $4`

// VersionStates implements meta.VersionReader.
func (r reader) VersionStates(ctx context.Context, scope satchel.Scope, file satchel.FileID, number int64) (before, after satchel.Metadata, err error) {
	if err := scope.Check(); err != nil {
		return before, after, err
	}
	var was, became string
	err = r.q.get(ctx, []any{&was, &became}, selectStates, string(scope.Org), string(scope.Workspace), string(file), number)
	if err != nil {
		return before, after, notFound(err, "version", fmt.Sprintf("%d of %s", number, file))
	}
	return satchel.StoredMetadata(was), satchel.StoredMetadata(became), nil
}
