package s3blob

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
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

// body is what can be sent more than once.
type body interface {
	io.ReadSeeker
	Size() int64
}

// content gives the bytes, for as long as the part is not released.
func (p *part) content() body { return &partReader{part: p} }

// partReader reads the blocks of a part as one.
type partReader struct {
	part *part
	at   int64
}

// Size is the number of bytes.
func (r *partReader) Size() int64 { return r.part.size }

// Read implements io.Reader.
func (r *partReader) Read(b []byte) (int, error) {
	if r.at >= r.part.size {
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
func sum(content io.Reader) (string, error) {
	hash := sha256.New()
	if _, err := io.CopyBuffer(hash, content, make([]byte, 64<<10)); err != nil {
		return "", err
	}
	return hex.EncodeToString(hash.Sum(nil)), nil
}
