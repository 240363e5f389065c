//go:build linux

package processing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

// newData makes a data folder for servers, with what the processes that read documents need in it.
func newData(t testing.TB) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	program.Must(t, os.MkdirAll(filepath.Join(data, "cache"), 0o700))
	program.Must(t, os.Symlink(filepath.Join(sharedCache(), "pdfium"), filepath.Join(data, "cache", "pdfium")))
	program.Must(t, os.MkdirAll(filepath.Join(sharedCache(), "pdfium"), 0o700))
	return data
}

// pdfsAreFast waits until PDFs can be read without the work of seconds before the first.
func pdfsAreFast(t testing.TB) {
	t.Helper()
	program.Within(t, "what PDFs need is made", func() bool {
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
	*program.Server
	t testing.TB
}

// start starts the program under test; env are further variables.
func start(t testing.TB, data string, env ...string) *server {
	t.Helper()
	return &server{program.Start(t, data, program.Settings{Program: underTest(), Env: env}), t}
}

// leaves stops the server when it has swept, and checks what it leaves on the disk: so many objects, each of which a row names, all of them whole.
func (s *server) leaves(objects int) {
	s.t.Helper()
	s.Swept(2)
	if found := s.Blobs(); len(found) != objects {
		s.t.Errorf("%d objects are left, want %d: %v", len(found), objects, found)
	}
	s.Stop()
	program.Fsck(s.t, underTest(), s.Data)
}

// children gives the processes that read documents for the server.
func (s *server) children() []int {
	s.t.Helper()
	entries, err := os.ReadDir("/proc")
	program.Must(s.t, err)
	var all []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && parentOf(pid) == s.PID() && readsDocuments(pid) {
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
	program.Within(s.t, "there is one process that reads documents", func() bool {
		all = s.children()
		return len(all) == 1
	})
	return all[0]
}

// halt stops a process, and waits until none of its threads runs any more: a thread at low priority may run on for a while.
func halt(t testing.TB, pid int) {
	t.Helper()
	sendSignal(t, pid, syscall.SIGSTOP)
	program.Within(t, "the process stands still", func() bool {
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

// next waits for something that comes out of a channel.
func next[T any](t testing.TB, what string, from <-chan T) T {
	t.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(program.Patience):
		t.Fatalf("still not so after %s: %s", program.Patience, what)
		panic("unreachable")
	}
}
