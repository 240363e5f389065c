package s3blob

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
)

func TestCapacity(t *testing.T) {
	for _, test := range []struct{ memory, least int64 }{
		{LeastMemory, 100e9}, {DefaultMemory, 1e12}, {1536 * mib, 5 << 40}, {64 << 10 * mib, 25 << 40},
	} {
		b := newBudget(test.memory)
		if got := b.capacity(); got < test.least {
			t.Errorf("with %d MiB an object may have %d bytes, want %d", test.memory/mib, got, test.least)
		}
		last := int64(0)
		for n := 1; n <= maxParts; n++ {
			size := b.partSize(n)
			if size < last || size < minPart || size > maxPart || size > test.memory*5/8 || size%blockSize != 0 {
				t.Fatalf("with %d MiB part %d has %d bytes", test.memory/mib, n, size)
			}
			last = size
		}
	}
}

// TestClaimsAreBounded has many claim and give back; the sum of what they hold is never more than the share, and all get their turn.
func TestClaimsAreBounded(t *testing.T) {
	b := newBudget(LeastMemory)
	var mu sync.Mutex
	var held, most int64
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for round := range 20 {
				size := int64(5+(i+round)%12) * mib
				if err := b.claim(t.Context(), size); err != nil {
					t.Error(err)
					return
				}
				count := func(change int64) {
					mu.Lock()
					defer mu.Unlock()
					held += change
					most = max(most, held)
				}
				count(size)
				runtime.Gosched() // others may claim meanwhile
				count(-size)      // before it is given back
				b.unclaim(size, nil)
			}
		})
	}
	all.Wait()
	if most > LeastMemory*5/8 || most < 17*mib {
		t.Errorf("%d bytes were held at once", most)
	}
}

func TestAClaimEnds(t *testing.T) {
	b := newBudget(LeastMemory)
	if err := b.claim(t.Context(), LeastMemory*5/8); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- b.claim(ctx, minPart) }()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a claim whose context ended: %v", err)
	}
	b.patience = time.Millisecond
	if err := b.claim(t.Context(), minPart); satchel.CodeOf(err) != satchel.CodeUnavailable {
		t.Errorf("a claim that waited for too long: %v", err)
	}
	b.unclaim(LeastMemory*5/8, nil)
	if err := b.claim(t.Context(), LeastMemory*5/8); err != nil {
		t.Errorf("what was given back cannot be had: %v", err)
	}
}

// TestFilled: every byte of a part comes back, also after it was read halfway, whatever the pieces were.
func TestFilled(t *testing.T) {
	b := newBudget(LeastMemory)
	const size = 2*blockSize + 12_345
	if err := b.claim(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	p := &part{budget: b, claim: size}
	written := 0
	for piece := 1; !p.full(); piece = piece*3 + 1 {
		text := make([]byte, piece)
		for i := range text {
			text[i] = byte(written + i)
		}
		written += p.fill(text)
	}
	if written != size || p.fill([]byte("more")) != 0 {
		t.Errorf("%d bytes were taken", written)
	}
	first, err := sum(p)
	if err != nil {
		t.Fatal(err)
	}
	content, end := p.Reader()
	if _, err := content.Read(make([]byte, 100_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := content.Seek(0, 0); err != nil {
		t.Fatal(err)
	}
	at := 0
	buffer := make([]byte, 77_777)
	for at < size {
		n, err := content.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range buffer[:n] {
			if c != byte(at+i) {
				t.Fatalf("another byte at %d", at+i)
			}
		}
		at += n
	}
	again, err := sum(p)
	if err != nil || again != first {
		t.Errorf("%s and then %s, %v", first, again, err)
	}
	end()
	if n, err := content.Read(buffer); n != 0 || err == nil {
		t.Errorf("read %d bytes of a part that may be another's", n)
	}
	p.release()
	p.release()
}

// TestMemoryGoesBack: after an upload the store does not keep all that it ever had.
func TestMemoryGoesBack(t *testing.T) {
	b := newBudget(DefaultMemory)
	const size = 100 * mib
	if err := b.claim(t.Context(), size); err != nil {
		t.Fatal(err)
	}
	p := &part{budget: b, claim: size}
	piece := make([]byte, 3*mib)
	for !p.full() {
		p.fill(piece)
	}
	if len(p.blocks) != size/blockSize {
		t.Errorf("%d blocks", len(p.blocks))
	}
	p.release()
	if len(b.free) != idleBlocks || b.claimed != 0 {
		t.Errorf("%d blocks are kept, %d bytes claimed", len(b.free), b.claimed)
	}
}
