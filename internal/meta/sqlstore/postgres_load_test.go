package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel"
)

// loadedFile gives file i with everything that a file can be loaded with, the same one at each call.
func loadedFile(scope satchel.Scope, i int) *satchel.File {
	f := testFile(scope, i)
	f.UpdatedAt = time.UnixMicro(int64(1_700_000_000_000_000 + i)).UTC()
	f.Content.ID = satchel.BlobID(fmt.Sprintf("blob-%04d", i))
	switch i % 4 {
	case 1: // many rows in attributes
		var keys []string
		for k := range 100 {
			keys = append(keys, fmt.Sprintf(`"k%03d":["x",%d,null,{"deep":true}]`, k, i))
		}
		f.Metadata = satchel.StoredMetadata("{" + strings.Join(keys, ",") + "}")
	case 2:
		f.Metadata = satchel.StoredMetadata(`{"ключ":"значение \u0000\n\t\\"}`)
		f.Filename, f.Status, f.StatusDetails = "a\tb\\N\x00c\xff.txt", satchel.StatusError, "it\nbroke"
		f.Failure = &satchel.Failure{Code: satchel.CodeModelNotConfigured, Message: "no model"}
		f.ExpiresAt = f.UpdatedAt.Add(time.Hour)
	case 3:
		f.Text = satchel.Blob{ID: satchel.BlobID(fmt.Sprintf("text-%04d", i)), Size: 7, SHA256: [32]byte{1, 2, 3}}
		f.Document = &satchel.Document{Title: "A title"}
	}
	return f
}

// everyRow gives the rows of every table as text, in order. Ids of files, which no two stores give alike, are their places in the order.
func everyRow(t *testing.T, p *Postgres) map[string][]string {
	t.Helper()
	tables := texts(t, p, `SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace`)
	var names []string
	for i, id := range texts(t, p, `SELECT id FROM files ORDER BY id`) {
		names = append(names, id, fmt.Sprintf("the-file-%04d", i))
	}
	named := strings.NewReplacer(names...)
	all := map[string][]string{}
	for _, table := range tables {
		if strings.HasPrefix(table, "goose_") || strings.HasPrefix(table, "river_") {
			continue
		}
		for _, row := range texts(t, p, `SELECT r::text FROM `+table+` r`) {
			all[table] = append(all[table], named.Replace(row))
		}
		slices.Sort(all[table])
	}
	return all
}

func texts(t *testing.T, p *Postgres, text string) []string {
	t.Helper()
	found, err := p.pool.Query(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestLoadByCopyLoadsWhatTheStoreWrites, row by row in every table, and that the indexes are those of the schema.
func TestLoadByCopyLoadsWhatTheStoreWrites(t *testing.T) {
	const n = 3 * streamedRows / 4 // of attributes there are many times as many
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	file := func(i int) *satchel.File { return loadedFile(scope, i) }
	written, copied := openPostgres(t, Options{}), openPostgres(t, Options{})
	const schema = `SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema() UNION ALL
		SELECT conname || ' ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint UNION ALL
		SELECT attrelid::regclass || ' ' || attname FROM pg_attribute WHERE attnotnull AND attrelid::regclass::text !~ '^pg_|\.' ORDER BY 1`
	before := texts(t, copied, schema)
	for _, err := range []error{written.LoadFiles(t.Context(), scope, n, file), copied.LoadByCopy(t.Context(), scope, n, file),
		written.Condense(t.Context()), copied.Condense(t.Context())} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if after := texts(t, copied, schema); !slices.Equal(after, before) || len(after) < 50 {
		t.Errorf("indexes and constraints were\n%s\nand are\n%s", strings.Join(before, "\n"), strings.Join(after, "\n"))
	}
	want, got := everyRow(t, written), everyRow(t, copied)
	for table, rows := range want {
		if !slices.Equal(got[table], rows) {
			t.Errorf("%s has %d rows, want %d; the first that differs: %s", table, len(got[table]), len(rows), firstOther(got[table], rows))
		}
		delete(got, table)
	}
	if len(got) > 0 || len(want["files"]) != n || len(want["attributes"]) < 10*n {
		t.Errorf("%d files and %d attributes were written; copied was also %v", len(want["files"]), len(want["attributes"]), got)
	}
}

func firstOther(got, want []string) string {
	for i, row := range want {
		if i >= len(got) || got[i] != row {
			return fmt.Sprintf("\n%q, want\n%q", got[min(i, len(got)):min(i+1, len(got))], row)
		}
	}
	return "behind the last one"
}

// TestLoadByCopyBehindOthers: files can come before those that are copied, and after them.
func TestLoadByCopyBehindOthers(t *testing.T) {
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1", Access: satchel.AccessWriter}
	p := openPostgres(t, Options{})
	file := func(i int) *satchel.File { return testFile(scope, i) }
	for _, err := range []error{p.LoadFiles(t.Context(), scope, 3, file), p.LoadByCopy(t.Context(), scope, 0, file),
		p.LoadByCopy(t.Context(), scope, 4, file), p.LoadFiles(t.Context(), scope, 5, file)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	page, err := p.Files(t.Context(), scope, satchel.Query{Limit: 100, Ascending: true}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range page.Files {
		names = append(names, strings.TrimSuffix(f.Filename, ".txt"))
	}
	wrong, err := p.RecountUsage(t.Context(), false)
	if got := strings.Join(names, ""); got != "012012301234" || len(wrong) > 0 || err != nil {
		t.Errorf("files %s, miscounted %v, %v", got, wrong, err)
	}
}

// TestLoadByCopyFails as a whole, whoever begins: who makes the files, who copies them, or who has called.
func TestLoadByCopyFails(t *testing.T) {
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	const n = 2 * streamedRows
	for name, c := range map[string]struct {
		spoil func(i int, f *satchel.File, stop func())
		want  string
	}{
		"a file of another scope": {func(i int, f *satchel.File, _ func()) {
			if i == n-1 {
				f.Org = "org-2"
			}
		}, fmt.Sprintf("file %d: ", n-1)},
		"two of the same": {func(_ int, f *satchel.File, _ func()) { f.Content.ID = "blob-1" }, "copying to blobs: "},
		"no longer wanted": {func(i int, _ *satchel.File, stop func()) {
			if i == n/2 {
				stop()
			}
		}, context.Canceled.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			p := openPostgres(t, Options{})
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			err := p.LoadByCopy(ctx, scope, n, func(i int) *satchel.File {
				f := testFile(scope, i)
				c.spoil(i, f, stop)
				return f
			})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want %q in it", err, c.want)
			}
			if blobs := texts(t, p, `SELECT id FROM blobs`); len(blobs) > 0 {
				t.Errorf("%d blobs are there", len(blobs))
			}
			if indexes := texts(t, p, `SELECT indexname FROM pg_indexes WHERE tablename = 'blobs'`); len(indexes) != 3 {
				t.Errorf("the indexes of blobs are %v", indexes)
			}
		})
	}
}

func TestReadInsertion(t *testing.T) {
	in, err := readInsertion("INSERT INTO t (a, b,\n\tc) VALUES ($2, 7,\n\t$1), ($1, -8, $2)\n\tON CONFLICT DO NOTHING")
	if got := fmt.Sprint(in.table, in.columns, in.values([]any{"x", nil}), err); got != "t[a b c] [[<nil> 7 x] [x -8 <nil>]] <nil>" {
		t.Error(got)
	}
	for _, text := range []string{
		"UPDATE t SET a = $1", "INSERT INTO t VALUES ($1)", "INSERT INTO t (a, b) VALUES ($1)", "INSERT INTO t (a) VALUES (now())",
		"INSERT INTO t (a) SELECT $1", "INSERT INTO t (a) VALUES ($1) RETURNING a",
	} {
		if in, err := readInsertion(text); err == nil {
			t.Errorf("%s: %+v", text, in)
		}
	}
}

// TestRecorderOnlyInserts: what would need an answer is an error.
func TestRecorderOnlyInserts(t *testing.T) {
	r := &recorder{statements: map[string]insertion{}, streams: map[string]*rowStream{}, fill: func(*rowStream) {}}
	_, err1 := r.exec(t.Context(), "DELETE FROM files")
	_, err2 := r.query(t.Context(), "SELECT 1")
	err3 := r.get(t.Context(), nil, "SELECT 1")
	for _, err := range []error{err1, err2, err3} {
		if !errors.Is(err, errRecording) {
			t.Errorf("the error is %v", err)
		}
	}
	good := func(int64, error) error { return nil }
	err4 := r.later(t.Context(), good, "INSERT INTO t (a, b) VALUES ($1, $2)", 1, 2)
	err5 := r.later(t.Context(), good, "INSERT INTO t (b, a) VALUES ($1, $2)", 1, 2)
	if err4 != nil || err5 == nil {
		t.Errorf("two orders of columns: %v, %v", err4, err5)
	}
}
