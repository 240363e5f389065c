package daemon_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"encoding/pem"
)

// writeCertificate writes the certificate of net/http's own test servers, which is for the loopback address, to two files.
func writeCertificate(t *testing.T) (cert, key string, roots *x509.CertPool) {
	t.Helper()
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	keyDER, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: s.Certificate().Raw}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots = x509.NewCertPool()
	roots.AddCert(s.Certificate())
	return cert, key, roots
}

// TestOriginsAreExact: nothing is an origin to allow that is less, or more, than one.
func TestOriginsAreExact(t *testing.T) {
	for _, origin := range []string{
		"https://*", "https://*.example.com", "https://*example.com", "https://app.*", "null", "", "app.example.com", "//app.example.com", "https://",
		"*", "https://app.example.com:99999", "https://app.example.com:0444", "http://app.example.com:80", "https://app.example.com:443", "https://app.example.com/", "https://app.example.com?x", "https://app.example.com#x", "https://user@app.example.com", "file://app.example.com",
	} {
		c := config(t)
		c.Origins = []string{"https://app.example.com", origin}
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "CORS origins") {
			t.Errorf("%q is taken for an origin: %v", origin, err)
		}
	}
	c := config(t)
	c.Origins = []string{"https://app.example.com", "http://localhost:5173", "http://[::1]:5173", "http://app.example.com:443"}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	c.Origins = []string{"*"}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
}

func TestServingTLS(t *testing.T) {
	c := config(t)
	var roots *x509.CertPool
	c.TLSCert, c.TLSKey, roots = writeCertificate(t)
	c.Origins, c.PublicURL = []string{"https://app.example.com"}, "https://files.example.com/"
	d := open(t, c)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}}}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.URL()+"/health", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Origin", "https://app.example.com")
	answer, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || answer.Header.Get("Access-Control-Allow-Origin") != "https://app.example.com" || answer.ProtoMajor != 1 {
		t.Errorf("%s, %v", answer.Status, answer.Header)
	}
	if d.PublicURL() != "https://files.example.com" {
		t.Errorf("the public URL is %s", d.PublicURL())
	}
}
