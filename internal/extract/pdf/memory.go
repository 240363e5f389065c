package pdf

import "github.com/tetratelabs/wazero/experimental"

const pageBytes = 64 << 10 // a page of WebAssembly's memory

// room is the memory that PDFium gets: for one instance at a time, never more than limit bytes. A document that asks for more is refused,
// and remembered as such.
type room struct {
	limit  uint64
	size   uint64 // what the instance has now; it only grows
	denied bool   // the instance asked for more than there is
}

// Allocate gives a new instance its memory.
func (r *room) Allocate(_, _ uint64) experimental.LinearMemory {
	r.size, r.denied = 0, false
	return &memory{room: r, reserved: reserve(r.limit)}
}

// memory is the memory of one instance. It is kept out of Go's heap where that can be done: it would double what Go thinks is in use, and
// growing would copy it.
type memory struct {
	room     *room
	reserved []byte // all that there can be, taken up as it is touched; empty: could not be had
	heap     []byte // in its place
}

// Reallocate gives the first size bytes, zero where they are new, or nil if there are not so many.
func (m *memory) Reallocate(size uint64) []byte {
	if size > m.room.limit {
		m.room.denied = true
		return nil
	}
	m.room.size = size
	if len(m.reserved) > 0 {
		return m.reserved[:size]
	}
	if size > uint64(cap(m.heap)) {
		grown := make([]byte, size, min(size+size/4, m.room.limit))
		copy(grown, m.heap)
		m.heap = grown
	}
	m.heap = m.heap[:size]
	return m.heap
}

// Free gives the memory back. Nothing may look into it any more.
func (m *memory) Free() {
	release(m.reserved)
	m.reserved, m.heap = nil, nil
}
