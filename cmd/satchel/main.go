// Satchel is a Files service: this one binary is the server, the command line client, and the tool that looks after the data.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: arguments and streams in, exit status out. It takes its environment from the process.
func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	p := &program{in: in, out: out, err: err, environ: os.Environ(), now: time.Now}
	p.width, p.outTerminal = terminal(out)
	_, p.errTerminal = terminal(err)
	return p.run(ctx, args)
}

// program is what every command needs of the world around it.
type program struct {
	in          io.Reader
	out, err    io.Writer
	environ     []string // as os.Environ gives it
	now         func() time.Time
	width       int // of the terminal that out is, in columns; 0: no terminal, or unknown
	outTerminal bool
	errTerminal bool
	started     bool // arguments and flags were understood; what fails from now on is no usage error
}

func (p *program) run(ctx context.Context, args []string) int {
	root := p.rootCommand()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !p.started {
		err = &usageError{err}
	}
	return p.report(ctx, cmd.CommandPath(), err)
}

// env gives an environment variable, "" when it is not set.
func (p *program) env(name string) string {
	for i := len(p.environ) - 1; i >= 0; i-- {
		if key, value, _ := strings.Cut(p.environ[i], "="); key == name {
			return value
		}
	}
	return ""
}

// terminal reports whether w is one, and how wide.
func terminal(w io.Writer) (width int, ok bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) { //nolint:gosec // a file descriptor fits
		return 0, false
	}
	width, _, _ = term.GetSize(int(file.Fd())) //nolint:gosec // see above
	return width, true
}
