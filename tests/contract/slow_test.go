package contract

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

// A slow upload that keeps moving takes as long as it takes: longer than the idle time-out. A download, too.
func TestSlowButMoving(t *testing.T) {
	t.Parallel()
	const idle, pause = 2 * time.Second, 100 * time.Millisecond // far apart, for busy machines
	s := newServer(t, func(c *daemon.Config) { c.IdleTimeout = idle })
	for name, r := range map[string]request{
		"with Content-Length": upload(rootToken),
		"in chunks":           upload(rootToken).with("Transfer-Encoding", "chunked"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := s.dial(t)
			tick := time.NewTicker(pause)
			defer tick.Stop()
			begun := time.Now()
			for wire := r.wire(); len(wire) > 0; <-tick.C {
				n := min(len(wire), 1+len(r.wire())/30)
				if _, err := conn.Write(wire[:n]); err != nil {
					t.Fatal(err)
				}
				wire = wire[n:]
			}
			if took := time.Since(begun); took < idle {
				t.Fatalf("the upload took %s: not long enough to say anything", took)
			}
			readAnswer(t, conn, r).want(t, 200)
		})
	}
}

// An upload that stands still is given up with 408, and leaves nothing.
func TestStalledUpload(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.IdleTimeout = 100 * time.Millisecond })
	for name, r := range map[string]request{
		"with Content-Length": upload(rootToken),
		"in chunks":           upload(rootToken).with("Transfer-Encoding", "chunked"),
		"JSON":                as(rootToken, "POST", "/tokens").json(t, map[string]string{"user": "ada", "role": "member"}),
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t)
			wire := r.wire()
			if _, err := conn.Write(wire[:len(wire)-8]); err != nil {
				t.Fatal(err)
			}
			a := readAnswer(t, conn, r)
			s.check(t, r, a)
			if got := a.code(t); got != "408 request_timeout" {
				t.Error(got)
			}
		})
	}
	s.isEmpty(t, rootToken)
}

// A refused client that stands still while its body is thrown away gets its answer all the same.
func TestStalledAfterRefusal(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.IdleTimeout = 100 * time.Millisecond })
	r := as("nonsense", "POST", "/files").form(file("a.txt", strings.Repeat("a", 1000)))
	conn := s.dial(t)
	if _, err := conn.Write(r.head()); err != nil {
		t.Fatal(err)
	}
	a := readAnswer(t, conn, r)
	s.check(t, r, a)
	a.want(t, 401)
}

// A client that does not get on with the head of its request is cut off.
func TestStalledHead(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, beginning := range map[string]string{"nothing": "", "half a head": "GET /health HTTP/1.1\r\nHost: sat"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := s.dial(t)
			if _, err := io.WriteString(conn, beginning); err != nil {
				t.Fatal(err)
			}
			rest, err := io.ReadAll(conn) // ends when the server closes; the connection's own deadline is an error
			if err != nil || strings.HasPrefix(string(rest), "HTTP/1.1 200") {
				t.Errorf("%q, %v", rest, err)
			}
		})
	}
}

// A head beyond all measure is refused, and the server goes on.
func TestLargeHead(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	conn := s.dial(t)
	r := as(rootToken, "GET", "/files").with("X-Padding", strings.Repeat("x", mebi))
	go func() { _, _ = conn.Write(r.wire()) }()
	readAnswer(t, conn, r).want(t, 431)
	s.isEmpty(t, rootToken)
}

// A metadata filter of 64 KiB fits into the head, though percent signs triple it.
func TestLargeFilter(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	filter := fmt.Sprintf(`%%7B%%22a%%22%%3A%%22%s%%22%%7D`, strings.Repeat("%C3%A4", 32<<10-8))
	s.do(t, as(rootToken, "GET", "/files?metadata="+filter)).want(t, 200)
}

// A body that is announced and never comes is given up after the idle time-out, also where nobody wants it.
func TestBodyThatNeverComes(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.IdleTimeout = 100 * time.Millisecond })
	for _, test := range []struct {
		method, target string
		want           int
	}{
		{"GET", "/files", 408}, {"GET", "/health", 408}, {"GET", "/docs", 408}, {"GET", "/metrics", 408}, {"GET", "/openapi.json", 408},
		{"DELETE", "/files/file-0000000000000000000000000", 408}, {"POST", "/files", 415}, {"POST", "/nothing", 404},
		{"PATCH", "/files/file-0000000000000000000000000/metadata", 404},
	} {
		t.Run(test.method+" "+test.target, func(t *testing.T) {
			t.Parallel()
			r := as(rootToken, test.method, test.target).with("Content-Length", "10")
			conn := s.dial(t)
			if _, err := conn.Write(r.head()); err != nil {
				t.Fatal(err)
			}
			a := readAnswer(t, conn, r)
			s.check(t, r, a)
			a.want(t, test.want)
		})
	}
}
