package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// An id wins over a name: nobody can take over an organization or a user by naming another one like its id.

const (
	selectOrg = `SELECT id, name, created_at FROM orgs WHERE id = $1 UNION ALL
		SELECT id, name, created_at FROM orgs WHERE name = $1 AND id <> $1 LIMIT 1`
	selectUser = `SELECT id, name, created_at FROM users WHERE id = $1 UNION ALL
		SELECT id, name, created_at FROM users WHERE name = $1 AND id <> $1 LIMIT 1`
)

// Org implements meta.TenantReader.
func (r reader) Org(ctx context.Context, idOrName string) (*satchel.Org, error) {
	var org satchel.Org
	var createdAt int64
	if err := r.q.get(ctx, []any{&org.ID, &org.Name, &createdAt}, selectOrg, idOrName); err != nil {
		return nil, notFound(err, "organization", idOrName)
	}
	org.CreatedAt = fromMicros(createdAt)
	return &org, nil
}

// User implements meta.TenantReader.
func (r reader) User(ctx context.Context, idOrName string) (*satchel.User, error) {
	var user satchel.User
	var createdAt int64
	if err := r.q.get(ctx, []any{&user.ID, &user.Name, &createdAt}, selectUser, idOrName); err != nil {
		return nil, notFound(err, "user", idOrName)
	}
	user.CreatedAt = fromMicros(createdAt)
	return &user, nil
}

const selectMember = `SELECT role FROM members WHERE org_id = $1 AND user_id = $2`

// Member implements meta.TenantReader.
func (r reader) Member(ctx context.Context, org satchel.OrgID, user satchel.UserID) (*meta.Member, error) {
	m := &meta.Member{Org: org, User: user}
	if err := r.q.get(ctx, []any{(*string)(&m.Role)}, selectMember, string(org), string(user)); err != nil {
		return nil, notFound(err, "member", string(user))
	}
	return m, nil
}

// One row always: whether there is a workspace, and the access to it.
const selectAccess = `SELECT (SELECT COUNT(*) FROM workspaces WHERE org_id = $1 AND id = $2),
	COALESCE((SELECT access FROM workspace_members WHERE org_id = $1 AND workspace_id = $2 AND user_id = $3), '')`

// WorkspaceAccess implements meta.TenantReader.
func (r reader) WorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID) (bool, satchel.Access, error) {
	var count integer
	var access string
	if err := r.q.get(ctx, []any{&count, &access}, selectAccess, string(org), string(ws), string(user)); err != nil {
		return false, satchel.AccessNone, fmt.Errorf("reading the access to workspace %s: %w", ws, err)
	}
	return count > 0, satchel.Access(access), nil
}

const tokenColumns = `t.id, t.hash, t.org_id, t.user_id, t.role, t.operator, t.workspace_id, t.access, t.created_at,
	COALESCE(t.expires_at, 0), COALESCE(t.last_used_at, 0)`

// tokenRow is where the columns of a token go.
type tokenRow struct {
	token                                    satchel.Token
	operator, createdAt, expiresAt, lastUsed integer
}

func (r *tokenRow) dest() []any {
	t := &r.token
	return []any{
		(*string)(&t.ID), (*hash)(&t.Hash), (*string)(&t.Org), (*string)(&t.User), (*string)(&t.Role), &r.operator, (*string)(&t.Workspace),
		(*string)(&t.Access), &r.createdAt, &r.expiresAt, &r.lastUsed,
	}
}

func (r *tokenRow) read() *satchel.Token {
	r.token.Operator = r.operator != 0
	r.token.CreatedAt = fromMicros(int64(r.createdAt))
	r.token.ExpiresAt = fromMicros(int64(r.expiresAt))
	r.token.LastUsed = fromMicros(int64(r.lastUsed))
	return &r.token
}

// A token of somebody who is no member any more is none.
const selectToken = `SELECT ` + tokenColumns + `, m.role FROM tokens t JOIN members m ON m.org_id = t.org_id AND m.user_id = t.user_id WHERE t.hash = $1`

// TokenByHash implements meta.TenantReader.
func (r reader) TokenByHash(ctx context.Context, hash [32]byte) (*satchel.Token, satchel.Role, error) {
	var row tokenRow
	var role string
	if err := r.q.get(ctx, append(row.dest(), &role), selectToken, hash[:]); err != nil {
		return nil, "", notFound(err, "token", fmt.Sprintf("with hash %x…", hash[:4]))
	}
	return row.read(), satchel.Role(role), nil
}

// TokenOrg implements meta.TenantReader.
func (r reader) TokenOrg(ctx context.Context, id satchel.TokenID) (satchel.OrgID, error) {
	var org string
	if err := r.q.get(ctx, []any{&org}, `SELECT org_id FROM tokens WHERE id = $1`, string(id)); err != nil {
		return "", notFound(err, "token", string(id))
	}
	return satchel.OrgID(org), nil
}

const selectTokens = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.org_id = $1 ORDER BY t.created_at, t.id`

// Tokens implements meta.TenantReader.
func (r reader) Tokens(ctx context.Context, org satchel.OrgID) ([]*satchel.Token, error) {
	return collect(ctx, r.q, func(found rows) (*satchel.Token, error) {
		var row tokenRow
		err := found.Scan(row.dest()...)
		return row.read(), err
	}, selectTokens, string(org))
}

const (
	insertOrg  = `INSERT INTO orgs (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	insertUser = `INSERT INTO users (id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
)

// InsertOrg implements meta.TenantWriter.
func (t *transaction) InsertOrg(ctx context.Context, org satchel.Org) error {
	made, err := t.q.exec(ctx, insertOrg, string(org.ID), org.Name, org.CreatedAt.UnixMicro())
	return inserted(made, err, "organization "+org.Name)
}

// InsertUser implements meta.TenantWriter.
func (t *transaction) InsertUser(ctx context.Context, user satchel.User) error {
	made, err := t.q.exec(ctx, insertUser, string(user.ID), user.Name, user.CreatedAt.UnixMicro())
	return inserted(made, err, "user "+user.Name)
}

const putMember = `INSERT INTO members (org_id, user_id, role) VALUES ($1, $2, $3)
	ON CONFLICT (org_id, user_id) DO UPDATE SET role = excluded.role`

// PutMember implements meta.TenantWriter.
func (t *transaction) PutMember(ctx context.Context, m meta.Member) error {
	if _, err := t.q.exec(ctx, putMember, string(m.Org), string(m.User), string(m.Role)); err != nil {
		return fmt.Errorf("changing member %s: %w", m.User, err)
	}
	return nil
}

const insertWorkspace = `INSERT INTO workspaces (org_id, id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`

// InsertWorkspace implements meta.TenantWriter.
func (t *transaction) InsertWorkspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, now time.Time) (bool, error) {
	made, err := t.q.exec(ctx, insertWorkspace, string(org), string(ws), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("inserting workspace %s: %w", ws, err)
	}
	return made > 0, nil
}

const putAccess = `INSERT INTO workspace_members (org_id, workspace_id, user_id, access) VALUES ($1, $2, $3, $4)
	ON CONFLICT (org_id, workspace_id, user_id) DO UPDATE SET access = excluded.access`

// PutWorkspaceAccess implements meta.TenantWriter.
func (t *transaction) PutWorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID, access satchel.Access) error {
	if _, err := t.q.exec(ctx, putAccess, string(org), string(ws), string(user), string(access)); err != nil {
		return fmt.Errorf("changing the access to workspace %s: %w", ws, err)
	}
	return nil
}

const insertToken = `INSERT INTO tokens (id, hash, org_id, user_id, role, operator, workspace_id, access, created_at, expires_at, last_used_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`

// InsertToken implements meta.TenantWriter.
func (t *transaction) InsertToken(ctx context.Context, token satchel.Token) error {
	made, err := t.q.exec(ctx, insertToken, string(token.ID), token.Hash[:], string(token.Org), string(token.User), string(token.Role),
		flag(token.Operator), string(token.Workspace), string(token.Access), token.CreatedAt.UnixMicro(), orNull(token.ExpiresAt), orNull(token.LastUsed))
	return inserted(made, err, "token "+string(token.ID))
}

// TouchToken implements meta.TenantWriter. A token that is gone stays gone.
func (t *transaction) TouchToken(ctx context.Context, id satchel.TokenID, at time.Time) error {
	if _, err := t.q.exec(ctx, `UPDATE tokens SET last_used_at = $2 WHERE id = $1`, string(id), at.UnixMicro()); err != nil {
		return fmt.Errorf("touching token %s: %w", id, err)
	}
	return nil
}

// DeleteToken implements meta.TenantWriter.
func (t *transaction) DeleteToken(ctx context.Context, org satchel.OrgID, id satchel.TokenID) error {
	gone, err := t.q.exec(ctx, `DELETE FROM tokens WHERE org_id = $1 AND id = $2`, string(org), string(id))
	switch {
	case err != nil:
		return fmt.Errorf("deleting token %s: %w", id, err)
	case gone == 0:
		return satchel.Errorf(satchel.CodeNotFound, "token not found: %s", id)
	}
	return nil
}
