package tenant

import (
	"context"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// What callers may do with people, workspaces and tokens: owners everything in their organization; admins what concerns members and
// workspaces. A token that is narrowed manages nothing. An operator is an owner wherever it manages, though it reads no files there.

// pageOfAll is how many rows are read at a time where all are wanted.
const pageOfAll = 1000

func mayAdminister(caller satchel.Caller) error {
	if !everywhere(caller) || caller.Narrowed() {
		return satchel.Errorf(satchel.CodeForbidden, "only an owner or admin of the organization may do this, with a token that is not narrowed")
	}
	return nil
}

// mayInspect is mayAdminister for what is only looked at, which a read-only token may: whoever watches need not be able to change anything.
func mayInspect(caller satchel.Caller) error {
	caller.ReadOnly = false
	return mayAdminister(caller)
}

func mayOwn(caller satchel.Caller) error {
	if caller.Role != satchel.RoleOwner || caller.Narrowed() {
		return satchel.Errorf(satchel.CodeForbidden, "only an owner of the organization may do this, with a token that is not narrowed")
	}
	return nil
}

func mayOperate(caller satchel.Caller) error {
	if !caller.Operator || caller.Narrowed() {
		return satchel.Errorf(satchel.CodeForbidden, "only the operator of the installation may do this")
	}
	return nil
}

// mayGive refuses to let an admin make, change or speak for anybody who is more than a member.
func mayGive(caller satchel.Caller, roles ...satchel.Role) error {
	for _, role := range roles {
		if role != satchel.RoleMember {
			return mayOwn(caller)
		}
	}
	return mayAdminister(caller)
}

// place is where a request names what an error is about.
type place struct{ in, param string }

func (p place) notFound(what, name string) error {
	return &satchel.Error{Code: satchel.CodeNotFound, Message: what + " not found: " + name, In: p.in, Param: p.param}
}

// at gives an error that something is not there the place where the request names it.
func (p place) at(err error, what, name string) error {
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return p.notFound(what, name)
	}
	return err
}

func orgCalled(ctx context.Context, r meta.OrgReader, idOrName string) (*satchel.Org, error) {
	return called(idOrName, func(name string) (*satchel.Org, error) { return r.Org(ctx, name) })
}

// actIn gives the caller as it acts on an organization, by name or id; empty: its own. For everybody but an operator another one is not there.
func actIn(ctx context.Context, r meta.OrgReader, caller satchel.Caller, name string, p place) (satchel.Caller, *satchel.Org, error) {
	if name == "" {
		name = string(caller.Org)
	}
	org, err := orgCalled(ctx, r, name)
	if err != nil && satchel.CodeOf(err) != satchel.CodeNotFound {
		return caller, nil, err
	}
	if err != nil || org.ID != caller.Org && mayOperate(caller) != nil {
		return caller, nil, p.notFound("Organization", name)
	}
	if org.ID != caller.Org {
		caller = satchel.Caller{Org: org.ID, User: caller.User, Token: caller.Token, Role: satchel.RoleOwner, Operator: true, Origin: caller.Origin}
	}
	return caller, org, nil
}
