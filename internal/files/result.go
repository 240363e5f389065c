package files

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/satchel-files/satchel"
)

// Result is what a run came to, as far as it is known.
type Result struct {
	Edit     satchel.Edit               `json:"edit"`
	Evidence map[string]json.RawMessage `json:"evidence,omitempty"` // by top-level key of Edit.Set: where the value stands
	Notes    []string                   `json:"notes,omitempty"`    // whole sentences: what was left out and why
	Model    string                     `json:"model,omitempty"`    // who wrote the edit
}

// ResultOf gives what a run came to; nil while it is not over, and for one that made no edit because it had no instructions or was cancelled.
func ResultOf(run *satchel.Run) (*Result, error) {
	if run.Result == "" || run.Instructions == "" {
		return nil, nil
	}
	var r Result
	if err := json.Unmarshal([]byte(run.Result), &r); err != nil {
		return nil, fmt.Errorf("reading the result of %s: %w", run.ID, err)
	}
	return &r, nil
}

// Preview gives the metadata of a file before and after what a dry run would do.
func (s *Service) Preview(ctx context.Context, scope satchel.Scope, run *satchel.Run) (before, after satchel.Metadata, err error) {
	file, err := s.File(ctx, scope, string(run.File))
	if err != nil {
		return before, after, err
	}
	before = file.Metadata
	after = baseOf(file, run)
	result, err := ResultOf(run)
	if err != nil || result == nil {
		return before, after, err
	}
	after, err = after.Apply(result.Edit)
	return before, after, err
}
