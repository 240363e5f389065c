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

// Enqueue implements meta.RunWriter. The jobs of all transactions of a batch are inserted together, right before its commit.
func (t *transaction) Enqueue(ctx context.Context, job meta.Job) error {
	switch {
	case t.batch.over:
		return errOver
	case ctx.Err() != nil:
		return ctx.Err()
	case len(job.Kind) < 2 || len(job.Kind) > maxJobKind || !jobKind.MatchString(job.Kind):
		return fmt.Errorf("sqlstore: the kind of a job is 2 to %d small letters, digits and underscores between them, not %.100q", maxJobKind, job.Kind)
	case !isObject(job.Args):
		return fmt.Errorf("sqlstore: the arguments of a job of kind %s are no JSON object", job.Kind)
	}
	t.batch.request.jobs = append(t.batch.request.jobs, job)
	return nil
}

func isObject(text string) bool {
	var object map[string]json.RawMessage
	return json.Unmarshal([]byte(text), &object) == nil && object != nil
}

// newJobClient gives what inserts jobs in transactions, and does nothing else: it has nothing to tell but the errors that it returns.
func newJobClient() (*river.Client[*sql.Tx], error) {
	config := &river.Config{MaxAttempts: maxJobAttempts, Logger: slog.New(slog.DiscardHandler)}
	return river.NewClient(silentDriver{riversqlite.New(nil)}, config)
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

// insertJobs stores the jobs of all transactions that succeeded, each in the queue of its kind, and tells which kinds there are.
func (b *batch) insertJobs() (kinds []string, err error) {
	var params []river.InsertManyParams
	soon, now := false, time.Now()
	for _, r := range b.ran {
		if r.err != nil {
			continue
		}
		for _, job := range r.jobs {
			opts := river.InsertOpts{Queue: job.Kind}
			if !slices.Contains(kinds, job.Kind) {
				kinds = append(kinds, job.Kind)
			}
			if job.NotBefore.After(now) {
				opts.ScheduledAt = job.NotBefore
				soon = soon || job.NotBefore.Before(now.Add(lookAhead))
			}
			params = append(params, river.InsertManyParams{Args: jobArgs{job}, InsertOpts: &opts})
		}
	}
	if len(params) == 0 {
		return nil, nil
	}
	_, err = b.writer.jobs.InsertManyFastTx(context.Background(), b.tx, params)
	if err == nil && soon {
		err = b.scheduleUntil(now.Add(lookAhead))
	}
	if err != nil {
		return nil, fmt.Errorf("inserting jobs: %w", b.writer.file.fullDisk(storeError(err)))
	}
	return kinds, nil
}

// scheduleUntil does what River's scheduler does: jobs that are due before a moment become those that workers look at.
func (b *batch) scheduleUntil(moment time.Time) error {
	const most = 10_000
	moment = moment.UTC()
	_, err := riversqlite.New(nil).UnwrapExecutor(b.tx).JobSchedule(context.Background(), &riverdriver.JobScheduleParams{Max: most, Now: &moment})
	return err
}
