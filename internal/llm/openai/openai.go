// Package openai is a language model behind any HTTP endpoint that speaks OpenAI's chat completions, near or far.
//
// Endpoints differ in what they take. What one lacks is found out from its refusals, remembered, and done without: a JSON Schema for the
// answer becomes json_object, then a sentence in the prompt; max_tokens becomes max_completion_tokens; a temperature of 0 is left out; a
// system message becomes part of the first user message; the probabilities of tokens are not asked for. Nothing is tried again that failed for other reasons: that is the caller's part.
package openai

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/satchel-files/satchel/internal/llm"
)

// What holds where Config leaves it open.
const (
	DefaultTimeout = 5 * time.Minute
	DefaultAtOnce  = 4
	DefaultContext = 8192
)

// Config says where the model is and what it can take. URL and Model must be given.
type Config struct {
	// URL is the base of the API, http or https: with its version ("http://127.0.0.1:8080/v1") or without, for which /v1 is then taken, or
	// all of it up to /chat/completions. It holds no user, no password and no query.
	URL     string
	Model   string        // as the endpoint calls it
	Key     Key           // sent as the bearer token; empty: none is sent
	Timeout time.Duration // of one HTTP request, from its sending to the end of its answer; 0: DefaultTimeout
	AtOnce  int           // requests under way at the same time, the others wait; 0: DefaultAtOnce
	// Context is how many tokens a request and its answer may have together; 0: DefaultContext, which every usual model takes and the small
	// local one is started with. Some servers cut what is longer without a word, so it must not be more than the server was set to: Probe tells.
	Context int
	Vision  bool         // the model takes images
	Logger  *slog.Logger // nil: nothing is logged
	// HTTPClient is used instead of one with the usual transport, which honours HTTP_PROXY, HTTPS_PROXY and NO_PROXY. Its redirects are
	// not followed whatever it says.
	HTTPClient *http.Client
}

// Key is a secret that no log, no %v and no encoder shows.
type Key string

// String hides the key.
func (k Key) String() string {
	if k == "" {
		return ""
	}
	return "redacted"
}

// GoString hides the key from %#v.
func (k Key) GoString() string { return fmt.Sprintf("%q", k.String()) }

// MarshalText hides the key from encoders.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Client is a model behind an endpoint. It is safe for concurrent use.
type Client struct {
	at       endpoint
	model    string
	key      Key
	limits   llm.Limits
	timeout  time.Duration
	http     *http.Client
	slots    chan struct{}
	logger   *slog.Logger
	learned  *learned
	maxBytes int64
}

var _ llm.Model = (*Client)(nil)

// New makes a client. It asks the endpoint nothing. The error joins everything that is wrong with the configuration and names the
// environment variables in which it stands; it never holds the key.
func New(c Config) (*Client, error) {
	at, err := parseEndpoint(c.URL)
	key := Key(strings.TrimSpace(string(c.Key)))
	if err = errors.Join(err, c.check(key)); err != nil {
		return nil, err
	}
	limits := llm.Limits{Name: c.Model, Host: at.host, Context: cmp.Or(c.Context, DefaultContext), Vision: c.Vision}
	atOnce := cmp.Or(c.AtOnce, DefaultAtOnce)
	return &Client{
		at: at, model: c.Model, key: key, limits: limits, timeout: cmp.Or(c.Timeout, DefaultTimeout), http: httpClient(c.HTTPClient, atOnce),
		slots: make(chan struct{}, atOnce), logger: orSilent(c.Logger), learned: newLearned(), maxBytes: maxAnswer,
	}, nil
}

func (c *Config) check(key Key) error {
	var faults []error
	if c.Model == "" {
		faults = append(faults, errors.New("SATCHEL_LLM_MODEL: the name of the model is missing"))
	}
	if strings.ContainsFunc(string(key), func(r rune) bool { return r <= ' ' || r > '~' }) {
		faults = append(faults, errors.New("SATCHEL_LLM_KEY: a key has neither spaces nor characters beyond ASCII"))
	}
	for _, n := range []struct {
		name  string
		value int64
	}{{"the time-out", int64(c.Timeout)}, {"the number of requests at once", int64(c.AtOnce)}, {"the context", int64(c.Context)}} {
		if n.value < 0 {
			faults = append(faults, fmt.Errorf("language model: %s must not be negative", n.name))
		}
	}
	return errors.Join(faults...)
}

// httpClient gives a client that follows no redirect: neither the key nor a document goes where nobody sent it.
func httpClient(given *http.Client, atOnce int) *http.Client {
	var own http.Client
	if given != nil {
		own = *given
	} else if transport, ok := http.DefaultTransport.(*http.Transport); ok {
		transport = transport.Clone()
		transport.MaxIdleConnsPerHost = atOnce
		own.Transport = transport
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

func orSilent(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}

// String names the model and where it is.
func (c *Client) String() string { return c.model + " at " + c.at.host }

// GoString is String: %#v would show the key.
func (c *Client) GoString() string { return c.String() }

// Limits says what the model can take, as it was configured.
func (c *Client) Limits() llm.Limits { return c.limits }

// Complete gives the model's answer. Where a Schema was asked for, thoughts in <think> and a fence of Markdown around the JSON are taken
// off. An answer that is still no JSON is given as it is: the caller asks again, and that request says more plainly what is wanted.
func (c *Client) Complete(ctx context.Context, r llm.Request) (*llm.Response, error) {
	if err := c.enter(ctx); err != nil {
		return nil, err
	}
	defer c.leave()
	way := c.learned.way(r.Schema)
	for {
		answer, err := c.once(ctx, r, way)
		if err == nil {
			c.learn(ctx, c.learned.answered(way, r.Schema, answer))
			return answer, nil
		}
		next, found := c.learned.refused(way, r.Schema, err)
		if next == way {
			return nil, err
		}
		c.learn(ctx, found)
		way = next
	}
}

// enter waits for one of the places of requests under way.
func (c *Client) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case c.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (c *Client) leave() { <-c.slots }

// learn logs what was found out about the endpoint, if it was anything.
func (c *Client) learn(ctx context.Context, found string) {
	if found != "" {
		c.logger.InfoContext(ctx, "the language model's server is asked in another way from now on", "found", found, "host", c.at.host, "model", c.model)
	}
}
