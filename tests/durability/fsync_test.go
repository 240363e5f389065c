//go:build linux

package durability_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/blob"
)

const syncs = "fsync,fdatasync"

// fails injects an error into every fsync of some paths, or of all.
func fails(calls string, paths ...string) []string {
	args := []string{"-e", "trace=" + calls, "-e", "inject=" + calls + ":error=EIO"}
	for _, path := range paths {
		args = append(args, "-P", path)
	}
	return args
}

// fanOut gives all folders in which an object that is made now, or in an hour, can lie.
func fanOut(blobs string) []string {
	var all []string
	for _, at := range []time.Time{time.Now(), time.Now().Add(time.Hour)} {
		for _, letter := range "0123456789abcdefghijklmnopqrstuv" {
			all = append(all, filepath.Join(blobs, blob.Hour(at), string(letter)))
		}
	}
	return all
}

// TestFailingFsync lets the kernel refuse to make things durable. What could not be made durable is never acknowledged, and as soon as it
// can be, everything goes on.
func TestFailingFsync(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	at := placesIn(data)
	for _, c := range []struct {
		name  string
		args  []string
		rows  bool // changes of rows fail, too
		bytes bool // nothing may be left behind: it is known that no row names it
	}{
		{"of everything", fails(syncs), true, true},
		{"of the folder of the bytes", fails(syncs, fanOut(at.blobs)...), false, true},
		{"of the database's log", fails(syncs, at.log), true, false},
		{"of the database's log, which cannot be written either", fails("pwrite64", at.log), true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, data, "SATCHEL_SWEEP_INTERVAL=1h")
			s.firstSweep()
			l := newLedger()
			clients := fsyncClients(t, s, c.name, 1)
			l.crowd(t.Context(), clients, 10)
			file := s.put(content{name: "kept", size: 5000}, nil)
			before := s.Blobs()

			tracer := attach(t, s, c.args...)
			s.refusesOnDisk(t, file.ID, c.rows)
			if after := s.Blobs(); c.bytes && len(after) != len(before) {
				t.Errorf("something was left behind: %v; before: %v", after, before)
			}
			if injected := tracer.detach(); !slices.ContainsFunc(injected, func(c call) bool { return strings.Contains(c.result, "INJECTED") }) {
				t.Error("no call was made to fail")
			}
			l.crowd(t.Context(), clients, 10)
			if l.refused > 0 {
				t.Errorf("%d changes were refused though everything works again", l.refused)
			}
			s.accepts(t, file.ID)
			s.Kill()
			s = start(t, data)
			s.clear(t, l)
			s.Stop()
			fsck(t, data)
		})
	}
}

// refusesOnDisk expects that no upload is acknowledged, and with rows no other change either.
func (s *server) refusesOnDisk(t *testing.T, id string, rows bool) {
	t.Helper()
	for name, write := range writes(s, id) {
		if !rows && !strings.Contains(name, "upload") {
			continue
		}
		a, err := write(t.Context())
		if err != nil || a.status < http.StatusInternalServerError {
			t.Errorf("%s: %s (%v); nothing may be acknowledged", name, a, err)
		}
	}
}

// clear settles all but the files that writes makes, and then deletes everything.
func (s *server) clear(t *testing.T, l *ledger) {
	t.Helper()
	s.firstSweep()
	for _, file := range s.list(100) {
		if file.Filename == "lost" || file.Filename == "kept" { // may be there: an answer of 5xx promises nothing
			a, err := s.remove(t.Context(), file.ID)
			if err != nil || !a.acknowledged() {
				t.Fatal(a, err)
			}
		}
	}
	l.settle(t, s)
	for id := range l.files {
		a, err := s.remove(t.Context(), id)
		if err != nil || !a.acknowledged() {
			t.Fatal(a, err)
		}
	}
}

func fsyncClients(t *testing.T, s *server, name string, n int) []*client {
	rng := rand.New(rand.NewPCG(seed(t), 9))
	clients := make([]*client, n)
	for i := range clients {
		clients[i] = &client{
			t: t, s: s, rng: rand.New(rand.NewPCG(rng.Uint64(), 10)), name: fmt.Sprintf("%s-%d", strings.ReplaceAll(name, " ", "-"), i),
			tick: func() {}, most: 300 << 10, calm: true,
			ok: func(a answer) bool { return a.status >= http.StatusInternalServerError },
		}
	}
	return clients
}

// TestFsyncFailsNowAndThen lets every seventh fsync of each thread fail. Every upload that is acknowledged all the same had all its fsyncs,
// in the right order; the others are refused; and after a crash everything acknowledged is there.
func TestFsyncFailsNowAndThen(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data, "SATCHEL_SWEEP_INTERVAL=1h")
	s.firstSweep()
	l := newLedger()
	clients := fsyncClients(t, s, "now-and-then", 4)
	l.crowd(t.Context(), clients, 5)

	tracer := attach(t, s, "-e", "trace="+traced, "-e", "inject="+syncs+":error=EIO:when=2+7")
	var acknowledged []content
	var mu sync.Mutex
	var group sync.WaitGroup
	for _, f := range marked("fails", 20, 50, 4096, 300<<10) {
		group.Go(func() {
			_, a, err := s.send(t.Context(), upload{files: []content{f}, metadata: map[string]string{opKey: f.name}})
			if !check(t, err) {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			if a.acknowledged() {
				acknowledged = append(acknowledged, f)
			} else if a.status < http.StatusInternalServerError {
				t.Errorf("upload of %s: %s", f.name, a)
			}
		})
	}
	group.Wait()
	l.crowd(t.Context(), clients, 20)
	calls := tracer.detach()
	for _, f := range acknowledged {
		check(t, placesIn(s.Data).proveUpload(calls, f))
	}
	s.Kill()

	s = start(t, data)
	s.firstSweep()
	byName := map[string]bool{}
	for _, file := range s.list(100) {
		if strings.HasPrefix(file.Filename, "fails-") {
			byName[file.Filename] = true
			if _, err := s.remove(t.Context(), file.ID); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, f := range acknowledged {
		if !byName[f.name] {
			t.Errorf("%s is lost: it was acknowledged", f.name)
		}
	}
	l.settle(t, s)
	s.Stop()
	fsck(t, data)
	t.Logf("%d of 60 uploads acknowledged; of other changes %d, %d refused", len(acknowledged), l.requests, l.refused)
}
