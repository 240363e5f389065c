// Package blob keeps immutable objects of bytes. Store is the contract of a place that holds them; Vault, above any Store, does once
// what every store needs: staging, the size limit, the hash, the look at free space. Nothing here knows of files or tenants.
//
// An object is named by a BlobID. It is stored under Key(id), which begins with the hour in which its staging started, so that what
// a crash left behind is found by listing a few hours.
package blob

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/satchel-files/satchel"
)

// ErrNotExist says that no object has that key.
var ErrNotExist = errors.New("blob: no such object")

// ErrNoSpace says that the store is full, or would have less room left than it must keep.
var ErrNoSpace = errors.New("blob: no space left")

// Store holds objects under keys. A key is what Key gives. All methods are safe for concurrent use. Errors that mean
// ErrNotExist or ErrNoSpace wrap them. Every implementation passes blobtest.
type Store interface {
	// Create starts an object. Until its Commit nothing of it can be opened or is listed under its key.
	// The caller ends it with Commit or Abort. The context holds for the whole life of the writer.
	Create(ctx context.Context, key string) (Writer, error)

	// Open gives a committed object for reading. The caller closes it.
	Open(ctx context.Context, key string) (Object, error)

	// Delete removes an object, or the unfinished rest of one (see Entry.Partial): its writer, if it still has one, cannot commit any more, and removes
	// by Abort what it was sending meanwhile. Removing what is not there is no error.
	Delete(ctx context.Context, key string) error

	// List calls visit for every object whose key begins with prefix, in no particular order, also for unfinished ones of which
	// anything is in the store's place: a store may have the first 16 MiB of an object in memory. The prefix is empty or ends with "/".
	// It stops at visit's first error and returns it. Objects that come or go meanwhile may be listed or not; one that is committed
	// meanwhile is listed, as unfinished, as finished, or as both.
	List(ctx context.Context, prefix string, visit func(Entry) error) error
}

// Writer receives the bytes of one object. It is used by one goroutine at a time.
type Writer interface {
	io.Writer

	// Commit makes the object durable and visible: when it returns nil, a power cut does not take the object away.
	// After an error Abort still has to be called. Nothing is visible then, unless the store does not know what became of its request:
	// Abort removes that too, and what it cannot remove, no row names.
	Commit(ctx context.Context) error

	// Abort throws an uncommitted object away. After Commit succeeded it does nothing. It may be called more than once.
	Abort() error
}

// Sealer is what a Writer can be that holds bytes in memory which other writers may wait for.
type Sealer interface {
	// Seal says that no more bytes come, some time before Commit: what is held from then on, nobody waits for. After an error only Abort is left.
	Seal(ctx context.Context) error
}

// Object is a committed object, open for reading. A local store gives its *os.File, so that the kernel can send it by itself.
type Object interface {
	io.ReadSeekCloser
}

// Presigner is what an Object can be that others can fetch from the store themselves.
type Presigner interface {
	// Presign gives a URL under which whoever has it can GET the object, whole or by ranges, for some minutes. The answer has the
	// Content-Type and the Content-Disposition.
	Presign(ctx context.Context, contentType, disposition string) (url string, err error)
}

// Entry is one object in a listing.
type Entry struct {
	Key      string
	Size     int64
	Modified time.Time
	Partial  bool // started, but never committed
}

// SpaceReporter is what a store can be that knows how much room it has left.
type SpaceReporter interface {
	// FreeBytes gives the room that an unprivileged writer can still use.
	FreeBytes(ctx context.Context) (int64, error)
}

// Pinger is what a store can be that may be out of reach.
type Pinger interface {
	// Ping says why the store cannot be reached, by one cheap look that changes nothing.
	Ping(ctx context.Context) error
}

// Claimer is what a store can be that stands apart from the rows, so that it could be given to the wrong ones: a sweep would remove everything
// that they do not name.
type Claimer interface {
	// Claim gives whose the store is. If it is nobody's, it is the owner's from now on, durably; an empty owner only asks.
	Claim(ctx context.Context, owner string) (current string, err error)
}

// Pruner is what a store can be that keeps a place for every hour, and has to be told to take it down again.
type Pruner interface {
	// Prune removes what the store keeps for the hours that ended before a moment and that hold nothing, not even an unfinished
	// object. A Create meanwhile, also in such an hour, is not harmed: what it commits is durable. What is not the store's own stays.
	Prune(ctx context.Context, before time.Time) error
}

// Key gives the place of an object: "2026-11-23T14/q/<id>", the UTC hour of its staging, one character of chance, and the id.
func Key(id satchel.BlobID) string {
	return Hour(id.Time()) + "/" + string(id[len(id)-1:]) + "/" + string(id)
}

// Hour gives the first part of the keys of objects whose staging started in t's hour.
func Hour(t time.Time) string { return t.UTC().Format("2006-01-02T15") }

// ID gives the id of the object that a key names; ok is false for a key that Key never gave.
func ID(key string) (id satchel.BlobID, ok bool) {
	const tail = len("2026-11-23T14/q/")
	if len(key) <= tail {
		return "", false
	}
	id, ok = satchel.ParseBlobID(key[tail:])
	return id, ok && Key(id) == key
}
