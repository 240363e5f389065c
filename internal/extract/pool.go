package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/satchel-files/satchel"
)

// PoolConfig says how documents are read. What is zero becomes the default.
type PoolConfig struct {
	Path string   // the program that serves, see Serve; default: the running one
	Args []string // of that program
	Env  []string // of that program, "NAME=value"; it gets nothing of this process's environment. Default: none

	Size       int           // children at most, and so documents at a time; default 2
	Memory     int64         // bytes that a child may have; default 512 MiB
	Time       time.Duration // that a child may work on a document; five times that if the machine lets it wait; default 60 s
	MaxText    int64         // bytes of a document's text; default 256 MiB
	MaxPages   int           // default 100,000
	ReuseCount int           // documents that a child reads before another one takes its place; default 200
	MaxIdle    time.Duration // after which a child without work ends, if it is not the only one; default 5 min
	TempDir    string        // for content that is no file; default: the system's
	Logger     *slog.Logger  // default: none
}

func (c PoolConfig) withDefaults() (PoolConfig, error) {
	if c.Path == "" {
		own, err := ownProgram()
		if err != nil {
			return c, fmt.Errorf("extract: find the running program: %w", err)
		}
		c.Path = own
	}
	c.Size = otherwise(c.Size, 2)
	c.Memory = otherwise(c.Memory, 512<<20)
	c.Time = otherwise(c.Time, time.Minute)
	c.MaxText = otherwise(c.MaxText, 256<<20)
	c.MaxPages = otherwise(c.MaxPages, 100_000)
	c.ReuseCount = otherwise(c.ReuseCount, 200)
	c.MaxIdle = otherwise(c.MaxIdle, 5*time.Minute)
	c.Logger = otherwise(c.Logger, slog.New(slog.DiscardHandler))
	return c, nil
}

func otherwise[T comparable](value, standard T) T {
	var zero T
	if value == zero {
		return standard
	}
	return value
}

// Pool has child processes read documents. The first starts when it is needed, or when Warm is called; from then on at least one is kept ready.
// It is safe for concurrent use. Whoever makes it closes it.
type Pool struct {
	config PoolConfig
	limits setup // of a child
	forks  chan fork
	wanted chan struct{}  // a child is to be started ahead of need
	quit   chan struct{}  // closed by Close
	tasks  sync.WaitGroup // goroutines of its own; nothing is added after Close

	mu       sync.Mutex
	changed  *sync.Cond          // something below is other than it was
	idle     []*child            // the last one is taken next
	all      map[*child]struct{} // that have been started and have not been given up
	places   int                 // of all children, those included that are about to start
	starting int                 // that nobody has asked for: they will be idle
	waiting  int                 // who would take an idle one
	reaper   *time.Timer         // looks for those that have been idle for long; nil: nobody looks
	closed   bool
}

// NewPool makes a Pool. It starts nothing yet.
func NewPool(config PoolConfig) (*Pool, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	limits := setup{Memory: config.Memory, Mapped: 2 * config.Memory}
	p := &Pool{config: config, limits: limits, forks: make(chan fork), wanted: make(chan struct{}, 1), quit: make(chan struct{}), all: map[*child]struct{}{}}
	p.changed = sync.NewCond(&p.mu)
	p.tasks.Go(p.forkAll)
	p.tasks.Go(p.startWanted)
	return p, nil
}

// Extract gives the text of a document to out, page by page, and returns what is known of it, with Pages, Characters and Format. The pages are
// counted as they came, empty ones too. Pages that out got before an error are worth nothing.
//
// Content that is an *os.File is not copied: the child reads the same file, all of it, wherever its offset is. filename is a hint. out may take its
// time. ErrUnsupported comes with Result.Type. The end of ctx is ctx.Err(), and an error of out is returned as it is. *satchel.Error is about the
// document: CodeDocumentEncrypted, CodeDocumentBroken, CodeDocumentTooComplex, also for a limit of the Pool, or CodeExtractionFailed, also when the
// child died. Any other error is not, and the same document may be read later.
func (p *Pool) Extract(ctx context.Context, content io.ReadSeeker, filename string, out Output) (Result, error) {
	a := &answer{out: out}
	err := p.do(ctx, content, request{Filename: filename}, a)
	return a.result, err
}

// Render gives page number n of a document, from 1, as a PNG or JPEG of at most 8 MiB whose longer side has at most side pixels. Content, filename
// and errors are those of Extract. ErrUnsupported: nobody can draw content of that type.
func (p *Pool) Render(ctx context.Context, content io.ReadSeeker, filename string, n, side int) ([]byte, error) {
	if n < 1 || side < 1 {
		return nil, fmt.Errorf("extract: render page %d with %d pixels", n, side)
	}
	a := &answer{}
	err := p.do(ctx, content, request{Filename: filename, Page: n, Side: side}, a)
	if err == nil && len(a.image) == 0 {
		err = &satchel.Error{Code: satchel.CodeExtractionFailed, Message: unreadable, Err: errors.New("an empty image")}
	}
	return a.image, err
}

// Warm returns when a child is ready, so that the next document does not wait for one to start.
func (p *Pool) Warm(ctx context.Context) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	p.give(c)
	return nil
}

// Close ends all children, also those at work: their documents end with ErrClosed. It returns when they are gone.
func (p *Pool) Close() error {
	p.mu.Lock()
	if !p.closed {
		p.closed = true
		close(p.quit)
	}
	if p.reaper != nil {
		p.reaper.Stop()
	}
	for c := range p.all {
		c.kill(ErrClosed)
	}
	p.changed.Broadcast()
	p.mu.Unlock()
	p.tasks.Wait()
	return nil
}

// do has a request answered. A child that died before it said anything may have been dead already, so another one is asked once.
func (p *Pool) do(ctx context.Context, content io.ReadSeeker, r request, a *answer) error {
	d, err := p.open(ctx, content)
	if err != nil {
		return err
	}
	defer d.close()
	r.Size, r.Filename = d.size, strings.ToValidUTF8(r.Filename[:min(len(r.Filename), satchel.MaxFilename)], "")
	a.bounds = bounds{text: p.config.MaxText, pages: p.config.MaxPages}
	err = p.once(ctx, d, r, a)
	if errors.Is(err, errCrashed) && !a.frames.seen {
		err = p.once(ctx, d, r, a)
	}
	return err
}

func (p *Pool) once(ctx context.Context, d *source, r request, a *answer) error {
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	err = c.ask(ctx, r, d, &p.config, a)
	if errors.Is(err, errCrashed) {
		p.config.Logger.WarnContext(ctx, "a child died over a document", "error", err, "type", a.result.Type, "bytes", d.size)
	}
	p.give(c)
	return err
}

// take gives a child that is ready, which give takes back.
func (p *Pool) take(ctx context.Context) (*child, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer context.AfterFunc(ctx, p.broadcast)()
	for {
		if p.closed {
			return nil, ErrClosed
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if c := p.pop(); c != nil {
			return c, nil
		}
		if p.places < p.config.Size && p.waiting >= p.starting {
			return p.startNow(ctx)
		}
		p.waiting++
		p.changed.Wait()
		p.waiting--
	}
}

func (p *Pool) broadcast() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.changed.Broadcast()
}

// pop takes an idle child, if there is one. If this is to be its last document, its successor gets ready meanwhile. The lock is held.
func (p *Pool) pop() *child {
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !c.alive() {
			p.drop(c)
			continue
		}
		if c.documents+1 >= p.config.ReuseCount {
			p.keepOne()
		}
		return c
	}
	return nil
}

// startNow starts a child for whoever asks for one. The lock is held before and after, and not meanwhile.
func (p *Pool) startNow(ctx context.Context) (*child, error) {
	p.places++
	p.mu.Unlock()
	c, err := p.start(ctx)
	p.mu.Lock()
	if err != nil {
		p.places--
		p.changed.Broadcast()
		return nil, err
	}
	return c, nil
}

// give takes a child back, to keep it or to let it go.
func (p *Pool) give(c *child) {
	resident := c.meter.resident()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || !c.alive() || c.documents >= p.config.ReuseCount || resident > p.config.Memory/2 {
		p.drop(c)
		p.keepOne()
		return
	}
	p.push(c)
}

// push makes a child idle. The lock is held.
func (p *Pool) push(c *child) {
	c.idleSince = time.Now()
	p.idle = append(p.idle, c)
	p.changed.Broadcast()
	if p.reaper == nil && len(p.idle) > 1 {
		p.reaper = time.AfterFunc(p.config.MaxIdle, p.reap)
	}
}

// drop gives a child up that is not idle any more. The lock is held.
func (p *Pool) drop(c *child) {
	c.kill(errGivenUp)
	delete(p.all, c)
	p.places--
	p.changed.Broadcast()
}

var errGivenUp = errors.New("extract: the child is not needed any more")

// reap ends the children that have been idle for too long, but for one.
func (p *Pool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reaper = nil
	for len(p.idle) > 1 && !p.closed {
		oldest := p.idle[0]
		if rest := p.config.MaxIdle - time.Since(oldest.idleSince); rest > 0 {
			p.reaper = time.AfterFunc(rest, p.reap)
			return
		}
		p.idle = p.idle[1:]
		p.drop(oldest)
	}
}

// keepOne starts a child ahead of need if none is idle and there is room. The lock is held.
func (p *Pool) keepOne() {
	if p.closed || len(p.idle) > 0 || p.starting > 0 || p.places >= p.config.Size {
		return
	}
	p.places++
	p.starting++
	p.wanted <- struct{}{} // there is room for one
}

// startWanted starts the children that keepOne wants.
func (p *Pool) startWanted() {
	for {
		select {
		case <-p.wanted:
			p.startAhead(context.Background())
		case <-p.quit:
			return
		}
	}
}

// startAhead starts a child that has a place, and makes it idle.
func (p *Pool) startAhead(ctx context.Context) {
	c, err := p.start(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.starting--
	switch {
	case err == nil && p.closed:
		p.drop(c)
	case err == nil:
		p.push(c)
	default: // whoever needs one tries again, and hears of it
		p.places--
		p.changed.Broadcast()
		p.config.Logger.WarnContext(ctx, "a child could not be started ahead of need", "error", err)
	}
}

// start starts a child that has a place, and waits until it is ready.
func (p *Pool) start(ctx context.Context) (*child, error) {
	c, err := p.spawn()
	if err != nil {
		return nil, fmt.Errorf("extract: start a child: %w", err)
	}
	if !p.register(c) {
		c.kill(ErrClosed)
		c.await()
		return nil, ErrClosed
	}
	if err := c.greet(ctx, p.limits); err != nil {
		return nil, p.stillborn(ctx, c, err)
	}
	return c, nil
}

// register makes a child known, so that Close ends it, and looks after its end. It reports false after Close.
func (p *Pool) register(c *child) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return false
	}
	p.all[c] = struct{}{}
	p.tasks.Go(func() {
		c.await()
		p.died(c)
	})
	return true
}

// stillborn says why a child was never ready.
func (p *Pool) stillborn(ctx context.Context, c *child, err error) error {
	c.kill(err)
	<-c.dead
	p.mu.Lock()
	delete(p.all, c)
	p.mu.Unlock()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(c.killed(), ErrClosed):
		return ErrClosed
	}
	said, _, _ := c.notes.words(ctx)
	return fmt.Errorf("extract: start a child: %w; it said %q and ended with %s", err, said, c.cmd.ProcessState)
}

// died looks after the place of a child that ended by itself when it had nothing to do. One that was of use gets a successor.
func (p *Pool) died(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := slices.Index(p.idle, c)
	if i < 0 {
		return // whoever has it will notice
	}
	p.idle = slices.Delete(p.idle, i, i+1)
	p.drop(c)
	if c.documents > 0 {
		p.keepOne()
	}
}

// fork is a process to be started.
type fork struct {
	cmd  *exec.Cmd
	done chan<- error
}

// fork starts a process.
func (p *Pool) fork(cmd *exec.Cmd) error {
	done := make(chan error, 1)
	select {
	case p.forks <- fork{cmd, done}:
		return <-done
	case <-p.quit:
		return ErrClosed
	}
}

// forkAll starts the processes. All come from one thread that lives as long as the Pool: see attributes.
func (p *Pool) forkAll() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for {
		select {
		case f := <-p.forks:
			f.done <- f.cmd.Start()
		case <-p.quit:
			return
		}
	}
}
