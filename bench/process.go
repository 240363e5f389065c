//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// launcher starts processes from one thread that lives as long as the program: Linux ends a process started with Pdeathsig
// when the thread that started it ends, so no server outlives the bench, however that ends.
type launcher struct {
	work chan func()
}

func newLauncher() *launcher {
	l := &launcher{work: make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range l.work {
			f()
		}
	}()
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	l.work <- func() { done <- cmd.Start() }
	return <-done
}

// process is a running server.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	log    string // where its output goes
}

// run starts a program whose output goes to a file in dir. Of the environment it sees PATH and env alone; its home is dir, so
// that it touches no file of the user.
func (l *launcher) run(dir string, env []string, program string, args ...string) (*process, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(filepath.Join(dir, "output.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the child has its own copy
	cmd := exec.Command(program, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "TMPDIR=" + dir}, env...)
	return l.runCommand(dir, log, cmd)
}

// runCommand runs what is prepared already, in dir; its output goes to log.
func (l *launcher) runCommand(dir string, log *os.File, cmd *exec.Cmd) (*process, error) {
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid, cmd.SysProcAttr.Pdeathsig = true, syscall.SIGKILL
	if err := l.start(cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{}), log: log.Name()}
	go func() {
		_ = cmd.Wait()
		close(p.exited)
	}()
	return p, nil
}

// stop ends the process and what it started: first it asks, after ten seconds it forces. A nil process is none.
func (p *process) stop() {
	if p == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(10 * time.Second):
	}
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
	<-p.exited
}

// ready waits until the server answers a request with 2xx, at most half a minute.
func (p *process) ready(ctx context.Context, addr string, r *request, pat *pattern) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		if answers(addr, r, pat) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %s: %w", filepath.Base(p.cmd.Path), p.lastWords(), ctx.Err())
		case <-time.After(500 * time.Microsecond):
		}
	}
}

func answers(addr string, r *request, pat *pattern) bool {
	c, err := dial(addr, pat)
	if err != nil {
		return false
	}
	defer c.close()
	a, err := c.ask(r)
	return err == nil && a.status/100 == 2
}

func (p *process) lastWords() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(data[max(0, len(data)-1000):])
}

// freeAddr gives a loopback address that nothing listens on.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// mostResident gives the greatest resident size of a process so far in MiB, without its children.
func (p *process) mostResident() (float64, error) {
	kib, err := statusField(p.cmd.Process.Pid, "VmHWM")
	return float64(kib) / 1024, err
}

// childrenResident gives the resident size of a process's children in MiB, all together, now.
func (p *process) childrenResident() (sum float64) {
	for _, pid := range children(p.cmd.Process.Pid) {
		kib, _ := statusField(pid, "VmRSS") // 0 for one that has ended meanwhile
		sum += float64(kib) / 1024
	}
	return sum
}

func statusField(pid int, field string) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	defer f.Close() //nolint:errcheck // read only
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), field+":"); ok {
			return strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
		}
	}
	return 0, errors.New("no " + field + " in /proc")
}

func children(pid int) []int {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	var pids []int
	for _, list := range lists {
		data, _ := os.ReadFile(list)
		for s := range strings.FieldsSeq(string(data)) {
			if n, err := strconv.Atoi(s); err == nil {
				pids = append(pids, n)
			}
		}
	}
	return pids
}
