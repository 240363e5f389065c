package tenant

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// maxName bounds the names of organizations and users, in bytes.
const maxName = 128

// TokenRequest asks for a token. Role is "owner", "admin" or "member", or "writer" or "viewer": a member confined to Workspace with that
// access.
type TokenRequest struct {
	Org       string // name or id; empty: the caller's own
	User      string // name or id
	Role      string
	Workspace string // only with writer and viewer; empty: default
}

// NamedToken is a token with the names of its organization and user.
type NamedToken struct {
	satchel.Token
	OrgName, UserName string
}

// Grant is the role or access that the token gives, as a TokenRequest names it.
func (t NamedToken) Grant() string {
	if t.Workspace != "" {
		return string(t.Access)
	}
	return string(t.Role)
}

// CreateToken makes a token and gives it with its secret, which is not kept. An unknown user is made, and one with a lesser role is raised to the one
// asked for. Only an operator reaches another organization than its own, and makes an unknown one: for everybody else those are
// CodeNotFound. Whoever is no owner is refused with CodeForbidden. Other faults come as satchel.Faults.
func (s *Service) CreateToken(ctx context.Context, caller satchel.Caller, r TokenRequest) (NamedToken, string, error) {
	if err := mayManage(caller); err != nil {
		return NamedToken{}, "", err
	}
	token, err := r.check()
	if err != nil {
		return NamedToken{}, "", err
	}
	secret := newSecret()
	token.Hash, token.CreatedAt = HashSecret(secret), s.now()
	token.ID = satchel.NewTokenID(token.CreatedAt)
	err = s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		return s.insertToken(ctx, tx, caller, r, &token)
	})
	if err != nil {
		return NamedToken{}, "", err
	}
	s.known.forget() // a role may have changed
	return token, secret, nil
}

func mayManage(caller satchel.Caller) error {
	if caller.Role != satchel.RoleOwner || caller.Workspace != "" {
		return satchel.Errorf(satchel.CodeForbidden, "only an owner of the organization manages its tokens")
	}
	return nil
}

// Check finds everything that is wrong with the request by itself.
func (r TokenRequest) Check() error {
	_, err := r.check()
	return err
}

// check gives the part of the token that the request says by itself.
func (r TokenRequest) check() (NamedToken, error) {
	var faults satchel.Faults
	var token NamedToken
	switch r.Role {
	case "owner", "admin", "member":
		token.Role = satchel.Role(r.Role)
		if r.Workspace != "" {
			faults.Add(satchel.BodyFault(satchel.CodeContradiction, "workspace", nil, "workspace goes with the roles writer and viewer; %s is for the whole organization", r.Role))
		}
	case "writer", "viewer":
		token.Role, token.Access, token.Workspace = satchel.RoleMember, satchel.Access(r.Role), satchel.DefaultWorkspace
	default:
		faults.Add(satchel.BodyFault(satchel.CodeInvalidValue, "role", nil, "role must be one of owner, admin, member, writer, viewer; %.64q is none of them", r.Role))
	}
	if r.Workspace != "" {
		ws, ok := satchel.ParseWorkspaceID(r.Workspace)
		if !ok {
			faults.Add(satchel.BodyFault(satchel.CodeInvalidValue, "workspace", nil, "%.64q is no workspace id: 1 to 34 lower-case letters and digits, in groups joined by - or _", r.Workspace))
		}
		token.Workspace = ws
	}
	faults.Add(checkName("user", r.User))
	if r.Org != "" {
		faults.Add(checkName("org", r.Org))
	}
	return token, faults.Err()
}

func checkName(param, name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return satchel.BodyFault(satchel.CodeMissing, param, nil, "%s is missing: give a name", param)
	case len(name) > maxName:
		return satchel.BodyFault(satchel.CodeTooLong, param, nil, "%s must be at most %d bytes", param, maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r < 0x20 || r >= 0x7f && r <= 0x9f }):
		return satchel.BodyFault(satchel.CodeInvalidValue, param, nil, "%s must be UTF-8 without control characters", param)
	}
	return nil
}

// insertToken is the transaction of CreateToken.
func (s *Service) insertToken(ctx context.Context, tx meta.Tx, caller satchel.Caller, r TokenRequest, token *NamedToken) error {
	org, err := s.orgFor(ctx, tx, caller, r.Org)
	if err != nil {
		return err
	}
	user, err := s.ensureUser(ctx, tx, r.User)
	if err != nil {
		return err
	}
	token.Org, token.OrgName, token.User, token.UserName = org.ID, org.Name, user.ID, user.Name
	if err := ensureRole(ctx, tx, meta.Member{Org: org.ID, User: user.ID, Role: token.Role}); err != nil {
		return err
	}
	if token.Workspace != "" && token.Workspace != satchel.DefaultWorkspace {
		if _, err := tx.InsertWorkspace(ctx, org.ID, token.Workspace, s.now()); err != nil {
			return err
		}
	}
	return tx.InsertToken(ctx, token.Token)
}

// orgFor finds the organization that the caller means, and makes it where an operator names a new one.
func (s *Service) orgFor(ctx context.Context, tx meta.Tx, caller satchel.Caller, name string) (*satchel.Org, error) {
	if name == "" {
		return tx.Org(ctx, string(caller.Org))
	}
	org, err := tx.Org(ctx, name)
	unknown := satchel.CodeOf(err) == satchel.CodeNotFound
	switch {
	case err != nil && !unknown:
		return nil, err
	case !caller.Operator && (unknown || org.ID != caller.Org):
		return nil, satchel.BodyFault(satchel.CodeNotFound, "org", nil, "Organization not found: %s", name)
	case unknown:
		return s.makeOrg(ctx, tx, name)
	}
	return org, nil
}

func (s *Service) makeOrg(ctx context.Context, tx meta.Tx, name string) (*satchel.Org, error) {
	org := satchel.Org{ID: satchel.NewOrgID(s.now()), Name: name, CreatedAt: s.now()}
	if err := tx.InsertOrg(ctx, org); err != nil {
		return nil, fmt.Errorf("make organization: %w", err)
	}
	if _, err := tx.InsertWorkspace(ctx, org.ID, satchel.DefaultWorkspace, s.now()); err != nil {
		return nil, fmt.Errorf("make its default workspace: %w", err)
	}
	return &org, nil
}

func (s *Service) ensureUser(ctx context.Context, tx meta.Tx, name string) (*satchel.User, error) {
	user, err := tx.User(ctx, name)
	if satchel.CodeOf(err) != satchel.CodeNotFound {
		return user, err
	}
	made := satchel.User{ID: satchel.NewUserID(s.now()), Name: name, CreatedAt: s.now()}
	return &made, tx.InsertUser(ctx, made)
}

// ensureRole makes the user a member with at least the role.
func ensureRole(ctx context.Context, tx meta.Tx, want meta.Member) error {
	have, err := tx.Member(ctx, want.Org, want.User)
	switch {
	case satchel.CodeOf(err) == satchel.CodeNotFound:
	case err != nil:
		return err
	case lesser(have.Role, want.Role) == want.Role:
		return nil
	}
	return tx.PutMember(ctx, want)
}

// Tokens lists the tokens of an organization (empty: the caller's own), oldest first.
func (s *Service) Tokens(ctx context.Context, caller satchel.Caller, orgName string) ([]NamedToken, error) {
	if err := mayManage(caller); err != nil {
		return nil, err
	}
	org, err := s.reachableOrg(ctx, caller, orgName)
	if err != nil {
		return nil, err
	}
	tokens, err := s.store.Tokens(ctx, org.ID)
	if err != nil {
		return nil, err
	}
	named := make([]NamedToken, 0, len(tokens))
	for _, token := range tokens {
		user, err := s.store.User(ctx, string(token.User))
		if err != nil {
			return nil, fmt.Errorf("user of token %s: %w", token.ID, err)
		}
		named = append(named, NamedToken{*token, org.Name, user.Name})
	}
	return named, nil
}

func (s *Service) reachableOrg(ctx context.Context, caller satchel.Caller, name string) (*satchel.Org, error) {
	if name == "" {
		name = string(caller.Org)
	}
	org, err := s.store.Org(ctx, name)
	if satchel.CodeOf(err) == satchel.CodeNotFound || err == nil && org.ID != caller.Org && !caller.Operator {
		return nil, &satchel.Error{Code: satchel.CodeNotFound, Message: "Organization not found: " + name, In: satchel.InQuery, Param: "org"}
	}
	return org, err
}

// DeleteToken revokes a token of the caller's organization; an operator's reach is every organization. CodeNotFound if there is none.
func (s *Service) DeleteToken(ctx context.Context, caller satchel.Caller, id string) error {
	if err := mayManage(caller); err != nil {
		return err
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		org := caller.Org
		if caller.Operator {
			found, err := tx.TokenOrg(ctx, satchel.TokenID(id))
			if err != nil {
				return err
			}
			org = found
		}
		return tx.DeleteToken(ctx, org, satchel.TokenID(id))
	})
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return &satchel.Error{Code: satchel.CodeNotFound, Message: "Token not found: " + id, In: satchel.InPath, Param: "token_id"}
	}
	s.known.forget()
	return err
}
