package process

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/satchel-files/satchel/internal/files"
)

// watcher says what is being done with a run while it is done, and ends the doing when the run is not this worker's any more.
type watcher struct {
	work *files.Work

	mu      sync.Mutex
	details string
}

// watch starts a watcher, and gives the context that it ends; stop ends both and waits for the watcher.
func watch(ctx context.Context, work *files.Work) (_ context.Context, w *watcher, stop func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	w = &watcher{work: work, details: work.Run().Details}
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.loop(ctx); err != nil {
			cancel(err)
		}
	}()
	return ctx, w, func() {
		cancel(context.Canceled)
		<-done
	}
}

// say is what the run's owner is told next.
func (w *watcher) say(details string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.details = details
}

func (w *watcher) saying() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.details
}

// loop ends with the context, or with files.ErrLost. Other errors pass: the next beat may succeed, and the lease lasts for several.
func (w *watcher) loop(ctx context.Context) error {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		said, err := w.look(ctx, time.Since(last))
		if errors.Is(err, files.ErrLost) {
			return err
		}
		if said && err == nil {
			last = time.Now()
		}
	}
}

// look says what there is to say, or only finds out whether the run is still this worker's, so that a model is not kept busy for nobody.
func (w *watcher) look(ctx context.Context, silent time.Duration) (said bool, err error) {
	details := w.saying()
	if details == w.work.Run().Details && silent < beat {
		return false, w.work.Held(ctx)
	}
	return true, w.work.Say(ctx, details)
}
