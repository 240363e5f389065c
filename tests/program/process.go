package program

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
)

// Process is a program that is started, ended and started again, always with the same command line. It is safe for concurrent use.
type Process struct {
	Name    string
	URL     string                    // where it listens, if it does
	Command func() (*exec.Cmd, error) // makes its command line, anew for every start

	mu    sync.Mutex
	cmd   *exec.Cmd
	ended chan struct{}
}

// Start starts the program.
func (p *Process) Start() error {
	cmd, err := p.Command()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // the state of the process says how it ended
		close(ended)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cmd, p.ended = cmd, ended
	return nil
}

func (p *Process) current() (*exec.Cmd, chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd, p.ended
}

// Running reports whether the program runs, if only suspended.
func (p *Process) Running() bool {
	cmd, ended := p.current()
	if cmd == nil {
		return false
	}
	select {
	case <-ended:
		return false
	default:
		return true
	}
}

// Signal sends a signal. That the program does not run is no fault.
func (p *Process) Signal(sig syscall.Signal) error {
	cmd, _ := p.current()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("%s to %s: %w", sig, p.Name, err)
	}
	return nil
}

// End sends a signal that ends the program, waits for the end, and says how it was: -1 for a signal, else the exit status. 0 if it never ran.
func (p *Process) End(sig syscall.Signal) (status int, err error) {
	cmd, ended := p.current()
	if cmd == nil {
		return 0, nil
	}
	if err := p.Signal(sig); err != nil {
		return 0, err
	}
	<-ended
	return cmd.ProcessState.ExitCode(), nil
}

// PID is the id of the process that was started last; 0 if none was.
func (p *Process) PID() int {
	cmd, _ := p.current()
	if cmd == nil {
		return 0
	}
	return cmd.Process.Pid
}
