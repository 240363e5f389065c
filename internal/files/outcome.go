package files

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Outcome is how a run ends.
type Outcome struct {
	Failure  *satchel.Failure // nil: it succeeded
	Details  string           // for people: what else is to be said of a success; a failure says it by itself
	Edit     satchel.Edit
	Evidence map[string]json.RawMessage // by top-level key of Edit.Set
	Notes    []string                   // whole sentences: what was left out and why
	Model    string                     // who wrote the edit
	Tokens   satchel.Tokens             // of the whole run
}

// Finish ends the run: it makes the edit, less what somebody else has changed meanwhile or a person has set, as a version of its own, and gives
// the file its status.
func (w *Work) Finish(ctx context.Context, o Outcome) error {
	return w.write(ctx, func(ctx context.Context, tx meta.Tx, run *satchel.Run) error {
		o := o
		if o.Failure == nil {
			if err := w.limitEdit(ctx, tx, &o); err != nil {
				return err
			}
		}
		others, err := w.others(ctx, tx)
		if err != nil {
			return err
		}
		if err := w.close(run, o); err != nil {
			return err
		}
		if err := w.applyOutcome(ctx, tx, run, o, others); err != nil || len(others) == 0 {
			return err
		}
		return enqueue(ctx, tx, others[0], time.Time{}) // its own call came while this run was in the way
	})
}

// close fills in how the run ended.
func (w *Work) close(run *satchel.Run, o Outcome) error {
	state := satchel.RunSucceeded
	run.Details = detailsOf(o)
	if o.Failure != nil {
		state, run.Failure = satchel.RunFailed, o.Failure
	}
	text, err := json.Marshal(Result{Edit: o.Edit, Evidence: o.Evidence, Notes: o.Notes, Model: o.Model})
	if err != nil {
		return err
	}
	run.Result, run.Tokens = string(text), o.Tokens
	w.service.end(run, state)
	return nil
}

func detailsOf(o Outcome) string {
	if o.Failure != nil {
		return strings.TrimSpace(sentence(o.Failure.Message) + " " + strings.Join(o.Notes, " "))
	}
	return strings.TrimSpace(o.Details + " " + strings.Join(o.Notes, " "))
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// limitEdit takes out of the edit what is not the model's to change, and names it.
func (w *Work) limitEdit(ctx context.Context, tx meta.Tx, o *Outcome) error {
	changed, err := changedSince(ctx, tx, w.scope, w.file.ID, w.run.Seen)
	if err != nil {
		return err
	}
	changed = slices.DeleteFunc(changed, func(key string) bool { return slices.Contains(w.run.Protected, key) })
	var protected []string
	if protected, err = w.protected(ctx, tx); err != nil {
		return err
	}
	o.leave(changed, "was changed meanwhile and was left alone")
	o.leave(protected, "was set by a person and was left alone")
	if o.Edit.Empty() {
		return nil
	}
	if _, err := baseOf(w.file, w.run).Apply(o.Edit); err != nil {
		o.Failure = &satchel.Failure{Code: satchel.CodeOf(err), Message: "the values do not fit into the metadata any more: " + err.Error()}
		o.Edit = satchel.Edit{}
	}
	return nil
}

// leave takes keys out of the edit. A sentence names those that it would have changed.
func (o *Outcome) leave(keys []string, why string) {
	var left []string
	o.Edit, left = o.Edit.Without(keys)
	for _, key := range left {
		delete(o.Evidence, key)
		o.Notes = append(o.Notes, fmt.Sprintf("The key %q %s.", key, why))
	}
}

// applyOutcome gives the file its metadata and its standing; others are its further open runs.
func (w *Work) applyOutcome(ctx context.Context, tx meta.Tx, run *satchel.Run, o Outcome, others []*satchel.Run) error {
	if run.DryRun {
		return nil
	}
	changing := slices.ContainsFunc(others, func(r *satchel.Run) bool { return !r.DryRun })
	change := satchel.Change{
		User: run.User, Edit: o.Edit.String(), Model: o.Model, Instruction: run.Instructions, Run: run.ID, Tokens: o.Tokens, Failure: o.Failure,
	}
	if len(o.Evidence) > 0 {
		evidence, err := json.Marshal(o.Evidence)
		if err != nil {
			return err
		}
		change.Evidence = string(evidence)
	}
	metadata, err := w.file.Metadata.Apply(o.Edit)
	if err != nil {
		return err
	}
	failedInstruction := o.Failure != nil && run.Kind == satchel.RunMetadata
	return w.updateFile(ctx, tx, change, func(file *satchel.File) {
		if metadata != file.Metadata || failedInstruction {
			file.Metadata = metadata
			file.MetadataVersion++
		}
		w.settle(file, run, o, changing)
	})
}

// settle gives the file the standing that the outcome means, at once, or, while other runs that change it are open, for later.
func (w *Work) settle(file *satchel.File, run *satchel.Run, o Outcome, changing bool) {
	standing := satchel.Standing{Status: satchel.StatusProcessed, Details: run.Details}
	switch {
	case run.Kind == satchel.RunMetadata && file.Settled != nil:
		standing = *file.Settled
		if run.Details != "" || o.Failure == nil && standing.Failure == nil { // what was said of a change before is over with the next
			standing.Details = run.Details
		}
	case o.Failure != nil:
		standing.Status, standing.Failure = satchel.StatusError, o.Failure
	}
	if changing {
		file.Settled = &standing
		return
	}
	file.Settled = nil
	file.SetStanding(standing)
}

// others gives the file's further open runs, oldest first.
func (w *Work) others(ctx context.Context, tx meta.Tx) ([]*satchel.Run, error) {
	open, err := tx.OpenRuns(ctx, w.scope, w.file.ID, maxOpenRuns)
	return slices.DeleteFunc(open, func(r *satchel.Run) bool { return r.ID == w.run.ID }), err
}
