package files

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	// Lease is how long a worker holds a run without saying anything. Whoever works says something much more often.
	Lease = 90 * time.Second
	// early is how much before its time a postponed run may be taken: whoever calls workers and whoever is called may have different clocks.
	early = 5 * time.Second
	// apart is how far the clocks of workers may be apart so that a postponed run is still taken in its time, or as much later.
	apart = 2 * time.Minute
	// maxAttempts is how often a run may be taken between two checkpoints: whoever took it so often died over it.
	maxAttempts = 5
)

// ErrLost says that a run is no longer this worker's: it was cancelled, its file is gone, or another worker took it over. Nothing was written.
var ErrLost = errors.New("files: the run is not this worker's any more")

// Work is a run in the hands of a worker, with its file as it was when the run was last written. It is safe for concurrent use: one goroutine may
// say what another one is doing.
type Work struct {
	service *Service
	scope   satchel.Scope

	mu   sync.Mutex // held over every transaction
	file *satchel.File
	run  *satchel.Run
}

// File gives the work's file as it was when the run was last written. It must not be changed.
func (w *Work) File() *satchel.File {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.file
}

// Run gives the run as it was last written. It must not be changed.
func (w *Work) Run() *satchel.Run {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.run
}

// Claim takes the oldest open run of a file for a worker; nil if there is none, if another worker holds it, or if it is postponed.
func (s *Service) Claim(ctx context.Context, scope satchel.Scope, id satchel.FileID) (*Work, error) {
	w := &Work{service: s, scope: scope}
	err := s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
		w.run = nil
		file, err := s.find(ctx, tx, scope, string(id))
		if satchel.CodeOf(err) == satchel.CodeNotFound {
			return nil
		}
		if err != nil {
			return err
		}
		open, err := tx.OpenRuns(ctx, scope, id, 1)
		switch {
		case err != nil || len(open) == 0:
			return err
		case s.held(open[0]):
			return s.callAgain(ctx, tx, open[0])
		}
		return w.claim(ctx, tx, file, open[0])
	})
	if satchel.CodeOf(err) == satchel.CodeConflict { // another worker was faster
		return nil, nil
	}
	if err != nil || w.run == nil {
		return nil, err
	}
	if w.run.Attempts > maxAttempts {
		return nil, w.Finish(ctx, Outcome{Tokens: w.run.Tokens, Failure: &satchel.Failure{
			Code: satchel.CodeInternal, Message: fmt.Sprintf("the work was begun %d times, and each time it broke off; the server's log may know more", maxAttempts),
		}})
	}
	return w, nil
}

// held reports whether nobody may take an open run now: a worker holds it, or it is postponed and its time has not come. What else calls workers
// to its file must not hurry a run that is to leave the model's server alone.
func (s *Service) held(run *satchel.Run) bool {
	if run.Claim == "" {
		return run.LeaseUntil.After(run.UpdatedAt) && run.LeaseUntil.After(s.now().Add(early))
	}
	return run.LeaseUntil.After(s.now())
}

// callAgain calls a worker to a postponed run once more if its time comes soon: the call that has brought this one may have been the one for that time,
// and the clock of this worker behind. Else nobody would come.
func (s *Service) callAgain(ctx context.Context, tx meta.Tx, run *satchel.Run) error {
	if run.Claim != "" || run.LeaseUntil.After(s.now().Add(apart)) {
		return nil
	}
	return enqueue(ctx, tx, run, run.LeaseUntil)
}

func (w *Work) claim(ctx context.Context, tx meta.Tx, file *satchel.File, run *satchel.Run) error {
	after := *run
	after.Claim, after.State = rand.Text(), satchel.RunRunning
	after.Attempts++
	w.touch(&after)
	if after.Seen == 0 {
		after.Seen = file.MetadataVersion
	}
	if err := tx.UpdateRun(ctx, w.scope, run, &after); err != nil {
		return err
	}
	w.file, w.run = file, &after
	if run.DryRun {
		return nil
	}
	return w.updateFile(ctx, tx, satchel.Change{}, func(file *satchel.File) {
		file.SetStanding(satchel.Standing{Status: satchel.StatusProcessing, Details: run.Details})
	})
}

// touch notes that the worker is alive.
func (w *Work) touch(run *satchel.Run) {
	run.UpdatedAt = w.service.moment()
	run.LeaseUntil = run.UpdatedAt.Add(Lease)
}

// updateFile changes the work's file, and stores it if that changed it.
func (w *Work) updateFile(ctx context.Context, tx meta.Tx, change satchel.Change, edit func(*satchel.File)) error {
	after := *w.file
	edit(&after)
	if after == *w.file {
		return nil
	}
	after.Version++
	after.UpdatedAt = w.service.moment()
	change.At = after.UpdatedAt
	if err := tx.UpdateFile(ctx, w.scope, w.file, &after, change); err != nil {
		return err
	}
	w.file = &after
	return nil
}

// write changes the run, and whatever else fn changes, in one transaction, if the run is still this worker's; else ErrLost. fn finds the file as
// it now is in the work, and may be called again by the store.
func (w *Work) write(ctx context.Context, fn func(ctx context.Context, tx meta.Tx, run *satchel.Run) error) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	file, run := w.file, w.run
	err := w.service.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
		w.file, w.run = file, run
		file, err := tx.File(ctx, w.scope, w.run.File)
		if err != nil {
			return err
		}
		w.file = file
		after := *w.run
		w.touch(&after)
		if err := fn(ctx, tx, &after); err != nil {
			return err
		}
		if err := tx.UpdateRun(ctx, w.scope, w.run, &after); err != nil {
			return err
		}
		w.run = &after
		return nil
	})
	if err == nil {
		return nil
	}
	w.file, w.run = file, run
	if code := satchel.CodeOf(err); code == satchel.CodeNotFound || code == satchel.CodeConflict {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return err
}

// Held finds out whether the run is still this worker's, without writing anything: ErrLost if not.
func (w *Work) Held(ctx context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	now, err := w.service.store.Run(ctx, w.scope, w.run.File, w.run.ID)
	if satchel.CodeOf(err) == satchel.CodeNotFound || err == nil && now.Claim != w.run.Claim {
		return ErrLost
	}
	return err
}

// Say tells what is being done, keeps the run this worker's, and finds out whether it still is: ErrLost if not.
func (w *Work) Say(ctx context.Context, details string) error {
	return w.write(ctx, func(ctx context.Context, tx meta.Tx, run *satchel.Run) error {
		run.Details = details
		return w.showDetails(ctx, tx, details)
	})
}

func (w *Work) showDetails(ctx context.Context, tx meta.Tx, details string) error {
	if w.run.DryRun {
		return nil
	}
	return w.updateFile(ctx, tx, satchel.Change{}, func(file *satchel.File) { file.StatusDetails = details })
}

// Checkpoint stores how far the run is, so that whoever goes on with it begins there.
func (w *Work) Checkpoint(ctx context.Context, step satchel.Step, progress, details string, spent satchel.Tokens) error {
	return w.write(ctx, func(ctx context.Context, tx meta.Tx, run *satchel.Run) error {
		run.Step, run.Progress, run.Details, run.Tokens, run.Attempts = step, progress, details, spent, 0
		return w.showDetails(ctx, tx, details)
	})
}

// Postpone gives the run back, to be taken up again at a later moment; details say why.
func (w *Work) Postpone(ctx context.Context, until time.Time, progress, details string) error {
	return w.write(ctx, func(ctx context.Context, tx meta.Tx, run *satchel.Run) error {
		run.State, run.Claim, run.Progress, run.Details, run.Attempts = satchel.RunQueued, "", progress, details, 0
		if run.LeaseUntil = run.UpdatedAt; until.After(run.LeaseUntil) {
			run.LeaseUntil = until
		}
		if err := w.showDetails(ctx, tx, details); err != nil {
			return err
		}
		return enqueue(ctx, tx, run, until)
	})
}

// Content gives the bytes of the work's file, which the caller closes.
func (w *Work) Content(ctx context.Context) (io.ReadSeekCloser, error) {
	_, content, err := w.service.Content(ctx, w.scope, string(w.File().ID))
	return content, err
}

// StoredText gives the text of the work's file, which the caller closes, and its pages.
func (w *Work) StoredText(ctx context.Context) (io.ReadSeekCloser, []satchel.TextPage, error) {
	file := w.File()
	if file.Text.ID == "" {
		return nil, nil, errNoText(file)
	}
	var pages []satchel.TextPage
	for {
		more, err := w.service.store.TextPages(ctx, w.scope, file.ID, len(pages), pagesAtOnce)
		if err != nil {
			return nil, nil, err
		}
		pages = append(pages, more...)
		if len(more) < pagesAtOnce {
			break
		}
	}
	text, err := w.service.open(ctx, file.Text)
	return text, pages, err
}

// pagesAtOnce is how many rows of pages are read at once.
const pagesAtOnce = 1000

// Found is what extraction made of a file.
type Found struct {
	Text        *Text // nil: no text was found
	Document    satchel.Document
	ContentType string // as the whole content says; empty: what the upload found stays
}

// KeepFound publishes what extraction found, and makes step the next one. Text that was found before stays if there is none now. The Text is
// discarded by the caller if this fails.
func (w *Work) KeepFound(ctx context.Context, found Found, step satchel.Step, details string) error {
	if found.Text != nil {
		if err := found.Text.staged.Commit(ctx); err != nil {
			return err
		}
	}
	err := w.write(ctx, func(ctx context.Context, tx meta.Tx, run *satchel.Run) error {
		run.Step, run.Progress, run.Details, run.Attempts = step, "", details, 0
		return w.publish(ctx, tx, found, details)
	})
	if found.Text != nil && (err == nil || errors.Is(err, meta.ErrUncertain)) {
		found.Text.staged.Release()
	}
	return err
}

func (w *Work) publish(ctx context.Context, tx meta.Tx, found Found, details string) error {
	if found.Text != nil {
		if err := tx.ReplaceTextPages(ctx, w.scope, w.file.ID, found.Text.pages); err != nil {
			return err
		}
	}
	return w.updateFile(ctx, tx, satchel.Change{}, func(file *satchel.File) {
		if found.Text != nil {
			file.Text = found.Text.staged.Blob
		}
		if found.Text != nil || file.Text.ID == "" {
			file.Document = &found.Document
		}
		if found.ContentType != "" {
			file.ContentType = found.ContentType
		}
		if !w.run.DryRun {
			file.StatusDetails = details
		}
	})
}

// baseOf is what the model of a run is to change: the file's metadata, for a dry run after what the request would have merged first.
func baseOf(file *satchel.File, run *satchel.Run) satchel.Metadata {
	if run.Patch == "" {
		return file.Metadata
	}
	patch, err := satchel.ParsePatch([]byte(run.Patch))
	if err != nil {
		return file.Metadata
	}
	merged, err := file.Metadata.Merge(patch)
	if err != nil {
		return file.Metadata
	}
	return merged
}

// Metadata gives what the model is to change, and the top-level keys of it that it must leave alone.
func (w *Work) Metadata(ctx context.Context) (satchel.Metadata, []string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	protected, err := w.protected(ctx, w.service.store)
	return baseOf(w.file, w.run), protected, err
}

// protected gives the keys that the request gave itself and, unless an instruction about the metadata asks for it, those that a person set or took
// back last.
func (w *Work) protected(ctx context.Context, reader meta.VersionReader) ([]string, error) {
	keys := slices.Clone(w.run.Protected)
	if w.run.Kind == satchel.RunProcess {
		personal, err := personalKeys(ctx, reader, w.scope, w.file)
		if err != nil {
			return nil, err
		}
		keys = append(keys, personal...)
	}
	slices.Sort(keys)
	return slices.Compact(keys), nil
}

// open opens an object that a row names.
func (s *Service) open(ctx context.Context, b satchel.Blob) (io.ReadSeekCloser, error) {
	object, err := s.vault.Open(ctx, b.ID)
	if err == nil {
		err = checkSize(object, b.Size)
	}
	if errors.Is(err, blob.ErrNotExist) {
		return nil, fmt.Errorf("an object is missing: %w", err)
	}
	return object, err
}
