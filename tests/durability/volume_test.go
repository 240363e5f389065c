//go:build linux

package durability_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel/tests/program"
)

const mib = 1 << 20

// volume is a small file system of its own.
type volume struct {
	t    testing.TB
	path string
}

// mount makes a file system of so many bytes. Its blocks are pages of 4 KiB.
func mount(t testing.TB, size int64) *volume {
	t.Helper()
	v := &volume{t, t.TempDir()}
	program.Must(t, unix.Mount("satchel", v.path, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", size)))
	t.Cleanup(func() { program.Must(t, unix.Unmount(v.path, unix.MNT_DETACH)) })
	return v
}

// data is a folder in it that a server can have.
func (v *volume) data() string { return filepath.Join(v.path, "data") }

func (v *volume) free() int64 {
	v.t.Helper()
	var stat unix.Statfs_t
	program.Must(v.t, unix.Statfs(v.path, &stat))
	return int64(stat.Bavail) * stat.Bsize
}

func (v *volume) ballast() string { return filepath.Join(v.path, "ballast") }

// fill leaves so many bytes free, or fewer.
func (v *volume) fill(left int64) {
	v.t.Helper()
	file, err := os.OpenFile(v.ballast(), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	program.Must(v.t, err)
	defer func() { program.Must(v.t, file.Close()) }()
	for block := make([]byte, 4096); v.free() > left; {
		if _, err := file.Write(block); err != nil && !errors.Is(err, unix.ENOSPC) {
			v.t.Fatal(err)
		}
	}
}

// release gives back what fill took.
func (v *volume) release() {
	v.t.Helper()
	program.Must(v.t, os.Remove(v.ballast()))
}

// freeze makes a folder read-only for all who look for it by its name from now on.
func freeze(t testing.TB, folder string) (thaw func()) {
	t.Helper()
	program.Must(t, unix.Mount(folder, folder, "", unix.MS_BIND, ""))
	program.Must(t, unix.Mount("", folder, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	return func() { program.Must(t, unix.Unmount(folder, unix.MNT_DETACH)) }
}
