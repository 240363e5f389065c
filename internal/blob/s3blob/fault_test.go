package s3blob_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
)

// between stands between a store and its server, and does to requests what a test wants.
type between struct {
	*s3test.Server
	URL   string
	fault atomic.Pointer[http.HandlerFunc]
	proxy *httputil.ReverseProxy
}

// intercept starts a server and what stands before it.
func intercept(t testing.TB) *between {
	t.Helper()
	b := &between{Server: s3test.Start(t)}
	server, err := url.Parse(b.Endpoint)
	must(t, err)
	b.proxy = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(server)
			r.Out.Host = r.In.Host // it is signed
		},
		FlushInterval: -1,
		ErrorHandler:  func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if fault := b.fault.Load(); fault != nil {
			(*fault)(w, r)
			return
		}
		b.proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	b.URL = "s3://" + b.Bucket + "/faults?endpoint=" + url.QueryEscape(front.URL)
	return b
}

// whenever has requests answered by do from now on, if they are meant.
func (b *between) whenever(meant func(*http.Request) bool, do http.HandlerFunc) {
	fault := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if meant(r) {
			do(w, r)
			return
		}
		b.proxy.ServeHTTP(w, r)
	})
	b.fault.Store(&fault)
}

// heal lets everything through again.
func (b *between) heal() { b.fault.Store(nil) }

// objects gives the files in the server's bucket but the store's sign of its owner.
func (b *between) objects(t testing.TB) (found []string) {
	t.Helper()
	must(t, filepath.WalkDir(filepath.Join(b.Folder, b.Bucket, "faults"), func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			found = append(found, path)
		}
		return nil
	}))
	return found
}

func everything(*http.Request) bool { return true }

func isGet(r *http.Request) bool {
	return r.Method == http.MethodGet && strings.Count(r.URL.Path, "/") > 3
}

func isPut(r *http.Request) bool { return r.Method == http.MethodPut }

func isComplete(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Query().Has("uploadId")
}

// says answers as S3 does.
func says(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `<?xml version="1.0"?><Error><Code>`+code+`</Code><Message>as the test wants it</Message></Error>`)
	}
}

// done lets the server do it, and then answers something else.
func (b *between) done(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b.proxy.ServeHTTP(httptest.NewRecorder(), r)
		answer(w, r)
	}
}

// breaks ends the connection without an answer.
func breaks(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutter lets so many bytes of an answer through and breaks the connection then.
type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(b []byte) (int, error) {
	if c.left < len(b) {
		_, _ = c.ResponseWriter.Write(b[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(b)
	return c.ResponseWriter.Write(b)
}

func (c *cutter) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey() string { return blob.Key(satchel.NewBlobID(time.Now())) }

func put(t testing.TB, store blob.Store, content []byte) (key string) {
	t.Helper()
	key = newKey()
	w, err := store.Create(t.Context(), key)
	must(t, err)
	_, err = w.Write(content)
	must(t, err)
	must(t, w.Commit(t.Context()))
	return key
}

// wantUnavailable checks that an error is one after which a client may try again, and shows no secret.
func wantUnavailable(t testing.TB, what string, err error) {
	t.Helper()
	if satchel.CodeOf(err) != satchel.CodeUnavailable {
		t.Errorf("%s: %v", what, err)
	}
	if err != nil && strings.Contains(err.Error(), s3test.SecretKey) {
		t.Errorf("%s shows the secret: %v", what, err)
	}
}

// wantNothing checks that nothing of an object can be seen, once the store works again. A server that was in the middle of taking a part when its
// upload ended may keep that: it must be listed as unfinished, and go with Delete.
func wantNothing(t testing.TB, b *between, store blob.Store) {
	t.Helper()
	b.heal()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		must(t, store.List(ctx, "", func(e blob.Entry) error {
			if !e.Partial {
				t.Errorf("left behind: %+v", e)
			}
			return store.Delete(ctx, e.Key)
		}))
		if len(b.objects(t)) == 0 && len(blobtest.Keys(t, store)) == 0 {
			return
		}
		<-tick.C
	}
}

func TestADownloadThatBreaksGoesOn(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	want := blobtest.Bytes(1, 5<<20)
	key := put(t, store, want)
	var asked atomic.Int64
	b.whenever(isGet, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1); r.Header.Get("If-Match") == "" || r.Header.Get("Range") == "" {
			t.Errorf("asked without a condition or a range: %v", r.Header)
		}
		b.proxy.ServeHTTP(&cutter{w, 1_700_000}, r)
	})
	object, err := store.Open(t.Context(), key)
	must(t, err)
	got, err := io.ReadAll(object)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("read %d of %d bytes, %v", len(got), len(want), err)
	}
	must(t, object.Close())
	if asked.Load() < 4 {
		t.Errorf("asked %d times", asked.Load())
	}
}

func TestADownloadThatStaysBrokenIsAnError(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	want := blobtest.Bytes(1, 3<<20)
	key := put(t, store, want)
	var first atomic.Bool
	for name, fault := range map[string]http.HandlerFunc{
		"cut":       func(w http.ResponseWriter, r *http.Request) { b.proxy.ServeHTTP(&cutter{w, 0}, r) },
		"overload":  says(http.StatusServiceUnavailable, "SlowDown"),
		"breaks":    breaks,
		"no bucket": says(http.StatusNotFound, "NoSuchBucket"),
	} {
		first.Store(true)
		b.whenever(isGet, func(w http.ResponseWriter, r *http.Request) {
			if first.Swap(false) {
				b.proxy.ServeHTTP(&cutter{w, 1_000_000}, r)
				return
			}
			fault(w, r)
		})
		object, err := store.Open(t.Context(), key)
		must(t, err)
		got, err := io.ReadAll(object)
		wantUnavailable(t, name, err)
		if !bytes.Equal(got, want[:len(got)]) || len(got) == len(want) {
			t.Errorf("%s: read %d bytes, or other ones", name, len(got))
		}
		b.heal()
		rest, err := io.ReadAll(object) // the reader is not lost with it
		if err != nil || !bytes.Equal(append(got, rest...), want) {
			t.Errorf("%s: then %d bytes, %v", name, len(rest), err)
		}
		must(t, object.Close())
	}
}

// TestASlowReader: the server's patience is with the server, and not with whoever reads from us.
func TestASlowReader(t *testing.T) {
	const patience = 300 * time.Millisecond
	store := open(t, s3test.Start(t).URL(""), s3blob.Options{Patience: 3 * patience})
	want := blobtest.Bytes(1, 8<<20)
	object, err := store.Open(t.Context(), put(t, store, want))
	must(t, err)
	defer object.Close()
	got := make([]byte, len(want))
	_, err = io.ReadFull(object, got[:1000])
	must(t, err)
	<-time.After(5 * patience)
	if _, err := io.ReadFull(object, got[1000:]); err != nil || !bytes.Equal(got, want) {
		t.Errorf("after a pause: %v", err)
	}
}

// TestAnotherObjectIsNotReadOn: what was replaced behind our back is an error, not a mixture.
func TestAnotherObjectIsNotReadOn(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	key := put(t, store, blobtest.Bytes(1, 3<<20))
	object, err := store.Open(t.Context(), key)
	must(t, err)
	defer object.Close()
	w, err := store.Create(t.Context(), key)
	must(t, err)
	_, err = w.Write(blobtest.Bytes(2, 3<<20))
	must(t, err)
	must(t, w.Commit(t.Context()))
	if got, err := io.ReadAll(object); err == nil {
		t.Errorf("read %d bytes of another object", len(got))
	}
}

// attempts is everything that a store can be asked for, at once.
func attempts(t testing.TB, store *s3blob.Store, key string) map[string]error {
	t.Helper()
	ctx := t.Context()
	tries := map[string]func() error{
		"Open":   func() error { _, err := store.Open(ctx, key); return err },
		"Claim":  func() error { _, err := store.Claim(ctx, ""); return err },
		"Ping":   func() error { return store.Ping(ctx) },
		"Delete": func() error { return store.Delete(ctx, key) },
		"List":   func() error { return store.List(ctx, "", func(blob.Entry) error { return nil }) },
		"small":  func() error { return write(ctx, store, 100) },
		"larger": func() error { return write(ctx, store, 4<<20) },
		"parts":  func() error { return write(ctx, store, 11<<20) },
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	errs := map[string]error{}
	for name, try := range tries {
		all.Go(func() {
			err := try()
			mu.Lock()
			defer mu.Unlock()
			errs[name] = err
		})
	}
	all.Wait()
	return errs
}

// write stores an object of a size under a new key, and throws it away after an error.
func write(ctx context.Context, store blob.Store, size int) error {
	w, err := store.Create(ctx, newKey())
	if err != nil {
		return err
	}
	_, err = w.Write(blobtest.Bytes(1, size))
	if err == nil {
		err = w.Commit(ctx)
	}
	if err != nil {
		_ = w.Abort() // it may have something to remove, and be unable to
	}
	return err
}

func TestAServerThatCannotNow(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	key := put(t, store, []byte("content"))
	for name, fault := range map[string]http.HandlerFunc{
		"overload":        says(http.StatusServiceUnavailable, "SlowDown"),
		"keys taken away": says(http.StatusForbidden, "InvalidAccessKeyId"),
		"breaks":          breaks,
	} {
		var asked atomic.Int64
		b.whenever(everything, func(w http.ResponseWriter, r *http.Request) { asked.Add(1); fault(w, r) })
		for what, err := range attempts(t, store, key) {
			wantUnavailable(t, name+": "+what, err)
		}
		if n := asked.Load(); n > 100 {
			t.Errorf("%s: the server was asked %d times", name, n)
		}
		b.heal()
	}
	if keys := blobtest.Keys(t, store); len(keys) != 1 {
		t.Errorf("there is %v", keys)
	}
	b.Stop()
	for what, err := range attempts(t, store, key) {
		wantUnavailable(t, "gone: "+what, err)
	}
}

// TestASilentServer: nothing waits for ever for one that takes requests and never answers.
func TestASilentServer(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{Patience: 900 * time.Millisecond})
	key := put(t, store, blobtest.Bytes(1, 100))
	over := make(chan struct{})
	var puts atomic.Int64
	b.whenever(everything, func(_ http.ResponseWriter, r *http.Request) {
		if isPut(r) {
			puts.Add(1)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		<-over
		panic(http.ErrAbortHandler)
	})
	defer close(over)
	for what, err := range attempts(t, store, key) {
		wantUnavailable(t, what, err)
	}
	if n := puts.Load(); n != 2 { // those of the two objects that are one request each
		t.Errorf("a silent server was waited for %d times", n)
	}
}

func TestAFullServer(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	for name, fault := range map[string]http.HandlerFunc{
		"507":   says(http.StatusInsufficientStorage, "XMinioStorageFull"),
		"quota": says(http.StatusForbidden, "QuotaExceeded"),
	} {
		b.whenever(isPut, fault)
		for _, size := range []int{100, 11 << 20} {
			if err := write(t.Context(), store, size); !errors.Is(err, blob.ErrNoSpace) {
				t.Errorf("%s, %d bytes: %v", name, size, err)
			}
		}
		wantNothing(t, b, store)
	}
}

// TestAnEndThatIsNotKnown: what the server did, but never said that it did, is no success and leaves nothing.
func TestAnEndThatIsNotKnown(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	for name, test := range map[string]struct {
		meant func(*http.Request) bool
		size  int
		fault http.HandlerFunc
	}{
		"complete, then 500":              {isComplete, 11 << 20, b.done(says(http.StatusInternalServerError, "InternalError"))},
		"complete, then nothing":          {isComplete, 11 << 20, b.done(breaks)},
		"complete, then 200 and an error": {isComplete, 11 << 20, b.done(says(http.StatusOK, "InternalError"))},
		"complete refused":                {isComplete, 11 << 20, says(http.StatusBadRequest, "InvalidPart")},
		"put, then 500":                   {isPut, 1 << 20, b.done(says(http.StatusInternalServerError, "InternalError"))},
		"put, then nothing":               {isPut, 1 << 20, b.done(breaks)},
	} {
		b.whenever(test.meant, test.fault)
		w, err := store.Create(t.Context(), newKey())
		must(t, err)
		_, err = w.Write(blobtest.Bytes(1, test.size))
		must(t, err)
		if err := w.Commit(t.Context()); err == nil {
			t.Errorf("%s: Commit succeeded", name)
		}
		must(t, w.Abort())
		must(t, w.Abort())
		wantNothing(t, b, store)
	}
}

// TestAnUploadThatBeganTwice leaves no twin behind.
func TestAnUploadThatBeganTwice(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	var asked atomic.Int64
	begins := func(r *http.Request) bool { return r.Method == http.MethodPost && r.URL.Query().Has("uploads") }
	b.whenever(begins, func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			b.done(breaks)(w, r)
		}
		b.proxy.ServeHTTP(w, r)
	})
	must(t, write(t.Context(), store, 11<<20))
	must(t, store.List(t.Context(), "", func(e blob.Entry) error {
		if e.Partial || e.Size != 11<<20 {
			t.Errorf("listed as %+v", e)
		}
		return nil
	}))
	if asked.Load() != 2 {
		t.Errorf("asked %d times", asked.Load())
	}
}

// TestAServerWithoutRanges gives the beginning where the middle was asked for: that must not be taken for it.
func TestAServerWithoutRanges(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	want := blobtest.Bytes(1, 3<<20)
	key := put(t, store, want)
	b.whenever(isGet, func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		b.proxy.ServeHTTP(w, r)
	})
	object, err := store.Open(t.Context(), key)
	must(t, err)
	defer object.Close()
	got := make([]byte, 1000)
	if _, err := io.ReadFull(object, got); err == nil && !bytes.Equal(got, want[:1000]) {
		t.Error("other bytes than the first")
	}
	_, err = object.Seek(2<<20, io.SeekStart)
	must(t, err)
	if n, err := object.Read(got); err == nil {
		t.Errorf("read %d bytes from elsewhere", n)
	}
}

// TestWhatAbortCannotRemoveIsTheSweepers: it is listed, and Delete takes it.
func TestWhatAbortCannotRemoveIsTheSweepers(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	w, err := store.Create(t.Context(), newKey())
	must(t, err)
	_, err = w.Write(blobtest.Bytes(1, 11<<20))
	must(t, err)
	b.whenever(everything, breaks)
	if err := w.Commit(t.Context()); err == nil {
		t.Error("Commit succeeded")
	}
	wantUnavailable(t, "Abort", w.Abort())
	b.heal()
	must(t, store.List(t.Context(), "", func(e blob.Entry) error {
		if !e.Partial {
			t.Errorf("listed as %+v", e)
		}
		return store.Delete(t.Context(), e.Key)
	}))
	wantNothing(t, b, store)
}

// TestBytesThatChangeOnTheWay are refused by the server, which was told their hash.
func TestBytesThatChangeOnTheWay(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	b.whenever(isPut, func(w http.ResponseWriter, r *http.Request) {
		r.Body = struct {
			io.Reader
			io.Closer
		}{&flipper{r: r.Body}, r.Body}
		b.proxy.ServeHTTP(w, r)
	})
	for _, size := range []int{1000, 11 << 20} {
		if err := write(t.Context(), store, size); err == nil {
			t.Errorf("%d bytes: stored, though others arrived", size)
		}
	}
	wantNothing(t, b, store)
}

// flipper changes the hundredth byte.
type flipper struct {
	r  io.Reader
	at int
}

func (f *flipper) Read(b []byte) (int, error) {
	n, err := f.r.Read(b)
	if f.at <= 100 && f.at+n > 100 {
		b[100-f.at] ^= 1
	}
	f.at += n
	return n, err
}

// TestACancelledUpload ends at once, whatever the server does, and gives its memory back.
func TestACancelledUpload(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{Memory: s3blob.LeastMemory})
	over := make(chan struct{})
	arrived := make(chan struct{}, 100)
	b.whenever(isPut, func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-over
		panic(http.ErrAbortHandler)
	})
	defer close(over)
	var all sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	for range 8 { // more than have room
		all.Go(func() {
			if err := write(ctx, store, 12<<20); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
		})
	}
	<-arrived
	cancel()
	all.Wait()
	b.heal()
	must(t, write(t.Context(), store, 12<<20))
}
