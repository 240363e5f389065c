//go:build linux

package durability_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// traced are the system calls that a proof of order needs.
const traced = "openat,write,writev,sendto,pwrite64,fsync,fdatasync,rename,renameat,renameat2,mkdir,mkdirat"

// strace is a tracer at work.
type strace struct {
	t    testing.TB
	cmd  *exec.Cmd
	file string
	log  *program.Record
}

// attach has strace follow a running server. args say what it is to trace and to inject.
func attach(t testing.TB, s *server, args ...string) *strace {
	t.Helper()
	tracer := &strace{t: t, file: filepath.Join(t.TempDir(), "trace"), log: &program.Record{}}
	args = append([]string{"-f", "-y", "-s", "8192", "-o", tracer.file, "-p", strconv.Itoa(s.PID())}, args...)
	tracer.cmd = exec.CommandContext(t.Context(), "strace", args...)
	tracer.cmd.Stderr = tracer.log
	program.Must(t, tracer.cmd.Start())
	program.Within(t, "strace follows the server", func() bool { return strings.Contains(tracer.log.String(), " attached") })
	return tracer
}

// detach lets the server run on alone, and gives what was seen.
func (s *strace) detach() []call {
	s.t.Helper()
	program.Must(s.t, s.cmd.Process.Signal(syscall.SIGTERM))
	_ = s.cmd.Wait() // it ends with the signal that it was sent
	return readTrace(s.t, s.file)
}

// call is one system call, with its place in the order of all events.
type call struct {
	name   string
	args   string
	result string
	begin  int
	end    int // calls that never came back have none: 0
}

// done says whether it did its work.
func (c call) done() bool { return c.end > 0 && !strings.HasPrefix(c.result, "-1") && c.result != "?" }

// path is the file behind the file descriptor that is the call's first argument.
func (c call) path() string {
	_, rest, _ := strings.Cut(c.args, "<")
	path, _, _ := strings.Cut(rest, ">")
	return path
}

func (c call) is(names ...string) bool {
	return slices.Contains(names, c.name)
}

// answers says whether the call sends the head of an answer.
func (c call) answers() bool {
	return c.is("write", "writev", "sendto") && strings.Contains(c.args, `"HTTP/1.1 200`)
}

func (c call) String() string {
	return fmt.Sprintf("%d: %s(%.120s) = %s", c.begin, c.name, c.args, c.result)
}

// readTrace puts the two halves of interrupted lines together. The order of lines is that in which the calls began and ended.
func readTrace(t testing.TB, path string) []call {
	t.Helper()
	file, err := os.Open(path)
	program.Must(t, err)
	defer file.Close()
	line := regexp.MustCompile(`^(\d+) +(?:<\.\.\. \w+ resumed>|(\w+)\()(.*)$`)
	result := regexp.MustCompile(`^(.*)\) += (.*)$`)
	unfinished := regexp.MustCompile(`^(.*) <(?:unfinished|detached) \.\.\.>$`)
	var calls []call
	running := map[string]int{} // the call in which a thread is
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 4<<20)
	for n := 1; scanner.Scan(); n++ {
		found := line.FindStringSubmatch(scanner.Text())
		if found == nil {
			continue // signals, ends of threads
		}
		thread, name, rest := found[1], found[2], found[3]
		if name != "" {
			running[thread] = len(calls)
			calls = append(calls, call{name: name, begin: n})
		}
		at, ok := running[thread]
		if !ok {
			continue // it began before the trace
		}
		c := &calls[at]
		if half := unfinished.FindStringSubmatch(rest); half != nil {
			c.args += half[1]
			continue
		}
		if ended := result.FindStringSubmatch(rest); ended != nil {
			c.args, c.result, c.end = c.args+ended[1], ended[2], n
			delete(running, thread)
		}
	}
	program.Must(t, scanner.Err())
	return calls
}

// first gives the first call behind a moment that is wanted; ok is false when there is none.
func first(calls []call, behind int, wanted func(call) bool) (found call, ok bool) {
	for _, c := range calls {
		if c.begin > behind && wanted(c) {
			return c, true
		}
	}
	return call{}, false
}

// synced gives the first fsync of a path that began behind a moment and succeeded.
func synced(calls []call, path string, behind int) (call, error) {
	c, ok := first(calls, behind, func(c call) bool { return c.is("fsync", "fdatasync") && c.done() && c.path() == path })
	if !ok {
		return c, fmt.Errorf("no fsync of %s behind event %d", path, behind)
	}
	return c, nil
}

// answered gives the answer that says marker.
func answered(calls []call, marker string) (call, error) {
	c, ok := first(calls, 0, func(c call) bool { return c.answers() && strings.Contains(c.args, marker) })
	if !ok {
		return c, fmt.Errorf("no answer with %q in the trace", marker)
	}
	return c, nil
}

// rowWritten gives the first writing of marker to the database's log, and the fsync behind it.
func rowWritten(calls []call, log, marker string) (wrote, flushed call, err error) {
	wrote, ok := first(calls, 0, func(c call) bool {
		return c.is("pwrite64", "write") && c.path() == log && strings.Contains(c.args, marker)
	})
	if !ok {
		return wrote, wrote, fmt.Errorf("nothing with %q was written to %s", marker, log)
	}
	flushed, err = synced(calls, log, wrote.end)
	return wrote, flushed, err
}

// started gives the call that begins with a file's bytes, in the unfinished object that is made of them. An empty file has none: it is
// the first object of the trace.
func started(calls []call, f content) (c call, part string, err error) {
	wanted := func(c call) bool {
		return c.is("write", "writev") && strings.HasSuffix(c.path(), ".part") && strings.Contains(c.args, `, "`+f.head)
	}
	if f.size == 0 {
		wanted = func(c call) bool { return c.is("openat") && strings.Contains(c.args, `.part", O_WRONLY|O_CREAT`) }
	}
	c, ok := first(calls, 0, wanted)
	switch {
	case !ok:
		return c, "", fmt.Errorf("nothing of %s was ever written", f.name)
	case f.size > 0:
		return c, c.path(), nil
	}
	_, rest, _ := strings.Cut(c.args, `, "`)
	part, _, _ = strings.Cut(rest, `"`)
	return c, part, nil
}

// bytesSynced gives the moment at which a file's bytes, and every folder above them below blobs, were durable.
func bytesSynced(calls []call, blobs string, f content) (moment int, err error) {
	last, part, err := started(calls, f)
	if err != nil {
		return 0, err
	}
	for _, c := range calls {
		if c.is("write", "writev", "pwrite64") && c.path() == part {
			last = c
		}
	}
	flushed, err := synced(calls, part, last.end)
	if err != nil {
		return 0, err
	}
	final := strings.TrimSuffix(part, ".part")
	renamed, ok := first(calls, flushed.end, func(c call) bool {
		return c.is("rename", "renameat", "renameat2") && c.done() && strings.Contains(c.args, `"`+final+`"`) && strings.Contains(c.args, `"`+part+`"`)
	})
	if !ok {
		return 0, fmt.Errorf("%s was not renamed behind its fsync", part)
	}
	return foldersSynced(calls, blobs, filepath.Dir(final), renamed.end)
}

// foldersSynced follows the way from a folder up to blobs: the folder must be synced behind a moment, and every one above it behind the
// making of the one below, if that is in the trace.
func foldersSynced(calls []call, blobs, folder string, behind int) (moment int, err error) {
	flushed, err := synced(calls, folder, behind)
	if err != nil {
		return 0, err
	}
	moment = flushed.end
	for ; folder != blobs; folder = filepath.Dir(folder) {
		made, ok := first(calls, 0, func(c call) bool {
			return c.is("mkdir", "mkdirat") && c.done() && strings.Contains(c.args, `"`+folder+`"`)
		})
		if !ok {
			continue
		}
		flushed, err := synced(calls, filepath.Dir(folder), made.end)
		if err != nil {
			return 0, err
		}
		moment = max(moment, flushed.end)
	}
	return moment, nil
}
