package s3blob

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

const (
	dialTimeout = 5 * time.Second
	keepIdle    = 64 // connections to the server that wait for the next request
)

// newTransport makes the connections to the server. One on which nothing moves for longer than the patience is given up, in the middle of a body
// too: a request to a server that has vanished ends.
func newTransport(patience time.Duration) *http.Transport {
	dialer := &net.Dialer{Timeout: min(dialTimeout, patience), KeepAlive: 15 * time.Second}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &movingConn{Conn: conn, patience: patience}, nil
		},
		MaxIdleConns: keepIdle, MaxIdleConnsPerHost: keepIdle,
		IdleConnTimeout:       patience / 2, // before the wait for an answer that nobody asked for is over
		ResponseHeaderTimeout: patience,
		TLSHandshakeTimeout:   min(dialTimeout, patience),
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
		DisableCompression:    true, // bytes are to come as they lie there
		WriteBufferSize:       64 << 10,
		ReadBufferSize:        64 << 10,
	}
}

// movingConn is a connection that must move: every read and every write has the patience of its own.
type movingConn struct {
	net.Conn
	patience time.Duration
}

// Read implements net.Conn.
func (c *movingConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

// Write implements net.Conn. It also begins anew the wait for the answer, for which somebody reads already.
func (c *movingConn) Write(b []byte) (int, error) {
	if err := c.SetDeadline(time.Now().Add(c.patience)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
