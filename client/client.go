// Package client calls Satchel's HTTP API. It streams in both directions, repeats what may be repeated, and gives every refusal as
// an *Error.
//
//	c := client.New("http://127.0.0.1:8484", token)
//	files, err := c.Upload(ctx, client.Upload{Sources: []client.Source{{Name: "logic.pdf", Body: f, Size: -1}}})
//	for file, err := range c.Files(ctx, client.ListOptions{Purpose: "user_data"}) { … }
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAnswer bounds the JSON of one answer, in bytes. The server ends a page of files after 8 MiB.
const maxAnswer = 64 << 20

// Client speaks to one server with one token. It is safe for concurrent use; make one with New.
type Client struct {
	base       string
	token      string
	workspace  string
	strict     bool
	userAgent  string
	http       *http.Client
	retries    int
	pause      time.Duration
	onResponse func(*http.Response)
}

// Option changes how a Client works.
type Option func(*Client)

// WithWorkspace names the workspace of every operation on files. Without it the server takes "default".
func WithWorkspace(name string) Option { return func(c *Client) { c.workspace = name } }

// WithStrict makes the server refuse parameters and fields that it does not know, instead of ignoring them.
func WithStrict() Option { return func(c *Client) { c.strict = true } }

// WithUserAgent sets the User-Agent header.
func WithUserAgent(agent string) Option { return func(c *Client) { c.userAgent = agent } }

// WithHTTPClient replaces the HTTP client. It must have no overall time-out: uploads and downloads take as long as they take.
func WithHTTPClient(h *http.Client) Option { return func(c *Client) { c.http = h } }

// WithRetries sets how often a call is repeated (default 2) and the pause before the first repetition (default 500 ms), which
// doubles with every further one. A retry-after of the server, 60 s at most, goes before. An upload that is cut off on its way is repeated
// once at most.
func WithRetries(n int, pause time.Duration) Option {
	return func(c *Client) { c.retries, c.pause = n, pause }
}

// WithOnResponse has f called with every answer, also of those that are then repeated, for logs. It must not touch the body.
func WithOnResponse(f func(*http.Response)) Option { return func(c *Client) { c.onResponse = f } }

// New makes a client of the server at baseURL, such as "http://127.0.0.1:8484" or "https://example.org/v1".
func New(baseURL, token string, options ...Option) *Client {
	c := &Client{
		base:      strings.TrimRight(baseURL, "/"),
		token:     token,
		userAgent: "satchel-go",
		http:      &http.Client{Transport: newTransport(), CheckRedirect: keepToken},
		retries:   2,
		pause:     500 * time.Millisecond,
	}
	for _, option := range options {
		option(c)
	}
	return c
}

// newTransport is the default one with buffers for large bodies, and without compression, which would spoil ranges.
func newTransport() *http.Transport {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return &http.Transport{Proxy: http.ProxyFromEnvironment}
	}
	t = t.Clone()
	t.DisableCompression = true
	t.DialContext = dial
	t.MaxIdleConnsPerHost = 32
	t.WriteBufferSize = 128 << 10
	t.ReadBufferSize = 128 << 10
	return t
}

// keepToken follows redirects, as to a bucket, but tells the token to nobody but the server: another port of its host is somebody else.
func keepToken(next *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return errors.New("stopped after 10 redirects")
	}
	if next.URL.Scheme != via[0].URL.Scheme || next.URL.Host != via[0].URL.Host {
		next.Header.Del("Authorization")
	}
	return nil
}

// call is one operation, before it is sent.
type call struct {
	method     string
	path       string
	query      url.Values
	header     http.Header
	body       payload // nil: none
	repeatable bool    // doing it twice is the same as doing it once
}

// payload gives the body of a request, anew for every attempt.
type payload interface {
	open() (body io.ReadCloser, size int64, err error) // size -1: unknown
	underWay() bool                                    // the body was opened, and a part of it read, but not its end
}

// jsonBody is a payload that stands in memory.
type jsonBody []byte

func (b jsonBody) open() (io.ReadCloser, int64, error) {
	return io.NopCloser(bytes.NewReader(b)), int64(len(b)), nil
}

func (jsonBody) underWay() bool { return false } // it is sent in one piece

// callJSON sends the call and reads its answer into out.
func (c *Client) callJSON(ctx context.Context, k call, out any) error {
	_, err := c.callHeader(ctx, k, out)
	return err
}

// callHeader does what callJSON does and gives the header of the answer, too.
func (c *Client) callHeader(ctx context.Context, k call, out any) (header http.Header, err error) {
	err = c.attempt(ctx, k, func(r *http.Response) error {
		defer discard(r.Body)
		header = r.Header
		if err := json.NewDecoder(io.LimitReader(r.Body, maxAnswer)).Decode(out); err != nil {
			return fmt.Errorf("read the answer of %s %s: %w", k.method, k.path, brokenAnswer(err))
		}
		return nil
	})
	return header, err
}

// brokenAnswer makes an answer that ended early look the same wherever it was cut.
func brokenAnswer(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// discard reads a little of what is left, so that the connection can be used again, and closes.
func discard(body io.ReadCloser) {
	_, _ = io.CopyN(io.Discard, body, 64<<10)
	_ = body.Close()
}

// attempt sends the call as often as it is worth it and hands the first answer that is no refusal to read.
func (c *Client) attempt(ctx context.Context, k call, read func(*http.Response) error) error {
	for n, cuts := 0, 0; ; n++ {
		err := c.once(ctx, k, read)
		if err == nil {
			return nil
		}
		if cutOff(err) {
			cuts++
		}
		if n >= c.retries || cuts > maxCuts || !k.repeatable || !worthRepeating(ctx, err) {
			return err
		}
		if !sleep(ctx, c.pauseBefore(n, err)) {
			return err
		}
	}
}

func (c *Client) once(ctx context.Context, k call, read func(*http.Response) error) error {
	request, err := c.request(ctx, k)
	if err != nil {
		return err
	}
	response, err := c.http.Do(request) //nolint:bodyclose // readError and read close it
	if err != nil {
		return &ConnectionError{Err: err, Sending: ctx.Err() == nil && k.body != nil && k.body.underWay()}
	}
	if c.onResponse != nil {
		c.onResponse(response)
	}
	if response.StatusCode >= 300 {
		return readError(response)
	}
	return read(response)
}

func (c *Client) request(ctx context.Context, k call) (*http.Request, error) {
	address := c.base + k.path
	if len(k.query) > 0 {
		address += "?" + k.query.Encode()
	}
	request, err := http.NewRequestWithContext(ctx, k.method, address, nil)
	if err != nil {
		return nil, err
	}
	maps.Copy(request.Header, k.header)
	request.Header.Set("User-Agent", c.userAgent)
	if c.token != "" {
		request.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.strict {
		request.Header.Add("Prefer", "handling=strict")
	}
	return request, setBody(request, k.body)
}

func setBody(request *http.Request, p payload) error {
	if p == nil {
		return nil
	}
	body, size, err := p.open()
	if err != nil {
		return err
	}
	request.Body, request.ContentLength = body, size
	return nil
}

// inWorkspace gives query parameters that name the client's workspace.
func (c *Client) inWorkspace() url.Values {
	query := url.Values{}
	if c.workspace != "" {
		query.Set("workspace", c.workspace)
	}
	return query
}
