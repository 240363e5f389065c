package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/minio/minio-go/v7"
	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

const (
	// smallWrite is the size from which on a first write is not kept as it is: others follow. Of most objects it is the only one.
	smallWrite = 256 << 10
	// underWay is how many parts of one object may be on their way to the server, besides the one that is filled.
	underWay = 3
)

// Create starts an object. Nothing is asked of the server before there is a part.
func (s *Store) Create(ctx context.Context, key string) (blob.Writer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	name, err := s.name(key)
	if err != nil {
		return nil, err
	}
	w := &writer{ctx: ctx, store: s, name: name}
	w.sending, w.cancel = context.WithCancel(ctx)
	return w, nil
}

// writer is one object on its way into the bucket. Its bytes are in kept, or in part and in parts that were sent.
type writer struct {
	ctx   context.Context //nolint:containedctx // Create's, which holds for the writer's whole life
	store *Store
	name  string
	state state

	kept kept  // a small object as a whole, in memory that waits for nobody
	part *part // the one that is filled; nil: none

	upload  string          // the server's id for it; empty: none was started
	number  int             // of parts that were begun
	sending context.Context //nolint:containedctx // of the parts under way: it ends with the first that fails
	cancel  context.CancelFunc
	group   *errgroup.Group

	mu   sync.Mutex
	sent []minio.CompletePart // by their number, less one

	touched bool // the server was asked for something, and may have done it
	twins   bool // there may be another upload of the same name
	silent  bool // the server was, when the writer failed
}

type state int

const (
	open   state = iota
	sealed       // no bytes come any more
	committed
	failed  // never to be committed
	aborted // and nothing is left
)

// Write takes bytes into memory, and sends parts that are full. It waits for memory, and for the server where parts come faster than it takes them.
func (w *writer) Write(b []byte) (n int, err error) {
	if w.state != open {
		return 0, fmt.Errorf("s3blob: write: %w", fs.ErrClosed)
	}
	if w.keepFirst(b) {
		return len(b), nil
	}
	for n < len(b) {
		if err := w.room(); err != nil {
			return n, w.broken(err)
		}
		n += w.part.fill(b[n:])
		if w.part.full() {
			if err := w.send(); err != nil {
				return n, w.broken(err)
			}
		}
	}
	return n, nil
}

// keepFirst keeps a small first write without a claim, if there is room.
func (w *writer) keepFirst(b []byte) bool {
	if w.kept != nil || w.number > 0 || len(b) >= smallWrite || !w.store.budget.keep(len(b)) {
		return false
	}
	w.kept = append(make(kept, 0, len(b)), b...)
	return true
}

// room has a part with room. What was kept moves into the first.
func (w *writer) room() error {
	if w.part != nil {
		return nil
	}
	if w.number == maxParts {
		return w.tooLarge()
	}
	claim := w.store.budget.partSize(w.number + 1)
	if err := w.store.budget.claim(w.sending, claim); err != nil {
		return err
	}
	w.number++
	w.part = &part{budget: w.store.budget, claim: claim}
	if w.kept != nil {
		w.part.fill(w.kept)
		w.unkeep()
	}
	return nil
}

func (w *writer) tooLarge() error {
	return &satchel.Error{
		Code: satchel.CodeFileTooLarge, Err: errTooManyParts,
		Message: "The file is larger than this server's storage takes, which is " + humanize.IBytes(uint64(w.store.budget.capacity())) + ".", //nolint:gosec // not negative
	}
}

func (w *writer) unkeep() {
	if w.kept != nil {
		w.store.budget.unkeep(len(w.kept))
		w.kept = nil
	}
}

// send gives the part away, to be sent while others are filled. The first one begins the upload.
func (w *writer) send() error {
	if err := w.begin(); err != nil {
		return err
	}
	p, number := w.part, w.number
	w.part = nil
	w.group.Go(func() error { // waits where enough are under way, which need nothing of us
		defer p.release()
		return w.put(p, number)
	})
	return nil
}

// begin has the server begin the upload. A try without an answer may have begun one, too: then there are twins.
func (w *writer) begin() error {
	if w.upload != "" {
		return nil
	}
	asking, cancel := w.store.soon(w.ctx)
	defer cancel()
	w.touched = true
	err := again(asking, func() (err error) {
		w.upload, err = w.store.sender.NewMultipartUpload(asking, w.store.place.Bucket, w.name, minio.PutObjectOptions{})
		w.twins = w.twins || err != nil
		return err
	})
	if err != nil {
		return err
	}
	w.group, w.sending = errgroup.WithContext(w.sending)
	w.group.SetLimit(underWay)
	return nil
}

// put sends a part.
func (w *writer) put(p *part, number int) error {
	var done minio.ObjectPart
	err := w.store.send(w.sending, p, func(ctx context.Context, body io.Reader, hash string) (err error) {
		done, err = w.store.sender.PutObjectPart(ctx, w.store.place.Bucket, w.name, w.upload, number, body, p.Size(),
			minio.PutObjectPartOptions{Sha256Hex: hash, DisableContentSha256: true}) // which would be a second hash, of every piece
		return err
	})
	if err != nil {
		return fmt.Errorf("part %d: %w", number, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.sent) < number {
		w.sent = append(w.sent, minio.CompletePart{})
	}
	w.sent[number-1] = minio.CompletePart{PartNumber: number, ETag: done.ETag}
	return nil
}

// Seal implements blob.Sealer: an object smaller than a part shrinks to what it has, if there is room for it; the rest of any other one is sent.
func (w *writer) Seal(context.Context) error {
	if w.state != open {
		return fmt.Errorf("s3blob: seal: %w", fs.ErrClosed)
	}
	if w.part != nil && w.upload == "" {
		w.shrink()
	}
	if w.part != nil {
		if err := w.send(); err != nil {
			return w.broken(err)
		}
	}
	w.state = sealed
	return nil
}

// shrink moves an object that is all in one part into memory of its own size, which waits for nobody.
func (w *writer) shrink() {
	if !w.store.budget.keep(int(w.part.size)) {
		return
	}
	w.kept = make(kept, w.part.size)
	at := 0
	for _, block := range w.part.blocks {
		at += copy(w.kept[at:], block)
	}
	w.part.release()
	w.part = nil
}

// Commit sends what is left, and has the server make an object of it.
func (w *writer) Commit(ctx context.Context) error {
	if w.state != open && w.state != sealed {
		return fmt.Errorf("s3blob: commit: %w", fs.ErrClosed)
	}
	w.state = failed
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.publish(ctx); err != nil {
		return w.failure(ctx, err)
	}
	w.state = committed
	w.letGo()
	if w.twins {
		_ = w.store.removeUploads(ctx, w.name) // what stays is unfinished, and nothing depends on it
	}
	return nil
}

func (w *writer) publish(ctx context.Context) error {
	if w.upload == "" {
		return w.putWhole(ctx)
	}
	if w.part != nil {
		if err := w.send(); err != nil {
			return err
		}
	}
	if err := w.group.Wait(); err != nil {
		return err
	}
	completing, cancel := context.WithTimeout(ctx, completePatient*w.store.patience)
	defer cancel()
	_, err := w.store.patient.CompleteMultipartUpload(completing, w.store.place.Bucket, w.name, w.upload, w.sent, minio.PutObjectOptions{})
	return err
}

// putWhole sends an object in one request.
func (w *writer) putWhole(ctx context.Context) error {
	var all content = w.kept
	if w.part != nil {
		all = w.part
	}
	w.touched = true
	return w.store.putObject(ctx, w.name, all, minio.PutObjectOptions{})
}

// broken ends the writer with an error. If a part failed, that is the reason, and not what came of it.
func (w *writer) broken(err error) error {
	w.state = failed
	return w.failure(w.ctx, err)
}

func (w *writer) failure(ctx context.Context, err error) error {
	if w.group != nil && w.ctx.Err() == nil {
		if first := w.stop(); first != nil && !errors.Is(first, context.Canceled) {
			err = first
		}
	}
	w.silent = silent(err)
	return failure(ctx, "write an object", err)
}

// stop ends the parts under way and gives the first error of one.
func (w *writer) stop() error {
	w.cancel()
	if w.group == nil {
		return nil
	}
	return w.group.Wait()
}

// finish lets the parts under way come to their end, unless one has failed, but not for ever: a server that is in the middle of taking a part may
// keep it beyond the end of its upload.
func (w *writer) finish() {
	if w.group == nil {
		return
	}
	late := time.AfterFunc(w.patience(), w.cancel)
	defer late.Stop()
	_ = w.group.Wait() // they are thrown away
}

// letGo gives all memory back.
func (w *writer) letGo() {
	_ = w.stop() // who cares has asked
	w.unkeep()
	if w.part != nil {
		w.part.release()
		w.part = nil
	}
}

// Abort throws everything away: the upload, and the object, if a request that ended without an answer has made one. It may be called again when it failed.
func (w *writer) Abort() error {
	if w.state == committed || w.state == aborted {
		return nil
	}
	w.state = failed
	w.finish()
	w.letGo()
	if err := w.removeTouched(); err != nil {
		return fmt.Errorf("s3blob: abort an object: %w", err)
	}
	w.state = aborted
	return nil
}

func (w *writer) removeTouched() error {
	if !w.touched {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), w.patience())
	defer cancel()
	return w.store.remove(ctx, w.name)
}

// patience is for the end of a writer. Where a silent server was the reason there is little left: a client waits for its answer.
func (w *writer) patience() time.Duration {
	if w.silent {
		return min(w.store.patience, pingTime)
	}
	return w.store.patience
}
