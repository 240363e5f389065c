package client_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/satchel-files/satchel/client"
)

const tooLarge = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"

// impatient serves uploads as somebody does who has had enough of them after a megabyte: it says its last words, which may be none, and
// closes at once while the client is still sending. It counts the connections.
func impatient(t testing.TB, lastWords string) (address string, calls *atomic.Int32) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	calls = new(atomic.Int32)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			hangUp(conn, lastWords)
		}
	}()
	return "http://" + listener.Addr().String(), calls
}

func hangUp(conn net.Conn, lastWords string) {
	defer conn.Close()
	r := bufio.NewReader(conn)
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			return
		}
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 100 Continue\r\n\r\n")
	_, _ = io.CopyN(io.Discard, r, 1<<20)
	_, _ = io.WriteString(conn, lastWords)
}

// zeroAt is made of zeros, wherever one looks.
type zeroAt struct{}

func (zeroAt) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

func uploadFarTooMuch(t testing.TB, address string) error {
	t.Helper()
	const size = 64 << 20
	_, err := client.New(address, "", client.WithRetries(5, 0)).Upload(t.Context(), client.Upload{
		IdempotencyKey: "k", Sources: []client.Source{{Name: "big", Body: io.NewSectionReader(zeroAt{}, 0, size), Size: size}},
	})
	return err
}

func TestAnEarlyAnswerIsHeard(t *testing.T) {
	address, calls := impatient(t, tooLarge)
	for round := range int32(20) {
		err := uploadFarTooMuch(t, address)
		if refusal, ok := errors.AsType[*client.Error](err); !ok || refusal.Status != http.StatusRequestEntityTooLarge {
			t.Fatalf("round %d: %v", round, err)
		}
		if calls.Load() != round+1 {
			t.Fatalf("%d calls in round %d", calls.Load(), round)
		}
	}
}

func TestAnUploadThatIsCutOffIsRepeatedOnce(t *testing.T) {
	address, calls := impatient(t, "")
	err := uploadFarTooMuch(t, address)
	broken, ok := errors.AsType[*client.ConnectionError](err)
	if !ok || !broken.Sending || !strings.Contains(err.Error(), "while the file was being sent") {
		t.Errorf("got %v", err)
	}
	if calls.Load() != 2 {
		t.Errorf("%d calls", calls.Load())
	}
}
