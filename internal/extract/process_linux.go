package extract

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// ownProgram is the program that is running, also if its file has been replaced since.
func ownProgram() (string, error) { return "/proc/self/exe", nil }

// attributes has the kernel end a child when the thread that started it ends, for the case that the child cannot notice it: it may be stuck in code
// that lets nobody else run. A group of its own keeps signals from the terminal away.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// offer makes a child the first that the kernel takes when the machine runs out of memory. It is no matter if that fails.
func offer(pid int) {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/oom_score_adj", pid), []byte("1000"), 0)
}

// tick is the unit in which the kernel tells times.
const tick = 10 * time.Millisecond

// meter tells what a process uses. Its files keep to the process, even if another one should get its id.
type meter struct{ memory, stat *os.File }

func newMeter(pid int) (*meter, error) {
	memory, err := os.Open(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return nil, err
	}
	stat, err := os.Open(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil, errors.Join(err, memory.Close())
	}
	return &meter{memory, stat}, nil
}

// resident gives the bytes that a process has in memory; 0 for one that has ended.
func (m *meter) resident() int64 {
	var b [128]byte
	n, _ := m.memory.ReadAt(b[:], 0)
	pages, err := number(b[:n], 1)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// worked gives how long the processors have worked for a process; known is false if it has ended.
func (m *meter) worked() (d time.Duration, known bool) {
	var b [1 << 10]byte
	n, _ := m.stat.ReadAt(b[:], 0)
	after := b[bytes.LastIndexByte(b[:n], ')')+1 : n] // the name may hold anything
	user, userErr := number(after, 11)
	system, systemErr := number(after, 12)
	return time.Duration(user+system) * tick, userErr == nil && systemErr == nil
}

func (m *meter) close() {
	_ = m.memory.Close()
	_ = m.stat.Close()
}
