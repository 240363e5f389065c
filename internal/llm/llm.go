// Package llm is the contract of a language model: Model answers a conversation, in JSON of a given schema if that is wanted.
package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
)

// Model answers. It is safe for concurrent use, and bounds by itself how many requests are under way at once.
type Model interface {
	// Complete gives the model's answer. With a Schema the answer is one JSON value, as far as the model keeps to what it is told: whoever
	// asks validates it. Failures of the endpoint are *Error; the end of ctx is ctx.Err().
	Complete(ctx context.Context, r Request) (*Response, error)
	// Limits say what the model can take. They do not change while the program runs.
	Limits() Limits
}

// Limits of a model, as they were configured.
type Limits struct {
	Name    string // of the model, as answers to users name it
	Host    string // to which documents are sent, such as "127.0.0.1:8089"
	Context int    // tokens of a request and its answer together
	Vision  bool   // it takes images
}

// Role is who speaks.
type Role string

// The roles of a conversation.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Message is one turn.
type Message struct {
	Role   Role
	Text   string
	Images [][]byte // PNG or JPEG; only where Limits.Vision
}

// Request is a conversation to go on with.
type Request struct {
	Messages   []Message
	Schema     json.RawMessage // a JSON Schema of the answer; empty: text
	SchemaName string          // letters, digits, - and _; empty: "answer"
	MaxTokens  int             // of the answer
	Pieces     bool            // the answer comes with its Pieces, where the endpoint can tell them
}

// Response is an answer.
type Response struct {
	Text      string
	Truncated bool // it was cut at MaxTokens, or at the end of the context
	Tokens    satchel.Tokens
	Model     string  // as the endpoint calls it
	Pieces    []Piece // the answer as the model wrote it, token by token; nil: not asked for, or the endpoint does not tell
}

// Piece is a token of an answer, with what the model might have written instead.
type Piece struct {
	Text   string
	Likely []Choice // the most probable tokens at this place, the written one mostly among them
}

// Choice is a token that a model might write.
type Choice struct {
	Text        string
	Probability float64 // 0 to 1, before anything such as a schema forbids the token
}

// Kind says what can be done about an Error.
type Kind string

// The kinds of errors.
const (
	KindBusy    Kind = "busy"     // the endpoint has too much to do; later it will do it
	KindDown    Kind = "down"     // it cannot be reached, broke off, took too long or failed inside; later it may work
	KindTooLong Kind = "too_long" // the request does not fit into the context; a shorter one does
	KindRefused Kind = "refused"  // it does not accept the request, the key or the model's name; the same again helps nothing
)

// Error is a failure of a model's endpoint.
type Error struct {
	Kind       Kind
	Message    string        // for people; never holds a key or a document
	RetryAfter time.Duration // as the endpoint asked for; 0: it did not say
	Err        error
}

// Error says what failed.
func (e *Error) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("language model: %s", e.Message)
	}
	return fmt.Sprintf("language model: %s: %v", e.Message, e.Err)
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Temporary reports whether the same request may succeed later.
func (e *Error) Temporary() bool { return e.Kind == KindBusy || e.Kind == KindDown }

// KindOf gives the kind of the first Error in err's chain, "" if there is none.
func KindOf(err error) Kind {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return ""
}
