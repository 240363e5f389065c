package main

import (
	"context"
	"sync"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// The states at which work is over: of a file, and of a run.
const (
	statusProcessed = "processed"
	statusError     = "error"
	statusSucceeded = "succeeded"
)

// The pauses between two looks at what is being done.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = time.Second
)

// waiter looks at files and runs until their processing is over. It tells on standard error what is being done: on a terminal on a line that
// changes and then goes, else on a line for every step.
type waiter struct {
	*program
	client *client.Client

	lock     sync.Locker // over the output; nil: nobody else writes
	progress *progress   // on which the line stands; nil: one of its own
}

// file gives the file as it is when its processing is over.
func (w *waiter) file(ctx context.Context, f *api.File) (*api.File, error) {
	first := true
	err := w.follow(ctx, f.ID, f.Filename, func() (state string, over bool, err error) {
		if !first {
			next, err := w.client.Get(ctx, f.ID)
			if err != nil {
				return "", false, err
			}
			f = next
		}
		first = false
		return stateOf(f.Status, f.StatusDetails), f.Status == statusProcessed || f.Status == statusError, nil
	})
	return f, err
}

// run gives a run as it is when it is over.
func (w *waiter) run(ctx context.Context, f *api.File, id string) (run *api.Run, err error) {
	err = w.follow(ctx, f.ID, f.Filename, func() (string, bool, error) {
		if run, err = w.client.Run(ctx, f.ID, id, 0); err != nil {
			return "", false, err
		}
		return stateOf(run.Status, run.Details), run.EndedAt != nil, nil
	})
	return run, err
}

// stateOf says what is being done: the details where there are some, else the status.
func stateOf(status string, details *string) string {
	if details != nil && *details != "" {
		return *details
	}
	return status
}

// follow looks again and again until what it looks at is over, and tells of every state that is new.
func (w *waiter) follow(ctx context.Context, id, name string, look func() (state string, over bool, err error)) error {
	teller := w.tell(name)
	defer teller.end()
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		state, over, err := look()
		if over || err != nil {
			return err
		}
		teller.say(state)
		select {
		case <-ctx.Done():
			teller.end()
			w.print(clean(name) + ": the server goes on with it; `" + w.name + " cancel " + clean(id) + "` stops it\n")
			return ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (w *waiter) print(text string) {
	if w.lock != nil {
		w.lock.Lock()
		defer w.lock.Unlock()
	}
	w.progress.print(w.err, w.errTerminal, text)
}

// teller tells of the states of one thing.
type teller struct {
	*waiter
	name   string
	told   string
	line   *line     // nil: no terminal
	screen *progress // that is taken away with the line; nil: none
}

func (w *waiter) tell(name string) *teller {
	t := &teller{waiter: w, name: clean(name)}
	if !w.errTerminal {
		return t
	}
	screen := w.progress
	if screen == nil {
		screen = w.newScreen()
		t.screen = screen
	}
	t.line = screen.line(t.name)
	return t
}

func (t *teller) say(state string) {
	if state == t.told {
		return
	}
	t.told = state
	text := t.name + ": " + clean(state)
	if t.line != nil {
		t.line.set(text)
		return
	}
	t.print(text + "\n")
}

func (t *teller) end() {
	t.line.end()
	t.screen.finish()
	t.line, t.screen = nil, nil
}

// during shows a line on the terminal, if standard error is one, while something is done.
func (p *program) during(text string, do func() error) error {
	if !p.errTerminal {
		return do()
	}
	screen := p.newScreen()
	defer screen.finish()
	line := screen.line(clean(text))
	defer line.end()
	return do()
}
