package tenant

import (
	"context"
	"slices"

	"github.com/satchel-files/satchel"
)

// lesser gives the role with fewer rights.
func lesser(a, b satchel.Role) satchel.Role {
	for _, role := range []satchel.Role{satchel.RoleMember, satchel.RoleAdmin} {
		if a == role || b == role {
			return role
		}
	}
	return a
}

// SelectOrg applies a request's choice of organization. A token speaks for one organization, so the choice can only confirm it: strict naming
// another is CodeNotFound, and a hint that names another is ignored.
func (s *Service) SelectOrg(ctx context.Context, caller satchel.Caller, strict string) (satchel.Caller, error) {
	if strict == "" || strict == string(caller.Org) {
		return caller, nil
	}
	org, err := s.store.Org(ctx, strict)
	if err != nil && satchel.CodeOf(err) != satchel.CodeNotFound {
		return satchel.Caller{}, err
	}
	if err != nil || org.ID != caller.Org {
		return satchel.Caller{}, &satchel.Error{
			Code: satchel.CodeNotFound, Message: "Organization not found: " + strict,
			In: satchel.InHeader, Param: "X-Activeloop-Org-Id",
		}
	}
	return caller, nil
}

// Enter gives the scope of a caller in a workspace, or says why not: CodeWorkspaceForbidden for one that the caller has no part in,
// CodeReadOnly where it may read and wants to write. A workspace that does not exist can be entered by whoever is not
// confined: it is empty, and the first upload makes it; on a closed installation it is CodeNotFound.
func (s *Service) Enter(ctx context.Context, caller satchel.Caller, ws satchel.WorkspaceID, want satchel.Access) (satchel.Scope, error) {
	scope, err := s.reach(ctx, caller, ws)
	if err != nil {
		return satchel.Scope{}, err
	}
	if !scope.Access.Allows(want) {
		return satchel.Scope{}, &satchel.Error{
			Code: satchel.CodeReadOnly, Message: "you may read in workspace \"" + string(ws) + "\" but not change anything in it",
			In: satchel.InQuery, Param: "workspace",
		}
	}
	return scope, nil
}

// reach gives the scope with all that the caller may do in a workspace, or says why it may do nothing.
func (s *Service) reach(ctx context.Context, caller satchel.Caller, ws satchel.WorkspaceID) (satchel.Scope, error) {
	if len(caller.Workspaces) > 0 && !slices.Contains(caller.Workspaces, ws) {
		return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
	}
	scope := satchel.Scope{Org: caller.Org, Workspace: ws, User: caller.User, Access: satchel.AccessWriter, Anywhere: everywhere(caller)}
	known := ws == satchel.DefaultWorkspace && !caller.Confined || scope.Anywhere && !s.closed
	if !known {
		exists, access, err := s.store.WorkspaceAccess(ctx, caller.Org, ws, caller.User)
		switch {
		case err != nil:
			return satchel.Scope{}, err
		case exists && !scope.Anywhere:
			scope.Access = access
		case !exists && caller.Confined:
			return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
		case !exists && s.closed:
			return satchel.Scope{}, workspaceNotFound(ws, satchel.InQuery, "workspace")
		}
		scope.Fresh = !exists
	}
	if scope.Access == satchel.AccessNone {
		return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
	}
	if caller.ReadOnly {
		scope.Access = satchel.AccessViewer
	}
	return scope, nil
}

// everywhere reports whether a caller has part in every workspace of its organization.
func everywhere(caller satchel.Caller) bool {
	return caller.Role == satchel.RoleOwner || caller.Role == satchel.RoleAdmin
}

func workspaceNotFound(ws satchel.WorkspaceID, in, param string) error {
	return &satchel.Error{Code: satchel.CodeNotFound, Message: "Workspace not found: " + string(ws), In: in, Param: param}
}
