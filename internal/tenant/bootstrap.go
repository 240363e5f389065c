package tenant

import (
	"context"
	"fmt"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// firstUser is the name of the user whom the first start makes. The root token speaks for the same user.
const firstUser = "owner"

// Bootstrap prepares the service, and makes what a new installation needs: the organization "default" with its workspace "default" and one
// user who owns it. A new installation without a root token gets an operator's token, whose secret is returned this once; else
// secret is empty. On an installation that exists it changes nothing.
func (s *Service) Bootstrap(ctx context.Context) (secret string, err error) {
	err = s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		secret = ""
		fresh, err := s.install(ctx, tx, satchel.AddressServer)
		if err != nil || !fresh || s.rootHash != nil {
			return err
		}
		secret = newSecret()
		token := satchel.Token{
			ID: satchel.NewTokenID(s.now()), Hash: HashSecret(secret), Org: s.root.Org, User: s.root.User,
			Role: satchel.RoleOwner, Operator: true, CreatedAt: s.now(),
		}
		if err := tx.InsertToken(ctx, token); err != nil {
			return err
		}
		return tx.InsertAudit(ctx, s.first(satchel.AddressServer).Did("createToken", string(token.ID), map[string]any{"user": token.User, "role": token.Role}))
	})
	if err != nil {
		return "", fmt.Errorf("prepare the installation: %w", err)
	}
	return secret, nil
}

// Prepare is Bootstrap for whoever needs no token: a command that works on the store itself.
func (s *Service) Prepare(ctx context.Context) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		_, err := s.install(ctx, tx, satchel.AddressLocal)
		return err
	})
}

// install makes the first organization and its owner, unless they exist, and notes whom the root token speaks for. The audit says from where.
func (s *Service) install(ctx context.Context, tx meta.Tx, from string) (fresh bool, err error) {
	if err := tx.Alone(ctx); err != nil { // several servers may start at once
		return false, err
	}
	org, err := tx.Org(ctx, satchel.DefaultOrg)
	if err == nil {
		return false, s.rememberRoot(ctx, tx, org)
	}
	if satchel.CodeOf(err) != satchel.CodeNotFound {
		return false, err
	}
	if org, err = s.makeOrg(ctx, tx, satchel.DefaultOrg, satchel.Identity{}); err != nil {
		return false, err
	}
	owner := satchel.Member{Org: org.ID, User: satchel.NewUserID(s.now()), Name: firstUser, Role: satchel.RoleOwner, CreatedAt: s.now()}
	if err := tx.InsertMember(ctx, owner); err != nil {
		return false, err
	}
	if err := s.rememberRoot(ctx, tx, org); err != nil {
		return false, err
	}
	return true, tx.InsertAudit(ctx, s.first(from).Did("createOrganization", string(org.ID), map[string]any{"owner": owner.User}))
}

// first is the program itself, which makes the first of everything.
func (s *Service) first(from string) satchel.Caller {
	return satchel.Caller{Org: s.root.Org, Origin: satchel.Origin{Address: from}}
}

func (s *Service) rememberRoot(ctx context.Context, tx meta.Tx, org *satchel.Org) error {
	user, err := s.rootUser(ctx, tx, org.ID)
	if err != nil {
		return err
	}
	s.root = satchel.Caller{Org: org.ID, User: user, Role: satchel.RoleOwner, Operator: true}
	return nil
}

// rootUser gives the installation's first user, under whatever name, or else the oldest owner: somebody must be the operator.
func (s *Service) rootUser(ctx context.Context, tx meta.Tx, org satchel.OrgID) (satchel.UserID, error) {
	owner, err := tx.Member(ctx, org, firstUser)
	if err == nil && owner.Role == satchel.RoleOwner {
		return owner.User, nil
	}
	for page := (satchel.Slice{Limit: pageOfAll}); ; {
		some, err := tx.Members(ctx, org, page)
		if err != nil {
			return "", err
		}
		for _, m := range some {
			if m.Role == satchel.RoleOwner {
				return m.User, nil
			}
		}
		if len(some) < page.Limit {
			return "", fmt.Errorf("the organization %q has no owner", satchel.DefaultOrg)
		}
		page.After = string(some[len(some)-1].User)
	}
}

// Root is who the installation's operator is. Whoever stands at the machine itself, with the data folder in hand, is that.
func (s *Service) Root() satchel.Caller { return s.root }
