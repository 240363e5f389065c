package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
)

// status is the answer of the probes.
type status struct {
	Status string `json:"status" enum:"ok"`
}

func (a *API) addSystemRoutes() {
	ok := func(description string) map[string]*huma.Response {
		return map[string]*huma.Response{"200": jsonResponse(description, schema[status](a))}
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
	a.mux.HandleFunc("GET /openapi.json", a.serveDocument)
	a.mux.HandleFunc("GET /docs", a.serveDocs)
	a.mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "docs", http.StatusFound) })
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
