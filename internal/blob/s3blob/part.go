package s3blob

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"sync"
)

// part is a piece of an object in memory that was claimed for it.
type part struct {
	budget *budget
	claim  int64
	blocks [][]byte
	size   int64
}

// fill takes as much of b as has room.
func (p *part) fill(b []byte) (n int) {
	for len(b) > 0 && p.size < p.claim {
		at := int(p.size % blockSize)
		if at == 0 {
			p.blocks = append(p.blocks, p.budget.block())
		}
		m := copy(p.blocks[len(p.blocks)-1][at:], b[:min(int64(len(b)), p.claim-p.size)])
		p.size += int64(m)
		n, b = n+m, b[m:]
	}
	return n
}

func (p *part) full() bool { return p.size == p.claim }

// release gives the memory back. It may be called twice.
func (p *part) release() {
	if p.claim > 0 {
		p.budget.unclaim(p.claim, p.blocks)
		p.claim, p.blocks = 0, nil
	}
}

// content is the bytes of an object, or of a part of one.
type content interface {
	Size() int64

	// Reader gives all of them, from the beginning. Once end was called, it gives nothing any more: whoever still reads then, such as the
	// connection of a request that is over, gets an error, and the memory can be used for something else.
	Reader() (reader io.ReadSeeker, end func())
}

// kept is content in memory of its own, which nothing else will use.
type kept []byte

// Size is the number of bytes.
func (k kept) Size() int64 { return int64(len(k)) }

// Reader implements content.
func (k kept) Reader() (io.ReadSeeker, func()) { return bytes.NewReader(k), func() {} }

// Size is the number of bytes.
func (p *part) Size() int64 { return p.size }

// Reader implements content. The part is not released before end.
func (p *part) Reader() (io.ReadSeeker, func()) {
	r := &partReader{part: p}
	return r, r.end
}

// partReader reads the blocks of a part as one.
type partReader struct {
	mu   sync.Mutex
	part *part // nil when it is over
	at   int64
}

func (r *partReader) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.part = nil
}

// Read implements io.Reader.
func (r *partReader) Read(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.part == nil:
		return 0, fs.ErrClosed
	case r.at >= r.part.size:
		return 0, io.EOF
	}
	block := r.part.blocks[r.at/blockSize]
	end := min(blockSize, r.part.size-r.at/blockSize*blockSize)
	n := copy(b, block[r.at%blockSize:end])
	r.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (r *partReader) Seek(offset int64, whence int) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.part == nil {
		return 0, fs.ErrClosed
	}
	to, err := sought(offset, whence, r.at, r.part.size)
	if err == nil {
		r.at = to
	}
	return to, err
}

// sought gives the place that Seek's arguments mean.
func sought(offset int64, whence int, at, size int64) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += at
	case io.SeekEnd:
		offset += size
	}
	if offset < 0 {
		return 0, errors.New("s3blob: seek to before the start")
	}
	return offset, nil
}

// sum hashes what is about to be sent: the server refuses bytes with another hash, so that none is changed on the way unseen.
func sum(of content) (string, error) {
	reader, end := of.Reader()
	defer end()
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, reader, make([]byte, 64<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
