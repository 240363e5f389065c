// Package s3test runs a real S3 server for tests: versitygw, over a folder that goes with the test.
package s3test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The keys of every server.
const (
	AccessKey = "the-key-of-the-tests"
	SecretKey = "the-secret-of-the-tests"
)

// patience is for the server to start.
const patience = 30 * time.Second

// Server is an S3 server with one bucket.
type Server struct {
	Endpoint string // http://127.0.0.1:port
	Bucket   string
	Folder   string // in which the server keeps its buckets: object and key are a file and its path

	cmd  *exec.Cmd
	said *record
}

// Start starts a server on a free port and waits until it answers. It ends with the test. The test's process gets the server's keys as variables.
func Start(t testing.TB) *Server {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", AccessKey)
	t.Setenv("AWS_SECRET_ACCESS_KEY", SecretKey)
	s, err := Launch(t.Context(), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Launch starts a server that keeps everything in a folder, on a free port, and waits until it answers. Whoever launches it stops it, and has the keys as
// variables.
func Launch(ctx context.Context, folder string) (*Server, error) {
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	s, err := New(folder, address)
	if err != nil {
		return nil, err
	}
	if s.cmd, err = s.Command(); err != nil {
		return nil, err
	}
	s.said = &record{}
	s.cmd.Stdout, s.cmd.Stderr = s.said, s.said
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	if err := s.await(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

// New makes the folders of a server for an address, which is then started with its Command, and started again.
func New(folder, address string) (*Server, error) {
	s := &Server{Endpoint: "http://" + address, Bucket: "files", Folder: filepath.Join(folder, "buckets")}
	for _, dir := range []string{filepath.Join(s.Folder, s.Bucket), s.sidecar()} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// sidecar is where the server keeps what it knows of objects.
func (s *Server) sidecar() string { return filepath.Join(filepath.Dir(s.Folder), "sidecar") }

// Command runs the server.
func (s *Server) Command() (*exec.Cmd, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	home := filepath.Dir(s.Folder)
	cmd := exec.Command(path, "--port", strings.TrimPrefix(s.Endpoint, "http://"), "--access", AccessKey, "--secret", SecretKey, //nolint:noctx // it lives until it is killed
		"--quiet", "--keep-alive", "posix", "--sidecar", s.sidecar(), s.Folder)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "TMPDIR=" + home}
	return cmd, nil
}

// URL names the bucket, or a folder in it, as a store's place.
func (s *Server) URL(prefix string) string {
	return "s3://" + s.Bucket + "/" + prefix + "?" + url.Values{"endpoint": {s.Endpoint}}.Encode()
}

// Stop ends the server, as a crash would. It may be called again.
func (s *Server) Stop() {
	_ = s.cmd.Process.Kill() // it may be over
	_ = s.cmd.Wait()         // how it ended is no matter
}

// await waits for any answer: that there is no signature is one.
func (s *Server) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint, nil)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			return response.Body.Close() // nobody reads it
		}
		if s.cmd.Process.Signal(syscall.Signal(0)) != nil || ctx.Err() != nil {
			return fmt.Errorf("the S3 server does not answer: %w\n%s", err, s.said)
		}
		<-tick.C
	}
}

// program finds the server, which scripts/setup builds.
func program() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); errors.Is(err, os.ErrNotExist) {
			continue
		}
		path := filepath.Join(dir, ".cache", "bin", "versitygw")
		if _, err := os.Stat(path); err != nil {
			return "", fmt.Errorf("there is no S3 server for the tests: run make setup (%w)", err)
		}
		return path, nil
	}
	return "", errors.New("the tests do not run inside the module")
}

func freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// record keeps what the server says.
type record struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// String gives all of it.
func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}
