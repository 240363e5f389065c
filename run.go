package satchel

import "time"

// RunID is "run-" and 25 characters that sort by the time of creation.
type RunID string

// NewRunID mints a run's id.
func NewRunID(now time.Time) RunID { return RunID("run-" + newID(now)) }

// RunKind is what a run is for.
type RunKind string

// The kinds of runs.
const (
	RunProcess  RunKind = "process"  // reads the document and carries out the file's instructions
	RunMetadata RunKind = "metadata" // carries out an instruction of a metadata update
)

// RunState is where a run is. A run that is neither queued nor running is over for good.
type RunState string

// The states of a run.
const (
	RunQueued    RunState = "queued"
	RunRunning   RunState = "running"
	RunSucceeded RunState = "succeeded"
	RunFailed    RunState = "failed"
	RunCancelled RunState = "cancelled"
)

// Step is the part of its work at which a run is.
type Step string

// The steps of a run, in their order.
const (
	StepExtract  Step = "extract"  // text and pages out of the document
	StepInstruct Step = "instruct" // metadata by a language model
)

// Tokens is what a language model has read and written.
type Tokens struct{ Input, Output int64 }

// Add gives the sum.
func (t Tokens) Add(more Tokens) Tokens { return Tokens{t.Input + more.Input, t.Output + more.Output} }

// Total is what counts against limits.
func (t Tokens) Total() int64 { return t.Input + t.Output }

// Run is one piece of work on a file: durable, cut into steps, and done once whoever dies over it.
type Run struct {
	ID           RunID
	Org          OrgID
	Workspace    WorkspaceID
	File         FileID
	User         UserID // who asked for it
	Kind         RunKind
	State        RunState
	Step         Step
	Details      string    // for people: what is being done, or how it ended
	Instructions string    // what the model is to do; empty: nothing
	Schema       string    // a JSON Schema that binds what the model writes; empty: none
	Protected    []string  // top-level keys that the request which started the run gave itself: the model does not change them
	DryRun       bool      // the edit is only shown
	Patch        string    // of a dry run: the merge patch that the real request would have applied first; empty: none
	Seen         int64     // MetadataVersion of the file when the model was shown its metadata; 0: not yet
	Progress     string    // the checkpoint to go on from, as the worker wrote it
	Result       string    // JSON: the edit that was made, or would be, as the worker wrote it
	Claim        string    // a random token of the worker that holds the run; every write of that worker names it
	LeaseUntil   time.Time // when somebody else may take the run
	Attempts     int       // how often a worker has taken it
	Failure      *Failure  // set exactly when State is RunFailed
	Tokens       Tokens
	CreatedAt    time.Time
	UpdatedAt    time.Time
	EndedAt      time.Time // zero: open
}

// Open reports whether there is still something to do.
func (r *Run) Open() bool { return r.EndedAt.IsZero() }

// RunNotFound is the one answer for a run that is not there, or not the caller's.
func RunNotFound(id string) *Error {
	return &Error{Code: CodeNotFound, Message: "Run not found: " + id, In: InPath, Param: "run_id"}
}
