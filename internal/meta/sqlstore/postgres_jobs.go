package sqlstore

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
)

// clocksDiffer is more than the clocks of two machines may.
const clocksDiffer = time.Hour

// dueDriver inserts jobs that are due as what was so long ago. River writes down the moment by this machine's clock, and takes jobs by the database's:
// where this one is ahead they would wait until that one has come so far.
type dueDriver struct{ *riverpgxv5.Driver }

// UnwrapExecutor implements riverdriver.Driver.
func (d dueDriver) UnwrapExecutor(tx pgx.Tx) riverdriver.ExecutorTx {
	return dueExecutor{d.Driver.UnwrapExecutor(tx)}
}

type dueExecutor struct{ riverdriver.ExecutorTx }

// JobInsertFastManyNoReturning implements riverdriver.Executor.
func (e dueExecutor) JobInsertFastManyNoReturning(ctx context.Context, p *riverdriver.JobInsertFastManyParams) (int, error) {
	due := time.Now().UTC().Add(-clocksDiffer)
	for _, job := range p.Jobs {
		if job.State == rivertype.JobStateAvailable {
			job.ScheduledAt = &due
		}
	}
	return e.ExecutorTx.JobInsertFastManyNoReturning(ctx, p)
}
