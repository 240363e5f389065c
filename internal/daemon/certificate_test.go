package daemon

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// writeCertificate makes a certificate for the loopback address, which is its own root, and writes both files.
func writeCertificate(t *testing.T, folder string, serial int64) (cert, key string, root *x509.Certificate) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err = x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, key, root
}

func serialOf(t *testing.T, c *certificate) int64 {
	t.Helper()
	c.checked = time.Time{} // as if a second had gone by
	current, err := c.get(nil)
	if err != nil {
		t.Fatal(err)
	}
	return current.Leaf.SerialNumber.Int64()
}

func TestACertificateIsReadAnew(t *testing.T) {
	folder := t.TempDir()
	cert, key, _ := writeCertificate(t, folder, 1)
	c, err := newCertificate(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if got := serialOf(t, c); got != 1 {
		t.Errorf("certificate %d", got)
	}
	writeCertificate(t, folder, 2)
	if got := serialOf(t, c); got != 2 {
		t.Errorf("certificate %d after a change", got)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serialOf(t, c); got != 2 {
		t.Errorf("certificate %d after a broken one", got)
	}
	if err := os.Remove(key); err != nil {
		t.Fatal(err)
	}
	if got := serialOf(t, c); got != 2 {
		t.Errorf("certificate %d without a key", got)
	}
	writeCertificate(t, folder, 3)
	if got := serialOf(t, c); got != 3 {
		t.Errorf("certificate %d in the end", got)
	}
	if _, err := newCertificate(cert, filepath.Join(folder, "none"), slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a key that is not there was taken")
	}
}
