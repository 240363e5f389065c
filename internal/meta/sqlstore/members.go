package sqlstore

import (
	"context"
	"fmt"

	"github.com/satchel-files/satchel"
)

const (
	memberColumns = `org_id, user_id, name, role, confined, issuer, external_id, created_at`
	selectMember  = `SELECT ` + memberColumns + ` FROM members WHERE org_id = $1 AND user_id = $2 UNION ALL
		SELECT ` + memberColumns + ` FROM members WHERE org_id = $1 AND name = $2 AND user_id <> $2 LIMIT 1`
	selectMembers = `SELECT ` + memberColumns + ` FROM members WHERE org_id = $1 AND user_id > $2 ORDER BY user_id LIMIT $3`
)

// memberRow is where the columns of a member go.
type memberRow struct {
	member              satchel.Member
	confined, createdAt integer
}

func (r *memberRow) dest() []any {
	m := &r.member
	return []any{(*string)(&m.Org), (*string)(&m.User), &m.Name, (*string)(&m.Role), &r.confined, &m.Identity.Issuer, &m.Identity.ID, &r.createdAt}
}

func (r *memberRow) read() satchel.Member {
	r.member.Confined = r.confined != 0
	r.member.CreatedAt = fromMicros(int64(r.createdAt))
	return r.member
}

// Member implements meta.MemberReader.
func (r reader) Member(ctx context.Context, org satchel.OrgID, idOrName string) (*satchel.Member, error) {
	var row memberRow
	if err := r.q.get(ctx, row.dest(), selectMember, string(org), idOrName); err != nil {
		return nil, notFound(err, "user", idOrName)
	}
	m := row.read()
	return &m, nil
}

// Members implements meta.MemberReader.
func (r reader) Members(ctx context.Context, org satchel.OrgID, page satchel.Slice) ([]satchel.Member, error) {
	return collect(ctx, r.q, scanMember, selectMembers, string(org), page.After, page.Limit)
}

func scanMember(found rows) (satchel.Member, error) {
	var row memberRow
	err := found.Scan(row.dest()...)
	return row.read(), err
}

// CountOwners implements meta.MemberReader.
func (r reader) CountOwners(ctx context.Context, org satchel.OrgID) (int, error) {
	var count integer
	err := r.q.get(ctx, []any{&count}, `SELECT COUNT(*) FROM members WHERE org_id = $1 AND role = $2`, string(org), string(satchel.RoleOwner))
	if err != nil {
		return 0, fmt.Errorf("counting the owners of %s: %w", org, err)
	}
	return int(count), nil
}

const (
	insertUser   = `INSERT INTO users (id, created_at) VALUES ($1, $2) ON CONFLICT DO NOTHING`
	insertMember = `INSERT INTO members (` + memberColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING`
	updateMember = `UPDATE members SET name = $3, role = $4, confined = $5, issuer = $6, external_id = $7 WHERE org_id = $1 AND user_id = $2
		AND NOT EXISTS (SELECT 1 FROM members WHERE org_id = $1 AND name = $3 AND user_id <> $2)
		AND NOT EXISTS (SELECT 1 FROM members WHERE issuer = $6 AND external_id = $7 AND external_id <> '' AND org_id = $1 AND user_id <> $2)`
)

// InsertMember implements meta.MemberWriter.
func (t *transaction) InsertMember(ctx context.Context, m satchel.Member) error {
	if _, err := t.q.exec(ctx, insertUser, string(m.User), m.CreatedAt.UnixMicro()); err != nil {
		return fmt.Errorf("inserting user %s: %w", m.User, err)
	}
	made, err := t.q.exec(ctx, insertMember, string(m.Org), string(m.User), m.Name, string(m.Role), flag(m.Confined),
		m.Identity.Issuer, m.Identity.ID, m.CreatedAt.UnixMicro())
	return inserted(made, err, "user "+m.Name)
}

// UpdateMember implements meta.MemberWriter.
func (t *transaction) UpdateMember(ctx context.Context, m satchel.Member) error {
	if _, err := t.Member(ctx, m.Org, string(m.User)); err != nil {
		return err
	}
	changed, err := t.q.exec(ctx, updateMember, string(m.Org), string(m.User), m.Name, string(m.Role), flag(m.Confined), m.Identity.Issuer, m.Identity.ID)
	return inserted(changed, err, "user "+m.Name)
}

// DeleteMember implements meta.MemberWriter.
func (t *transaction) DeleteMember(ctx context.Context, org satchel.OrgID, user satchel.UserID) error {
	for _, text := range []string{`DELETE FROM tokens WHERE org_id = $1 AND user_id = $2`, `DELETE FROM workspace_members WHERE org_id = $1 AND user_id = $2`} {
		if _, err := t.q.exec(ctx, text, string(org), string(user)); err != nil {
			return fmt.Errorf("deleting user %s: %w", user, err)
		}
	}
	gone, err := t.q.exec(ctx, `DELETE FROM members WHERE org_id = $1 AND user_id = $2`, string(org), string(user))
	if err := deleted(gone, err, "user", string(user)); err != nil {
		return err
	}
	_, err = t.q.exec(ctx, `DELETE FROM users WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM members WHERE user_id = $1)`, string(user))
	return err
}
