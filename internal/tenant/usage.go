package tenant

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
)

// UsageReport is what an organization uses, and may use.
type UsageReport struct {
	Org   *satchel.Org
	Since time.Time // the first day (UTC) of the tokens
	Total satchel.Usage
	Parts []WorkspaceUse // a page of them, by id
}

// WorkspaceUse is what a workspace uses, and may use.
type WorkspaceUse struct {
	satchel.Usage
	Quota satchel.Quota // of a workspace that is gone: none
}

// Usage tells what an organization (empty: the caller's own) and its workspaces use; tokens are those of so many days, today included. It is for
// owners and admins.
func (s *Service) Usage(ctx context.Context, caller satchel.Caller, orgName string, days int, page satchel.Slice) (*UsageReport, error) {
	caller, org, err := actIn(ctx, s.store, caller, orgName, place{satchel.InQuery, "org"})
	if err != nil {
		return nil, err
	}
	if err := mayInspect(caller); err != nil {
		return nil, err
	}
	now := s.now().UTC()
	r := &UsageReport{Org: org, Since: now.Truncate(24*time.Hour).AddDate(0, 0, 1-days)}
	total, parts, err := s.store.Usage(ctx, org.ID, r.Since, now, page)
	if err != nil {
		return nil, err
	}
	workspaces, err := s.store.Workspaces(ctx, org.ID, "", page)
	if err != nil {
		return nil, err
	}
	r.Total, r.Parts = total, joinUses(parts, workspaces)
	r.Parts = r.Parts[:min(len(r.Parts), page.Limit)]
	return r, nil
}

// joinUses gives all workspaces that have used anything or are there, by id; both come in that order.
func joinUses(parts []satchel.Usage, workspaces []satchel.Workspace) (all []WorkspaceUse) {
	for len(parts)+len(workspaces) > 0 {
		var next WorkspaceUse
		switch {
		case len(parts) > 0:
			next.Workspace = parts[0].Workspace
		default:
			next.Workspace = workspaces[0].ID
		}
		if len(workspaces) > 0 && workspaces[0].ID <= next.Workspace {
			next.Workspace, next.Quota = workspaces[0].ID, workspaces[0].Settings.Quota
			workspaces = workspaces[1:]
		}
		if len(parts) > 0 && parts[0].Workspace == next.Workspace {
			next.Usage = parts[0]
			parts = parts[1:]
		}
		all = append(all, next)
	}
	return all
}
