package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// download fetches one file's bytes.
type download struct {
	*program
	client   *client.Client
	file     *api.File
	progress *progress
	sum      hash.Hash // of the bytes before offset
	offset   int64     // next byte to be fetched
	etag     string    // of the content, once it is known
}

func (d *download) reset() { d.sum, d.offset, d.etag = sha256.New(), 0, "" }

// toStream writes the content to w, where nothing can be taken back: a wrong hash is found too late, but told.
func (d *download) toStream(ctx context.Context, w io.Writer) error {
	d.reset()
	if !d.outTerminal {
		d.progress = d.newProgress(fit(clean(d.file.Filename), 24), d.file.Bytes)
		defer d.progress.finish()
	}
	if err := d.fetch(ctx, w); err != nil {
		return err
	}
	return d.check()
}

// maxBreaks is how often a broken connection is made again without a byte having arrived.
const maxBreaks = 3

// fetch writes everything from the offset on to w. A connection that breaks is made again, from the byte at which it broke.
func (d *download) fetch(ctx context.Context, w io.Writer) error {
	for breaks := 0; d.offset < d.file.Bytes; {
		before := d.offset
		err := d.fetchSome(ctx, w)
		if err == nil {
			break
		}
		var local *writeError
		var broken *client.ConnectionError
		if ctx.Err() != nil || errors.As(err, &local) || !errors.As(err, &broken) {
			return err
		}
		if breaks++; d.offset > before {
			breaks = 0
		}
		if breaks == maxBreaks {
			return err
		}
	}
	return nil
}

// fetchSome writes what one answer gives. An error of the connection is a client.ConnectionError.
func (d *download) fetchSome(ctx context.Context, w io.Writer) error {
	content, err := d.client.Content(ctx, d.file.ID, client.ContentOptions{Offset: d.offset, IfETag: d.etag})
	if err != nil {
		return err
	}
	defer content.Body.Close()
	if content.Offset != d.offset {
		return fmt.Errorf("the server sent bytes from %d on, not from %d: has the content changed?", content.Offset, d.offset)
	}
	d.etag = content.ETag
	buffer := make([]byte, 256<<10)
	for {
		n, err := content.Body.Read(buffer)
		if writeErr := d.take(w, buffer[:n]); writeErr != nil {
			return writeErr
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return &client.ConnectionError{Err: err}
		}
	}
}

// writeError means that the bytes could not be written on this side.
type writeError struct{ err error }

func (e *writeError) Error() string { return e.err.Error() }
func (e *writeError) Unwrap() error { return e.err }

func (d *download) take(w io.Writer, b []byte) error {
	if _, err := w.Write(b); err != nil {
		return &writeError{err}
	}
	_, _ = d.sum.Write(b) // a hash never fails
	d.offset += int64(len(b))
	d.progress.add(int64(len(b)))
	return nil
}

// check compares what arrived with what the server said of the file.
func (d *download) check() error {
	if got := hex.EncodeToString(d.sum.Sum(nil)); d.offset != d.file.Bytes || got != d.file.SHA256 {
		return fmt.Errorf("the download is damaged: %d bytes with SHA-256 %s arrived, not %d with %s", d.offset, got, d.file.Bytes, d.file.SHA256)
	}
	return nil
}
