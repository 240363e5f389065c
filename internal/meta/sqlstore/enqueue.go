package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"github.com/satchel-files/satchel/internal/meta"
)

const (
	// maxJobAttempts is how often a job is tried: for days, given the pauses between failures.
	maxJobAttempts = 1000
	maxJobKind     = 64 // bytes
)

// jobKind is what River takes as the name of a queue, which every kind has: nothing else may get as far as the commit, which others share.
var jobKind = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)

// Enqueue implements meta.RunWriter.
func (t *transaction) Enqueue(ctx context.Context, job meta.Job) error {
	switch {
	case len(job.Kind) < 2 || len(job.Kind) > maxJobKind || !jobKind.MatchString(job.Kind):
		return fmt.Errorf("sqlstore: the kind of a job is 2 to %d small letters, digits and underscores between them, not %.100q", maxJobKind, job.Kind)
	case !isObject(job.Args):
		return fmt.Errorf("sqlstore: the arguments of a job of kind %s are no JSON object", job.Kind)
	}
	return t.unit.handIn(ctx, job)
}

func isObject(text string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &object) == nil && object != nil
}

// newJobClient gives what inserts jobs in transactions, and does nothing else: it has nothing to tell but the errors that it returns.
func newJobClient() (*river.Client[*sql.Tx], error) {
	return river.NewClient(silentDriver{riversqlite.New(nil)}, newInsertConfig())
}

func newInsertConfig() *river.Config {
	return &river.Config{MaxAttempts: maxJobAttempts, Logger: slog.New(slog.DiscardHandler)}
}

// silentDriver announces no jobs in the database: whoever waits for them is told after the commit, by the writer.
type silentDriver struct{ *riversqlite.Driver }

func (silentDriver) SupportsListener() bool     { return false }
func (silentDriver) SupportsListenNotify() bool { return false }

// jobArgs is a meta.Job as River wants it.
type jobArgs struct{ job meta.Job }

// Kind implements river.JobArgs.
func (a jobArgs) Kind() string { return a.job.Kind }

// MarshalJSON gives the arguments as they are.
func (a jobArgs) MarshalJSON() ([]byte, error) { return []byte(a.job.Args), nil }

// lookAhead is how far River's scheduler looks ahead, every so often, for jobs whose time comes: what is due sooner might be found too late.
const lookAhead = 5 * time.Second

// jobParams is a job as it is inserted, in the queue of its kind.
func jobParams(job meta.Job, now time.Time) river.InsertManyParams {
	opts := river.InsertOpts{Queue: job.Kind}
	if job.NotBefore.After(now) {
		opts.ScheduledAt = job.NotBefore
	}
	return river.InsertManyParams{Args: jobArgs{job}, InsertOpts: &opts}
}

// dueSoon reports whether a job that is not due yet will be before River's scheduler looks again.
func dueSoon(job meta.Job, now time.Time) bool {
	return job.NotBefore.After(now) && job.NotBefore.Before(now.Add(lookAhead))
}

// insertJobs stores the jobs of all transactions that succeeded, each in the queue of its kind, and tells which kinds there are.
func (b *batch) insertJobs() (kinds []string, err error) {
	var params []river.InsertManyParams
	soon, now := false, time.Now()
	for _, r := range b.ran {
		if r.err != nil {
			continue
		}
		for _, job := range r.jobs {
			if !slices.Contains(kinds, job.Kind) {
				kinds = append(kinds, job.Kind)
			}
			soon = soon || dueSoon(job, now)
			params = append(params, jobParams(job, now))
		}
	}
	if len(params) == 0 {
		return nil, nil
	}
	_, err = b.writer.jobs.InsertManyFastTx(context.Background(), b.tx, params)
	if err == nil && soon {
		err = scheduleUntil(context.Background(), riversqlite.New(nil).UnwrapExecutor(b.tx), now.Add(lookAhead))
	}
	if err != nil {
		return nil, fmt.Errorf("inserting jobs: %w", b.writer.file.fullDisk(storeError(err)))
	}
	return kinds, nil
}

// scheduleUntil does what River's scheduler does: jobs that are due before a moment become those that workers look at.
func scheduleUntil(ctx context.Context, executor riverdriver.ExecutorTx, moment time.Time) error {
	const most = 10_000
	moment = moment.UTC()
	_, err := executor.JobSchedule(ctx, &riverdriver.JobScheduleParams{Max: most, Now: &moment})
	return err
}
