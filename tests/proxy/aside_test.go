package proxy_test

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/tests/program"
)

// TestNothingIsLaidAside has a client stop in the middle of a download. nginx stops, too, instead of taking the rest to a file: while it does, another
// download goes through from one end to the other. It would warn of a file, as it would of one for a body.
func TestNothingIsLaidAside(t *testing.T) {
	w := newWorld(t, startNginx)
	const size = 64 << 20
	contentType, before, behind := form(t)
	body := io.MultiReader(strings.NewReader(before), io.LimitReader(zeros{}, size), strings.NewReader(behind))
	got := w.do(t, http.MethodPost, "/files?purpose=batch", body, "Content-Type", contentType)
	var made struct{ ID string }
	if err := json.Unmarshal(got.body, &made); err != nil {
		t.Fatal(err, string(got.body))
	}
	content := "/files/" + made.ID + "/content"
	slow, err := w.http.Do(w.request(t, http.MethodGet, content, nil, "Range", "bytes=1-"))
	program.Must(t, err)
	defer func() { _ = slow.Body.Close() }()
	if got := w.do(t, http.MethodGet, content, nil); len(got.body) != size {
		t.Errorf("the other download: %d, %d bytes", got.status, len(got.body))
	}
	if n, err := io.Copy(io.Discard, slow.Body); err != nil || n != size-1 || slow.StatusCode != http.StatusPartialContent {
		t.Errorf("the slow download: %d, %d bytes, %v", slow.StatusCode, n, err)
	}
	log, err := os.ReadFile(filepath.Join(w.folder, "nginx.log"))
	program.Must(t, err)
	if bytes.Contains(log, []byte("temporary file")) {
		t.Errorf("nginx lays something aside:\n%s", log)
	}
}

// TestRefusedBeforeItIsSent has a client announce a body, send more of it than Satchel reads of a refused one (4 MiB), and stop: the refusal comes
// through nginx. Caddy, like everything above net/http, lets an answer wait until the client sends more or gives up.
func TestRefusedBeforeItIsSent(t *testing.T) {
	w := newWorld(t, startNginx)
	contentType, before, _ := form(t)
	for name, c := range map[string]struct {
		path, token string
		status      int
	}{
		"a bad token":         {"/files", "wrong", http.StatusUnauthorized},
		"no workspace's name": {"/files?workspace=NO", program.RootToken, http.StatusUnprocessableEntity},
	} {
		reader, writer := io.Pipe()
		go func() { _, _ = io.WriteString(writer, before+strings.Repeat("x", 8<<20)) }() // and then nothing, until there is an answer
		r := w.request(t, http.MethodPost, c.path, reader, "Content-Type", contentType, "Authorization", "Bearer "+c.token)
		r.ContentLength = 64 << 20
		if got := w.answer(t, r); got.status != c.status {
			t.Errorf("%s: %d, %s", name, got.status, got.body)
		}
	}
}

// TestOneEnd: a request whose end the two could see in different places does not get to the program.
func TestOneEnd(t *testing.T) {
	w := newWorld(t, startNginx)
	address := strings.TrimPrefix(w.front, "https://")
	config := w.http.Transport.(*http.Transport).TLSClientConfig
	for name, framing := range map[string]string{
		"length and chunks": "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "two lengths": "Content-Length: 5\r\nContent-Length: 6\r\n",
		"an encoding that is none": "Transfer-Encoding: xchunked\r\n", "chunks twice": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
	} {
		conn, err := (&tls.Dialer{Config: config}).DialContext(t.Context(), "tcp", address)
		program.Must(t, err)
		program.Must(t, conn.SetDeadline(time.Now().Add(program.Patience)))
		_, err = io.WriteString(conn, "POST /files HTTP/1.1\r\nHost: "+host+"\r\n"+framing+"\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: "+host+"\r\n\r\n")
		program.Must(t, err)
		all, err := io.ReadAll(conn) // nginx ends the connection
		first, _, _ := strings.Cut(string(all), "\r\n")
		if err != nil || !strings.HasPrefix(first, "HTTP/1.1 400 ") && !strings.HasPrefix(first, "HTTP/1.1 501 ") || bytes.Count(all, []byte("HTTP/1.1 ")) != 1 {
			t.Errorf("%s: %v, %s", name, err, all)
		}
		_ = conn.Close()
	}
	if strings.Contains(w.server.Log.String(), "/hidden") {
		t.Errorf("the program was asked for what was hidden in a body:\n%s", w.server.Log)
	}
}
