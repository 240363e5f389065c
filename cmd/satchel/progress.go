package main

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"
)

// progress shows on a terminal how far a transfer is: bytes, speed and the time that is left; and lines about what else is being done. A nil one
// shows nothing.
type progress struct {
	container *mpb.Progress
	bar       *mpb.Bar // nil: lines alone
}

// newScreen is a progress for lines alone, on standard error.
func (p *program) newScreen() *progress {
	return &progress{container: mpb.New(mpb.WithOutput(p.err), mpb.WithAutoRefresh())}
}

// newProgress starts a bar on standard error if that is a terminal. A total of bytes of 0 or less means unknown.
func (p *program) newProgress(title string, total int64) *progress {
	if !p.errTerminal {
		return nil
	}
	g := p.newScreen()
	appended := []decor.Decorator{decor.Current(decor.SizeB1000(0), "% .1f")}
	if total > 0 {
		appended = []decor.Decorator{
			decor.Counters(decor.SizeB1000(0), "% .1f / % .1f"), decor.Percentage(decor.WC{W: 6}),
			decor.Name("  "), decor.AverageETA(decor.ET_STYLE_GO), decor.Name(" left"),
		}
	}
	appended = append(appended, decor.Name("  "), decor.AverageSpeed(decor.SizeB1000(0), "% .1f"))
	g.bar = g.container.New(0, mpb.BarStyle().Rbound("] "), mpb.BarRemoveOnComplete(),
		mpb.PrependDecorators(decor.Name(clean(title)+" ")), mpb.AppendDecorators(appended...))
	g.bar.SetTotal(total, false)
	return g
}

// add notes bytes that were transferred; fewer than none when some are sent again.
func (g *progress) add(n int64) {
	if g != nil && n != 0 {
		g.bar.IncrInt64(n)
	}
}

// sent takes the bar off the screen; lines stay.
func (g *progress) sent() {
	if g != nil && g.bar != nil {
		g.bar.Abort(true)
	}
}

// finish takes everything off the screen. All lines have ended.
func (g *progress) finish() {
	if g != nil {
		g.sent()
		g.container.Wait()
	}
}

// line is one that changes, with the time since it began. A nil one shows nothing.
type line struct {
	bar  *mpb.Bar
	text atomic.Pointer[string]
}

// line begins one at the foot of the screen.
func (g *progress) line(text string) *line {
	l := &line{}
	l.set(text)
	l.bar = g.container.New(0, mpb.NopStyle(), mpb.BarRemoveOnComplete(), mpb.PrependDecorators(
		decor.Spinner(nil), decor.Name(" "), decor.Any(func(decor.Statistics) string { return *l.text.Load() }),
		decor.Name("  "), decor.Elapsed(decor.ET_STYLE_GO),
	))
	return l
}

func (l *line) set(text string) {
	if l != nil {
		l.text.Store(&text)
	}
}

// end takes the line off the screen.
func (l *line) end() {
	if l != nil {
		l.bar.Abort(true)
	}
}

// print writes lines to w. If that is the terminal on which the bar stands, they go above it.
func (g *progress) print(w io.Writer, isTerminal bool, text string) {
	if g != nil && isTerminal {
		w = g.container
	}
	_, _ = io.WriteString(w, text)
}

// counted tells a progress of everything that is read from a file, and of steps back.
type counted struct {
	io.ReadSeeker
	closer   io.Closer // nil: nothing to close
	progress *progress
	at       int64
}

func (c *counted) Read(b []byte) (int, error) {
	n, err := c.ReadSeeker.Read(b)
	c.at += int64(n)
	c.progress.add(int64(n))
	return n, err
}

func (c *counted) Seek(offset int64, whence int) (int64, error) {
	at, err := c.ReadSeeker.Seek(offset, whence)
	if err == nil {
		c.progress.add(at - c.at)
		c.at = at
	}
	return at, err
}

func (c *counted) Close() error {
	if c.closer == nil {
		return nil
	}
	return c.closer.Close()
}

// stream is a source that can be read only once.
type stream struct{ io.Reader }

// Seek refuses, also where the reader below has a method of that name that happens to work.
func (stream) Seek(int64, int) (int64, error) { return 0, errors.New("a stream cannot be read again") }

// countOf writes a number with its noun.
func countOf(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
