package contract

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/internal/daemon"
)

const (
	idleWanted = 10_000
	idleLeast  = 4_000
	holderEnv  = "CONTRACT_TEST_HOLD" // "address count": the test binary holds so many connections instead of testing
)

// TestMain lets the test binary be its own client: the connections' other ends need a process of their own, for each process may have
// only so many files.
func TestMain(m *testing.M) {
	if order := os.Getenv(holderEnv); order != "" {
		if err := hold(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if len(os.Args) > 1 && os.Args[1] == daemon.ExtractCommand {
		if err := readDocuments(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	status, err := withBucket(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(status)
}

// The server answers while ten thousand connections are open and idle, and they all stay usable.
func TestIdleConnections(t *testing.T) {
	t.Parallel()
	count := min(idleWanted, openFiles(t)-1000)
	if count < idleLeast {
		t.Fatalf("the limit of open files allows %d connections, fewer than %d", count, idleLeast)
	}
	if count < idleWanted {
		t.Logf("the limit of open files allows %d connections, not %d", count, idleWanted)
	}
	s := newServer(t)
	s.alone() // whatever is in between would need twice the connections
	holder := exec.CommandContext(t.Context(), os.Args[0])
	holder.Env = append(os.Environ(), fmt.Sprintf("%s=%s %d", holderEnv, s.addr, count))
	holder.Stderr = os.Stderr
	stdin, stdout := pipes(t, holder)
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := stdout.ReadString('\n'); line != "holding\n" {
		t.Fatalf("the connections were not made: %q, %v", line, err)
	}
	s.do(t, upload(rootToken)).want(t, 200)
	if list := s.do(t, as(rootToken, "GET", "/files")).list(t); len(list.Data) != 2 {
		t.Errorf("%d files", len(list.Data))
	}
	if err := stdin.Close(); err != nil { // now every connection is used once more
		t.Fatal(err)
	}
	if err := holder.Wait(); err != nil {
		t.Error("not every connection stayed usable:", err)
	}
}

// openFiles raises the number of files that this process and its children may open, as far as it may.
func openFiles(t *testing.T) int {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	if want := uint64(2 * idleWanted); limit.Cur < want {
		raised := syscall.Rlimit{Cur: want, Max: max(want, limit.Max)}
		if syscall.Setrlimit(syscall.RLIMIT_NOFILE, &raised) == nil {
			return int(want)
		}
	}
	return int(min(limit.Cur, 1<<20))
}

func pipes(t *testing.T, command *exec.Cmd) (io.WriteCloser, *bufio.Reader) {
	t.Helper()
	stdin, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	return stdin, bufio.NewReader(stdout)
}

// hold opens connections and uses each once, says so, waits for the end of standard input, and uses each once more.
func hold(order string) error {
	address, number, _ := strings.Cut(order, " ")
	count, err := strconv.Atoi(number)
	if err != nil {
		return err
	}
	held := make([]net.Conn, count)
	err = inParallel(held, func(conn *net.Conn) (err error) {
		if *conn, err = net.Dial("tcp", address); err != nil {
			return err
		}
		return probe(*conn)
	})
	if err != nil {
		return err
	}
	fmt.Println("holding")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	return inParallel(held, func(conn *net.Conn) error { return probe(*conn) })
}

// inParallel calls use for every connection, some at a time.
func inParallel(all []net.Conn, use func(*net.Conn) error) error {
	const workers = 64
	var group sync.WaitGroup
	faults := make([]error, workers)
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < len(all) && faults[worker] == nil; i += workers {
				faults[worker] = use(&all[i])
			}
		})
	}
	group.Wait()
	return errors.Join(faults...)
}

func probe(conn net.Conn) error {
	if _, err := io.WriteString(conn, "GET /health HTTP/1.1\r\nHost: satchel.test\r\n\r\n"); err != nil {
		return err
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, %w", response.StatusCode, err)
	}
	return nil
}
