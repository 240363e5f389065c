package client

import (
	"context"
	"net"
	"sync"
	"time"
)

// lastWords is how long a connection that can no longer be written to is kept open for what the server may have said before.
const lastWords = time.Second

// dial connects as net/http does by default, and makes sure that an early answer is heard.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}
	conn, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &attentive{Conn: conn, over: make(chan struct{})}, nil
}

// attentive is a connection whose answer goes before the failure to send the rest of the request. A server that refuses a body answers
// in the middle of it and closes, so that a write fails while the answer has already arrived: net/http would drop the answer for the
// failure. Here the failure waits until nothing more can be read.
type attentive struct {
	net.Conn
	over chan struct{} // closed when nothing more can be read
	once sync.Once
}

func (a *attentive) Read(b []byte) (int, error) {
	n, err := a.Conn.Read(b)
	if err != nil {
		a.end()
	}
	return n, err
}

func (a *attentive) Write(b []byte) (int, error) {
	n, err := a.Conn.Write(b)
	if err != nil {
		timer := time.NewTimer(lastWords)
		defer timer.Stop()
		select {
		case <-a.over:
		case <-timer.C:
		}
	}
	return n, err
}

func (a *attentive) Close() error {
	a.end()
	return a.Conn.Close()
}

func (a *attentive) end() { a.once.Do(func() { close(a.over) }) }
