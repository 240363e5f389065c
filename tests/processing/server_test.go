//go:build linux

package processing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
)

const (
	rootToken = "the-root-token-of-the-processing-tests"
	patience  = 2 * time.Minute // for what takes moments; whoever waits longer has found a fault
)

// newData makes a data folder for servers, with what the processes that read documents need in it.
func newData(t testing.TB) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	must(t, os.MkdirAll(filepath.Join(data, "cache"), 0o700))
	must(t, os.Symlink(filepath.Join(sharedCache(), "pdfium"), filepath.Join(data, "cache", "pdfium")))
	must(t, os.MkdirAll(filepath.Join(sharedCache(), "pdfium"), 0o700))
	return data
}

// pdfsAreFast waits until PDFs can be read without the work of seconds before the first.
func pdfsAreFast(t testing.TB) {
	t.Helper()
	within(t, "what PDFs need is made", func() bool {
		sealed, err := filepath.Glob(filepath.Join(sharedCache(), "pdfium", "*", "sealed"))
		return err == nil && len(sealed) > 0
	})
}

// withModel are the variables of a server that has this endpoint as its language model. Windows are small, so that a text of some pages has many.
func withModel(model *llmtest.Server, more ...string) []string {
	return append([]string{"SATCHEL_LLM_URL=" + model.URL, "SATCHEL_LLM_MODEL=" + llmtest.Model, "SATCHEL_LLM_CONTEXT=2048"}, more...)
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
func start(t testing.TB, data string, env ...string) *server {
	t.Helper()
	s := &server{
		t: t, data: data, http: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8, DisableCompression: true}},
		out: &record{}, log: &record{}, ended: make(chan struct{}),
	}
	s.cmd = exec.Command(program(), "serve", "--listen", "127.0.0.1:0", "--data", data)
	s.cmd.Env = environment(t, env...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.log
	s.cmd.WaitDelay = patience
	must(t, s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // the state of the process says how it ended
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			t.Logf("the log of the server on %s:\n%s", data, s.log.tail())
		}
	})
	s.url = s.address()
	return s
}

// environment is all that the program knows of the machine.
func environment(t testing.TB, more ...string) []string {
	return append([]string{
		"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "SATCHEL_ROOT_TOKEN=" + rootToken,
		"SATCHEL_MIN_FREE_BYTES=0", "SATCHEL_SWEEP_INTERVAL=50ms",
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
	s.http.CloseIdleConnections()
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

// swept waits until a sweep has begun and ended from now on.
func (s *server) swept() {
	s.t.Helper()
	before := s.sweeps()
	within(s.t, "the sweeper sweeps", func() bool { return s.sweeps() >= before+2 })
}

func (s *server) sweeps() int {
	return int(s.metric(`satchel_sweeps_total{kind="full"}`) + s.metric(`satchel_sweeps_total{kind="light"}`))
}

// metric reads one number of /metrics; 0 when it is not there yet.
func (s *server) metric(name string) float64 {
	s.t.Helper()
	for line := range strings.Lines(string(s.do(http.MethodGet, "/metrics", nil).body)) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			must(s.t, err)
			return value
		}
	}
	return 0
}

// blobs gives the files in which a server keeps bytes, unfinished ones included, with their sizes.
func (s *server) blobs() map[string]int64 {
	s.t.Helper()
	found := map[string]int64{}
	err := filepath.WalkDir(filepath.Join(s.data, "blobs"), func(path string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || err == nil && entry.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err == nil {
			found[path] = info.Size()
		}
		return err
	})
	must(s.t, err)
	return found
}

// leaves stops the server when it has swept, and checks what it leaves on the disk: so many objects, each of which a row names, all of them whole.
func (s *server) leaves(objects int) {
	s.t.Helper()
	s.swept()
	if found := s.blobs(); len(found) != objects {
		s.t.Errorf("%d objects are left, want %d: %v", len(found), objects, found)
	}
	s.stop()
	cmd := exec.CommandContext(s.t.Context(), program(), "fsck", "--deep", "--data", s.data)
	cmd.Env = environment(s.t)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Errorf("fsck --deep: %v\n%s", err, out)
	}
}

// children gives the processes that read documents for the server.
func (s *server) children() []int {
	s.t.Helper()
	entries, err := os.ReadDir("/proc")
	must(s.t, err)
	var all []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && parentOf(pid) == s.cmd.Process.Pid && readsDocuments(pid) {
			all = append(all, pid)
		}
	}
	return all
}

// parentOf gives the parent of a process; 0 when there is no such process any more.
func parentOf(pid int) int {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name of the program
	fields := strings.Fields(rest)
	if len(fields) < 2 || fields[0] == "Z" {
		return 0
	}
	parent, _ := strconv.Atoi(fields[1]) // the kernel writes a number
	return parent
}

func readsDocuments(pid int) bool {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	args := strings.Split(string(text), "\x00")
	return err == nil && slices.Contains(args, "extract") && !slices.Contains(args, "--prepare")
}

// child gives the process that reads documents, of a server that has one worker, and makes sure that it is ready.
func (s *server) child() int {
	s.t.Helper()
	s.settled(s.put(plain("warm.txt", "Something to read."), nil).ID)
	var all []int
	within(s.t, "there is one process that reads documents", func() bool {
		all = s.children()
		return len(all) == 1
	})
	return all[0]
}

// halt stops a process, and waits until none of its threads runs any more: a thread at low priority may run on for a while.
func halt(t testing.TB, pid int) {
	t.Helper()
	sendSignal(t, pid, syscall.SIGSTOP)
	within(t, "the process stands still", func() bool {
		threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		return err == nil && !slices.ContainsFunc(threads, func(path string) bool {
			text, err := os.ReadFile(path)
			return err == nil && !strings.Contains(string(text), ") T ")
		})
	})
}

func sendSignal(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Errorf("signal %v to %d: %v", sig, pid, err)
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

// next waits for something that comes out of a channel.
func next[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(patience):
		t.Fatalf("still not so after %s: %s", patience, what)
		panic("unreachable")
	}
}

// record keeps what a process writes.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

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
	all := slices.DeleteFunc(strings.Split(strings.TrimSpace(r.String()), "\n"), func(line string) bool { return strings.Contains(line, "msg=request") })
	return strings.Join(all[max(0, len(all)-25):], "\n")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
