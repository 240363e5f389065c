package maintain

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

// check is one run of Fsck.
type check struct {
	cfg    FsckConfig
	report *FsckReport
	began  time.Time

	mu       sync.Mutex
	progress FsckProgress
}

func (c *check) advance(objects, rows, bytes int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.progress.Objects += objects
	c.progress.Rows += rows
	c.progress.Bytes += bytes
	if c.cfg.Progress != nil {
		c.cfg.Progress(c.progress)
	}
}

// objects looks for bytes without rows.
func (c *check) objects(ctx context.Context) error {
	var batch []blob.Entry
	err := c.cfg.Blobs.List(ctx, "", func(e blob.Entry) error {
		c.report.Objects++
		c.report.Bytes += e.Size
		batch = append(batch, e)
		if len(batch) < keyBatch {
			return ctx.Err()
		}
		err := c.objectBatch(ctx, batch)
		batch = batch[:0]
		return err
	})
	if err != nil {
		return err
	}
	return c.objectBatch(ctx, batch)
}

// leftover is an object that should not be there.
type leftover struct {
	blob.Entry
	known bool // a row has its id; then it is the unfinished twin of a finished object, which has the same key
}

func (c *check) objectBatch(ctx context.Context, batch []blob.Entry) error {
	c.advance(int64(len(batch)), 0, 0)
	suspects, err := c.leftovers(ctx, batch)
	if err == nil && c.cfg.Live {
		suspects, err = c.lookAgain(ctx, suspects)
	}
	if err != nil {
		return err
	}
	for _, found := range suspects {
		if err := c.addLeftover(ctx, found); err != nil {
			return err
		}
	}
	return nil
}

// leftovers gives the entries that have no row or are unfinished, and are old enough to be judged.
func (c *check) leftovers(ctx context.Context, entries []blob.Entry) ([]leftover, error) {
	entries = slices.DeleteFunc(slices.Clone(entries), c.tooYoung)
	if len(entries) == 0 {
		return nil, nil
	}
	ids := make([]satchel.BlobID, len(entries))
	for i, e := range entries {
		ids[i], _ = blob.ID(e.Key)
	}
	known, err := c.cfg.Register.KnownBlobs(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("look up rows: %w", err)
	}
	var found []leftover
	for i, e := range entries {
		if e.Partial || !known[ids[i]] {
			found = append(found, leftover{e, known[ids[i]]})
		}
	}
	return found, nil
}

func (c *check) tooYoung(e blob.Entry) bool {
	return c.cfg.Live && e.Modified.After(c.began.Add(-liveAge))
}

// lookAgain lists the suspects once more and asks for their rows once more.
func (c *check) lookAgain(ctx context.Context, suspects []leftover) ([]leftover, error) {
	folders := map[string]map[string]bool{}
	for _, e := range suspects {
		folder := e.Key[:strings.LastIndexByte(e.Key, '/')+1]
		if folders[folder] == nil {
			folders[folder] = map[string]bool{}
		}
		folders[folder][e.Key] = true
	}
	var there []blob.Entry
	for folder, keys := range folders {
		err := c.cfg.Blobs.List(ctx, folder, func(e blob.Entry) error {
			if keys[e.Key] {
				there = append(there, e)
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, err
		}
	}
	return c.leftovers(ctx, there)
}

func (c *check) addLeftover(ctx context.Context, found leftover) error {
	finding := Finding{Fault: FaultStray, Key: found.Key, Size: found.Size, Detail: "no row names it"}
	switch {
	case found.known:
		finding.Fault, finding.Detail = FaultPartial, "unfinished, beside the bytes of a row"
	case found.Partial:
		finding.Fault, finding.Detail = FaultPartial, "unfinished"
	}
	c.report.add(finding)
	if !c.cfg.Repair || found.known {
		return nil
	}
	if err := c.cfg.Blobs.Delete(ctx, found.Key); err != nil {
		return fmt.Errorf("remove %s: %w", found.Key, err)
	}
	c.report.Repaired++
	return nil
}

// rows looks for rows without bytes, or with wrong ones, in the order of the rows' ids and so hour by hour.
func (c *check) rows(ctx context.Context) error {
	var after satchel.BlobID
	for {
		rows, last, err := c.readRows(ctx, after)
		if err != nil || last == after {
			return err
		}
		after = last
		if !c.cfg.Deep { // a deep check opens every object anyway
			if rows, err = c.suspectRows(ctx, rows); err != nil {
				return err
			}
		}
		if err := c.examineAll(ctx, rows); err != nil {
			return err
		}
	}
}

// readRows gives the next rows that should have bytes, and the last id seen: after itself when there are no more rows.
func (c *check) readRows(ctx context.Context, after satchel.BlobID) (rows []meta.BlobRow, last satchel.BlobID, err error) {
	last = after
	for len(rows) < fsckRows {
		page, err := c.cfg.Register.Blobs(ctx, last, rowsPage)
		if err != nil {
			return nil, last, fmt.Errorf("read rows: %w", err)
		}
		for _, row := range page {
			last = row.ID
			if row.Doomed {
				c.report.Doomed++
				continue
			}
			rows = append(rows, row)
		}
		if len(page) < rowsPage {
			break
		}
	}
	c.report.Rows += int64(len(rows))
	return rows, last, nil
}

// suspectRows lists the hours of the rows and gives those whose object is not there in its right size.
func (c *check) suspectRows(ctx context.Context, rows []meta.BlobRow) ([]meta.BlobRow, error) {
	right := make([]bool, len(rows))
	hour := ""
	for _, row := range rows {
		if blob.Hour(row.ID.Time()) == hour {
			continue
		}
		hour = blob.Hour(row.ID.Time())
		err := c.cfg.Blobs.List(ctx, hour+"/", func(e blob.Entry) error {
			if i, ok := findRow(rows, e.Key); ok && !e.Partial && e.Size == rows[i].Size {
				right[i] = true
			}
			return ctx.Err()
		})
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", hour, err)
		}
	}
	var suspects []meta.BlobRow
	for i, row := range rows {
		if !right[i] {
			suspects = append(suspects, row)
		}
	}
	c.advance(0, int64(len(rows)-len(suspects)), 0)
	return suspects, nil
}

func findRow(rows []meta.BlobRow, key string) (i int, ok bool) {
	id, ok := blob.ID(key)
	if !ok {
		return 0, false
	}
	return slices.BinarySearchFunc(rows, id, func(row meta.BlobRow, id satchel.BlobID) int {
		return strings.Compare(string(row.ID), string(id))
	})
}

func (c *check) examineAll(ctx context.Context, rows []meta.BlobRow) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(max(2, runtime.GOMAXPROCS(0)))
	for _, row := range rows {
		if ctx.Err() != nil {
			break
		}
		group.Go(func() error { return c.examine(ctx, row) })
	}
	return group.Wait()
}

// examine opens one object and reports what is wrong with it, unless its row is gone by then.
func (c *check) examine(ctx context.Context, row meta.BlobRow) error {
	finding := inspect(ctx, c.cfg.Blobs, row, c.cfg.Deep)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	read := int64(0)
	if c.cfg.Deep && finding == nil {
		read = row.Size
	}
	c.advance(0, 1, read)
	if finding == nil {
		return nil
	}
	if c.cfg.Live {
		stands, err := c.stands(ctx, row.ID)
		if err != nil || !stands {
			return err
		}
	}
	c.report.add(*finding)
	return nil
}

// stands reports whether the row is still there and not doomed. No two ids share all but their last character, in practice; there
// could be 32 of them.
func (c *check) stands(ctx context.Context, id satchel.BlobID) (bool, error) {
	rows, err := c.cfg.Register.Blobs(ctx, id[:len(id)-1], 32)
	if err != nil {
		return false, fmt.Errorf("read a row again: %w", err)
	}
	return slices.ContainsFunc(rows, func(row meta.BlobRow) bool { return row.ID == id && !row.Doomed }), nil
}
