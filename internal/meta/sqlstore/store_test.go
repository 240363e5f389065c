package sqlstore

import (
	"context"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/metatest"
)

// openTest gives a store in a folder of its own.
func openTest(tb testing.TB, options Options) *SQLite {
	tb.Helper()
	if options.Path == "" {
		options.Path = metatest.Fresh(tb, Create)
	}
	s, err := OpenSQLite(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// nextID mints an id; one that cannot be had is empty, and the transaction then fails.
func nextID(ctx context.Context, tx meta.Tx) satchel.FileID {
	id, _ := tx.NextFileID(ctx)
	return id
}

func TestConformance(t *testing.T) {
	metatest.Run(t, func(t *testing.T) metatest.Opened {
		s := openTest(t, Options{})
		return metatest.Opened{Store: s, System: s, Mark: s, Jobs: func(t *testing.T) []meta.Job { return drainJobs(t, s) }}
	})
}

// drainJobs takes the jobs out of River's table.
func drainJobs(t *testing.T, s *SQLite) []meta.Job {
	t.Helper()
	found, err := s.file.read.Query(`SELECT id, kind, json(args), CASE WHEN scheduled_at = created_at THEN '' ELSE scheduled_at END FROM river_job ORDER BY id`)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	var all []meta.Job
	var last int64
	for found.Next() {
		var job meta.Job
		var notBefore string
		if err := found.Scan(&last, &job.Kind, &job.Args, &notBefore); err != nil {
			t.Fatal(err)
		}
		if notBefore != "" {
			if job.NotBefore, err = time.Parse(time.DateTime, notBefore); err != nil {
				t.Fatal(err)
			}
		}
		all = append(all, job)
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	if len(all) > 0 {
		if _, err := s.file.write.Exec(`DELETE FROM river_job WHERE id <= $1`, last); err != nil {
			t.Fatal(err)
		}
	}
	return all
}
