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
	r.Total = total
	for _, part := range parts {
		rules, err := s.store.Rules(ctx, satchel.Scope{Org: org.ID, Workspace: part.Workspace})
		if err != nil {
			return nil, err
		}
		r.Parts = append(r.Parts, WorkspaceUse{part, rules.Workspace.Quota})
	}
	return r, nil
}
