// Package instruct turns an instruction, a file's metadata and its text into an edit of the metadata, with the help of a language model. It
// knows how a model is asked, what its answers are worth, and where in the text a value stands; it keeps nothing and changes nothing.
//
// What stands in a document is data. It can become a value; it cannot remove or rename keys that the instruction did not speak of.
package instruct

import (
	"context"
	"encoding/json"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
)

// Kind says what an instruction belongs to.
type Kind string

// The kinds of instructions.
const (
	// Process came with an upload: it asks for metadata out of the document.
	Process Kind = "process"
	// Update came with a metadata update. It need not be about the document at all.
	Update Kind = "update"
)

// Task is what is to be done. It does not change from one Advance to the next.
type Task struct {
	Kind        Kind
	Instruction string
	Schema      string // metadata_schema; empty: any keys
	Metadata    satchel.Metadata
	Protected   []string // top-level keys that stay as they are, because a person set them
	Filename    string   // never a source of values
	Text        Text
	MaxTokens   int64 // of all calls together; at it the work ends with what was found
}

// Text is the document's text and its pages as images.
type Text interface {
	// Pages are in order; none if there is no text. Between two pages there may be bytes that belong to neither.
	Pages() []satchel.TextPage
	// Read gives length bytes of the text from offset on, which lie within it. A page can be larger than memory should be, so that a page is
	// read in parts; a part may begin and end within a character.
	Read(ctx context.Context, offset, length int64) (string, error)
	// Image gives page n, from 1, as a PNG or JPEG; nil if there is none. It is asked for only where the model sees.
	Image(ctx context.Context, n int) ([]byte, error)
}

// State is how far a task is. The zero State is the start. It survives as JSON, so that another process can go on.
type State struct {
	Next    string          `json:"next,omitempty"` // what Advance does next; for Advance alone
	Window  int             `json:"window,omitempty"`
	Windows int             `json:"windows,omitempty"`
	Data    json.RawMessage `json:"data,omitempty"` // what was found so far; for Advance alone
	Tokens  satchel.Tokens  `json:"tokens"`
	Model   string          `json:"model,omitempty"`
	Details string          `json:"details,omitempty"` // for people: what was done and what is next ("read pages 1 to 12 of 212")
	Done    bool            `json:"done,omitempty"`
	Result  *Result         `json:"result,omitempty"` // set when Done
}

// Result is what a task came to.
type Result struct {
	Edit     satchel.Edit        `json:"edit"`               // as Edit.String has it
	Evidence map[string]Evidence `json:"evidence,omitempty"` // by top-level key of Edit.Set
	Notes    []string            `json:"notes,omitempty"`    // for people, whole sentences: what was left out and why, what was not read
}

// Evidence is where in the text a value stands.
type Evidence struct {
	Page  int    `json:"page"`  // from 1
	Quote string `json:"quote"` // as it stands there
}

// Engine does tasks with one model.
type Engine struct{ model llm.Model }

// New makes an engine.
func New(model llm.Model) *Engine { return &Engine{model} }
