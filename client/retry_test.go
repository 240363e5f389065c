package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// script answers one request after the other: a status, with headers behind it, or "cut" for a broken connection. A connection that
// breaks may be noticed before its handler has ended.
func script(t testing.TB, calls *atomic.Int32, steps ...string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		n := int(calls.Load())
		if n >= len(steps) {
			t.Errorf("call %d was not expected", n+1)
			return
		}
		step := strings.Fields(steps[n])
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		if step[0] == "cut" {
			panic(http.ErrAbortHandler)
		}
		for _, header := range step[1:] {
			name, value, _ := strings.Cut(header, ":")
			w.Header().Set(name, value)
		}
		var status int
		_, _ = fmt.Sscan(step[0], &status)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(`{"id":"file-1","object":"file"}`))
	}
}

func TestRetries(t *testing.T) {
	get := func(ctx context.Context, c *client.Client) error { _, err := c.Get(ctx, "file-1"); return err }
	put := func(key string, body io.Reader) func(context.Context, *client.Client) error {
		return func(ctx context.Context, c *client.Client) error {
			_, err := c.Upload(ctx, client.Upload{IdempotencyKey: key, Sources: []client.Source{{Name: "a", Body: body, Size: -1}}})
			return err
		}
	}
	patch := func(text string) func(context.Context, *client.Client) error {
		return func(ctx context.Context, c *client.Client) error {
			_, err := c.PatchMetadata(ctx, "file-1", []byte(text))
			return err
		}
	}
	token := func(ctx context.Context, c *client.Client) error {
		_, err := c.CreateToken(ctx, api.TokenRequest{})
		return err
	}
	text := func(ctx context.Context, c *client.Client) error {
		got, err := c.Text(ctx, "file-1", client.ContentOptions{})
		if err == nil {
			_ = got.Body.Close()
		}
		return err
	}
	look := func(ctx context.Context, c *client.Client) error {
		_, err := c.Run(ctx, "file-1", "run-1", time.Second)
		return err
	}
	tests := []struct {
		name  string
		call  func(context.Context, *client.Client) error
		steps []string // all of them must be used
		ok    bool
	}{
		{"busy, then fine", get, []string{"503 Retry-After:0", "429 Retry-After:0", "200"}, true},
		{"a date that has passed", get, []string{"503 Retry-After:Mon,02-Jan-2006", "200"}, true},
		{"busy for ever", get, []string{"500", "502", "408"}, false},
		{"the connection breaks", get, []string{"cut", "cut", "200"}, true},
		{"refused", get, []string{"404"}, false},
		{"the server wants it", get, []string{"409 X-Should-Retry:true", "200"}, true},
		{"the server does not want it", get, []string{"503 X-Should-Retry:false"}, false},
		{"the disk is full", get, []string{"507"}, false},
		{"an upload with a key", put("k", strings.NewReader("abc")), []string{"500", "cut", "200"}, true},
		{"an upload without a key", put("", strings.NewReader("abc")), []string{"500"}, false},
		{"an upload from a pipe", put("k", io.MultiReader(strings.NewReader("abc"))), []string{"500"}, false},
		{"a patch", patch(`{"a":1}`), []string{"500", "200"}, true},
		{"a patch that asks the AI", patch(`{"instructions":"x"}`), []string{"500"}, false},
		{"a token", token, []string{"500"}, false},
		{"a text", text, []string{"cut", "503 Retry-After:0", "200"}, true},
		{"a look at a run", look, []string{"500", "cut", "200"}, true},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var calls atomic.Int32
			c := serve(t, script(t, &calls, test.steps...))
			err := test.call(t.Context(), c)
			if (err == nil) != test.ok || int(calls.Load()) != len(test.steps) {
				t.Errorf("%d of %d calls, error %v", calls.Load(), len(test.steps), err)
			}
		})
	}
}

// What starts or ends a run, or makes a version, is asked for once, whatever becomes of the answer: it may have been done.
func TestWhatStartsRunsIsNeverRepeated(t *testing.T) {
	for name, call := range map[string]func(context.Context, *client.Client) error{
		"process": func(ctx context.Context, c *client.Client) error {
			_, err := c.Process(ctx, "file-1", api.ProcessRequest{}, 0)
			return err
		},
		"instruct": func(ctx context.Context, c *client.Client) error {
			_, err := c.Instruct(ctx, "file-1", "x", nil, 0)
			return err
		},
		"preview": func(ctx context.Context, c *client.Client) error {
			_, err := c.Preview(ctx, "file-1", "x", nil, 0)
			return err
		},
		"cancel":  func(ctx context.Context, c *client.Client) error { _, err := c.Cancel(ctx, "file-1"); return err },
		"revert":  func(ctx context.Context, c *client.Client) error { _, _, err := c.Revert(ctx, "file-1", 2); return err },
		"restore": func(ctx context.Context, c *client.Client) error { _, err := c.Restore(ctx, "file-1", 2); return err },
	} {
		for _, step := range []string{"500", "503 Retry-After:0 X-Should-Retry:true", "429 Retry-After:0", "cut"} {
			t.Run(name+", "+step, func(t *testing.T) {
				var calls atomic.Int32
				c := serve(t, script(t, &calls, step))
				if err := call(t.Context(), c); err == nil || calls.Load() != 1 {
					t.Errorf("%d calls, error %v", calls.Load(), err)
				}
			})
		}
	}
}

func TestRetriesStopWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	calls := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusServiceUnavailable)
	}, client.WithOnResponse(func(*http.Response) { cancel() }))
	_, err := c.Get(ctx, "file-1")
	if err == nil || calls != 1 {
		t.Errorf("%d calls, error %v", calls, err)
	}
}

func TestARepeatedUploadSendsEverythingAgain(t *testing.T) {
	body := strings.NewReader("skipped|" + strings.Repeat("x", 100_000))
	_, _ = body.Seek(8, io.SeekStart)
	var bodies, keys []string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		part := readForm(t, r)
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		bodies = append(bodies, part[len(part)-1])
		if len(bodies) == 1 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(`{"id":"file-1","object":"file"}`))
	})
	_, err := c.Upload(t.Context(), client.Upload{IdempotencyKey: "k", Sources: []client.Source{{Name: "a", Body: body, Size: 100_000}}})
	if err != nil {
		t.Fatal(err)
	}
	want := `file "a" ` + strings.Repeat("x", 100_000)
	if len(bodies) != 2 || bodies[0] != want || bodies[1] != want || keys[0] != "k" || keys[1] != "k" {
		t.Errorf("%d bodies with keys %q", len(bodies), keys)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)       { return 0, f.err }
func (f failing) Seek(int64, int) (int64, error) { return 0, nil }

func TestASourceThatFailsIsNamed(t *testing.T) {
	broken := errors.New("the disk is on fire")
	tests := []struct {
		name   string
		source client.Source
		want   string
	}{
		{"read error", client.Source{Name: "a", Body: failing{broken}, Size: -1}, "read a: the disk is on fire"},
		{"grew", client.Source{Name: "a", Body: strings.NewReader("12345"), Size: 4}, "read a: it grew beyond 4 bytes while it was read"},
		{"shrank", client.Source{Name: "a", Body: strings.NewReader("12345"), Size: 6}, "read a: it ended after 5 of 6 bytes"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if _, err := io.Copy(io.Discard, r.Body); err == nil {
					t.Error("the server got a whole body")
				}
				w.WriteHeader(http.StatusBadRequest)
			})
			_, err := c.Upload(t.Context(), client.Upload{IdempotencyKey: "k", Sources: []client.Source{test.source}})
			var source *client.SourceError
			if !errors.As(err, &source) || err.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
