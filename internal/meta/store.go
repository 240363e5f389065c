// Package meta is the contract of the metadata store: the rows about files, tenants and blobs, in transactions.
//
// Every method that touches a tenant's data takes a satchel.Scope and sees only the rows of that organization and workspace; it
// refuses the zero Scope with satchel.ErrNoScope. Work that belongs to no tenant has its own contract, System. Every
// implementation passes metatest.
//
// What is not there is a *satchel.Error with satchel.CodeNotFound. Whoever stores decides nothing: rules stand in package files
// and package tenant.
package meta

import (
	"context"
	"errors"
	"time"

	"github.com/satchel-files/satchel"
)

// ErrUncertain says that a commit was sent and its outcome is not known. Whoever staged bytes for it must leave them to the sweeper.
var ErrUncertain = errors.New("meta: outcome of the commit is unknown")

// ErrChanged says that the row is no longer what the caller read.
var ErrChanged = errors.New("meta: changed meanwhile")

// ErrNoSpace says that the database has no room left.
var ErrNoSpace = errors.New("meta: no space left")

// Store is a metadata store. Reads outside of a transaction see what was committed last. It is safe for concurrent use.
type Store interface {
	FileReader
	RunReader
	TextReader
	VersionReader
	TenantReader
	AccountReader
	AuditReader

	// InTx runs fn in a transaction and commits it, durably, before it returns nil. An error of fn undoes what fn did and is
	// returned as it is. fn does database work only, does it quickly, and uses only its Tx: many transactions share one commit and
	// wait for each other. fn may be called again, after what it did was undone, and so starts afresh each time. Once fn has succeeded, the end of ctx no longer stops the commit. An error that wraps ErrUncertain
	// means that the commit may or may not have happened; after any other, nothing has.
	InTx(ctx context.Context, fn func(ctx context.Context, tx Tx) error) error
}

// Tx is a transaction: it sees its own changes.
type Tx interface {
	FileReader
	FileWriter
	RunReader
	RunWriter
	TextReader
	TextWriter
	VersionReader
	TenantReader
	TenantWriter
	PlaceReader
	AccountReader
	AccountWriter
	AuditReader
	AuditWriter
}

// FileReader reads files.
type FileReader interface {
	// File gives one file. An expired one is still given: files decides.
	File(ctx context.Context, scope satchel.Scope, id satchel.FileID) (*satchel.File, error)

	// Files gives a page of the files that q wants and that have not expired at now. A page ends after q.Limit files, or earlier, with More set, after
	// about 8 MiB of rows. Its cost does not depend on how many files there are, nor on how deep the page lies. Whoever walks in the order of
	// the ids sees every file that is committed meanwhile, as far as NextFileID keeps that order.
	Files(ctx context.Context, scope satchel.Scope, q satchel.Query, now time.Time) (satchel.Page, error)

	// IdempotentCreate gives what was stored under the user's key, or satchel.CodeNotFound.
	IdempotentCreate(ctx context.Context, scope satchel.Scope, key string) (*IdempotentCreate, error)
}

// FileWriter changes files. Its methods belong to a Tx.
type FileWriter interface {
	// NextFileID mints an id that is higher than every id in the store. On a store shared by several processes it is higher than every one
	// minted before by this process, and not lower than its clock: by as much as their clocks differ, a later commit of one may have a lower
	// id than an earlier one of another.
	NextFileID(ctx context.Context) (satchel.FileID, error)

	// InsertFile stores a new file with its content's blob, its attributes, and the first version of its metadata, MetadataVersion 1.
	// The file's Org and Workspace must be the scope's. An id that is there already is satchel.CodeConflict, as the end of the transaction at the latest.
	InsertFile(ctx context.Context, scope satchel.Scope, file *satchel.File, change satchel.Change) error

	// UpdateFile replaces before, as it was read in this transaction, with after, whose Version is one higher; the id, tenant and content stay.
	// Where MetadataVersion differs, which must then be one higher, it stores a version with the change, and the metadata may differ only there.
	// Where the Text differs, the new one's blob gets its row, of kind text, and the old one's is doomed. ErrChanged if the row is not before
	// any more.
	UpdateFile(ctx context.Context, scope satchel.Scope, before, after *satchel.File, change satchel.Change) error

	// DeleteFile removes the file and everything derived from it, and dooms its blobs at the moment now. CodeNotFound if there is none.
	DeleteFile(ctx context.Context, scope satchel.Scope, id satchel.FileID, now time.Time) error

	// InsertIdempotentCreate remembers the answer for a key, in place of one that was stored before expiredBefore.
	// The organization and the user are the scope's; the workspace plays no part.
	InsertIdempotentCreate(ctx context.Context, scope satchel.Scope, c IdempotentCreate, expiredBefore time.Time) error
}

// IdempotentCreate is what a user's Idempotency-Key stands for.
type IdempotentCreate struct {
	Key         string
	Fingerprint [32]byte // of the request, the workspace included
	Files       []satchel.FileID
	CreatedAt   time.Time
}
