package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// source is content that a child can read: a descriptor of a regular file.
type source struct {
	file *os.File
	size int64
	own  bool // nobody else knows the file
}

// open gives content as a source. What is no file is copied into one without a name.
func (p *Pool) open(ctx context.Context, content io.ReadSeeker) (*source, error) {
	if file, ok := content.(*os.File); ok {
		info, err := file.Stat()
		if err != nil {
			return nil, fmt.Errorf("extract: open the document: %w", err)
		}
		if info.Mode().IsRegular() {
			return &source{file: file, size: info.Size()}, nil
		}
	}
	d, err := p.spool(ctx, content)
	if err != nil {
		return nil, fmt.Errorf("extract: copy the document: %w", err)
	}
	return d, nil
}

// close frees what open took.
func (d *source) close() {
	if d.own {
		_ = d.file.Close()
	}
}

// spool copies content into a temporary file, and gives a descriptor that can only be read.
func (p *Pool) spool(ctx context.Context, content io.ReadSeeker) (*source, error) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return nil, err
	}
	writer, err := os.CreateTemp(p.config.TempDir, "satchel-document-*")
	if err != nil {
		return nil, err
	}
	reader, err := os.Open(writer.Name())
	err = errors.Join(err, os.Remove(writer.Name()))
	var size int64
	if err == nil {
		size, err = io.Copy(writer, &cancelled{ctx: ctx, from: content})
	}
	if err = errors.Join(err, writer.Close()); err != nil {
		_ = reader.Close() // if there is one
		return nil, err
	}
	return &source{file: reader, size: size, own: true}, nil
}

// cancelled is a reader that ends with its context.
type cancelled struct {
	ctx  context.Context //nolint:containedctx // of the one copy that it is made for
	from io.Reader
}

// Read reads, unless the context has ended.
func (c *cancelled) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.from.Read(p)
}
