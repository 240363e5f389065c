package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
)

// jobArgs are the arguments of a job as text.
type jobArgs struct{ kind, text string }

// Kind implements river.JobArgs.
func (a jobArgs) Kind() string { return a.kind }

// UnmarshalJSON keeps the text as it is.
func (a *jobArgs) UnmarshalJSON(text []byte) error {
	a.text = string(text)
	return nil
}

// MarshalJSON gives it back.
func (a jobArgs) MarshalJSON() ([]byte, error) { return []byte(a.text), nil }

// worker is a Handler as River wants it.
type worker struct {
	river.WorkerDefaults[jobArgs]
	handler Handler
	logger  *slog.Logger
}

// Work implements river.Worker.
func (w *worker) Work(ctx context.Context, job *river.Job[jobArgs]) error {
	err := w.call(ctx, job)
	var again later
	switch {
	case err == nil:
		return nil
	case errors.As(err, &again):
		return river.JobSnooze(again.pause)
	case errors.Is(ctx.Err(), context.Canceled):
		return fmt.Errorf("stopped: %w", ctx.Err()) // River gives it to the next worker
	}
	w.logger.WarnContext(ctx, "a job failed, and will be tried again", "attempt", job.Attempt, "error", err)
	return errors.New(cut(err.Error()))
}

// call calls the handler, and makes a panic an error.
func (w *worker) call(ctx context.Context, job *river.Job[jobArgs]) (err error) {
	defer func() {
		if value := recover(); value != nil {
			w.logger.ErrorContext(ctx, "a job panicked", "panic", value, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", value)
		}
	}()
	return w.handler(ctx, job.Args.text)
}

// cut shortens what is stored with the job for every failure.
func cut(text string) string {
	const most = 300
	return text[:min(len(text), most)]
}

// pauses grow twofold with every failure, up to longest.
type pauses struct{ first time.Duration }

const longest = 5 * time.Minute

// NextRetry implements river.ClientRetryPolicy.
func (p pauses) NextRetry(job *rivertype.JobRow) time.Time {
	pause := p.first
	for range job.Errors {
		pause = min(2*pause, longest)
	}
	return time.Now().Add(pause)
}
