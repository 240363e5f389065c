package extract

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// limitPlatform bounds the private memory by the kernel, a quarter above what the Pool allows, in case that it does not come to look in time, and
// shuts the doors.
func limitPlatform(memory int64) error {
	_ = os.WriteFile("/proc/self/comm", []byte("satchel extract"), 0) // for ps and top; 15 bytes at most
	used, err := dataPages()
	if err != nil {
		return err
	}
	if err := setLimit(unix.RLIMIT_DATA, uint64(used*int64(os.Getpagesize())+memory+memory/4)); err != nil { //nolint:gosec // not negative
		return err
	}
	return shutDoors()
}

// dataPages gives the pages of private memory that the process has mapped. Most of them are only reserved by the runtime.
func dataPages() (int64, error) {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	return statm(stat, 5)
}

// statm gives a field of a file /proc/<pid>/statm: 1 is resident, 5 data.
func statm(stat []byte, field int) (int64, error) {
	fields := strings.Fields(string(bytes.TrimRight(stat, "\x00")))
	if len(fields) <= field {
		return 0, fmt.Errorf("statm: %q", stat)
	}
	return strconv.ParseInt(fields[field], 10, 64)
}
