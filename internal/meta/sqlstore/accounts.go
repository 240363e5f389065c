package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// storedQuota is a satchel.Quota as a column has it.
type storedQuota struct {
	Bytes        *int64 `json:"bytes,omitempty"`
	Files        *int64 `json:"files,omitempty"`
	FileBytes    *int64 `json:"file_bytes,omitempty"`
	TokensPerDay *int64 `json:"tokens_per_day,omitempty"`
}

// storedSettings are satchel.WorkspaceSettings as a column has them.
type storedSettings struct {
	NoAI         bool        `json:"no_ai,omitempty"`
	Instructions string      `json:"instructions,omitempty"`
	Schema       string      `json:"schema,omitempty"`
	Lifetime     int64       `json:"lifetime,omitempty"` // microseconds
	Quota        storedQuota `json:"quota,omitzero"`
}

func writeQuota(q satchel.Quota) (string, error) {
	return jsonOf(!q.Unlimited(), storedQuota(q))
}

func readQuota(text string) (satchel.Quota, error) {
	var q storedQuota
	if text == "" {
		return satchel.Quota{}, nil
	}
	err := json.Unmarshal([]byte(text), &q)
	return satchel.Quota(q), err
}

func writeSettings(s satchel.WorkspaceSettings) (string, error) {
	return jsonOf(true, storedSettings{s.NoAI, s.Instructions, s.Schema, s.Lifetime.Microseconds(), storedQuota(s.Quota)})
}

func readSettings(text string) (satchel.WorkspaceSettings, error) {
	var s storedSettings
	if text == "" || text == "{}" {
		return satchel.WorkspaceSettings{}, nil
	}
	err := json.Unmarshal([]byte(text), &s)
	return satchel.WorkspaceSettings{
		NoAI: s.NoAI, Instructions: s.Instructions, Schema: s.Schema, Lifetime: time.Duration(s.Lifetime) * time.Microsecond, Quota: satchel.Quota(s.Quota),
	}, err
}

const selectRules = `SELECT o.quota, COALESCE(w.settings, '') FROM orgs o LEFT JOIN workspaces w ON w.org_id = o.id AND w.id = $2 WHERE o.id = $1`

// Rules implements meta.AccountReader.
func (r reader) Rules(ctx context.Context, scope satchel.Scope) (rules satchel.Rules, err error) {
	if err := scope.Check(); err != nil {
		return rules, err
	}
	var quota, settings string
	err = r.q.get(ctx, []any{&quota, &settings}, selectRules, string(scope.Org), string(scope.Workspace))
	if errors.Is(err, sql.ErrNoRows) {
		return rules, nil
	}
	if err == nil {
		rules, err = readRules(quota, settings)
	}
	if err != nil {
		return rules, fmt.Errorf("reading the rules of workspace %s: %w", scope.Workspace, err)
	}
	return rules, nil
}

func readRules(quota, settings string) (rules satchel.Rules, err error) {
	if rules.Org, err = readQuota(quota); err != nil {
		return rules, err
	}
	rules.Workspace, err = readSettings(settings)
	return rules, err
}

// dayOf numbers the days since 1970, in UTC.
func dayOf(t time.Time) int64 { return t.Unix() / (24 * 60 * 60) }

// count adds to what the scope's workspace and organization use.
func (t *transaction) count(ctx context.Context, scope satchel.Scope, a satchel.Amount) error {
	return t.addUsage(ctx, scope, 0, a, satchel.Tokens{})
}

// countTokens adds what a model has read and written between two states of a run.
func (t *transaction) countTokens(ctx context.Context, scope satchel.Scope, before, after *satchel.Run) error {
	spent := satchel.Tokens{Input: after.Tokens.Input - before.Tokens.Input, Output: after.Tokens.Output - before.Tokens.Output}
	if spent == (satchel.Tokens{}) {
		return nil
	}
	return t.CountTokens(ctx, scope, spent, after.UpdatedAt)
}

// CountTokens implements meta.AccountWriter.
func (t *transaction) CountTokens(ctx context.Context, scope satchel.Scope, spent satchel.Tokens, at time.Time) error {
	if err := scope.Check(); err != nil {
		return err
	}
	return t.addUsage(ctx, scope, dayOf(at), satchel.Amount{}, spent)
}

func (t *transaction) addUsage(ctx context.Context, scope satchel.Scope, day int64, a satchel.Amount, spent satchel.Tokens) error {
	return t.unit.later(ctx, isDone("counting what workspace "+string(scope.Workspace)+" uses"), t.dialect.addUsage,
		string(scope.Org), string(scope.Workspace), day, a.Files, a.Bytes, spent.Input, spent.Output)
}

// addOne adds to what is counted for one account alone.
func (t *transaction) addOne(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, a satchel.Amount) error {
	_, err := t.q.exec(ctx, t.dialect.addOne, string(org), string(ws), a.Files, a.Bytes)
	return err
}

func (t *transaction) uncount(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, a satchel.Amount) error {
	if _, err := t.q.exec(ctx, t.dialect.takeUsage, string(org), string(ws), a.Files, a.Bytes); err != nil {
		return fmt.Errorf("counting what workspace %s uses no more: %w", ws, err)
	}
	return nil
}

const (
	selectUsed = `SELECT workspace_id, CAST(SUM(files) AS BIGINT), CAST(SUM(bytes) AS BIGINT), CAST(SUM(input_tokens) AS BIGINT),
		CAST(SUM(output_tokens) AS BIGINT), 0, 0 FROM usage
		WHERE org_id = $1 AND workspace_id IN ('', $2) AND day IN (0, $3) GROUP BY workspace_id`
	selectReserved = `SELECT CAST(COALESCE(SUM(files), 0) AS BIGINT), CAST(COALESCE(SUM(bytes), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN workspace_id = $2 THEN files ELSE 0 END), 0) AS BIGINT),
		CAST(COALESCE(SUM(CASE WHEN workspace_id = $2 THEN bytes ELSE 0 END), 0) AS BIGINT) FROM reservations WHERE org_id = $1 AND expires_at > $3 AND id <> $4`
	usageSums = `CAST(SUM(files) AS BIGINT), CAST(SUM(bytes) AS BIGINT), CAST(SUM(CASE WHEN day = $2 THEN input_tokens ELSE 0 END) AS BIGINT),
		CAST(SUM(CASE WHEN day = $2 THEN output_tokens ELSE 0 END) AS BIGINT), CAST(SUM(input_tokens) AS BIGINT),
		CAST(SUM(output_tokens) AS BIGINT) FROM usage WHERE org_id = $1 AND (day = 0 OR day >= $3)`
	selectUsage = `SELECT workspace_id, ` + usageSums + ` AND workspace_id > $4 GROUP BY workspace_id
		HAVING SUM(files) <> 0 OR SUM(bytes) <> 0 OR SUM(input_tokens + output_tokens) <> 0 ORDER BY workspace_id LIMIT $5`
	selectTotal = `SELECT workspace_id, ` + usageSums + ` AND workspace_id = '' GROUP BY workspace_id`
)

func scanUsage(found rows) (u satchel.Usage, err error) {
	err = found.Scan((*string)(&u.Workspace), (*integer)(&u.Files), (*integer)(&u.Bytes), (*integer)(&u.Today.Input), (*integer)(&u.Today.Output),
		(*integer)(&u.Tokens.Input), (*integer)(&u.Tokens.Output))
	return u, err
}

// Used is what meta.AccountReader says, for a transaction that decides by it: nobody else does so for the organization before the commit.
func (t *transaction) Used(ctx context.Context, scope satchel.Scope, except satchel.ReservationID, now time.Time) (org, workspace satchel.Usage, err error) {
	if err := t.unit.lock(ctx, lock{topic: lockUsage, name: string(scope.Org)}); err != nil {
		return org, workspace, err
	}
	return t.reader.Used(ctx, scope, except, now)
}

// Used implements meta.AccountReader.
func (r reader) Used(ctx context.Context, scope satchel.Scope, except satchel.ReservationID, now time.Time) (org, workspace satchel.Usage, err error) {
	if err := scope.Check(); err != nil {
		return org, workspace, err
	}
	counted, err := collect(ctx, r.q, scanUsage, selectUsed, string(scope.Org), string(scope.Workspace), dayOf(now))
	if err != nil {
		return org, workspace, fmt.Errorf("reading what workspace %s uses: %w", scope.Workspace, err)
	}
	for _, u := range counted {
		if u.Workspace == "" {
			org = u
		} else {
			workspace = u
		}
	}
	workspace.Workspace = scope.Workspace
	var inOrg, inWorkspace satchel.Amount
	err = r.q.get(ctx, []any{(*integer)(&inOrg.Files), (*integer)(&inOrg.Bytes), (*integer)(&inWorkspace.Files), (*integer)(&inWorkspace.Bytes)},
		selectReserved, string(scope.Org), string(scope.Workspace), now.UnixMicro(), string(except))
	if err != nil {
		return org, workspace, fmt.Errorf("reading the reservations of workspace %s: %w", scope.Workspace, err)
	}
	org.Amount, workspace.Amount = org.Add(inOrg), workspace.Add(inWorkspace)
	return org, workspace, nil
}

// Usage implements meta.AccountReader.
func (r reader) Usage(ctx context.Context, org satchel.OrgID, since, now time.Time, page satchel.Slice) (total satchel.Usage, all []satchel.Usage, err error) {
	today, first := dayOf(now), dayOf(since)
	totals, err := collect(ctx, r.q, scanUsage, selectTotal, string(org), today, first)
	if err == nil {
		all, err = collect(ctx, r.q, scanUsage, selectUsage, string(org), today, first, page.After, page.Limit)
	}
	if err != nil {
		return total, nil, fmt.Errorf("reading what organization %s uses: %w", org, err)
	}
	for _, u := range totals {
		total = u
	}
	return total, all, nil
}

const putReservation = `INSERT INTO reservations (id, org_id, workspace_id, files, bytes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (id) DO UPDATE SET workspace_id = excluded.workspace_id, files = excluded.files, bytes = excluded.bytes, expires_at = excluded.expires_at
	WHERE reservations.org_id = excluded.org_id`

// PutReservation implements meta.AccountWriter.
func (t *transaction) PutReservation(ctx context.Context, r meta.Reservation) error {
	if r.Org == "" {
		return satchel.ErrNoScope
	}
	put, err := t.q.exec(ctx, putReservation, string(r.ID), string(r.Org), string(r.Workspace), r.Amount.Files, r.Amount.Bytes, r.ExpiresAt.UnixMicro())
	return inserted(put, err, "reservation "+string(r.ID))
}

// DeleteReservation implements meta.AccountWriter.
func (t *transaction) DeleteReservation(ctx context.Context, org satchel.OrgID, id satchel.ReservationID) error {
	if _, err := t.q.exec(ctx, `DELETE FROM reservations WHERE org_id = $1 AND id = $2`, string(org), string(id)); err != nil {
		return fmt.Errorf("giving reservation %s back: %w", id, err)
	}
	return nil
}

// ForgetReservations implements meta.UsageRegister.
func (s *Store) ForgetReservations(ctx context.Context, before time.Time) (gone int, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *transaction) error {
		n, err := tx.q.exec(ctx, `DELETE FROM reservations WHERE expires_at <= $1`, before.UnixMicro())
		gone = int(n)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("forgetting reservations: %w", err)
	}
	return gone, nil
}

const (
	selectRight = `SELECT org_id, workspace_id, CAST(SUM(files) AS BIGINT), CAST(SUM(bytes) AS BIGINT) FROM (
			SELECT org_id, workspace_id, 1 AS files, 0 AS bytes FROM files
			UNION ALL SELECT org_id, workspace_id, 0, bytes FROM blobs WHERE kind = 'content'
		) AS counted GROUP BY org_id, workspace_id`
	selectCounted = `SELECT org_id, workspace_id, CAST(SUM(files) AS BIGINT), CAST(SUM(bytes) AS BIGINT) FROM usage WHERE day = 0
		GROUP BY org_id, workspace_id`
)

// account is whose use a row of usage counts.
type account struct {
	org satchel.OrgID
	ws  satchel.WorkspaceID
}

// RecountUsage implements meta.UsageRegister. Nothing is written while it looks: rows and counts are those of one moment.
func (s *Store) RecountUsage(ctx context.Context, repair bool) (wrong []meta.WrongUsage, err error) {
	err = s.change(ctx, func(ctx context.Context, tx *transaction) error {
		if err := tx.unit.freeze(ctx); err != nil {
			return err
		}
		if wrong, err = tx.wrongUsage(ctx); err != nil || !repair {
			return err
		}
		return tx.mendUsage(ctx, wrong)
	})
	if err != nil {
		return nil, fmt.Errorf("counting what is used again: %w", err)
	}
	return wrong, nil
}

// mendUsage counts what was not, and takes off what was counted too often.
func (t *transaction) mendUsage(ctx context.Context, wrong []meta.WrongUsage) error {
	for _, w := range wrong {
		missing := satchel.Amount{Files: w.Right.Files - w.Counted.Files, Bytes: w.Right.Bytes - w.Counted.Bytes}
		if err := t.addOne(ctx, w.Org, w.Workspace, missing); err != nil {
			return err
		}
	}
	return nil
}

func (t *transaction) wrongUsage(ctx context.Context) ([]meta.WrongUsage, error) {
	right, err := t.amounts(ctx, selectRight)
	if err != nil {
		return nil, err
	}
	whole := map[account]satchel.Amount{}
	for of, amount := range right {
		whole[account{org: of.org}] = whole[account{org: of.org}].Add(amount)
	}
	maps.Copy(right, whole)
	counted, err := t.amounts(ctx, selectCounted)
	if err != nil {
		return nil, err
	}
	for of := range counted {
		if _, ok := right[of]; !ok {
			right[of] = satchel.Amount{}
		}
	}
	var wrong []meta.WrongUsage
	for of, amount := range right {
		if counted[of] != amount {
			wrong = append(wrong, meta.WrongUsage{Org: of.org, Workspace: of.ws, Counted: counted[of], Right: amount})
		}
	}
	slices.SortFunc(wrong, func(a, b meta.WrongUsage) int {
		return cmp.Or(cmp.Compare(a.Org, b.Org), cmp.Compare(a.Workspace, b.Workspace))
	})
	return wrong, nil
}

func (t *transaction) amounts(ctx context.Context, text string, args ...any) (map[account]satchel.Amount, error) {
	all := map[account]satchel.Amount{}
	_, err := collect(ctx, t.q, func(found rows) (struct{}, error) {
		var of account
		var a satchel.Amount
		err := found.Scan((*string)(&of.org), (*string)(&of.ws), (*integer)(&a.Files), (*integer)(&a.Bytes))
		all[of] = a
		return struct{}{}, err
	}, text, args...)
	return all, err
}
