package tenant

import (
	"context"
	"fmt"
	"reflect"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// pathOrg is where requests about one organization name it.
func pathOrg() place { return place{satchel.InPath, "organization_id"} }

// Orgs gives a page of organizations by id: for an operator all, for everybody else their own.
func (s *Service) Orgs(ctx context.Context, caller satchel.Caller, page satchel.Slice) ([]satchel.Org, error) {
	if mayOperate(caller) == nil {
		return s.store.Orgs(ctx, page)
	}
	own, err := s.store.Org(ctx, string(caller.Org))
	if err != nil || string(own.ID) <= page.After {
		return nil, err
	}
	return []satchel.Org{*own}, nil
}

// Org gives one organization; CodeNotFound for one that is not the caller's, except for an operator.
func (s *Service) Org(ctx context.Context, caller satchel.Caller, idOrName string) (*satchel.Org, error) {
	_, org, err := actIn(ctx, s.store, caller, idOrName, pathOrg())
	return org, err
}

// OrgRequest describes a new organization, or what shall change of one: nil stays.
type OrgRequest struct {
	Name  *string
	Owner string // the name of a new organization's first owner, who is made too; empty: nobody
	// ExternalID is what the issuer calls the organization, whose users its tokens then sign in; "": not any more. It is for operators.
	ExternalID *string
	Quota      satchel.QuotaPatch // of an organization that exists; for operators
}

// CheckOrg finds what is wrong with a request by itself; fresh: it is to make an organization.
func (s *Service) CheckOrg(r OrgRequest, fresh bool) error {
	var org satchel.Org
	if !fresh {
		org.Name = "some"
	}
	_, err := s.describe(r, &org)
	return err
}

// describe changes an organization as a request says, names its first owner, and finds what is wrong with the request by itself.
func (s *Service) describe(r OrgRequest, org *satchel.Org) (owner string, err error) {
	var faults satchel.Faults
	faults.Add(s.applyToOrg(r, org))
	if r.Owner != "" {
		owner, err = userName("owner", r.Owner)
		faults.Add(err)
	}
	return owner, faults.Err()
}

// CreateOrg makes an organization with its default workspace, and, with a name, its first owner. It is for operators.
func (s *Service) CreateOrg(ctx context.Context, caller satchel.Caller, r OrgRequest) (org *satchel.Org, err error) {
	if err := mayOperate(caller); err != nil {
		return nil, err
	}
	var made satchel.Org
	owner, err := s.describe(r, &made)
	if err != nil {
		return nil, err
	}
	err = s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		if err := s.linkOrg(ctx, tx, "", made.Identity); err != nil {
			return entry, err
		}
		if org, err = s.makeOrg(ctx, tx, made.Name, made.Identity); err != nil {
			return entry, err
		}
		by := caller
		by.Org = org.ID // it stands in the record of the new one
		entry = by.Did("createOrganization", string(org.ID), nil)
		if owner == "" {
			return entry, nil
		}
		first := satchel.Member{Org: org.ID, User: satchel.NewUserID(s.now()), Name: owner, Role: satchel.RoleOwner, CreatedAt: s.now()}
		if err := tx.InsertMember(ctx, first); err != nil {
			return entry, err
		}
		return entry, tx.InsertAudit(ctx, userMade(by, first))
	})
	return org, err
}

// applyToOrg changes an organization as a request says, and finds what is wrong with it by itself.
func (s *Service) applyToOrg(r OrgRequest, org *satchel.Org) error {
	var faults satchel.Faults
	name, err := renamed(org.Name, r.Name, uniqueName)
	faults.Add(err)
	org.Name = name
	if r.ExternalID != nil {
		faults.Add(s.checkExternalID(r.ExternalID))
		org.Identity = s.identity(*r.ExternalID)
	}
	org.Quota = r.Quota.Apply(org.Quota)
	return faults.Err()
}

func (s *Service) makeOrg(ctx context.Context, tx meta.Tx, name string, identity satchel.Identity) (*satchel.Org, error) {
	org := satchel.Org{ID: satchel.NewOrgID(s.now()), Name: name, Identity: identity, CreatedAt: s.now()}
	if err := tx.InsertOrg(ctx, org); err != nil {
		return nil, taken(err, "an organization of this name exists already")
	}
	if _, err := tx.InsertWorkspace(ctx, org.ID, satchel.DefaultWorkspace, s.now()); err != nil {
		return nil, fmt.Errorf("make its default workspace: %w", err)
	}
	return &org, nil
}

// taken gives the conflict over a name the place and the words for the client.
func taken(err error, message string) error {
	if satchel.CodeOf(err) == satchel.CodeConflict {
		return &satchel.Error{Code: satchel.CodeExists, Message: message, In: satchel.InBody, Param: "name", Err: err}
	}
	return err
}

// note is what the audit tells of the request.
func (r OrgRequest) note() map[string]any {
	note := noteOf(r.Name, "quota", r.Quota.Names())
	if r.ExternalID != nil {
		note["external_id"] = true
	}
	return note
}

// mayBeAsked refuses what only operators change, and says which it is.
func (r OrgRequest) mayBeAsked(caller satchel.Caller) error {
	if mayOperate(caller) == nil {
		return nil
	}
	var field string
	switch {
	case r.ExternalID != nil:
		field = "external_id"
	case r.Quota != (satchel.QuotaPatch{}):
		field = "quota"
	default:
		return nil
	}
	return &satchel.Error{Code: satchel.CodeForbidden, In: satchel.InBody, Param: field, Message: "only the operator of the installation may change " + field}
}

// UpdateOrg changes an organization's name, which is for owners, or its external id and its quota, which are for operators. The organization that
// the first start made keeps its name, by which the next start knows it.
func (s *Service) UpdateOrg(ctx context.Context, caller satchel.Caller, idOrName string, r OrgRequest) (org *satchel.Org, err error) {
	err = s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		caller, found, err := actIn(ctx, tx, caller, idOrName, pathOrg())
		if err != nil {
			return entry, err
		}
		if err := mayOwn(caller); err != nil {
			return entry, err
		}
		if err := r.mayBeAsked(caller); err != nil {
			return entry, err
		}
		before := *found
		if err := s.applyToOrg(r, found); err != nil {
			return entry, err
		}
		if found.ID == s.root.Org && found.Name != before.Name {
			return entry, satchel.Errorf(satchel.CodeForbidden, "the organization that the first start made keeps its name: the next start knows it by that")
		}
		if err := s.linkOrg(ctx, tx, found.ID, found.Identity); err != nil {
			return entry, err
		}
		org = found
		if reflect.DeepEqual(before, *found) {
			return entry, nil // nothing to tell
		}
		entry = caller.Did("updateOrganization", string(found.ID), r.note())
		return entry, taken(tx.UpdateOrg(ctx, *found), "an organization of this name exists already")
	})
	s.known.forget()
	return org, err
}

// DeleteOrg removes an organization with its people, workspaces and tokens, if it has no files: else it is CodeNotEmpty. The organization that the
// first start made stays. It is for owners.
func (s *Service) DeleteOrg(ctx context.Context, caller satchel.Caller, idOrName string) (id satchel.OrgID, err error) {
	err = s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		caller, org, err := actIn(ctx, tx, caller, idOrName, pathOrg())
		if err != nil {
			return entry, err
		}
		if err := mayOwn(caller); err != nil {
			return entry, err
		}
		if org.ID == s.root.Org {
			return entry, satchel.Errorf(satchel.CodeForbidden, "the organization that the first start made stays: its operator would be nobody")
		}
		if err := orgIsEmpty(ctx, tx, caller); err != nil {
			return entry, err
		}
		id = org.ID
		entry = caller.Did("deleteOrganization", string(id), nil)
		entry.Org = "" // whoever could read the organization's own record goes with it
		return entry, tx.DeleteOrg(ctx, id)
	})
	s.known.forget()
	return id, err
}

func orgIsEmpty(ctx context.Context, tx meta.Tx, caller satchel.Caller) error {
	page := satchel.Slice{Limit: pageOfAll}
	for {
		some, err := tx.Workspaces(ctx, caller.Org, "", page)
		if err != nil {
			return err
		}
		for _, w := range some {
			if err := isEmpty(ctx, tx, caller, w.ID); err != nil {
				return err
			}
		}
		if len(some) < page.Limit {
			return nil
		}
		page.After = string(some[len(some)-1].ID)
	}
}

// isEmpty reports as CodeNotEmpty that a workspace has files, also such as are over and not yet removed.
func isEmpty(ctx context.Context, tx meta.Tx, caller satchel.Caller, ws satchel.WorkspaceID) error {
	scope := satchel.Scope{Org: caller.Org, Workspace: ws, User: caller.User}
	files, err := tx.Files(ctx, scope, satchel.Query{Limit: 1}, time.Unix(0, 0)) // a moment at which nothing was over
	if err == nil && len(files.Files) > 0 {
		message := "there are files in workspace %q: delete them first, or delete the workspace with force=true"
		if ws == satchel.DefaultWorkspace { // which cannot be deleted
			message = "there are files in workspace %q: delete them first"
		}
		err = satchel.Errorf(satchel.CodeNotEmpty, message, ws)
	}
	return err
}
