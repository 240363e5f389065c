// Satchel is a Files service: this one binary is the server, the command line client, and the tool that looks after the data.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	_ "golang.org/x/crypto/x509roots/fallback" // where the system has no roots, as in an image without files
	"golang.org/x/term"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: arguments and streams in, exit status out. It takes its environment from the process.
func run(ctx context.Context, args []string, in io.Reader, out, err io.Writer) int {
	return runAt(ctx, time.Now, args, in, out, err)
}

// runAt is run by a clock, from which ages are counted.
func runAt(ctx context.Context, now func() time.Time, args []string, in io.Reader, out, err io.Writer) int {
	output := &output{Writer: out}
	p := &program{name: callable(os.Args[0]), args: args, in: in, out: output, err: err, environ: os.Environ(), now: now}
	p.width, p.outTerminal = terminal(out)
	_, p.errTerminal = terminal(err)
	code := p.run(ctx)
	if code == exitOK && output.err != nil {
		p.sayf("satchel: standard output: %v\n", output.err)
		return exitFailed
	}
	return code
}

// output remembers that something could not be written, so that no command ends well without its output.
type output struct {
	io.Writer
	err error
}

func (o *output) Write(b []byte) (int, error) {
	n, err := o.Writer.Write(b)
	if err != nil {
		o.err = err
	}
	return n, err
}

// program is what every command needs of the world around it.
type program struct {
	name        string   // as people call it
	args        []string // behind the name
	in          io.Reader
	out, err    io.Writer
	environ     []string // as os.Environ gives it
	now         func() time.Time
	width       int // of the terminal that out is, in columns; 0: no terminal, or unknown
	outTerminal bool
	errTerminal bool
	started     bool // arguments and flags were understood; what fails from now on is no usage error
}

func (p *program) run(ctx context.Context) int {
	root := p.rootCommand() //nolint:contextcheck // the commands get it from cobra
	root.SetArgs(p.args)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	if !p.started {
		err = &usageError{err}
	}
	return p.report(ctx, cmd.CommandPath(), err)
}

// callable gives the word by which a shell starts the program again: the path by which it was started, or its name where a shell
// finds that by itself.
func callable(started string) string {
	switch {
	case !strings.ContainsRune(started, filepath.Separator):
		return "satchel"
	case strings.Trim(started, plainCharacters) == "":
		return started
	}
	return "'" + strings.ReplaceAll(started, "'", `'\''`) + "'"
}

// plainCharacters mean nothing but themselves to a shell.
const plainCharacters = "/._-+,@%ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// printf writes to standard output; run sees to it that a failure is not lost.
func (p *program) printf(format string, args ...any) { _, _ = fmt.Fprintf(p.out, format, args...) }

// sayf writes to standard error.
func (p *program) sayf(format string, args ...any) { _, _ = fmt.Fprintf(p.err, format, args...) }

// env gives an environment variable, "" when it is not set.
func (p *program) env(name string) string {
	for _, entry := range slices.Backward(p.environ) { // the last one counts
		if key, value, _ := strings.Cut(entry, "="); key == name {
			return value
		}
	}
	return ""
}

// terminal reports whether w is one, and how wide.
func terminal(w io.Writer) (width int, ok bool) {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	width, _, _ = term.GetSize(int(file.Fd()))
	return width, true
}
