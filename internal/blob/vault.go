package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/satchel-files/satchel"
)

// Options are the rules of a Vault.
type Options struct {
	MaxBytes int64            // largest object; 0: no limit
	MinFree  int64            // bytes that must stay free in a store that knows (SpaceReporter)
	Now      func() time.Time // nil: time.Now
}

// Vault takes objects into a Store: it names them, hashes them while they are written, and keeps the rules of Options.
// It is safe for concurrent use.
type Vault struct {
	store  Store
	rules  Options
	chunks sync.Pool // of *chunk

	mu     sync.Mutex
	inUse  map[satchel.BlobID]struct{}
	staged atomic.Int64
}

// NewVault makes a Vault above a store.
func NewVault(store Store, o Options) *Vault {
	if o.Now == nil {
		o.Now = time.Now
	}
	v := &Vault{store: store, rules: o, inUse: map[satchel.BlobID]struct{}{}}
	v.chunks.New = func() any { return new(chunk) }
	return v
}

// SourceError wraps an error of the reader that Stage reads from, to tell it from an error of the store.
type SourceError struct{ Err error }

// Error says what the reader said.
func (e *SourceError) Error() string { return "read what is to be stored: " + e.Err.Error() }

// Unwrap gives the reader's error.
func (e *SourceError) Unwrap() error { return e.Err }

// Store gives the store below.
func (v *Vault) Store() Store { return v.store }

// CheckRoom refuses an object of size bytes that would leave less than Options.MinFree free: CodeInsufficientStorage, which wraps
// ErrNoSpace. A size below 0 is unknown and counts as nothing. A store that does not know its room has enough.
func (v *Vault) CheckRoom(ctx context.Context, size int64) error {
	_, err := v.room(ctx, size)
	return err
}

// room gives the bytes that may still be written, and CheckRoom's error if that is less than size.
func (v *Vault) room(ctx context.Context, size int64) (int64, error) {
	reporter, ok := v.store.(SpaceReporter)
	if !ok {
		return math.MaxInt64, nil
	}
	free, err := reporter.FreeBytes(ctx)
	if err != nil {
		return 0, fmt.Errorf("look at free space: %w", err)
	}
	room := free - v.rules.MinFree
	if room < max(size, 0) {
		return 0, noSpace(fmt.Errorf("%w: %d bytes are free, %d must stay free", ErrNoSpace, free, v.rules.MinFree))
	}
	return room, nil
}

// Stage reads r to its end into a new object, in constant memory, and hashes it on the way. The object is neither durable nor visible
// before Commit; the caller ends what it was given with Release or Discard. ctx holds until then.
//
// An object over Options.MaxBytes is CodeFileTooLarge, and the rest of r is not read. A store that has no room, or would have less than
// Options.MinFree, is CodeInsufficientStorage. An error of r comes wrapped in a *SourceError. After an error nothing is left.
func (v *Vault) Stage(ctx context.Context, r io.Reader) (*Staged, error) {
	return v.stage(ctx, source{r: r, limit: v.rules.MaxBytes})
}

// StageDerived is Stage for what the program made of another object, which Options.MaxBytes does not bound.
func (v *Vault) StageDerived(ctx context.Context, r io.Reader) (*Staged, error) {
	return v.stage(ctx, source{r: r})
}

func (v *Vault) stage(ctx context.Context, from source) (*Staged, error) {
	s := v.begin()
	if err := v.fill(ctx, s, from); err != nil {
		return nil, errors.Join(classify(err), s.Discard(ctx))
	}
	return s, nil
}

// fill does Stage's work; on an error the caller discards s.
func (v *Vault) fill(ctx context.Context, s *Staged, from source) error {
	in := &intake{vault: v, staged: s, source: from}
	if err := in.look(ctx, 0); err != nil {
		return err
	}
	first := v.chunks.Get().(*chunk)
	n, err := in.source.read(ctx, first)
	if err != nil {
		v.chunks.Put(first)
		return err
	}
	s.Head = append([]byte(nil), first[:min(n, headSize)]...)
	writer, err := v.store.Create(ctx, Key(s.Blob.ID))
	if err != nil {
		v.chunks.Put(first)
		return fmt.Errorf("start an object: %w", err)
	}
	s.writer = writer
	if in.source.ended {
		err = in.small(ctx, first, n)
	} else {
		err = in.large(ctx, first, n)
	}
	if err != nil {
		return err
	}
	return seal(ctx, writer)
}

// seal tells a writer that wants to know it that it has everything. Many objects may wait for their Commit at once.
func seal(ctx context.Context, w Writer) error {
	sealer, ok := w.(Sealer)
	if !ok {
		return nil
	}
	if err := sealer.Seal(ctx); err != nil {
		return fmt.Errorf("end an object: %w", err)
	}
	return nil
}

// Open gives a committed object for reading; ErrNotExist if there is none, or if id names none.
func (v *Vault) Open(ctx context.Context, id satchel.BlobID) (Object, error) {
	if _, ok := satchel.ParseBlobID(string(id)); !ok {
		return nil, fmt.Errorf("open object %q: %w", id, ErrNotExist)
	}
	return v.store.Open(ctx, Key(id))
}

// InUse tells whether the object was staged here and is neither released nor discarded yet: no row may name it, and still it must stay.
// Ask before asking the rows: they name it before it is released.
func (v *Vault) InUse(id satchel.BlobID) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.inUse[id]
	return ok
}

// Held gives the objects for which InUse is true, in no order.
func (v *Vault) Held() []satchel.BlobID {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Keys(v.inUse))
}

// StagedBytes gives the bytes of all objects in use, those that are still streaming included.
func (v *Vault) StagedBytes() int64 { return v.staged.Load() }

func (v *Vault) begin() *Staged {
	s := &Staged{Blob: satchel.Blob{ID: satchel.NewBlobID(v.rules.Now())}, vault: v}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.inUse[s.Blob.ID] = struct{}{}
	return s
}

func (v *Vault) end(s *Staged) {
	v.staged.Add(-s.Blob.Size)
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.inUse, s.Blob.ID)
}

// Staged is an object on its way in. Its methods are used by one goroutine at a time.
type Staged struct {
	Blob satchel.Blob
	Head []byte // the first 4 KiB, less where the object is shorter; for finding its type

	vault     *Vault
	writer    Writer // nil before the store was asked
	committed bool
	over      bool // released or discarded
}

// Commit makes the object durable and visible. After an error it is discarded. CodeInsufficientStorage when the store ran full.
func (s *Staged) Commit(ctx context.Context) error {
	if s.over || s.committed {
		return errors.New("blob: commit of an object that is committed or discarded")
	}
	if err := s.writer.Commit(ctx); err != nil {
		return errors.Join(classify(fmt.Errorf("commit an object: %w", err)), s.Discard(ctx))
	}
	s.committed = true
	return nil
}

// Release ends the use of a committed object: a row names it now, or may, and Discard no longer does anything.
func (s *Staged) Release() {
	if s.over {
		return
	}
	s.over = true
	s.vault.end(s)
}

// Discard throws the bytes away, before or after Commit, also when ctx is cancelled. After it, or after Release, it does nothing.
// What an error leaves behind is the sweeper's.
func (s *Staged) Discard(ctx context.Context) error {
	if s.over {
		return nil
	}
	s.over = true
	defer s.vault.end(s)
	if err := s.remove(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("discard an object: %w", err)
	}
	return nil
}

func (s *Staged) remove(ctx context.Context) error {
	switch {
	case s.committed:
		return s.vault.store.Delete(ctx, Key(s.Blob.ID))
	case s.writer != nil:
		return s.writer.Abort()
	}
	return nil
}

// classify gives a full store its code. Everything else stays as it is: an error of the source is not the store's, whatever it wraps.
func classify(err error) error {
	var known *satchel.Error
	var source *SourceError
	if errors.As(err, &source) || errors.As(err, &known) || !errors.Is(err, ErrNoSpace) {
		return err
	}
	return noSpace(err)
}

func noSpace(cause error) error {
	return &satchel.Error{
		Code:    satchel.CodeInsufficientStorage,
		Message: "The server has not enough storage left for this upload; nothing of it was kept.",
		Err:     cause,
	}
}

func tooLarge(limit int64) error {
	return satchel.Errorf(satchel.CodeFileTooLarge, "The file is larger than the limit of %d bytes (%s).",
		limit, humanize.IBytes(uint64(limit))) //nolint:gosec // never below 0
}
