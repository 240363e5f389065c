// Package process works on files: it reads documents and has a language model carry out instructions. A run is cut into steps, and what each
// step came to is stored before the next begins, so that a worker who dies loses one step at most; package files keeps two workers from
// working on one file.
package process

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/llm"
)

const (
	// turn is how long one job goes on with a file before it goes to the end of the queue, so that long documents leave room for others.
	turn = time.Minute
	// beat is how often a worker that has nothing to say says that it is alive; it is far below files.Lease.
	beat = 20 * time.Second
	// look is how often progress is told, if there is any.
	look = time.Second
)

// Config says what a Processor works with. Files and Pool must be set.
type Config struct {
	Files         *files.Service
	Pool          *extract.Pool
	Model         llm.Model // nil: none; instructions then fail with satchel.CodeModelNotConfigured
	TokensPerFile int64     // that one run may spend
	Logger        *slog.Logger
	Now           func() time.Time       // nil: time.Now
	Observe       func(run *satchel.Run) // called after every run, if set
	Tracer        trace.Tracer           // of spans for runs, their steps and requests to the model; nil: there are none
}

// Processor works on runs. It is safe for concurrent use and keeps nothing between two steps.
type Processor struct{ Config }

// New makes a Processor.
func New(c Config) *Processor {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Tracer == nil {
		c.Tracer = noop.Tracer{}
	}
	return &Processor{c}
}

// Advance is what a job of package files does: it goes on with the open runs of the file that args name, oldest first, until none is left, or
// until another job was handed in for the rest: because the next step is for another kind of job, or because the turn is over. An error means
// that nothing is known of the run.
func (p *Processor) Advance(ctx context.Context, kind, args string) error {
	ctx, scope, id, err := files.ParseJob(ctx, args)
	if err != nil {
		return err
	}
	until := p.Now().Add(turn)
	for {
		work, err := p.Files.Claim(ctx, scope, id)
		if err != nil || work == nil {
			return err
		}
		if more, err := p.work(ctx, work, kind, until); err != nil || !more {
			return err
		}
	}
}

// work takes the steps of a run. more: it is over, and the next may be looked for.
func (p *Processor) work(ctx context.Context, work *files.Work, kind string, until time.Time) (more bool, err error) {
	ctx, span := p.traceRun(ctx, work)
	defer func() { endRun(span, work, err) }()
	watched, watcher, stop := watch(ctx, work)
	r := &run{Processor: p, work: work, watcher: watcher, kind: kind, until: until}
	err = r.steps(watched)
	stop()
	if lost := context.Cause(watched); err != nil && errors.Is(lost, files.ErrLost) {
		err = lost
	}
	switch {
	case errors.Is(err, files.ErrLost):
		return false, work.CountLost(context.WithoutCancel(ctx), r.spent) // whoever took it, or ended it, sees to the rest
	case errors.Is(err, errHandedOver):
		return false, nil
	case err != nil:
		return false, r.giveBack(context.WithoutCancel(ctx), err)
	}
	p.observe(work)
	return true, nil
}

func (p *Processor) observe(work *files.Work) {
	if p.Observe != nil {
		p.Observe(work.Run())
	}
}

// errHandedOver says that the run was given to another job.
var errHandedOver = errors.New("process: the run was handed over")

// run is one run in work.
type run struct {
	*Processor
	work    *files.Work
	watcher *watcher
	kind    string // of the job
	until   time.Time
	spent   satchel.Tokens // by a step that is not stored yet
}

// steps goes from the run's step to its end.
func (r *run) steps(ctx context.Context) error {
	now := r.work.Run()
	switch {
	case now.Step != satchel.StepExtract:
	case now.Kind == satchel.RunMetadata && r.work.File().Document != nil: // it was read while the run waited
		if err := r.passOver(ctx); err != nil {
			return err
		}
	default:
		failure, err := r.extract(ctx)
		switch {
		case err != nil:
			return err
		case failure != nil && now.Kind == satchel.RunProcess:
			return r.fail(ctx, failure)
		}
	}
	if now.Instructions == "" {
		return r.work.Finish(ctx, files.Outcome{Details: r.remark()})
	}
	if r.Model != nil && r.kind != files.JobInstruct {
		return r.handOver(ctx)
	}
	return r.instruct(ctx)
}

// fail ends the run.
func (r *run) fail(ctx context.Context, failure *satchel.Failure) error {
	return r.work.Finish(ctx, files.Outcome{Failure: failure, Model: r.model(), Tokens: r.work.Run().Tokens.Add(r.spent)})
}

// model names the language model that the run has come to, "" before it.
func (r *run) model() string {
	if r.Model == nil || r.work.Run().Step != satchel.StepInstruct {
		return ""
	}
	return cmp.Or(parseProgress(r.work.Run().Progress).Instruct.Model, r.Model.Limits().Name)
}

// handOver gives the run to another job.
func (r *run) handOver(ctx context.Context) error {
	now := r.work.Run()
	if err := r.work.Postpone(ctx, time.Time{}, now.Progress, now.Details); err != nil {
		return err
	}
	return errHandedOver
}

// giveBack returns a run whose step failed, to be tried again when that can help, or ends it.
func (r *run) giveBack(ctx context.Context, cause error) error {
	progress := parseProgress(r.work.Run().Progress)
	retry, failure := progress.next(cause, r.Now())
	if failure != nil {
		r.Logger.WarnContext(ctx, "a run failed", "file", r.work.File().ID, "run", r.work.Run().ID, "code", failure.Code, "err", cause)
		err := r.fail(ctx, failure)
		if err == nil {
			r.observe(r.work)
		}
		return ignoreLost(err)
	}
	r.Logger.InfoContext(ctx, "a run is tried again later", "file", r.work.File().ID, "run", r.work.Run().ID, "at", retry.at, "err", cause)
	return ignoreLost(r.work.Postpone(ctx, retry.at, progress.String(), retry.details))
}

func ignoreLost(err error) error {
	if errors.Is(err, files.ErrLost) {
		return nil
	}
	return err
}
