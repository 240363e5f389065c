package extract

import (
	"fmt"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"golang.org/x/sys/unix"
)

const (
	lookEvery   = 20 * time.Millisecond // how often somebody looks at a child's memory while it works
	trimAbove   = 64 << 20              // a child with more than that between two documents gives back what it can
	descriptors = 32                    // that a child may have open: its connection, a document, and what the runtime needs
)

// limitProcess bounds the process that calls it, for good. What only some systems can do is in limitPlatform.
func limitProcess(limits setup) error {
	debug.SetMemoryLimit(limits.Memory / 5 * 4) // garbage goes before the limit is near
	debug.SetMaxStack(int(limits.Memory / 8))   // endless recursion ends as such, and not for its memory
	for resource, most := range map[int]uint64{unix.RLIMIT_CORE: 0, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_NOFILE: descriptors} {
		if err := setLimit(resource, most); err != nil {
			return err
		}
	}
	return limitPlatform(limits)
}

func setLimit(resource int, most uint64) error {
	if err := unix.Setrlimit(resource, &unix.Rlimit{Cur: most, Max: most}); err != nil {
		return fmt.Errorf("limit resource %d to %d: %w", resource, most, err)
	}
	return nil
}

// goMemory is how much memory the Go runtime of this process holds.
func goMemory() int64 {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(samples)
	return int64(samples[0].Value.Uint64()) - int64(samples[1].Value.Uint64()) //nolint:gosec // sizes of one process
}

// guard ends the process when its memory grows over the limit, until stop is called. Where the Pool can look at a child's memory it does so too.
func (s *server) guard() (stop func()) {
	return every(lookEvery, func() {
		if ownMemory() > s.memory {
			_, _ = os.Stderr.WriteString(outOfMemory + ": over the limit\n")
			unix.Exit(1)
		}
	})
}

// every calls look again and again until stop is called.
func every(interval time.Duration, look func()) (stop func()) {
	quit := make(chan struct{})
	go func() {
		ticker := time.NewTicker(interval)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				look()
			}
		}
	}()
	return func() { close(quit) }
}
