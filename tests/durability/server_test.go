//go:build linux

package durability_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	rootToken = "the-root-token-of-the-durability-tests"
	patience  = time.Minute // for what takes moments; whoever waits longer has found a fault
)

// settings say how a program is started; the zero value is a server that sweeps all the time and takes any disk.
type settings struct {
	program string   // default: the one under test
	under   []string // a command line that runs the program, such as strace's
	env     []string // SATCHEL_ variables, over the default ones
}

// server is the program, serving a data folder as a process of its own.
type server struct {
	t     testing.TB
	data  string
	url   string
	http  *http.Client
	cmd   *exec.Cmd
	out   *record
	log   *record
	ended chan struct{} // closed when the process is over
}

// start starts a server and waits until it listens. It is killed when the test ends.
func start(t testing.TB, data string, how settings) *server {
	t.Helper()
	s := &server{
		t: t, data: data, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}},
		out: newRecord(), log: newRecord(), ended: make(chan struct{}),
	}
	s.cmd = command(context.WithoutCancel(t.Context()), t, data, how)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait() // the state of the process says how it ended
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.kill()
		s.http.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the log of the server on %s:\n%s", data, s.log.tail())
		}
	})
	s.url = s.address()
	return s
}

// command is a command line of the program: serve on a data folder.
func command(ctx context.Context, t testing.TB, data string, how settings) *exec.Cmd {
	if how.program == "" {
		how.program = program()
	}
	args := append(append([]string{}, how.under...), how.program, "serve", "--listen", "127.0.0.1:0", "--data", data)
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = environment(t, how.env...)
	cmd.WaitDelay = patience
	return cmd
}

// environment is all that the program knows of the machine.
func environment(t testing.TB, more ...string) []string {
	return append([]string{
		"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "SATCHEL_ROOT_TOKEN=" + rootToken,
		"SATCHEL_MIN_FREE_BYTES=0", "SATCHEL_SWEEP_INTERVAL=50ms", "SATCHEL_WORKERS=0", // what workers write is for tests/processing
	}, more...)
}

// address waits for the line that says where the server listens.
func (s *server) address() string {
	s.t.Helper()
	const greeting = "Satchel listens on "
	url := ""
	within(s.t, "the server listens", func() bool {
		select {
		case <-s.ended:
			s.t.Fatalf("the server ended (%v) instead of listening:\n%s", s.cmd.ProcessState, s.log.tail())
		default:
		}
		for line := range strings.Lines(s.out.String()) {
			if rest, ok := strings.CutPrefix(line, greeting); ok && strings.HasSuffix(rest, "\n") {
				url = strings.TrimSpace(rest)
			}
		}
		return url != ""
	})
	return url
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
}

// kill ends the process as a crash does, and waits for the end.
func (s *server) kill() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// stop asks the server to end, and expects that it ends in order.
func (s *server) stop() {
	s.t.Helper()
	s.http.CloseIdleConnections()
	s.signal(syscall.SIGTERM)
	<-s.ended
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("after SIGTERM the server ended with %v, want exit status 0:\n%s", s.cmd.ProcessState, s.log.tail())
	}
}

// swept waits until n more full or light sweeps have ended, or, with the first one of a server, one.
func (s *server) swept(n int) {
	s.t.Helper()
	before := s.sweeps()
	within(s.t, "the sweeper sweeps", func() bool { return s.sweeps() >= before+n })
}

// firstSweep waits for the end of the sweep with which every server begins.
func (s *server) firstSweep() {
	s.t.Helper()
	within(s.t, "the first sweep ends", func() bool { return s.sweeps() > 0 })
}

func (s *server) sweeps() int {
	s.t.Helper()
	sum := 0
	for _, kind := range []string{"full", "light"} {
		sum += int(s.metric(`satchel_sweeps_total{kind="` + kind + `"}`))
	}
	return sum
}

// run runs another command of the program to its end.
func run(t testing.TB, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program(), args...)
	cmd.Env = environment(t)
	text, err := cmd.CombinedOutput()
	var failed *exec.ExitError
	if err != nil && !errors.As(err, &failed) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// refused starts a server where it must not start, and gives its words and its exit status.
func refused(t testing.TB, data string, how settings) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := command(ctx, t, data, how)
	text, err := cmd.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("the server started:\n%s", text)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// fsck checks a data folder that no server has: nothing may be wrong, not even bytes that nobody names.
func fsck(t testing.TB, data string) {
	t.Helper()
	out, code := run(t, "fsck", "--deep", "--data", data)
	if code != 0 {
		t.Errorf("fsck --deep ended with %d:\n%s", code, out)
	}
}

// within asks until the answer is yes.
func within(t testing.TB, what string, yes func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still not so after %s: %s", patience, what)
		}
	}
}

// record keeps what a process writes.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func newRecord() *record { return &record{} }

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// tail gives the last lines.
func (r *record) tail() string {
	all := strings.Split(strings.TrimSpace(r.String()), "\n")
	return strings.Join(all[max(0, len(all)-25):], "\n")
}

// walk gives the files below a folder that still stand when their turn comes, with their sizes.
func walk(t testing.TB, folder string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || err == nil && entry.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			found[path] = info.Size()
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// blobs gives the files in which a server keeps bytes, unfinished ones included.
func (s *server) blobs() map[string]int64 {
	s.t.Helper()
	return walk(s.t, filepath.Join(s.data, "blobs"))
}

// check is for goroutines: they may not end the test.
func check(t testing.TB, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func quoted(text []byte) string { return fmt.Sprintf("%.400q", text) }
