package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
)

const (
	// One row always: whether there is a workspace, and the access to it.
	selectAccess = `SELECT (SELECT COUNT(*) FROM workspaces WHERE org_id = $1 AND id = $2 AND doomed_at IS NULL),
		COALESCE((SELECT access FROM workspace_members WHERE org_id = $1 AND workspace_id = $2 AND user_id = $3), '')`

	workspaceColumns = `w.org_id, w.id, w.name, w.created_at, COALESCE(w.doomed_at, 0), w.settings`
	selectWorkspace  = `SELECT ` + workspaceColumns + ` FROM workspaces w WHERE w.org_id = $1 AND w.id = $2`
	selectWorkspaces = `SELECT ` + workspaceColumns + ` FROM workspaces w WHERE w.org_id = $1 AND w.id > $2 ORDER BY w.id LIMIT $3`
	selectWorkplaces = `SELECT ` + workspaceColumns + ` FROM workspace_members m JOIN workspaces w ON w.org_id = m.org_id AND w.id = m.workspace_id
		WHERE m.org_id = $1 AND m.user_id = $2 AND m.workspace_id > $3 ORDER BY m.workspace_id LIMIT $4`
	selectWorkspaceUsers = `SELECT m.user_id, COALESCE(u.name, ''), m.access FROM workspace_members m
		LEFT JOIN members u ON u.org_id = m.org_id AND u.user_id = m.user_id
		WHERE m.org_id = $1 AND m.workspace_id = $2 AND m.user_id > $3 ORDER BY m.user_id LIMIT $4`
)

// WorkspaceAccess is what meta.WorkspaceReader says, for a transaction that goes on to put something into the workspace: it is there until the commit.
func (t *transaction) WorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID) (bool, satchel.Access, error) {
	if err := t.unit.lock(ctx, lock{topic: lockPlaces, shared: true}); err != nil {
		return false, satchel.AccessNone, err
	}
	return t.reader.WorkspaceAccess(ctx, org, ws, user)
}

// Alone implements meta.TenantWriter.
func (t *transaction) Alone(ctx context.Context) error {
	if err := t.unit.lock(ctx, lock{topic: lockPlaces}); err != nil {
		return err
	}
	return t.unit.flush(ctx)
}

// WorkspaceAccess implements meta.WorkspaceReader.
func (r reader) WorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID) (bool, satchel.Access, error) {
	var count integer
	var access string
	if err := r.q.get(ctx, []any{&count, &access}, selectAccess, string(org), string(ws), string(user)); err != nil {
		return false, satchel.AccessNone, fmt.Errorf("reading the access to workspace %s: %w", ws, err)
	}
	return count > 0, satchel.Access(access), nil
}

// workspaceRow is where the columns of a workspace go.
type workspaceRow struct {
	workspace         satchel.Workspace
	createdAt, doomed integer
	settings          string
}

func (r *workspaceRow) dest() []any {
	w := &r.workspace
	return []any{(*string)(&w.Org), (*string)(&w.ID), &w.Name, &r.createdAt, &r.doomed, &r.settings}
}

func (r *workspaceRow) read() (_ satchel.Workspace, err error) {
	r.workspace.CreatedAt, r.workspace.Doomed = fromMicros(int64(r.createdAt)), fromMicros(int64(r.doomed))
	if r.workspace.Settings, err = readSettings(r.settings); err != nil {
		err = fmt.Errorf("the settings of workspace %s: %w", r.workspace.ID, err)
	}
	return r.workspace, err
}

// Workspace implements meta.WorkspaceReader.
func (r reader) Workspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID) (*satchel.Workspace, error) {
	var row workspaceRow
	if err := r.q.get(ctx, row.dest(), selectWorkspace, string(org), string(ws)); err != nil {
		return nil, notFound(err, "workspace", string(ws))
	}
	w, err := row.read()
	return &w, err
}

// Workspaces implements meta.WorkspaceReader.
func (r reader) Workspaces(ctx context.Context, org satchel.OrgID, user satchel.UserID, page satchel.Slice) ([]satchel.Workspace, error) {
	scan := func(found rows) (satchel.Workspace, error) {
		var row workspaceRow
		if err := found.Scan(row.dest()...); err != nil {
			return row.workspace, err
		}
		return row.read()
	}
	if user == "" {
		return collect(ctx, r.q, scan, selectWorkspaces, string(org), page.After, page.Limit)
	}
	return collect(ctx, r.q, scan, selectWorkplaces, string(org), string(user), page.After, page.Limit)
}

// WorkspaceUsers implements meta.WorkspaceReader.
func (r reader) WorkspaceUsers(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, page satchel.Slice) ([]satchel.WorkspaceUser, error) {
	return collect(ctx, r.q, func(found rows) (satchel.WorkspaceUser, error) {
		var u satchel.WorkspaceUser
		err := found.Scan(&u.User, &u.Name, &u.Access)
		return u, err
	}, selectWorkspaceUsers, string(org), string(ws), page.After, page.Limit)
}

const (
	insertWorkspace = `INSERT INTO workspaces (org_id, id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
	updateWorkspace = `UPDATE workspaces SET name = $3, doomed_at = $4, settings = $5 WHERE org_id = $1 AND id = $2`
	putAccess       = `INSERT INTO workspace_members (org_id, workspace_id, user_id, access) VALUES ($1, $2, $3, $4)
		ON CONFLICT (org_id, workspace_id, user_id) DO UPDATE SET access = excluded.access`
	deleteAccess = `DELETE FROM workspace_members WHERE org_id = $1 AND workspace_id = $2 AND user_id = $3`
)

// InsertWorkspace implements meta.WorkspaceWriter.
func (t *transaction) InsertWorkspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, now time.Time) (bool, error) {
	made, err := t.q.exec(ctx, insertWorkspace, string(org), string(ws), now.UnixMicro())
	if err != nil {
		return false, fmt.Errorf("inserting workspace %s: %w", ws, err)
	}
	return made > 0, nil
}

// UpdateWorkspace implements meta.WorkspaceWriter.
func (t *transaction) UpdateWorkspace(ctx context.Context, w satchel.Workspace) error {
	settings, err := writeSettings(w.Settings)
	if err != nil {
		return err
	}
	changed, err := t.q.exec(ctx, updateWorkspace, string(w.Org), string(w.ID), w.Name, orNull(w.Doomed), settings)
	return deleted(changed, err, "workspace", string(w.ID))
}

// forgetWorkspace takes a workspace from the tokens that are narrowed to several: who makes it anew does not mean them.
const forgetWorkspace = `UPDATE tokens SET workspaces = TRIM(REPLACE(' ' || workspaces || ' ', $2, ' ')) WHERE org_id = $1 AND workspaces LIKE '% %'`

// DeleteWorkspace implements meta.WorkspaceWriter.
func (t *transaction) DeleteWorkspace(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID) error {
	for _, step := range [][2]string{
		{`DELETE FROM tokens WHERE org_id = $1 AND workspaces = $2`, string(ws)},
		{forgetWorkspace, " " + string(ws) + " "},
		{`DELETE FROM workspace_members WHERE org_id = $1 AND workspace_id = $2`, string(ws)},
	} {
		if _, err := t.q.exec(ctx, step[0], string(org), step[1]); err != nil {
			return fmt.Errorf("deleting workspace %s: %w", ws, err)
		}
	}
	gone, err := t.q.exec(ctx, `DELETE FROM workspaces WHERE org_id = $1 AND id = $2`, string(org), string(ws))
	return deleted(gone, err, "workspace", string(ws))
}

// PutWorkspaceAccess implements meta.WorkspaceWriter.
func (t *transaction) PutWorkspaceAccess(ctx context.Context, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID, access satchel.Access) error {
	text, args := putAccess, []any{string(org), string(ws), string(user), string(access)}
	if access == satchel.AccessNone {
		text, args = deleteAccess, args[:3]
	}
	if _, err := t.q.exec(ctx, text, args...); err != nil {
		return fmt.Errorf("changing the access to workspace %s: %w", ws, err)
	}
	return nil
}
