// Package pdf reads PDF documents with PDFium. PDFium is compiled to WebAssembly here: a document that breaks it breaks a machine without
// files, network and other documents, whose memory is bounded, and the next document gets a new one.
package pdf

import (
	"context"
	"fmt"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// The memory that PDFium may take, in pages of 64 KiB.
const (
	DefaultMemoryPages = 256 << 4  // 256 MiB, enough to draw a scanned A4 page of 1200 dpi
	MinMemoryPages     = 32 << 4   // 32 MiB; it starts with 18
	MaxMemoryPages     = 2048 << 4 // 2 GiB, all that the code can address
)

// Config is how PDFium runs. Its zero value works.
type Config struct {
	// CacheDir is the folder for PDFium's compiled code; see Format.Prepare. It may be deleted at any time, and need not exist. Empty: the
	// code is compiled for the first document of each process.
	CacheDir string
	// MemoryPages bounds what PDFium may take for one document; zero is DefaultMemoryPages. It is set to the nearest value allowed.
	MemoryPages int
}

// Format reads PDFs. What is costly is made by Start, or else for the first document.
type Format struct {
	config Config
	engine *engine // nil: not started
}

var (
	_ extract.Format   = (*Format)(nil)
	_ extract.Renderer = (*Format)(nil)
	_ extract.Starter  = (*Format)(nil)
)

// New makes a Format. It reads and starts nothing yet.
func New(config Config) *Format {
	if config.MemoryPages == 0 {
		config.MemoryPages = DefaultMemoryPages
	}
	config.MemoryPages = min(max(config.MemoryPages, MinMemoryPages), MaxMemoryPages)
	return &Format{config: config}
}

// Types are the content types of PDFs.
func (f *Format) Types() []string { return []string{"application/pdf"} }

// Prepare sees to it that PDFium's compiled code, 21 MB, is in the cache folder: the first PDF of a process then takes a tenth of a second
// and 50 MB instead of seconds and 300 MB. That is what Prepare takes itself when it finds no code, or damaged code, so let a process do it
// that ends afterwards. It is the only thing here that writes. Processes may do it at once. Without it, or when it fails, everything works,
// slowly. Without a cache folder it does nothing.
func (f *Format) Prepare(ctx context.Context) error {
	if f.config.CacheDir == "" {
		return nil
	}
	err := newCache(f.config.CacheDir).make(ctx, func(folder string) error {
		e, err := startEngine(ctx, folder, f.limit())
		if err != nil {
			return err
		}
		return e.close(ctx)
	})
	if err != nil {
		return fmt.Errorf("pdf: keep compiled code in %s: %w", f.config.CacheDir, err)
	}
	return nil
}

// Close ends what the first document started. The Format can be used again.
func (f *Format) Close() error {
	if f.engine == nil {
		return nil
	}
	e := f.engine
	f.engine = nil
	return e.close(context.Background())
}

func (f *Format) limit() uint64 { return uint64(f.config.MemoryPages) * pageBytes } //nolint:gosec // never negative

// Start implements extract.Starter: it starts the engine if its code is in the cache folder, which takes a tenth of a second and 50 MB. If it is
// not there, nothing happens.
func (f *Format) Start(ctx context.Context) error {
	if f.engine != nil || f.config.CacheDir == "" || newCache(f.config.CacheDir).ready() == "" {
		return nil
	}
	_, err := f.start(ctx)
	return err
}

// start starts the engine unless it runs. Code in the cache folder that cannot be used is as good as none.
func (f *Format) start(ctx context.Context) (*engine, error) {
	if f.engine != nil {
		return f.engine, nil
	}
	var err error
	if f.config.CacheDir != "" {
		if folder := newCache(f.config.CacheDir).ready(); folder != "" {
			f.engine, err = startEngine(ctx, folder, f.limit())
		}
	}
	if f.engine == nil {
		f.engine, err = startEngine(ctx, "", f.limit())
	}
	if err != nil {
		return nil, satchel.Errorf(satchel.CodeExtractionFailed, "the program that reads PDFs could not be started: %w", err)
	}
	return f.engine, nil
}
