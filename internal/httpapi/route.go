package httpapi

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
)

// route is one operation: its documentation, and what answers it. Both are made from the same value, so that they cannot part.
type route struct {
	huma.Operation
	public bool                                            // needs no token
	deep   []string                                        // query parameters that may also come as name[key]
	answer func(ctx context.Context, c *call) (any, error) // a nil value: it has written the answer itself
}

// add documents a route and serves it.
func (a *API) add(rt *route) {
	a.describe(rt)
	if !rt.public {
		a.actions.Enum = append(a.actions.Enum, rt.OperationID)
	}
	a.mux.Handle(rt.Method+" "+rt.Path, a.handler(rt))
}

// describe puts an operation into the document, with what all of them take and answer.
func (a *API) describe(rt *route) {
	op := &rt.Operation
	if !rt.public {
		op.Security = []map[string][]string{{"bearer": {}}}
		op.Parameters = append(op.Parameters, headerParams()...)
		op.Responses["429"] = a.problemResponse(http.StatusTooManyRequests)
		op.Responses["403"] = a.problemResponse(http.StatusForbidden)          // an issuer's token may be right and its user have no place here
		op.Responses["503"] = a.problemResponse(http.StatusServiceUnavailable) // while nothing is known of the issuer's keys
	}
	op.Responses["408"] = a.problemResponse(http.StatusRequestTimeout) // whatever is asked for, its body must not stand still
	op.Responses["422"] = a.problemResponse(http.StatusUnprocessableEntity)
	op.Responses["400"] = a.problemResponse(http.StatusBadRequest)
	for _, response := range op.Responses {
		addHeader(response, "x-request-id", "The request's id, for the server's log")
		addHeader(response, "x-satchel-ignored", "Unknown parameters and fields that were left out of account, if any")
		addHeader(response, "Preference-Applied", "What of Prefer was followed")
		if !rt.public {
			addHeader(response, "x-ratelimit-limit-requests", "Where requests are limited: how many a token may send at once")
			addHeader(response, "x-ratelimit-remaining-requests", "How many are left")
			addHeader(response, "x-ratelimit-reset-requests", "The time until all are there again, such as 1.5s")
		}
		if op.Method == http.MethodHead {
			response.Content = nil
		}
	}
	a.document.AddOperation(op)
}

// handler is the frame of every operation: who calls, what the query says, the answer or the error.
func (a *API) handler(rt *route) http.Handler {
	pattern := rt.Method + " " + rt.Path
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := newCall(w, r, rt, a.idle)
		tr, _ := r.Context().Value(traceKey).(*trace)
		if tr != nil {
			tr.route = pattern
			if c.body != nil {
				tr.read = func() int64 { return c.body.read }
			}
		}
		value, err := a.run(r.Context(), c)
		if tr != nil {
			tr.caller = c.caller
		}
		if err != nil {
			a.noteRefusal(c, err)
			a.fail(c, err)
			return
		}
		c.respond(value)
	})
}

func (a *API) run(ctx context.Context, c *call) (any, error) {
	if !c.route.public {
		if err := a.identify(ctx, c); err != nil {
			return nil, err
		}
	}
	c.parseQuery()
	begun := *c
	value, err := c.route.answer(ctx, c)
	if late, ok := errors.AsType[*lateBodyError](err); ok {
		return a.beginAnew(ctx, c, begun, late.text)
	}
	return value, err
}

// declares reports whether the operation has a query parameter of that name.
func (rt *route) declares(name string) bool {
	base, _, brackets := bracketed(name)
	for _, p := range rt.Parameters {
		if p.In != satchel.InQuery {
			continue
		}
		if p.Name == name {
			return true
		}
		if !brackets || p.Name != base {
			continue
		}
		if slices.Contains(rt.deep, base) {
			return true
		}
	}
	return false
}

// idName is the name of the id in the route's path.
func (rt *route) idName() string {
	_, rest, _ := strings.Cut(rt.Path, "{")
	name, _, _ := strings.Cut(rest, "}")
	return name
}

// refuseRoute answers for a path or a method that no route has; the mux knows which, and which methods would be right.
func (a *API) refuseRoute(w http.ResponseWriter, r *http.Request, muxAnswer http.Handler) {
	probe := &headerProbe{header: http.Header{}}
	muxAnswer.ServeHTTP(probe, r)
	c := newCall(w, r, &route{}, a.idle)
	switch probe.status {
	case http.StatusMethodNotAllowed:
		allow := probe.header.Get("Allow")
		w.Header().Set("Allow", allow)
		a.fail(c, satchel.Errorf(satchel.CodeMethodNotAllowed, "%s is not for %s; allowed: %s", r.Method, r.URL.Path, allow))
	default:
		a.fail(c, satchel.Errorf(satchel.CodeNotFound, "there is nothing at %s; GET /docs lists every operation", r.URL.Path))
	}
}

// headerProbe is a ResponseWriter that only remembers the head of an answer.
type headerProbe struct {
	header http.Header
	status int
}

func (p *headerProbe) Header() http.Header         { return p.header }
func (p *headerProbe) Write(b []byte) (int, error) { return len(b), nil }
func (p *headerProbe) WriteHeader(status int)      { p.status = status }

// apiVersion is that of the API, not of the program: it changes when what clients can rely on does.
const apiVersion = "1.0.0"

// newDocument starts the OpenAPI document.
func newDocument() *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Satchel", Version: apiVersion,
			Description: "A Files service for AI applications: upload documents with metadata, find them again, fetch the bytes. " +
				"Every path is served bare and under /v1, which is what OpenAI clients expect of a base URL.",
			License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
		},
		Servers: []*huma.Server{{URL: "/", Description: "as in the Activeloop API"}, {URL: "/v1", Description: "as in the OpenAI API"}},
		Tags: []*huma.Tag{
			{Name: "Files", Description: "The life of a file."},
			{Name: "Text", Description: "What was read in a file."},
			{Name: "Metadata", Description: "How a file's metadata change, and where they come from."},
			{Name: "Processing", Description: "What is done with a file."},
			{Name: "Workspaces", Description: "Parts of an organization with files of their own."},
			{Name: "Users", Description: "Who belongs to an organization."},
			{Name: "Organizations", Description: "Tenants, of which none sees another."},
			{Name: "Tokens", Description: "Who may do what."},
			{Name: "Audit", Description: "Who did what."},
			{Name: "System", Description: "How the server is."},
		},
		Components: &huma.Components{
			Schemas: huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"bearer": {Type: "http", Scheme: "bearer", Description: "`Authorization: Bearer <token>`, or the bare token."},
			},
		},
	}
}

// openSchemas says of every object that it may have further properties, in answers of later versions as in requests, where they are ignored; except
// in those of settings, where a name that is mistyped must not look as if it held.
func (a *API) openSchemas() {
	for name, s := range a.document.Components.Schemas.Map() {
		s.AdditionalProperties = nil
		if name == "SettingsRequest" || name == "QuotaRequest" || name == "ExpiresAfter" {
			s.AdditionalProperties = false
		}
	}
}

// schema gives the documented form of a Go type.
func schema[T any](a *API) *huma.Schema {
	return a.document.Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
}

// responses documents what an operation answers: ok, and errors of the given statuses.
func (a *API) responses(ok *huma.Response, statuses ...int) map[string]*huma.Response {
	all := map[string]*huma.Response{"200": ok}
	for _, status := range append(statuses, http.StatusInternalServerError, http.StatusServiceUnavailable) {
		all[strconv.Itoa(status)] = a.problemResponse(status)
	}
	return all
}

func addHeader(r *huma.Response, name, description string) {
	if r.Headers == nil {
		r.Headers = map[string]*huma.Param{}
	}
	r.Headers[name] = &huma.Param{Description: description, Schema: &huma.Schema{Type: huma.TypeString}}
}

func (a *API) problemResponse(status int) *huma.Response {
	problem := exampleProblem(status)
	r := &huma.Response{
		Description: http.StatusText(status),
		Content:     map[string]*huma.MediaType{"application/json": {Schema: schema[api.Problem](a), Example: problem}},
	}
	switch status {
	case http.StatusUnauthorized:
		addHeader(r, "WWW-Authenticate", "Bearer")
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		addHeader(r, "Retry-After", "Seconds")
	case http.StatusRequestedRangeNotSatisfiable:
		addHeader(r, "Content-Range", "How many bytes there are")
	case http.StatusConflict, http.StatusInsufficientStorage:
		addHeader(r, "x-should-retry", "true where a retry can help, false where it cannot")
	}
	return r
}

// exampleProblem gives an answer as a client would see it.
func exampleProblem(status int) api.Problem {
	type sample struct {
		code           satchel.Code
		param, message string
	}
	samples := map[int]sample{
		http.StatusBadRequest:                   {satchel.CodeMalformedMultipart, "", "the multipart form is broken or breaks off: every part begins and ends with the boundary"},
		http.StatusUnauthorized:                 {satchel.CodeInvalidToken, "", "the token is not valid: it is mistyped, unknown or revoked"},
		http.StatusForbidden:                    {satchel.CodeWorkspaceForbidden, "workspace", "you have no access to workspace \"team-b\"; ask an owner or admin of your organization"},
		http.StatusNotFound:                     {satchel.CodeNotFound, "file_id", "File not found: " + exampleID},
		http.StatusRequestTimeout:               {satchel.CodeRequestTimeout, "", "the request's body did not move for too long; send it again"},
		http.StatusConflict:                     {satchel.CodeIdempotencyReused, "Idempotency-Key", "this Idempotency-Key came with another request before; use a new key for new content"},
		http.StatusPreconditionFailed:           {satchel.CodePreconditionFailed, "", "the content is not what If-Match or If-Unmodified-Since asks for"},
		http.StatusRequestEntityTooLarge:        {satchel.CodeFileTooLarge, "file", "the file is larger than the limit"},
		http.StatusUnsupportedMediaType:         {satchel.CodeUnsupportedMedia, "Content-Type", "the body must be JSON, with Content-Type: application/json"},
		http.StatusRequestedRangeNotSatisfiable: {satchel.CodeRangeNotSatisfiable, "Range", "the range lies outside the file, which has 11 bytes, or is malformed; a right one: bytes=0-99"},
		http.StatusUnprocessableEntity:          {satchel.CodeOutOfRange, "limit", "limit must be between 1 and 10000"},
		http.StatusTooManyRequests:              {satchel.CodeRateLimited, "", "too many requests came with this token; try again when retry-after is over"},
		http.StatusServiceUnavailable:           {satchel.CodeUnavailable, "", "the server did not get to this request in time; try again"},
		http.StatusInsufficientStorage:          {satchel.CodeInsufficientStorage, "", "the server has no room left for this file"},
	}
	s, ok := samples[status]
	if !ok {
		s = sample{satchel.CodeInternal, "", "internal error; the server's log knows more under request req-06dvm5k8qg0021h7r5d9o4p2t"}
	}
	code := string(s.code)
	problem := api.Problem{Error: api.ProblemError{Message: s.message, Type: typeOf(status), Code: &code, Param: textOrNull(s.param)}}
	if status == http.StatusUnprocessableEntity {
		problem.Detail = []api.Detail{{Loc: []string{"query", s.param}, Msg: s.message, Type: code}}
	}
	return problem
}

// jsonResponse documents a JSON answer, with an example of it where there is one.
func jsonResponse(description string, s *huma.Schema, example any) *huma.Response {
	return &huma.Response{Description: description, Content: map[string]*huma.MediaType{"application/json": {Schema: s, Example: example}}}
}
