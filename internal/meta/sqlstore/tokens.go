package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
)

const tokenColumns = `t.id, t.hash, t.org_id, t.user_id, t.role, t.operator, t.workspaces, t.read_only, t.created_at,
	COALESCE(t.expires_at, 0), COALESCE(t.last_used_at, 0)`

// tokenRow is where the columns of a token go.
type tokenRow struct {
	token                                              satchel.Token
	workspaces                                         string
	operator, readOnly, createdAt, expiresAt, lastUsed integer
}

func (r *tokenRow) dest() []any {
	t := &r.token
	return []any{
		(*string)(&t.ID), (*hash)(&t.Hash), (*string)(&t.Org), (*string)(&t.User), (*string)(&t.Role), &r.operator, &r.workspaces, &r.readOnly,
		&r.createdAt, &r.expiresAt, &r.lastUsed,
	}
}

func (r *tokenRow) read() *satchel.Token {
	r.token.Operator, r.token.ReadOnly = r.operator != 0, r.readOnly != 0
	for ws := range strings.FieldsSeq(r.workspaces) {
		r.token.Workspaces = append(r.token.Workspaces, satchel.WorkspaceID(ws))
	}
	r.token.CreatedAt = fromMicros(int64(r.createdAt))
	r.token.ExpiresAt = fromMicros(int64(r.expiresAt))
	r.token.LastUsed = fromMicros(int64(r.lastUsed))
	return &r.token
}

const selectTokenByHash = `SELECT ` + tokenColumns + `, m.org_id, m.user_id, m.name, m.role, m.confined, m.issuer, m.external_id, m.created_at
	FROM tokens t JOIN members m ON m.org_id = t.org_id AND m.user_id = t.user_id WHERE t.hash = $1`

// TokenByHash implements meta.TokenReader.
func (r reader) TokenByHash(ctx context.Context, hash [32]byte) (*satchel.Token, *satchel.Member, error) {
	var row tokenRow
	var member memberRow
	if err := r.q.get(ctx, append(row.dest(), member.dest()...), selectTokenByHash, hash[:]); err != nil {
		return nil, nil, notFound(err, "token", fmt.Sprintf("with hash %x…", hash[:4]))
	}
	m := member.read()
	return row.read(), &m, nil
}

const selectToken = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.id = $1`

// Token implements meta.TokenReader.
func (r reader) Token(ctx context.Context, id satchel.TokenID) (*satchel.Token, error) {
	var row tokenRow
	if err := r.q.get(ctx, row.dest(), selectToken, string(id)); err != nil {
		return nil, notFound(err, "token", string(id))
	}
	return row.read(), nil
}

const selectTokens = `SELECT ` + tokenColumns + ` FROM tokens t WHERE t.org_id = $1 ORDER BY t.created_at, t.id`

// Tokens implements meta.TokenReader.
func (r reader) Tokens(ctx context.Context, org satchel.OrgID) ([]*satchel.Token, error) {
	return collect(ctx, r.q, func(found rows) (*satchel.Token, error) {
		var row tokenRow
		err := found.Scan(row.dest()...)
		return row.read(), err
	}, selectTokens, string(org))
}

const insertToken = `INSERT INTO tokens (id, hash, org_id, user_id, role, operator, workspaces, read_only, created_at, expires_at, last_used_at)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`

// InsertToken implements meta.TokenWriter.
func (t *transaction) InsertToken(ctx context.Context, token satchel.Token) error {
	made, err := t.q.exec(ctx, insertToken, string(token.ID), token.Hash[:], string(token.Org), string(token.User), string(token.Role),
		flag(token.Operator), joined(token.Workspaces), flag(token.ReadOnly), token.CreatedAt.UnixMicro(), orNull(token.ExpiresAt), orNull(token.LastUsed))
	return inserted(made, err, "token "+string(token.ID))
}

// TouchToken implements meta.TokenWriter. A token that is gone stays gone.
func (t *transaction) TouchToken(ctx context.Context, id satchel.TokenID, at time.Time) error {
	if _, err := t.q.exec(ctx, `UPDATE tokens SET last_used_at = $2 WHERE id = $1`, string(id), at.UnixMicro()); err != nil {
		return fmt.Errorf("touching token %s: %w", id, err)
	}
	return nil
}

// DeleteToken implements meta.TokenWriter.
func (t *transaction) DeleteToken(ctx context.Context, org satchel.OrgID, id satchel.TokenID) error {
	gone, err := t.q.exec(ctx, `DELETE FROM tokens WHERE org_id = $1 AND id = $2`, string(org), string(id))
	return deleted(gone, err, "token", string(id))
}

// joined writes ids as a column has them.
func joined(ids []satchel.WorkspaceID) string {
	all := make([]string, len(ids))
	for i, id := range ids {
		all[i] = string(id)
	}
	return strings.Join(all, " ")
}
