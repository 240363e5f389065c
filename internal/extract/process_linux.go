package extract

import (
	"fmt"
	"os"
	"syscall"
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

// meter tells how much memory a process uses.
type meter struct {
	stat *os.File // keeps to the process, even if another one should get its id
	page int64
}

func newMeter(pid int) (*meter, error) {
	stat, err := os.Open(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return nil, err
	}
	return &meter{stat: stat, page: int64(os.Getpagesize())}, nil
}

// resident gives the bytes that a process has in memory; 0 for one that has ended.
func (m *meter) resident() int64 {
	var b [128]byte
	n, _ := m.stat.ReadAt(b[:], 0)
	pages, err := statm(b[:n], 1)
	if err != nil {
		return 0
	}
	return pages * m.page
}

func (m *meter) close() { _ = m.stat.Close() }
