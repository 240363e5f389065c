// Package postgrestest gives tests databases on a PostgreSQL server of their own: one server for a process of tests, one database for a test.
//
// The server is the machine's own, if its programs are there, or else one that is fetched once and kept in the user's cache. It listens on a
// socket in a temporary folder, keeps nothing for long, and ends with the process. PostgreSQL refuses to run as root: where tests do, it runs
// as the user nobody. A server that cannot be had fails the test.
package postgrestest

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is the one of this process.
//
//nolint:gochecknoglobals // it belongs to the process
var server struct {
	once   sync.Once
	socket string    // the folder of its socket
	stop   io.Closer // ends it; kept open for as long as the process lives
	err    error

	template sync.Once
	made     error

	mu    sync.Mutex
	clean []string // URLs of databases that were given back, empty as a new one
}

// Fresh gives the URL of a new database, with the schema that create has made in one, once for all tests of the process.
func Fresh(tb testing.TB, create func(ctx context.Context, url string) error) string {
	tb.Helper()
	start(tb)
	server.template.Do(func() { server.made = makeTemplate(create) })
	if server.made != nil {
		tb.Fatalf("the template of a database: %v", server.made)
	}
	url := takeClean()
	if url == "" {
		url = database(tb, "TEMPLATE satchel_template")
	}
	tb.Cleanup(func() { giveBack(url) })
	return url
}

func takeClean() (url string) {
	server.mu.Lock()
	defer server.mu.Unlock()
	if n := len(server.clean); n > 0 {
		url, server.clean = server.clean[n-1], server.clean[:n-1]
	}
	return url
}

// empty removes all rows but those that say which schema it is. Whoever still works on the database keeps it from being used again.
const empty = `SET lock_timeout = '1s'; DO $$ BEGIN EXECUTE (
		SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') || ' RESTART IDENTITY' FROM pg_tables
		WHERE schemaname = 'public' AND tablename NOT IN ('goose_db_version', 'river_migration')); END $$`

// giveBack makes a database ready for the next test: to make a new one takes much longer.
func giveBack(url string) {
	if run(context.Background(), url, empty) != nil {
		return
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	server.clean = append(server.clean, url)
}

// Empty gives the URL of a new database without anything in it. Its order of text is that of people where the server knows one: whoever needs
// another says so.
func Empty(tb testing.TB) string {
	tb.Helper()
	start(tb)
	return database(tb, "TEMPLATE template0 ENCODING 'UTF8'"+people())
}

// Exec runs SQL on the database of a URL, on a connection of its own.
func Exec(tb testing.TB, url, sql string, args ...any) {
	tb.Helper()
	if err := run(tb.Context(), url, sql, args...); err != nil {
		tb.Fatalf("%s: %v", sql, err)
	}
}

func start(tb testing.TB) {
	tb.Helper()
	server.once.Do(func() { server.err = startServer() })
	if server.err != nil {
		tb.Fatalf("PostgreSQL cannot be had for tests: %v", server.err)
	}
}

// urlOf gives the URL of a database of the server.
func urlOf(name string) string { return URL(server.socket, name) + "&pool_max_conns=8" }

func makeTemplate(create func(ctx context.Context, url string) error) error {
	ctx := context.Background()
	if err := run(ctx, urlOf("postgres"), "CREATE DATABASE satchel_template TEMPLATE template0 ENCODING 'UTF8'"+people()); err != nil {
		return err
	}
	return create(ctx, urlOf("satchel_template"))
}

// people is the option for an order of text that is not that of bytes; nothing where the server knows none.
func people() string {
	const option = " LOCALE_PROVIDER icu ICU_LOCALE 'en-US'"
	probe := "probe_" + strings.ToLower(rand.Text())
	if run(context.Background(), urlOf("postgres"), "CREATE DATABASE "+probe+" TEMPLATE template0"+option) != nil {
		return ""
	}
	_ = run(context.Background(), urlOf("postgres"), "DROP DATABASE "+probe)
	return option
}

func database(tb testing.TB, options string) string {
	tb.Helper()
	name := "test_" + strings.ToLower(rand.Text())
	Exec(tb, urlOf("postgres"), "CREATE DATABASE "+name+" "+options)
	return urlOf(name)
}

func run(ctx context.Context, url, sql string, args ...any) error {
	url, _, _ = strings.Cut(url, "&pool_max_conns=") // which is the pool's
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	_, err = conn.Exec(ctx, sql, args...)
	return err
}

// script starts a server in the folder $1 with the programs in $2, and ends it, and removes the folder, when the standard input ends: with the
// process of the tests, however that ends.
const script = `cd "$1" && "$2/initdb" -D data -U postgres -A trust -E UTF8 --no-locale -N >initdb.log 2>&1 || { cat initdb.log; exit 1; }
"$2/postgres" -D data -k "$1" -c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off \
	-c max_connections=200 -c shared_buffers=64MB -c autovacuum_naptime=1s >postgres.log 2>&1 </dev/null &
pid=$!
echo started
read -r _
kill -QUIT $pid
wait $pid
cd / && rm -rf "$1"`

func startServer() (err error) {
	bin, err := programs()
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "satchel-pg-")
	if err != nil {
		return err
	}
	command := exec.Command("/bin/sh", "-c", script, "sh", folder, bin) //nolint:noctx // it lives as long as the process
	command.Dir = folder
	if err := asNobody(command, folder); err != nil {
		return err
	}
	in, err := command.StdinPipe()
	if err != nil {
		return err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	server.socket, server.stop = folder, in
	told := make([]byte, 4096)
	if n, _ := out.Read(told); !strings.HasPrefix(string(told[:n]), "started") {
		return fmt.Errorf("making its folder: %s", told[:n])
	}
	return waitFor(folder)
}

// waitFor waits until the server answers.
func waitFor(folder string) error {
	const patience, pause = 30 * time.Second, 20 * time.Millisecond
	deadline := time.Now().Add(patience)
	for {
		err := run(context.Background(), urlOf("postgres"), "SELECT 1")
		if err == nil {
			return nil
		}
		if time.Now().After(deadline) {
			log, _ := os.ReadFile(filepath.Join(folder, "postgres.log"))
			return fmt.Errorf("it does not answer: %w\n%s", err, log)
		}
		<-time.After(pause)
	}
}
