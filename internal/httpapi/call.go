package httpapi

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

// Bytes of a refused request's body that are read and thrown away, so that the client reads the answer instead of a broken
// connection. After a file over the limit, or one too many for the disk, it is more: the client is in the middle of sending it.
const (
	drainRefused  = 4 << 20
	drainTooLarge = 64 << 20
	drainTime     = 30 * time.Second
)

// call is one request on its way through a handler. Its faults are those of the first step: token, path, query and headers.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	route   *route
	query   url.Values
	prefer  preferences
	caller  satchel.Caller
	proof   proof
	faults  satchel.Faults
	ignored []string // unknown parameters and fields
	applied []string // preferences that were followed, but handling
	body    *steadyBody
}

func newCall(w http.ResponseWriter, r *http.Request, rt *route, idle time.Duration) *call {
	c := &call{w: w, r: r, route: rt, prefer: parsePrefer(r.Header.Values("Prefer"))}
	if r.Body != nil && r.Body != http.NoBody {
		c.body = &steadyBody{ReadCloser: r.Body, control: http.NewResponseController(w), idle: idle}
		r.Body = c.body
	}
	return c
}

// id is the file or token that the path names.
func (c *call) id() string { return c.r.PathValue(c.route.idName()) }

// identify finds out who calls, and in which organization.
func (a *API) identify(ctx context.Context, c *call) error {
	origin := satchel.Origin{Address: addressOf(c.r, a.proxies), Request: requestID(ctx)}
	if a.everyone != nil {
		c.caller = *a.everyone
		return nil
	}
	c.caller.Origin = origin
	given := c.r.Header.Values("Authorization")
	if len(given) > 1 {
		return satchel.Errorf(satchel.CodeInvalidToken, "there is more than one Authorization header")
	}
	var secret string
	if len(given) == 1 {
		secret = bearer(given[0])
	}
	choice := tenant.OrgChoice{Strict: c.r.Header.Get("X-Activeloop-Org-Id"), Hint: c.r.Header.Get("OpenAI-Organization"), Origin: origin}
	c.proof = proof{secret: secret, at: time.Now()}
	caller, err := a.authenticate(ctx, c, secret, choice)
	if err == nil && len(c.r.Header.Values("X-Activeloop-Org-Id")) > 1 {
		c.faults.Add(&satchel.Error{Code: satchel.CodeDuplicate, In: satchel.InHeader, Param: "X-Activeloop-Org-Id", Message: "there is more than one X-Activeloop-Org-Id header"})
	}
	caller.Origin = origin
	c.caller = caller
	if caller.User == "" {
		return err
	}
	if err := a.throttle(c, caller); err != nil {
		return err
	}
	return err
}

// bearer gives the token of an Authorization header, with or without the word Bearer before it.
func bearer(header string) string {
	header = strings.TrimSpace(header)
	scheme, token, found := strings.Cut(header, " ")
	if found && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	if strings.EqualFold(header, "Bearer") {
		return ""
	}
	return header
}

// enter ends the first step: it reports the faults found so far, all at once, and then enters the workspace.
func (a *API) enter(ctx context.Context, c *call, want satchel.Access) (satchel.Scope, error) {
	ws := c.workspace()
	if err := c.faults.Err(); err != nil {
		return satchel.Scope{}, err
	}
	return a.tenant.Enter(ctx, c.caller, ws, want)
}

// drain reads away what is left of a refused request's body, up to a limit and for a short time.
func (c *call) drain(limit int64) {
	if c.body == nil || c.body.ended || !c.body.started && c.r.Header.Get("Expect") != "" {
		return // nothing is left, or the client waits to hear whether it may send at all
	}
	c.body.giveUp = time.Now().Add(drainTime)
	// Whatever goes wrong, the answer is next. Where more than the limit comes, net/http knows it by this reader, and lets the client read the answer
	// for a moment before it closes the connection. By itself it does not, if the client wants the connection closed, as nginx does.
	_, _ = io.Copy(io.Discard, http.MaxBytesReader(serversOwn(c.w), c.body, limit))
}

// serversOwn gives the writer that net/http made, below those that stand before it.
func serversOwn(w http.ResponseWriter) http.ResponseWriter {
	for {
		above, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return w
		}
		w = above.Unwrap()
	}
}

// withoutBody answers a request whose method has no use for a body, after it has read one away. Left alone, net/http would look for its
// end before it sends the answer, and wait without limit for a client that stands still.
func (a *API) withoutBody(w http.ResponseWriter, r *http.Request) {
	c := newCall(w, r, &route{}, a.idle)
	c.drain(drainRefused)
	if c.body != nil && c.body.broken != nil {
		a.fail(c, bodyError(c.body.broken))
		return
	}
	bare := new(http.Request)
	*bare = *r
	bare.Body = http.NoBody
	a.mux.ServeHTTP(w, bare)
}

// steadyBody is a request's body that may be slow but must move: every read has the idle time-out of its own.
type steadyBody struct {
	io.ReadCloser
	control *http.ResponseController
	idle    time.Duration
	until   time.Time // the deadline that is set
	giveUp  time.Time // when draining ends, zero before it
	started bool
	ended   bool
	broken  error // why it ended before it was complete
	read    int64
}

// Read sets the deadline anew when a quarter of it has gone by, since setting it costs.
func (b *steadyBody) Read(p []byte) (int, error) {
	b.started = true
	now := time.Now()
	if !b.giveUp.IsZero() && now.After(b.giveUp) {
		return 0, http.ErrBodyReadAfterClose
	}
	until := now.Add(b.idle)
	if !b.giveUp.IsZero() && b.giveUp.Before(until) {
		until = b.giveUp // else who stands still would be waited for as long as if it were not refused
	}
	if b.until.After(until) || until.Sub(b.until) > b.idle/4 {
		b.until = until
		_ = b.control.SetReadDeadline(b.until) // connections without deadlines (tests) do without
	}
	n, err := b.ReadCloser.Read(p)
	b.read += int64(n)
	if err != nil {
		b.end(err)
	}
	return n, err
}

func (b *steadyBody) end(err error) {
	b.ended = true
	if err != io.EOF { //nolint:errorlint // io.Reader: the end is io.EOF itself
		b.broken = err
	} else {
		// The deadline would cut the connection while the handler works. After any other end it stays, in the past: before it answers, the
		// server looks for the rest of the body, and would wait for a client that stands still.
		_ = b.control.SetReadDeadline(time.Time{})
	}
}
