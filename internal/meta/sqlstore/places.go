package sqlstore

import (
	"context"
	"fmt"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// selectPlace gives one row always. It is one statement, because every upload runs it, and on a database elsewhere waits for it.
const selectPlace = `SELECT CASE WHEN w.id IS NULL OR w.doomed_at IS NOT NULL THEN 0 ELSE 1 END, COALESCE(g.access, ''),
	COALESCE(m.role, ''), COALESCE(m.confined, 0), COALESCE(o.quota, ''), COALESCE(w.settings, '')
	FROM (SELECT 1) AS one
	LEFT JOIN orgs o ON o.id = $1
	LEFT JOIN workspaces w ON w.org_id = $1 AND w.id = $2
	LEFT JOIN workspace_members g ON g.org_id = $1 AND g.workspace_id = $2 AND g.user_id = $3
	LEFT JOIN members m ON m.org_id = $1 AND m.user_id = $3`

// Place implements meta.PlaceReader.
func (t *transaction) Place(ctx context.Context, scope satchel.Scope) (place meta.Place, err error) {
	if err := scope.Check(); err != nil {
		return place, err
	}
	if err := t.unit.lock(ctx, lock{topic: lockPlaces, shared: true}); err != nil {
		return place, err
	}
	var exists, confined integer
	var quota, settings string
	dest := []any{&exists, (*string)(&place.Access), (*string)(&place.Role), &confined, &quota, &settings}
	if err = t.q.get(ctx, dest, selectPlace, string(scope.Org), string(scope.Workspace), string(scope.User)); err == nil {
		place.Exists, place.Confined = exists != 0, confined != 0
		place.Rules, err = readRules(quota, settings)
	}
	if err != nil {
		return place, fmt.Errorf("reading what holds in workspace %s: %w", scope.Workspace, err)
	}
	return place, nil
}
