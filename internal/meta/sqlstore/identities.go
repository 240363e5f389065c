package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
)

// external_id <> ” stands in each of these because the indexes are on such rows alone.
const (
	selectOrgByIdentity    = `SELECT ` + orgColumns + ` FROM orgs WHERE issuer = $1 AND external_id = $2 AND external_id <> ''`
	selectMemberByIdentity = `SELECT ` + memberColumns + ` FROM members
		WHERE issuer = $1 AND external_id = $2 AND external_id <> '' AND org_id = $3`
	selectMembersByIdentity = `SELECT ` + memberColumns + ` FROM members
		WHERE issuer = $1 AND external_id = $2 AND external_id <> '' ORDER BY org_id LIMIT $3`
)

// OrgByIdentity implements meta.IdentityReader.
func (r reader) OrgByIdentity(ctx context.Context, identity satchel.Identity) (*satchel.Org, error) {
	var row orgRow
	if err := r.q.get(ctx, row.dest(), selectOrgByIdentity, identity.Issuer, identity.ID); err != nil {
		return nil, notFound(err, "organization", identity.ID)
	}
	org, err := row.read()
	return &org, err
}

// MemberByIdentity implements meta.IdentityReader.
func (r reader) MemberByIdentity(ctx context.Context, org satchel.OrgID, identity satchel.Identity) (*satchel.Member, error) {
	var row memberRow
	if err := r.q.get(ctx, row.dest(), selectMemberByIdentity, identity.Issuer, identity.ID, string(org)); err != nil {
		return nil, notFound(err, "user", identity.ID)
	}
	m := row.read()
	return &m, nil
}

// MembersByIdentity implements meta.IdentityReader.
func (r reader) MembersByIdentity(ctx context.Context, identity satchel.Identity, limit int) ([]satchel.Member, error) {
	return collect(ctx, r.q, scanMember, selectMembersByIdentity, identity.Issuer, identity.ID, limit)
}

// Departed implements meta.IdentityReader.
func (r reader) Departed(ctx context.Context, org satchel.OrgID, identity satchel.Identity) (bool, error) {
	var at integer
	err := r.q.get(ctx, []any{&at}, `SELECT at FROM departures WHERE org_id = $1 AND issuer = $2 AND external_id = $3`,
		string(org), identity.Issuer, identity.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

// InsertDeparture implements meta.IdentityWriter.
func (t *transaction) InsertDeparture(ctx context.Context, org satchel.OrgID, identity satchel.Identity, at time.Time) error {
	_, err := t.q.exec(ctx, `INSERT INTO departures (org_id, issuer, external_id, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		string(org), identity.Issuer, identity.ID, at.UnixMicro())
	if err != nil {
		return fmt.Errorf("noting that %q left %s: %w", identity.ID, org, err)
	}
	return nil
}

// DeleteDeparture implements meta.IdentityWriter.
func (t *transaction) DeleteDeparture(ctx context.Context, org satchel.OrgID, identity satchel.Identity) error {
	_, err := t.q.exec(ctx, `DELETE FROM departures WHERE org_id = $1 AND issuer = $2 AND external_id = $3`, string(org), identity.Issuer, identity.ID)
	if err != nil {
		return fmt.Errorf("forgetting that %q left %s: %w", identity.ID, org, err)
	}
	return nil
}
