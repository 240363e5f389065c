//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

// limit is one of the bare handlers in bench/limit, as a process of its own.
type limit struct {
	base
	path string // of the upload
	body []byte // what a row holds; nil: no rows
	rows int

	database string   // the URL of a PostgreSQL database with files
	ids      []string // of which
}

// What is asked of a database.
const (
	pgxRow  = "/pgx/files"
	pgxPage = "/pgx/pages"
)

func (b *bench) limit(path string) (*limit, error) {
	dir, err := b.folder("limit")
	return &limit{base: base{b: b, dir: dir}, path: path}, err
}

func (s *limit) name() string {
	switch s.path {
	case "/large":
		return "limit: write, hash, fsync"
	case "/small":
		return "limit: write, fsync, rename, fsync"
	case pgxRow, pgxPage:
		return bareHandler
	default:
		return "limit: one read of SQLite"
	}
}

const bareHandler = "limit: a bare handler on pgx"

func (s *limit) start(ctx context.Context) error {
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	args := []string{"--dir", data}
	if s.body != nil {
		body := filepath.Join(s.dir, "body")
		if err := os.WriteFile(body, s.body, 0o600); err != nil {
			return err
		}
		args = append(args, "--body", body, "--rows", fmt.Sprint(s.rows), "--database", s.database)
	}
	return s.launch(ctx, &request{method: "GET", path: "/ready"}, nil, s.b.programs.limit,
		func(addr string) []string { return append(args, "--listen", addr) })
}

func (s *limit) upload(size int64) *request {
	header, prefix, suffix := form("file", "purpose", "user_data")
	return &request{method: "POST", path: s.path, header: header, prefix: prefix, fill: size, suffix: suffix}
}

func (s *limit) stored(a answer) (stored, error) {
	id, err := field(a.body, "id")
	return stored{info: id}, err
}

func (s *limit) remove(f stored) *request {
	return &request{method: "DELETE", path: "/files/" + f.info}
}

// row gives the request for one of the rows.
func (s *limit) row(i int) *request {
	if s.database != "" {
		return &request{method: "GET", path: s.path + "/" + s.ids[i%len(s.ids)]}
	}
	return &request{method: "GET", path: fmt.Sprintf("/rows/row-%d", i%s.rows)}
}
