package files

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// JobAdvance is the kind of the one job that files hand in: go on with the oldest open run of a file. It is only a call: what is to be
// done stands in the runs, and a call too many finds nothing to do.
const JobAdvance = "advance"

// jobArgs are the arguments of JobAdvance.
type jobArgs struct {
	Org       satchel.OrgID       `json:"org"`
	Workspace satchel.WorkspaceID `json:"workspace"`
	File      satchel.FileID      `json:"file"`
}

// ParseJob gives what the arguments of a JobAdvance name: a file, and the scope in which to work on it.
func ParseJob(args string) (satchel.Scope, satchel.FileID, error) {
	var a jobArgs
	if err := json.Unmarshal([]byte(args), &a); err != nil {
		return satchel.Scope{}, "", fmt.Errorf("files: arguments of a job: %w", err)
	}
	scope := satchel.Scope{Org: a.Org, Workspace: a.Workspace, Access: satchel.AccessWriter}
	return scope, a.File, scope.Check()
}

// enqueue calls a worker to a file, once notBefore has come (zero: at once).
func enqueue(ctx context.Context, tx meta.Tx, scope satchel.Scope, id satchel.FileID, notBefore time.Time) error {
	args, err := json.Marshal(jobArgs{Org: scope.Org, Workspace: scope.Workspace, File: id})
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, meta.Job{Kind: JobAdvance, Args: string(args), NotBefore: notBefore})
}
