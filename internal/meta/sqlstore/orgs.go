package sqlstore

import (
	"context"
	"fmt"

	"github.com/satchel-files/satchel"
)

// An id wins over a name: nobody can take over an organization or a user by naming another one like its id.

const (
	orgColumns = `id, name, issuer, external_id, created_at`
	selectOrg  = `SELECT ` + orgColumns + ` FROM orgs WHERE id = $1 UNION ALL
		SELECT ` + orgColumns + ` FROM orgs WHERE name = $1 AND id <> $1 LIMIT 1`
	selectOrgs = `SELECT ` + orgColumns + ` FROM orgs WHERE id > $1 ORDER BY id LIMIT $2`
)

// orgRow is where the columns of an organization go.
type orgRow struct {
	org       satchel.Org
	createdAt integer
}

func (r *orgRow) dest() []any {
	o := &r.org
	return []any{(*string)(&o.ID), &o.Name, &o.Identity.Issuer, &o.Identity.ID, &r.createdAt}
}

func (r *orgRow) read() satchel.Org {
	r.org.CreatedAt = fromMicros(int64(r.createdAt))
	return r.org
}

// Org implements meta.OrgReader.
func (r reader) Org(ctx context.Context, idOrName string) (*satchel.Org, error) {
	var row orgRow
	if err := r.q.get(ctx, row.dest(), selectOrg, idOrName); err != nil {
		return nil, notFound(err, "organization", idOrName)
	}
	org := row.read()
	return &org, nil
}

// Orgs implements meta.OrgReader.
func (r reader) Orgs(ctx context.Context, page satchel.Slice) ([]satchel.Org, error) {
	return collect(ctx, r.q, func(found rows) (satchel.Org, error) {
		var row orgRow
		err := found.Scan(row.dest()...)
		return row.read(), err
	}, selectOrgs, page.After, page.Limit)
}

const (
	insertOrg = `INSERT INTO orgs (` + orgColumns + `) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`
	updateOrg = `UPDATE orgs SET name = $2, issuer = $3, external_id = $4 WHERE id = $1
		AND NOT EXISTS (SELECT 1 FROM orgs WHERE name = $2 AND id <> $1)
		AND NOT EXISTS (SELECT 1 FROM orgs WHERE issuer = $3 AND external_id = $4 AND external_id <> '' AND id <> $1)`
)

// InsertOrg implements meta.OrgWriter.
func (t *transaction) InsertOrg(ctx context.Context, org satchel.Org) error {
	made, err := t.q.exec(ctx, insertOrg, string(org.ID), org.Name, org.Identity.Issuer, org.Identity.ID, org.CreatedAt.UnixMicro())
	return inserted(made, err, "organization "+org.Name)
}

// UpdateOrg implements meta.OrgWriter.
func (t *transaction) UpdateOrg(ctx context.Context, org satchel.Org) error {
	if _, err := t.Org(ctx, string(org.ID)); err != nil {
		return err
	}
	changed, err := t.q.exec(ctx, updateOrg, string(org.ID), org.Name, org.Identity.Issuer, org.Identity.ID)
	return inserted(changed, err, "organization "+org.Name)
}

// DeleteOrg implements meta.OrgWriter.
func (t *transaction) DeleteOrg(ctx context.Context, id satchel.OrgID) error {
	for _, text := range []string{
		`DELETE FROM tokens WHERE org_id = $1`, `DELETE FROM workspace_members WHERE org_id = $1`, `DELETE FROM workspaces WHERE org_id = $1`,
		`DELETE FROM users WHERE id IN (SELECT user_id FROM members WHERE org_id = $1) 
			AND NOT EXISTS (SELECT 1 FROM members m WHERE m.user_id = users.id AND m.org_id <> $1)`,
		`DELETE FROM members WHERE org_id = $1`, `DELETE FROM departures WHERE org_id = $1`, `DELETE FROM idempotency WHERE org_id = $1`,
	} {
		if _, err := t.q.exec(ctx, text, string(id)); err != nil {
			return fmt.Errorf("deleting organization %s: %w", id, err)
		}
	}
	gone, err := t.q.exec(ctx, `DELETE FROM orgs WHERE id = $1`, string(id))
	return deleted(gone, err, "organization", string(id))
}
