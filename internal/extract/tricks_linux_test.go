package extract

import (
	"errors"
	"net"
	"os"
	"os/exec"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
)

// platformTricks are for the system that the server usually runs on.
func platformTricks() map[string]trick {
	return map[string]trick{"reach": reachTrick, "hide": hideTrick}
}

// reachTrick tries to get out of the process, and tells with which success.
func reachTrick(words []string, _ string, _ Output) (satchel.Document, error) {
	found := map[string]string{}
	for what, try := range map[string]func() error{
		"read":    func() error { _, err := os.ReadFile(words[0]); return err },
		"write":   func() error { return os.WriteFile(words[0], nil, 0o600) },
		"remove":  func() error { return os.Remove(words[0]) },
		"execute": func() error { return exec.Command("/proc/self/exe", "unrelated").Run() },
		"connect": func() error { _, err := net.Dial("tcp", words[1]); return err },
		"signal":  func() error { return unix.Kill(os.Getppid(), 0) },
		"spy":     func() error { return unix.PtraceAttach(os.Getppid()) },
		"log":     func() error { _, err := os.Stderr.WriteString("heard\n"); return err },
		"unlimit": func() error { return unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 100, Max: 100}) },
	} {
		found[what] = verdict(try())
	}
	return satchel.Document{Properties: found}, nil
}

func verdict(err error) string {
	switch {
	case err == nil:
		return "done"
	case errors.Is(err, unix.EPERM):
		return "refused"
	}
	return err.Error()
}

// hideTrick takes memory that neither the Go runtime nor the limit of private memory counts.
func hideTrick([]string, string, Output) (satchel.Document, error) {
	b, err := unix.Mmap(-1, 0, 1<<30, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return satchel.Document{}, err
	}
	for i := 0; i < len(b); i += 4 << 10 {
		b[i] = 1
	}
	<-make(chan struct{})
	return satchel.Document{}, nil
}
