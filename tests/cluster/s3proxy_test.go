package cluster_test

import (
	"bytes"
	"fmt"
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

// What is read of lists.
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

// overloadBucket has the S3 server refuse most requests, as one does that is asked too often.
func (b *breaker) overloadBucket() {
	b.t.Helper()
	s3 := b.network.s3
	s3.while(s3.overloaded(int64(2+b.rng.IntN(4))), func() { b.peace(b.some(1500 * time.Millisecond)) })
	const never = 1 << 40
	s3.while(s3.overloaded(never), func() { b.failsSoon("an upload to a bucket that is overloaded", 1000) })
}

// failToComplete has the S3 server take all parts of an upload and fail to make an object of them, or say so when it has made one.
func (b *breaker) failToComplete() {
	b.t.Helper()
	for _, status := range []int{http.StatusInternalServerError, http.StatusOK} {
		done := b.rng.IntN(2) == 0
		b.network.s3.while(b.network.s3.incomplete(status, done), func() {
			b.failsSoon(fmt.Sprintf("an upload whose end is answered with %d and an error (done all the same: %v)", status, done), largeSize)
		})
	}
}

// lagLists has lists not show what is new. To a check and to the sweep of everything that a server makes when it starts, that is no loss.
func (b *breaker) lagLists() {
	b.t.Helper()
	b.network.s3.lag.Store(int64(time.Hour))
	defer b.network.s3.lag.Store(0)
	b.nothingIsLost()
	b.killServer()
}

// TestWithoutNew: of a list only what is new is left out.
func TestWithoutNew(t *testing.T) {
	list := "<A><KeyCount>2</KeyCount><Contents><Key>old</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>" +
		"<Contents><Key>new</Key><LastModified>2026-01-01T00:00:09Z</LastModified></Contents></A>"
	want := "<A><KeyCount>1</KeyCount><Contents><Key>old</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents></A>"
	if got := string(withoutNew([]byte(list), time.Date(2026, 1, 1, 0, 0, 5, 0, time.UTC))); got != want {
		t.Errorf("got %s", got)
	}
}
