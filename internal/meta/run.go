package meta

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
)

// RunReader reads the runs of files.
type RunReader interface {
	// Run gives one run of a file; satchel.CodeNotFound if the file has none with that id.
	Run(ctx context.Context, scope satchel.Scope, file satchel.FileID, id satchel.RunID) (*satchel.Run, error)

	// Runs gives at most limit runs of a file, newest first, that are older than before (empty: the newest), without Progress and Result.
	Runs(ctx context.Context, scope satchel.Scope, file satchel.FileID, before satchel.RunID, limit int) ([]*satchel.Run, error)

	// OpenRuns gives the open runs of a file, oldest first, at most limit.
	OpenRuns(ctx context.Context, scope satchel.Scope, file satchel.FileID, limit int) ([]*satchel.Run, error)
}

// RunWriter changes runs. Its methods belong to a Tx.
type RunWriter interface {
	// InsertRun stores a new run. Its Org and Workspace must be the scope's.
	InsertRun(ctx context.Context, scope satchel.Scope, run *satchel.Run) error

	// UpdateRun replaces before, as it was read, with after: everything but the ids, the kind and what was asked for. ErrChanged if the run
	// is over, is not there any more, or has another Claim than before: somebody else holds it now.
	UpdateRun(ctx context.Context, scope satchel.Scope, before, after *satchel.Run) error

	// Enqueue hands in a job with this transaction: it will be worked on if, and only if, the transaction is committed.
	Enqueue(ctx context.Context, job Job) error
}

// Job is work for any process that works: a kind that workers know (2 to 64 small letters, digits, and underscores between them), and arguments
// as a JSON object. A job may be worked on more than once.
type Job struct {
	Kind      string
	Args      string
	NotBefore time.Time // zero: at once
}

// TextReader reads the pages of the text that was found in a file.
type TextReader interface {
	// TextPages gives at most limit pages with numbers above after, in order.
	TextPages(ctx context.Context, scope satchel.Scope, file satchel.FileID, after, limit int) ([]satchel.TextPage, error)
}

// TextWriter changes them. Its methods belong to a Tx.
type TextWriter interface {
	// ReplaceTextPages stores pages in the place of those that the file had. There may be 100,000.
	ReplaceTextPages(ctx context.Context, scope satchel.Scope, file satchel.FileID, pages []satchel.TextPage) error
}

// VersionReader reads how a file's metadata came to be.
type VersionReader interface {
	// Versions gives at most limit versions with numbers below before (0: from the newest on), newest first.
	Versions(ctx context.Context, scope satchel.Scope, file satchel.FileID, before int64, limit int) ([]*satchel.Version, error)

	// VersionStates gives the metadata before and after a version; satchel.CodeNotFound if there is no such version.
	VersionStates(ctx context.Context, scope satchel.Scope, file satchel.FileID, number int64) (before, after satchel.Metadata, err error)
}

// RunRegister is what the rows know of all tenants' open runs.
type RunRegister interface {
	// StaleRuns gives at most limit files that have an open run with a Claim whose lease ended before a moment, longest ago first, each with the
	// scope that may work on it. A file may come more than once. (A run without a claim waits for its job, which is as durable as itself.)
	StaleRuns(ctx context.Context, before time.Time, limit int) ([]OwnedFile, error)

	// FailedFiles gives at most limit files with ids behind after, in order, whose failure has the code.
	FailedFiles(ctx context.Context, code satchel.Code, after satchel.FileID, limit int) ([]OwnedFile, error)

	// EndLeases makes every open run stale at the moment now, and gives it another claim: whoever worked on it, or was about to, is gone, and
	// could write nothing more. For a server that is alone on its store, at its start.
	EndLeases(ctx context.Context, now time.Time) error

	// CountRuns gives the number of open runs.
	CountRuns(ctx context.Context) (int64, error)
}
