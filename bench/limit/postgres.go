//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// conns is how many connections the handlers have: as many as one server.
const conns = 10

// The queries of the API, with the columns that it needs.
const (
	columns = `f.id, f.user_id, f.filename, f.purpose, f.status, f.status_details, f.failure_code, f.failure_message, f.content_type, f.content_blob_id,
		f.bytes, f.sha256, f.text_blob_id, f.text_bytes, f.text_sha256, f.version, f.metadata_version, f.expires_at, f.updated_at, f.settled, f.metadata,
		f.instructions, f.schema, f.document`
	oneFile = `SELECT ` + columns + ` FROM files f WHERE f.org_id = $1 AND f.workspace_id = $2 AND f.id = $3`
	onePage = `SELECT ` + columns + ` FROM files f WHERE f.org_id = $1 AND f.workspace_id = $2 AND f.id < $3 ORDER BY f.id DESC LIMIT 101`
)

// pgxHandler answers with the same bytes, whatever it has read.
type pgxHandler struct {
	pool           *pgxpool.Pool
	org, workspace string
	body           []byte
}

// handlePostgres adds the handlers on a database, in which there are files of one workspace.
func handlePostgres(mux *http.ServeMux, url, body string) error {
	ctx := context.Background()
	data, err := os.ReadFile(body)
	if err != nil {
		return err
	}
	pool, err := pgxpool.New(ctx, fmt.Sprintf("%s&pool_max_conns=%d", url, conns))
	if err != nil {
		return err
	}
	h := &pgxHandler{pool: pool, body: data}
	if err := pool.QueryRow(ctx, `SELECT org_id, workspace_id FROM files LIMIT 1`).Scan(&h.org, &h.workspace); err != nil {
		return err
	}
	mux.HandleFunc("GET /pgx/files/{id}", h.answer(oneFile))
	mux.HandleFunc("GET /pgx/pages/{id}", h.answer(onePage))
	return nil
}

func (h *pgxHandler) answer(query string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := h.read(r.Context(), query, r.PathValue("id")); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", fmt.Sprint(len(h.body)))
		_, _ = w.Write(h.body)
	}
}

// read reads what the query finds, every value of it.
func (h *pgxHandler) read(ctx context.Context, query, id string) error {
	rows, err := h.pool.Query(ctx, query, h.org, h.workspace, id)
	if err != nil {
		return err
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) ([]any, error) { return row.Values() })
	if err == nil && len(found) == 0 {
		err = errors.New("no row")
	}
	return err
}
