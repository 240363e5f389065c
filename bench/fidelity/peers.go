package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// peer is another program that gets text out of documents.
type peer interface {
	// texts gives the text of each file, "" where it finds none or fails, and the time that it took for all of them.
	texts(ctx context.Context, files []string) ([]string, time.Duration, error)
}

// pdftotext is poppler's.
type pdftotext struct{}

// patience is how long another program may take for one document.
const patience = 2 * time.Minute

func (pdftotext) texts(ctx context.Context, files []string) ([]string, time.Duration, error) {
	all := make([]string, len(files))
	start := time.Now()
	for i, file := range files {
		limited, cancel := context.WithTimeout(ctx, patience)
		out, err := exec.CommandContext(limited, "pdftotext", "-q", "-enc", "UTF-8", file, "-").Output()
		cancel()
		if errors.Is(err, exec.ErrNotFound) {
			return nil, 0, fmt.Errorf("%w; scripts/corpus installs it", err)
		}
		if err == nil {
			all[i] = string(out)
		}
	}
	return all, time.Since(start), ctx.Err()
}

// office is LibreOffice. It converts many files at a time, for it is slow to start.
type office struct {
	folder string // for its profile and its work
	export string // the filter that writes text
	read   func(text string) string
}

// batch is how many files LibreOffice is given at once: if it breaks down over one, those after it in the batch are done one by one.
const batch = 40

func (o office) texts(ctx context.Context, files []string) ([]string, time.Duration, error) {
	work, err := os.MkdirTemp(o.folder, "office-")
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = os.RemoveAll(work) }()
	names := make([]string, len(files))
	for i, file := range files { // many have the same name
		names[i] = filepath.Join(work, strconv.Itoa(10_000+i)+filepath.Ext(file))
		if err := copyFile(names[i], file); err != nil {
			return nil, 0, err
		}
	}
	start := time.Now()
	for at := 0; at < len(names); at += batch {
		if err := o.convert(ctx, work, names[at:min(at+batch, len(names))]); err != nil {
			return nil, 0, err
		}
	}
	took := time.Since(start)
	all := make([]string, len(files))
	for i, name := range names {
		if all[i], err = o.written(work, name); err != nil {
			return nil, 0, err
		}
	}
	return all, took, ctx.Err()
}

// convert has a batch converted, and then each file alone for which nothing was written.
func (o office) convert(ctx context.Context, work string, names []string) error {
	if err := o.start(ctx, work, names); err != nil {
		return err
	}
	for _, name := range names {
		if parts, err := filepath.Glob(written(work, name)); err == nil && len(parts) == 0 && len(names) > 1 {
			if err := o.start(ctx, work, []string{name}); err != nil {
				return err
			}
		}
	}
	return nil
}

// start runs LibreOffice once. That it fails over a document is no error.
func (o office) start(ctx context.Context, work string, names []string) error {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	args := []string{
		"-env:UserInstallation=file://" + filepath.Join(o.folder, "profile"), "--headless", "--norestore", "--convert-to", o.export,
		"--outdir", filepath.Join(work, "text"),
	}
	err := exec.CommandContext(limited, "soffice", append(args, names...)...).Run()
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%w; scripts/corpus installs it", err)
	}
	return ctx.Err()
}

// written is the pattern of what is written of a file; each sheet of a spreadsheet is a file of its own.
func written(work, name string) string {
	return filepath.Join(work, "text", strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))+"*")
}

func (o office) written(work, name string) (string, error) {
	parts, err := filepath.Glob(written(work, name))
	if err != nil {
		return "", err
	}
	var all strings.Builder
	for _, part := range parts {
		text, err := os.ReadFile(part)
		if err != nil {
			return "", err
		}
		all.WriteString(o.read(string(text)) + "\n")
	}
	return all.String(), nil
}

func copyFile(to, from string) error {
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o600)
}

// documents gives the files of the corpus with an ending, sorted.
func documents(corpus, ending string) ([]string, error) {
	var all []string
	err := filepath.WalkDir(corpus, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && filepath.Ext(path) == "."+ending && !strings.Contains(path, "/damaged/") {
			all = append(all, path)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%w; run scripts/corpus", err)
	}
	return all, nil
}
