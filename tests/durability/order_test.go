//go:build linux

package durability_test

import (
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/satchel-files/satchel/api"
)

// places are the files whose fsyncs count.
type places struct{ blobs, log string }

func placesIn(data string) places {
	return places{filepath.Join(data, "blobs"), filepath.Join(data, "satchel.db-wal")}
}

// proveUpload looks in a trace for every step that must come before the answer to an upload: its bytes and their folders are durable,
// then its row is written, then the database's log is durable.
func (p places) proveUpload(calls []call, f content) error {
	answer, err := answered(calls, f.name)
	if err != nil {
		return err
	}
	bytes, err := bytesSynced(calls, p.blobs, f)
	if err != nil {
		return fmt.Errorf("%s was acknowledged: %w", f.name, err)
	}
	row, flushed, err := rowWritten(calls, p.log, f.name)
	if err != nil {
		return fmt.Errorf("%s was acknowledged: %w", f.name, err)
	}
	switch {
	case row.begin < bytes:
		return fmt.Errorf("%s: its row was written (%v) before its bytes were durable (event %d)", f.name, row, bytes)
	case answer.begin < flushed.end:
		return fmt.Errorf("%s was acknowledged (%v) before the log was durable (%v)", f.name, answer, flushed)
	}
	return nil
}

// TestOrder shows what a kill cannot: that nothing is answered before it would survive a power cut.
func TestOrder(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "data"), "SATCHEL_SWEEP_INTERVAL=1h")
	s.firstSweep()
	tracer := attach(t, s, "-e", "trace="+traced)
	alone := marked("alone", 1, 0, 1000, 4096, 256<<10, 256<<10+1, 5<<20)
	for _, f := range alone {
		s.put(f, nil)
	}
	atOnce := marked("at-once", 50, 20, 4096, 300<<10)
	var group sync.WaitGroup
	for _, f := range atOnce {
		group.Go(func() {
			_, a, err := s.send(t.Context(), upload{files: []content{f}})
			if check(t, err) && !a.acknowledged() {
				t.Errorf("upload of %s: %s", f.name, a)
			}
		})
	}
	group.Wait()
	together := marked("together", 1, 100, 100, 70<<10)
	if _, a, err := s.send(t.Context(), upload{files: together}); err != nil || !a.acknowledged() {
		t.Fatal(a, err)
	}
	calls := tracer.detach()
	all := append(append(alone, atOnce...), together...)
	for _, f := range all {
		check(t, placesIn(s.Data).proveUpload(calls, f))
	}
	t.Logf("%d uploads: every answer came behind the fsyncs of bytes, folders and log", len(all))
}

// marked makes files, n rounds of all sizes, that can be told apart in a trace: by their names and by how they begin.
func marked(name string, n int, sizes ...int64) []content {
	var all []content
	for range n {
		for _, size := range sizes {
			tag := fmt.Sprintf("%s-%03d-", name, len(all))
			all = append(all, content{name: tag + "name", head: tag + "head", seed: uint64(len(all)), size: size})
		}
	}
	return all
}

// TestOrderOfChanges shows the same of everything else that is acknowledged.
func TestOrderOfChanges(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "data"), "SATCHEL_SWEEP_INTERVAL=1h")
	s.firstSweep()
	file := s.put(content{name: "a", size: 10}, nil)
	for _, c := range []struct {
		name   string
		answer string // what its answer says
		send   func() (answer, error)
	}{
		{"metadata", "changed-value", func() (answer, error) {
			return s.patch(t.Context(), file.ID, map[string]string{"key": "changed-value"})
		}},
		{"name", "another-name", func() (answer, error) {
			return s.update(t.Context(), file.ID, api.FileUpdate{Filename: new("another-name")})
		}},
		{"token", "sat_", func() (answer, error) { return s.makeToken(t.Context(), "ada") }},
		{"deletion", `\"deleted\":true`, func() (answer, error) { return s.remove(t.Context(), file.ID) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			tracer := attach(t, s, "-e", "trace="+traced)
			a, err := c.send()
			calls := tracer.detach()
			if err != nil || !a.acknowledged() {
				t.Fatal(a, err)
			}
			check(t, placesIn(s.Data).proveChange(calls, c.answer))
		})
	}
}

// proveChange looks in the trace of one change: the log is written, is durable, and then the answer is given.
func (p places) proveChange(calls []call, marker string) error {
	answer, err := answered(calls, marker)
	if err != nil {
		return err
	}
	var last call
	for _, c := range calls {
		if c.is("pwrite64", "write") && c.path() == p.log && c.begin < answer.begin {
			last = c
		}
	}
	if last.end == 0 {
		return fmt.Errorf("answered (%v) without a row in the log", answer)
	}
	flushed, err := synced(calls, p.log, last.end)
	if err == nil && flushed.end > answer.begin {
		err = fmt.Errorf("answered (%v) before the log was durable (%v)", answer, flushed)
	}
	return err
}
