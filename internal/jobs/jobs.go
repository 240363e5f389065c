// Package jobs runs the jobs that were handed in with transactions of the metadata store (meta.Tx.Enqueue), by River, on whatever database
// the driver speaks to. It knows nothing of what the jobs are about.
//
// A job is worked on at least once, and again after every failure and every death of a worker: what it does must bear that.
package jobs

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
)

// Handler does the jobs of one kind; args is the JSON object that was handed in. nil says that the job is done. After has it called again
// later. Any other error, and a panic, is logged and has it called again after a pause that grows from failure to failure, up to five minutes.
// When ctx ends, because of Config.Timeout or because the Runner stops, it must come back soon; a job that was stopped is no failure.
type Handler func(ctx context.Context, args string) error

// After is what a Handler returns when it is to be called again once d has passed, which is no failure. It may be late by a Config.Poll.
func After(d time.Duration) error { return later{max(d, 0)} }

type later struct{ pause time.Duration }

func (l later) Error() string { return "jobs: again after " + l.pause.String() }

// Config says what a Runner does. Handlers, Workers and Timeout must be set.
type Config struct {
	Handlers map[string]Handler // by the kind of job; jobs of other kinds are left alone
	Workers  int                // jobs of a kind at once, those of WorkersOf excepted
	// WorkersOf is how many jobs at once there are of kinds that need another number. Each kind has a queue of its own: one never waits for another.
	WorkersOf map[string]int
	Timeout   time.Duration // the longest that a handler may take; then its context ends
	Grace     time.Duration // how long handlers may go on when the Runner is stopped, before their contexts end
	Logger    *slog.Logger  // nil: nothing is logged

	// RescueAfter is when a job whose worker has died is given to another one, counted from the start of the work. Its worker is not asked,
	// so it must be longer than any handler takes, Timeout included. 0: Timeout and a minute. It may be half a minute late.
	RescueAfter time.Duration
	// Poll is how often is looked for jobs that nobody announced, or whose time has come. 0: a second.
	Poll time.Duration
	// Pause is how long the first pause after a failure is. 0: a second.
	Pause time.Duration
}

// withDefaults fills in what may be left out, or says what may not.
func (c Config) withDefaults() (Config, error) {
	if len(c.Handlers) == 0 || c.Workers < 1 || c.Timeout <= 0 {
		return c, fmt.Errorf("jobs: handlers, workers and a time-out are needed, not %d, %d and %s", len(c.Handlers), c.Workers, c.Timeout)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.RescueAfter == 0 {
		c.RescueAfter = c.Timeout + time.Minute
	}
	if c.Poll == 0 {
		c.Poll = time.Second
	}
	if c.Pause == 0 {
		c.Pause = time.Second
	}
	return c, nil
}

const (
	// cooldown is the least time between two looks for jobs: it bounds both how long a new job waits and how busy the database is kept.
	cooldown = 5 * time.Millisecond
	// keep is how long a job that is done can still be seen.
	keep = time.Minute
)

// Runner works on jobs. Make one with New, and Run it once.
type Runner struct {
	client client
}

// client is what is used of a river.Client, whose type depends on the database.
type client interface {
	Start(ctx context.Context) error
	Stopped() <-chan struct{}
}

// New makes a Runner on the driver's database, which has River's tables.
func New[TTx any](driver riverdriver.Driver[TTx], c Config) (*Runner, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	workers := river.NewWorkers()
	queues := map[string]river.QueueConfig{}
	for kind, handler := range c.Handlers {
		queues[kind] = river.QueueConfig{MaxWorkers: cmp.Or(c.WorkersOf[kind], c.Workers)}
		river.AddWorkerArgs(workers, jobArgs{kind: kind}, &worker{handler: handler, logger: c.Logger.With("job", kind)})
	}
	config := &river.Config{
		Queues:                      queues,
		Workers:                     workers,
		FetchOnlyKnownKinds:         true,
		FetchCooldown:               min(cooldown, c.Poll),
		FetchPollInterval:           c.Poll,
		JobTimeout:                  c.Timeout,
		RescueStuckJobsAfter:        c.RescueAfter,
		SoftStopTimeout:             max(c.Grace, time.Millisecond), // 0 would let River count what was stopped as failed
		CompletedJobRetentionPeriod: keep,
		RetryPolicy:                 pauses{first: c.Pause},
		Logger:                      quiet(c.Logger),
	}
	if driver.DatabaseName() == riverdriver.DatabaseNameSQLite {
		config.ReindexerIndexNames = []string{} // its indexes do not grow without need, and everybody would wait
	}
	made, err := river.NewClient(driver, config)
	if err != nil {
		return nil, fmt.Errorf("jobs: %w", err)
	}
	return &Runner{client: made}, nil
}

// Run works on jobs until ctx ends. It then takes no new ones, lets those that run come to their end for the Config's Grace, ends their
// contexts, waits for them, and returns nil; an error says that it could not start. The store must stay open until it has returned.
func (r *Runner) Run(ctx context.Context) error {
	if err := r.client.Start(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("jobs: starting: %w", err)
	}
	<-r.client.Stopped()
	return nil
}
