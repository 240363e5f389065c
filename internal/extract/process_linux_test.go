package extract

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
)

// proc reads a file of a process.
func proc(t *testing.T, pid int, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// working has a look at a child while it reads a document.
func working(t *testing.T, look func(pid int, document *os.File)) {
	t.Helper()
	pool := newPool(t, PoolConfig{})
	path := filepath.Join(t.TempDir(), "document")
	if err := os.WriteFile(path, []byte("hang"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	seen := errors.New("seen")
	out := &outcome{page: func(Page) error { look(pool.pids()[0], file); return seen }}
	if _, err := pool.Extract(t.Context(), file, "", out); !errors.Is(err, seen) {
		t.Fatal(err)
	}
}

func TestNothingOfTheServerLeaks(t *testing.T) {
	t.Setenv("SATCHEL_LLM_KEY", "a secret")
	secret, err := os.Create(filepath.Join(t.TempDir(), "database"))
	if err != nil {
		t.Fatal(err)
	}
	defer secret.Close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	working(t, func(pid int, document *os.File) {
		if got := proc(t, pid, "environ"); got != "TZ=UTC\x00" {
			t.Errorf("environment %q", got)
		}
		if cwd, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid)); cwd != "/" {
			t.Errorf("working directory %q, %v", cwd, err)
		}
		var sockets int
		for _, link := range descriptorsOf(t, pid) {
			switch {
			case strings.HasPrefix(link, "socket:"):
				sockets++
			case link == "/dev/null", link == document.Name(), strings.HasPrefix(link, "pipe:"), strings.HasPrefix(link, "anon_inode:[event"),
				strings.HasPrefix(link, "/sys/fs/cgroup/"):
			default:
				t.Errorf("descriptor of %s", link)
			}
		}
		if sockets != 1 {
			t.Errorf("%d sockets", sockets)
		}
	})
}

// descriptorsOf says what a process has open.
func descriptorsOf(t *testing.T, pid int) []string {
	t.Helper()
	dir := fmt.Sprintf("/proc/%d/fd", pid)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var links []string
	for _, e := range entries {
		link, err := os.Readlink(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		links = append(links, link)
	}
	return links
}

func TestLimitsOfAChild(t *testing.T) {
	working(t, func(pid int, _ *os.File) {
		limits := map[string]string{}
		for line := range strings.Lines(proc(t, pid, "limits")) {
			name := strings.TrimSpace(line[:min(len(line), 26)])
			limits[name] = strings.Join(strings.Fields(line[min(len(line), 26):]), " ")
		}
		for name, want := range map[string]string{"Max core file size": "0 0 bytes", "Max file size": "0 0 bytes", "Max open files": "32 32 files"} {
			if limits[name] != want {
				t.Errorf("%s: %q, want %q", name, limits[name], want)
			}
		}
		if unlimited := strings.HasPrefix(limits["Max data size"], "unlimited"); unlimited != raceDetector || limits["Max data size"] == "" {
			t.Errorf("data size: %q", limits["Max data size"])
		}
		if got := strings.TrimSpace(proc(t, pid, "oom_score_adj")); got != "1000" {
			t.Errorf("oom_score_adj %s", got)
		}
		threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
		if err != nil || len(threads) < 2 {
			t.Fatalf("threads %v, %v", threads, err)
		}
		for _, thread := range threads {
			checkThread(t, pid, "task/"+thread.Name())
		}
	})
}

// checkThread checks what belongs to each thread of its own.
func checkThread(t *testing.T, pid int, thread string) {
	t.Helper()
	stat := proc(t, pid, thread+"/stat")
	after := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	if got := after[16]; got != strconv.Itoa(nice) {
		t.Errorf("%s: nice %s", thread, got)
	}
	status := strings.Split(proc(t, pid, thread+"/status"), "\n")
	for _, want := range []string{"NoNewPrivs:\t1", "Seccomp:\t2"} {
		if !slices.Contains(status, want) {
			t.Errorf("%s is not %q", thread, want)
		}
	}
}

func TestAChildCannotReachOut(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	path := filepath.Join(t.TempDir(), "database")
	if err := os.WriteFile(path, []byte("rows"), 0o600); err != nil {
		t.Fatal(err)
	}
	result, _ := extract(t, newPool(t, PoolConfig{}), "reach "+path+" "+listener.Addr().String())
	for what, got := range result.Document.Properties {
		want := "refused"
		switch what {
		case "pid", "filename", "started":
			continue
		case "log":
			want = "done"
		}
		if got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	if b, err := os.ReadFile(path); string(b) != "rows" {
		t.Errorf("the file is %q, %v", b, err)
	}
}

func TestHiddenMemoryIsSeen(t *testing.T) {
	pool := newPool(t, PoolConfig{Memory: 128 << 20})
	_, err := pool.Extract(t.Context(), strings.NewReader("hide"), "", &outcome{})
	if satchel.CodeOf(err) != satchel.CodeDocumentTooComplex || !strings.Contains(err.Error(), "128 MiB of memory") {
		t.Errorf("got %v", err)
	}
}

// TestParentDies kills a server, and sees its child end.
func TestParentDies(t *testing.T) {
	parent := exec.CommandContext(t.Context(), "/proc/self/exe", "parent")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(bufio.NewReader(stdout), &child); err != nil {
		t.Fatal(err)
	}
	pidfd, err := unix.PidfdOpen(child, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pidfd)
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	ended := []unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}
	for {
		if _, err := unix.Poll(ended, -1); !errors.Is(err, unix.EINTR) { // it is readable when the process has ended
			break
		}
	}
	if ended[0].Revents&unix.POLLIN == 0 {
		t.Errorf("the child lives: %v", ended)
	}
}

func TestPatience(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	c, err := pool.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer pool.give(c)
	const limit = 10 * time.Second
	more := c.patience(limit)
	var total time.Duration
	for next := more(); next > 0; next = more() { // it does nothing at all
		total += next
	}
	if total != maxPatience*limit {
		t.Errorf("it may wait for %s, want %s", total, maxPatience*limit)
	}
	begin(t, pool, c, "loop")
	more = c.patience(tick)
	for worked := time.Duration(0); worked < 10*tick; worked, _ = c.meter.worked() {
		runtime.Gosched()
	}
	if next := more(); next != 0 {
		t.Errorf("a child that works gets %s more", next)
	}
	c.kill(errGivenUp)
	<-c.dead
	if worked, known := c.meter.worked(); known {
		t.Errorf("a child that has ended works: %s", worked)
	}
}
