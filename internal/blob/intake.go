package blob

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"
)

const (
	chunkSize = 256 << 10 // what is read, hashed and written at once
	ringSize  = 4         // chunks of one object under way; memory for one object is ringSize * chunkSize
	headSize  = 4 << 10   // bytes kept for finding the type
	lookEvery = 16 << 20  // bytes written between two looks at free space
)

type chunk [chunkSize]byte

// source reads an object's bytes, chunk by chunk, up to its limit.
type source struct {
	r     io.Reader
	limit int64 // 0: none
	total int64 // bytes read so far
	ended bool  // r came to its end
}

// read fills c and gives the number of bytes, fewer only at the end of r. It stops at the first byte over the limit. The loop is
// not io.ReadFull because there a source that breaks with io.ErrUnexpectedEOF looks like one that ended.
func (s *source) read(ctx context.Context, c *chunk) (n int, err error) {
	for idle := 0; n < len(c); {
		if err := ctx.Err(); err != nil {
			return n, fmt.Errorf("stage an object: %w", err)
		}
		m, err := s.r.Read(s.window(c[n:]))
		n += m
		s.total += int64(m)
		switch {
		case s.limit > 0 && s.total > s.limit:
			return n, tooLarge(s.limit)
		case err == io.EOF: // io.Reader: the end is io.EOF itself
			s.ended = true
			return n, nil
		case err != nil:
			return n, &SourceError{err}
		case m > 0:
			idle = 0
		default:
			if idle++; idle == 100 {
				return n, &SourceError{io.ErrNoProgress}
			}
		}
	}
	return n, nil
}

// window cuts b so that no more than one byte over the limit is read.
func (s *source) window(b []byte) []byte {
	if left := s.limit - s.total; s.limit > 0 && left < int64(len(b)) {
		return b[:left+1]
	}
	return b
}

// intake is the way of one object from its source into its writer.
type intake struct {
	vault  *Vault
	staged *Staged
	source source
	room   int64 // bytes that may be written before free space is looked at again
}

// small takes an object that fits into its first chunk.
func (in *intake) small(ctx context.Context, c *chunk, n int) error {
	defer in.vault.chunks.Put(c)
	in.staged.Blob.SHA256 = sha256.Sum256(c[:n])
	return in.write(ctx, c[:n])
}

// large takes all others: one goroutine reads and writes, another hashes beside it, and the chunks go round between them.
func (in *intake) large(ctx context.Context, first *chunk, n int) error {
	ring := in.vault.newRing()
	c := first
	var err error
	for {
		ring.full <- piece{c, n}
		if err = in.write(ctx, c[:n]); err != nil || in.source.ended {
			break
		}
		c = <-ring.free
		if n, err = in.source.read(ctx, c); err != nil {
			ring.free <- c
			break
		}
	}
	in.staged.Blob.SHA256 = ring.end()
	return err
}

// write puts bytes into the store, after a look at free space where one is due.
func (in *intake) write(ctx context.Context, b []byte) error {
	size := int64(len(b))
	if size == 0 {
		return nil
	}
	if in.room < size {
		if err := in.look(ctx, size); err != nil {
			return err
		}
	}
	in.room -= size
	n, err := in.staged.writer.Write(b)
	in.staged.Blob.Size += int64(n)
	in.vault.staged.Add(int64(n))
	if err != nil {
		return fmt.Errorf("write an object: %w", err)
	}
	return nil
}

// look looks at free space, which must be at least size.
func (in *intake) look(ctx context.Context, size int64) error {
	room, err := in.vault.room(ctx, size)
	in.room = min(room, lookEvery)
	return err
}

// piece is the used part of a chunk.
type piece struct {
	chunk *chunk
	n     int
}

// ring passes chunks to a goroutine that hashes them, and back. Both channels have room for all chunks, so that nobody waits to give.
type ring struct {
	full chan piece
	free chan *chunk
	sum  chan [sha256.Size]byte
	pool *sync.Pool
}

// newRing starts the hashing goroutine. One chunk, the first to be hashed, is the caller's.
func (v *Vault) newRing() *ring {
	r := &ring{
		full: make(chan piece, ringSize),
		free: make(chan *chunk, ringSize),
		sum:  make(chan [sha256.Size]byte, 1),
		pool: &v.chunks,
	}
	for range ringSize - 1 {
		r.free <- v.chunks.Get().(*chunk)
	}
	go r.hash()
	return r
}

func (r *ring) hash() {
	hash := sha256.New()
	for p := range r.full {
		hash.Write(p.chunk[:p.n])
		r.free <- p.chunk
	}
	r.sum <- [sha256.Size]byte(hash.Sum(nil))
}

// end waits for the hash of everything that was given, and puts all chunks back into the pool.
func (r *ring) end() [sha256.Size]byte {
	close(r.full)
	sum := <-r.sum
	for range ringSize {
		r.pool.Put(<-r.free)
	}
	return sum
}
