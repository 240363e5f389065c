package httpapi

import (
	"context"
	"math"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/ratelimit"
	"github.com/satchel-files/satchel/internal/tenant"
)

// maxRetryAfter is how many seconds a client is asked to wait at most: the SDKs give up on more.
const maxRetryAfter = 60

// limits are those on requests; nil: there is none.
type limits struct {
	tokens  *ratelimit.Buckets
	signIns *ratelimit.Guard
}

func newLimits(c Config) limits {
	var l limits
	if c.RateLimit.Limited() {
		l.tokens = ratelimit.NewBuckets(c.RateLimit, c.Now)
	}
	if c.SigninLimit.Limited() {
		l.signIns = ratelimit.NewGuard(c.SigninLimit, c.Now)
	}
	return l
}

// authenticate is tenant.Authenticate with the limit on failed sign-ins.
func (a *API) authenticate(ctx context.Context, c *call, secret string, choice tenant.OrgChoice) (satchel.Caller, error) {
	guard, from := a.limits.signIns, c.caller.Origin.Network()
	if guard != nil {
		if state, refused := guard.Refuses(from, secret); refused {
			return satchel.Caller{}, c.tooMany(state, "too many failed sign-ins came from your address; try again later, with a token that is valid")
		}
	}
	caller, err := a.tenant.Identify(ctx, secret, choice)
	if guard != nil && satchel.CodeOf(err) == satchel.CodeInvalidToken {
		if state, ok := guard.Failed(from, secret); !ok {
			return satchel.Caller{}, c.tooMany(state, "too many failed sign-ins came from your address, and this token is not valid either")
		}
	}
	return caller, err
}

// throttle counts the request for the caller's token, and refuses it if there were too many. Who has no token of ours is counted as a user.
func (a *API) throttle(c *call, caller satchel.Caller) error {
	if a.limits.tokens == nil {
		return nil
	}
	key := string(caller.Token)
	if key == "" {
		key = string(caller.Org) + " " + string(caller.User)
	}
	state, ok := a.limits.tokens.Take(key)
	c.showLimit(state)
	if !ok {
		return c.tooMany(state, "too many requests came with this token; try again when retry-after is over")
	}
	return nil
}

// showLimit says what is left.
func (c *call) showLimit(state ratelimit.State) {
	h := c.w.Header()
	h.Set("X-Ratelimit-Limit-Requests", strconv.Itoa(state.Limit))
	h.Set("X-Ratelimit-Remaining-Requests", strconv.Itoa(state.Remaining))
	h.Set("X-Ratelimit-Reset-Requests", state.Reset.Round(time.Millisecond).String())
}

// tooMany is the refusal of a limit. The answer says when to try again.
func (c *call) tooMany(state ratelimit.State, message string) error {
	c.showLimit(state)
	seconds := min(max(int(math.Ceil(state.Retry.Seconds())), 1), maxRetryAfter)
	c.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return satchel.Errorf(satchel.CodeRateLimited, "%s", message)
}

// addressOf gives the address from which a request comes, without a port.
func addressOf(r *http.Request, trusted []netip.Prefix) string {
	from := clientOf(r, trusted)
	if peer, err := netip.ParseAddrPort(from); err == nil {
		return peer.Addr().Unmap().WithZone("").String()
	}
	return from
}

// noteRefusal counts for the audit what was refused for lack of a right, or for too much of it.
func (a *API) noteRefusal(c *call, err error) {
	code := knownFaults(err)[0].Code
	switch statusOf(code) {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusTooManyRequests:
		a.tenant.Refused(c.caller, c.route.OperationID, code)
	}
}
