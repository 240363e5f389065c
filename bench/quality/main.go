// Command quality measures how good the metadata are that a language model makes: go run ./bench/quality. It puts the documents and edits of
// testdata, whose answers are known, through the model at SATCHEL_LLM_URL (SATCHEL_LLM_MODEL, SATCHEL_LLM_KEY, SATCHEL_LLM_TIMEOUT,
// SATCHEL_LLM_CONTEXT), prints what is wrong, adds a row to bench/QUALITY.md for each half that was run as a whole, and keeps every question and
// answer below .cache/quality.
package main

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/caarlos0/env/v11"

	"github.com/satchel-files/satchel/internal/llm/openai"
)

//go:embed testdata/documents testdata/edits
var testdata embed.FS

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], env.ToMap(os.Environ()), os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "quality:", err)
		os.Exit(1)
	}
}

// options is what the command line says.
type options struct {
	halves []half
	only   *regexp.Regexp
	limit  int
	parts  string
	name   string // of the model, for people
	root   string // of the repository
}

// partial reports whether only some cases of a half are run, which is no result.
func (o options) partial() bool { return o.only.String() != "" || o.limit > 0 || o.parts != "all" }

func parse(args []string, errw io.Writer) (o options, err error) {
	var name, only string
	flags := flag.NewFlagSet("quality", flag.ContinueOnError)
	flags.SetOutput(errw)
	flags.StringVar(&name, "half", "all", "tune, report or all")
	flags.StringVar(&only, "only", "", "run only the cases whose name matches this regular expression; no row is added")
	flags.IntVar(&o.limit, "limit", 0, "run at most so many documents and edits of a half; no row is added")
	flags.StringVar(&o.parts, "parts", "all", "documents, edits or all")
	flags.StringVar(&o.name, "name", "", "what the row calls the model (default SATCHEL_LLM_MODEL)")
	flags.StringVar(&o.root, "root", ".", "folder of the repository")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch half(name) {
	case tune, report:
		o.halves = []half{half(name)}
	case "all":
		o.halves = []half{tune, report}
	default:
		return o, fmt.Errorf("-half is tune, report or all, not %q", name)
	}
	if o.parts != "all" && o.parts != "documents" && o.parts != "edits" {
		return o, fmt.Errorf("-parts is documents, edits or all, not %q", o.parts)
	}
	o.only, err = regexp.Compile(only)
	return o, err
}

// model is how the language model is reached; the names are those of the server.
type model struct {
	URL     string        `env:"URL,required"`
	Model   string        `env:"MODEL,required"`
	Key     string        `env:"KEY"`
	Timeout time.Duration `env:"TIMEOUT" envDefault:"10m"`
	Context int           `env:"CONTEXT"`
}

// run does what the arguments say: what goes wrong goes to out case by case, the results at the end.
func run(ctx context.Context, args []string, environment map[string]string, out, errw io.Writer) error {
	o, err := parse(args, errw)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	var m model
	if err := env.ParseWithOptions(&m, env.Options{Prefix: "SATCHEL_LLM_", Environment: environment}); err != nil {
		return err
	}
	client, err := openai.New(openai.Config{URL: m.URL, Model: m.Model, Key: openai.Key(m.Key), Timeout: m.Timeout, Context: m.Context})
	if err != nil {
		return err
	}
	files, err := fs.Sub(testdata, "testdata")
	if err != nil {
		return err
	}
	cases, err := load(files)
	if err != nil {
		return err
	}
	r := newRunner(client, filepath.Join(o.root, ".cache", "quality"), out)
	for _, h := range o.halves {
		if err := o.half(ctx, r, cases, h); err != nil {
			return err
		}
	}
	return nil
}

// half runs the chosen cases of one half.
func (o options) half(ctx context.Context, r *runner, cases set, h half) error {
	_, _ = fmt.Fprintf(r.out, "== %s: %s\n", h, r.model.Limits().Name)
	result, err := r.all(ctx, o.choose(cases, h))
	if err != nil {
		return err
	}
	if err := result.print(r.out); err != nil || o.partial() {
		return err
	}
	return appendRow(filepath.Join(o.root, "bench", "QUALITY.md"), row(cmp.Or(o.name, r.model.Limits().Name), h, result))
}

// choose gives the cases of a half that the options ask for.
func (o options) choose(all set, h half) (chosen set) {
	for _, d := range all.documents {
		if d.Half == h && o.only.MatchString(d.name) && o.parts != "edits" && (o.limit == 0 || len(chosen.documents) < o.limit) {
			chosen.documents = append(chosen.documents, d)
		}
	}
	for _, e := range all.edits {
		if e.Half == h && o.only.MatchString(e.name) && o.parts != "documents" && (o.limit == 0 || len(chosen.edits) < o.limit) {
			chosen.edits = append(chosen.edits, e)
		}
	}
	return chosen
}
