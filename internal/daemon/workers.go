package daemon

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/jobs"
	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/llm/openai"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/process"
)

const (
	maxChildren    = 4                // that read documents at once
	rescueInterval = 15 * time.Second // between two looks for runs whose workers are gone
	restartPause   = 2 * time.Second  // between two tries to start
	slack          = 2 * time.Minute  // of a job, above its turn, one extraction and one request to the model
	grace          = 5 * time.Second  // for running steps when the server stops; what is cut off is done again
)

// workers do what is to be done with files: they read documents and ask the model.
type workers struct {
	daemon    *Daemon
	files     *files.Service
	pool      *extract.Pool
	processor *process.Processor
	runner    *jobs.Runner
	model     bool
}

// openWorkers prepares the workers; nil if this server has none.
func (d *Daemon) openWorkers(service *files.Service, registry prometheus.Registerer) (*workers, error) {
	if d.config.Workers == 0 {
		return nil, nil
	}
	w := &workers{daemon: d, files: service, model: d.config.LLM.Configured()}
	model, err := openModel(d.config.LLM, d.logger)
	if err != nil {
		return nil, err
	}
	if w.pool, err = extract.NewPool(d.poolConfig()); err != nil {
		return nil, err
	}
	w.processor = process.New(process.Config{
		Files: service, Pool: w.pool, Model: model, TokensPerFile: d.config.LLM.TokensPerFile, Logger: d.logger, Observe: newRunMetrics(registry).observe,
		Tracer: d.tracing.tracer(),
	})
	w.runner, err = w.newRunner()
	return w, err
}

func (w *workers) newRunner() (*jobs.Runner, error) {
	return w.daemon.stores.newRunner(w.jobs())
}

// openModel gives the configured model; nil if there is none.
func openModel(c LLM, logger *slog.Logger) (llm.Model, error) {
	if !c.Configured() {
		return nil, nil
	}
	return newModel(c, logger)
}

func newModel(c LLM, logger *slog.Logger) (*openai.Client, error) {
	client, err := openai.New(openai.Config{
		URL: c.URL, Model: c.Model, Key: openai.Key(c.Key), Timeout: c.Timeout, AtOnce: c.Requests, Context: c.Context, Vision: c.Vision, Logger: logger,
	})
	if err != nil {
		return nil, fmt.Errorf("language model: %w", err)
	}
	return client, nil
}

func (d *Daemon) poolConfig() extract.PoolConfig {
	cache := filepath.Join(d.config.Data, cacheFolder)
	return extract.PoolConfig{
		Path: d.config.Program, Args: []string{ExtractCommand, "--cache", cache}, Env: childEnvironment(),
		Size: min(maxChildren, max(2, runtime.GOMAXPROCS(0)), d.config.Workers), Memory: int64(d.config.ExtractMemory), Time: d.config.ExtractTimeout,
		TempDir: cache, Logger: d.logger,
	}
}

func (w *workers) jobs() jobs.Config {
	c := w.daemon.config
	handler := func(kind string) jobs.Handler {
		return func(ctx context.Context, args string) error { return w.processor.Advance(ctx, kind, args) }
	}
	return jobs.Config{
		Handlers: map[string]jobs.Handler{files.JobAdvance: handler(files.JobAdvance), files.JobInstruct: handler(files.JobInstruct)},
		Workers:  c.Workers, WorkersOf: map[string]int{files.JobInstruct: c.LLM.Requests},
		Timeout: time.Minute + c.ExtractTimeout + c.LLM.Timeout + slack, Grace: min(c.ShutdownTimeout, grace), Logger: w.daemon.logger,
	}
}

// run works until ctx ends.
func (w *workers) run(ctx context.Context) error {
	if !w.daemon.config.shared() {
		// Before anything is worked on: what the process before this one had in work is nobody's now. Where others work, too, leases run out.
		w.try(ctx, "end the leases of the process before", func() (int, error) { return 0, w.daemon.stores.rows.EndLeases(ctx, time.Now()) })
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		w.prepareChildren(ctx)
		return nil
	})
	group.Go(func() error { return w.work(ctx) })
	group.Go(func() error { return w.look(ctx) })
	return group.Wait()
}

// work does jobs until ctx ends. A start that fails, on a full disk for one, is tried again: what needs no worker is served meanwhile.
func (w *workers) work(ctx context.Context) error {
	for runner := w.runner; ; {
		err := runner.Run(ctx)
		if err == nil {
			return nil
		}
		w.daemon.logger.WarnContext(ctx, "the workers could not start; it is tried again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(restartPause):
		}
		if runner, err = w.newRunner(); err != nil {
			return err
		}
	}
}

// look brings back into work what has fallen out of it: what waited for a model, once, and again and again runs whose workers are gone, and jobs whose
// workers never came to a run.
func (w *workers) look(ctx context.Context) error {
	rows := w.daemon.stores.rows
	ticker := time.NewTicker(rescueInterval)
	defer ticker.Stop()
	resumed := !w.model
	for {
		w.try(ctx, "rescue runs", func() (int, error) { return w.files.Rescue(ctx, rows) })
		if jobs, ok := rows.(meta.JobRescuer); ok {
			w.try(ctx, "rescue jobs", func() (int, error) { return jobs.RescueJobs(ctx, files.Lease) })
		}
		if !resumed {
			resumed = w.try(ctx, "resume files that waited for a model", func() (int, error) { return w.files.Resume(ctx, rows) })
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// try does something that is tried again when it fails, and logs what came of it.
func (w *workers) try(ctx context.Context, what string, do func() (int, error)) (done bool) {
	n, err := do()
	switch {
	case err != nil && ctx.Err() == nil:
		w.daemon.logger.WarnContext(ctx, "work could not be brought back; it is tried again", "what", what, "err", err)
	case n > 0:
		w.daemon.logger.InfoContext(ctx, "brought back into work", "what", what, "files", n)
	}
	return err == nil
}

func (w *workers) close() {
	if w != nil && w.pool != nil {
		_ = w.pool.Close() // its children end with this process at the latest
	}
}
