package daemon

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificateAge is how old what is known of the files of a certificate may be before a connection looks at them again.
const certificateAge = time.Second

// certificate is a TLS certificate in two files, which is read anew when they change: whoever renews it needs no restart. While new files are
// no good, or only one of them has been written, the old ones serve on.
type certificate struct {
	cert, key string
	logger    *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	state   [2]fileState
	checked time.Time
}

// fileState is what shows that a file has changed.
type fileState struct {
	at   time.Time
	size int64
}

func newCertificate(cert, key string, logger *slog.Logger) (*certificate, error) {
	c := &certificate{cert: cert, key: key, logger: logger}
	return c, c.load()
}

func (c *certificate) load() error {
	state, err := c.stat()
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	loaded, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	c.current, c.state, c.checked = &loaded, state, time.Now()
	return nil
}

func (c *certificate) stat() (state [2]fileState, err error) {
	for i, path := range []string{c.cert, c.key} {
		info, err := os.Stat(path)
		if err != nil {
			return state, err
		}
		state[i] = fileState{info.ModTime(), info.Size()}
	}
	return state, nil
}

// get is a tls.Config.GetCertificate.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.checked) < certificateAge {
		return c.current, nil
	}
	c.checked = time.Now()
	if state, err := c.stat(); err != nil || state == c.state {
		return c.current, nil // a file that is being replaced is there again in a moment
	}
	if err := c.load(); err != nil {
		c.logger.Warn("the new TLS certificate cannot be used; the old one serves on", "err", err)
		return c.current, nil
	}
	c.logger.Info("a new TLS certificate is used", "file", c.cert)
	return c.current, nil
}
