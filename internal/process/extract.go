package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/files"
)

// extract takes the first step: text and pages. A failure is the document's; an error is not.
func (r *run) extract(ctx context.Context) (_ *satchel.Failure, err error) {
	ctx, span := r.Tracer.Start(ctx, "extract")
	defer func() { endSpan(span, err) }()
	content, err := r.work.Content(ctx)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	var result extract.Result
	text, err := r.Files.StageText(ctx, func(w *files.TextWriter) (err error) {
		result, err = r.Pool.Extract(ctx, content, r.work.File().Filename, &pageSink{out: w, watcher: r.watcher})
		return err
	})
	switch {
	case errors.Is(err, extract.ErrUnsupported) && r.work.File().Content.Size == 0:
		return nil, r.keep(ctx, files.Found{}) // nothing says more of its type than its name
	case errors.Is(err, extract.ErrUnsupported):
		return nil, r.keep(ctx, files.Found{ContentType: result.Type})
	case isDocumentFault(err):
		known, _ := errors.AsType[*satchel.Error](err)
		return &satchel.Failure{Code: known.Code, Message: known.Message}, r.passOver(ctx)
	case err != nil:
		return nil, err
	}
	found := files.Found{Document: result.Document, ContentType: result.Type}
	if result.Document.Characters > 0 {
		found.Text = text
	}
	defer func() { _ = text.Discard(context.WithoutCancel(ctx)) }() // does nothing once the text is kept; the sweeper takes what stays
	return nil, r.keep(ctx, found)
}

func (r *run) keep(ctx context.Context, found files.Found) error {
	const next = "text and pages are read"
	r.watcher.say(next)
	return r.work.KeepFound(ctx, found, satchel.StepInstruct, next)
}

// passOver makes a run that can do without the document not read it again.
func (r *run) passOver(ctx context.Context) error {
	if r.work.Run().Kind == satchel.RunProcess {
		return nil
	}
	now := r.work.Run()
	return r.work.Checkpoint(ctx, satchel.StepInstruct, now.Progress, now.Details, now.Tokens)
}

// isDocumentFault reports whether an extraction failed because of the document.
func isDocumentFault(err error) bool {
	switch satchel.CodeOf(err) {
	case satchel.CodeDocumentEncrypted, satchel.CodeDocumentBroken, satchel.CodeDocumentTooComplex, satchel.CodeExtractionFailed:
		return true
	}
	return false
}

var _ extract.Streamer = (*pageSink)(nil)

// pageSink writes the pages of a document, and tells how far it is.
type pageSink struct {
	out      *files.TextWriter
	watcher  *watcher
	expected int
	pages    int
}

// Expect implements extract.Output.
func (s *pageSink) Expect(pages int) error {
	s.expected = pages
	return nil
}

// Page implements extract.Output.
func (s *pageSink) Page(p extract.Page) error { return s.Stream(p.Label, strings.NewReader(p.Text)) }

// Stream implements extract.Streamer.
func (s *pageSink) Stream(label string, text io.Reader) error {
	s.pages++
	if s.expected > 0 {
		s.watcher.say(fmt.Sprintf("reading page %d of %d", s.pages, s.expected))
	} else {
		s.watcher.say(fmt.Sprintf("reading page %d", s.pages))
	}
	return s.out.Stream(label, text)
}
