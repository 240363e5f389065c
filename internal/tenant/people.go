package tenant

import (
	"context"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func pathUser() place { return place{satchel.InPath, "user_id"} }

// UserRequest describes a new user of an organization, or what shall change of one: nil stays.
type UserRequest struct {
	Org      string // name or id; empty: the caller's own
	Name     *string
	Role     *string // owner, admin or member
	Confined *bool   // only the workspaces that it is given by name; goes with member
	// ExternalID is what the issuer calls the user, whom its tokens then sign in; "": not any more.
	ExternalID *string
}

// CheckUser finds what is wrong with a request by itself; fresh: it is to make a user.
func (s *Service) CheckUser(r UserRequest, fresh bool) error {
	m := satchel.Member{Role: satchel.RoleMember}
	if !fresh {
		m.Name = "somebody"
	}
	return s.apply(r, &m)
}

// apply changes m as a request says, and finds what is wrong with it by itself.
func (s *Service) apply(r UserRequest, m *satchel.Member) error {
	var faults satchel.Faults
	name, err := renamed(m.Name, r.Name, userName)
	faults.Add(err)
	m.Name = name
	if r.Role != nil {
		m.Role = satchel.Role(*r.Role)
	}
	switch m.Role {
	case satchel.RoleOwner, satchel.RoleAdmin, satchel.RoleMember:
	default:
		faults.Add(satchel.BodyFault(satchel.CodeInvalidValue, "role", nil, "role must be one of owner, admin, member; %.64q is none of them", m.Role))
	}
	if r.Confined != nil {
		m.Confined = *r.Confined
	}
	if m.Confined && m.Role != satchel.RoleMember && r.Confined != nil {
		faults.Add(satchel.BodyFault(satchel.CodeContradiction, "confined", nil, "only a member can be confined; an %s reaches every workspace", m.Role))
	}
	m.Confined = m.Confined && m.Role == satchel.RoleMember
	if r.ExternalID != nil {
		faults.Add(s.checkExternalID(r.ExternalID))
		m.Identity = s.identity(*r.ExternalID)
	}
	return faults.Err()
}

// Users gives a page of an organization's users by id. It is for admins; whoever is none finds itself.
func (s *Service) Users(ctx context.Context, caller satchel.Caller, org string, page satchel.Slice) ([]satchel.Member, error) {
	caller, _, err := actIn(ctx, s.store, caller, org, place{satchel.InQuery, "org"})
	if err != nil {
		return nil, err
	}
	if mayAdminister(caller) == nil {
		return s.store.Members(ctx, caller.Org, page)
	}
	if string(caller.User) <= page.After {
		return nil, nil
	}
	own, err := s.store.Member(ctx, caller.Org, string(caller.User))
	if err != nil {
		return nil, err
	}
	return []satchel.Member{*own}, nil
}

// User finds a user by id or name; "me" is the caller. Everybody finds itself; others are for admins.
func (s *Service) User(ctx context.Context, caller satchel.Caller, org, idOrName string) (*satchel.Member, error) {
	caller, _, err := actIn(ctx, s.store, caller, org, place{satchel.InQuery, "org"})
	if err != nil {
		return nil, err
	}
	found, err := member(ctx, s.store, caller, idOrName, pathUser())
	if err != nil || found.User == caller.User {
		return found, err
	}
	return found, mayAdminister(caller)
}

func memberCalled(ctx context.Context, r meta.MemberReader, org satchel.OrgID, idOrName string) (*satchel.Member, error) {
	return called(idOrName, func(name string) (*satchel.Member, error) { return r.Member(ctx, org, name) })
}

// member finds a user of the caller's organization. Whoever may not know who belongs to it finds only itself.
func member(ctx context.Context, r meta.MemberReader, caller satchel.Caller, idOrName string, p place) (*satchel.Member, error) {
	if idOrName == me {
		idOrName = string(caller.User)
	}
	found, err := memberCalled(ctx, r, caller.Org, idOrName)
	if err != nil {
		return nil, p.at(err, "User", idOrName)
	}
	if found.User != caller.User && mayAdminister(caller) != nil {
		return nil, p.notFound("User", idOrName)
	}
	return found, nil
}

// CreateUser adds a user to an organization. Members are for admins, others for owners.
func (s *Service) CreateUser(ctx context.Context, caller satchel.Caller, r UserRequest) (satchel.Member, error) {
	made := satchel.Member{User: satchel.NewUserID(s.now()), Role: satchel.RoleMember, CreatedAt: s.now()}
	wrong := s.apply(r, &made)
	err := s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		caller, org, err := actIn(ctx, tx, caller, r.Org, place{satchel.InBody, "org"})
		if err != nil {
			return entry, err
		}
		if err := mayGive(caller, made.Role); err != nil {
			return entry, err
		}
		if wrong != nil {
			return entry, wrong
		}
		made.Org = org.ID
		if err := s.link(ctx, tx, made, satchel.Identity{}); err != nil {
			return entry, err
		}
		return userMade(caller, made), taken(tx.InsertMember(ctx, made), "the organization has a user of this name already")
	})
	return made, err
}

// UpdateUser changes a user's name, role, confinement or external id. Members are for admins, others for owners. The last owner stays one.
func (s *Service) UpdateUser(ctx context.Context, caller satchel.Caller, idOrName string, r UserRequest) (changed satchel.Member, err error) {
	err = s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		caller, before, err := memberToManage(ctx, tx, caller, r.Org, place{satchel.InBody, "org"}, idOrName)
		if err != nil {
			return entry, err
		}
		changed = *before
		wrong := s.apply(r, &changed)
		if err := mayGive(caller, before.Role, changed.Role); err != nil {
			return entry, err
		}
		if wrong != nil {
			return entry, wrong
		}
		if err := s.leavesAnOwner(ctx, tx, *before, changed.Role); err != nil {
			return entry, err
		}
		if err := s.link(ctx, tx, changed, before.Identity); err != nil {
			return entry, err
		}
		if changed == *before {
			return entry, nil // nothing to tell
		}
		return userChanged(caller, *before, changed), taken(tx.UpdateMember(ctx, changed), "the organization has a user of this name already")
	})
	s.known.forget()
	return changed, err
}

// DeleteUser takes a user out of an organization, and its tokens with it; those of an issuer are refused there until an admin gives somebody its
// external id again. Its files stay. Members are for admins, others for owners.
func (s *Service) DeleteUser(ctx context.Context, caller satchel.Caller, orgName, idOrName string) (id satchel.UserID, err error) {
	err = s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		caller, gone, err := memberToManage(ctx, tx, caller, orgName, place{satchel.InQuery, "org"}, idOrName)
		if err != nil {
			return entry, err
		}
		if err := mayGive(caller, gone.Role); err != nil {
			return entry, err
		}
		if err := s.leavesAnOwner(ctx, tx, *gone, ""); err != nil {
			return entry, err
		}
		id = gone.User
		former := gone.Identity
		gone.Identity = satchel.Identity{}
		if err := s.link(ctx, tx, *gone, former); err != nil {
			return entry, err
		}
		return caller.Did("deleteUser", string(id), nil), tx.DeleteMember(ctx, gone.Org, id)
	})
	s.known.forget()
	return id, err
}

// memberToManage gives a user of the organization that a request names at p, and the caller as it acts there. It is for admins.
func memberToManage(ctx context.Context, tx meta.Tx, caller satchel.Caller, org string, p place, idOrName string) (satchel.Caller, *satchel.Member, error) {
	caller, _, err := actIn(ctx, tx, caller, org, p)
	if err == nil {
		err = mayAdminister(caller)
	}
	if err != nil {
		return caller, nil, err
	}
	found, err := member(ctx, tx, caller, idOrName, pathUser())
	return caller, found, err
}

func userMade(caller satchel.Caller, m satchel.Member) satchel.AuditEntry {
	return caller.Did("createUser", string(m.User), map[string]any{"role": m.Role, "confined": m.Confined})
}

func userChanged(caller satchel.Caller, before, after satchel.Member) satchel.AuditEntry {
	details := map[string]any{}
	if before.Name != after.Name {
		details["renamed"] = true
	}
	if before.Role != after.Role {
		details["role"], details["former_role"] = after.Role, before.Role
	}
	if before.Confined != after.Confined {
		details["confined"] = after.Confined
	}
	if before.Identity != after.Identity {
		details["external_id"] = true
	}
	return caller.Did("updateUser", string(after.User), details)
}

// leavesAnOwner refuses to take the last owner from an organization, and the one for whom the operator's token speaks.
func (s *Service) leavesAnOwner(ctx context.Context, tx meta.Tx, m satchel.Member, role satchel.Role) error {
	if m.Role != satchel.RoleOwner || role == satchel.RoleOwner {
		return nil
	}
	if m.Org == s.root.Org && m.User == s.root.User {
		return satchel.Errorf(satchel.CodeLastOwner, "%q is the installation's operator, and stays an owner", m.Name)
	}
	owners, err := tx.CountOwners(ctx, m.Org)
	if err == nil && owners < 2 {
		err = satchel.Errorf(satchel.CodeLastOwner, "%q is the only owner of the organization; make somebody else an owner first", m.Name)
	}
	return err
}
