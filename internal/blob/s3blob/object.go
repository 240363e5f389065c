package s3blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"github.com/minio/minio-go/v7"

	"github.com/satchel-files/satchel/internal/blob"
)

const (
	// window is what is asked for after a seek, before the rest: who wants a little of an object gets it without breaking a connection off.
	window = mib
	// resumes is how often an object is asked for again without a byte in between.
	resumes = 3
)

// errCut says that the server sent less than it had promised.
var errCut = errors.New("the object ended before its size")

// Open asks for an object's size, at once, and for its bytes when they are read.
func (s *Store) Open(ctx context.Context, key string) (blob.Object, error) {
	name, err := s.name(key)
	if err != nil {
		return nil, err
	}
	asking, cancel := s.soon(ctx)
	defer cancel()
	info, err := s.server.StatObject(asking, s.place.Bucket, name, minio.StatObjectOptions{})
	if isMissing(err) { // or all of the bucket is: then nothing is known of its objects
		err = errors.Join(s.Ping(ctx), err)
	}
	if err != nil {
		return nil, failure(ctx, "open "+key, err)
	}
	return &object{ctx: ctx, store: s, key: key, name: name, size: info.Size, etag: info.ETag}, nil
}

// object is an object that is read in one request for as long as nobody seeks and nothing breaks.
type object struct {
	ctx    context.Context //nolint:containedctx // Open's, which holds for as long as the object is read
	store  *Store
	key    string
	name   string
	size   int64
	etag   string // of what was opened: nothing else is read
	at     int64
	body   io.ReadCloser // of the request under way; nil: none
	ends   int64         // what body was asked for
	sought bool          // since the last request
	closed bool
}

// Read implements io.Reader. Where a body breaks off, the rest is asked for.
func (o *object) Read(b []byte) (int, error) {
	switch {
	case o.closed:
		return 0, fs.ErrClosed
	case len(b) == 0:
		return 0, nil
	}
	var broken error
	for range resumes {
		if o.at >= o.size {
			return 0, io.EOF
		}
		if err := o.ask(); err != nil {
			return 0, failure(o.ctx, "read "+o.key, err)
		}
		n, err := o.body.Read(b[:min(int64(len(b)), o.ends-o.at)])
		o.at += int64(n)
		if err != nil || o.at == o.ends {
			o.drop()
		}
		if n > 0 {
			return n, nil
		}
		broken = err
	}
	return 0, failure(o.ctx, "read "+o.key, errors.Join(errCut, broken))
}

// ask has a body for the bytes from here on, unless there is one.
func (o *object) ask() error {
	if o.body != nil {
		return nil
	}
	options := minio.GetObjectOptions{}
	o.ends = o.size
	if o.sought {
		o.ends, o.sought = min(o.at+window, o.size), false
	}
	if err := options.SetRange(o.at, o.ends-1); err != nil {
		return err
	}
	if err := options.SetMatchETag(o.etag); err != nil {
		return err
	}
	body, _, header, err := o.store.server.GetObject(o.ctx, o.store.place.Bucket, o.name, options)
	if err != nil {
		return err
	}
	o.body = body
	if given := header.Get("Content-Range"); given != fmt.Sprintf("bytes %d-%d/%d", o.at, o.ends-1, o.size) && (given != "" || o.at > 0) {
		o.drop()
		return fmt.Errorf("asked for the bytes %d-%d of %d, the server gives %q", o.at, o.ends-1, o.size, given)
	}
	return nil
}

func (o *object) drop() {
	if o.body != nil {
		_ = o.body.Close() // it was only read
		o.body = nil
	}
}

// Seek implements io.Seeker. Nothing is asked for before the next Read.
func (o *object) Seek(offset int64, whence int) (int64, error) {
	if o.closed {
		return 0, fs.ErrClosed
	}
	to, err := sought(offset, whence, o.at, o.size)
	if err != nil {
		return 0, err
	}
	if to != o.at {
		o.drop()
		o.at, o.sought = to, to > 0
	}
	return to, nil
}

// Close implements io.Closer.
func (o *object) Close() error {
	o.drop()
	o.closed = true
	return nil
}
