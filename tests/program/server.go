package program

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Server is the program, serving a data folder as a process of its own.
type Server struct {
	Data string
	URL  string
	HTTP *http.Client
	Log  *Record // what it writes to its standard error

	t     testing.TB
	cmd   *exec.Cmd
	out   *Record
	ended chan struct{}
}

// Start starts a server and waits until it listens. It is killed when the test ends.
func Start(t testing.TB, data string, how Settings) *Server {
	t.Helper()
	Must(t, NoteSources())
	s := &Server{
		Data: data, HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 32, DisableCompression: true}}, Log: &Record{},
		t: t, cmd: how.Serve(context.WithoutCancel(t.Context()), t, data), out: &Record{}, ended: make(chan struct{}),
	}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.Log
	Must(t, s.cmd.Start())
	go func() {
		_ = s.cmd.Wait() // the state of the process says how it ended
		close(s.ended)
	}()
	t.Cleanup(func() {
		s.Kill()
		s.HTTP.CloseIdleConnections()
		if t.Failed() {
			t.Logf("the log of the server on %s:\n%s", data, s.Log.Tail())
		}
	})
	s.URL = s.address()
	return s
}

// address waits for the line that says where the server listens.
func (s *Server) address() string {
	s.t.Helper()
	const greeting = "Satchel listens on "
	url := ""
	Within(s.t, "the server listens", func() bool {
		select {
		case <-s.ended:
			s.t.Fatalf("the server ended (%v) instead of listening:\n%s", s.cmd.ProcessState, s.Log.Tail())
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

// PID is the id of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Ended is closed when the process is over.
func (s *Server) Ended() <-chan struct{} { return s.ended }

// Signal sends a signal to the process. That it is over already is no fault.
func (s *Server) Signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Error(err)
	}
}

// Kill ends the process as a crash does, and waits for the end.
func (s *Server) Kill() {
	s.t.Helper()
	s.Signal(syscall.SIGKILL)
	<-s.ended
}

// Stop asks the server to end, and expects that it ends in order.
func (s *Server) Stop() {
	s.t.Helper()
	s.HTTP.CloseIdleConnections()
	s.Signal(syscall.SIGTERM)
	s.EndsInOrder()
}

// EndsInOrder waits for the end of a server that was asked to end.
func (s *Server) EndsInOrder() {
	s.t.Helper()
	<-s.ended
	if code := s.cmd.ProcessState.ExitCode(); code != 0 {
		s.t.Errorf("after SIGTERM the server ended with %v, want exit status 0:\n%s", s.cmd.ProcessState, s.Log.Tail())
	}
}

// Exchange sends a request as root, and reads the answer. The error says that there is none, or not a whole one.
func (s *Server) Exchange(request *http.Request) (status int, header http.Header, body []byte, err error) {
	request.Header.Set("Authorization", "Bearer "+RootToken)
	response, err := s.HTTP.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer response.Body.Close()
	body, err = io.ReadAll(response.Body)
	return response.StatusCode, response.Header, body, err
}

// Metric reads one number of /metrics; 0 when it is not there yet.
func (s *Server) Metric(name string) float64 {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+"/metrics", nil)
	Must(s.t, err)
	_, _, body, err := s.Exchange(request)
	Must(s.t, err)
	for line := range strings.Lines(string(body)) {
		if text, ok := strings.CutPrefix(line, name+" "); ok {
			value, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
			Must(s.t, err)
			return value
		}
	}
	return 0
}

// Sweeps gives how many full and light sweeps have ended.
func (s *Server) Sweeps() int {
	s.t.Helper()
	return int(s.Metric(`satchel_sweeps_total{kind="full"}`) + s.Metric(`satchel_sweeps_total{kind="light"}`))
}

// Swept waits until n more sweeps have ended. Of two the second has begun, too, from now on.
func (s *Server) Swept(n int) {
	s.t.Helper()
	before := s.Sweeps()
	Within(s.t, "the sweeper sweeps", func() bool { return s.Sweeps() >= before+n })
}

// Blobs gives the files in which a server keeps bytes, unfinished ones included, with their sizes.
func (s *Server) Blobs() map[string]int64 {
	s.t.Helper()
	return Walk(s.t, filepath.Join(s.Data, "blobs"))
}
