package httpapi

import (
	"bytes"
	"context"
	"io"
	"time"

	"github.com/satchel-files/satchel"
)

// believed is how long a caller keeps the rights with which its request began. A body may take as long as it likes; whoever lost a right meanwhile
// does not use it any more. With what the tenant remembers it stays below a second.
const believed = 250 * time.Millisecond

// proof is by what a caller was identified, and when: never, if nobody had to be.
type proof struct {
	secret string
	at     time.Time
	whole  bool // the body is here, however late
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
	if err := a.renew(ctx, c); err != nil {
		return nil, err
	}
	c.proof.whole = true
	again := *c.r
	again.Body = io.NopCloser(bytes.NewReader(text))
	c.r = &again
	return c.route.answer(ctx, c)
}

// stillMay finds out, after something that may have taken its time, what a request's caller may do in a workspace by now: before files are published,
// and before what has changed since is shown. A token that has ended meanwhile is no reason to throw away what was sent while it was good.
func (a *API) stillMay(ctx context.Context, c *call, ws satchel.WorkspaceID, want satchel.Access) (satchel.Scope, error) {
	if c.proof.old() {
		if err := a.renew(ctx, c); err != nil {
			return satchel.Scope{}, err
		}
	}
	return a.tenant.Enter(ctx, c.caller, ws, want)
}

func (a *API) renew(ctx context.Context, c *call) error {
	caller, err := a.tenant.Renew(ctx, c.caller, c.proof.secret)
	if err != nil {
		return err
	}
	caller.Origin = c.caller.Origin
	c.caller, c.proof.at = caller, time.Now()
	return nil
}

// waitFor waits for the end of a run, as long as its caller may read in the workspace, and gives what the caller may do there by then.
func (a *API) waitFor(ctx context.Context, c *call, scope satchel.Scope, run *satchel.Run, within time.Duration) (satchel.Scope, *satchel.Run, error) {
	run, failed := a.files.Wait(a.whileServing(ctx), scope, run, within, a.stillReads(c, scope.Workspace))
	scope, err := a.stillMay(ctx, c, scope.Workspace, satchel.AccessViewer)
	if err == nil {
		err = failed // who may not read is not told that the file is gone
	}
	return scope, run, err
}

// stillReads is what a waiting request asks from time to time.
func (a *API) stillReads(c *call, ws satchel.WorkspaceID) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := a.stillMay(ctx, c, ws, satchel.AccessViewer)
		return err
	}
}
