// Package proxy_test puts the real program behind a real nginx, with the configuration that the documentation gives.
package proxy_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/satchel-files/satchel/tests/program"
)

// client is the address that the client has, so that it is told from the proxy, which is trusted.
const client = "127.0.0.2"

// world is the program behind nginx.
type world struct {
	server *program.Server
	front  string // the URL of nginx
	http   *http.Client
}

func newWorld(t *testing.T) *world {
	t.Helper()
	folder := t.TempDir()
	built := filepath.Join(folder, "satchel")
	program.Must(t, program.Build(t.Context(), built))
	w := &world{server: program.Start(t, filepath.Join(folder, "data"), program.Settings{
		Program: built, Env: []string{"SATCHEL_TRUSTED_PROXIES=127.0.0.1", "SATCHEL_WORKERS=0"},
	})}
	roots := writeCertificate(t, folder)
	w.front = startNginx(t, folder, w.server.URL)
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}
	w.http = &http.Client{Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "files.example.com", MinVersion: tls.VersionTLS12},
	}}
	t.Cleanup(w.http.CloseIdleConnections)
	return w
}

// snippet gives the configuration in the documentation.
func snippet(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	program.Must(t, err)
	_, rest, found := strings.Cut(string(text), "\nnginx:\n\n```\n")
	config, _, ended := strings.Cut(rest, "\n```\n")
	if !found || !ended {
		t.Fatal("docs/operations.md has no configuration of nginx")
	}
	return config
}

// startNginx runs nginx with the documented server, on this machine's addresses and files, and gives its URL.
func startNginx(t *testing.T, folder, upstream string) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	program.Must(t, err)
	address := listener.Addr().String()
	program.Must(t, listener.Close())
	server := snippet(t)
	for documented, here := range map[string]string{
		"listen 443 ssl;": "listen " + address + " ssl;", "/etc/ssl/files.crt": folder + "/crt", "/etc/ssl/files.key": folder + "/key", "http://127.0.0.1:8484": upstream,
	} {
		if strings.Count(server, documented) != 1 {
			t.Fatalf("the documented configuration has %q %d times", documented, strings.Count(server, documented))
		}
		server = strings.Replace(server, documented, here, 1)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	config := fmt.Sprintf(`%[1]s daemon off; pid %[2]s/pid; error_log %[2]s/nginx.log;
events {}
http {
	access_log off; client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
	%[3]s
}
`, user, folder, server)
	path := filepath.Join(folder, "nginx.conf")
	program.Must(t, os.WriteFile(path, []byte(config), 0o600))
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), nginx(t), "-c", path, "-e", folder+"/nginx.log")
	cmd.Stderr = os.Stderr
	program.Must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	program.Within(t, "nginx listens", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "https://" + address
}

// nginx finds the program: the machine's own, or the one that scripts/setup has unpacked.
func nginx(t *testing.T) string {
	t.Helper()
	if path, err := exec.LookPath("nginx"); err == nil {
		return path
	}
	path, err := filepath.Abs("../../.cache/nginx/usr/sbin/nginx")
	program.Must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatal("there is no nginx: run scripts/setup")
	}
	return path
}

// writeCertificate makes a certificate for the documented name, and gives who believes in it.
func writeCertificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	program.Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "files.example.com"}, DNSNames: []string{"files.example.com"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	program.Must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	program.Must(t, err)
	crt := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	program.Must(t, os.WriteFile(filepath.Join(folder, "crt"), crt, 0o600))
	program.Must(t, os.WriteFile(filepath.Join(folder, "key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(crt)
	return roots
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (w *world) do(t *testing.T, method, path string, body io.Reader, header ...string) answer {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.front+path, body)
	program.Must(t, err)
	r.Header.Set("Authorization", "Bearer "+program.RootToken)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	response, err := w.http.Do(r)
	program.Must(t, err)
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	program.Must(t, err)
	return answer{response.StatusCode, response.Header, text}
}

// form gives the frame of an upload.
func form(t *testing.T) (contentType, before, behind string) {
	t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	_, err := m.CreateFormFile("file", "large.bin")
	program.Must(t, err)
	before = b.String()
	program.Must(t, m.Close())
	return m.FormDataContentType(), before, b.String()[len(before):]
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestBehindNginx(t *testing.T) {
	w := newWorld(t)
	const size = 64 << 20
	contentType, before, behind := form(t)
	body := func(n int64) io.Reader {
		return io.MultiReader(strings.NewReader(before), io.LimitReader(zeros{}, n), strings.NewReader(behind))
	}
	got := w.do(t, http.MethodPost, "/v1/files?purpose=batch", body(size), "Content-Type", contentType)
	var made struct {
		ID    string `json:"id"`
		Bytes int64  `json:"bytes"`
	}
	if err := json.Unmarshal(got.body, &made); err != nil || got.status != http.StatusOK || made.Bytes != size {
		t.Fatalf("a body of %d bytes: %d, %s", size, got.status, got.body)
	}
	if id := got.header.Get("X-Request-Id"); !strings.HasPrefix(id, "req-") {
		t.Errorf("the request's id is %q", id)
	}
	content := "/files/" + made.ID + "/content"
	got = w.do(t, http.MethodGet, content, nil, "Range", "bytes=1000-1999")
	if got.status != http.StatusPartialContent || len(got.body) != 1000 || got.header.Get("Content-Range") != fmt.Sprintf("bytes 1000-1999/%d", size) {
		t.Errorf("a range: %d, %d bytes, %v", got.status, len(got.body), got.header)
	}
	if got = w.do(t, http.MethodGet, content, nil); int64(len(got.body)) != size {
		t.Errorf("the whole: %d, %d bytes", got.status, len(got.body))
	}
	got = w.do(t, http.MethodPost, "/files", body(8<<20), "Content-Type", contentType, "Authorization", "Bearer wrong")
	if got.status != http.StatusUnauthorized || !bytes.Contains(got.body, []byte("invalid_token")) {
		t.Errorf("a refusal in the middle of a body: %d, %s", got.status, got.body)
	}
}

// TestNothingIsBuffered has half an upload arrive before the other half is sent.
func TestNothingIsBuffered(t *testing.T) {
	w := newWorld(t)
	contentType, before, behind := form(t)
	reader, writer := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- w.do(t, http.MethodPost, "/files", reader, "Content-Type", contentType).status
	}()
	half := strings.Repeat("x", 4<<20)
	_, err := io.WriteString(writer, before+half)
	program.Must(t, err)
	staged := regexp.MustCompile(`(?m)^satchel_staged_bytes ([0-9.e+]+)$`)
	program.Within(t, "the first half has arrived", func() bool {
		answer, err := w.server.HTTP.Get(w.server.URL + "/metrics")
		program.Must(t, err)
		defer func() { _ = answer.Body.Close() }()
		text, err := io.ReadAll(answer.Body)
		program.Must(t, err)
		found := staged.FindSubmatch(text)
		return found != nil && string(found[1]) != "0"
	})
	select {
	case status := <-ended:
		t.Fatalf("it was answered with %d before it had come", status)
	default:
	}
	_, err = io.WriteString(writer, half+behind)
	program.Must(t, err)
	program.Must(t, writer.Close())
	if status := <-ended; status != http.StatusOK {
		t.Errorf("the answer is %d", status)
	}
}

// TestWhoCalls: the log has the client's address, as nginx saw it, whatever the client says itself.
func TestWhoCalls(t *testing.T) {
	w := newWorld(t)
	id := w.do(t, http.MethodGet, "/files", nil, "X-Forwarded-For", "203.0.113.7").header.Get("X-Request-Id")
	line := regexp.MustCompile(`request_id=` + regexp.QuoteMeta(id) + ` .* from=(\S+)`)
	program.Within(t, "the request is in the log", func() bool { return line.MatchString(w.server.Log.String()) })
	if from := line.FindStringSubmatch(w.server.Log.String())[1]; from != client {
		t.Errorf("it came from %s, want %s", from, client)
	}
}

// TestTimeouts: nginx waits for longer than a request may wait for a run.
func TestTimeouts(t *testing.T) {
	const longestWait = 120 * time.Second // of Prefer: wait
	for _, name := range []string{"proxy_read_timeout", "proxy_send_timeout"} {
		found := regexp.MustCompile(name + ` (\w+);`).FindStringSubmatch(snippet(t))
		if found == nil {
			t.Fatalf("the documented configuration has no %s", name)
		}
		if d, err := time.ParseDuration(found[1]); err != nil || d < 2*longestWait {
			t.Errorf("%s is %s, %v", name, found[1], err)
		}
	}
}
