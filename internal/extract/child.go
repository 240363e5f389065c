package extract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	startTime = time.Minute // for a child to say hello
	waitDelay = time.Second // for the rest of what a dead child said
	nice      = 19

	maxPatience = 4 // times a document's time, for a child that gets no processor
)

// child is a process that reads documents. One goroutine at a time uses it.
type child struct {
	cmd   *exec.Cmd
	conn  *net.UnixConn
	meter *meter
	notes *notes
	dead  chan struct{} // closed when the process has ended

	verdict   atomic.Pointer[error] // why we ended it; nil: we did not
	documents int                   // that it has read
	idleSince time.Time
}

// spawn starts a process, with nothing of ours but one end of a connection.
func (p *Pool) spawn() (*child, error) {
	ours, theirs, err := socketPair()
	if err != nil {
		return nil, fmt.Errorf("make a connection: %w", err)
	}
	defer func() { _ = theirs.Close() }()
	conn, err := connection(ours)
	if err != nil {
		return nil, fmt.Errorf("make a connection: %w", err)
	}
	c := &child{conn: conn, notes: &notes{log: p.config.Logger}, dead: make(chan struct{})}
	c.notes.begin()
	c.cmd = p.command(theirs, c.notes)
	if err := p.fork(c.cmd); err != nil {
		_ = conn.Close()
		return nil, err
	}
	pid := c.cmd.Process.Pid
	_ = unix.Setpriority(unix.PRIO_PGRP, pid, nice) // all of its threads; it only fails if the child has ended
	offer(pid)
	if c.meter, err = newMeter(pid); err != nil {
		c.kill(err)
		_ = c.cmd.Wait()
		return nil, err
	}
	return c, nil
}

// command is how a child is started. Nothing of the server's environment is in it.
func (p *Pool) command(conn *os.File, notes *notes) *exec.Cmd {
	cmd := exec.Command(p.config.Path, p.config.Args...) //nolint:noctx,gosec // it outlives the request that needs it first; Close ends it
	cmd.Args[0] = "satchel"
	cmd.Env = append([]string{"TZ=UTC"}, p.config.Env...)
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{conn} // becomes inheritedDescriptor
	cmd.Stderr = notes
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = waitDelay
	return cmd
}

// socketPair makes a connection between two processes.
func socketPair() (ours, theirs *os.File, err error) {
	syscall.ForkLock.RLock() // so that no program that is started meanwhile inherits it
	defer syscall.ForkLock.RUnlock()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	unix.CloseOnExec(pair[0])
	unix.CloseOnExec(pair[1])
	return os.NewFile(uintptr(pair[0]), "child"), os.NewFile(uintptr(pair[1]), "pool"), nil
}

// greet gives a child its limits and waits until it is ready.
func (c *child) greet(ctx context.Context, limits setup) error {
	defer context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })()
	if err := c.conn.SetDeadline(time.Now().Add(startTime)); err != nil {
		return err
	}
	payload, err := json.Marshal(limits)
	if err != nil {
		return err
	}
	if _, err := c.conn.Write(append(appendHeader(nil, kindSetup, len(payload)), payload...)); err != nil {
		return err
	}
	k, payload, err := newFrameReader(c.conn).next() // it says nothing more before it is asked
	switch {
	case err != nil:
		return err
	case k != kindHello || len(payload) != 1:
		return fmt.Errorf("%w: its first frame is %q", errProtocol, k)
	case payload[0] != protocol:
		return fmt.Errorf("%w: it speaks version %d, not %d; has the program been replaced? restart it", errProtocol, payload[0], protocol)
	}
	return c.conn.SetDeadline(time.Time{})
}

// kill ends the process. The first reason counts.
func (c *child) kill(reason error) {
	c.verdict.CompareAndSwap(nil, &reason)
	_ = c.cmd.Process.Kill() // it may be dead
	_ = c.conn.Close()
}

// killed gives the reason why we killed it; nil if we did not.
func (c *child) killed() error {
	if reason := c.verdict.Load(); reason != nil {
		return *reason
	}
	return nil
}

// alive reports whether a child can be used, as far as is known.
func (c *child) alive() bool {
	select {
	case <-c.dead:
		return false
	default:
		return c.killed() == nil
	}
}

// await waits for the end of the process.
func (c *child) await() {
	_ = c.cmd.Wait() // how it ended is in ProcessState
	_ = c.conn.Close()
	c.meter.close()
	close(c.dead)
}

// ask sends a request and reads the answer. If it fails in a way after which the child is no more of use, the child has ended.
func (c *child) ask(ctx context.Context, r request, d *source, limits *PoolConfig, a *answer) error {
	defer context.AfterFunc(ctx, func() { c.kill(ctx.Err()) })()
	defer c.watch(limits.Memory)()
	c.notes.begin()
	c.documents++
	a.frames = newFrameReader(&clock{from: c.conn, left: limits.Time, more: c.patience(limits.Time)})
	err := sendRequest(c.conn, r, d.file)
	if err == nil {
		err = a.read()
	}
	if a.ended {
		return err
	}
	c.kill(err)
	<-c.dead
	return c.explain(ctx, err, limits)
}

// patience says, each time that the child's time is over, how much more it gets: what it has not worked of it, because the machine had no
// processor for it. All in all that is maxPatience times its time. Where nobody knows how much it works it gets nothing more.
func (c *child) patience(limit time.Duration) func() time.Duration {
	before, _ := c.meter.worked()
	left := maxPatience * limit
	return func() time.Duration {
		now, known := c.meter.worked()
		if rest := limit - (now - before); known && rest > 0 {
			rest = min(max(rest, lookEvery), left)
			left -= rest
			return rest
		}
		return 0
	}
}

// watch ends the child when it uses too much memory, until stop is called.
func (c *child) watch(memory int64) (stop func()) {
	return every(lookEvery, func() {
		if c.meter.resident() > memory {
			c.kill(errMemory)
		}
	})
}

// explain says why a child that has ended did not finish its answer; err is how that was noticed.
func (c *child) explain(ctx context.Context, err error, limits *PoolConfig) error {
	said, memory, depth := c.notes.words(ctx)
	reason := c.killed()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(reason, ErrClosed):
		return ErrClosed
	case errors.Is(err, os.ErrDeadlineExceeded):
		return tooComplex("reading the document takes longer than %s", limits.Time)
	case errors.Is(err, errProtocol):
		return crashed(err.Error())
	case !errors.Is(err, errBroken):
		return err // of a bound, or of whoever takes the text
	case errors.Is(reason, errMemory), memory:
		return tooMuchMemory(limits.Memory)
	case depth:
		return tooComplex("the document is nested too deeply")
	}
	return crashed(fmt.Sprintf("%s: %s", c.cmd.ProcessState, said))
}

// clock is a connection that only so much time may be spent waiting for. What passes between two reads does not count.
type clock struct {
	from interface {
		Read(p []byte) (int, error)
		SetReadDeadline(t time.Time) error
	}
	left time.Duration
	more func() time.Duration // is asked when nothing is left
}

// Read reads; os.ErrDeadlineExceeded when the time is over.
func (c *clock) Read(p []byte) (int, error) {
	for {
		start := time.Now()
		if err := c.from.SetReadDeadline(start.Add(c.left)); err != nil {
			return 0, err
		}
		n, err := c.from.Read(p)
		c.left = max(c.left-time.Since(start), 0)
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
		if c.left = c.more(); c.left <= 0 {
			return 0, err
		}
	}
}
