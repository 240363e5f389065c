package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/httpapi"
	"github.com/satchel-files/satchel/internal/tenant"
)

// Offline works directly on a data folder, whether a server runs on it or not. Whoever has the folder in hand is the operator.
type Offline struct {
	stores *stores
	tenant *tenant.Service
}

// OpenOffline opens an existing data folder, or the database that c names.
func OpenOffline(ctx context.Context, c Config) (*Offline, error) {
	s, err := openExisting(ctx, c)
	if err != nil {
		return nil, err
	}
	return prepareOffline(ctx, s)
}

// MakeOffline opens a data folder, and makes a new installation of one that is absent or empty: for whoever makes its first token.
func MakeOffline(ctx context.Context, c Config) (*Offline, error) {
	if err := c.checkData(); err != nil {
		return nil, err
	}
	if err := makeFolder(c.Data); err != nil {
		return nil, err
	}
	s, err := openRowsBeside(ctx, c)
	if err != nil {
		return nil, err
	}
	return prepareOffline(ctx, s)
}

func prepareOffline(ctx context.Context, s *stores) (*Offline, error) {
	t := tenant.New(tenant.Config{Store: s.rows}) //nolint:contextcheck // without an issuer it loads nothing
	if err := t.Prepare(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return &Offline{stores: s, tenant: t}, nil
}

// operator is who has the folder in hand.
func (o *Offline) operator() satchel.Caller {
	caller := o.tenant.Root()
	caller.Origin.Address = satchel.AddressLocal
	return caller
}

// makeFolder makes the data folder, or one in it, for its owner alone.
func makeFolder(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}

// CreateToken makes a token in any organization. An unknown user or organization is made.
func (o *Offline) CreateToken(ctx context.Context, r api.TokenRequest) (*api.Token, error) {
	token, secret, err := o.tenant.CreateToken(ctx, o.operator(), tokenRequest(r))
	if err != nil {
		return nil, err
	}
	body := httpapi.TokenBody(token)
	body.Secret = secret
	return body, nil
}

func tokenRequest(r api.TokenRequest) tenant.TokenRequest {
	request := tenant.TokenRequest{Org: r.Org, User: r.User, Role: r.Role, Workspaces: r.Workspaces, Workspace: r.Workspace, ReadOnly: r.ReadOnly}
	if r.ExpiresAt > 0 {
		request.ExpiresAt = time.Unix(r.ExpiresAt, 0)
	}
	return request
}

// Tokens lists the tokens of an organization, by name or id; empty: the default one.
func (o *Offline) Tokens(ctx context.Context, org string) ([]*api.Token, error) {
	tokens, err := o.tenant.Tokens(ctx, o.operator(), org)
	if err != nil {
		return nil, err
	}
	bodies := make([]*api.Token, 0, len(tokens))
	for _, token := range tokens {
		bodies = append(bodies, httpapi.TokenBody(token))
	}
	return bodies, nil
}

// DeleteToken revokes a token of any organization; a running server refuses it within half a second.
func (o *Offline) DeleteToken(ctx context.Context, id string) error {
	return o.tenant.DeleteToken(ctx, o.operator(), id)
}

// Close closes the stores.
func (o *Offline) Close() error {
	o.tenant.Close()
	return o.stores.Close()
}

// IsNotFound reports whether what was asked for is not there: an organization, a user, a token.
func IsNotFound(err error) bool { return satchel.CodeOf(err) == satchel.CodeNotFound }
