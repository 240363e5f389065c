package cluster_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/tests/program"
)

// s3Proxy stands before the S3 server and answers for it as overloaded and faulty ones do. What clients ask for by a signed URL passes: Satchel has no part
// in it.
type s3Proxy struct {
	address string
	pass    *httputil.ReverseProxy
	fault   atomic.Pointer[http.HandlerFunc]
	lag     atomic.Int64 // nanoseconds for which lists do not have what is new
}

// startS3Proxy starts it before the server at an address. It ends with the test.
func startS3Proxy(t testing.TB, server string) *s3Proxy {
	t.Helper()
	p := &s3Proxy{}
	p.pass = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: server})
			r.Out.Host = r.In.Host // it is signed
		},
		Transport:      &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		FlushInterval:  -1,
		ModifyResponse: p.late,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	program.Must(t, err)
	front := &httptest.Server{Listener: listener, Config: &http.Server{Handler: p, ReadHeaderTimeout: time.Minute}}
	front.Start()
	t.Cleanup(front.Close)
	p.address = listener.Addr().String()
	return p
}

// ServeHTTP implements http.Handler.
func (p *s3Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if fault := p.fault.Load(); fault != nil && !r.URL.Query().Has("X-Amz-Signature") {
		(*fault)(w, r)
		return
	}
	p.pass.ServeHTTP(w, r)
}

// while has requests be answered by a fault for as long as do runs.
func (p *s3Proxy) while(fault http.HandlerFunc, do func()) {
	p.fault.Store(&fault)
	do()
	p.fault.Store(nil)
}

// overloaded lets one request of so many through.
func (p *s3Proxy) overloaded(of int64) http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1)%of == 0 {
			p.pass.ServeHTTP(w, r)
			return
		}
		refuse(w, r, http.StatusServiceUnavailable, "SlowDown")
	}
}

// incomplete answers that an upload in parts could not be completed: by a status, or, as Amazon does when it has begun to answer, in the body of a 200. With
// done it was, all the same.
func (p *s3Proxy) incomplete(status int, done bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || !r.URL.Query().Has("uploadId") {
			p.pass.ServeHTTP(w, r)
			return
		}
		if done {
			p.pass.ServeHTTP(httptest.NewRecorder(), r)
		}
		refuse(w, r, status, "InternalError")
	}
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, r *http.Request, status int, code string) {
	_, _ = io.Copy(io.Discard, r.Body) // whoever sends still has to be able to read the answer
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>`+code+`</Code><Message>as the test wants it</Message></Error>`)
}

//nolint:gochecknoglobals // what is read of lists
var (
	listed = regexp.MustCompile(`(?s)<(?:Contents|Upload)>.*?</(?:Contents|Upload)>`)
	made   = regexp.MustCompile(`<(?:LastModified|Initiated)>([^<]+)<`)
	count  = regexp.MustCompile(`<KeyCount>\d+<`)
)

// late takes out of a list what is younger than the lag.
func (p *s3Proxy) late(r *http.Response) error {
	lag := time.Duration(p.lag.Load())
	query := r.Request.URL.Query()
	if lag == 0 || r.Request.Method != http.MethodGet || r.StatusCode != http.StatusOK || !query.Has("list-type") && !query.Has("uploads") {
		return nil
	}
	text, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	text = withoutNew(text, time.Now().Add(-lag))
	r.Body = io.NopCloser(bytes.NewReader(text))
	r.ContentLength = int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

// withoutNew gives a list without what was made after a time.
func withoutNew(list []byte, after time.Time) []byte {
	left := 0
	list = listed.ReplaceAllFunc(list, func(entry []byte) []byte {
		found := made.FindSubmatch(entry)
		if found == nil {
			return entry
		}
		if then, err := time.Parse(time.RFC3339, string(found[1])); err == nil && then.After(after) {
			return nil
		}
		left++
		return entry
	})
	return count.ReplaceAll(list, []byte("<KeyCount>"+strconv.Itoa(left)+"<"))
}
