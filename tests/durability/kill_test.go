//go:build linux

package durability_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel/tests/program"
)

const (
	killRounds  = 12
	killClients = 8
)

// TestKill kills the server again and again while clients upload, change and delete. Whatever was acknowledged is there afterwards,
// whole; what was acknowledged as deleted is not; what was on its way has happened wholly or not at all.
func TestKill(t *testing.T) {
	rng := rand.New(rand.NewPCG(seed(t), 1))
	data := filepath.Join(t.TempDir(), "data")
	l := newLedger()
	for round := range program.Number(t, "DURABILITY_ROUNDS", killRounds) {
		s := start(t, data)
		l.crowd(t.Context(), killers(t, s, rng, round), 1<<30)
		s.Kill()
		cutShort(t, data, rng)

		s = start(t, data)
		l.settle(t, s)
		l.repeat(t, s)
		l.settle(t, s)
		s.firstSweep()
		s.Stop()
		fsck(t, data)
		t.Logf("round %d: %d changes acknowledged so far, %d files", round, l.requests, len(l.files))
		if t.Failed() {
			return
		}
	}
	if l.requests == 0 || l.refused > 0 {
		t.Errorf("%d changes were acknowledged, %d refused", l.requests, l.refused)
	}
}

// killers makes clients of which one, nobody knows which, kills the server at a random step of its own.
func killers(t *testing.T, s *server, rng *rand.Rand, round int) []*client {
	tick := newFuse(1+rng.IntN(3000), s.Kill)
	clients := make([]*client, killClients)
	for i := range clients {
		clients[i] = &client{
			t: t, s: s, rng: rand.New(rand.NewPCG(rng.Uint64(), 2)), name: fmt.Sprintf("r%d-c%d", round, i),
			tick: tick, ok: func(answer) bool { return false }, most: 8 << 20,
		}
	}
	return clients
}

// newFuse gives a function whose n-th call does something.
func newFuse(n int, do func()) func() {
	var left atomic.Int64
	left.Store(int64(n))
	return func() {
		if left.Add(-1) == 0 {
			do()
		}
	}
}

// cutShort kills a server that has only just begun: in its first sweep, mostly.
func cutShort(t *testing.T, data string, rng *rand.Rand) {
	for range rng.IntN(3) {
		s := start(t, data)
		s.Kill()
	}
}

// seed gives the run's seed.
func seed(t *testing.T) uint64 {
	n := uint64(program.Number(t, "DURABILITY_SEED", int(time.Now().UnixNano()%1_000_000)))
	t.Logf("DURABILITY_SEED=%d", n)
	return n
}

// TestKillAtEveryStep has the kernel kill the server as it begins its n-th fsync, rename or write, in the middle of an upload, a change, a
// deletion or a sweep: there is no point between two steps at which something half done shows.
func TestKillAtEveryStep(t *testing.T) {
	rng := rand.New(rand.NewPCG(seed(t), 3))
	data := filepath.Join(t.TempDir(), "data")
	l := newLedger()
	for _, step := range []struct {
		call  string
		times int
	}{{"fsync", 5}, {"renameat", 2}, {"pwrite64", 5}, {"mkdirat", 1}, {"write", 3}, {"unlinkat", 2}} {
		for n := range step.times {
			killAtStep(t, data, l, rng, step.call, n+1)
			if t.Failed() {
				t.Fatalf("after the kill at %s %d", step.call, n+1)
			}
		}
	}
	t.Logf("%d changes acknowledged, %d files", l.requests, len(l.files))
}

func killAtStep(t *testing.T, data string, l *ledger, rng *rand.Rand, call string, n int) {
	s := start(t, data)
	s.firstSweep()
	c := &client{
		t: t, s: s, rng: rng, name: fmt.Sprintf("%s-%d", call, n), tick: func() {},
		ok: func(answer) bool { return false }, most: 300 << 10,
	}
	l.crowd(t.Context(), []*client{c}, 10)
	// strace counts in each thread for itself: the n-th call of any
	attach(t, s, "-e", "trace="+call, "-e", fmt.Sprintf("inject=%s:signal=SIGKILL:when=%d", call, n))
	l.crowd(t.Context(), []*client{c}, 500)
	if !c.over {
		t.Errorf("500 changes without %s %d", call, n)
		s.Kill()
	}
	<-s.Ended()
	s = start(t, data)
	l.settle(t, s)
	s.firstSweep()
	s.Stop()
	fsck(t, data)
}
