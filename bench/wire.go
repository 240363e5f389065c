//go:build linux

package main

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"os"
	"strconv"
	"syscall"
)

// patternSize is the size of the random bytes that every upload is made of. They stay in the page cache, and the kernel sends
// them by itself, so that making a body costs the client next to nothing.
const patternSize = 16 << 20

// pattern is a file of random bytes, the source of every body.
type pattern struct {
	path string
	head []byte // the first bytes, for small bodies
}

// newPattern writes the file.
func newPattern(path string) (*pattern, error) {
	data := make([]byte, patternSize)
	if _, err := rand.Read(data); err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return nil, err
	}
	return &pattern{path: path, head: data[:smallBody]}, nil
}

// smallBody is the size up to which a body goes out with its header in one write.
const smallBody = 64 << 10

// request is one HTTP request. The body is prefix, fill bytes of the pattern, and suffix.
type request struct {
	method, path string
	header       string // whole lines with CRLF, without Host and Content-Length
	prefix       string
	fill         int64
	suffix       string
}

// answer is what came back. Its body is valid until the connection's next request.
type answer struct {
	status   int
	location string
	body     []byte
	length   int64 // bytes of the body, kept or not
}

// conn is one HTTP/1.1 connection that is kept open: the same lean client for every server. It is used by one goroutine at a time.
type conn struct {
	addr    string
	ended   bool // the server has said that it closes the connection
	tcp     *net.TCPConn
	raw     syscall.RawConn
	in      *bufio.Reader
	out     []byte
	body    bytes.Buffer
	pattern *pattern
	source  *os.File
}

// dial opens a connection to a server on this machine.
func dial(addr string, p *pattern) (*conn, error) {
	source, err := os.Open(p.path)
	if err != nil {
		return nil, err
	}
	c := &conn{addr: addr, pattern: p, source: source}
	if err := c.connect(); err != nil {
		return nil, errors.Join(err, source.Close())
	}
	return c, nil
}

func (c *conn) connect() (err error) {
	tcp, err := net.Dial("tcp", c.addr)
	if err != nil {
		return err
	}
	c.tcp = tcp.(*net.TCPConn)
	c.in, c.ended = bufio.NewReaderSize(tcp, 64<<10), false
	c.raw, err = c.tcp.SyscallConn()
	return err
}

// close ends the connection.
func (c *conn) close() { _ = errors.Join(c.tcp.Close(), c.source.Close()) }

// reconnect opens the connection again where the server closes it after an answer.
func (c *conn) reconnect() error {
	if !c.ended {
		return nil
	}
	_ = c.tcp.Close()
	return c.connect()
}

// ask sends a request and keeps the body of the answer.
func (c *conn) ask(r *request) (answer, error) { return c.exchange(r, (*conn).keep) }

// skim sends a request and lets the kernel throw the body of the answer away without copying it.
func (c *conn) skim(r *request) (answer, error) { return c.exchange(r, (*conn).drop) }

func (c *conn) exchange(r *request, read func(*conn, head) (int64, error)) (answer, error) {
	if err := errors.Join(c.reconnect(), c.send(r)); err != nil {
		return answer{}, fmt.Errorf("%s %s: send: %w", r.method, r.path, err)
	}
	h, err := c.readHead()
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: read the head: %w", r.method, r.path, err)
	}
	c.body.Reset()
	c.ended = h.ended
	n, err := read(c, h)
	if err != nil {
		return answer{}, fmt.Errorf("%s %s: read the body: %w", r.method, r.path, err)
	}
	return answer{status: h.status, location: h.location, body: c.body.Bytes(), length: n}, nil
}

func (c *conn) send(r *request) error {
	b := append(c.out[:0], r.method...)
	b = append(b, ' ')
	b = append(b, r.path...)
	b = append(b, " HTTP/1.1\r\nHost: 127.0.0.1\r\n"...)
	b = append(b, r.header...)
	length := int64(len(r.prefix)) + r.fill + int64(len(r.suffix))
	if length > 0 || r.method == "POST" || r.method == "PUT" {
		b = append(b, "Content-Length: "...)
		b = strconv.AppendInt(b, length, 10)
		b = append(b, "\r\n"...)
	}
	b = append(b, "\r\n"...)
	b = append(b, r.prefix...)
	if r.fill <= smallBody {
		b = append(b, c.pattern.head[:r.fill]...)
		b = append(b, r.suffix...)
	}
	c.out = b
	if _, err := c.tcp.Write(b); err != nil || r.fill <= smallBody {
		return err
	}
	if err := c.sendPattern(r.fill); err != nil {
		return err
	}
	_, err := io.WriteString(c.tcp, r.suffix)
	return err
}

// sendPattern sends n bytes of the pattern with sendfile.
func (c *conn) sendPattern(n int64) error {
	for n > 0 {
		if _, err := c.source.Seek(0, io.SeekStart); err != nil {
			return err
		}
		sent, err := c.tcp.ReadFrom(&io.LimitedReader{R: c.source, N: min(n, patternSize)})
		if err != nil {
			return err
		}
		n -= sent
	}
	return nil
}

// head is what the client needs of an answer's head.
type head struct {
	status   int
	length   int64 // -1: chunked
	location string
	ended    bool
}

var errHead = errors.New("no HTTP/1.1 answer")

func (c *conn) readHead() (head, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return head{}, err
	}
	if len(line) < len("HTTP/1.1 200") || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return head{}, errHead
	}
	h := head{}
	if h.status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return head{}, errHead
	}
	for {
		line, err = c.in.ReadSlice('\n')
		if err != nil {
			return head{}, err
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		h.take(line)
	}
	if h.status == 100 {
		return c.readHead()
	}
	return h, nil
}

func (h *head) take(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimSpace(value)
	switch {
	case bytes.EqualFold(name, []byte("Content-Length")):
		h.length, _ = strconv.ParseInt(string(value), 10, 64)
	case bytes.EqualFold(name, []byte("Transfer-Encoding")):
		h.length = -1
	case bytes.EqualFold(name, []byte("Location")):
		h.location = string(value)
	case bytes.EqualFold(name, []byte("Connection")):
		h.ended = bytes.EqualFold(value, []byte("close"))
	}
}

func (c *conn) keep(h head) (int64, error) {
	if h.status == 204 {
		return 0, nil
	}
	if h.length >= 0 {
		return io.CopyN(&c.body, c.in, h.length)
	}
	n, err := io.Copy(&c.body, httputil.NewChunkedReader(c.in))
	if err == nil {
		_, err = c.in.Discard(len("\r\n")) // the end of the trailers, which the chunked reader leaves
	}
	return n, err
}

func (c *conn) drop(h head) (int64, error) {
	if h.length < 0 || h.status == 204 {
		return c.keep(h)
	}
	buffered := min(int64(c.in.Buffered()), h.length)
	if _, err := c.in.Discard(int(buffered)); err != nil {
		return 0, err
	}
	return h.length, c.truncate(h.length - buffered)
}

// truncate receives n bytes with MSG_TRUNC, which for TCP throws them away inside the kernel.
func (c *conn) truncate(n int64) error {
	var failed error
	err := c.raw.Read(func(fd uintptr) bool {
		for n > 0 {
			got, errno := receive(fd, min(n, 1<<20))
			switch {
			case errno == syscall.EAGAIN:
				return false
			case errno == syscall.EINTR:
			case errno != 0:
				failed = errno
				return true
			case got == 0:
				failed = io.ErrUnexpectedEOF
				return true
			default:
				n -= got
			}
		}
		return true
	})
	return errors.Join(err, failed)
}

// receive throws at most n bytes of a socket away. The address is null: with MSG_TRUNC the kernel copies nothing to it.
func receive(fd uintptr, n int64) (int64, syscall.Errno) {
	got, _, errno := syscall.Syscall6(syscall.SYS_RECVFROM, fd, 0, uintptr(n), syscall.MSG_TRUNC, 0, 0)
	return int64(got), errno
}
