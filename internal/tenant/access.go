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
	org, err := orgCalled(ctx, s.store, strict)
	if err != nil && satchel.CodeOf(err) != satchel.CodeNotFound {
		return satchel.Caller{}, err
	}
	if err != nil || org.ID != caller.Org {
		return satchel.Caller{}, place{satchel.InHeader, "X-Activeloop-Org-Id"}.notFound("Organization", strict)
	}
	return caller, nil
}

// Enter gives the scope of a caller in a workspace, or says why not: CodeWorkspaceForbidden for one that the caller has no part in,
// CodeReadOnly where it may read and wants to write. A workspace that does not exist can be entered by whoever is not
// confined, by the user or the token: it is empty, and the first upload makes it; on a closed installation it is CodeNotFound.
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
	if !includes(caller, ws) {
		return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
	}
	if ws == satchel.DefaultWorkspace && !caller.Confined {
		return scopeOf(caller, ws, satchel.AccessWriter), nil
	}
	exists, given, err := s.store.WorkspaceAccess(ctx, caller.Org, ws, caller.User)
	if err != nil {
		return satchel.Scope{}, err
	}
	if everywhere(caller) {
		given = satchel.AccessWriter
	}
	if !exists {
		return s.reachUnknown(ctx, caller, ws, given)
	}
	if given == satchel.AccessNone {
		return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
	}
	return scopeOf(caller, ws, given), nil
}

// reachUnknown is for a workspace that does not exist, or not any more: nobody enters one that is being deleted, while its files are still there.
func (s *Service) reachUnknown(ctx context.Context, caller satchel.Caller, ws satchel.WorkspaceID, given satchel.Access) (satchel.Scope, error) {
	w, err := s.store.Workspace(ctx, caller.Org, ws)
	leaving := err == nil
	switch {
	case err != nil && satchel.CodeOf(err) != satchel.CodeNotFound:
		return satchel.Scope{}, err
	case leaving && w.Doomed.IsZero():
		return s.reach(ctx, caller, ws) // it was made meanwhile
	case leaving && given != satchel.AccessNone:
		return satchel.Scope{}, &satchel.Error{
			Code: satchel.CodeNotFound, Message: "workspace \"" + string(ws) + "\" is being deleted", In: satchel.InQuery, Param: "workspace",
		}
	case leaving || caller.Confined || len(caller.Workspaces) > 0: // whom mayMakeWorkspace refuses
		return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
	case s.closed:
		return satchel.Scope{}, place{satchel.InQuery, "workspace"}.notFound("Workspace", string(ws))
	}
	scope := scopeOf(caller, ws, satchel.AccessWriter)
	scope.Fresh = true
	return scope, nil
}

// accessTo gives what the caller may do in a workspace, were it not being deleted; AccessNone: it has no part in it.
func (s *Service) accessTo(ctx context.Context, caller satchel.Caller, ws satchel.WorkspaceID) (access satchel.Access, err error) {
	switch {
	case !includes(caller, ws):
		return satchel.AccessNone, nil
	case everywhere(caller), ws == satchel.DefaultWorkspace && !caller.Confined:
		access = satchel.AccessWriter
	default:
		_, access, err = s.store.WorkspaceAccess(ctx, caller.Org, ws, caller.User)
	}
	if err != nil || access == satchel.AccessNone {
		return satchel.AccessNone, err
	}
	return scopeOf(caller, ws, access).Access, nil
}

// includes reports whether the caller's token is not narrowed to other workspaces.
func includes(caller satchel.Caller, ws satchel.WorkspaceID) bool {
	return len(caller.Workspaces) == 0 || slices.Contains(caller.Workspaces, ws)
}

// scopeOf gives the scope of a caller who has this access to a workspace, less what its token leaves out.
func scopeOf(caller satchel.Caller, ws satchel.WorkspaceID, access satchel.Access) satchel.Scope {
	if caller.ReadOnly {
		access = satchel.AccessViewer
	}
	return satchel.Scope{
		Org: caller.Org, Workspace: ws, User: caller.User, Access: access, Anywhere: everywhere(caller), Token: caller.Token, Origin: caller.Origin,
	}
}

// everywhere reports whether a caller has part in every workspace of its organization.
func everywhere(caller satchel.Caller) bool {
	return caller.Role == satchel.RoleOwner || caller.Role == satchel.RoleAdmin
}
