//go:build linux

package durability_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// peak gives the most memory that the server ever had, in bytes.
func (s *server) peak() int64 {
	s.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.PID()))
	program.Must(s.t, err)
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text), "kB")), 10, 64)
			program.Must(s.t, err)
			return kib << 10
		}
	}
	s.t.Fatal("the kernel does not say how much memory the server has")
	return 0
}

// TestConstantMemory sends files up and down that are far larger than the memory that they may take.
func TestConstantMemory(t *testing.T) {
	const most = 100 * mib
	for _, c := range []struct {
		name  string
		files []content
	}{
		{"a large one", []content{{name: "large", seed: 1, size: 2048 * mib}}},
		{"many at once", marked("parallel", 16, 64*mib)},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := start(t, filepath.Join(t.TempDir(), "data"))
			var group sync.WaitGroup
			for _, f := range c.files {
				group.Go(func() { s.roundTrip(t, f) })
			}
			group.Wait()
			if got := s.peak(); got > most {
				t.Errorf("the server took %d MiB, want at most %d", got/mib, most/mib)
			} else {
				t.Logf("the server took %d MiB", got/mib)
			}
		})
	}
}

// roundTrip sends a file up and down. Its bytes come back as they were.
func (s *server) roundTrip(t *testing.T, f content) {
	files, a, err := s.send(t.Context(), upload{files: []content{f}, chunked: true})
	switch {
	case err != nil:
		t.Error(err)
	case !a.acknowledged():
		t.Errorf("upload of %s: %s", f.name, a)
	default:
		check(t, s.download(t.Context(), files[0].ID, f))
	}
}
