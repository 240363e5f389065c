// Package tenant knows organizations, their people and workspaces, and tokens. It turns a bearer token into a satchel.Caller, and a
// caller who enters a workspace into a satchel.Scope, without which no file can be reached.
package tenant

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"sync"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Config says what a Service is built on. Store must be set.
type Config struct {
	Store     meta.Store
	RootToken string // a secret of the operator's choice that works while it is set; empty: none. Only its hash is kept
	Now       func() time.Time
	Logger    *slog.Logger
}

// Service answers who somebody is and what they may do. It is safe for concurrent use. Close it before its store.
type Service struct {
	store    meta.Store
	rootHash *[32]byte
	root     satchel.Caller // who the root token speaks for; set by Bootstrap
	now      func() time.Time
	logger   *slog.Logger
	known    *tokenCache
	touches  sync.WaitGroup
}

// New makes a Service. Bootstrap must follow before it is asked anything.
func New(c Config) *Service {
	s := &Service{store: c.Store, now: c.Now, logger: c.Logger}
	if s.now == nil {
		s.now = time.Now
	}
	if s.logger == nil {
		s.logger = slog.New(slog.DiscardHandler)
	}
	if c.RootToken != "" {
		hash := HashSecret(c.RootToken)
		s.rootHash = &hash
	}
	s.known = newTokenCache(s.now)
	return s
}

// Close waits for what the service still writes.
func (s *Service) Close() { s.touches.Wait() }

// Authenticate finds who the secret speaks for. An unknown, mistyped or revoked one is CodeInvalidToken. A revoked token is refused at
// once by this process, and by others within half a second.
func (s *Service) Authenticate(ctx context.Context, secret string) (satchel.Caller, error) {
	if secret == "" {
		return satchel.Caller{}, satchel.Errorf(satchel.CodeMissingToken, "no token: send the header \"Authorization: Bearer <token>\"")
	}
	hash := HashSecret(secret)
	if s.rootHash != nil && subtle.ConstantTimeCompare(hash[:], s.rootHash[:]) == 1 {
		return s.root, nil
	}
	if !wellFormed(secret) {
		return satchel.Caller{}, invalidToken()
	}
	if caller, ok := s.known.get(hash); ok {
		return caller, nil
	}
	return s.lookUp(ctx, hash)
}

func (s *Service) lookUp(ctx context.Context, hash [32]byte) (satchel.Caller, error) {
	token, role, err := s.store.TokenByHash(ctx, hash)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return satchel.Caller{}, invalidToken()
	}
	if err != nil {
		return satchel.Caller{}, err
	}
	now := s.now()
	if !token.ExpiresAt.IsZero() && !token.ExpiresAt.After(now) {
		return satchel.Caller{}, invalidToken()
	}
	caller := satchel.Caller{
		Org: token.Org, User: token.User, Token: token.ID, Role: lesser(token.Role, role),
		Operator: token.Operator, Workspace: token.Workspace, Access: token.Access,
	}
	s.known.put(hash, caller)
	s.touch(ctx, token, now)
	return caller, nil
}

// touchInterval is how old the note about a token's last use may become: every note is a commit.
const touchInterval = time.Hour

// touch notes the use of a token, at most once an hour and beside the request: nobody waits for it, and its failure only costs the note.
func (s *Service) touch(ctx context.Context, token *satchel.Token, now time.Time) {
	if now.Sub(token.LastUsed) < touchInterval {
		return
	}
	ctx = context.WithoutCancel(ctx)
	s.touches.Go(func() {
		err := s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error { return tx.TouchToken(ctx, token.ID, now) })
		if err != nil {
			s.logger.WarnContext(ctx, "the use of a token was not noted", "token", token.ID, "err", err)
		}
	})
}

func invalidToken() error {
	return satchel.Errorf(satchel.CodeInvalidToken, "the token is not valid: it is mistyped, unknown or revoked")
}

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
// confined: it is empty, and the first upload makes it.
func (s *Service) Enter(ctx context.Context, caller satchel.Caller, ws satchel.WorkspaceID, want satchel.Access) (satchel.Scope, error) {
	scope := satchel.Scope{Org: caller.Org, Workspace: ws, User: caller.User, Access: satchel.AccessWriter}
	switch {
	case caller.Workspace != "":
		if ws != caller.Workspace {
			return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
		}
		scope.Access = caller.Access
	case caller.Role == satchel.RoleOwner || caller.Role == satchel.RoleAdmin:
		scope.Anywhere = true
	case ws != satchel.DefaultWorkspace:
		exists, access, err := s.store.WorkspaceAccess(ctx, caller.Org, ws, caller.User)
		if err != nil {
			return satchel.Scope{}, err
		}
		if exists {
			scope.Access = access
		}
		scope.Fresh = !exists
	}
	if scope.Access == satchel.AccessNone {
		return satchel.Scope{}, satchel.WorkspaceForbidden(ws)
	}
	if !scope.Access.Allows(want) {
		return satchel.Scope{}, &satchel.Error{
			Code: satchel.CodeReadOnly, Message: "you may read in workspace \"" + string(ws) + "\" but not change anything in it",
			In: satchel.InQuery, Param: "workspace",
		}
	}
	return scope, nil
}
