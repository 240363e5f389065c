package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/satchel-files/satchel"
)

// status is the answer of the probes.
type status struct {
	Status string `json:"status" enum:"ok"`
}

func (a *API) addSystemRoutes(metrics prometheus.Gatherer) {
	ok := func(description string) map[string]*huma.Response {
		return map[string]*huma.Response{"200": jsonResponse(description, schema[status](a), &status{"ok"})}
	}
	ready := ok("It can do its work")
	ready["503"] = a.problemResponse(http.StatusServiceUnavailable)
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "health", Method: http.MethodGet, Path: "/health", Tags: []string{"System"}, Summary: "Is the process alive?",
			Description: "Says yes as long as the process answers at all; for a probe that restarts it.", Responses: ok("It is"),
		}, public: true, answer: func(context.Context, *call) (any, error) { return &status{"ok"}, nil },
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "ready", Method: http.MethodGet, Path: "/ready", Tags: []string{"System"}, Summary: "Can the server do its work?",
			Description: "Says yes while rows and bytes can be reached; for a probe that sends traffic elsewhere.", Responses: ready,
		}, public: true, answer: a.getReady,
	})
	document := jsonResponse("OpenAPI 3.1", &huma.Schema{Type: huma.TypeObject}, map[string]any{"openapi": "3.1.0"})
	a.addPage("openapi", "/openapi.json", "This document", "For programs: clients can be made of it.", document, http.HandlerFunc(a.serveDocument))
	docs, scrape := textResponse("text/html"), textResponse("text/plain")
	addHeader(docs, "Content-Security-Policy", "That the page loads nothing")
	addHeader(scrape, "Content-Encoding", "gzip, for whoever takes it")
	addHeader(scrape, "Vary", "Accept-Encoding, then")
	a.addPage("docs", "/docs", "This document as a page", "For people. It loads nothing from anywhere else.", docs, http.HandlerFunc(a.serveDocs))
	a.addPage("metrics", "/metrics", "Metrics for Prometheus", "What the server does, in counters, gauges and histograms.", scrape, promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	a.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		http.Redirect(w, r, "docs", http.StatusFound)
	})
}

// System gives the part of the API that says how the process is: health, readiness and metrics. It is for a process that serves nothing else.
func (a *API) System() http.Handler {
	mux := http.NewServeMux()
	for _, path := range []string{"/health", "/ready", "/metrics"} {
		mux.Handle("GET "+path, a)
	}
	return mux
}

// addPage adds an operation that needs no token and is answered by a handler of its own.
func (a *API) addPage(id, path, summary, description string, ok *huma.Response, page http.Handler) {
	a.add(&route{
		Operation: huma.Operation{OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"System"}, Summary: summary, Description: description, Responses: a.responses(ok)},
		public:    true,
		answer: func(_ context.Context, c *call) (any, error) {
			if err := c.faults.Err(); err != nil {
				return nil, err
			}
			c.addReplyHeaders()
			c.w.Header().Set("X-Content-Type-Options", "nosniff")
			page.ServeHTTP(c.w, c.r)
			return nil, nil
		},
	})
}

func textResponse(contentType string) *huma.Response {
	return &huma.Response{Description: "The text", Content: map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: huma.TypeString}}}}
}

func (a *API) getReady(ctx context.Context, _ *call) (any, error) {
	if err := a.ready(ctx); err != nil {
		return nil, &satchel.Error{Code: satchel.CodeUnavailable, Message: "the server cannot do its work at the moment", Err: err}
	}
	return &status{"ok"}, nil
}

// Document gives the OpenAPI document, which every change of a route changes.
func (a *API) Document() *huma.OpenAPI { return a.document }

func (a *API) serveDocument(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, json.Marshaler(a.document))
}
