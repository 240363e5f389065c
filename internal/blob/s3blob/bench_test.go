package s3blob_test

import (
	"bytes"
	"crypto/rand"
	"io"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
)

// The benchmarks come in pairs that take turns in one run: the vault above the store, and a bare client with its own defaults on the same server.

const benchSize = 1 << 30

func bare(b *testing.B, server *s3test.Server) *minio.Client {
	b.Helper()
	client, err := minio.New(server.Endpoint[len("http://"):], &minio.Options{
		Creds: credentials.NewStaticV4(s3test.AccessKey, s3test.SecretKey, ""), Region: "us-east-1",
	})
	must(b, err)
	return client
}

func BenchmarkUp(b *testing.B) {
	server := s3test.Start(b)
	vault := blob.NewVault(open(b, server.URL("up"), s3blob.Options{}), blob.Options{})
	client := bare(b, server)
	b.Run("vault", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			staged, err := vault.Stage(b.Context(), repeated(benchSize))
			must(b, err)
			must(b, staged.Commit(b.Context()))
			must(b, staged.Discard(b.Context()))
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			_, err := client.PutObject(b.Context(), server.Bucket, "bare", repeated(benchSize), benchSize, minio.PutObjectOptions{})
			must(b, err)
			must(b, client.RemoveObject(b.Context(), server.Bucket, "bare", minio.RemoveObjectOptions{}))
		}
	})
}

func BenchmarkDown(b *testing.B) {
	server := s3test.Start(b)
	vault := blob.NewVault(open(b, server.URL("down"), s3blob.Options{}), blob.Options{})
	client := bare(b, server)
	staged, err := vault.Stage(b.Context(), repeated(benchSize))
	must(b, err)
	must(b, staged.Commit(b.Context()))
	b.Run("vault", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			object, err := vault.Open(b.Context(), staged.Blob.ID)
			must(b, err)
			_, err = io.Copy(io.Discard, object)
			must(b, err)
			must(b, object.Close())
		}
	})
	b.Run("bare", func(b *testing.B) {
		b.SetBytes(benchSize)
		for b.Loop() {
			object, err := client.GetObject(b.Context(), server.Bucket, "down/"+blob.Key(staged.Blob.ID), minio.GetObjectOptions{})
			must(b, err)
			_, err = io.Copy(io.Discard, object)
			must(b, err)
			must(b, object.Close())
		}
	})
}

func BenchmarkSmall(b *testing.B) {
	server := s3test.Start(b)
	vault := blob.NewVault(open(b, server.URL("small"), s3blob.Options{}), blob.Options{})
	client := bare(b, server)
	content := blobtest.Bytes(1, 4<<10)
	inParallel := func(b *testing.B, do func() error) {
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
	b.Run("vault", func(b *testing.B) {
		inParallel(b, func() error {
			staged, err := vault.Stage(b.Context(), bytes.NewReader(content))
			if err != nil {
				return err
			}
			return staged.Commit(b.Context())
		})
	})
	b.Run("bare", func(b *testing.B) {
		inParallel(b, func() error {
			_, err := client.PutObject(b.Context(), server.Bucket, "bare/"+rand.Text(), bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
			return err
		})
	})
}
