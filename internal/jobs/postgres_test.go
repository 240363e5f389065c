package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/jobs"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

func openPostgres(t *testing.T, url string) *sqlstore.Postgres {
	t.Helper()
	store, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// Workers of several processes share the jobs: each is done, none twice.
func TestPostgresJobsOfSeveralProcesses(t *testing.T) {
	url := postgrestest.Fresh(t, sqlstore.CreatePostgres)
	var mu sync.Mutex
	done := map[string]int{}
	all := make(chan struct{}, 1000)
	handler := func(_ context.Context, args string) error {
		mu.Lock()
		defer mu.Unlock()
		done[args]++
		all <- struct{}{}
		return nil
	}
	stores := []*sqlstore.Postgres{openPostgres(t, url), openPostgres(t, url), openPostgres(t, url)}
	for _, store := range stores[:2] {
		startOn(t, store.JobDriver(), jobs.Config{Handlers: map[string]jobs.Handler{"job": handler}, Poll: 200 * time.Millisecond})
	}
	const n = 40
	for i := range n { // on the third process, which works on none
		enqueue(t, stores[2], job(fmt.Sprintf(`{"n": %d}`, i)))
	}
	for range n {
		select {
		case <-all:
		case <-time.After(20 * time.Second):
			t.Fatalf("%d of %d jobs are done", len(done), n)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(done) != n {
		t.Errorf("%d jobs are done, want %d: %v", len(done), n, done)
	}
}

// A worker hears of a job that another process hands in, without looking for it.
func TestPostgresJobsAreAnnounced(t *testing.T) {
	url := postgrestest.Fresh(t, sqlstore.CreatePostgres)
	handlers, calls := heard()
	startOn(t, openPostgres(t, url).JobDriver(), jobs.Config{Handlers: handlers, Poll: time.Minute})
	other := openPostgres(t, url)
	for range 3 {
		<-time.After(300 * time.Millisecond) // a process does not announce every one of many
		enqueue(t, other, job(`{}`))
		select {
		case <-calls:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody came")
		}
	}
}

// A job comes again after a failure and after jobs.After.
func TestPostgresJobsComeAgain(t *testing.T) {
	store := openPostgres(t, postgrestest.Fresh(t, sqlstore.CreatePostgres))
	calls := make(chan int, 10)
	n := 0
	handler := func(context.Context, string) error {
		n++
		calls <- n
		switch n {
		case 1:
			return errors.New("no")
		case 2:
			return jobs.After(50 * time.Millisecond)
		}
		return nil
	}
	startOn(t, store.JobDriver(), jobs.Config{
		Handlers: map[string]jobs.Handler{"job": handler}, Workers: 1, Poll: 50 * time.Millisecond, Pause: 50 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	})
	enqueue(t, store, job(`{}`))
	for want := 1; want <= 3; want++ {
		select {
		case got := <-calls:
			if got != want {
				t.Errorf("call %d, want %d", got, want)
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("call %d did not come", want)
		}
	}
}
