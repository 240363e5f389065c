package s3blob

import (
	"context"
	"io"
	"math/rand/v2"
	"time"

	"github.com/minio/minio-go/v7"
)

// The pauses between two tries to send something: half of them at least, and twice as long each time.
const firstPause = 400 * time.Millisecond

// putObject sends an object in one request.
func (s *Store) putObject(ctx context.Context, name string, of content, options minio.PutObjectOptions) error {
	options.DisableContentSha256 = true // which would be a second hash, of every piece
	return s.send(ctx, of, func(ctx context.Context, body io.Reader, hash string) error {
		_, err := s.sender.PutObject(ctx, s.place.Bucket, name, body, of.Size(), "", hash, options)
		return err
	})
}

// send has do send content, and tries again what may go well the next time. Every try has a reader of its own: the connection of a try that is over
// may still read from its reader for a moment.
func (s *Store) send(ctx context.Context, of content, do func(ctx context.Context, body io.Reader, hash string) error) error {
	hash, err := sum(of)
	if err != nil {
		return err
	}
	ctx, cancel := s.inTime(ctx, of.Size())
	defer cancel()
	return again(ctx, func() error {
		body, end := of.Reader()
		defer end()
		return do(ctx, body, hash)
	})
}

// again does something until it goes well, for as long as it may go well the next time, but only so often.
func again(ctx context.Context, do func() error) (err error) {
	for try := range tries {
		if try > 0 && !pause(ctx, firstPause<<(try-1)) {
			return err
		}
		if err = do(); err == nil || ctx.Err() != nil || !worthAnotherTry(err) {
			return err
		}
	}
	return err
}

// pause waits, for a time of chance up to the longest; false: ctx ended before.
func pause(ctx context.Context, longest time.Duration) bool {
	timer := time.NewTimer(longest/2 + rand.N(longest/2)) //nolint:gosec // no secret
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
