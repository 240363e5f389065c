package maintain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const copiers = 8 // objects copied at once: each waits for the disk twice

// Stores opens the stores of a data folder, or of one in the making. maintain knows no concrete store.
type Stores struct {
	// Register opens a copy of the database. Once close has returned, the file alone is the whole database.
	Register func(ctx context.Context, path string) (register CopiedRows, closeRegister func() error, err error)
	// Blobs opens the objects below a folder, which is made if absent.
	Blobs func(folder string) (blob.Store, error)
}

// CopiedRows is what is needed of a copy of the database.
type CopiedRows interface {
	meta.BlobRegister
	meta.Mark
}

// CopyReport is what a backup or a restore did.
type CopyReport struct {
	*Findings       // objects that are not whole and were not copied
	Blobs     int64 // objects that are in the copy
	Bytes     int64 // of them
	Reused    int64 // of Blobs: copied by an earlier attempt
}

// ErrDamaged says that objects which rows name are not whole. They were not copied; everything else was.
var ErrDamaged = errors.New("some files are damaged")

// copier copies all objects that rows name from one store to another.
type copier struct {
	from, to blob.Store
	progress func(CopyProgress)

	mu     sync.Mutex
	report *CopyReport
}

func newCopier(from, to blob.Store, progress func(CopyProgress)) *copier {
	return &copier{from: from, to: to, progress: progress, report: &CopyReport{Findings: newFindings(0)}}
}

func (c *copier) all(ctx context.Context, register meta.BlobRegister) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(copiers)
	err := eachRow(ctx, register, func(row meta.BlobRow) {
		group.Go(func() error {
			if row.Doomed { // an earlier attempt may have copied it before it was
				return c.to.Delete(ctx, blob.Key(row.ID))
			}
			return c.one(ctx, row)
		})
	})
	return errors.Join(group.Wait(), err)
}

// eachRow goes through all rows in the order of their ids.
func eachRow(ctx context.Context, register meta.BlobRegister, visit func(meta.BlobRow)) error {
	var after satchel.BlobID
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		page, err := register.Blobs(ctx, after, rowsPage)
		if err != nil {
			return fmt.Errorf("read rows: %w", err)
		}
		for _, row := range page {
			after = row.ID
			visit(row)
		}
		if len(page) < rowsPage {
			return nil
		}
	}
}

// one copies an object, durably, unless an earlier attempt did. A fault of the source is a finding, one of the target an error.
func (c *copier) one(ctx context.Context, row meta.BlobRow) error {
	if inspect(ctx, c.to, row, false) == nil {
		c.done(row, true)
		return ctx.Err()
	}
	object, err := c.from.Open(ctx, blob.Key(row.ID))
	if err != nil {
		if ctx.Err() == nil {
			c.report.add(*broken(row, err))
		}
		return ctx.Err()
	}
	defer func() { _ = object.Close() }() // it was only read
	finding, err := c.write(ctx, object, row)
	switch {
	case err != nil:
		return fmt.Errorf("copy object %s: %w", row.ID, err)
	case finding != nil:
		c.report.add(*finding)
	default:
		c.done(row, false)
	}
	return nil
}

func (c *copier) write(ctx context.Context, object io.Reader, row meta.BlobRow) (*Finding, error) {
	if err := c.to.Delete(ctx, blob.Key(row.ID)); err != nil { // the rest of an earlier attempt
		return nil, err
	}
	writer, err := c.to.Create(ctx, blob.Key(row.ID))
	if err != nil {
		return nil, err
	}
	target := &targetWriter{w: writer}
	finding := transfer(ctx, target, object, row)
	if err := errors.Join(target.err, ctx.Err()); err != nil {
		return nil, errors.Join(err, writer.Abort())
	}
	if finding != nil {
		return finding, writer.Abort()
	}
	if err := writer.Commit(ctx); err != nil {
		return nil, errors.Join(err, writer.Abort())
	}
	return nil, nil
}

func (c *copier) done(row meta.BlobRow, reused bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.Blobs++
	c.report.Bytes += row.Size
	if reused {
		c.report.Reused++
	}
	if c.progress != nil {
		c.progress(CopyProgress{Blobs: c.report.Blobs, Bytes: c.report.Bytes})
	}
}

// tidy removes what an earlier attempt copied and no row names any more, and makes sure that everything else is there.
func (c *copier) tidy(ctx context.Context, register meta.BlobRegister) error {
	check, err := Fsck(ctx, FsckConfig{Blobs: c.to, Register: register, Repair: true})
	if err != nil {
		return fmt.Errorf("check the copy: %w", err)
	}
	if absent := check.Count(FaultMissing, FaultSize, FaultUnreadable); absent != c.report.Count() {
		return fmt.Errorf("check the copy: %d objects are not whole in it, but %d in the source", absent, c.report.Count())
	}
	return nil
}

// targetWriter remembers the error of the writer, to tell it from one of the reader.
type targetWriter struct {
	w   io.Writer
	err error
}

func (t *targetWriter) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	if err != nil {
		t.err = err
	}
	return n, err
}
