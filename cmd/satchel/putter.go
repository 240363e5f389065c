package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// putter uploads the files of one put.
type putter struct {
	*program
	client   *client.Client
	options  *putOptions
	upload   client.Upload // what holds for every file
	progress *progress

	mu      sync.Mutex // over the counts and the output
	tally   tally
	sent    int
	bytes   int64
	skipped int
	left    int // items that are still to be sent
}

// all uploads the items, several at once, and goes on when one fails.
func (u *putter) all(ctx context.Context, items []item) error {
	u.tally, u.left = tally{what: "files", of: len(items)}, len(items)
	u.progress = u.newProgress(title(items), totalSize(items))
	var group errgroup.Group
	group.SetLimit(u.options.parallel)
	for _, i := range items {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error {
			f, err := u.one(ctx, i)
			u.delivered()
			if f != nil && err == nil {
				err = u.settle(ctx, f)
			}
			u.done(ctx, i, err)
			return nil
		})
	}
	_ = group.Wait() // failures are in the tally
	u.progress.finish()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	u.summarize()
	return u.tally.err()
}

func title(items []item) string {
	if len(items) == 1 {
		return fit(items[0].name, 24)
	}
	return countOf(len(items), "file", "files")
}

// totalSize is 0 when the size of one is not known.
func totalSize(items []item) int64 {
	total := int64(0)
	for _, i := range items {
		if i.size < 0 {
			return 0
		}
		total += i.size
	}
	return total
}

// one uploads a file and gives it; nil if it is there already.
func (u *putter) one(ctx context.Context, i item) (*api.File, error) {
	source, size, err := u.open(i, u.progress)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	if u.options.skipExisting {
		there, err := u.existing(ctx, i)
		if err != nil {
			return nil, err
		}
		if there != nil {
			u.progress.add(size)
			u.skip(there, i)
			return nil, nil
		}
	}
	upload := u.upload
	upload.IdempotencyKey = rand.Text()
	upload.Sources = []client.Source{{Name: i.name, Body: source, Size: size}}
	files, err := u.client.Upload(ctx, upload)
	if err != nil {
		return nil, err
	}
	return files[0], nil
}

// delivered notes that an item was sent, or will not be. Behind the last one there is nothing more that the bar could show.
func (u *putter) delivered() {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.left--; u.left == 0 {
		u.progress.sent()
	}
}

// existing gives a file of the workspace with the same content, nil if there is none.
func (u *putter) existing(ctx context.Context, i item) (*api.File, error) {
	sum, err := u.hash(ctx, i)
	if err != nil {
		return nil, err
	}
	page, err := u.client.List(ctx, client.ListOptions{SHA256: sum, Limit: 1})
	if err != nil || len(page.Data) == 0 || page.Data[0].SHA256 != sum {
		return nil, err
	}
	return page.Data[0], nil
}

func (u *putter) hash(ctx context.Context, i item) (string, error) {
	file, _, err := u.open(i, nil)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, stoppable{ctx, file}); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// stoppable ends a read with its context.
type stoppable struct {
	ctx context.Context //nolint:containedctx // a reader has no other way to learn of it
	io.Reader
}

func (s stoppable) Read(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	return s.Reader.Read(b)
}

// settle waits for the processing, if that is wanted, and prints the file.
func (u *putter) settle(ctx context.Context, f *api.File) (err error) {
	w := &waiter{program: u.program, client: u.client, lock: &u.mu, progress: u.progress}
	if u.options.wait {
		f, err = w.file(ctx, f)
	}
	u.mu.Lock()
	u.sent, u.bytes = u.sent+1, u.bytes+f.Bytes
	u.mu.Unlock()
	u.show(f, "")
	switch {
	case err != nil || !u.options.wait:
		return err
	case f.Status == statusError:
		return fmt.Errorf("it is stored as %s, but processing failed: %s", f.ID, details(f))
	}
	if text := details(f); text != "" {
		w.print(clean(f.Filename+": "+text) + "\n")
	}
	return nil
}

func (u *putter) skip(there *api.File, i item) {
	u.mu.Lock()
	u.skipped++
	u.mu.Unlock()
	u.show(there, fmt.Sprintf("  (already there; %s was not sent)", clean(i.path)))
}

// show prints a file on standard output.
func (u *putter) show(f *api.File, remark string) {
	line := fmt.Sprintf("%s  %8s  %s%s\n", clean(f.ID), size(f.Bytes), clean(f.Filename), remark)
	if u.options.json {
		line = jsonLine(f)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.progress.print(u.out, u.outTerminal, line)
}

// done notes how an item ended, and says why if it failed.
func (u *putter) done(ctx context.Context, i item, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tally.codes = append(u.tally.codes, exitCode(ctx, err))
	u.progress.print(u.err, u.errTerminal, describe("satchel: "+i.path+": ", err))
}

func (u *putter) summarize() {
	if u.tally.of < 2 || u.options.json || u.sent+u.skipped == 0 {
		return
	}
	text := fmt.Sprintf("%s sent, %s", countOf(u.sent, "file", "files"), size(u.bytes))
	if u.skipped > 0 {
		text += fmt.Sprintf("; %d already there", u.skipped)
	}
	u.sayf("%s\n", text)
}
