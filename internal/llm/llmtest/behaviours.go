package llmtest

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel/internal/llm"
)

// Behaviour answers one request. ctx ends when the client has gone, or the test is over.
type Behaviour func(ctx context.Context, w http.ResponseWriter, c Call)

// Answer is what a model says.
type Answer struct {
	Text    string
	Finish  string      // finish_reason; empty: "stop"
	Input   int64       // tokens read; 0: a guess by length
	Output  int64       // tokens written; 0: a guess by length
	NoUsage bool        // say nothing of tokens
	Model   string      // empty: the one asked for
	Pieces  []llm.Piece // of Text, for those who ask; nil: it tells none
}

// Reply gives an answer.
func Reply(a Answer) Behaviour {
	return func(_ context.Context, w http.ResponseWriter, c Call) { write(w, http.StatusOK, a.body(c)) }
}

// Text answers with this text.
func Text(text string) Behaviour { return Reply(Answer{Text: text}) }

// JSON answers with this value as JSON. It panics if that cannot be.
func JSON(value any) Behaviour {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return Text(string(text))
}

// Truncated answers with a text that ends where the limit of tokens was reached.
func Truncated(text string) Behaviour { return Reply(Answer{Text: text, Finish: "length"}) }

// By decides when the request has been read. It is called for several requests at once if they come so.
func By(decide func(c Call) Behaviour) Behaviour {
	return func(ctx context.Context, w http.ResponseWriter, c Call) { decide(c)(ctx, w, c) }
}

// After waits until ready is closed, then goes on with the next behaviour.
func After(ready <-chan struct{}, then Behaviour) Behaviour {
	return func(ctx context.Context, w http.ResponseWriter, c Call) {
		select {
		case <-ready:
			then(ctx, w, c)
		case <-ctx.Done():
			panic(http.ErrAbortHandler)
		}
	}
}

// Hang never answers: it holds the connection until the client gives up.
func Hang() Behaviour { return After(nil, nil) }

// Cut breaks the connection in the middle of an answer.
func Cut(text string) Behaviour {
	return func(_ context.Context, w http.ResponseWriter, c Call) {
		body, _ := json.Marshal(Answer{Text: text}.body(c))
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// Nonsense answers with a success that is a web page.
func Nonsense() Behaviour {
	return func(_ context.Context, w http.ResponseWriter, _ Call) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<!doctype html><title>Welcome</title>"))
	}
}

// Raw answers with this status and body, and with these headers: name, value, name, value …
func Raw(status int, body string, headers ...string) Behaviour {
	return func(_ context.Context, w http.ResponseWriter, _ Call) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Fail answers with an error of this HTTP status, code and message.
func Fail(status int, code, message string) Behaviour {
	return func(_ context.Context, w http.ResponseWriter, _ Call) { fail(w, status, code, message) }
}

// Busy answers 429, with the header Retry-After if it is not empty.
func Busy(retryAfter string) Behaviour {
	return func(_ context.Context, w http.ResponseWriter, _ Call) {
		if retryAfter != "" {
			w.Header().Set("Retry-After", retryAfter)
		}
		fail(w, http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached.")
	}
}

// Loading answers as a local server does that has not read its model yet.
func Loading() Behaviour {
	return Fail(http.StatusServiceUnavailable, "unavailable_error", "Loading model")
}

// TooLong refuses a request that does not fit into the context.
func TooLong() Behaviour {
	return Fail(http.StatusBadRequest, "context_length_exceeded", "This model's maximum context length is 4096 tokens. Please reduce the length of the messages.")
}

// Locked asks for a key, as the bearer token, before it goes on.
func Locked(key string, then Behaviour) Behaviour {
	return By(func(c Call) Behaviour {
		if c.Key != key {
			return Fail(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "+c.Key)
		}
		return then
	})
}

// Feature is what a server may lack.
type Feature string

// The features that Without can take away.
const (
	JSONSchema   Feature = "json_schema" // response_format
	JSONObject   Feature = "json_object" // response_format
	StrictSchema Feature = "strict"      // a schema that is kept to the letter
	MaxTokens    Feature = "max_tokens"  // max_completion_tokens is wanted instead
	Temperature  Feature = "temperature" // any but the model's own
	Logprobs     Feature = "logprobs"
	Images       Feature = "images"      // in messages
	SystemRole   Feature = "system_role" // in messages
)

// Without refuses requests that use a feature, in the words of real servers, and goes on with the others.
func Without(missing Feature, then Behaviour) Behaviour {
	return By(func(c Call) Behaviour {
		if !c.uses(missing) {
			return then
		}
		return Fail(http.StatusBadRequest, "unsupported_parameter", refusals(missing))
	})
}

func (c Call) uses(f Feature) bool {
	switch f {
	case JSONSchema, JSONObject:
		return c.Format == string(f)
	case StrictSchema:
		return c.Strict
	case MaxTokens:
		return c.LimitField == string(f)
	case Temperature:
		return c.Temperature != nil
	case Logprobs:
		return c.Likely > 0
	case Images:
		return c.has(func(m int) bool { return len(c.Messages[m].Images) > 0 })
	case SystemRole:
		return c.has(func(m int) bool { return c.Messages[m].Role == "system" })
	}
	return false
}

func (c Call) has(matches func(message int) bool) bool {
	for i := range c.Messages {
		if matches(i) {
			return true
		}
	}
	return false
}

func refusals(f Feature) string {
	switch f {
	case JSONSchema:
		return "This response_format type is unavailable now: json_schema"
	case JSONObject:
		return "'response_format.type' must be 'text'"
	case StrictSchema:
		return "Invalid schema for response_format 'answer': 'additionalProperties' is required to be supplied and to be false."
	case MaxTokens:
		return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
	case Temperature:
		return "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported."
	case Logprobs:
		return "Unsupported parameter: 'logprobs' is not supported with this model."
	case Images:
		return "image input is not supported"
	}
	return "System role not supported"
}

func (a Answer) body(c Call) map[string]any {
	finish, model := a.Finish, a.Model
	if finish == "" {
		finish = "stop"
	}
	if model == "" {
		model = c.Model
	}
	choice := map[string]any{"index": 0, "finish_reason": finish, "message": map[string]any{"role": "assistant", "content": a.Text}}
	if c.Likely > 0 && len(a.Pieces) > 0 {
		choice["logprobs"] = map[string]any{"content": logprobs(a.Pieces, c.Likely)}
	}
	body := map[string]any{"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model, "choices": []any{choice}}
	if !a.NoUsage {
		body["usage"] = map[string]any{
			"prompt_tokens": orGuess(a.Input, c.Text()), "completion_tokens": orGuess(a.Output, a.Text),
		}
	}
	return body
}

// logprobs writes pieces as servers do, the bytes of each token as numbers.
func logprobs(pieces []llm.Piece, most int) []any {
	token := func(text string, probability float64) map[string]any {
		numbers := []int{}
		for _, b := range []byte(text) {
			numbers = append(numbers, int(b))
		}
		return map[string]any{"token": strings.ToValidUTF8(text, "\uFFFD"), "bytes": numbers, "logprob": math.Log(probability)}
	}
	var all []any
	for _, piece := range pieces {
		written, likely := token(piece.Text, 1), []any{}
		for _, choice := range piece.Likely[:min(len(piece.Likely), most)] {
			likely = append(likely, token(choice.Text, choice.Probability))
		}
		written["top_logprobs"] = likely
		all = append(all, written)
	}
	return all
}

func orGuess(tokens int64, text string) int64 {
	if tokens > 0 {
		return tokens
	}
	return int64(len(text)/4 + 1)
}

func fail(w http.ResponseWriter, status int, code, message string) {
	write(w, status, map[string]any{"error": map[string]any{"message": message, "type": "error", "code": code}})
}

func write(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
