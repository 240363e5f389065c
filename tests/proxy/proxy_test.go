// Package proxy_test puts the real program behind a real nginx and a real Caddy, with the configurations that the documentation gives.
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

	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

// client is the address that the client has, so that it is told from the proxy, which is trusted.
const client = "127.0.0.2"

// host is the name that the documented configurations have for the server.
const host = "files.example.com"

// proxyHost is an address from which nobody makes connections, so that a port of it that was free stays free until the proxy listens.
const proxyHost = "127.77.0.1"

// world is the program behind a proxy.
type world struct {
	server *program.Server
	front  string // the URL of the proxy
	folder string // what the proxy writes
	http   *http.Client
	model  *llmtest.Server
	reply  chan struct{} // the model answers when it is closed
}

// proxies start what stands in front of an upstream, with the certificate in a folder, and give its URL.
func proxies() map[string]func(t *testing.T, folder, upstream string) string {
	return map[string]func(*testing.T, string, string) string{"nginx": startNginx, "Caddy": startCaddy}
}

// behindEach runs a test behind every proxy.
func behindEach(t *testing.T, test func(t *testing.T, w *world)) {
	for name, start := range proxies() {
		t.Run(name, func(t *testing.T) { test(t, newWorld(t, start)) })
	}
}

func newWorld(t *testing.T, start func(t *testing.T, folder, upstream string) string) *world {
	t.Helper()
	folder := t.TempDir()
	built := filepath.Join(folder, "satchel")
	program.Must(t, program.Build(t.Context(), built))
	w := &world{folder: folder, reply: make(chan struct{})}
	w.model = llmtest.New(t, llmtest.After(w.reply, llmtest.JSON(map[string]any{"set": map[string]any{"subject": "logic"}})))
	w.server = program.Start(t, filepath.Join(folder, "data"), program.Settings{Program: built, Env: []string{
		"SATCHEL_TRUSTED_PROXIES=127.0.0.1", "SATCHEL_PUBLIC_URL=https://" + host, "SATCHEL_LLM_URL=" + w.model.URL, "SATCHEL_LLM_MODEL=" + llmtest.Model,
	}})
	if w.server.URL != "https://"+host {
		t.Errorf("the program greets with %s, and not with its public URL", w.server.URL)
	}
	w.server.URL = ownURL(t, w.server)
	roots := writeCertificate(t, folder)
	w.front = start(t, folder, w.server.URL)
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(client)}}
	w.http = &http.Client{Timeout: 2 * program.Patience, Transport: &http.Transport{
		DialContext: dialer.DialContext, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host, MinVersion: tls.VersionTLS12},
	}}
	t.Cleanup(w.http.CloseIdleConnections)
	return w
}

var serving = regexp.MustCompile(`msg=serving url=(http://[0-9.:]+)`)

// ownURL is where the program really listens, which its log has.
func ownURL(t *testing.T, server *program.Server) string {
	t.Helper()
	var found []string
	program.Within(t, "the log has the address", func() bool {
		found = serving.FindStringSubmatch(server.Log.String())
		return found != nil
	})
	return found[1]
}

// snippet gives the configuration behind a sentence of the documentation.
func snippet(t *testing.T, sentence string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/operations.md")
	program.Must(t, err)
	_, rest, found := strings.Cut(string(text), "\n"+sentence+"\n\n```\n")
	config, _, ended := strings.Cut(rest, "\n```\n")
	if !found || !ended {
		t.Fatalf("docs/operations.md has no configuration behind %q", sentence)
	}
	return config
}

// nginxSentence is what stands before the configuration of nginx.
const nginxSentence = "nginx:"

// startNginx runs nginx with the documented server, on this machine's addresses and files, and gives its URL.
func startNginx(t *testing.T, folder, upstream string) string {
	t.Helper()
	address := freeAddress(t)
	server := replaced(t, snippet(t, nginxSentence), map[string]string{
		"listen 443 ssl;": "listen " + address + " ssl;", "/etc/ssl/files.crt": folder + "/crt", "/etc/ssl/files.key": folder + "/key", "http://127.0.0.1:8484": upstream,
	})
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	config := fmt.Sprintf(`%[1]s daemon off; pid %[2]s/pid; error_log %[2]s/nginx.log warn;
events {}
http {
	access_log off; client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
	%[3]s
}
`, user, folder, server)
	path := filepath.Join(folder, "nginx.conf")
	program.Must(t, os.WriteFile(path, []byte(config), 0o600))
	run(t, folder, address, unpacked(t, "nginx", "usr/sbin/nginx"), "-c", path, "-e", folder+"/nginx.log")
	return "https://" + address
}

// startCaddy runs Caddy with the documented site, which has the certificate that it would else ask others for, and gives its URL.
func startCaddy(t *testing.T, folder, upstream string) string {
	t.Helper()
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	program.Must(t, err)
	site := replaced(t, snippet(t, "Caddy needs no more than this, and gets the certificate itself:"), map[string]string{
		host + " {\n": fmt.Sprintf("%s:%s {\n\tbind %s\n\ttls %[4]s/crt %[4]s/key\n", host, port, proxyHost, folder), "127.0.0.1:8484": strings.TrimPrefix(upstream, "http://"),
	})
	path := filepath.Join(folder, "Caddyfile")
	program.Must(t, os.WriteFile(path, []byte("{\n\tadmin off\n}\n"+site+"\n"), 0o600))
	run(t, folder, address, unpacked(t, "caddy", "usr/bin/caddy"), "run", "--adapter", "caddyfile", "--config", path)
	return "https://" + address
}

// freeAddress gives an address for the proxy.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", proxyHost+":0")
	program.Must(t, err)
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// replaced puts what this machine has in the place of what the documentation says, each once.
func replaced(t *testing.T, config string, by map[string]string) string {
	t.Helper()
	for documented, here := range by {
		if strings.Count(config, documented) != 1 {
			t.Fatalf("the documented configuration has %q %d times", documented, strings.Count(config, documented))
		}
		config = strings.Replace(config, documented, here, 1)
	}
	return config
}

// run starts a proxy, which ends with the test, and waits until it listens.
func run(t *testing.T, folder, address, path string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(context.WithoutCancel(t.Context()), path, args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder}
	out := &program.Record{}
	cmd.Stdout, cmd.Stderr = out, out
	program.Must(t, cmd.Start())
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		<-ended
		if t.Failed() {
			log, _ := os.ReadFile(filepath.Join(folder, "nginx.log"))
			t.Logf("%s said:\n%s%s", path, out.Tail(), log)
		}
	})
	program.Within(t, path+" listens", func() bool {
		select {
		case <-ended:
			t.Fatalf("%s ended:\n%s", path, out)
		default:
		}
		conn, err := net.Dial("tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
}

// unpacked finds a program: the machine's own, or the one that scripts/setup has unpacked.
func unpacked(t *testing.T, name, inside string) string {
	t.Helper()
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	path, err := filepath.Abs(filepath.Join("../../.cache", name, inside))
	program.Must(t, err)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("there is no %s: run scripts/setup", name)
	}
	return path
}

// writeCertificate makes a certificate for the documented name, and gives who believes in it.
func writeCertificate(t *testing.T, folder string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	program.Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
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
	return w.answer(t, w.request(t, method, path, body, header...))
}

func (w *world) request(t *testing.T, method, path string, body io.Reader, header ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, w.front+path, body)
	program.Must(t, err)
	r.Host = host
	r.Header.Set("Authorization", "Bearer "+program.RootToken)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

func (w *world) answer(t *testing.T, r *http.Request) answer {
	t.Helper()
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

func TestUploadAndDownload(t *testing.T) { behindEach(t, testUploadAndDownload) }

func testUploadAndDownload(t *testing.T, w *world) {
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
func TestNothingIsBuffered(t *testing.T) { behindEach(t, testNothingIsBuffered) }

func testNothingIsBuffered(t *testing.T, w *world) {
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

// TestAWaitIsWaitedFor uploads with instructions, and has the model answer while the client waits.
func TestAWaitIsWaitedFor(t *testing.T) { behindEach(t, testAWaitIsWaitedFor) }

func testAWaitIsWaitedFor(t *testing.T, w *world) {
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	program.Must(t, m.WriteField("instructions", "Find the subject."))
	part, err := m.CreateFormFile("file", "logic.txt")
	program.Must(t, err)
	_, err = io.WriteString(part, "Being is.")
	program.Must(t, err)
	program.Must(t, m.Close())
	ended := make(chan answer, 1)
	go func() {
		ended <- w.do(t, http.MethodPost, "/files", &body, "Content-Type", m.FormDataContentType(), "Prefer", "wait=120")
	}()
	program.Within(t, "the model is asked", func() bool { return len(w.model.Requests()) > 0 })
	select {
	case got := <-ended:
		t.Fatalf("it was answered with %d before the model had answered", got.status)
	default:
	}
	close(w.reply)
	got := <-ended
	if got.status != http.StatusOK || got.header.Get("Preference-Applied") != "wait=120" || !bytes.Contains(got.body, []byte(`"status":"processed"`)) {
		t.Errorf("after the wait: %d, %v, %s", got.status, got.header, got.body)
	}
}

// TestWhoCalls: the log has the client's address, as the proxy saw it, whatever the client says itself; and past the proxy nobody is believed.
func TestWhoCalls(t *testing.T) { behindEach(t, testWhoCalls) }

func testWhoCalls(t *testing.T, w *world) {
	if from := w.from(t); from != client {
		t.Errorf("it came from %s, want %s", from, client)
	}
	w.front = w.server.URL
	if from := w.from(t); !strings.HasPrefix(from, client+":") {
		t.Errorf("past the proxy it came from %s, want %s", from, client)
	}
}

// from is from where the log says that a client comes who says something else, under which id the client would like it or not.
func (w *world) from(t *testing.T) string {
	t.Helper()
	id := w.do(t, http.MethodGet, "/files", nil, "X-Forwarded-For", "203.0.113.7", "X-Request-Id", "req-mine").header.Get("X-Request-Id")
	if id == "req-mine" {
		t.Error("the request's id is the client's")
	}
	line := regexp.MustCompile(`request_id=` + regexp.QuoteMeta(id) + ` .* from=(\S+)`)
	program.Within(t, "the request is in the log", func() bool { return line.MatchString(w.server.Log.String()) })
	return line.FindStringSubmatch(w.server.Log.String())[1]
}

// TestTimeouts: nginx waits for longer than a request may wait for a run.
func TestTimeouts(t *testing.T) {
	const longestWait = 120 * time.Second // of Prefer: wait
	for _, name := range []string{"proxy_read_timeout", "proxy_send_timeout"} {
		found := regexp.MustCompile(name + ` (\w+);`).FindStringSubmatch(snippet(t, nginxSentence))
		if found == nil {
			t.Fatalf("the documented configuration has no %s", name)
		}
		if d, err := time.ParseDuration(found[1]); err != nil || d < 2*longestWait {
			t.Errorf("%s is %s, %v", name, found[1], err)
		}
	}
}
