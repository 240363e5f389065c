package contract

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/daemon"
)

const mebi = 1 << 20

// sendAll writes a whole request before it reads anything, as clients do that cannot do both at once, and gives the answer.
func (s *server) sendAll(t *testing.T, r request) answer {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	if _, err := conn.Write(r.wire()); err != nil {
		t.Fatalf("the server broke the connection while the body was sent: %v", err)
	}
	a := readAnswer(t, conn, r)
	s.check(t, r, a)
	return a
}

// A file over the limit is answered with 413 that a client can read, though it goes on sending: up to 64 MiB are thrown away.
func TestOverLimitIsReadable(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.MaxFileBytes = mebi })
	r := as(rootToken, "POST", "/files").form(file("large.bin", strings.Repeat("x", 64*mebi)))
	for name, r := range map[string]request{"with Content-Length": r, "in chunks": inLargeChunks(r)} {
		t.Run(name, func(t *testing.T) {
			if got := s.sendAll(t, r).code(t); got != "413 file_too_large" {
				t.Error(got)
			}
			s.isEmpty(t, rootToken)
		})
	}
}

// inLargeChunks gives the request with its body encoded in chunks of 1 MiB.
func inLargeChunks(r request) request {
	var b bytes.Buffer
	for body := r.body; len(body) > 0; {
		n := min(len(body), mebi)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	r = r.with("Transfer-Encoding", "chunked")
	r.encoded = b.Bytes()
	return r
}

// A refusal before the body is readable, too: 4 MiB of the body are thrown away.
func TestEarlyRefusalsAreReadable(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	large := strings.Repeat("x", 4*mebi-4096)
	form := request{method: "POST"}.form(file("large.bin", large))
	for _, test := range []struct {
		name, target, token string
		body                request
		want                string
	}{
		{"no token", "/files", "nonsense", form, "401 invalid_token"},
		{"bad query", "/files?workspace=A", rootToken, form, "422 invalid_value"},
		{"no multipart", "/files", rootToken, request{}.content("text/plain", []byte(large)), "415 unsupported_media_type"},
		{"no boundary", "/files", rootToken, request{}.content("multipart/form-data", []byte(large)), "400 malformed_multipart"},
		{"unknown file", "/files/file-0000000000000000000000000", rootToken, request{}.content("application/json", []byte(large)), "404 not_found"},
		{"unknown route", "/nothing", rootToken, form, "404 not_found"},
		{"no such method", "/health", rootToken, form, "405 method_not_allowed"},
		{"JSON without end", "/tokens", rootToken, request{}.content("application/json", []byte(large)), "413 body_too_large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := as(test.token, "POST", test.target)
			r.header = append(r.header, test.body.header...)
			r.body, r.hasBody = test.body.body, true
			if got := s.sendAll(t, r).code(t); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	s.isEmpty(t, rootToken)
}

// The connection of an early refusal goes on when all of its body was read.
func TestRefusalsKeepTheConnection(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	conn := s.dial(t)
	refused := request{method: "POST", target: "/files"}.form(file("a.bin", strings.Repeat("x", mebi)))
	for range 3 {
		go func() { _, _ = conn.Write(refused.wire()) }()
		a := readAnswer(t, conn, refused)
		s.check(t, refused, a)
		a.want(t, 401)
	}
}

// A client that asks first (Expect: 100-continue) is refused without sending its body, and asked for it where nothing stands against it.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, test := range []struct{ name, target, token, want string }{
		{"no token", "/files", "nonsense", "401 invalid_token"},
		{"bad query", "/files?workspace=A", rootToken, "422 invalid_value"},
		{"unknown file", "/files/file-0000000000000000000000000/metadata", rootToken, "404 not_found"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := as(test.token, "POST", test.target).with("Expect", "100-continue").with("Content-Length", fmt.Sprint(1<<40)).
				with("Content-Type", "multipart/form-data; boundary=x")
			conn := s.dial(t)
			if _, err := conn.Write(r.head()); err != nil {
				t.Fatal(err)
			}
			a := readAnswer(t, conn, r) // a 100 would be read as the answer
			s.check(t, r, a)
			if got := a.code(t); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
	t.Run("granted", func(t *testing.T) {
		r := upload(rootToken).with("Expect", "100-continue")
		conn := s.dial(t)
		if _, err := conn.Write(r.head()); err != nil {
			t.Fatal(err)
		}
		const granted = "HTTP/1.1 100 Continue\r\n\r\n"
		got := make([]byte, len(granted))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != granted {
			t.Fatalf("%q, %v", got, err)
		}
		if _, err := conn.Write(r.body); err != nil {
			t.Fatal(err)
		}
		readAnswer(t, conn, r).want(t, 200)
	})
}
