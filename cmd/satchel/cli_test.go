package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

// cli runs commands as a person would who has an empty home folder, and keeps a transcript.
type cli struct {
	t          testing.TB
	dir        string    // the current folder of every command
	sources    string    // the folder of this package
	began      time.Time // and there the clock of the commands stands still: nothing that they show has an age
	transcript bytes.Buffer
	greeting   func() string     // what the server has printed so far
	names      map[string]string // what is different in every run, and what the transcript shows instead
}

func newCLI(t *testing.T) *cli {
	t.Helper()
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, daemon.EnvPrefix) {
			t.Setenv(name, "")
			_ = os.Unsetenv(name) // Setenv brings it back
		}
	}
	sources, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	t.Setenv("HOME", filepath.Join(dir, "home"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "share"))
	work := filepath.Join(dir, "folder")
	if err := os.Mkdir(work, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(work)
	return &cli{t: t, dir: work, sources: sources, began: time.Now(), names: map[string]string{dir: "~", callable(os.Args[0]): "satchel"}}
}

// start runs a server on the home's data folder until the test ends, as `satchel serve` does, and returns once it answers. It processes nothing,
// unless SATCHEL_WORKERS says otherwise: see work.
func (c *cli) start() (url string) {
	c.t.Helper()
	c.setenv("SATCHEL_LISTEN", "127.0.0.1:0")
	if os.Getenv("SATCHEL_WORKERS") == "" {
		c.setenv("SATCHEL_WORKERS", "0")
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(c.t.Context()))
	out := newSignalWriter("Its data is in")
	c.greeting = out.String
	ended := make(chan int, 1)
	var log bytes.Buffer
	go func() { ended <- run(ctx, []string{"serve", "--log-level", "error"}, strings.NewReader(""), out, &log) }()
	c.t.Cleanup(func() {
		stop()
		if code := <-ended; code != exitOK {
			c.t.Errorf("serve ended with %d: %s", code, log.String())
		}
	})
	select {
	case <-out.done:
		url = regexp.MustCompile(`http://\S+`).FindString(out.String())
	case code := <-ended:
		ended <- code
		c.t.Fatalf("serve ended with %d: %s", code, log.String())
	}
	c.names[strings.TrimPrefix(url, "http://")] = "HOST"
	return url
}

// work runs a server that processes documents.
func (c *cli) work() (url string) {
	c.t.Helper()
	c.setenv("SATCHEL_WORKERS", "2")
	return c.start()
}

// signalWriter closes done once what was written contains a text.
type signalWriter struct {
	mu   sync.Mutex
	text bytes.Buffer
	want string
	done chan struct{}
	once sync.Once
}

func newSignalWriter(want string) *signalWriter {
	return &signalWriter{want: want, done: make(chan struct{})}
}

func (w *signalWriter) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(b)
	if strings.Contains(w.text.String(), w.want) {
		w.once.Do(func() { close(w.done) })
	}
	return len(b), nil
}

func (w *signalWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// fake makes the commands talk to a handler in place of a server.
func (c *cli) fake(handler http.HandlerFunc) {
	server := httptest.NewServer(handler)
	c.t.Cleanup(server.Close)
	c.setenv("SATCHEL_URL", server.URL)
	c.setenv("SATCHEL_TOKEN", "secret")
	c.names[strings.TrimPrefix(server.URL, "http://")] = "HOST"
}

func (c *cli) setenv(name, value string) {
	c.t.(*testing.T).Setenv(name, value)
}

func (c *cli) write(name, content string) {
	c.t.Helper()
	if err := os.MkdirAll(filepath.Dir(filepath.Join(c.dir, name)), 0o700); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(content), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cli) read(name string) string {
	c.t.Helper()
	content, err := os.ReadFile(filepath.Join(c.dir, name))
	if err != nil {
		c.t.Fatal(err)
	}
	return string(content)
}

// run runs a command and notes it in the transcript.
func (c *cli) run(args ...string) (code int, out, err string) {
	return c.pipe(strings.NewReader(""), args...)
}

func (c *cli) pipe(in io.Reader, args ...string) (code int, out, err string) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	code = runAt(c.t.Context(), func() time.Time { return c.began }, args, in, &stdout, &stderr)
	fmt.Fprintf(&c.transcript, "$ satchel %s\n%s", strings.Join(args, " "), stdout.String())
	for line := range strings.Lines(stderr.String()) {
		c.transcript.WriteString("! " + line)
	}
	if code != exitOK {
		fmt.Fprintf(&c.transcript, "[exit %d]\n", code)
	}
	c.transcript.WriteString("\n")
	return code, stdout.String(), stderr.String()
}

// ok runs a command that must go well and gives its output.
func (c *cli) ok(args ...string) string {
	c.t.Helper()
	code, out, err := c.run(args...)
	if code != exitOK {
		c.t.Fatalf("satchel %s: exit %d\n%s", strings.Join(args, " "), code, err)
	}
	return out
}

// fails runs a command that must end with a code and gives its messages.
func (c *cli) fails(want int, args ...string) string {
	c.t.Helper()
	code, out, err := c.run(args...)
	if code != want {
		c.t.Fatalf("satchel %s: exit %d, want %d\n%s%s", strings.Join(args, " "), code, want, out, err)
	}
	return err
}

// golden compares the transcript with a file of testdata. UPDATE_GOLDEN=1 writes the file anew.
func (c *cli) golden(name string) {
	c.t.Helper()
	c.goldenText(name, c.stable(c.transcript.String()))
}

func (c *cli) goldenText(name, got string) {
	c.t.Helper()
	compareGolden(c.t, filepath.Join(c.sources, "testdata", name), got)
}

// stable replaces what is different in every run: ids by file-A and so on, times, tokens.
func (c *cli) stable(text string) string {
	for from, to := range c.names {
		text = strings.ReplaceAll(text, from, to)
	}
	text = steps.ReplaceAllString(text, "")
	seen := map[string]string{}
	counts := map[string]int{}
	text = regexp.MustCompile(`\b(file|org|user|tok|req|aud)-[0-9a-v]{25}\b`).ReplaceAllStringFunc(text, func(id string) string {
		kind, _, _ := strings.Cut(id, "-")
		if kind == "req" {
			return "req-…"
		}
		if seen[id] == "" {
			seen[id] = fmt.Sprintf("%s-%s", kind, strings.Repeat(string(rune('A'+counts[kind])), 25))
			counts[kind]++
		}
		return seen[id]
	})
	for _, r := range []struct{ pattern, with string }{
		{`\bsat_[0-9A-Za-z]+`, "sat_…"},
		{`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC \([^)]*\)`, "2026-11-23 12:00:00 UTC (now)"},
		{`(?m)^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  `, "2026-11-23 12:00:00 UTC  "},
		{`(?m)^(\d+)  \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC  `, "$1  2026-11-23 12:00:00 UTC  "},
		{`"since":\d+`, `"since":1795435200`},
		{`"(created|updated|expires|last_used)_at":\d+`, `"${1}_at":1795435200`},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.with)
	}
	return text
}

// steps are what --wait tells while something is done: how many of them are seen is chance.
var steps = regexp.MustCompile(`(?m)^! .*: (uploaded|queued|running|processing|read the document|waiting for a worker|text and pages are read|asking the language model .*|files left: [0-9]+)\n`)

func compareGolden(t testing.TB, path, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (UPDATE_GOLDEN=1 writes it anew). Got:\n%s", path, got)
	}
}
