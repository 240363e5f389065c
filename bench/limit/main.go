//go:build linux

// Command limit serves what the operations of Satchel cannot be faster than: bare handlers that do the disk's and the hash's work
// and nothing else. They run in a process of their own, as the servers do that they are compared with.
//
//	POST /large      multipart → file, SHA-256 in parallel, fsync
//	POST /small      multipart → temporary file, fsync, rename, fsync of the folder
//	GET  /rows/{id}  one prepared read of SQLite by id, the row's bytes as the answer
//	GET  /pgx/files/{id}, GET /pgx/pages/{id}
//	                 one prepared read of a PostgreSQL database of Satchel's: the file, or the hundred behind it; one fixed answer
//
// DELETE /files/{name} makes room again.
package main

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	_ "modernc.org/sqlite"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	dir := flag.String("dir", "", "an existing folder")
	body := flag.String("body", "", "file with the answer that every row holds; none: no rows")
	rows := flag.Int("rows", 10_000, "number of rows; their ids are row-0, row-1, …")
	database := flag.String("database", "", "the URL of a PostgreSQL database with files, in the place of such rows")
	flag.Parse()
	if err := serve(*listen, *dir, *body, *rows, *database); err != nil {
		log.Fatal(err)
	}
}

func serve(listen, dir, body string, rows int, database string) error {
	mux := http.NewServeMux()
	u := uploads{dir: dir}
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /large", u.answer(u.large))
	mux.HandleFunc("POST /small", u.answer(u.small))
	mux.HandleFunc("DELETE /files/{name}", u.remove)
	switch {
	case database != "":
		if err := handlePostgres(mux, database, body); err != nil {
			return err
		}
	case body != "":
		read, err := prepare(filepath.Join(dir, "rows.db"), body, rows)
		if err != nil {
			return err
		}
		mux.HandleFunc("GET /rows/{id}", row(read))
	}
	return http.ListenAndServe(listen, mux)
}

// prepare fills a table and gives the statement that reads one row of it.
func prepare(path, body string, rows int) (*sql.Stmt, error) {
	data, err := os.ReadFile(body)
	if err != nil {
		return nil, err
	}
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(full)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(2 * runtime.NumCPU())
	db.SetMaxIdleConns(2 * runtime.NumCPU())
	_, err = db.Exec(`CREATE TABLE files (id TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
		WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i+1 < ?)
		INSERT INTO files SELECT 'row-' || i, ? FROM n`, rows, data)
	if err != nil {
		return nil, err
	}
	return db.Prepare(`SELECT body FROM files WHERE id = ?`)
}

func row(read *sql.Stmt) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var body []byte
		err := read.QueryRowContext(r.Context(), r.PathValue("id")).Scan(&body)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, err.Error(), http.StatusInternalServerError)
		default:
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Content-Length", fmt.Sprint(len(body)))
			_, _ = w.Write(body)
		}
	}
}
