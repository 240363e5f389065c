package daemon

import (
	"context"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/image"
	"github.com/satchel-files/satchel/internal/extract/mail"
	"github.com/satchel-files/satchel/internal/extract/markup"
	"github.com/satchel-files/satchel/internal/extract/office"
	"github.com/satchel-files/satchel/internal/extract/pdf"
	"github.com/satchel-files/satchel/internal/extract/text"
)

// ExtractCommand is the word by which a server starts its own program as a process that reads documents. Whatever program it is (see
// Config.Program), it calls ServeExtract or PrepareExtract then.
const ExtractCommand = "extract"

// childVariable is set for those processes. A program that opens a server although it was started to read documents would start itself without end.
const childVariable = "SATCHEL_EXTRACT_CHILD"

func childEnvironment() []string { return []string{childVariable + "=1"} }

// pdfCache is where, below the cache folder, PDFium's compiled code is kept.
const pdfCache = "pdfium"

// ServeExtract reads documents for the server that started this process, until that server goes. cache is its folder for what can be made again.
func ServeExtract(ctx context.Context, cache string) error {
	conn, err := extract.Inherited()
	if err != nil {
		return err
	}
	formats := slices.Concat([]extract.Format{newPDF(cache), image.Format{}, text.Format{}, markup.Format{}, mail.Format{}}, office.Formats())
	return extract.Serve(ctx, extract.ServeConfig{Formats: formats, Detect: extract.Detect}, conn)
}

// PrepareExtract makes what ServeExtract needs in the cache folder, unless it is there. It takes some seconds and much memory, so it is for a
// process of its own.
func PrepareExtract(ctx context.Context, cache string) error { return newPDF(cache).Prepare(ctx) }

func newPDF(cache string) *pdf.Format {
	return pdf.New(pdf.Config{CacheDir: filepath.Join(cache, pdfCache)})
}

// prepareChildren has a process make what the processes that read documents need. Until it has, they do without, and are slow with PDFs.
func (w *workers) prepareChildren(ctx context.Context) {
	pool := w.daemon.poolConfig()
	command := exec.CommandContext(ctx, pool.Path, append(slices.Clone(pool.Args), "--prepare")...) //nolint:gosec // it is this program
	command.Env = childEnvironment()
	if out, err := command.CombinedOutput(); err != nil && ctx.Err() == nil {
		w.daemon.logger.WarnContext(ctx, "PDFs will be read slowly: what makes it fast could not be kept", "err", err, "said", string(out[:min(len(out), 500)]))
	}
}
