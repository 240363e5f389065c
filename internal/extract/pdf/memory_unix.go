//go:build unix

package pdf

import "golang.org/x/sys/unix"

// reserve gives size zero bytes that take no memory until they are touched, or nil.
func reserve(size uint64) []byte {
	bytes, err := unix.Mmap(-1, 0, int(size), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE) //nolint:gosec // at most 4 GiB
	if err != nil {
		return nil
	}
	return bytes
}

// release gives back what reserve gave.
func release(bytes []byte) {
	if len(bytes) > 0 {
		_ = unix.Munmap(bytes) // fails for nothing that reserve gives
	}
}
