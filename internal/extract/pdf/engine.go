package pdf

import (
	"context"
	"errors"
	"io"
	"runtime"

	"github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// engine has PDFium's machine code in memory, 45 MB of it, and makes instances. An instance takes two milliseconds, so each document gets
// one of its own: nothing of a document can be seen by the next.
type engine struct {
	pool  pdfium.Pool
	cache wazero.CompilationCache // nil: none
	room  *room
}

// startEngine takes the compiled code from the folder, or compiles it and writes it there; with an empty name it compiles it and writes
// nothing. Instances see no files, no clock but the time, and nothing that they print is read. The engine outlives ctx.
func startEngine(ctx context.Context, folder string, limit uint64) (*engine, error) {
	e := &engine{room: &room{limit: limit}}
	settings := wazero.NewRuntimeConfig().WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling)
	if folder != "" {
		cache, err := wazero.NewCompilationCacheWithDir(folder)
		if err != nil {
			return nil, err
		}
		e.cache = cache
		settings = settings.WithCompilationCache(cache)
	}
	ctx = experimental.WithCompilationWorkers(context.WithoutCancel(ctx), runtime.GOMAXPROCS(0))
	pool, err := webassembly.Init(webassembly.Config{
		Context:       experimental.WithMemoryAllocator(ctx, e.room),
		MaxIdle:       1,
		MaxTotal:      1,
		FSConfig:      wazero.NewFSConfig(),
		RuntimeConfig: settings,
		Stdout:        io.Discard,
		Stderr:        io.Discard,
	})
	if err != nil {
		return nil, errors.Join(err, e.close(ctx))
	}
	e.pool = pool
	return e, nil
}

// close ends all instances and gives the memory back.
func (e *engine) close(ctx context.Context) error {
	var errs []error
	if e.pool != nil {
		errs = append(errs, e.pool.Close())
	}
	if e.cache != nil {
		errs = append(errs, e.cache.Close(ctx))
	}
	return errors.Join(errs...)
}
