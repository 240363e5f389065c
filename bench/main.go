//go:build linux

// Command bench measures Satchel beside its limits and its peers, on one machine in one run, and writes bench/RESULTS.md:
// go run ./bench. It installs the peers by itself under .cache/bench; everything listens on the loopback interface alone, and
// everything it started ends with it.
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
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	rounds int
	only   *regexp.Regexp
	quick  bool
	long   bool
	peers  bool
	pprof  bool
	update bool
	out    string

	documents int // of the mixture; 0: as many as usual
	huge      int // files in the largest database; 0: as many as usual
}

func parse(args []string, errw io.Writer) (options, error) {
	var o options
	var only string
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	fs.SetOutput(errw)
	fs.IntVar(&o.rounds, "rounds", 3, "rounds that count; one more goes before them and is thrown away")
	fs.StringVar(&only, "only", "", "run only the measures whose name matches this regular expression, and write only to -out")
	fs.BoolVar(&o.quick, "quick", false, "small sizes: shows that the bench works, says nothing about speed")
	fs.BoolVar(&o.long, "large", false, "also what takes long: PocketBase's memory in many large uploads at once, and ten million files in PostgreSQL")
	fs.BoolVar(&o.update, "update", false, "write only the sections of what is measured, and leave the others in the file as they are")
	fs.BoolVar(&o.peers, "peers", true, "install and run the peers")
	fs.BoolVar(&o.pprof, "pprof", false, "start Satchel with its profiler and say where it is")
	fs.IntVar(&o.documents, "documents", 0, "how many documents of all formats are processed, in the place of the usual number")
	fs.IntVar(&o.huge, "files", 0, "how many files -large loads into PostgreSQL, in the place of the usual number")
	fs.StringVar(&o.out, "out", "", "file for the results (default bench/RESULTS.md for a whole run, else standard output)")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	if o.rounds < 1 || o.documents < 0 || o.huge < 0 {
		return o, errors.New("-rounds is 1 or more, -documents and -files are not negative")
	}
	if o.update && o.quick {
		return o, errors.New("-update is for what was measured: not with -quick")
	}
	var err error
	o.only, err = regexp.Compile(only)
	if o.out == "" && (only == "" || o.update) && !o.quick {
		o.out = filepath.Join("bench", "RESULTS.md")
	}
	return o, err
}

// run does what the arguments say: it measures, reports progress to errw, and writes the results to a file or to out.
func run(ctx context.Context, args []string, out, errw io.Writer) error {
	o, err := parse(args, errw)
	if err != nil {
		return err
	}
	b, err := open(ctx, o, errw)
	if err != nil {
		return err
	}
	defer b.close()
	var tables []*table
	for _, m := range b.measures() {
		if !o.only.MatchString(m.name) {
			continue
		}
		t := &table{measure: m, values: map[string][]float64{}}
		if err := b.measure(ctx, t); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		tables = append(tables, t)
	}
	return b.write(tables, out)
}
