// Command fidelity compares the text that Satchel finds in documents with what others find, word by word and number by number: pdftotext in PDF,
// LibreOffice's own export in office documents. The documents are those of scripts/corpus, whose programs it uses too. It times a page beside
// theirs in the same run, and writes bench/FIDELITY.md: go run ./bench/fidelity.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"

	"github.com/satchel-files/satchel/internal/daemon"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := start(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "fidelity:", err)
		os.Exit(1)
	}
}

// prepareCommand makes what the processes that read documents need.
const prepareCommand = "prepare"

// start is the program, or the process that reads documents for it.
func start(ctx context.Context, args []string, out, errw io.Writer) error {
	switch {
	case len(args) == 2 && args[0] == prepareCommand:
		return daemon.PrepareExtract(ctx, args[1])
	case len(args) == 3 && args[0] == daemon.ExtractCommand:
		return daemon.ServeExtract(ctx, args[2])
	}
	return run(ctx, args, out, errw)
}

// options is what the command line says.
type options struct {
	only  *regexp.Regexp
	limit int
	out   string
	root  string
}

func parse(args []string, errw io.Writer) (o options, err error) {
	var only string
	flags := flag.NewFlagSet("fidelity", flag.ContinueOnError)
	flags.SetOutput(errw)
	flags.StringVar(&only, "only", "", "compare only formats that match this regular expression, and write only to -out")
	flags.IntVar(&o.limit, "limit", 0, "compare at most so many documents of a format, and write only to -out")
	flags.StringVar(&o.out, "out", "", "file for the results (default bench/FIDELITY.md for a whole run, else standard output)")
	flags.StringVar(&o.root, "root", ".", "folder of the repository")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.only, err = regexp.Compile(only)
	if o.out == "" && only == "" && o.limit == 0 {
		o.out = filepath.Join(o.root, "bench", "FIDELITY.md")
	}
	return o, err
}

// run compares what the arguments say. Progress goes to errw, the results to a file or to out.
func run(ctx context.Context, args []string, out, errw io.Writer) error {
	o, err := parse(args, errw)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	b, err := open(ctx, o, errw)
	if err != nil {
		return err
	}
	defer b.close()
	var tables []table
	for _, f := range formats() {
		if !o.only.MatchString(f.name) {
			continue
		}
		t, err := b.compare(ctx, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.name, err)
		}
		tables = append(tables, t)
	}
	text := render(tables)
	if o.out == "" {
		_, err = io.WriteString(out, text)
		return err
	}
	return os.WriteFile(o.out, []byte(text), 0o644)
}
