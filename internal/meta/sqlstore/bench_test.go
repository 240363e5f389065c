package sqlstore

import (
	"context"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// testFile gives the i-th of many files: half of them have kind even, one in ten thousand has the same group.
func testFile(scope satchel.Scope, i int) *satchel.File {
	kind := "odd"
	if i%2 == 0 {
		kind = "even"
	}
	metadata := fmt.Sprintf(`{"group":"g%d","kind":"%s","n":%d}`, i%10_000, kind, i)
	name := strconv.Itoa(i) + ".txt"
	at := time.Now().UTC().Truncate(time.Microsecond)
	return &satchel.File{
		Org: scope.Org, Workspace: scope.Workspace, User: scope.User, Filename: name, Purpose: satchel.PurposeUserData,
		Status: satchel.StatusProcessed, Metadata: satchel.StoredMetadata(metadata), ContentType: "text/plain; charset=utf-8",
		Content: satchel.Blob{ID: satchel.NewBlobID(at), Size: int64(i), SHA256: sha256.Sum256([]byte(name))}, UpdatedAt: at, Version: 1,
		MetadataVersion: 1,
	}
}

func loaded(tb testing.TB, n int) (*SQLite, satchel.Scope) {
	tb.Helper()
	scope := satchel.Scope{Org: satchel.NewOrgID(time.Now()), Workspace: "default", User: satchel.NewUserID(time.Now())}
	s := openTest(tb, Options{})
	if err := s.LoadFiles(tb.Context(), scope, n, func(i int) *satchel.File { return testFile(scope, i) }); err != nil {
		tb.Fatal(err)
	}
	return s, scope
}

func BenchmarkInsert(b *testing.B) {
	scope := satchel.Scope{Org: satchel.NewOrgID(time.Now()), Workspace: "default", User: satchel.NewUserID(time.Now())}
	commits, inserts := 0, 0
	s := openTest(b, Options{OnCommit: func(n int) { commits++; inserts += n }})
	b.SetParallelism(8) // 16 goroutines on 2 cores
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			f := testFile(scope, i)
			err := s.InTx(b.Context(), func(ctx context.Context, tx meta.Tx) error {
				f.ID = nextID(ctx, tx)
				return tx.InsertFile(ctx, scope, f, satchel.Change{User: f.User, At: f.UpdatedAt, Edit: f.Metadata.String(), Replace: true})
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inserts/s")
	b.ReportMetric(float64(inserts)/float64(commits), "a-commit")
}

func BenchmarkDelete(b *testing.B) {
	s, scope := loaded(b, b.N)
	page, err := collect(b.Context(), s.q, scanOne[string], `SELECT id FROM files`)
	if err != nil {
		b.Fatal(err)
	}
	next := make(chan string, len(page))
	for _, id := range page {
		next <- id
	}
	b.SetParallelism(8)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			id := satchel.FileID(<-next)
			if err := s.InTx(b.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, id, time.Now()) }); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "deletes/s")
}

func BenchmarkFile(b *testing.B) {
	s, scope := loaded(b, 10_000)
	page, err := s.Files(b.Context(), scope, satchel.Query{Limit: 10_000}, time.Now())
	if err != nil {
		b.Fatal(err)
	}
	b.Run("store", func(b *testing.B) {
		b.ReportAllocs()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				if _, err := s.File(b.Context(), scope, page.Files[i%len(page.Files)].ID); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
	b.Run("bare", func(b *testing.B) {
		stmt, err := s.file.read.Prepare(`SELECT filename, purpose, bytes, sha256, metadata, content_type FROM files WHERE id = $1`)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for i := 0; pb.Next(); i++ {
				var filename, purpose, metadata, contentType string
				var bytes int64
				var sha []byte
				if err := stmt.QueryRow(string(page.Files[i%len(page.Files)].ID)).Scan(&filename, &purpose, &bytes, &sha, &metadata, &contentType); err != nil {
					b.Fatal(err)
				}
			}
		})
	})
}

func benchPages(b *testing.B, n int) {
	s, scope := loaded(b, n)
	var middle satchel.FileID
	text := `SELECT id FROM files WHERE org_id = $1 AND workspace_id = $2 ORDER BY id LIMIT 1 OFFSET $3`
	if err := s.q.get(b.Context(), []any{(*string)(&middle)}, text, string(scope.Org), string(scope.Workspace), n/2); err != nil {
		b.Fatal(err)
	}
	kind := satchel.Condition{Path: []string{"kind"}, Value: "even"}
	group := satchel.Condition{Path: []string{"group"}, Value: "g42", Text: true}
	for _, c := range []struct {
		name  string
		query satchel.Query
	}{
		{"first", satchel.Query{}},
		{"middle", satchel.Query{After: middle}},
		{"few", satchel.Query{Metadata: []satchel.Condition{group}}},
		{"half", satchel.Query{Metadata: []satchel.Condition{kind}}},
		{"half+few", satchel.Query{Metadata: []satchel.Condition{kind, group}}},
		{"half+few in the middle", satchel.Query{After: middle, Metadata: []satchel.Condition{kind, group}}},
		{"half+purpose", satchel.Query{After: middle, Purpose: satchel.PurposeUserData, Metadata: []satchel.Condition{kind}}},
	} {
		c.query.Limit = 100
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := s.Files(b.Context(), scope, c.query, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkPage10k(b *testing.B) { benchPages(b, 10_000) }

func BenchmarkPage1M(b *testing.B) { benchPages(b, 1_000_000) }

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "satchel.db")
	for b.Loop() {
		s, err := OpenSQLite(b.Context(), Options{Path: path})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
