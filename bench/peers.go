//go:build linux

package main

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"
)

// tusd takes files by the tus protocol. It neither hashes content nor syncs it.
type tusd struct{ base }

func (b *bench) tusd() (*tusd, error) {
	dir, err := b.folder("tusd")
	return &tusd{base{b: b, dir: dir}}, err
}

func (s *tusd) name() string { return "tusd" }

func (s *tusd) start(ctx context.Context) error {
	return s.launch(ctx, &request{method: "GET", path: "/"}, nil, s.b.programs.tusd, func(addr string) []string {
		host, port, _ := net.SplitHostPort(addr)
		return []string{"-host", host, "-port", port, "-upload-dir", filepath.Join(s.dir, "data"), "-verbose=false"}
	})
}

func (s *tusd) upload(size int64) *request {
	return &request{method: "POST", path: "/files/", fill: size, header: fmt.Sprintf(
		"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\nUpload-Length: %d\r\n", size)}
}

func (s *tusd) stored(a answer) (stored, error) {
	return stored{content: "/files/" + filepath.Base(a.location)}, nil
}

func (s *tusd) remove(f stored) *request {
	return &request{method: "DELETE", path: f.content, header: "Tus-Resumable: 1.0.0\r\n"}
}

// nginx serves files with sendfile and takes them by WebDAV. It neither hashes content nor syncs it.
type nginx struct {
	base
	next atomic.Int64
}

func (b *bench) nginx() (*nginx, error) {
	dir, err := b.folder("nginx")
	return &nginx{base: base{b: b, dir: dir}}, err
}

func (s *nginx) name() string { return "nginx" }

const nginxConfig = `%s
daemon off; worker_processes auto; pid %[2]s/pid; error_log %[2]s/error.log;
events { worker_connections 1024; }
http {
  access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
  client_max_body_size 0; client_body_temp_path %[2]s/body;
  proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/fastcgi; uwsgi_temp_path %[2]s/uwsgi; scgi_temp_path %[2]s/scgi;
  server { listen %[3]s; root %[2]s/data; dav_methods PUT DELETE; location = /ready { return 204; } }
}
`

func (s *nginx) start(ctx context.Context) error {
	if err := os.MkdirAll(filepath.Join(s.dir, "data"), 0o755); err != nil {
		return err
	}
	config := filepath.Join(s.dir, "nginx.conf")
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	return s.launch(ctx, &request{method: "GET", path: "/ready"}, nil, s.b.programs.nginx, func(addr string) []string {
		// A failure to write shows as a server that does not start.
		_ = os.WriteFile(config, fmt.Appendf(nil, nginxConfig, user, s.dir, addr), 0o600)
		return []string{"-c", config, "-e", filepath.Join(s.dir, "error.log")}
	})
}

func (s *nginx) upload(size int64) *request {
	return &request{method: "PUT", path: fmt.Sprintf("/f%d", s.next.Add(1)), fill: size}
}

func (s *nginx) stored(answer) (stored, error) {
	return stored{content: fmt.Sprintf("/f%d", s.next.Load())}, nil
}

func (s *nginx) info(f stored) *request    { return &request{method: "HEAD", path: f.content} }
func (s *nginx) content(f stored) *request { return &request{method: "GET", path: f.content} }
func (s *nginx) remove(f stored) *request  { return &request{method: "DELETE", path: f.content} }

// versitygw is an S3 gateway on a folder. It computes an MD5 of the content and does not sync it.
type versitygw struct {
	base
	next atomic.Int64
}

func (b *bench) versitygw() (*versitygw, error) {
	dir, err := b.folder("versitygw")
	return &versitygw{base: base{b: b, dir: dir}}, err
}

func (s *versitygw) name() string { return "versitygw" }

const (
	gatewayKey    = "bench"
	gatewaySecret = "bench-0123456789"
	gatewayRegion = "us-east-1"
	gatewayBucket = "files"
)

func (s *versitygw) start(ctx context.Context) error {
	data := filepath.Join(s.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	env := []string{"ROOT_ACCESS_KEY=" + gatewayKey, "ROOT_SECRET_KEY=" + gatewaySecret}
	err := s.launch(ctx, &request{method: "GET", path: "/health"}, env, s.b.programs.versitygw, func(addr string) []string {
		return []string{"--port", addr, "--health", "/health", "--quiet", "--keep-alive", "posix", data}
	})
	if err != nil {
		return err
	}
	_, err = s.b.call(s, s.signed("PUT", "/"+gatewayBucket))
	return err
}

func (s *versitygw) upload(size int64) *request {
	r := s.signed("PUT", fmt.Sprintf("/%s/f%d", gatewayBucket, s.next.Add(1)))
	r.fill = size
	return r
}

func (s *versitygw) stored(answer) (stored, error) {
	return stored{content: fmt.Sprintf("/%s/f%d", gatewayBucket, s.next.Load())}, nil
}

func (s *versitygw) remove(f stored) *request { return s.signed("DELETE", f.content) }

// signed gives a request with an AWS signature of version 4 that leaves the body out.
func (s *versitygw) signed(method, path string) *request {
	const payload, names = "UNSIGNED-PAYLOAD", "host;x-amz-content-sha256;x-amz-date"
	now := time.Now().UTC()
	day, stamp := now.Format("20060102"), now.Format("20060102T150405Z")
	scope := day + "/" + gatewayRegion + "/s3/aws4_request"
	canonical := fmt.Sprintf("%s\n%s\n\nhost:127.0.0.1\nx-amz-content-sha256:%s\nx-amz-date:%s\n\n%s\n%s",
		method, path, payload, stamp, names, payload)
	hash := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + stamp + "\n" + scope + "\n" + hex.EncodeToString(hash[:])
	key := []byte("AWS4" + gatewaySecret)
	for _, part := range []string{day, gatewayRegion, "s3", "aws4_request", text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return &request{method: method, path: path, header: fmt.Sprintf("x-amz-content-sha256: %s\r\nx-amz-date: %s\r\n"+
		"Authorization: AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%x\r\n",
		payload, stamp, gatewayKey, scope, names, key)}
}
