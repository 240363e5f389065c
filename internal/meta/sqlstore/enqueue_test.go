package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/rivertype"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// handIn gives a transaction's function that stores a file and hands in a job, and ends with err.
func handIn(i int, err error) func(context.Context, meta.Tx) error {
	return func(ctx context.Context, tx meta.Tx) error {
		return errors.Join(insertOne(i, new(satchel.FileID))(ctx, tx), tx.Enqueue(ctx, jobOf(i)), err)
	}
}

func jobOf(i int) meta.Job { return meta.Job{Kind: "job", Args: fmt.Sprintf(`{"i":%d}`, i)} }

// TestJobsShareTheCommit hands in jobs with transactions of one batch: the commit has the jobs of those that succeeded, in their order.
func TestJobsShareTheCommit(t *testing.T) {
	var batches []int
	s := openTest(t, Options{OnCommit: func(n int) { batches = append(batches, n) }})
	no := errors.New("no")
	var want []meta.Job
	var fns []func(context.Context, meta.Tx) error
	for i := range 30 {
		if i%3 == 0 {
			fns = append(fns, handIn(i, no))
		} else {
			fns = append(fns, handIn(i, nil))
			want = append(want, jobOf(i))
		}
	}
	for i, err := range together(t, s, fns...) {
		if (err != nil) != (i%3 == 0) {
			t.Errorf("transaction %d: %v", i, err)
		}
	}
	if got := drainJobs(t, s); !reflect.DeepEqual(got, want) {
		t.Errorf("there are the jobs %+v, want %+v", got, want)
	}
	sum := 0
	for _, n := range batches {
		sum += n
	}
	if sum != len(want) || len(batches) > 10 {
		t.Errorf("the commits had %v transactions, want few for %d", batches, len(want))
	}
}

// TestNoJobsOfAFailedCommit lets the write of the log fail: neither files nor jobs are there, and nobody is told of any.
func TestNoJobsOfAFailedCommit(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.InTx(t.Context(), handIn(0, nil)); err != nil {
		t.Fatal(err)
	}
	ear := s.JobDriver().GetListener(&riverdriver.GetListenenerParams{})
	if err := errors.Join(ear.Connect(t.Context()), ear.Listen(t.Context(), topicInsert)); err != nil {
		t.Fatal(err)
	}
	log, err := os.Stat(s.file.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	failWrites(t, uint64(log.Size()), func() {
		for i, err := range together(t, s, handIn(1, nil), handIn(2, nil)) {
			if err == nil {
				t.Errorf("transaction %d was committed", i)
			}
		}
	})
	if err := s.InTx(t.Context(), handIn(3, nil)); err != nil {
		t.Fatal(err)
	}
	if got, want := drainJobs(t, s), []meta.Job{jobOf(0), jobOf(3)}; !reflect.DeepEqual(got, want) {
		t.Errorf("there are the jobs %+v, want %+v", got, want)
	}
	if count, err := s.CountFiles(t.Context()); err != nil || count != 2 {
		t.Errorf("%d files are stored, %v; want 2", count, err)
	}
	if _, err := ear.WaitForNotification(t.Context()); err != nil {
		t.Error(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if n, err := ear.WaitForNotification(over); err == nil {
		t.Errorf("told was, for one commit, also %+v", n)
	}
}

// TestJobsThatAreDueSoon hands in jobs for later: those that River's scheduler might find too late need it no more.
func TestJobsThatAreDueSoon(t *testing.T) {
	s := openTest(t, Options{})
	now := time.Now()
	for _, c := range []struct {
		notBefore time.Time
		want      rivertype.JobState
	}{
		{now.Add(time.Hour), rivertype.JobStateScheduled},
		{time.Time{}, rivertype.JobStateAvailable},
		{now.Add(-time.Hour), rivertype.JobStateAvailable},
		{now.Add(3 * time.Second), rivertype.JobStateAvailable},
	} {
		err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			return tx.Enqueue(ctx, meta.Job{Kind: "job", Args: "{}", NotBefore: c.notBefore})
		})
		if err != nil {
			t.Fatal(err)
		}
		var state rivertype.JobState
		var due bool
		row := s.file.read.QueryRow(`SELECT state, scheduled_at <= datetime('now', 'subsec') FROM river_job ORDER BY id DESC LIMIT 1`)
		if err := row.Scan(&state, &due); err != nil {
			t.Fatal(err)
		}
		if state != c.want || due != !c.notBefore.After(now) {
			t.Errorf("a job not before %s (now is %s) is %s, due: %v", c.notBefore, now, state, due)
		}
	}
}

// TestListener listens, stops to, and comes back.
func TestListener(t *testing.T) {
	b := &bell{}
	deaf, l := &listener{bell: b}, &listener{bell: b}
	if err := l.Listen(t.Context(), topicInsert); !errors.Is(err, errNotConnected) {
		t.Errorf("listening before connecting: %v", err)
	}
	if _, err := l.WaitForNotification(t.Context()); !errors.Is(err, errNotConnected) {
		t.Errorf("waiting before connecting: %v", err)
	}
	if err := errors.Join(deaf.Connect(t.Context()), l.Connect(t.Context()), l.Listen(t.Context(), topicInsert)); err != nil {
		t.Fatal(err)
	}
	b.ring(topicLeadership, "not for it")
	for range 1000 { // more than anybody keeps
		b.ring(topicInsert, jobsHaveCome("job"))
	}
	n, err := l.WaitForNotification(t.Context())
	if err != nil || *n != (riverdriver.Notification{Topic: topicInsert, Payload: jobsHaveCome("job")}) {
		t.Errorf("it heard %+v, %v", n, err)
	}
	if len(deaf.heard) != 0 {
		t.Error("who listens to nothing heard something")
	}
	if err := errors.Join(l.Close(t.Context()), l.Connect(t.Context()), l.Listen(t.Context(), topicLeadership), l.Unlisten(t.Context(), topicLeadership)); err != nil {
		t.Fatal(err)
	}
	b.ring(topicInsert, jobsHaveCome("job"))
	b.ring(topicLeadership, "{}")
	if len(l.heard) != 0 {
		t.Error("it hears what was said before, or what it does not listen to any more")
	}
}

// TestLeadership lets two clients lead in turn.
func TestLeadership(t *testing.T) {
	s := openTest(t, Options{})
	exec := s.JobDriver().GetExecutor()
	elect := func(id string, ttl time.Duration) (*riverdriver.Leader, error) {
		tx, err := exec.Begin(t.Context()) // as River does
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = tx.Commit(t.Context()) }()
		return tx.LeaderAttemptElect(t.Context(), &riverdriver.LeaderElectParams{LeaderID: id, TTL: ttl})
	}
	first, err := elect("a", time.Hour)
	if err != nil || first.LeaderID != "a" {
		t.Fatalf("the first: %+v, %v", first, err)
	}
	if _, err := elect("b", time.Hour); !errors.Is(err, rivertype.ErrNotFound) {
		t.Errorf("beside a leader: %v", err)
	}
	reelect := &riverdriver.LeaderReelectParams{LeaderID: "a", ElectedAt: first.ElectedAt, TTL: -time.Hour} // and is over
	if again, err := exec.LeaderAttemptReelect(t.Context(), reelect); err != nil || !again.ElectedAt.Equal(first.ElectedAt) {
		t.Errorf("the leader again: %+v, %v", again, err)
	}
	if _, err := exec.LeaderAttemptReelect(t.Context(), reelect); !errors.Is(err, rivertype.ErrNotFound) {
		t.Errorf("a leader who is over: %v", err)
	}
	second, err := elect("b", time.Hour)
	if err != nil {
		t.Fatalf("after a leader who is over: %v", err)
	}
	resign := &riverdriver.LeaderResignParams{LeaderID: "a", ElectedAt: first.ElectedAt}
	if done, err := exec.LeaderResign(t.Context(), resign); done || err != nil {
		t.Errorf("who is no leader resigns: %v, %v", done, err)
	}
	resign = &riverdriver.LeaderResignParams{LeaderID: "b", ElectedAt: second.ElectedAt}
	if done, err := exec.LeaderResign(t.Context(), resign); !done || err != nil {
		t.Errorf("the leader resigns: %v, %v", done, err)
	}
	if _, err := elect("c", time.Hour); err != nil {
		t.Errorf("after one who resigned: %v", err)
	}
}

// TestTimesOfAnotherClock: jobs that are to wait do so for as long, whatever time it is where they are taken.
func TestTimesOfAnotherClock(t *testing.T) {
	now := time.Now()
	jobs := []meta.Job{{Kind: "now"}, {Kind: "past", NotBefore: now.Add(-time.Minute)}, {Kind: "later", NotBefore: now.Add(time.Minute)}}
	for _, c := range []struct{ there, want, ahead time.Duration }{
		{0, time.Minute, 0},
		{900 * time.Millisecond, time.Minute, 0},
		{time.Hour, 61 * time.Minute, time.Hour},
		{-2 * time.Minute, -time.Minute, -2 * time.Minute},
	} {
		moved, ahead := redated(jobs, now, c.there)
		if got := moved[2].NotBefore.Sub(now); got != c.want || ahead != c.ahead {
			t.Errorf("a clock that is ahead by %s: in %s, ahead by %s; want %s, %s", c.there, got, ahead, c.want, c.ahead)
		}
		if moved[0] != jobs[0] || moved[1] != jobs[1] {
			t.Errorf("jobs that need not wait have become %v", moved)
		}
	}
}
