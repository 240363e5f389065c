// Package tenant knows organizations, their people and workspaces, and tokens. It turns a bearer token into a satchel.Caller, and a
// caller who enters a workspace into a satchel.Scope, without which no file can be reached.
package tenant

import (
	"context"
	"crypto/subtle"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Config says what a Service is built on. Store must be set.
type Config struct {
	Store     meta.Store
	RootToken string  // a secret of the operator's choice that works while it is set; empty: none. Only its hash is kept
	Issuer    *Issuer // whose tokens are believed beside our own; nil: nobody's
	Closed    bool    // workspaces are made by owners and admins alone, and not by a first upload
	Now       func() time.Time
	Logger    *slog.Logger
}

// Service answers who somebody is and what they may do. It is safe for concurrent use. Close it before its store.
type Service struct {
	store    meta.Store
	rootHash *[32]byte
	root     satchel.Caller // who the root token speaks for; set by Bootstrap
	issuer   *issuer        // nil: there is none
	closed   bool
	now      func() time.Time
	logger   *slog.Logger
	known    *tokenCache
	touches  sync.WaitGroup
	refused  refusals
}

// New makes a Service. Bootstrap must follow before it is asked anything.
func New(c Config) *Service {
	s := &Service{store: c.Store, closed: c.Closed, now: c.Now, logger: c.Logger}
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
	if c.Issuer != nil {
		s.issuer = newIssuer(*c.Issuer, s.now, s.logger)
	}
	s.known = newTokenCache(s.now)
	return s
}

// closeTime bounds what Close waits for to write. What it does not wait for is lost: notes about the use of tokens, and counts of refused attempts.
const closeTime = 5 * time.Second

// Close waits for what the service still writes, writes what it has only counted, and ends what it reads.
func (s *Service) Close() {
	if s.issuer != nil {
		s.issuer.keys.close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	s.noteTouches(ctx)
	s.writeRefusals(ctx)
}

// noteTouches waits for the notes about tokens, which a store keeps from their end as long as a transaction before them takes.
func (s *Service) noteTouches(ctx context.Context) {
	noted := make(chan struct{})
	go func() {
		s.touches.Wait()
		close(noted)
	}()
	select {
	case <-noted:
	case <-ctx.Done():
	}
}

// Authenticate finds who the secret speaks for. An unknown, mistyped or revoked one is CodeInvalidToken. A revoked token is refused at
// once by this process, and by others within half a second.
func (s *Service) Authenticate(ctx context.Context, secret string) (satchel.Caller, error) {
	if secret == "" {
		return satchel.Caller{}, satchel.Errorf(satchel.CodeMissingToken, "no token: send the header \"Authorization: Bearer <token>\"")
	}
	hash := HashSecret(secret)
	if s.isRoot(hash) {
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

// Renew gives the caller of a request that has taken a while as it is now: with its role and confinement of today, in the same organization. A token that
// was revoked meanwhile, and a user who was taken out, are CodeInvalidToken or CodeForbidden; one that has merely ended is none: it was good when the
// request came.
func (s *Service) Renew(ctx context.Context, caller satchel.Caller, secret string) (satchel.Caller, error) {
	hash := HashSecret(secret)
	switch {
	case s.isRoot(hash):
		return caller, nil
	case caller.Token == "":
		return s.renewIssued(ctx, caller, secret)
	}
	token, member, err := s.store.TokenByHash(ctx, hash)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return satchel.Caller{}, invalidToken()
	}
	if err != nil {
		return satchel.Caller{}, err
	}
	return callerOf(token, member), nil
}

// renewIssued is Renew for a token of the issuer. Where else its user has places by now means nothing: others give them.
func (s *Service) renewIssued(ctx context.Context, caller satchel.Caller, secret string) (satchel.Caller, error) {
	p, err := s.issuer.verify(ctx, secret)
	if errors.Is(err, jwt.ErrTokenExpired) {
		return s.renewEnded(ctx, caller)
	}
	if err != nil {
		return satchel.Caller{}, err
	}
	p.origin = caller.Origin
	member, err := s.namedPlace(ctx, p, string(caller.Org))
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		err = noPlace()
	}
	if err != nil {
		return satchel.Caller{}, err
	}
	if member.Org != caller.Org || member.User != caller.User {
		return satchel.Caller{}, satchel.Errorf(satchel.CodeForbidden,
			"the token stands for somebody else now, or for another organization, than when the request began; send it again")
	}
	caller.Role, caller.Confined = member.Role, member.Confined
	return caller, nil
}

// renewEnded is renewIssued when the token has ended, which says no more who its user is: that is known from before.
func (s *Service) renewEnded(ctx context.Context, caller satchel.Caller) (satchel.Caller, error) {
	member, err := s.store.Member(ctx, caller.Org, string(caller.User))
	if satchel.CodeOf(err) == satchel.CodeNotFound || err == nil && member.Identity != (satchel.Identity{Issuer: caller.Issuer, ID: caller.Subject}) {
		return satchel.Caller{}, invalidToken()
	}
	if err != nil {
		return satchel.Caller{}, err
	}
	caller.Role, caller.Confined = member.Role, member.Confined
	return caller, nil
}

// callerOf gives whom a token speaks for.
func callerOf(token *satchel.Token, member *satchel.Member) satchel.Caller {
	return satchel.Caller{
		Org: token.Org, User: token.User, Token: token.ID, Role: lesser(token.Role, member.Role), Confined: member.Confined,
		Operator: token.Operator, Workspaces: token.Workspaces, ReadOnly: token.ReadOnly,
	}
}

// isRoot reports whether a hash is that of the installation's root token.
func (s *Service) isRoot(hash [32]byte) bool {
	return s.rootHash != nil && subtle.ConstantTimeCompare(hash[:], s.rootHash[:]) == 1
}

func (s *Service) lookUp(ctx context.Context, hash [32]byte) (satchel.Caller, error) {
	age := s.known.seen()
	token, member, err := s.store.TokenByHash(ctx, hash)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return satchel.Caller{}, invalidToken()
	}
	if err != nil {
		return satchel.Caller{}, err
	}
	now := s.now()
	if !token.ExpiresAt.IsZero() && !token.ExpiresAt.After(now) {
		return satchel.Caller{}, satchel.Errorf(satchel.CodeInvalidToken, "the token is not valid any more: it ended at %s", token.ExpiresAt.UTC().Format(time.RFC3339))
	}
	caller := callerOf(token, member)
	s.known.put(hash, caller, token.ExpiresAt, age)
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
		ctx, cancel := context.WithTimeout(ctx, closeTime)
		defer cancel()
		err := s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error { return tx.TouchToken(ctx, token.ID, now) })
		if err != nil {
			s.logger.WarnContext(ctx, "the use of a token was not noted", "token", token.ID, "err", err)
		}
	})
}

func invalidToken() error {
	return satchel.Errorf(satchel.CodeInvalidToken, "the token is not valid: it is mistyped, unknown or revoked")
}
