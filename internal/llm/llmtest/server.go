// Package llmtest has language models for tests: a real HTTP server that speaks the protocol of OpenAI's chat completions and does what
// it is told, well or badly, and the small real model that the project installs.
package llmtest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/satchel-files/satchel/internal/llm"
)

// Model is the only model that a Server lists. It answers whatever model is asked for.
const Model = "scripted"

// maxBody bounds what a Server reads of a request, in bytes.
const maxBody = 64 << 20

// Server is an endpoint for chat completions that answers as the test says. It is safe for concurrent use.
type Server struct {
	URL string // the base, with /v1

	t         testing.TB
	otherwise Behaviour
	over      chan struct{} // closed when the test ends
	mu        sync.Mutex
	queue     []Behaviour
	calls     []Call
}

// New starts a server on the loopback interface; it ends with the test. Requests that find nothing enqueued are answered by otherwise;
// if that is nil, they fail the test.
func New(t testing.TB, otherwise Behaviour) *Server {
	t.Helper()
	s := &Server{t: t, otherwise: otherwise, over: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", s.complete)
	mux.HandleFunc("GET /v1/models", s.models)
	listener := httptest.NewServer(mux)
	s.URL = listener.URL + "/v1"
	t.Cleanup(func() {
		close(s.over)
		listener.Close()
	})
	return s
}

// Enqueue has the next requests answered by these behaviours, each by one, in this order.
func (s *Server) Enqueue(next ...Behaviour) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.queue = append(s.queue, next...)
}

// Requests gives the chat completions that were asked for until now, in the order in which they came in.
func (s *Server) Requests() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.calls)
}

func (s *Server) complete(w http.ResponseWriter, r *http.Request) {
	call, err := readCall(r)
	if err != nil {
		fail(w, http.StatusBadRequest, "invalid_request_error", err.Error())
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() {
		select {
		case <-s.over:
			cancel()
		case <-ctx.Done():
		}
	}()
	s.next(call)(ctx, w, call)
}

// next records a call and gives what answers it.
func (s *Server) next(call Call) Behaviour {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	switch {
	case len(s.queue) > 0:
		first := s.queue[0]
		s.queue = s.queue[1:]
		return first
	case s.otherwise != nil:
		return s.otherwise
	}
	s.t.Errorf("request %d to the language model was not expected", len(s.calls))
	return Fail(http.StatusNotImplemented, "unexpected", "nothing is scripted for this request")
}

func (s *Server) models(w http.ResponseWriter, _ *http.Request) {
	write(w, http.StatusOK, map[string]any{"object": "list", "data": []any{map[string]any{"id": Model, "object": "model"}}})
}

// Call is one request for a chat completion, as it came in.
type Call struct {
	Model       string
	Messages    []llm.Message
	Format      string // response_format: "", "text", "json_object" or "json_schema"
	Schema      json.RawMessage
	SchemaName  string
	Strict      bool   // the schema is to be kept to the letter
	MaxTokens   int    // 0: not given
	LimitField  string // which field gave MaxTokens: "max_tokens" or "max_completion_tokens"
	Temperature *float64
	Likely      int    // top_logprobs; 0: logprobs are not asked for
	Key         string // the bearer token
	Body        []byte // all of it
}

// Prompt is the text of the last message.
func (c Call) Prompt() string { return c.Messages[len(c.Messages)-1].Text }

// Text is the text of all messages.
func (c Call) Text() string {
	var all []string
	for _, m := range c.Messages {
		all = append(all, m.Text)
	}
	return strings.Join(all, "\n")
}

// readCall reads a request as strictly as real servers do: what it does not know is refused.
func readCall(r *http.Request) (Call, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxBody))
	if err != nil {
		return Call{}, err
	}
	var in struct {
		Model               string        `json:"model"`
		Messages            []wireMessage `json:"messages"`
		MaxTokens           *int          `json:"max_tokens"`
		MaxCompletionTokens *int          `json:"max_completion_tokens"`
		Temperature         *float64      `json:"temperature"`
		Logprobs            bool          `json:"logprobs"`
		TopLogprobs         int           `json:"top_logprobs"`
		ResponseFormat      struct {
			Type   string `json:"type"`
			Schema struct {
				Name   string          `json:"name"`
				Strict bool            `json:"strict"`
				Schema json.RawMessage `json:"schema"`
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return Call{}, err
	}
	format := in.ResponseFormat
	c := Call{
		Model: in.Model, Format: format.Type, Schema: format.Schema.Schema, SchemaName: format.Schema.Name, Strict: format.Schema.Strict,
		Temperature: in.Temperature, Likely: in.TopLogprobs, Key: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), Body: body,
	}
	if in.TopLogprobs > 0 && !in.Logprobs {
		return Call{}, errors.New("'logprobs' must be true for 'top_logprobs'")
	}
	switch {
	case in.MaxTokens != nil:
		c.MaxTokens, c.LimitField = *in.MaxTokens, "max_tokens"
	case in.MaxCompletionTokens != nil:
		c.MaxTokens, c.LimitField = *in.MaxCompletionTokens, "max_completion_tokens"
	}
	c.Messages, err = readMessages(in.Messages)
	return c, err
}

type wireMessage struct {
	Role    llm.Role        `json:"role"`
	Content json.RawMessage `json:"content"`
}

func readMessages(in []wireMessage) ([]llm.Message, error) {
	if len(in) == 0 {
		return nil, fmt.Errorf("messages must not be empty")
	}
	var out []llm.Message
	for _, m := range in {
		message := llm.Message{Role: m.Role}
		err := json.Unmarshal(m.Content, &message.Text)
		if err != nil {
			err = readParts(m.Content, &message)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, message)
	}
	return out, nil
}

// readParts reads a content that is a list of texts and images.
func readParts(content json.RawMessage, into *llm.Message) error {
	var parts []struct {
		Type  string `json:"type"`
		Text  string `json:"text"`
		Image struct {
			URL string `json:"url"`
		} `json:"image_url"`
	}
	if err := json.Unmarshal(content, &parts); err != nil {
		return err
	}
	for _, part := range parts {
		if part.Type == "text" {
			into.Text += part.Text
			continue
		}
		_, data, ok := strings.Cut(part.Image.URL, ";base64,")
		image, err := base64.StdEncoding.DecodeString(data)
		if !ok || err != nil {
			return fmt.Errorf("image_url must be a data URL")
		}
		into.Images = append(into.Images, image)
	}
	return nil
}
