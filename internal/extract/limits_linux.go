package extract

import (
	"bytes"
	"fmt"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// limitPlatform has the kernel bound the private memory, in case that nobody comes to look in time, and shuts the doors. The kernel counts what is
// mapped, used or not, so its limit is far above what the process may use.
func limitPlatform(limits setup) error {
	_ = os.WriteFile("/proc/self/comm", []byte("satchel extract"), 0) // for ps and top; 15 bytes at most
	if limits.Mapped > 0 {
		pages, err := dataPages()
		if err != nil {
			return err
		}
		most := pages*int64(os.Getpagesize()) + limits.Mapped
		if err := setLimit(unix.RLIMIT_DATA, uint64(most)); err != nil { //nolint:gosec // not negative
			return err
		}
	}
	return shutDoors()
}

// dataPages gives the pages of private memory that the process has mapped. Most of them are only reserved by the runtime.
func dataPages() (int64, error) {
	stat, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	return number(stat, 5)
}

// number gives a field, from 0, of what the kernel says of a process. In /proc/<pid>/statm, 1 is the resident pages, 5 the private ones.
func number(said []byte, field int) (int64, error) {
	fields := bytes.Fields(said)
	if len(fields) <= field {
		return 0, fmt.Errorf("field %d of %q", field, said)
	}
	return strconv.ParseInt(string(fields[field]), 10, 64)
}

// ownMemory is the memory that this process knows to be its own. The Pool knows more.
func ownMemory() int64 { return goMemory() }
