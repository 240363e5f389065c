package extract

import "golang.org/x/sys/unix"

// limitPlatform does nothing: the process looks after its memory itself, see guard.
func limitPlatform(setup) error { return nil }

// ownMemory is the most memory that this process has had so far. That is never over the limit: it would have been the end.
func ownMemory() int64 {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return goMemory()
	}
	return max(usage.Maxrss, goMemory())
}
