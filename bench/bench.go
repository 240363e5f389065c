//go:build linux

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// sizes says how much is measured.
type sizes struct {
	large        int64         // bytes of a large file
	small        int64         // bytes of a small file
	atOnce       int           // clients at once, where there are several
	window       time.Duration // how long a rate is measured
	files        int           // files in a store of ordinary size
	million      int           // files in a large store
	tenMillion   int           // files in the largest one, which takes long to load
	deleted      int           // files that are deleted in one turn
	rest         time.Duration // how long a server is left alone to be called idle
	repeats      int           // requests of which the median is a latency
	contentFiles int           // files whose content is read
	mixed        int           // documents of all formats
	sameFormat   int           // documents of one format
	crowded      int           // uploads to a bucket at once
	crowdedSize  int64         // bytes of each of them
}

func (o options) sizes() sizes {
	if o.quick {
		return sizes{large: 4 << 20, small: 4 << 10, atOnce: 4, window: 50 * time.Millisecond, rest: 50 * time.Millisecond, files: 300, million: 2_000,
			tenMillion: cmp.Or(o.huge, 5_000), deleted: 40, repeats: 5, contentFiles: 20, mixed: cmp.Or(o.documents, 40), sameFormat: 2, crowded: 8, crowdedSize: 1 << 20}
	}
	return sizes{large: 1 << 30, small: 4 << 10, atOnce: 16, window: 3 * time.Second, rest: 2 * time.Second, files: 10_000, million: 1_000_000,
		tenMillion: cmp.Or(o.huge, 10_000_000), deleted: 3_000, repeats: 100, contentFiles: 1_000, mixed: cmp.Or(o.documents, 1_000), sameFormat: 40, crowded: 64, crowdedSize: 256 << 20}
}

// bench is one run: the programs, the folders, and what was started.
type bench struct {
	options
	sizes
	root     string // of the repository
	cache    string // for programs that were built, kept between runs
	dir      string // for data, on the same disk, removed at the end
	errw     io.Writer
	launcher *launcher
	pattern  *pattern
	programs programs
	running  []server
	database *postgres         // nil until it is needed
	made     map[string]string // data folders that several measures use
	rushes   []rush            // what several measures find in the same rounds
}

// open builds and installs what the run needs.
func open(ctx context.Context, o options, errw io.Writer) (*bench, error) {
	root, err := repository()
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, sizes: o.sizes(), root: root, cache: filepath.Join(root, ".cache", "bench"), errw: errw,
		launcher: newLauncher(), made: map[string]string{}}
	if err := os.MkdirAll(b.cache, 0o755); err != nil {
		return nil, err
	}
	if b.dir, err = os.MkdirTemp(b.cache, "run-"); err != nil {
		return nil, err
	}
	if b.pattern, err = newPattern(filepath.Join(b.dir, "pattern")); err == nil {
		b.programs, err = b.install(ctx)
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// repository finds the folder with go.mod, here or above.
func repository() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", errors.New("run it inside the repository")
		}
	}
}

func (b *bench) close() {
	b.stopAll()
	b.database.stop()
	_ = os.RemoveAll(b.dir)
}

func (b *bench) say(format string, args ...any) { _, _ = fmt.Fprintf(b.errw, format+"\n", args...) }

// measure is one line of the goals: what is measured, for whom, and what is hoped for.
type measure struct {
	name  string // short, for -only
	title string
	unit  string
	note  string // how it is measured, for the reader of the results
	goals []goal
	setup func(ctx context.Context) ([]contestant, error)
}

// contestant is one of those that a measure compares.
type contestant struct {
	name string
	run  func(ctx context.Context) (float64, error)
	tidy func() error // after the turn, not measured; may be nil
}

// measure runs a measure's rounds: the first is thrown away, the order rotates. Between turns everything is written to the disk,
// so that nobody pays for what another left unwritten.
func (b *bench) measure(ctx context.Context, t *table) error {
	b.say("%s: preparing", t.name)
	defer b.stopAll()
	contestants, err := t.setup(ctx)
	if err != nil {
		return err
	}
	for _, c := range contestants {
		t.order = append(t.order, c.name)
	}
	for round := range b.rounds + 1 {
		for range min(round, 1) {
			contestants = append(contestants[1:], contestants[0])
		}
		for _, c := range contestants {
			value, err := b.turn(ctx, c)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			b.say("%s: round %d of %d: %-40s %12s", t.name, round, b.rounds, c.name, format(value, t.unit))
			if round > 0 {
				t.values[c.name] = append(t.values[c.name], value)
			}
		}
	}
	return nil
}

func (b *bench) turn(ctx context.Context, c contestant) (float64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	syscall.Sync()
	value, err := c.run(ctx)
	if c.tidy != nil {
		err = errors.Join(err, c.tidy())
	}
	return value, err
}

// begin starts a server; it runs until the end of the measure.
func (b *bench) begin(ctx context.Context, s server) error {
	b.running = append(b.running, s)
	return s.start(ctx)
}

func (b *bench) stopAll() {
	for _, s := range slices.Backward(b.running) {
		s.stop()
	}
	b.running = nil
}

// folder gives the path of a new data folder.
func (b *bench) folder(name string) (string, error) { return os.MkdirTemp(b.dir, name+"-") }
