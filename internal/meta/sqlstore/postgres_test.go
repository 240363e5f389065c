package sqlstore

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
)

// openPostgres gives a store on a database of its own, or, with a URL, one more on that.
func openPostgres(tb testing.TB, options Options) *Postgres {
	tb.Helper()
	if options.URL == "" {
		options.URL = postgrestest.Fresh(tb, CreatePostgres)
	}
	p, err := OpenPostgres(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := p.Close(); err != nil {
			tb.Error(err)
		}
	})
	return p
}

func TestPostgresConformance(t *testing.T) {
	metatest.Run(t, func(t *testing.T) metatest.Opened {
		p := openPostgres(t, Options{})
		return metatest.Opened{Store: p, System: p, Mark: p, Jobs: func(t *testing.T) []meta.Job { return drainPostgresJobs(t, p) }}
	})
}

// drainPostgresJobs takes the jobs out of River's table.
func drainPostgresJobs(t *testing.T, p *Postgres) []meta.Job {
	t.Helper()
	found, err := p.pool.Query(t.Context(), `WITH gone AS (DELETE FROM river_job RETURNING *)
		SELECT kind, args::text, CASE WHEN scheduled_at > created_at THEN scheduled_at ELSE 'epoch' END FROM gone ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var all []meta.Job
	for found.Next() {
		var job meta.Job
		if err := found.Scan(&job.Kind, &job.Args, &job.NotBefore); err != nil {
			t.Fatal(err)
		}
		if job.NotBefore = job.NotBefore.UTC(); job.NotBefore.Equal(time.Unix(0, 0)) {
			job.NotBefore = time.Time{}
		}
		var args bytes.Buffer // jsonb has spaces
		if err := json.Compact(&args, []byte(job.Args)); err != nil {
			t.Fatal(err)
		}
		job.Args = args.String()
		all = append(all, job)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestPostgresJobsAreDue: a job does not wait until the database's clock shows when it was handed in by this machine's, which may be ahead.
func TestPostgresJobsAreDue(t *testing.T) {
	p := openPostgres(t, Options{})
	if err := p.InTx(t.Context(), handIn(1, nil)); err != nil {
		t.Fatal(err)
	}
	var due bool
	row := p.pool.QueryRow(t.Context(), `SELECT state = 'available' AND scheduled_at < now() - interval '10 minutes' FROM river_job`)
	if err := row.Scan(&due); err != nil || !due {
		t.Errorf("due by a clock that is ten minutes behind: %v, %v", due, err)
	}
}
