package httpapi

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

// believed is how long a caller keeps the rights with which its request began. A body may take as long as it likes; whoever lost a right meanwhile
// does not use it any more. With what the tenant remembers it stays below a second.
const believed = 250 * time.Millisecond

// proof is by what a caller was identified, and when: never, if nobody had to be.
type proof struct {
	secret string
	choice tenant.OrgChoice
	at     time.Time
}

// old reports whether the caller has to be looked at again.
func (p proof) old() bool { return !p.at.IsZero() && time.Since(p.at) > believed }

// lateBodyError is the error of a handler whose body has come, but so late that what was found out before it does not count any more.
type lateBodyError struct{ text []byte }

// Error is for nobody: the handler is called again.
func (*lateBodyError) Error() string { return "the body took its time" }

// beginAnew has a request answered as if it had come just now, with its body. Up to the body, handlers only look.
func (a *API) beginAnew(ctx context.Context, c *call, begun call, text []byte) (any, error) {
	*c = begun
	caller, err := a.tenant.Identify(ctx, c.proof.secret, c.proof.choice)
	if err == nil {
		err = tenant.SameCaller(c.caller, caller)
	}
	if err != nil {
		return nil, err
	}
	c.renew(caller)
	c.proof.at = time.Time{} // all of it is here
	again := *c.r
	again.Body = io.NopCloser(bytes.NewReader(text))
	c.r = &again
	return c.route.answer(ctx, c)
}

// stillWriter finds out, before the files of a request are published, what its caller may do by now, and whether that includes to write in the
// workspace. A token that has ended meanwhile is no reason to throw away what was sent while it was good.
func (a *API) stillWriter(ctx context.Context, c *call, ws satchel.WorkspaceID) (satchel.Scope, error) {
	if c.proof.old() {
		caller, err := a.tenant.Renew(ctx, c.caller, c.proof.secret, c.proof.choice)
		if err != nil {
			return satchel.Scope{}, err
		}
		c.renew(caller)
	}
	return a.tenant.Enter(ctx, c.caller, ws, satchel.AccessWriter)
}

func (c *call) renew(caller satchel.Caller) {
	caller.Origin = c.caller.Origin
	c.caller, c.proof.at = caller, time.Now()
}
