package cluster_test

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

// clockVariable names to a process the file that says by how many seconds its clock is ahead.
const clockVariable = "SATCHEL_TEST_CLOCK"

// The change of Go's package time with which the program under test is built: its clock is ahead by what a file says, in which the test writes while the
// program runs. What is measured by the monotonic clock, as time-outs and timers are, goes on as it does when a machine's clock is set.
const (
	readsClock  = "\tsec, nsec, mono := runtimeNow()\n\tif mono == 0 {\n\t\treturn Time{uint64(nsec), sec + unixToInternal, Local}"
	shiftsClock = "\tsec, nsec, mono := runtimeNow()\n\tsec += clockOffset()\n\tif mono == 0 {\n\t\treturn Time{uint64(nsec), sec + unixToInternal, Local}"
	clockOffset = `package time

import (
	"sync/atomic"
	"syscall"
	"unsafe"
)

var clockFile *int64

func init() {
	path, set := syscall.Getenv("` + clockVariable + `")
	if !set {
		return
	}
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
	if err != nil {
		panic(err)
	}
	memory, err := syscall.Mmap(fd, 0, 8, syscall.PROT_READ, syscall.MAP_SHARED)
	if err != nil {
		panic(err)
	}
	clockFile = (*int64)(unsafe.Pointer(&memory[0]))
}

func clockOffset() int64 {
	if clockFile == nil {
		return 0
	}
	return atomic.LoadInt64(clockFile)
}
`
)

// buildWithClock makes the program with a clock that can be set. The files of Go's are changed in copies, which only this build sees.
func buildWithClock(ctx context.Context, folder string) error {
	root, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return err
	}
	source := filepath.Join(strings.TrimSpace(string(root)), "src", "time")
	text, err := os.ReadFile(filepath.Join(source, "time.go"))
	if err != nil {
		return err
	}
	if n := strings.Count(string(text), readsClock); n != 1 {
		return fmt.Errorf("this Go reads the clock at %d places that are known, want 1: the tests have to learn how it does", n)
	}
	overlay, err := writeOverlay(folder, source, map[string]string{
		"time.go": strings.Replace(string(text), readsClock, shiftsClock, 1), "clock_shift.go": clockOffset,
	})
	if err != nil {
		return err
	}
	return program.BuildWith(ctx, folder, "-overlay", overlay)
}

// writeOverlay writes files that stand for those of a package.
func writeOverlay(folder, source string, texts map[string]string) (path string, err error) {
	replace := map[string]string{}
	for name, text := range texts {
		replace[filepath.Join(source, name)] = filepath.Join(folder, name)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	path = filepath.Join(folder, "overlay.json")
	return path, os.WriteFile(path, list, 0o600)
}

// clock is that of a process.
type clock struct{ file *os.File }

// newClocks makes those of Satchel's processes.
func newClocks(t testing.TB, folder string) map[string]clock {
	t.Helper()
	clocks := map[string]clock{}
	for _, name := range []string{"server-1", "server-2", "worker-1", "worker-2"} {
		clocks[name] = newClock(t, filepath.Join(folder, name+".clock"))
	}
	return clocks
}

// newClock makes one that is right. It is closed when the test ends.
func newClock(t testing.TB, path string) clock {
	t.Helper()
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	program.Must(t, err)
	t.Cleanup(func() { _ = file.Close() })
	c := clock{file}
	program.Must(t, c.set(0))
	return c
}

// set lets the clock be ahead of the machine's, or behind it, from now on.
func (c clock) set(ahead time.Duration) error {
	var b [8]byte
	binary.NativeEndian.PutUint64(b[:], uint64(ahead/time.Second))
	_, err := c.file.WriteAt(b[:], 0)
	return err
}

// moveClocks has the clocks of all processes jump, to where no two of them, nor that of PostgreSQL and of the S3 server, differ by more than a minute.
func (b *breaker) moveClocks() {
	b.t.Helper()
	lowest := b.rng.IntN(mostApart + 1)
	for _, name := range slices.Sorted(maps.Keys(b.clocks)) {
		b.moveClock(name, b.rng.IntN(mostApart+1)-lowest)
	}
}

// mostApart is by how many seconds clocks may differ, as docs/operations.md says.
const mostApart = 60

func (b *breaker) moveClock(name string, ahead int) {
	b.t.Helper()
	b.t.Logf("the clock of %s is %d seconds ahead", name, ahead)
	program.Must(b.t, b.clocks[name].set(time.Duration(ahead)*time.Second))
}

// runAhead has one server's clock be a minute ahead of all others. What it takes is processed at once, and not when the others' have come so far.
func (b *breaker) runAhead() {
	b.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(b.clocks)) {
		b.moveClock(name, 0)
	}
	b.moveClock("server-1", mostApart)
	c, began := b.client(b.Servers[0].URL), time.Now()
	var files []*api.File
	program.Within(b.t, "an upload is taken", func() (taken bool) {
		var err error
		files, err = c.Upload(b.t.Context(), client.Upload{Sources: []client.Source{{Name: "ahead.txt", Body: strings.NewReader("ahead"), Size: 5}}, IdempotencyKey: began.String()})
		return err == nil
	})
	if shown := time.Until(time.Unix(files[0].CreatedAt, 0)); shown < mostApart*time.Second/2 {
		b.t.Errorf("the clock of a server that is to be %d seconds ahead is %s ahead", mostApart, shown)
	}
	program.Within(b.t, "it is processed", func() bool {
		file, err := c.Get(b.t.Context(), files[0].ID)
		return err == nil && file.Status == "processed"
	})
	if took := time.Since(began); took > slowest {
		b.t.Errorf("what a server took whose clock is ahead was processed after %s", took)
	}
	program.Within(b.t, "it is deleted", func() bool {
		err := c.Delete(b.t.Context(), files[0].ID)
		return err == nil || isStatus(err, http.StatusNotFound)
	})
}
