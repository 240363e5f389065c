package files

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/propagation"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// The kinds of jobs that files hand in. Both say only: go on with the oldest open run of a file. What is to be done stands in the runs, and a
// job too many finds nothing to do. They are two so that documents do not wait for a language model that has much to do.
const (
	JobAdvance  = "advance"  // the run's next step is anything else
	JobInstruct = "instruct" // the run's next step asks a language model
)

// JobKind gives the kind of job that goes on with a run.
func JobKind(run *satchel.Run) string {
	if run.Step == satchel.StepInstruct && run.Instructions != "" {
		return JobInstruct
	}
	return JobAdvance
}

// jobArgs are the arguments of every job.
type jobArgs struct {
	Org       satchel.OrgID       `json:"org"`
	Workspace satchel.WorkspaceID `json:"workspace"`
	File      satchel.FileID      `json:"file"`

	// Trace says, as the headers of W3C Trace Context do, in which trace the job was handed in; empty: in none.
	Trace propagation.MapCarrier `json:"trace,omitempty"`
}

// ParseJob gives what the arguments of a job name: a file, and the scope in which to work on it. The context continues the trace in which the job was
// handed in.
func ParseJob(ctx context.Context, args string) (context.Context, satchel.Scope, satchel.FileID, error) {
	var a jobArgs
	if err := json.Unmarshal([]byte(args), &a); err != nil {
		return ctx, satchel.Scope{}, "", fmt.Errorf("files: arguments of a job: %w", err)
	}
	scope := satchel.Scope{Org: a.Org, Workspace: a.Workspace, Access: satchel.AccessWriter}
	return propagation.TraceContext{}.Extract(ctx, a.Trace), scope, a.File, scope.Check()
}

// enqueue calls a worker to a run, once notBefore has come (zero: at once).
func enqueue(ctx context.Context, tx meta.Tx, run *satchel.Run, notBefore time.Time) error {
	trace := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, trace)
	args, err := json.Marshal(jobArgs{Org: run.Org, Workspace: run.Workspace, File: run.File, Trace: trace})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, meta.Job{Kind: JobKind(run), Args: string(args), NotBefore: notBefore})
}
