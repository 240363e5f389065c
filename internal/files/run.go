package files

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// maxOpenRuns is how many runs of one file may wait for each other.
const maxOpenRuns = 100

// Request asks for a run that processes a file.
type Request struct {
	Instructions *string // in the place of the file's own; blank: none from now on; nil: the file's own
	Schema       *string // likewise
}

// Check finds everything that is wrong with the request. The error is a satchel.Faults.
func (r Request) Check() error {
	_, _, err := r.check(&satchel.File{})
	return err
}

// check gives the instructions and the schema that hold for the file.
func (r Request) check(file *satchel.File) (instructions, schema string, err error) {
	var faults satchel.Faults
	instructions, schema = file.Instructions, file.Schema
	if r.Instructions != nil {
		instructions, err = parseInstructions(*r.Instructions)
		faults.Add(err)
	}
	if r.Schema != nil {
		schema = *r.Schema
		faults.Add(checkSchema(schema))
	}
	return instructions, schema, faults.Err()
}

// Process starts a run that reads the file and carries out its instructions, again if it was done before. With instructions and no model:
// CodeModelNotConfigured, and nothing is changed.
func (s *Service) Process(ctx context.Context, scope satchel.Scope, id string, r Request) (*satchel.File, *satchel.Run, error) {
	if err := r.Check(); err != nil {
		return nil, nil, err
	}
	var run *satchel.Run
	file, err := s.change(ctx, scope, id, "processFile", func(ctx context.Context, tx meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error) {
		var err error
		if file.Instructions, file.Schema, err = r.check(file); err != nil {
			return satchel.Change{}, err
		}
		if file.Instructions != "" {
			if err := s.mayInstruct(ctx, tx, scope); err != nil {
				return satchel.Change{}, err
			}
		}
		run = s.newRun(scope, file, satchel.RunProcess)
		note["run"] = run.ID
		return satchel.Change{}, s.start(ctx, tx, scope, file, run)
	})
	if err != nil {
		return nil, nil, err
	}
	return file, run, nil
}

// newRun makes a run on a file with the file's instructions and schema.
func (s *Service) newRun(scope satchel.Scope, file *satchel.File, kind satchel.RunKind) *satchel.Run {
	now := s.moment()
	return &satchel.Run{
		ID: satchel.NewRunID(now), Org: scope.Org, Workspace: scope.Workspace, File: file.ID, User: scope.User, Kind: kind,
		State: satchel.RunQueued, Step: firstStep(file, kind), Instructions: file.Instructions, Schema: file.Schema,
		CreatedAt: now, UpdatedAt: now, LeaseUntil: now,
	}
}

// firstStep is to read the document, except for what can do without a document or has it read already.
func firstStep(file *satchel.File, kind satchel.RunKind) satchel.Step {
	if kind == satchel.RunMetadata && file.Document != nil {
		return satchel.StepInstruct
	}
	return satchel.StepExtract
}

// start stores a run, calls a worker, and makes the file, which the caller stores, show that it is being processed.
func (s *Service) start(ctx context.Context, tx meta.Tx, scope satchel.Scope, file *satchel.File, run *satchel.Run) error {
	open, err := tx.OpenRuns(ctx, scope, file.ID, maxOpenRuns)
	if err != nil {
		return err
	}
	if len(open) == maxOpenRuns {
		return &satchel.Error{Code: satchel.CodeConflict, Message: "too many runs of this file wait for each other; try again when some are over"}
	}
	if err := tx.InsertRun(ctx, scope, run); err != nil {
		return err
	}
	if !run.DryRun {
		if file.Settled == nil {
			settled := file.Standing()
			file.Settled = &settled
		}
		file.SetStanding(satchel.Standing{Status: satchel.StatusProcessing, Details: "waiting for a worker"})
	}
	return enqueue(ctx, tx, run, time.Time{})
}

// Run gives one run of a file.
func (s *Service) Run(ctx context.Context, scope satchel.Scope, id, run string) (*satchel.Run, error) {
	file, err := s.File(ctx, scope, id)
	if err != nil {
		return nil, err
	}
	found, err := s.store.Run(ctx, scope, file.ID, satchel.RunID(run))
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return nil, satchel.RunNotFound(run)
	}
	return found, err
}

// Runs gives at most limit runs of a file, newest first, that are older than before (empty: the newest), and whether there are more.
func (s *Service) Runs(ctx context.Context, scope satchel.Scope, id, before string, limit int) (runs []*satchel.Run, more bool, err error) {
	file, err := s.File(ctx, scope, id)
	if err != nil {
		return nil, false, err
	}
	runs, err = s.store.Runs(ctx, scope, file.ID, satchel.RunID(before), limit+1)
	if len(runs) > limit {
		return runs[:limit], true, err
	}
	return runs, false, err
}

// How often a waiting request looks: often at first, because most runs are short.
const (
	firstLook = 10 * time.Millisecond
	lastLook  = 250 * time.Millisecond
	askAgain  = time.Second // for whom it waits
)

// Wait gives a run as it is when it is over, or when the time is; a run that went away with its file is CodeNotFound. Every second it asks still whether
// somebody may be told at all; an error of still ends it.
func (s *Service) Wait(ctx context.Context, scope satchel.Scope, run *satchel.Run, within time.Duration, still func(context.Context) error) (*satchel.Run, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	asked := time.Now()
	for pause := firstLook; run.Open(); pause = min(2*pause, lastLook) {
		select {
		case <-ctx.Done():
			return run, nil
		case <-time.After(pause):
		}
		if time.Since(asked) >= askAgain {
			if err := still(context.WithoutCancel(ctx)); err != nil {
				return nil, err
			}
			asked = time.Now()
		}
		now, err := s.store.Run(context.WithoutCancel(ctx), scope, run.File, run.ID)
		if satchel.CodeOf(err) == satchel.CodeNotFound {
			return nil, satchel.FileNotFound(string(run.File))
		}
		if err != nil {
			return nil, err
		}
		run = now
	}
	return run, nil
}

// WaitForAll waits until every file has no open run, or the time is over; still is as for Wait.
func (s *Service) WaitForAll(ctx context.Context, scope satchel.Scope, files []*satchel.File, within time.Duration, still func(context.Context) error) error {
	deadline := time.Now().Add(within)
	for _, file := range files {
		runs, err := s.store.OpenRuns(ctx, scope, file.ID, 1)
		if err != nil {
			return err
		}
		for _, run := range runs {
			if _, err := s.Wait(ctx, scope, run, time.Until(deadline), still); err != nil && satchel.CodeOf(err) != satchel.CodeNotFound {
				return err
			}
		}
	}
	return nil
}

// Cancel ends every open run of a file. What a worker is doing for them comes to nothing. CodeRunOver if there is none.
func (s *Service) Cancel(ctx context.Context, scope satchel.Scope, id string) (*satchel.File, error) {
	return s.change(ctx, scope, id, "cancelFile", func(ctx context.Context, tx meta.Tx, file *satchel.File, note map[string]any) (satchel.Change, error) {
		open, err := tx.OpenRuns(ctx, scope, file.ID, maxOpenRuns)
		if err != nil {
			return satchel.Change{}, err
		}
		if len(open) == 0 {
			return satchel.Change{}, satchel.Errorf(satchel.CodeRunOver, "nothing is being done with this file that could be cancelled")
		}
		for _, run := range open {
			after := *run
			s.end(&after, satchel.RunCancelled)
			after.Details = "cancelled"
			if err := tx.UpdateRun(ctx, scope, run, &after); err != nil {
				return satchel.Change{}, err
			}
		}
		settleCancelled(file)
		note["run"], note["runs"] = open[0].ID, len(open)
		return satchel.Change{}, nil
	})
}

// settleCancelled gives a file the status that it has when its runs were cancelled: the former one, or an error if it never had another.
func settleCancelled(file *satchel.File) {
	if file.Settled == nil {
		return
	}
	standing := *file.Settled
	if standing.Failure == nil { // else the details say why it failed before
		standing.Details = "Processing was cancelled."
	}
	if standing.Status == satchel.StatusUploaded {
		standing.Status = satchel.StatusError
		standing.Failure = &satchel.Failure{Code: satchel.CodeCancelled, Message: "processing was cancelled before it was done"}
	}
	file.SetStanding(standing)
	file.Settled = nil
}

// end marks a run as over.
func (s *Service) end(run *satchel.Run, state satchel.RunState) {
	run.State, run.Claim, run.Progress = state, "", ""
	run.UpdatedAt = s.moment()
	run.EndedAt = run.UpdatedAt
}

// moment is now, as precisely as it is stored.
func (s *Service) moment() time.Time { return s.now().UTC().Truncate(time.Microsecond) }

// mayInstruct refuses instructions that cannot be carried out now.
func (s *Service) mayInstruct(ctx context.Context, tx meta.Tx, scope satchel.Scope) error {
	err := s.mayAsk(ctx, tx, scope)
	if !s.model && satchel.CodeOf(err) != satchel.CodeAIDisabled {
		return noModel()
	}
	return err
}

func noModel() error {
	return satchel.Faults{satchel.BodyFault(satchel.CodeModelNotConfigured, "instructions", nil,
		"instructions need a language model, and this server has none configured; nothing was changed")}
}
