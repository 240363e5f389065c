package tenant

import (
	"context"
	"reflect"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func pathWorkspace() place { return place{satchel.InPath, "workspace_id"} }

// Place is a workspace, with what the caller may do there.
type Place struct {
	satchel.Workspace
	Access satchel.Access
	Left   int64 // of one that is being deleted: files that are still there
}

// Workspaces gives a page, by id, of the workspaces in which the caller has part: all of them for owners and admins.
func (s *Service) Workspaces(ctx context.Context, caller satchel.Caller, page satchel.Slice) ([]Place, error) {
	user := caller.User
	if everywhere(caller) {
		user = ""
	}
	var places []Place
	for rest := page; ; {
		some, err := s.store.Workspaces(ctx, caller.Org, user, rest)
		if err != nil {
			return nil, err
		}
		for _, w := range some {
			access, err := s.accessTo(ctx, caller, w.ID)
			if err != nil {
				return nil, err
			}
			if access != satchel.AccessNone && len(places) < page.Limit {
				places = append(places, Place{Workspace: w, Access: access})
			}
		}
		if len(some) < page.Limit || len(places) == page.Limit {
			return s.withDefault(ctx, caller, page, places)
		}
		rest.After = string(some[len(some)-1].ID)
	}
}

// withDefault adds the default workspace for whoever has it by being a member, and was not given it by name.
func (s *Service) withDefault(ctx context.Context, caller satchel.Caller, page satchel.Slice, places []Place) ([]Place, error) {
	at, there := slices.BinarySearchFunc(places, satchel.DefaultWorkspace, func(p Place, id satchel.WorkspaceID) int { return strings.Compare(string(p.ID), string(id)) })
	if there || string(satchel.DefaultWorkspace) <= page.After || at == page.Limit {
		return places, nil
	}
	access, err := s.accessTo(ctx, caller, satchel.DefaultWorkspace)
	if err != nil || access == satchel.AccessNone {
		return places, err
	}
	w, err := s.store.Workspace(ctx, caller.Org, satchel.DefaultWorkspace)
	if err != nil {
		return nil, err
	}
	places = slices.Insert(places, at, Place{Workspace: *w, Access: access})
	return places[:min(len(places), page.Limit)], nil
}

// Workspace gives a workspace in which the caller has part, one that is being deleted too; CodeNotFound if there is none,
// CodeWorkspaceForbidden if it has none in it.
func (s *Service) Workspace(ctx context.Context, caller satchel.Caller, id satchel.WorkspaceID) (*Place, error) {
	access, err := s.accessTo(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	w, err := s.store.Workspace(ctx, caller.Org, id)
	missing := satchel.CodeOf(err) == satchel.CodeNotFound
	switch {
	case missing && includes(caller, id) && !caller.Confined:
		return nil, pathWorkspace().notFound("Workspace", string(id))
	case err != nil && !missing:
		return nil, err
	case missing || access == satchel.AccessNone:
		return nil, satchel.WorkspaceForbidden(id)
	}
	p := &Place{Workspace: *w, Access: access}
	if !w.Doomed.IsZero() {
		_, used, err := s.store.Used(ctx, satchel.Scope{Org: caller.Org, Workspace: id}, "", s.now())
		if err != nil {
			return nil, err
		}
		p.Left = used.Files
	}
	return p, nil
}

// WorkspaceRequest describes a new workspace, or what shall change of one: nil stays. Settings are for owners and admins.
type WorkspaceRequest struct {
	Name     *string
	Settings satchel.SettingsPatch
}

// note is what the audit tells of the request.
func (r WorkspaceRequest) note() map[string]any {
	return noteOf(r.Name, "settings", r.Settings.Names())
}

// Check finds what is wrong with a request by itself.
func (r WorkspaceRequest) Check() error { return r.apply(new(satchel.Workspace)) }

// CheckNew is Check for a request to make a workspace of this id.
func (r WorkspaceRequest) CheckNew(id satchel.WorkspaceID) error {
	return r.describe(&satchel.Workspace{ID: id})
}

// describe is apply for a new workspace.
func (r WorkspaceRequest) describe(w *satchel.Workspace) error {
	var faults satchel.Faults
	if w.ID == null {
		faults.Add(nullWorkspace("id"))
	}
	faults.Add(r.apply(w))
	return faults.Err()
}

// apply finds what is wrong with the request by itself, and applies it to w.
func (r WorkspaceRequest) apply(w *satchel.Workspace) error {
	switch {
	case r.Name == nil || *r.Name == w.Name:
	case *r.Name == "":
		w.Name = ""
	default:
		name, err := displayName("name", *r.Name)
		if err != nil {
			return err
		}
		w.Name = name
	}
	w.Settings = r.Settings.Apply(w.Settings)
	return nil
}

// CreateWorkspace makes a workspace, its maker a writer in it. It is for owners, admins, and, unless the installation is closed, members who are
// not confined. CodeExists if there is one of that id.
func (s *Service) CreateWorkspace(ctx context.Context, caller satchel.Caller, id satchel.WorkspaceID, r WorkspaceRequest) (*Place, error) {
	if err := s.mayMakeWorkspace(caller); err != nil {
		return nil, err
	}
	if r.Settings != (satchel.SettingsPatch{}) {
		if err := mayAdminister(caller); err != nil {
			return nil, err
		}
	}
	made := satchel.Workspace{Org: caller.Org, ID: id, CreatedAt: s.now()}
	if err := r.describe(&made); err != nil {
		return nil, err
	}
	err := s.change(ctx, func(ctx context.Context, tx meta.Tx) (satchel.AuditEntry, error) {
		entry := didIn(caller, id, "createWorkspace", string(id), r.note())
		fresh, err := tx.InsertWorkspace(ctx, caller.Org, id, made.CreatedAt)
		if err != nil {
			return entry, err
		}
		if !fresh {
			return entry, satchel.BodyFault(satchel.CodeExists, "id", nil, "there is a workspace %q already", id)
		}
		if err := tx.UpdateWorkspace(ctx, made); err != nil {
			return entry, err
		}
		return entry, tx.PutWorkspaceAccess(ctx, caller.Org, id, caller.User, satchel.AccessWriter)
	})
	return &Place{Workspace: made, Access: satchel.AccessWriter}, err
}

func (s *Service) mayMakeWorkspace(caller satchel.Caller) error {
	switch {
	case caller.ReadOnly:
		return satchel.Errorf(satchel.CodeReadOnly, "with this token you may read, and make no workspaces")
	case caller.Narrowed() || caller.Confined && !everywhere(caller):
		return satchel.Errorf(satchel.CodeForbidden, "you are confined to the workspaces that you were given, and make no others")
	case s.closed && !everywhere(caller):
		return satchel.Errorf(satchel.CodeForbidden, "on this server only owners and admins make workspaces")
	}
	return nil
}

// UpdateWorkspace changes what people call a workspace, and what holds in it; its id stays. It is for admins.
func (s *Service) UpdateWorkspace(ctx context.Context, caller satchel.Caller, id satchel.WorkspaceID, r WorkspaceRequest) (*Place, error) {
	var w *satchel.Workspace
	entry := didIn(caller, id, "updateWorkspace", string(id), r.note())
	err := s.manage(ctx, caller, &entry, func(ctx context.Context, tx meta.Tx, found *satchel.Workspace) error {
		before := *found
		w = found
		if err := r.apply(found); err != nil {
			return err
		}
		if reflect.DeepEqual(before, *found) {
			entry.Action = "" // nothing to tell
			return nil
		}
		return tx.UpdateWorkspace(ctx, *found)
	})
	if err != nil {
		return nil, err
	}
	return &Place{Workspace: *w, Access: satchel.AccessWriter}, nil
}

// manage is a transaction by an owner or admin on one workspace, that of the entry, which change may add to.
func (s *Service) manage(ctx context.Context, caller satchel.Caller, entry *satchel.AuditEntry, change func(context.Context, meta.Tx, *satchel.Workspace) error) error {
	if err := mayAdminister(caller); err != nil {
		return err
	}
	afresh := *entry
	return s.change(ctx, func(ctx context.Context, tx meta.Tx) (satchel.AuditEntry, error) {
		*entry = afresh
		w, err := tx.Workspace(ctx, caller.Org, entry.Workspace)
		if err != nil {
			return *entry, pathWorkspace().at(err, "Workspace", string(entry.Workspace))
		}
		err = change(ctx, tx, w)
		return *entry, err
	})
}

// DeleteWorkspace removes a workspace that has no files; one that has is CodeNotEmpty. With force its files go too: nobody enters it from now on,
// and the sweep removes them, and then it. gone says that nothing is left to do. The default one stays. It is for admins.
func (s *Service) DeleteWorkspace(ctx context.Context, caller satchel.Caller, id satchel.WorkspaceID, force bool) (gone bool, err error) {
	entry := didIn(caller, id, "deleteWorkspace", string(id), map[string]any{"force": force})
	err = s.manage(ctx, caller, &entry, func(ctx context.Context, tx meta.Tx, w *satchel.Workspace) error {
		if id == satchel.DefaultWorkspace {
			return satchel.Errorf(satchel.CodeForbidden, "the workspace %q stays: every organization has it", id)
		}
		gone = false
		err := isEmpty(ctx, tx, caller, id)
		switch {
		case err == nil:
			gone = true
			return tx.DeleteWorkspace(ctx, caller.Org, id)
		case !force && !w.Doomed.IsZero() && satchel.CodeOf(err) == satchel.CodeNotEmpty:
			return satchel.Errorf(satchel.CodeNotEmpty, "workspace %q is being deleted already: it goes when its files are gone", id)
		case !force || satchel.CodeOf(err) != satchel.CodeNotEmpty:
			return err
		case !w.Doomed.IsZero():
			entry.Action = "" // it is on its way out already
			return nil
		}
		w.Doomed = s.now()
		return tx.UpdateWorkspace(ctx, *w)
	})
	s.known.forget()
	return gone, err
}

// WorkspaceUsers gives a page, by id, of those who were given something in a workspace by name. It is for admins.
func (s *Service) WorkspaceUsers(ctx context.Context, caller satchel.Caller, id satchel.WorkspaceID, page satchel.Slice) ([]satchel.WorkspaceUser, error) {
	if err := mayAdminister(caller); err != nil {
		return nil, err
	}
	if _, err := s.store.Workspace(ctx, caller.Org, id); err != nil {
		return nil, pathWorkspace().at(err, "Workspace", string(id))
	}
	return s.store.WorkspaceUsers(ctx, caller.Org, id, page)
}

// GiveAccess changes what a user, by id or name, was given in a workspace; AccessNone takes it away. It is for admins.
func (s *Service) GiveAccess(ctx context.Context, caller satchel.Caller, id satchel.WorkspaceID, user string, access satchel.Access) (given satchel.WorkspaceUser, err error) {
	where, entry := place{satchel.InBody, "user"}, didIn(caller, id, "putWorkspaceUser", "", map[string]any{"access": access})
	if access == satchel.AccessNone {
		where, entry = pathUser(), didIn(caller, id, "deleteWorkspaceUser", "", nil)
	}
	err = s.manage(ctx, caller, &entry, func(ctx context.Context, tx meta.Tx, _ *satchel.Workspace) error {
		m, err := member(ctx, tx, caller, user, where)
		if err != nil {
			return err
		}
		entry.Object = string(m.User)
		given = satchel.WorkspaceUser{User: m.User, Name: m.Name, Access: access}
		_, before, err := tx.WorkspaceAccess(ctx, caller.Org, id, m.User)
		switch {
		case err != nil:
			return err
		case access == satchel.AccessNone && before == satchel.AccessNone:
			return &satchel.Error{
				Code: satchel.CodeNotFound, Message: m.Name + " was given nothing in workspace \"" + string(id) + "\"", In: where.in, Param: where.param,
			}
		case access == before:
			entry.Action = "" // it has that already
			return nil
		}
		return tx.PutWorkspaceAccess(ctx, caller.Org, id, m.User, access)
	})
	return given, err
}
