package main

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/satchel-files/satchel/internal/instruct"
	"github.com/satchel-files/satchel/internal/llm"
)

// recorder is a model that notes what it was asked and what it said.
type recorder struct {
	llm.Model

	mu    sync.Mutex
	calls []call
}

// call is one question and its answer.
type call struct {
	Messages  []llm.Message   `json:"messages"`
	Schema    json.RawMessage `json:"schema,omitempty"`
	Answer    string          `json:"answer"`
	Truncated bool            `json:"truncated,omitempty"`
	Error     string          `json:"error,omitempty"`
	Input     int64           `json:"input"`
	Output    int64           `json:"output"`
	Seconds   float64         `json:"seconds"`
}

// Complete implements llm.Model.
func (r *recorder) Complete(ctx context.Context, request llm.Request) (*llm.Response, error) {
	start := time.Now()
	response, err := r.Model.Complete(ctx, request)
	c := call{Messages: request.Messages, Schema: request.Schema, Seconds: time.Since(start).Seconds()}
	if err != nil {
		c.Error = err.Error()
	} else {
		c.Answer, c.Truncated, c.Input, c.Output = response.Text, response.Truncated, response.Tokens.Input, response.Tokens.Output
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, c)
	return response, err
}

// take gives the calls since the last take.
func (r *recorder) take() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := r.calls
	r.calls = nil
	return calls
}

// transcript is all that is kept of a case.
type transcript struct {
	Case   string           `json:"case"`
	Faults []string         `json:"faults,omitempty"`
	Result *instruct.Result `json:"result,omitempty"`
	Calls  []call           `json:"calls"`
}

// keep writes a transcript into a folder, which it makes.
func (t transcript) keep(folder string) error {
	text, err := json.MarshalIndent(t, "", " ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, t.Case+".json"), text, 0o600)
}

// fileName makes a model's name one of a folder.
func fileName(model string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' {
			return r
		}
		return '_'
	}, model)
}
