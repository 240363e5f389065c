package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/satchel-files/satchel/api"
)

// CreateToken makes a token; its secret stands in the answer and is never shown again.
func (c *Client) CreateToken(ctx context.Context, r api.TokenRequest) (*api.Token, error) {
	return one[api.Token](ctx, c, http.MethodPost, "/tokens", r)
}

// Tokens gives the tokens of an organization, oldest first; an empty org is the caller's own.
func (c *Client) Tokens(ctx context.Context, org string) ([]*api.Token, error) {
	k := call{method: http.MethodGet, path: "/tokens", query: url.Values{}, repeatable: true}
	setIf(k.query, "org", org)
	var list api.TokenList
	if err := c.callJSON(ctx, k, &list); err != nil {
		return nil, err
	}
	return list.Data, nil
}

// DeleteToken revokes a token.
func (c *Client) DeleteToken(ctx context.Context, id string) error {
	_, err := one[api.Deleted](ctx, c, http.MethodDelete, "/tokens/"+url.PathEscape(id), nil)
	return err
}
