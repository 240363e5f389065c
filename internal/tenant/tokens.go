package tenant

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// TokenRequest asks for a token. Role is "owner", "admin" or "member", at most which the token is; or "writer" or "viewer": a member who has that
// access, and only in Workspaces.
type TokenRequest struct {
	Org        string // name or id; empty: the caller's own
	User       string // name or id
	Role       string
	Workspaces []string // narrow it to these; none: not narrowed, with writer and viewer the default one
	Workspace  string   // the same as one in Workspaces
	ReadOnly   bool
	ExpiresAt  time.Time // zero: never
}

const maxTokenWorkspaces = 100

// confined reports a role that is an access to workspaces.
func (r TokenRequest) confined() bool { return r.Role == "writer" || r.Role == "viewer" }

// NamedToken is a token with the names of its organization and user.
type NamedToken struct {
	satchel.Token
	OrgName, UserName string
	Raised            *satchel.Member // the user as it was before this token raised its role; nil: it did not
}

// Grant is the role or access that the token gives, as a TokenRequest names it.
func (t NamedToken) Grant() string {
	switch {
	case t.Role != satchel.RoleMember || len(t.Workspaces) == 0:
		return string(t.Role)
	case t.ReadOnly:
		return string(satchel.AccessViewer)
	}
	return string(satchel.AccessWriter)
}

// CreateToken makes a token and gives it with its secret, which is not kept. An unknown user is made, confined with writer and viewer, and one with
// a lesser role is raised to the one asked for; a member who is confined stays so. Only an operator reaches another organization than its own, and makes an unknown one: for everybody
// else those are CodeNotFound. Tokens of members are for admins, others for owners; else it is CodeForbidden. Other faults come as satchel.Faults.
func (s *Service) CreateToken(ctx context.Context, caller satchel.Caller, r TokenRequest) (NamedToken, string, error) {
	if err := mayAdminister(caller); err != nil {
		return NamedToken{}, "", err
	}
	token, err := r.check(s.now())
	if err != nil {
		return NamedToken{}, "", err
	}
	secret := newSecret()
	token.Hash, token.CreatedAt = HashSecret(secret), s.now()
	token.ID = satchel.NewTokenID(token.CreatedAt)
	asked := token
	err = s.change(ctx, func(ctx context.Context, tx meta.Tx) (satchel.AuditEntry, error) {
		token = asked
		return s.insertToken(ctx, tx, caller, r, &token)
	})
	if err != nil {
		return NamedToken{}, "", err
	}
	s.known.forget() // a role may have changed
	return token, secret, nil
}

// CheckToken finds everything that is wrong with a request by itself. Whether somebody can be called as it says only matters where nobody is, and is
// left to CreateToken where nothing else is wrong.
func (s *Service) CheckToken(ctx context.Context, caller satchel.Caller, r TokenRequest) error {
	_, err := r.check(s.now())
	if err == nil || mayAdminister(caller) != nil || r.Org != "" || satchel.LooksLikeID(r.User) {
		return err
	}
	var faults satchel.Faults
	faults.Add(err)
	if _, err := memberCalled(ctx, s.store, caller.Org, r.User); satchel.CodeOf(err) != satchel.CodeNotFound {
		return faults.Err()
	}
	_, err = userName("user", r.User)
	faults.AddNew(err)
	return faults.Err()
}

// check gives the part of the token that the request says by itself.
func (r TokenRequest) check(now time.Time) (NamedToken, error) {
	var faults satchel.Faults
	var token NamedToken
	switch {
	case r.confined():
		token.Role, token.ReadOnly = satchel.RoleMember, r.Role == "viewer" || r.ReadOnly
		if len(r.Workspaces) == 0 && r.Workspace == "" {
			r.Workspace = string(satchel.DefaultWorkspace)
		}
	case r.Role == "owner" || r.Role == "admin" || r.Role == "member":
		token.Role, token.ReadOnly = satchel.Role(r.Role), r.ReadOnly
	case r.Role == "":
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "role", nil, "role is missing: it is one of owner, admin, member, writer, viewer"))
	default:
		faults.Add(satchel.BodyFault(satchel.CodeInvalidValue, "role", nil, "role must be one of owner, admin, member, writer, viewer; %.64q is none of them", r.Role))
	}
	var err error
	token.Workspaces, err = r.parseWorkspaces()
	faults.Add(err)
	if token.ExpiresAt = r.ExpiresAt; !r.ExpiresAt.IsZero() && !r.ExpiresAt.After(now) {
		faults.Add(satchel.BodyFault(satchel.CodeOutOfRange, "expires_at", nil, "expires_at must lie in the future"))
	}
	faults.Add(checkText("user", r.User)) // whether it can be a name is asked when somebody is made
	if r.Org != "" {
		faults.Add(checkText("org", r.Org))
	}
	return token, faults.Err()
}

func (r TokenRequest) parseWorkspaces() ([]satchel.WorkspaceID, error) {
	switch {
	case r.Workspace != "" && len(r.Workspaces) > 0:
		return nil, satchel.BodyFault(satchel.CodeContradiction, "workspace", nil, "give either workspace or workspaces")
	case len(r.Workspaces) > maxTokenWorkspaces:
		return nil, satchel.BodyFault(satchel.CodeTooMany, "workspaces", nil, "a token is narrowed to at most %d workspaces", maxTokenWorkspaces)
	case r.Workspace != "":
		id, err := parseWorkspace(r.Workspace, "workspace", nil)
		return []satchel.WorkspaceID{id}, err
	}
	var faults satchel.Faults
	var ids []satchel.WorkspaceID
	for i, name := range r.Workspaces {
		id, err := parseWorkspace(name, "workspaces", []string{strconv.Itoa(i)})
		faults.Add(err)
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return slices.Compact(ids), faults.Err()
}

func parseWorkspace(name, param string, path []string) (satchel.WorkspaceID, error) {
	id, ok := satchel.ParseWorkspaceID(name)
	if !ok {
		return id, satchel.BodyFault(satchel.CodeInvalidValue, param, path, "%.64q is no workspace id: 1 to 34 lower-case letters and digits, in groups joined by - or _", name)
	}
	return id, nil
}

// insertToken is the transaction of CreateToken.
func (s *Service) insertToken(ctx context.Context, tx meta.Tx, caller satchel.Caller, r TokenRequest, token *NamedToken) (satchel.AuditEntry, error) {
	caller, org, err := s.orgFor(ctx, tx, caller, r.Org)
	if err != nil {
		return satchel.AuditEntry{}, err
	}
	user, err := s.ensureMember(ctx, tx, caller, r, token)
	if err != nil {
		return satchel.AuditEntry{}, err
	}
	token.Org, token.OrgName, token.User, token.UserName = org.ID, org.Name, user.User, user.Name
	if r.confined() {
		if err := s.ensureAccess(ctx, tx, caller, *token, satchel.Access(r.Role)); err != nil {
			return satchel.AuditEntry{}, err
		}
	}
	return caller.Did("createToken", string(token.ID), token.audited()), tx.InsertToken(ctx, token.Token)
}

// auditedWorkspaces is how many workspaces the audit names.
const auditedWorkspaces = 10

// audited gives what the audit tells of a new token.
func (t NamedToken) audited() map[string]any {
	details := map[string]any{"user": t.User, "role": t.Grant(), "read_only": t.ReadOnly}
	if len(t.Workspaces) > 0 {
		details["workspaces"] = t.Workspaces[:min(len(t.Workspaces), auditedWorkspaces)]
	}
	if !t.ExpiresAt.IsZero() {
		details["expires_at"] = t.ExpiresAt.Unix()
	}
	return details
}

// orgFor finds the organization that the caller means, and makes it where an operator names a new one.
func (s *Service) orgFor(ctx context.Context, tx meta.Tx, caller satchel.Caller, name string) (acting satchel.Caller, org *satchel.Org, err error) {
	where := place{satchel.InBody, "org"}
	acting, org, err = actIn(ctx, tx, caller, name, where)
	if satchel.CodeOf(err) != satchel.CodeNotFound || mayOperate(caller) != nil || satchel.LooksLikeID(name) {
		return acting, org, err
	}
	if name, err = uniqueName(where.param, name); err != nil {
		return caller, nil, err
	}
	made, err := s.makeOrg(ctx, tx, name, satchel.Identity{})
	if err != nil {
		return caller, nil, err
	}
	acting, org, err = actIn(ctx, tx, caller, string(made.ID), where)
	if err != nil {
		return caller, nil, err
	}
	return acting, org, tx.InsertAudit(ctx, acting.Did("createOrganization", string(org.ID), nil))
}

// ensureMember finds the user whom a token shall speak for, with at least the token's role, or makes it.
func (s *Service) ensureMember(ctx context.Context, tx meta.Tx, caller satchel.Caller, r TokenRequest, token *NamedToken) (user satchel.Member, err error) {
	have, err := memberCalled(ctx, tx, caller.Org, r.User)
	if err == nil {
		return s.raise(ctx, tx, caller, *have, token)
	}
	if satchel.CodeOf(err) != satchel.CodeNotFound {
		return user, err
	}
	if err := mayGive(caller, token.Role); err != nil {
		return user, err
	}
	where := place{satchel.InBody, "user"}
	if satchel.LooksLikeID(r.User) {
		return user, where.notFound("User", r.User)
	}
	name, err := userName(where.param, r.User)
	if err != nil {
		return user, err
	}
	user = satchel.Member{Org: caller.Org, User: satchel.NewUserID(s.now()), Name: name, Role: token.Role, Confined: r.confined(), CreatedAt: s.now()}
	if err := tx.InsertMember(ctx, user); err != nil {
		return user, err
	}
	return user, tx.InsertAudit(ctx, userMade(caller, user))
}

// raise gives a user at least the role of its new token.
func (s *Service) raise(ctx context.Context, tx meta.Tx, caller satchel.Caller, have satchel.Member, token *NamedToken) (satchel.Member, error) {
	role := token.Role
	if err := mayGive(caller, role, have.Role); err != nil {
		return have, err
	}
	if lesser(have.Role, role) == role {
		return have, nil
	}
	if have.Identity != (satchel.Identity{}) {
		return have, satchel.BodyFault(satchel.CodeExists, "user", nil,
			"there is a user %q already, who signs in with tokens of the issuer, and is %s: make sure who that is, and change its role first", have.Name, have.Role)
	}
	token.Raised = &have
	user := have
	user.Role, user.Confined = role, false
	if err := tx.UpdateMember(ctx, user); err != nil {
		return user, err
	}
	return user, tx.InsertAudit(ctx, userChanged(caller, have, user))
}

// ensureAccess gives the token's user at least the access in the token's workspaces, which are made where they are not.
func (s *Service) ensureAccess(ctx context.Context, tx meta.Tx, caller satchel.Caller, token NamedToken, want satchel.Access) error {
	for _, ws := range token.Workspaces {
		made, err := tx.InsertWorkspace(ctx, token.Org, ws, s.now())
		if err != nil {
			return err
		}
		if made && ws == null {
			return nullWorkspace("workspaces")
		}
		if made {
			err = tx.InsertAudit(ctx, didIn(caller, ws, "createWorkspace", string(ws), nil))
		}
		if err != nil {
			return err
		}
		exists, have, err := tx.WorkspaceAccess(ctx, token.Org, ws, token.User)
		switch {
		case err != nil:
			return err
		case !exists:
			return satchel.BodyFault(satchel.CodeConflict, "workspaces", nil, "workspace %q is being deleted", ws)
		case have.Allows(want):
			continue
		}
		if err := tx.PutWorkspaceAccess(ctx, token.Org, ws, token.User, want); err != nil {
			return err
		}
		entry := didIn(caller, ws, "putWorkspaceUser", string(token.User), map[string]any{"access": want})
		if err := tx.InsertAudit(ctx, entry); err != nil {
			return err
		}
	}
	return nil
}

// Tokens lists the tokens of an organization (empty: the caller's own), oldest first: for owners all, for admins those of members and their own.
func (s *Service) Tokens(ctx context.Context, caller satchel.Caller, orgName string) ([]NamedToken, error) {
	caller, org, err := actIn(ctx, s.store, caller, orgName, place{satchel.InQuery, "org"})
	if err != nil {
		return nil, err
	}
	if err := mayAdminister(caller); err != nil {
		return nil, err
	}
	tokens, err := s.store.Tokens(ctx, org.ID)
	if err != nil {
		return nil, err
	}
	named := make([]NamedToken, 0, len(tokens))
	for _, token := range tokens {
		user, err := s.store.Member(ctx, org.ID, string(token.User))
		if satchel.CodeOf(err) == satchel.CodeNotFound {
			continue // removed meanwhile, and the token with it
		}
		if err != nil {
			return nil, fmt.Errorf("user of token %s: %w", token.ID, err)
		}
		if token.User == caller.User || mayGive(caller, user.Role) == nil {
			named = append(named, NamedToken{Token: *token, OrgName: org.Name, UserName: user.Name})
		}
	}
	return named, nil
}

// DeleteToken revokes a token of the caller's organization; an operator's reach is every organization. CodeNotFound if there is none. Tokens of
// members, and the own ones, are for admins, others for owners.
func (s *Service) DeleteToken(ctx context.Context, caller satchel.Caller, id string) error {
	if err := mayAdminister(caller); err != nil {
		return err
	}
	where := place{satchel.InPath, "token_id"}
	err := s.change(ctx, func(ctx context.Context, tx meta.Tx) (entry satchel.AuditEntry, err error) {
		token, err := tx.Token(ctx, satchel.TokenID(id))
		if err != nil {
			return entry, err
		}
		caller, _, err := actIn(ctx, tx, caller, string(token.Org), where)
		if err != nil {
			return entry, err
		}
		user, err := tx.Member(ctx, token.Org, string(token.User))
		if err != nil {
			return entry, err
		}
		if err := mayGive(caller, user.Role); err != nil && user.User != caller.User {
			return entry, err
		}
		return caller.Did("deleteToken", string(token.ID), map[string]any{"user": token.User}), tx.DeleteToken(ctx, token.Org, token.ID)
	})
	s.known.forget()
	return where.at(err, "Token", id)
}
