//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// server is a program that is measured.
type server interface {
	name() string
	start(ctx context.Context) error
	stop()
	address() string
	process() *process
}

// uploader is a server that takes files.
type uploader interface {
	server
	// upload gives the request that sends a file of so many bytes. Each call may give another name.
	upload(size int64) *request
	// stored finds in the answer what the file can be reached by.
	stored(a answer) (stored, error)
	// remove gives the request that deletes a file.
	remove(f stored) *request
}

// reader is a server that gives files back.
type reader interface {
	uploader
	info(f stored) *request
	content(f stored) *request
}

// stored is a file on a server: the paths of its description and of its bytes.
type stored struct {
	info, content string
}

// base is what all servers have in common.
type base struct {
	b    *bench
	dir  string
	addr string
	proc *process
}

func (s *base) address() string   { return s.addr }
func (s *base) process() *process { return s.proc }
func (s *base) stop()             { s.proc.stop() }

// launch starts the program on a free address and waits for its first answer. args gets the address.
func (s *base) launch(ctx context.Context, first *request, env []string, program string, args func(addr string) []string) error {
	addr, err := freeAddr()
	if err != nil {
		return err
	}
	s.addr = addr
	if s.proc, err = s.b.launcher.run(s.dir, env, program, args(addr)...); err != nil {
		return err
	}
	return s.proc.ready(ctx, addr, first, s.b.pattern)
}

// call makes one request on a connection of its own and gives the body of the answer, which must be a 2xx.
func (b *bench) call(s server, r *request) ([]byte, error) {
	c, err := dial(s.address(), b.pattern)
	if err != nil {
		return nil, err
	}
	defer c.close()
	a, err := c.ask(r)
	if err == nil {
		err = a.check(r)
	}
	return a.body, err
}

// check makes an error of every answer that is not a 2xx.
func (a answer) check(r *request) error {
	if a.status/100 == 2 {
		return nil
	}
	return fmt.Errorf("%s %s: status %d: %.300s", r.method, r.path, a.status, a.body)
}

// put uploads one file on a connection.
func put(c *conn, s uploader, size int64) (stored, error) {
	r := s.upload(size)
	a, err := c.ask(r)
	if err == nil {
		err = a.check(r)
	}
	if err != nil {
		return stored{}, err
	}
	return s.stored(a)
}

// crowd keeps several connections to one server, used at the same time.
type crowd []*conn

func (b *bench) crowd(s server, n int) (crowd, error) {
	var cs crowd
	for range n {
		c, err := dial(s.address(), b.pattern)
		if err != nil {
			cs.close()
			return nil, err
		}
		cs = append(cs, c)
	}
	return cs, nil
}

func (cs crowd) close() {
	for _, c := range cs {
		c.close()
	}
}

// each does op for 0, 1, … below n, all connections at once, and says how long all of it took.
func (cs crowd) each(n int, op func(c *conn, i int) error) (time.Duration, error) {
	d, _, err := cs.work(op, func(i int) bool { return i < n })
	return d, err
}

// during does op again and again until the window is over, all connections at once, and gives operations per second.
func (cs crowd) during(window time.Duration, op func(c *conn, i int) error) (float64, error) {
	end := time.Now().Add(window)
	d, n, err := cs.work(op, func(int) bool { return time.Now().Before(end) })
	return float64(n) / d.Seconds(), err
}

func (cs crowd) work(op func(c *conn, i int) error, more func(i int) bool) (time.Duration, int64, error) {
	var next, done atomic.Int64
	var failed atomic.Pointer[error]
	var wg sync.WaitGroup
	begin := time.Now()
	for _, c := range cs {
		wg.Go(func() {
			for failed.Load() == nil {
				i := int(next.Add(1) - 1)
				if !more(i) {
					return
				}
				if err := op(c, i); err != nil {
					failed.CompareAndSwap(nil, &err)
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	d := time.Since(begin)
	if err := failed.Load(); err != nil {
		return d, done.Load(), *err
	}
	return d, done.Load(), nil
}

// field finds a string value in flat JSON without decoding it.
func field(body []byte, name string) (string, error) {
	_, rest, found := bytes.Cut(body, []byte(`"`+name+`":`))
	rest = bytes.TrimLeft(rest, " ")
	if found && len(rest) > 0 && rest[0] == '"' {
		if value, _, ok := bytes.Cut(rest[1:], []byte(`"`)); ok {
			return string(value), nil
		}
	}
	return "", fmt.Errorf("no %q in %.300s", name, body)
}

// form gives the frame of a multipart body: fields, and a file part that the pattern fills.
func form(fileField string, fields ...string) (header, prefix, suffix string) {
	return formOf(fileField, "bench.bin", "application/octet-stream", fields...)
}

// formOf is form for a file with that name and content type.
func formOf(fileField, filename, contentType string, fields ...string) (header, prefix, suffix string) {
	const boundary = "7f6b1c0e9d2a4c53b8aa90d1"
	var s strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&s, "--%s\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", boundary, fields[i], fields[i+1])
	}
	fmt.Fprintf(&s, "--%s\r\nContent-Disposition: form-data; name=%q; filename=%q\r\nContent-Type: %s\r\n\r\n", boundary, fileField, filename, contentType)
	return "Content-Type: multipart/form-data; boundary=" + boundary + "\r\n", s.String(), "\r\n--" + boundary + "--\r\n"
}
