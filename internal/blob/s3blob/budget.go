package s3blob

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
)

const (
	mib        = 1 << 20
	blockSize  = mib // memory of parts comes in blocks of this size
	idleBlocks = 32  // that are kept while nothing is uploaded

	memoryPatience = time.Minute // of a writer that waits for a claim
)

// budget bounds the memory that all writers of a store take together. It has two shares.
//
// The larger one is for parts. A writer claims the size of a part before it takes the part's first byte, in the order in which
// the writers came, and waits for it if it must. It never waits for a claim while it fills a part: what it still holds then is on its
// way to the server, and comes back without another claim. So nobody waits for someone who waits, and a part that is large gets its turn.
//
// The smaller share is for small objects that are complete and wait for their Commit, of which one request may have a hundred. It is
// never waited for: where it is used up, such an object goes to the server as the part of an upload, and takes no memory any more.
type budget struct {
	parts    *semaphore.Weighted
	kept     *semaphore.Weighted
	largest  int64         // claim
	patience time.Duration // of a writer that waits for a claim

	mu      sync.Mutex
	free    [][]byte // blocks without a claim, kept for the next one
	claimed int64    // of parts
}

// newBudget divides memory: five eighths for parts, of which the largest may have four, and three for what is kept.
func newBudget(memory int64) *budget {
	parts := memory * 5 / 8
	return &budget{
		parts: semaphore.NewWeighted(parts), kept: semaphore.NewWeighted(memory - parts),
		largest: memory / 2 / blockSize * blockSize, patience: memoryPatience,
	}
}

// claim waits for the room of a part; the caller gives it back with unclaim.
func (b *budget) claim(ctx context.Context, size int64) error {
	waiting, cancel := context.WithTimeout(ctx, b.patience)
	defer cancel()
	err := b.parts.Acquire(waiting, size)
	switch {
	case err == nil:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.claimed += size
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return &satchel.Error{
		Code:    satchel.CodeUnavailable,
		Message: "too many uploads are under way at once; try again",
		Err:     fmt.Errorf("no memory for a part of %d bytes came free within %s", size, b.patience),
	}
}

// unclaim gives a part's room back, and its blocks. With the last claim goes most of the memory.
func (b *budget) unclaim(size int64, blocks [][]byte) {
	b.mu.Lock()
	b.free = append(b.free, blocks...)
	b.claimed -= size
	if b.claimed == 0 && len(b.free) > idleBlocks {
		for _, block := range b.free[idleBlocks:] {
			unmap(block)
		}
		b.free = b.free[:idleBlocks]
	}
	b.mu.Unlock()
	b.parts.Release(size)
}

// block gives memory to someone whose claim has room for it.
func (b *budget) block() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	last := len(b.free) - 1
	if last < 0 {
		return mapped(blockSize)
	}
	block := b.free[last]
	b.free = b.free[:last]
	return block
}

// mapped gives memory that the garbage collector does not know of: it lets the heap grow to twice of what is in use, and the budget is not meant
// to be twice as large. Where the system gives none, the heap does.
func mapped(size int) []byte {
	block, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		return make([]byte, size)
	}
	return block
}

// unmap gives memory back that nobody may touch any more. Of memory of the heap the system knows nothing, and says so.
func unmap(block []byte) { _ = unix.Munmap(block) }

// keep takes room for a complete object, if there is any; the caller gives it back with unkeep.
func (b *budget) keep(size int) bool { return b.kept.TryAcquire(int64(size)) }

func (b *budget) unkeep(size int) { b.kept.Release(int64(size)) }

// The limits of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html
const (
	minPart  = 5 * mib
	maxPart  = 5 << 10 * mib
	maxParts = 10_000
)

const (
	firstPart = minPart
	growAfter = 500 // parts of one size, until the size is doubled
)

// LeastMemory is the smallest budget with which parts can be made.
const LeastMemory = 32 * mib

// partSize gives the size of the nth part, from 1 on: it grows, so that slow uploads hold little memory and large ones have not too many parts.
// With the default budget 10,000 parts are 1.1 TB; with 1.5 GiB they are more than 5 TiB.
func (b *budget) partSize(n int) int64 {
	size := int64(firstPart)
	for range (n - 1) / growAfter {
		size = min(2*size, maxPart)
	}
	return max(min(size, b.largest), minPart)
}

// capacity gives the size of the largest object.
func (b *budget) capacity() (size int64) {
	for n := 1; n <= maxParts; n++ {
		size += b.partSize(n)
	}
	return size
}

// errTooManyParts says that an object has used up its parts.
var errTooManyParts = errors.New("an upload has 10,000 parts at most")
