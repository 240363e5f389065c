package diskblob

import (
	"errors"
	"math"
	"math/bits"

	"golang.org/x/sys/unix"
)

// freeBytes gives what an unprivileged writer may still use of a folder's file system.
func freeBytes(dir string) (int64, error) {
	var stat unix.Statfs_t
	for {
		err := unix.Statfs(dir, &stat)
		if err == nil {
			break
		}
		if !errors.Is(err, unix.EINTR) {
			return 0, err
		}
	}
	high, low := bits.Mul64(stat.Bavail, uint64(blockSize(&stat))) //nolint:gosec // sizes are not negative
	if high > 0 || low > math.MaxInt64 {
		return math.MaxInt64, nil
	}
	return int64(low), nil
}
