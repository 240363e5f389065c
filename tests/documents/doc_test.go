// Package documents puts documents that others wrote, and documents that real programs made, through the very processes with which the server
// reads: every one ends in text, in no text, or in an error that its owner can understand.
//
// The documents are below .cache/corpus. scripts/corpus brings them there, as part of scripts/setup; without them the tests fail.
package documents

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/extract"
)

// TestMain runs the tests, or is the process that reads documents for them.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == daemon.ExtractCommand {
		if err := serve(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// serve is the process that reads documents, or the one that prepares what all of them need.
func serve(args []string) error {
	flags := flag.NewFlagSet(daemon.ExtractCommand, flag.ContinueOnError)
	cache, prepare := flags.String("cache", "", ""), flags.Bool("prepare", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *prepare {
		return daemon.PrepareExtract(context.Background(), *cache)
	}
	return daemon.ServeExtract(context.Background(), *cache)
}

// limit is how long a document may take. It is far more than any of them needs, but on a machine that does much else.
const limit = 90 * time.Second

// reading is what came of a document.
type reading struct {
	text     string
	pages    int
	document satchel.Document
	err      error
}

// extractor reads the document at a path. The name is all that it is told of it besides the bytes.
type extractor func(ctx context.Context, path, name string) reading

// openExtractor starts what the server reads documents with.
func openExtractor(t *testing.T) extractor {
	t.Helper()
	cache, err := filepath.Abs(filepath.Join(root, ".cache", "documents"))
	if err == nil {
		err = os.MkdirAll(cache, 0o750)
	}
	if err != nil {
		t.Fatal(err)
	}
	args := []string{daemon.ExtractCommand, "--cache", cache}
	if out, err := exec.CommandContext(t.Context(), os.Args[0], append(args, "--prepare")...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pool, err := extract.NewPool(extract.PoolConfig{Args: args, Time: limit, TempDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return func(ctx context.Context, path, name string) (r reading) {
		file, err := os.Open(path)
		if err != nil {
			return reading{err: err}
		}
		defer file.Close()
		out := collector{text: &strings.Builder{}}
		result, err := pool.Extract(ctx, file, name, &out)
		return reading{text: out.text.String(), pages: out.pages, document: result.Document, err: err}
	}
}

// collector keeps a document's pages. A form feed is between them.
type collector struct {
	text  *strings.Builder
	pages int
}

// Expect implements extract.Output.
func (c *collector) Expect(int) error { return nil }

// Page implements extract.Output.
func (c *collector) Page(p extract.Page) error { return c.Stream(p.Label, strings.NewReader(p.Text)) }

// Stream implements extract.Streamer.
func (c *collector) Stream(_ string, text io.Reader) error {
	if c.pages++; c.pages > 1 {
		c.text.WriteByte('\f')
	}
	_, err := io.Copy(c.text, text)
	return err
}

// verdict is how a document ended, in one word; the words are those of testdata/exceptions.txt.
type verdict string

// The ways to end. Only the last is none that a document may take.
const (
	readable    verdict = "text"
	textless    verdict = "textless"
	unsupported verdict = "unsupported"
	encrypted   verdict = "encrypted"
	broken      verdict = "broken"
	complicated verdict = "complex"
	failed      verdict = "failed"
)

func (r reading) verdict() verdict {
	e, known := errors.AsType[*satchel.Error](r.err)
	switch {
	case errors.Is(r.err, extract.ErrUnsupported):
		return unsupported
	case r.err == nil && strings.TrimSpace(r.text) == "":
		return textless
	case r.err == nil:
		return readable
	case known && e.Code == satchel.CodeDocumentEncrypted:
		return encrypted
	case known && e.Code == satchel.CodeDocumentBroken:
		return broken
	case known && e.Code == satchel.CodeDocumentTooComplex:
		return complicated
	}
	return failed
}
