package cluster_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/tests/program"
)

// breaker breaks the parts of a cluster, one after the other, and mends them.
type breaker struct {
	*installation
	tally    *tally
	rng      *rand.Rand
	thorough bool // there is time for what takes long

	mu        sync.Mutex
	disturbed map[*program.Process]int // how often a process was taken down, by a kill or a suspension, and brought back: odd while it is down
	restarted map[*program.Process]int
}

// touch says that what a process answers now is no matter.
func (b *breaker) touch(p *program.Process) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disturbed[p]++
}

func (b *breaker) touched(p *program.Process) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.disturbed[p]
}

// rounds breaks everything once, in an order of chance, and again until the time is over. One worker is suspended all the while, until others have its
// runs.
func (b *breaker) rounds(d time.Duration) (n int) {
	b.t.Helper()
	for end := time.Now().Add(d); n == 0 || time.Now().Before(end); n++ {
		asleep := b.rng.IntN(2)
		b.suspend(b.Workers[asleep])
		faults := b.faults(b.Workers[1-asleep])
		b.rng.Shuffle(len(faults), func(i, j int) { faults[i], faults[j] = faults[j], faults[i] })
		for _, fault := range faults {
			began := time.Now()
			fault.happens()
			b.t.Logf("%s: %s", fault.name, time.Since(began).Round(time.Millisecond))
			b.peace(b.some(b.calm()))
		}
		b.wake(b.Workers[asleep])
	}
	return n
}

// calm is how long it is quiet after a fault.
func (b *breaker) calm() time.Duration {
	if b.thorough {
		return time.Second
	}
	return 300 * time.Millisecond
}

// fault breaks something, and mends it.
type fault struct {
	name    string
	happens func()
}

// faults are all that there are; one worker is awake.
func (b *breaker) faults(awake *program.Process) []fault {
	faults := []fault{
		{"a server is killed", b.killServer},
		{"a worker is killed", func() { b.killWorker(awake) }},
		{"the bucket is away", b.stopBucket},
		{"the bucket is slow", b.slowBucket},
		{"the bucket is silent", b.silentBucket},
		{"connections to the bucket are cut", b.cutBucket},
		{"the bucket is overloaded", b.overloadBucket},
		{"uploads in parts are not completed", b.failToComplete},
		{"lists of the bucket lag", b.lagLists},
		{"the bucket is full", b.fullBucket},
		{"the database is full", b.fullDatabase},
		{"the database crashes", b.restartPostgres},
		{"the database is slow", b.slowDatabase},
		{"the database is silent", b.silentDatabase},
		{"connections to the database are ended", b.cutConnections},
		{"connections to the database are cut", b.cutDatabase},
		{"the answer to a commit is lost", b.loseAnswer},
		{"the database has no connections left", b.noConnections},
	}
	if len(b.clocks) > 0 {
		faults = append(faults, fault{"clocks jump", b.moveClocks}, fault{"a clock is ahead", b.runAhead})
	}
	return faults
}

// peace lets the cluster work for a while.
func (b *breaker) peace(d time.Duration) {
	select {
	case <-time.After(d):
	case <-b.t.Context().Done():
	}
}

// again starts a process that was killed.
func (b *breaker) again(p *program.Process) {
	b.t.Helper()
	b.mu.Lock()
	b.restarted[p]++
	b.mu.Unlock()
	program.Must(b.t, p.Start())
	b.touch(p)
	program.Within(b.t, p.Name+" serves", func() bool { return b.serves(p) }) // the next fault is not that of its start
}

func (b *breaker) kill(p *program.Process) {
	b.t.Helper()
	b.touch(p)
	_, err := p.End(syscall.SIGKILL)
	program.Must(b.t, err)
}

// killServer kills a server in the middle of an upload, which must not be acknowledged.
func (b *breaker) killServer() {
	b.t.Helper()
	p := b.Servers[b.rng.IntN(2)]
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := b.client(p.URL).Upload(b.t.Context(), client.Upload{Sources: []client.Source{{Name: half, Body: reader, Size: 40 << 20}}})
		ended <- err
		_ = reader.CloseWithError(io.ErrClosedPipe) // whatever is still to be sent has nobody to send it to
	}()
	_, _ = writer.Write(content(b.rng.Uint64(), 10<<20, false)) // if the upload is over already, ended says so
	b.kill(p)
	_ = writer.CloseWithError(io.ErrClosedPipe)
	if err := <-ended; err == nil {
		b.t.Error("half an upload was acknowledged")
	}
	b.peace(time.Second)
	b.again(p)
}

// half is the name of a file of which half was sent.
const half = "half"

// inWork waits for a moment in which somebody works on a run, and whose lease was not ended.
func (b *breaker) inWork() {
	b.t.Helper()
	program.Within(b.t, "a run is in work", func() bool {
		return b.number("SELECT count(*) FROM runs WHERE ended_at IS NULL AND claim <> '' AND lease_until > 1") > 0
	})
}

// killWorker kills a worker while it works.
func (b *breaker) killWorker(p *program.Process) {
	b.t.Helper()
	b.inWork()
	b.kill(p)
	b.endLeases()
	b.again(p)
}

// suspend stops a worker where it stands. Its leases run out at once, so that others take its runs.
func (b *breaker) suspend(p *program.Process) {
	b.t.Helper()
	b.inWork()
	b.touch(p)
	program.Must(b.t, p.Signal(syscall.SIGSTOP))
	b.endLeases()
}

// endLeases lets the time of all leases, and of jobs that were taken for runs not claimed yet, be over: that of a dead worker's would be so after a minute
// and a half. Who lives works on, or has to do it again.
func (b *breaker) endLeases() {
	b.t.Helper()
	postgrestest.Exec(b.t, b.Database, "UPDATE runs SET lease_until = 1 WHERE ended_at IS NULL AND claim <> ''")
	postgrestest.Exec(b.t, b.Database, "UPDATE river_job SET attempted_at = attempted_at - interval '2 minutes' WHERE state = 'running'")
}

// wake lets a suspended worker go on, in the middle of what others have done meanwhile.
func (b *breaker) wake(p *program.Process) {
	b.t.Helper()
	program.Must(b.t, p.Signal(syscall.SIGCONT))
	b.touch(p)
}

// stopBucket kills the S3 server for some seconds.
func (b *breaker) stopBucket() {
	b.t.Helper()
	_, err := b.Bucket.End(syscall.SIGKILL)
	program.Must(b.t, err)
	b.nobodyIsReady("the bucket is away")
	b.peace(time.Duration(b.rng.IntN(2000)) * time.Millisecond)
	program.Must(b.t, b.Bucket.Start())
	program.Must(b.t, b.WaitBucket(b.t.Context()))
}

// cutConnections ends all connections to the database.
func (b *breaker) cutConnections() {
	b.t.Helper()
	for range 3 {
		postgrestest.Exec(b.t, b.Database, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()")
		b.peace(time.Duration(b.rng.IntN(300)) * time.Millisecond)
	}
}

// restartPostgres lets PostgreSQL crash, and starts it again.
func (b *breaker) restartPostgres() {
	b.t.Helper()
	_, err := b.Postgres.End(syscall.SIGQUIT)
	program.Must(b.t, err)
	b.nobodyIsReady("the database is away")
	b.peace(time.Duration(b.rng.IntN(1000)) * time.Millisecond)
	program.Must(b.t, b.Postgres.Start())
	program.Must(b.t, b.WaitPostgres(b.t.Context()))
}

// nobodyIsReady waits until all servers and workers that are up say that they cannot work.
func (b *breaker) nobodyIsReady(why string) {
	b.t.Helper()
	var all sync.WaitGroup
	for _, p := range b.Satchels() {
		if b.touched(p)%2 == 0 {
			all.Go(func() { b.isNotReady(p, why) })
		}
	}
	all.Wait()
}

// isNotReady waits until a process says so, and when to ask again.
func (b *breaker) isNotReady(p *program.Process, why string) {
	b.t.Helper()
	for began := time.Now(); time.Since(began) < program.Patience; b.peace(10 * time.Millisecond) {
		status, header, err := b.probe(b.t.Context(), p, "/ready")
		if err != nil || status != http.StatusServiceUnavailable {
			continue
		}
		if header.Get("Retry-After") == "" {
			b.t.Errorf("%s is not ready, and does not say when to ask again", p.Name)
		}
		return
	}
	b.t.Errorf("%s does not say that it is not ready: %s", p.Name, why)
}

// probe asks a process how it is.
func (b *breaker) probe(ctx context.Context, p *program.Process, path string) (int, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, slowest)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, p.URL+path, nil)
	if err != nil {
		return 0, nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	return response.StatusCode, response.Header, response.Body.Close()
}

// watchHealth asks all processes how they are until ctx ends: whichever is up and was let alone meanwhile must be well.
func (b *breaker) watchHealth(ctx context.Context, a *tally) {
	for ctx.Err() == nil {
		for _, p := range b.Satchels() {
			before := b.touched(p)
			if before%2 == 1 || !b.serves(p) {
				continue
			}
			status, _, err := b.probe(ctx, p, "/health")
			if ctx.Err() == nil && before == b.touched(p) && (err != nil || status != http.StatusOK) {
				a.complain("the health of %s, which runs: %d, %v", p.Name, status, err)
			}
		}
		b.peace(100 * time.Millisecond)
	}
}

// serves reports whether a process has said since its start that it serves.
func (b *breaker) serves(p *program.Process) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Count(b.logs[p.Name].String(), "msg=serving") > b.restarted[p]
}

// TestFaults has customers use a cluster while its parts are killed, suspended, cut off and restarted. Whatever was acknowledged is there afterwards, and
// nothing else.
func TestFaults(t *testing.T) {
	seed := seed(t)
	i := installToBreak(t)
	postgrestest.Exec(t, i.Database, holdsCommits)
	a, h := &tally{outcomes: map[string]int{}}, newHistory()
	b := &breaker{
		installation: i, tally: a, rng: rand.New(rand.NewPCG(seed, 1)), thorough: os.Getenv(tortureVariable) != "",
		disturbed: map[*program.Process]int{}, restarted: map[*program.Process]int{},
	}
	var shared []string
	for n := range 3 {
		shared = append(shared, i.share(n))
	}
	quit := make(chan struct{})
	var crowd, others sync.WaitGroup
	var customers []*customer
	for n := range 5 {
		c := newCustomer(i, n, seed, a, h, shared)
		customers = append(customers, c)
		crowd.Go(func() { c.work(t.Context(), quit) })
	}
	ctx, cancel := context.WithCancel(t.Context())
	others.Go(func() { b.watchHealth(ctx, a) })
	began := time.Now()
	rounds := b.rounds(duration(t))
	close(quit)
	crowd.Wait()
	cancel()
	others.Wait()
	took := time.Since(began).Round(time.Second)
	program.Must(t, i.WaitReady(t.Context()))
	a.report(t)
	done := 0
	for _, c := range customers {
		done += c.done
	}
	t.Logf("%d changes and reads acknowledged in %s and %d rounds of faults", done, took, rounds)
	b.settle(customers, shared)
	h.isLinearizable(t)
}

// tortureVariable says for how long parts are broken.
const tortureVariable = "SATCHEL_TORTURE"

// duration is how long parts are broken: SATCHEL_TORTURE, such as 10m; else for two rounds or three. A round that has begun goes on to its end.
func duration(t testing.TB) time.Duration {
	t.Helper()
	text := os.Getenv(tortureVariable)
	if text == "" {
		return 20 * time.Second
	}
	d, err := time.ParseDuration(text)
	program.Must(t, err)
	return d
}

// share makes a file that all customers change.
func (i *installation) share(n int) string {
	i.t.Helper()
	files, err := i.client(i.URL()).Upload(i.t.Context(), client.Upload{
		Sources: []client.Source{{Name: fmt.Sprintf("shared-%d", n), Body: strings.NewReader("shared"), Size: 6}}, Purpose: "batch", Metadata: valued(firstValue),
	})
	program.Must(i.t, err)
	return files[0].ID
}
