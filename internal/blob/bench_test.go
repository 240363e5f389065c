package blob_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
)

// The benchmarks come in pairs that take turns in one run: the vault on a disk, and what a bare program must do for the same promise.
// Compare them with each other; the disk's own speed changes from minute to minute.

func BenchmarkSmall(b *testing.B) {
	content := blobtest.Bytes(1, 4<<10)
	b.Run("vault", func(b *testing.B) {
		v := newVault(b, blob.Options{MinFree: 1})
		inParallel(b, func() error { return throughVault(b, v, bytes.NewReader(content)) })
	})
	b.Run("bare", func(b *testing.B) {
		dir := b.TempDir()
		var n atomic.Int64
		inParallel(b, func() error { return bareSmall(dir, fmt.Sprint(n.Add(1)), content) })
	})
}

func BenchmarkLarge(b *testing.B) {
	const size = 256 << 20
	b.Run("vault", func(b *testing.B) {
		v := newVault(b, blob.Options{MinFree: 1})
		b.SetBytes(size)
		for b.Loop() {
			check(b, throughVault(b, v, largeSource(size)))
		}
	})
	b.Run("bare", func(b *testing.B) {
		name := filepath.Join(b.TempDir(), "file")
		b.SetBytes(size)
		for b.Loop() {
			check(b, bareLarge(name, largeSource(size)))
		}
	})
}

// largeSource repeats bytes of chance, at the cost of a copy.
func largeSource(size int64) io.Reader {
	block := blobtest.Bytes(2, 1<<20)
	at := 0
	return io.LimitReader(readerFunc(func(p []byte) (int, error) {
		n := copy(p, block[at:])
		at = (at + n) % len(block)
		return n, nil
	}), size)
}

func inParallel(b *testing.B, do func() error) {
	b.SetParallelism(8) // times the processors
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := do(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func check(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func throughVault(b *testing.B, v *blob.Vault, r io.Reader) error {
	s, err := v.Stage(b.Context(), r)
	if err != nil {
		return err
	}
	return errors.Join(s.Commit(b.Context()), s.Discard(b.Context()))
}

// bareSmall is temp file, write, fsync, rename, fsync of the folder.
func bareSmall(dir, name string, content []byte) error {
	sha256.Sum256(content)
	file, err := os.CreateTemp(dir, "")
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err := errors.Join(err, file.Sync(), file.Close(), os.Rename(file.Name(), filepath.Join(dir, name))); err != nil {
		return err
	}
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close(), os.Remove(filepath.Join(dir, name)))
}

// bareLarge writes a file, hashes it beside, and syncs it.
func bareLarge(name string, r io.Reader) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	in, out := io.Pipe()
	hashed := make(chan error, 1)
	go func() {
		_, err := io.CopyBuffer(sha256.New(), in, make([]byte, 256<<10))
		hashed <- err
	}()
	_, err = io.CopyBuffer(io.MultiWriter(out, struct{ io.Writer }{file}), r, make([]byte, 256<<10))
	return errors.Join(err, out.Close(), <-hashed, file.Sync(), file.Close(), os.Remove(name))
}
