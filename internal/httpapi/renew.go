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

// proof is by what a caller was identified, and when.
type proof struct {
	secret string
	choice tenant.OrgChoice
	at     time.Time
}

func (p proof) fresh() bool { return time.Since(p.at) < believed }

// readAhead reads the body of a request that holds no files before anything is decided about it, and then asks again who calls if that took a while.
func (a *API) readAhead(ctx context.Context, c *call) error {
	if c.body == nil {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(c.body, maxJSON+1))
	rest := io.Reader(c.body) // what is more, or the end once more
	if err != nil {
		rest = failing{err}
	}
	c.r.Body = body{io.MultiReader(bytes.NewReader(text), rest), c.body}
	if a.everyone != nil || c.proof.fresh() {
		return nil
	}
	caller, err := a.tenant.Identify(ctx, c.proof.secret, c.proof.choice)
	if err != nil {
		return err
	}
	c.renew(caller)
	return nil
}

// stillWriter finds out, before the files of a request are published, what its caller may do by now, and whether that includes to write in the
// workspace. A token that has ended meanwhile is no reason to throw away what was sent while it was good.
func (a *API) stillWriter(ctx context.Context, c *call, ws satchel.WorkspaceID) (satchel.Scope, error) {
	if a.everyone == nil && !c.proof.fresh() {
		caller, err := a.tenant.Renew(ctx, c.caller, c.proof.secret)
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

// failing is the rest of a body that cannot be read.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// body reads from one place and closes another.
type body struct {
	io.Reader
	io.Closer
}
