package contract

import (
	"bytes"
	"context"
	"flag"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

const rootToken = "root-token-for-tests-0123456789abcdef"

// patience bounds every wait of a test for the server; it is long so that a busy machine fails nothing.
const patience = 60 * time.Second

// readDocuments makes the test program what servers start to read documents, too.
func readDocuments(args []string) error {
	flags := flag.NewFlagSet(daemon.ExtractCommand, flag.ContinueOnError)
	cache, prepare := flags.String("cache", "", ""), flags.Bool("prepare", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *prepare {
		return nil // the stories have no PDFs, and preparing for them takes minutes under the race detector
	}
	return daemon.ServeExtract(context.Background(), *cache)
}

// server is a running Satchel on a data folder of its own.
type server struct {
	url   string
	addr  string   // host:port
	each  []string // the addresses of its processes, where there are several behind addr
	bytes string   // the folder in which the bytes lie in the end
	rules *rules
	once  sync.Map // request ids that were seen
}

// databaseVariable, when it is set, has every server of this suite keep its rows in PostgreSQL, and not only those that are about it.
const databaseVariable = "SATCHEL_TEST_POSTGRES"

// onPostgres has a server keep its rows in a database of its own.
func onPostgres(t testing.TB) func(*daemon.Config) {
	return func(c *daemon.Config) {
		c.Database = daemon.Secret(postgrestest.Fresh(t, sqlstore.CreatePostgres))
	}
}

// newServer starts a server with an empty data folder and stops it when the test ends. An error in its log fails the test.
func newServer(t testing.TB, settings ...func(*daemon.Config)) *server {
	t.Helper()
	c := daemon.DefaultConfig()
	c.Listen, c.Data, c.RootToken, c.LogLevel = "127.0.0.1:0", t.TempDir(), rootToken, "error"
	c.MinFreeBytes, c.ShutdownTimeout, c.Version = 0, time.Second, "test"
	c.Workers = 0 // so that files stay as they were uploaded, unless a test is about more
	for _, set := range settings {
		set(&c)
	}
	if os.Getenv(databaseVariable) != "" || isCluster() {
		onPostgres(t)(&c)
	}
	if c.Database == "" {
		if err := os.Rename(metatest.Fresh(t, sqlstore.Create), filepath.Join(c.Data, "satchel.db")); err != nil { // else each of hundreds would make its own
			t.Fatal(err)
		}
	}
	s := &server{bytes: filepath.Join(c.Data, "blobs")}
	if isCluster() {
		s.serveTwice(t, c)
	} else {
		s.addr = serve(t, c)
		s.each = []string{s.addr}
	}
	s.url = "http://" + s.addr
	s.rules = newRules(t, s)
	return s
}

// serve runs a server until the test ends, and gives its address.
func serve(t testing.TB, c daemon.Config) (addr string) {
	t.Helper()
	d, err := daemon.Open(t.Context(), c, &errorLog{t: t})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error("the server ended with", err)
		}
		if err := d.Close(); err != nil {
			t.Error("close:", err)
		}
	})
	return strings.TrimPrefix(d.URL(), "http://")
}

// errorLog makes every line of the server's log a failure: at level error there must be none.
type errorLog struct{ t testing.TB }

func (l *errorLog) Write(line []byte) (int, error) {
	l.t.Errorf("the server logged: %s", bytes.TrimSpace(line))
	return len(line), nil
}

// dial opens a connection that the test closes at its end.
func (s *server) dial(t testing.TB) *net.TCPConn {
	t.Helper()
	return dial(t, s.addr)
}

func dial(t testing.TB, addr string) *net.TCPConn {
	t.Helper()
	var d net.Dialer
	conn, err := d.DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return conn.(*net.TCPConn)
}

// do sends one request and checks what every answer must keep.
func (s *server) do(t testing.TB, r request) answer {
	t.Helper()
	return s.exchange(t, s.addr, r)
}

func (s *server) exchange(t testing.TB, addr string, r request) answer {
	t.Helper()
	conn := dial(t, addr)
	defer conn.Close()
	go func() { _, _ = conn.Write(r.wire()) }() // the answer may come before the end of the body
	a := readAnswer(t, conn, r)
	s.check(t, r, a)
	return a
}

// as gives a request with a token.
func as(token, method, target string) request {
	return request{method: method, target: target, header: []header{{"Authorization", "Bearer " + token}}}
}

// token makes a token and gives its secret. spec is "org user role [workspace]".
func (s *server) token(t testing.TB, spec string) string {
	t.Helper()
	return s.makeToken(t, spec).Token
}

type madeToken struct {
	ID, Token   string
	OrgID       string `json:"org_id"`
	UserID      string `json:"user_id"`
	OrgName     string `json:"org_name"`
	UserName    string `json:"user_name"`
	WorkspaceID string `json:"workspace"`
}

func (s *server) makeToken(t testing.TB, spec string) madeToken {
	t.Helper()
	words := strings.Fields(spec)
	body := map[string]string{"org": words[0], "user": words[1], "role": words[2]}
	if len(words) > 3 {
		body["workspace"] = words[3]
	}
	a := s.do(t, as(rootToken, "POST", "/tokens").json(t, body))
	a.want(t, 200)
	var made madeToken
	a.decode(t, &made)
	return made
}

// blobs gives the paths of all stored objects, unfinished ones included.
func (s *server) blobs(t testing.TB) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(s.bytes, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() && entry.Name() != "owner" { // which says whose bucket it is
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// isEmpty fails the test unless the server holds no file, no bytes, and nothing staged, and answers as usual.
func (s *server) isEmpty(t testing.TB, token string) {
	t.Helper()
	a := s.do(t, as(token, "GET", "/files"))
	a.want(t, 200)
	if got := len(a.list(t).Data); got != 0 {
		t.Errorf("%d files were left behind", got)
	}
	if left := s.blobs(t); len(left) > 0 {
		t.Errorf("bytes were left behind: %v", left)
	}
	if staged := s.metric(t, "satchel_staged_bytes"); staged != "0" {
		t.Errorf("%s staged bytes are still accounted for", staged)
	}
}

// waitFor asks until something is so. What is asked for takes its time, so nothing spins.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}

// metric gives the value of one line of /metrics; of several processes', the largest.
func (s *server) metric(t testing.TB, series string) (largest string) {
	t.Helper()
	most := -1.0
	for _, addr := range s.each {
		text := s.metricOf(t, addr, series)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s is %q: %v", series, text, err)
		}
		if value > most {
			most, largest = value, text
		}
	}
	return largest
}

func (s *server) metricOf(t testing.TB, addr, series string) string {
	t.Helper()
	a := s.exchange(t, addr, request{method: "GET", target: "/metrics"})
	a.want(t, 200)
	for line := range strings.Lines(string(a.body)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), series+" "); ok {
			return value
		}
	}
	return "0" // no such series yet
}
