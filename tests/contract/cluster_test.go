package contract

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/blob/s3test"
	"github.com/satchel-files/satchel/internal/daemon"
)

// clusterVariable, when it is set, has every server of this suite be two processes on one PostgreSQL database and one bucket, of which each connection
// meets the other one. Every request of the suite is a connection of its own, so what one server has acknowledged must at once be so at the other one.
const clusterVariable = "SATCHEL_TEST_CLUSTER"

func isCluster() bool { return os.Getenv(clusterVariable) != "" }

// bucket is the S3 server of this process of tests. Each server of the suite has a prefix in it.
//
//nolint:gochecknoglobals // it belongs to the process
var bucket *s3test.Server

// withBucket starts the bucket where one is wanted, for as long as the tests run.
func withBucket(run func() int) (status int, err error) {
	if !isCluster() {
		return run(), nil
	}
	folder, err := os.MkdirTemp("", "satchel-contract-")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	keys := errors.Join(os.Setenv("AWS_ACCESS_KEY_ID", s3test.AccessKey), os.Setenv("AWS_SECRET_ACCESS_KEY", s3test.SecretKey))
	if keys != nil {
		return 1, keys
	}
	if bucket, err = s3test.Launch(context.Background(), folder); err != nil {
		return 1, err
	}
	defer bucket.Stop()
	return run(), nil
}

// serveTwice runs two servers on one database and one bucket behind one address.
func (s *server) serveTwice(t testing.TB, c daemon.Config) {
	t.Helper()
	prefix := rand.Text()
	c.Blobs, s.bytes = bucket.URL(prefix), filepath.Join(bucket.Folder, bucket.Bucket, prefix)
	for range 2 {
		c.Data = t.TempDir()
		s.each = append(s.each, serve(t, c))
	}
	s.addr = balance(t, s.each)
}

// alone leaves a test with one process.
func (s *server) alone() { s.addr, s.each = s.each[0], s.each[:1] }

// forgotten is how long a server may believe in a token that was revoked through another one: see docs/security.md.
const forgotten = time.Second

// everywhereRevoked waits until no process believes any more in what another one has taken away.
func everywhereRevoked() {
	if isCluster() {
		<-time.After(forgotten)
	}
}

// within asks again, as long as a server may, while a request is done that should be refused. It asks once more when the time is over.
func (s *server) within(t testing.TB, r request, a answer) answer {
	t.Helper()
	for end := time.Now().Add(forgotten); a.status < 300; a = s.do(t, r) {
		if time.Now().After(end) {
			return s.do(t, r)
		}
	}
	return a
}

// balance passes bytes on, the connections by turns to each of the addresses, until the test ends. It knows nothing of HTTP, so that every byte of the
// suite arrives.
func balance(t testing.TB, addrs []string) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var turn atomic.Uint64
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // the test is over
			}
			go forward(conn.(*net.TCPConn), addrs[turn.Add(1)%uint64(len(addrs))])
		}
	}()
	return listener.Addr().String()
}

// forward joins a connection with one to an address. Each end's close, and reset, is passed on.
func forward(from *net.TCPConn, addr string) {
	defer from.Close()
	conn, err := new(net.Dialer).DialContext(context.Background(), "tcp", addr)
	if err != nil {
		return // the server stops
	}
	to := conn.(*net.TCPConn)
	defer to.Close()
	done := make(chan struct{})
	go func() {
		pass(from, to)
		close(done)
	}()
	pass(to, from)
	<-done
}

func pass(to, from *net.TCPConn) {
	_, err := io.Copy(to, from)
	if err != nil {
		_ = to.SetLinger(0) // one end broke: so does the other
		_ = to.Close()
		return
	}
	_ = to.CloseWrite()
}
