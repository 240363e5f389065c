package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/extract"
)

// format is one kind of documents, and who else reads it.
type format struct {
	name  string
	other string // what the results call the peer
	peer  func(folder string) peer
}

// formats are the kinds that are compared.
func formats() []format {
	const text, csv, html = "txt:Text (encoded):UTF8", "csv:Text - txt - csv (StarCalc):9,34,76,1,,0,false,true,true,false,false,-1", "html:impress_html_Export"
	same := func(text string) string { return strings.TrimPrefix(text, "\ufeff") }
	by := func(export string, read func(string) string) func(string) peer {
		return func(folder string) peer { return office{folder, export, read} }
	}
	return []format{
		{"pdf", "pdftotext", func(string) peer { return pdftotext{} }},
		{"docx", "LibreOffice, text", by(text, same)},
		{"odt", "LibreOffice, text", by(text, same)},
		{"pptx", "LibreOffice, HTML", by(html, htmlText)},
		{"odp", "LibreOffice, HTML", by(html, htmlText)},
		{"xlsx", "LibreOffice, CSV", by(csv, same)},
		{"ods", "LibreOffice, CSV", by(csv, same)},
	}
}

// bench is one run.
type bench struct {
	options
	corpus string
	folder string // for what other programs keep
	pool   *extract.Pool
	errw   io.Writer
}

func open(ctx context.Context, o options, errw io.Writer) (*bench, error) {
	root, err := filepath.Abs(o.root)
	if err != nil {
		return nil, err
	}
	b := &bench{options: o, corpus: filepath.Join(root, ".cache", "corpus"), folder: filepath.Join(root, ".cache", "fidelity"), errw: errw}
	if err := os.MkdirAll(b.folder, 0o750); err != nil {
		return nil, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, program, prepareCommand, b.folder).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("prepare for reading: %w: %s", err, out)
	}
	b.pool, err = extract.NewPool(extract.PoolConfig{Args: []string{daemon.ExtractCommand, "--cache", b.folder}, Size: 1, TempDir: b.folder})
	return b, err
}

func (b *bench) close() {
	_ = b.pool.Close()
}

// table is how one format went.
type table struct {
	format
	documents      []comparison
	ours, theirs   time.Duration
	pages, skipped int // skipped: documents in which the other program finds nothing
}

// comparison is how one document went.
type comparison struct {
	path           string // below the corpus
	words, numbers share
	missing, added []string // some of the tokens that only one of the two has
	err            error    // why we found nothing
}

// compare reads all documents of a format with both programs.
func (b *bench) compare(ctx context.Context, f format) (t table, err error) {
	t.format = f
	files, err := documents(b.corpus, f.name)
	if err != nil {
		return t, err
	}
	if b.limit > 0 {
		files = files[:min(b.limit, len(files))]
	}
	_, _ = fmt.Fprintf(b.errw, "%s: %d documents\n", f.name, len(files))
	theirs, took, err := f.peer(b.folder).texts(ctx, files)
	if err != nil {
		return t, err
	}
	t.theirs = took
	if err := b.pool.Warm(ctx); err != nil {
		return t, err
	}
	for i, file := range files {
		start := time.Now()
		text, pages, failure := b.read(ctx, file)
		t.ours += time.Since(start)
		t.pages += pages
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
		if strings.TrimSpace(theirs[i]) == "" {
			t.skipped++
			continue
		}
		path, err := filepath.Rel(b.corpus, file)
		if err != nil {
			return t, err
		}
		t.documents = append(t.documents, compareTexts(filepath.ToSlash(path), ourText(text), theirs[i], failure))
	}
	return t, nil
}

func compareTexts(path, ours, theirs string, failure error) comparison {
	ourWords, theirWords, ourNumbers, theirNumbers := wordsIn(ours), wordsIn(theirs), numbersIn(ours), numbersIn(theirs)
	return comparison{
		path: path, words: compareBags(ourWords, theirWords), numbers: compareBags(ourNumbers, theirNumbers), err: failure,
		missing: append(theirWords.without(ourWords), theirNumbers.without(ourNumbers)...),
		added:   append(ourWords.without(theirWords), ourNumbers.without(theirNumbers)...),
	}
}

// read has our own program read a document.
func (b *bench) read(ctx context.Context, file string) (text string, pages int, err error) {
	f, err := os.Open(file)
	if err != nil {
		return "", 0, err
	}
	defer func() { _ = f.Close() }()
	var out collector
	_, err = b.pool.Extract(ctx, f, filepath.Base(file), &out)
	return out.text.String(), out.pages, err
}

// collector keeps the pages of a document.
type collector struct {
	text  strings.Builder
	pages int
}

// Expect implements extract.Output.
func (c *collector) Expect(int) error { return nil }

// Page implements extract.Output.
func (c *collector) Page(p extract.Page) error { return c.Stream(p.Label, strings.NewReader(p.Text)) }

// Stream implements extract.Streamer.
func (c *collector) Stream(_ string, text io.Reader) error {
	c.pages++
	_, err := io.Copy(&c.text, text)
	c.text.WriteString("\n")
	return err
}
