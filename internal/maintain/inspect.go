package maintain

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const copyBuffer = 256 << 10

// inspect compares one object with its row: that it is there and has the right size, and with deep its hash. Nil: nothing is wrong.
func inspect(ctx context.Context, blobs blob.Store, row meta.BlobRow, deep bool) *Finding {
	object, err := blobs.Open(ctx, blob.Key(row.ID))
	if err != nil {
		return broken(row, err)
	}
	defer func() { _ = object.Close() }() // it was only read
	size, err := object.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = object.Seek(0, io.SeekStart)
	}
	switch {
	case err != nil:
		return broken(row, err)
	case size != row.Size:
		return wrongSize(row, size)
	case !deep:
		return nil
	}
	return transfer(ctx, io.Discard, object, row)
}

// transfer copies an object to w and compares what it read with the row. A failing w, or the end of ctx, is reported as unreadable; who cares
// asks w and ctx.
func transfer(ctx context.Context, w io.Writer, object io.Reader, row meta.BlobRow) *Finding {
	hash := sha256.New()
	source := &contextReader{ctx, object}
	n, err := io.CopyBuffer(io.MultiWriter(hash, w), source, make([]byte, bufferFor(row.Size)))
	switch {
	case err != nil:
		return broken(row, err)
	case n != row.Size:
		return wrongSize(row, n)
	case [sha256.Size]byte(hash.Sum(nil)) != row.SHA256:
		return &Finding{
			Fault: FaultHash, Key: blob.Key(row.ID), File: row.File, Size: n, Want: row.Size,
			Detail: fmt.Sprintf("its SHA-256 is %x, not %x", hash.Sum(nil), row.SHA256),
		}
	}
	return nil
}

func broken(row meta.BlobRow, err error) *Finding {
	f := &Finding{Fault: FaultUnreadable, Key: blob.Key(row.ID), File: row.File, Want: row.Size, Detail: err.Error()}
	if errors.Is(err, blob.ErrNotExist) {
		f.Fault, f.Detail = FaultMissing, "no bytes"
	}
	return f
}

func wrongSize(row meta.BlobRow, size int64) *Finding {
	return &Finding{
		Fault: FaultSize, Key: blob.Key(row.ID), File: row.File, Size: size, Want: row.Size,
		Detail: fmt.Sprintf("%d bytes, not %d", size, row.Size),
	}
}

// contextReader ends a long copy when its context does.
type contextReader struct {
	ctx context.Context //nolint:containedctx // lives for one copy
	r   io.Reader
}

func (r *contextReader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}

// bufferFor spares small objects the large buffer.
func bufferFor(size int64) int64 { return min(max(size+1, 512), copyBuffer) }
