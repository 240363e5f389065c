package sqlstore

import (
	"context"
	"fmt"

	"github.com/satchel-files/satchel"
)

// An id wins over a name: nobody can take over an organization or a user by naming another one like its id.

const (
	orgColumns = `id, name, issuer, external_id, created_at, quota`
	selectOrg  = `SELECT ` + orgColumns + ` FROM orgs WHERE id = $1 UNION ALL
		SELECT ` + orgColumns + ` FROM orgs WHERE name = $1 AND id <> $1 LIMIT 1`
	selectOrgs = `SELECT ` + orgColumns + ` FROM orgs WHERE id > $1 ORDER BY id LIMIT $2`
)

// orgRow is where the columns of an organization go.
type orgRow struct {
	org       satchel.Org
	createdAt integer
	quota     string
}

func (r *orgRow) dest() []any {
	o := &r.org
	return []any{(*string)(&o.ID), &o.Name, &o.Identity.Issuer, &o.Identity.ID, &r.createdAt, &r.quota}
}

func (r *orgRow) read() (_ satchel.Org, err error) {
	r.org.CreatedAt = fromMicros(int64(r.createdAt))
	if r.org.Quota, err = readQuota(r.quota); err != nil {
		err = fmt.Errorf("the quota of organization %s: %w", r.org.ID, err)
	}
	return r.org, err
}

// Org implements meta.OrgReader.
func (r reader) Org(ctx context.Context, idOrName string) (*satchel.Org, error) {
	var row orgRow
	if err := r.q.get(ctx, row.dest(), selectOrg, idOrName); err != nil {
		return nil, notFound(err, "organization", idOrName)
	}
	org, err := row.read()
	return &org, err
}

// Orgs implements meta.OrgReader.
func (r reader) Orgs(ctx context.Context, page satchel.Slice) ([]satchel.Org, error) {
	return collect(ctx, r.q, func(found rows) (satchel.Org, error) {
		var row orgRow
		if err := found.Scan(row.dest()...); err != nil {
			return row.org, err
		}
		return row.read()
	}, selectOrgs, page.After, page.Limit)
}

const (
	insertOrg = `INSERT INTO orgs (` + orgColumns + `) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`
	updateOrg = `UPDATE orgs SET name = $2, issuer = $3, external_id = $4, quota = $5 WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM orgs WHERE name = $2 AND id <> $1)
		AND NOT EXISTS (SELECT 1 FROM orgs WHERE issuer = $3 AND external_id = $4 AND external_id <> '' AND id <> $1)`
)

// InsertOrg implements meta.OrgWriter.
func (t *transaction) InsertOrg(ctx context.Context, org satchel.Org) error {
	quota, err := writeQuota(org.Quota)
	if err != nil {
		return err
	}
	made, err := t.q.exec(ctx, insertOrg, string(org.ID), org.Name, org.Identity.Issuer, org.Identity.ID, org.CreatedAt.UnixMicro(), quota)
	return inserted(made, err, "organization "+org.Name)
}

// UpdateOrg implements meta.OrgWriter.
func (t *transaction) UpdateOrg(ctx context.Context, org satchel.Org) error {
	if _, err := t.Org(ctx, string(org.ID)); err != nil {
		return err
	}
	quota, err := writeQuota(org.Quota)
	if err != nil {
		return err
	}
	changed, err := t.q.exec(ctx, updateOrg, string(org.ID), org.Name, org.Identity.Issuer, org.Identity.ID, quota)
	return inserted(changed, err, "organization "+org.Name)
}

// DeleteOrg implements meta.OrgWriter.
func (t *transaction) DeleteOrg(ctx context.Context, id satchel.OrgID) error {
	for _, text := range []string{
		`DELETE FROM tokens WHERE org_id = $1`, `DELETE FROM workspace_members WHERE org_id = $1`, `DELETE FROM workspaces WHERE org_id = $1`,
		`DELETE FROM users WHERE id IN (SELECT user_id FROM members WHERE org_id = $1) 
			AND NOT EXISTS (SELECT 1 FROM members m WHERE m.user_id = users.id AND m.org_id <> $1)`,
		`DELETE FROM members WHERE org_id = $1`, `DELETE FROM departures WHERE org_id = $1`, `DELETE FROM idempotency WHERE org_id = $1`,
		t.dialect.deleteUsage,
		`DELETE FROM reservations WHERE org_id = $1`,
	} {
		if _, err := t.q.exec(ctx, text, string(id)); err != nil {
			return fmt.Errorf("deleting organization %s: %w", id, err)
		}
	}
	gone, err := t.q.exec(ctx, `DELETE FROM orgs WHERE id = $1`, string(id))
	return deleted(gone, err, "organization", string(id))
}
