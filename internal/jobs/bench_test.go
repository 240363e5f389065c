package jobs_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/jobs"
)

// BenchmarkStart measures from the commit of a job to the start of its handler, in quiet moments.
func BenchmarkStart(b *testing.B) {
	started := make(chan time.Time)
	store := newStore(b)
	start(b, store, jobs.Config{Handlers: map[string]jobs.Handler{"job": func(context.Context, string) error {
		started <- time.Now()
		return nil
	}}})
	var all []time.Duration
	for b.Loop() {
		<-time.After(20 * time.Millisecond)
		enqueue(b, store, job("{}"))
		committed := time.Now()
		all = append(all, (<-started).Sub(committed))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "ms-median")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "ms-p99")
}

// BenchmarkBesideCommits measures how many jobs are done while sixteen goroutines commit as fast as they can, each commit with a job.
func BenchmarkBesideCommits(b *testing.B) {
	var done atomic.Int64
	finished := make(chan struct{})
	store := newStore(b)
	start(b, store, jobs.Config{Handlers: map[string]jobs.Handler{"job": func(context.Context, string) error {
		if done.Add(1) == int64(b.N) {
			close(finished)
		}
		return nil
	}}})
	var all sync.WaitGroup
	var handedIn atomic.Int64
	began := time.Now()
	for range 16 {
		all.Go(func() {
			for handedIn.Add(1) <= int64(b.N) {
				enqueue(b, store, job("{}"))
			}
		})
	}
	all.Wait()
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "commits/s")
	<-finished
	b.ReportMetric(float64(b.N)/time.Since(began).Seconds(), "jobs/s")
}
