package s3blob_test

import (
	"bytes"
	"crypto/sha256"
	"io"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
)

// peak runs do and gives the most memory that the heap had meanwhile.
func peak(do func()) (most uint64) {
	runtime.GC()
	done := make(chan struct{})
	go func() { defer close(done); do() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var m runtime.MemStats
	for {
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapInuse)
		select {
		case <-done:
			return most
		case <-tick.C:
		}
	}
}

// repeated gives so many bytes of chance, over and over the same million.
func repeated(size int64) io.Reader {
	block := blobtest.Bytes(1, 1_000_003)
	return io.LimitReader(io.MultiReader(func() []io.Reader {
		all := make([]io.Reader, size/int64(len(block))+1)
		for i := range all {
			all[i] = bytes.NewReader(block)
		}
		return all
	}()...), size)
}

// TestALargeObjectTakesTheBudgetAlone streams 320 MiB through a vault, there and back. The budget's own memory is not the heap's; what may be claimed of
// it is bounded, and tried elsewhere.
func TestALargeObjectTakesTheBudgetAlone(t *testing.T) {
	const size, memory, heap = 320 << 20, s3blob.LeastMemory, 64 << 20
	store := open(t, s3test.Start(t).URL(""), s3blob.Options{Memory: memory})
	vault := blob.NewVault(store, blob.Options{})
	var staged *blob.Staged
	most := peak(func() {
		var err error
		if staged, err = vault.Stage(t.Context(), repeated(size)); err == nil {
			err = staged.Commit(t.Context())
		}
		if err != nil {
			t.Error(err)
		}
	})
	t.Logf("up: %d MiB of heap at most, with a budget of %d MiB", most>>20, memory>>20)
	if most > heap {
		t.Errorf("the heap grew to %d MiB", most>>20)
	}
	hash := sha256.New()
	most = peak(func() {
		object, err := vault.Open(t.Context(), staged.Blob.ID)
		if err != nil {
			t.Error(err)
			return
		}
		defer object.Close()
		if n, err := io.Copy(hash, object); err != nil || n != size {
			t.Errorf("read %d bytes, %v", n, err)
		}
	})
	if most > heap || [32]byte(hash.Sum(nil)) != staged.Blob.SHA256 {
		t.Errorf("read with %d MiB of heap, the hash is right: %v", most>>20, [32]byte(hash.Sum(nil)) == staged.Blob.SHA256)
	}
}

// TestManyWritersShareTheBudget has 64 of them write at once, with room for three parts: all come through, and nobody has more than there is.
func TestManyWritersShareTheBudget(t *testing.T) {
	const writers, size, memory = 64, 6 << 20, s3blob.LeastMemory
	store := open(t, s3test.Start(t).URL(""), s3blob.Options{Memory: memory})
	vault := blob.NewVault(store, blob.Options{})
	most := peak(func() {
		var all sync.WaitGroup
		for range writers {
			all.Go(func() {
				staged, err := vault.Stage(t.Context(), repeated(size))
				if err == nil {
					err = staged.Commit(t.Context())
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	})
	t.Logf("%d MiB of heap at most, with a budget of %d MiB and %d MiB of the vault's", most>>20, memory>>20, writers)
	if most > (64+3*writers)<<20 { // every stream has its chunks
		t.Errorf("the heap grew to %d MiB", most>>20)
	}
	if keys := blobtest.Keys(t, store); len(keys) != writers {
		t.Errorf("%d objects are there", len(keys))
	}
}

// TestManyStagedAtOnce is a form with a hundred files, of which all wait for the last.
func TestManyStagedAtOnce(t *testing.T) {
	store := open(t, s3test.Start(t).URL(""), s3blob.Options{Memory: s3blob.LeastMemory})
	vault := blob.NewVault(store, blob.Options{})
	var all []*blob.Staged
	for i := range 100 {
		staged, err := vault.Stage(t.Context(), bytes.NewReader(blobtest.Bytes(uint64(i), 1000+i*10_000)))
		must(t, err)
		all = append(all, staged)
	}
	for i, staged := range all {
		if i%2 > 0 {
			must(t, staged.Discard(t.Context()))
			continue
		}
		must(t, staged.Commit(t.Context()))
	}
	if keys := blobtest.Keys(t, store); len(keys) != len(all)/2 {
		t.Errorf("%d objects are there", len(keys))
	}
	for i, staged := range all {
		if i%2 > 0 {
			continue
		}
		object, err := vault.Open(t.Context(), staged.Blob.ID)
		must(t, err)
		content, err := io.ReadAll(object)
		must(t, err)
		if sha256.Sum256(content) != staged.Blob.SHA256 {
			t.Errorf("object %d has other bytes", i)
		}
		must(t, object.Close())
	}
}
