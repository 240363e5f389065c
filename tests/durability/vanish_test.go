//go:build linux

package durability_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// writes are all kinds of changes, as clients send them. id is a file that the server has.
func writes(s *server, id string) map[string]func(context.Context) (answer, error) {
	return map[string]func(context.Context) (answer, error){
		"upload": func(ctx context.Context) (answer, error) {
			_, a, err := s.send(ctx, upload{files: []content{{name: "lost", size: 5000}}})
			return a, err
		},
		"large upload": func(ctx context.Context) (answer, error) {
			_, a, err := s.send(ctx, upload{files: []content{{name: "lost", size: 2 * mib}}})
			return a, err
		},
		"metadata": func(ctx context.Context) (answer, error) {
			return s.patch(ctx, id, map[string]string{"lost": "yes"})
		},
		"deletion": func(ctx context.Context) (answer, error) { return s.remove(ctx, id) },
		"token":    func(ctx context.Context) (answer, error) { return s.makeToken(ctx, "ada") },
	}
}

// refuses expects that no change is acknowledged, that the server knows that it is of no use, and that it lives.
func (s *server) refuses(t *testing.T, id string) {
	t.Helper()
	for name, write := range writes(s, id) {
		a, err := write(t.Context())
		if err != nil || a.status < http.StatusInternalServerError {
			t.Errorf("%s: %s (%v); nothing may be acknowledged", name, a, err)
		}
	}
	if a := s.get("/ready"); a.status != http.StatusServiceUnavailable {
		t.Errorf("/ready: %s, want 503", a)
	}
	if a := s.get("/health"); a.status != http.StatusOK {
		t.Errorf("/health: %s, want 200", a)
	}
}

// accepts expects that every kind of change is acknowledged.
func (s *server) accepts(t *testing.T, id string) {
	t.Helper()
	if a := s.get("/ready"); a.status != http.StatusOK {
		t.Errorf("/ready: %s, want 200", a)
	}
	for _, name := range []string{"upload", "large upload", "metadata", "token", "deletion"} {
		a, err := writes(s, id)[name](t.Context())
		if err != nil || !a.acknowledged() {
			t.Errorf("%s: %s (%v)", name, a, err)
		}
	}
}

// TestVanishedFolder takes the data folder away from a running server. SQLite would go on writing to a database that nobody can find
// any more.
func TestVanishedFolder(t *testing.T) {
	for _, c := range []struct {
		name string
		take func(t *testing.T, data string)
		back bool // the folder can be put back
	}{
		{"moved", func(t *testing.T, data string) { program.Must(t, os.Rename(data, data+".away")) }, true},
		{"removed", func(t *testing.T, data string) { program.Must(t, os.RemoveAll(data)) }, false},
		{"an empty one in its place", func(t *testing.T, data string) {
			program.Must(t, os.Rename(data, data+".away"))
			program.Must(t, os.Mkdir(data, 0o700))
		}, true},
		{"another one in its place", func(t *testing.T, data string) {
			program.Must(t, os.Rename(data, data+".away"))
			start(t, data).Stop()
		}, true},
		{"the database alone", func(t *testing.T, data string) {
			program.Must(t, os.Rename(filepath.Join(data, "satchel.db"), filepath.Join(data, "away.db")))
		}, false},
		{"the blobs alone", func(t *testing.T, data string) {
			program.Must(t, os.Rename(filepath.Join(data, "blobs"), filepath.Join(data, "away")))
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := filepath.Join(t.TempDir(), "data")
			s := start(t, data)
			kept := content{name: "kept", seed: 7, size: 70_000}
			file := s.put(kept, map[string]string{"kept": "yes"})
			c.take(t, data)
			if c.name == "the blobs alone" { // rows are as durable as ever
				s.refusesBytes(t)
				return
			}
			s.refuses(t, file.ID)
			if !c.back {
				return
			}
			program.Within(t, "the folder is away", func() bool { return os.RemoveAll(data) == nil }) // the server may be putting something into it
			program.Must(t, os.Rename(data+".away", data))
			if files := s.list(100); len(files) != 1 || metadataOf(t, files[0])["kept"] != "yes" || metadataOf(t, files[0])["lost"] != "" {
				t.Errorf("with the folder back there are %d files", len(files))
			}
			program.Must(t, s.download(t.Context(), file.ID, kept))
			s.accepts(t, file.ID)
			s.Swept(2)
			s.Stop()
			fsck(t, data)
		})
	}
}

// refusesBytes expects that no upload is acknowledged.
func (s *server) refusesBytes(t *testing.T) {
	t.Helper()
	for _, name := range []string{"upload", "large upload"} {
		a, err := writes(s, "")[name](t.Context())
		if err != nil || a.status < http.StatusInternalServerError {
			t.Errorf("%s: %s (%v); nothing may be acknowledged", name, a, err)
		}
	}
	if a := s.get("/ready"); a.status != http.StatusServiceUnavailable {
		t.Errorf("/ready: %s, want 503", a)
	}
}

// TestVanishesUnderLoad moves the data folder away while clients work. Whatever was acknowledged is in the folder that was moved.
func TestVanishesUnderLoad(t *testing.T) {
	rng := rand.New(rand.NewPCG(seed(t), 7))
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	l := newLedger()
	clients := make([]*client, 4)
	moved := make(chan struct{})
	steps := 300 + rng.IntN(300)
	tick := newFuse(steps, func() {
		check(t, os.Rename(data, data+".away"))
		close(moved)
	})
	for i := range clients {
		clients[i] = &client{
			t: t, s: s, rng: rand.New(rand.NewPCG(rng.Uint64(), 8)), name: fmt.Sprintf("c%d", i), tick: tick, most: mib,
			ok: func(a answer) bool {
				return a.status >= http.StatusInternalServerError || a.status == http.StatusNotFound
			},
			calm: true,
		}
	}
	l.crowd(t.Context(), clients, 120)
	<-moved
	s.Kill()
	program.Must(t, os.Rename(data+".away", data))
	s = start(t, data)
	l.settle(t, s)
	s.firstSweep()
	s.Stop()
	fsck(t, data)
	t.Logf("%d changes acknowledged, %d refused, %d files", l.requests, l.refused, len(l.files))
	if l.requests == 0 || l.refused == 0 {
		t.Error("the folder vanished too early or too late")
	}
}
