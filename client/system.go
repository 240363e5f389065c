package client

import (
	"context"
	"net/http"
)

// Ready is nil when the server can do its work: its database and its store of bytes answer. It needs no token. A server that cannot is an *Error with
// status 503; one that is not there, a *ConnectionError.
func (c *Client) Ready(ctx context.Context) error {
	var status struct{}
	return c.callJSON(ctx, call{method: http.MethodGet, path: "/ready", repeatable: true}, &status)
}
