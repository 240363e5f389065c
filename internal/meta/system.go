package meta

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
)

// System is the work that belongs to no tenant: sweeping, expiry, checking. Only package maintain, and the expiry in package files,
// may hold one.
type System interface {
	// Expired gives at most limit files that were over at now, longest first, each with the scope that may delete it.
	Expired(ctx context.Context, now time.Time, limit int) ([]OwnedFile, error)

	// ForgetIdempotency removes what was remembered before a moment, and says how much.
	ForgetIdempotency(ctx context.Context, before time.Time) (int, error)

	// CountFiles gives the number of file rows, expired ones that are not yet removed included.
	CountFiles(ctx context.Context) (int64, error)

	// DoomedWorkspaces gives the workspaces that are being deleted, each with the scope that may delete their files.
	DoomedWorkspaces(ctx context.Context) ([]satchel.Scope, error)

	BlobRegister
	RunRegister
	UsageRegister
	AuditRegister
}

// OwnedFile names a file together with the right to it.
type OwnedFile struct {
	Scope satchel.Scope
	ID    satchel.FileID
}

// BlobRegister is what the rows know of stored objects.
type BlobRegister interface {
	// Blobs gives at most limit blob rows with ids behind after, in the order of their ids; doomed ones are marked.
	Blobs(ctx context.Context, after satchel.BlobID, limit int) ([]BlobRow, error)

	// KnownBlobs tells which of the ids have a row. At most 1,000 ids.
	KnownBlobs(ctx context.Context, ids []satchel.BlobID) (map[satchel.BlobID]bool, error)

	// DoomedBlobs gives at most limit blobs whose bytes are to be removed.
	DoomedBlobs(ctx context.Context, limit int) ([]satchel.BlobID, error)

	// ForgetBlobs removes the rows of doomed blobs whose bytes are gone.
	ForgetBlobs(ctx context.Context, ids []satchel.BlobID) error
}

// BlobRow is one stored object as the rows know it.
type BlobRow struct {
	satchel.Blob
	File   satchel.FileID
	Doomed bool
}

// Mark keeps small facts about the installation, such as when the last sweep finished.
type Mark interface {
	// Mark gives the value under name, "" if there is none.
	Mark(ctx context.Context, name string) (string, error)
	SetMark(ctx context.Context, name, value string) error
}

// Turns is what a store can be that several processes share: it lets one of them at a time do what one is enough for.
type Turns interface {
	// TryTurn takes the turn for what name says, until end is called or the process dies; ok is false while another one has it.
	TryTurn(ctx context.Context, name string) (end func(), ok bool, err error)
}

// JobRescuer is what a store can be whose workers may die between taking a job and claiming the run for which it is: such a run waits, and nobody comes.
type JobRescuer interface {
	// RescueJobs gives jobs that were taken so long ago to whoever is free, if the file that their arguments name ("file") has an open run and
	// no worker has claimed one, and says how many. By then a living worker must long have claimed its run.
	RescueJobs(ctx context.Context, age time.Duration) (int, error)
}

// Condenser is what a store can be that must from time to time sum up what transactions have appended, so that it can be read quickly.
type Condenser interface {
	Condense(ctx context.Context) error
}

// Snapshotter is what a store can be that copies itself, consistently, to a new file while it is in use.
type Snapshotter interface {
	Snapshot(ctx context.Context, path string) error
}

// Scrubber is what a store can be that must do something so that deleted rows leave no trace in its files.
type Scrubber interface {
	Scrub(ctx context.Context) error
}
