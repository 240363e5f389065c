package contract

import (
	"bytes"
	"testing"
)

// upload is a small upload with several parts.
func upload(token string) request {
	return as(token, "POST", "/files").form(
		field("purpose", "user_data"), field("metadata", `{"author": "hegel"}`),
		file("logic.txt", "Being is."), file("nothing.txt", "Nothing is not."),
	)
}

// A body that is cut off, at whatever byte, is refused with 400 and leaves nothing: whether its length was announced or it came in chunks.
func TestCutBodies(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]request{
		"with Content-Length": upload(rootToken),
		"in chunks":           upload(rootToken).with("Transfer-Encoding", "chunked"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			whole := r.wire()
			for n := len(r.head()); n < len(whole); n++ {
				s.cut(t, r, whole[:n])
			}
			s.isEmpty(t, rootToken)
			if list := s.do(t, r).list(t); len(list.Data) != 2 {
				t.Errorf("the whole upload made %d files", len(list.Data))
			}
		})
	}
}

// A form that breaks off is refused also where the transport says that the body is whole: what is missing could be the workspace.
func TestFormsThatBreakOff(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := upload(rootToken)
	whole := r.body
	closed := bytes.LastIndex(whole, []byte("--")) + len("--")
	for n := range closed {
		if got := s.do(t, as(rootToken, "POST", "/files").content("multipart/form-data; boundary="+formBoundary, whole[:n])).code(t); got != "400 malformed_multipart" {
			t.Fatalf("a form of %d bytes, of %d: %s", n, len(whole), got)
		}
	}
	s.isEmpty(t, rootToken)
	s.do(t, as(rootToken, "POST", "/files").content("multipart/form-data; boundary="+formBoundary, whole[:closed])).list(t)
}

// cut sends the beginning of a request, says that nothing follows, and expects to be refused.
func (s *server) cut(t *testing.T, r request, beginning []byte) {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	if _, err := conn.Write(beginning); err != nil {
		t.Fatal(err)
	}
	if err := conn.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	a := readAnswer(t, conn, r)
	s.check(t, r, a)
	if got := a.code(t); got != "400 malformed_multipart" {
		t.Fatalf("cut after %d bytes: %s", len(beginning), got)
	}
}

// A client that goes away in the middle leaves nothing either.
func TestClientsThatGoAway(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := upload(rootToken)
	whole := r.wire()
	for n := len(r.head()); n < len(whole); n += 7 {
		conn := s.dial(t)
		if _, err := conn.Write(whole[:n]); err != nil {
			t.Fatal(err)
		}
		if err := conn.SetLinger(0); err != nil { // the client vanishes with a reset
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, "the end of requests whose clients are gone", func() bool {
		return s.metric(t, "satchel_http_requests_open") == "1" && len(s.blobs(t)) == 0 // the one is the one that asks
	})
	s.isEmpty(t, rootToken)
}

// A request that ends before its head does is no request, and the server goes on.
func TestCutHeads(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := upload(rootToken)
	head := r.head()
	for n := range len(head) - 1 {
		conn := s.dial(t)
		if _, err := conn.Write(head[:n]); err != nil {
			t.Fatal(err)
		}
		if err := conn.Close(); err != nil {
			t.Fatal(err)
		}
	}
	s.isEmpty(t, rootToken)
	s.do(t, r).want(t, 200)
}

// A form whose last boundary came is not taken before the rest of the body came, too: only then was it all sent.
func TestTheWholeBodyMustArrive(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	r := upload(rootToken)
	r.body = append(r.body, bytes.Repeat([]byte("\r\nepilogue"), 100)...)
	s.cut(t, r, r.wire()[:len(r.wire())-1])
	s.isEmpty(t, rootToken)
	s.do(t, r).want(t, 200)
}
