// Package httpapi serves the HTTP API: routes, the reading of requests, and the map from errors to answers. It decides nothing about files or
// people; packages files and tenant do. Every handler returns a value or an error, and one place writes either.
package httpapi

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/ratelimit"
	"github.com/satchel-files/satchel/internal/tenant"
)

// Config says what an API serves. Files, Tenant and Metrics must be set.
type Config struct {
	Files       *files.Service
	Tenant      *tenant.Service
	Ready       func(ctx context.Context) error // nil while the server can do its work; the error is logged
	Metrics     *prometheus.Registry            // what /metrics shows; the API adds its own
	Logger      *slog.Logger
	MaxFile     int64            // bytes of the largest file, for the documentation; 0: no limit
	IdleTimeout time.Duration    // a body that does not move for so long is given up; 0: one minute
	Redirect    bool             // downloads are sent to the store, where it can give them itself
	Everyone    *satchel.Caller  // whom every request is taken to come from, whatever its token; nil: nobody. It is for measuring what authentication costs
	Origins     []string         // of pages that may use the API from a browser, such as https://app.example; "*": all; none: none
	Proxies     []netip.Prefix   // that are believed about whom they speak for
	RateLimit   ratelimit.Rate   // of requests with one token
	SigninLimit ratelimit.Rate   // of failed sign-ins from one address
	Now         func() time.Time // of these limits; nil: time.Now
}

// API is the whole HTTP surface of a server, an http.Handler.
type API struct {
	files    *files.Service
	tenant   *tenant.Service
	ready    func(ctx context.Context) error
	logger   *slog.Logger
	metrics  *metrics
	idle     time.Duration
	maxFile  int64
	redirect bool
	proxies  []netip.Prefix
	everyone *satchel.Caller
	limits   limits
	entry    http.HandlerFunc
	mux      *http.ServeMux
	buffers  sync.Pool // of *bufio.Reader, readAhead large, for uploads
	document *huma.OpenAPI
	actions  *huma.Schema  // that the audit can have
	stopping chan struct{} // closed when requests shall not wait any more
	stopOnce sync.Once
}

// New makes the API and its OpenAPI document.
func New(c Config) *API {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.IdleTimeout == 0 {
		c.IdleTimeout = time.Minute
	}
	if c.Ready == nil {
		c.Ready = func(context.Context) error { return nil }
	}
	a := &API{
		files: c.Files, tenant: c.Tenant, ready: c.Ready, logger: c.Logger, metrics: newMetrics(c.Metrics),
		idle: c.IdleTimeout, maxFile: c.MaxFile, redirect: c.Redirect, mux: http.NewServeMux(), document: newDocument(), actions: enumSchema("", "clearWorkspace", "expireFile"),
		stopping: make(chan struct{}), proxies: c.Proxies, everyone: c.Everyone, limits: newLimits(c),
	}
	a.entry = acrossOrigins(c.Origins, a.dispatch)
	a.buffers.New = newUploadBuffer
	a.addFileRoutes()
	a.addTextRoutes()
	a.addRunRoutes()
	a.addVersionRoutes()
	a.addWorkspaceRoutes()
	a.addUserRoutes()
	a.addOrgRoutes()
	a.addTokenRoutes()
	a.addUsageRoutes()
	a.addAuditRoutes()
	a.addSystemRoutes(c.Metrics)
	a.openSchemas()
	return a
}

// StopWaiting has requests that wait for the end of a run answered with what there is. It is for the end of the server.
func (a *API) StopWaiting() { a.stopOnce.Do(func() { close(a.stopping) }) }

// whileServing gives a context that also ends with StopWaiting.
func (a *API) whileServing(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		select {
		case <-a.stopping:
		case <-ctx.Done():
		}
	}()
	return ctx
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.observe(w, r, a.entry) }

// dispatch finds the route, with or without /v1, and has it answered.
func (a *API) dispatch(w http.ResponseWriter, r *http.Request) {
	r = withoutVersion(r)
	handler, pattern := a.mux.Handler(r)
	if pattern == "" || !isClean(r.URL.Path) {
		a.refuseRoute(w, r, handler)
		return
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodDelete:
		a.withoutBody(w, r)
	default:
		a.mux.ServeHTTP(w, r)
	}
}

// isClean reports whether a path has no empty segments and no dots. The mux would redirect others to where nobody meant to go: the id ".."
// would lead to the documentation.
func isClean(p string) bool {
	return p == "/" || path.Clean(p) == strings.TrimSuffix(p, "/")
}

// withoutVersion gives the request with its path as the routes have it: what OpenAI users call /v1/files is /files.
func withoutVersion(r *http.Request) *http.Request {
	const prefix = "/v1"
	if len(r.URL.Path) < len(prefix)+1 || r.URL.Path[:len(prefix)+1] != prefix+"/" {
		return r
	}
	bare := new(http.Request)
	*bare = *r
	url := *r.URL
	url.Path = url.Path[len(prefix):]
	if len(url.RawPath) > len(prefix) {
		url.RawPath = url.RawPath[len(prefix):]
	}
	bare.URL = &url
	return bare
}
