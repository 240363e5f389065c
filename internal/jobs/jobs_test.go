package jobs_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/satchel-files/satchel"

	"github.com/satchel-files/satchel/internal/jobs"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// childStore names the database of a test that starts itself as a worker, to be killed.
const childStore = "SATCHEL_TEST_CHILD_STORE"

func TestMain(m *testing.M) {
	if path := os.Getenv(childStore); path != "" {
		workForever(path)
	}
	os.Exit(m.Run())
}

// workForever says when it has begun with a job, and never ends it.
func workForever(path string) {
	store, err := sqlstore.OpenSQLite(context.Background(), sqlstore.Options{Path: path})
	if err != nil {
		panic(err)
	}
	runner, err := jobs.New(store.JobDriver(), jobs.Config{Workers: 1, Timeout: time.Hour, Handlers: map[string]jobs.Handler{
		"job": func(_ context.Context, args string) error {
			fmt.Println(args)
			select {}
		},
	}})
	if err != nil {
		panic(err)
	}
	panic(runner.Run(context.Background()))
}

// journal is a log that is read afterwards: what is a warning or worse.
type journal struct {
	mu    sync.Mutex
	lines strings.Builder
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.lines.String()
}

func (j *journal) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(j, &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func openStore(tb testing.TB, path string) *sqlstore.SQLite {
	tb.Helper()
	store, err := sqlstore.OpenSQLite(tb.Context(), sqlstore.Options{Path: path})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := store.Close(); err != nil {
			tb.Error(err)
		}
	})
	return store
}

func newStore(tb testing.TB) *sqlstore.SQLite {
	tb.Helper()
	return openStore(tb, filepath.Join(tb.TempDir(), "satchel.db"))
}

// start runs a Runner until stop is called, or the test ends. The log must stay empty if the Config has none of its own.
func start(tb testing.TB, store *sqlstore.SQLite, c jobs.Config) (stop func()) {
	tb.Helper()
	return startOn(tb, store.JobDriver(), c)
}

// startOn is start on any driver.
func startOn[TTx any](tb testing.TB, driver riverdriver.Driver[TTx], c jobs.Config) (stop func()) {
	tb.Helper()
	log := &journal{}
	if c.Logger == nil {
		c.Logger = log.logger()
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.Workers == 0 {
		c.Workers = 4
	}
	if c.Grace == 0 {
		c.Grace = time.Minute
	}
	runner, err := jobs.New(driver, c)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
		if text := log.String(); text != "" {
			tb.Errorf("the log has\n%s", text)
		}
	})
	tb.Cleanup(stop)
	return stop
}

func enqueue(tb testing.TB, store meta.Store, all ...meta.Job) {
	tb.Helper()
	err := store.InTx(tb.Context(), func(ctx context.Context, tx meta.Tx) error {
		for _, job := range all {
			if err := tx.Enqueue(ctx, job); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

func job(args string) meta.Job { return meta.Job{Kind: "job", Args: args} }

// heard gives a handler that tells what it was called with.
func heard() (handlers map[string]jobs.Handler, calls chan string) {
	calls = make(chan string, 1000)
	return map[string]jobs.Handler{"job": func(_ context.Context, args string) error {
		calls <- args
		return nil
	}}, calls
}

// next waits for a value, and fails after a minute.
func next[T any](tb testing.TB, from <-chan T) T {
	tb.Helper()
	select {
	case value := <-from:
		return value
	case <-time.After(time.Minute):
		tb.Fatal("nothing came within a minute")
	}
	panic("unreachable")
}

// TestAnnounced runs with a poll that comes too late: jobs are found because their commit announces them.
func TestAnnounced(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	handlers, calls := heard()
	start(t, store, jobs.Config{Handlers: handlers, Poll: time.Hour})
	for i := range 50 {
		want := fmt.Sprintf(`{"n":%d,"text":"ä \"quoted\" \\ ","digits":1.50e400,"deep":{"list":[1,null,true]}}`, i)
		enqueue(t, store, job(want))
		if got := next(t, calls); got != want {
			t.Errorf("a job had the arguments %s, want %s", got, want)
		}
	}
}

func TestRolledBackJobsAreNone(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	handlers, calls := heard()
	start(t, store, jobs.Config{Handlers: handlers, Workers: 1})
	no := errors.New("no")
	for i := range 10 {
		err := store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			return errors.Join(tx.Enqueue(ctx, job(`{"rolled":"back"}`)), no)
		})
		if !errors.Is(err, no) {
			t.Fatal(err)
		}
		want := fmt.Sprintf(`{"n":%d}`, i)
		enqueue(t, store, job(want))
		if got := next(t, calls); got != want {
			t.Errorf("worked on %s, want %s", got, want)
		}
	}
}

func TestJobsThatWaitAreFoundAtTheStart(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	enqueue(t, store, job(`{"n":1}`), job(`{"n":2}`), job(`{"n":3}`))
	handlers, calls := heard()
	start(t, store, jobs.Config{Handlers: handlers, Poll: time.Hour, Workers: 1})
	for i := 1; i <= 3; i++ {
		if got, want := next(t, calls), fmt.Sprintf(`{"n":%d}`, i); got != want {
			t.Errorf("worked on %s, want %s: one worker keeps the order", got, want)
		}
	}
}

func TestNotBefore(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	handlers, calls := heard()
	start(t, store, jobs.Config{Handlers: handlers, Poll: 20 * time.Millisecond})
	due := time.Now().Add(300 * time.Millisecond)
	enqueue(t, store, meta.Job{Kind: "job", Args: `{"later":true}`, NotBefore: due}, meta.Job{Kind: "job", Args: `{}`, NotBefore: due.Add(-time.Hour)})
	for range 2 { // on a machine that is too busy both may be due when the first is taken
		if got, now := next(t, calls), time.Now(); got != "{}" && now.Before(due.Truncate(time.Millisecond)) {
			t.Errorf("%s came %s early", got, due.Sub(now))
		}
	}
}

func TestAfter(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	calls := make(chan time.Time, 10)
	n := 0
	start(t, store, jobs.Config{Poll: 10 * time.Millisecond, Handlers: map[string]jobs.Handler{"job": func(context.Context, string) error {
		calls <- time.Now()
		if n++; n < 4 {
			return fmt.Errorf("not yet: %w", jobs.After(50*time.Millisecond))
		}
		return nil
	}}})
	enqueue(t, store, job(`{}`))
	last := next(t, calls)
	for range 3 {
		now := next(t, calls)
		if pause := now.Sub(last); pause < 45*time.Millisecond {
			t.Errorf("it was called again after %s", pause)
		}
		last = now
	}
}

func TestFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	var log journal
	calls := make(chan int, 10)
	n := 0
	start(t, store, jobs.Config{
		Logger: log.logger(), Poll: 10 * time.Millisecond, Pause: time.Millisecond, Timeout: 100 * time.Millisecond,
		Handlers: map[string]jobs.Handler{"job": func(ctx context.Context, _ string) error {
			n++
			calls <- n
			switch n {
			case 1:
				return errors.New("out of luck")
			case 2:
				panic("out of mind")
			case 3:
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}},
	})
	enqueue(t, store, job(`{}`))
	for i := 1; i <= 4; i++ {
		if got := next(t, calls); got != i {
			t.Errorf("call %d, want %d", got, i)
		}
	}
	for _, want := range []string{"out of luck", "out of mind", "jobs_test.go", context.DeadlineExceeded.Error(), "attempt=3"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log does not speak of %q:\n%s", want, log.String())
		}
	}
}

// TestStopWaits ends the context of a Runner while a job runs that comes to its end within the grace.
func TestStopWaits(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	running, finish, cut := make(chan bool), make(chan bool), make(chan error, 1)
	runner, err := jobs.New(store.JobDriver(), jobs.Config{
		Workers: 1, Timeout: time.Hour, Grace: time.Hour, Handlers: map[string]jobs.Handler{"job": func(ctx context.Context, _ string) error {
			close(running)
			<-finish
			cut <- ctx.Err()
			return nil
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- runner.Run(ctx) }()
	enqueue(t, store, job(`{"n":1}`))
	next(t, running)
	cancel()
	close(finish)
	if err := next(t, done); err != nil {
		t.Error(err)
	}
	if err := next(t, cut); err != nil {
		t.Errorf("the job was stopped: %v", err)
	}
	handlers, calls := heard()
	enqueue(t, store, job(`{"n":2}`))
	start(t, store, jobs.Config{Handlers: handlers, Workers: 1})
	if got := next(t, calls); got != `{"n":2}` {
		t.Errorf("the next Runner works on %s: the first job was done", got)
	}
}

// TestStopEndsJobs stops a Runner whose job does not come to an end: its context ends, and the next Runner works on it at once.
func TestStopEndsJobs(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	var log journal
	running := make(chan bool)
	stop := start(t, store, jobs.Config{
		Logger: log.logger(), Grace: 10 * time.Millisecond, Handlers: map[string]jobs.Handler{"job": func(ctx context.Context, _ string) error {
			close(running)
			<-ctx.Done()
			return errors.New("could not read the disk any more") // as what is interrupted may say
		}},
	})
	enqueue(t, store, job(`{}`))
	next(t, running)
	stop()
	if strings.Contains(log.String(), "disk") {
		t.Errorf("what was stopped counts as failed:\n%s", log.String())
	}
	handlers, calls := heard()
	start(t, store, jobs.Config{Handlers: handlers, Pause: time.Hour, Poll: 10 * time.Millisecond})
	next(t, calls)
}

// TestKilled kills a process with SIGKILL over its job. The next worker gets it.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "satchel.db")
	store := openStore(t, path)
	enqueue(t, store, job(`{"n":1}`))
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childStore+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err == nil {
		err = child.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "{\"n\":1}\n" {
		t.Fatalf("the worker says %q, %v", line, err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, out)
	_ = child.Wait()
	handlers, calls := heard()
	start(t, openStore(t, path), jobs.Config{
		Handlers: handlers, Timeout: time.Millisecond, RescueAfter: time.Millisecond, Pause: time.Millisecond, Poll: 10 * time.Millisecond,
	})
	if got := next(t, calls); got != `{"n":1}` {
		t.Errorf("worked on %s", got)
	}
}

func TestOtherKindsAreLeftAlone(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	handlers, calls := heard()
	stop := start(t, store, jobs.Config{Handlers: handlers, Workers: 1})
	enqueue(t, store, meta.Job{Kind: "other", Args: `{"n":1}`}, job(`{"n":2}`))
	if got := next(t, calls); got != `{"n":2}` {
		t.Errorf("worked on %s", got)
	}
	stop()
	start(t, store, jobs.Config{Handlers: map[string]jobs.Handler{"other": handlers["job"]}})
	if got := next(t, calls); got != `{"n":1}` {
		t.Errorf("who knows the kind worked on %s", got)
	}
}

// TestKindsDoNotWaitForEachOther has all workers of one kind busy: jobs of another kind are done, and no more of the first are begun.
func TestKindsDoNotWaitForEachOther(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	handlers, calls := heard()
	begun, finish := make(chan string, 10), make(chan bool)
	handlers["slow"] = func(_ context.Context, args string) error {
		begun <- args
		<-finish
		return nil
	}
	start(t, store, jobs.Config{Handlers: handlers, Workers: 4, WorkersOf: map[string]int{"slow": 2}})
	for i := range 4 {
		enqueue(t, store, meta.Job{Kind: "slow", Args: fmt.Sprintf(`{"n":%d}`, i)})
	}
	next(t, begun)
	next(t, begun)
	for range 20 {
		enqueue(t, store, job(`{}`))
		next(t, calls)
	}
	if len(begun) != 0 {
		t.Errorf("with two workers, more than two jobs were begun: %s", <-begun)
	}
	close(finish)
	next(t, begun)
	next(t, begun)
}

// TestBesideManyCommits lets four workers do many jobs while many transactions are committed, some with a job and some rolled back. Every job
// that was committed is done once, no other is, and nobody complains.
func TestBesideManyCommits(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 60
	store := newStore(t)
	handlers, calls := heard()
	handlers["job"] = func(inner jobs.Handler) jobs.Handler {
		return func(ctx context.Context, args string) error {
			if err := store.SetMark(ctx, "last", args); err != nil { // a worker writes too
				return err
			}
			return inner(ctx, args)
		}
	}(handlers["job"])
	stop := start(t, store, jobs.Config{Handlers: handlers})
	var all sync.WaitGroup
	var mu sync.Mutex
	var want []string
	for w := range writers {
		all.Go(func() {
			for i := range each {
				args := fmt.Sprintf(`{"w":%d,"i":%d}`, w, i)
				err := store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
					_, err := tx.InsertWorkspace(ctx, "org-1", satchel.WorkspaceID(args), time.Now())
					if err = errors.Join(err, tx.Enqueue(ctx, job(args))); err == nil && i%3 == 0 {
						err = io.EOF
					}
					return err
				})
				switch {
				case err == nil:
					mu.Lock()
					want = append(want, args)
					mu.Unlock()
				case !errors.Is(err, io.EOF) || i%3 != 0:
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	var got []string
	for range want {
		got = append(got, next(t, calls))
	}
	stop()
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) || len(calls) != 0 {
		t.Errorf("%d jobs were done, and %d more; want %d, each once", len(got), len(calls), len(want))
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	store := newStore(t)
	handlers, _ := heard()
	for name, c := range map[string]jobs.Config{
		"no handlers":               {Workers: 1, Timeout: time.Second},
		"no workers":                {Handlers: handlers, Timeout: time.Second},
		"no time-out":               {Handlers: handlers, Workers: 1},
		"rescue before the timeout": {Handlers: handlers, Workers: 1, Timeout: time.Minute, RescueAfter: time.Second},
	} {
		if _, err := jobs.New(store.JobDriver(), c); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// TestRunOnEndedContext starts and stops at once.
func TestRunOnEndedContext(t *testing.T) {
	t.Parallel()
	handlers, _ := heard()
	runner, err := jobs.New(newStore(t).JobDriver(), jobs.Config{Handlers: handlers, Workers: 1, Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := runner.Run(ctx); err != nil {
		t.Error(err)
	}
}
