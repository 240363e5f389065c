package blob_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
)

const (
	chunk = 256 << 10 // what the vault reads at once
	mib   = 1 << 20
)

func diskStore(t testing.TB) *diskblob.Store {
	t.Helper()
	store, err := diskblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func newVault(t testing.TB, o blob.Options) *blob.Vault {
	t.Helper()
	return blob.NewVault(diskStore(t), o)
}

func stage(t testing.TB, v *blob.Vault, content []byte) *blob.Staged {
	t.Helper()
	s, err := v.Stage(t.Context(), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// untouched checks that a vault holds nothing, on the disk or in memory.
func untouched(t *testing.T, v *blob.Vault) {
	t.Helper()
	if keys := blobtest.Keys(t, v.Store()); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
	if n := v.StagedBytes(); n != 0 {
		t.Errorf("%d staged bytes are left", n)
	}
}

func read(t *testing.T, v *blob.Vault, id satchel.BlobID) []byte {
	t.Helper()
	object, err := v.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(object)
	if err := errors.Join(err, object.Close()); err != nil {
		t.Fatal(err)
	}
	return content
}

func TestStage(t *testing.T) {
	v := newVault(t, blob.Options{})
	for _, size := range []int{
		0, 1, 4095, 4096, 4097, chunk - 1, chunk, chunk + 1, 2*chunk - 1, 2 * chunk, 2*chunk + 1,
		4*chunk - 1, 4 * chunk, 4*chunk + 1, 5*chunk + 1, 17*mib + 3,
	} {
		want := blobtest.Bytes(uint64(size), size)
		for name, r := range map[string]io.Reader{
			"at once":       bytes.NewReader(want),
			"in halves":     iotest.HalfReader(bytes.NewReader(want)),
			"data with EOF": iotest.DataErrReader(bytes.NewReader(want)),
		} {
			s, err := v.Stage(t.Context(), r)
			if err != nil {
				t.Fatalf("%d bytes, %s: %v", size, name, err)
			}
			checkStaged(t, v, s, want)
		}
	}
	untouched(t, v)
}

func checkStaged(t *testing.T, v *blob.Vault, s *blob.Staged, want []byte) {
	t.Helper()
	size := int64(len(want))
	if s.Blob.Size != size || s.Blob.SHA256 != sha256.Sum256(want) || !bytes.Equal(s.Head, want[:min(size, 4096)]) {
		t.Errorf("%d bytes: staged %d, hash %x, head of %d", size, s.Blob.Size, s.Blob.SHA256, len(s.Head))
	}
	if n := v.StagedBytes(); n != size {
		t.Errorf("%d staged bytes, want %d", n, size)
	}
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := read(t, v, s.Blob.ID); !bytes.Equal(got, want) {
		t.Errorf("%d bytes came back as %d, or others", size, len(got))
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestTooLarge(t *testing.T) {
	for _, limit := range []int{1, 4096, chunk - 1, chunk, chunk + 1, 3 * mib} {
		v := newVault(t, blob.Options{MaxBytes: int64(limit)})
		exact := stage(t, v, make([]byte, limit))
		if err := exact.Discard(t.Context()); err != nil {
			t.Error(err)
		}
		for _, size := range []int{limit + 1, limit + chunk, 3 * limit} {
			if size <= limit {
				continue
			}
			r := bytes.NewReader(make([]byte, size))
			_, err := v.Stage(t.Context(), r)
			if satchel.CodeOf(err) != satchel.CodeFileTooLarge || !strings.Contains(err.Error(), fmt.Sprintf(" %d bytes (", limit)) {
				t.Errorf("%d bytes, limit %d: %v", size, limit, err)
			}
			if rest := r.Len(); rest != size-limit-1 {
				t.Errorf("%d bytes, limit %d: %d are unread; reading must stop behind the limit", size, limit, rest)
			}
			untouched(t, v)
		}
	}
}

func TestTooLargeSaysTheLimit(t *testing.T) {
	v := newVault(t, blob.Options{MaxBytes: mib})
	_, err := v.Stage(t.Context(), bytes.NewReader(make([]byte, mib+1)))
	var e *satchel.Error
	if !errors.As(err, &e) || e.Message != "The file is larger than the limit of 1048576 bytes (1.0 MiB)." {
		t.Errorf("got %v", err)
	}
}

// What is derived from an object may be larger than an upload may be.
func TestDerivedObjectsHaveNoLimit(t *testing.T) {
	v := newVault(t, blob.Options{MaxBytes: 1})
	derived, err := v.StageDerived(t.Context(), strings.NewReader("twice"))
	if err != nil || derived.Blob.Size != 5 {
		t.Fatalf("%+v, %v", derived, err)
	}
	if err := derived.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

// A source that breaks is told from a store that breaks, wherever it breaks.
func TestSourceError(t *testing.T) {
	broken := errors.New("connection reset")
	v := newVault(t, blob.Options{})
	for _, size := range []int{0, 1, chunk - 1, chunk, chunk + 1, 3 * mib} {
		for _, cause := range []error{broken, io.ErrUnexpectedEOF, fmt.Errorf("part ended: %w", io.EOF), blob.ErrNoSpace} {
			_, err := v.Stage(t.Context(), io.MultiReader(bytes.NewReader(make([]byte, size)), iotest.ErrReader(cause)))
			var source *blob.SourceError
			if !errors.Is(err, cause) || !errors.As(err, &source) || satchel.CodeOf(err) != satchel.CodeInternal {
				t.Errorf("after %d bytes, %v: %v", size, cause, err)
			}
			untouched(t, v)
		}
	}
}

func TestSourceErrorWithCode(t *testing.T) {
	v := newVault(t, blob.Options{})
	_, err := v.Stage(t.Context(), iotest.ErrReader(satchel.Errorf(satchel.CodeBodyTooLarge, "too much")))
	if satchel.CodeOf(err) != satchel.CodeBodyTooLarge {
		t.Errorf("got %v", err)
	}
}

func TestSourceWithoutProgress(t *testing.T) {
	v := newVault(t, blob.Options{})
	_, err := v.Stage(t.Context(), readerFunc(func([]byte) (int, error) { return 0, nil }))
	if !errors.Is(err, io.ErrNoProgress) {
		t.Errorf("got %v", err)
	}
	untouched(t, v)
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

func TestCancel(t *testing.T) {
	for _, after := range []int{0, 1, 5 * mib} {
		v := newVault(t, blob.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		_, err := v.Stage(ctx, readerFunc(func(b []byte) (int, error) {
			if n += len(b); n > after {
				cancel()
			}
			return len(b), nil
		}))
		cancel()
		if !errors.Is(err, context.Canceled) {
			t.Errorf("after %d bytes: %v", after, err)
		}
		untouched(t, v)
	}
}

// strictStore does nothing for a request that is over.
type strictStore struct{ *diskblob.Store }

func (s strictStore) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.Store.Delete(ctx, key)
}

func TestDiscardOfACancelledRequest(t *testing.T) {
	v := blob.NewVault(strictStore{diskStore(t)}, blob.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	staged, published := stage(t, v, []byte("one")), stage(t, v, []byte("two"))
	if err := published.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	for _, s := range []*blob.Staged{staged, published} {
		for range 2 {
			if err := s.Discard(ctx); err != nil {
				t.Error(err)
			}
		}
		if v.InUse(s.Blob.ID) {
			t.Error("in use after Discard")
		}
		if _, err := v.Open(t.Context(), s.Blob.ID); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("open: %v", err)
		}
	}
	untouched(t, v)
}

func TestCommitOfACancelledRequest(t *testing.T) {
	v := newVault(t, blob.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	s := stage(t, v, []byte("content"))
	cancel()
	if err := s.Commit(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("commit: %v", err)
	}
	untouched(t, v)
	if err := s.Commit(t.Context()); err == nil {
		t.Error("Commit of what was discarded succeeded")
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRelease(t *testing.T) {
	v := newVault(t, blob.Options{})
	s := stage(t, v, []byte("content"))
	if err := s.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !v.InUse(s.Blob.ID) || v.StagedBytes() != 7 {
		t.Error("not in use before Release")
	}
	s.Release()
	s.Release()
	if v.InUse(s.Blob.ID) || v.StagedBytes() != 0 {
		t.Error("in use after Release")
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
	if got := read(t, v, s.Blob.ID); string(got) != "content" {
		t.Errorf("after Release and Discard: %q", got)
	}
}

// Whatever lies in the store while it streams must count as in use: a sweep may see it at any time.
func TestInUseWhileStreaming(t *testing.T) {
	v := newVault(t, blob.Options{})
	n, seen := 0, 0
	s, err := v.Stage(t.Context(), readerFunc(func(b []byte) (int, error) {
		for _, key := range blobtest.Keys(t, v.Store()) {
			seen++
			if id, ok := blob.ID(key); !ok || !v.InUse(id) {
				t.Errorf("%s is not in use", key)
			}
		}
		if n += len(b); n > mib {
			return 0, io.EOF
		}
		return len(b), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	if seen == 0 {
		t.Error("nothing was listed meanwhile")
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
	untouched(t, v)
}

func TestOpenOfNothing(t *testing.T) {
	v := newVault(t, blob.Options{})
	s := stage(t, v, []byte("unseen"))
	for _, id := range []satchel.BlobID{"", "x", "../../../../etc/passwd", s.Blob.ID} {
		if _, err := v.Open(t.Context(), id); !errors.Is(err, blob.ErrNotExist) {
			t.Errorf("Open(%q): %v", id, err)
		}
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

// fullStore is a disk that tells of less and less room, and whose Commit may find it full.
type fullStore struct {
	*diskblob.Store
	mu      sync.Mutex
	free    int64
	looks   int
	commits error
}

func (s *fullStore) FreeBytes(context.Context) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	return s.free, nil
}

func (s *fullStore) Create(ctx context.Context, key string) (blob.Writer, error) {
	w, err := s.Store.Create(ctx, key)
	return &fullWriter{w, s}, err
}

type fullWriter struct {
	blob.Writer
	store *fullStore
}

func (w *fullWriter) Write(b []byte) (int, error) {
	n, err := w.Writer.Write(b)
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.free -= int64(n)
	return n, err
}

func (w *fullWriter) Commit(ctx context.Context) error {
	if w.store.commits != nil {
		return w.store.commits
	}
	return w.Writer.Commit(ctx)
}

func TestRoom(t *testing.T) {
	const minFree = 100 * mib
	for _, test := range []struct {
		room, size int64
		fits       bool
	}{
		{-1, 0, false}, {-1, 10, false}, {0, 0, true}, {0, 1, false}, {10, 10, true}, {10, 11, false},
		{40 * mib, 40 * mib, true}, {40 * mib, 40*mib + 1, false}, {mib, 40 * mib, false},
	} {
		store := &fullStore{Store: diskStore(t), free: minFree + test.room}
		v := blob.NewVault(store, blob.Options{MinFree: minFree})
		if err := v.CheckRoom(t.Context(), test.size); (err == nil) != test.fits {
			t.Errorf("room %d, size %d: CheckRoom %v", test.room, test.size, err)
		}
		s, err := v.Stage(t.Context(), io.LimitReader(zeros{}, test.size))
		if (err == nil) != test.fits {
			t.Errorf("room %d, size %d: Stage %v", test.room, test.size, err)
		}
		if err == nil {
			err = s.Discard(t.Context())
		} else if satchel.CodeOf(err) == satchel.CodeInsufficientStorage && errors.Is(err, blob.ErrNoSpace) {
			err = nil
		}
		if err != nil {
			t.Errorf("room %d, size %d: %v", test.room, test.size, err)
		}
		untouched(t, v)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

func TestRoomIsLookedAtSeldom(t *testing.T) {
	store := &fullStore{Store: diskStore(t), free: 1 << 40}
	v := blob.NewVault(store, blob.Options{MinFree: mib})
	s, err := v.Stage(t.Context(), io.LimitReader(zeros{}, 64*mib))
	if err != nil {
		t.Fatal(err)
	}
	if store.looks != 4 {
		t.Errorf("looked %d times in 64 MiB, want once in 16 MiB", store.looks)
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCommitOnAFullDisk(t *testing.T) {
	store := &fullStore{Store: diskStore(t), free: 1 << 40, commits: fmt.Errorf("sync: %w", blob.ErrNoSpace)}
	v := blob.NewVault(store, blob.Options{})
	s := stage(t, v, []byte("content"))
	if err := s.Commit(t.Context()); satchel.CodeOf(err) != satchel.CodeInsufficientStorage || !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("commit: %v", err)
	}
	untouched(t, v)
}

func TestManyAtOnce(t *testing.T) {
	v := newVault(t, blob.Options{MaxBytes: 2 * mib})
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 6 {
				content := blobtest.Bytes(uint64(i), 100+j*(chunk/2))
				s, err := v.Stage(t.Context(), bytes.NewReader(content))
				if err != nil {
					t.Error(err)
					return
				}
				if s.Blob.SHA256 != sha256.Sum256(content) {
					t.Error("another hash")
				}
				if j%2 == 0 {
					err = s.Commit(t.Context())
				}
				if err := errors.Join(err, s.Discard(t.Context())); err != nil {
					t.Error(err)
				}
			}
			if _, err := v.Stage(t.Context(), io.LimitReader(zeros{}, 3*mib)); satchel.CodeOf(err) != satchel.CodeFileTooLarge {
				t.Errorf("3 MiB: %v", err)
			}
		})
	}
	wg.Wait()
	untouched(t, v)
}

// What an upload allocates does not grow with its size.
func TestMemory(t *testing.T) {
	v := newVault(t, blob.Options{})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s, err := v.Stage(t.Context(), io.LimitReader(zeros{}, 512*mib))
	runtime.ReadMemStats(&after)
	if err != nil {
		t.Fatal(err)
	}
	if s.Blob.Size != 512*mib {
		t.Errorf("staged %d bytes", s.Blob.Size)
	}
	if used := after.TotalAlloc - before.TotalAlloc; used > 2*mib {
		t.Errorf("512 MiB took %d bytes of memory, want at most 2 MiB", used)
	}
	if err := s.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}
