package diskblob

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback tells the kernel to begin writing a range to the disk, and does not wait for it: a wait would also take the error
// that fsync must see. A file system that cannot do it does it later.
func startWriteback(file *os.File, from, size int64) error {
	conn, err := file.SyscallConn()
	if err != nil {
		return err
	}
	var failure error
	err = conn.Control(func(fd uintptr) {
		failure = unix.SyncFileRange(int(fd), from, size, unix.SYNC_FILE_RANGE_WRITE)
	})
	if errors.Is(failure, unix.ENOSYS) || errors.Is(failure, unix.EINVAL) || errors.Is(failure, unix.EOPNOTSUPP) {
		failure = nil
	}
	return errors.Join(err, failure)
}

// blockSize is the unit in which Statfs counts blocks.
func blockSize(stat *unix.Statfs_t) int64 {
	if stat.Frsize > 0 {
		return stat.Frsize
	}
	return stat.Bsize
}
