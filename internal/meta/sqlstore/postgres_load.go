package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// LoadByCopy is LoadFiles for millions of files. Their rows are those that InsertFile asks for, but they go by COPY, one for each table and all at the same
// time, and a table's indexes are made when it is full. Nobody else works on the database meanwhile. It is for benchmarks: each table is a
// transaction of its own, so that a database where it has failed is good for nothing.
func (p *Postgres) LoadByCopy(ctx context.Context, scope satchel.Scope, n int, file func(i int) *satchel.File) error {
	group, loading := errgroup.WithContext(ctx)
	r := &recorder{statements: map[string]insertion{}, streams: map[string]*rowStream{}}
	r.fill = func(s *rowStream) { group.Go(func() error { return p.fill(loading, s) }) }
	tx := &transaction{reader: reader{q: r}, store: p.Store, unit: r, dialect: p.engine.dialect()}
	group.Go(func() error { return r.end(loading, tx.loadAll(loading, scope, n, file)) })
	if err := group.Wait(); err != nil {
		return fmt.Errorf("loading files: %w", err)
	}
	_, err := p.RecountUsage(ctx, true)
	return err
}

func (t *transaction) loadAll(ctx context.Context, scope satchel.Scope, n int, file func(i int) *satchel.File) error {
	for i := range n {
		if err := t.loadFile(ctx, scope, file(i)); err != nil {
			return fmt.Errorf("file %d: %w", i, err)
		}
	}
	return nil
}

// fill copies what a stream gives into its table. Its indexes are dropped before and made after it, which is much faster where keys do not rise.
func (p *Postgres) fill(ctx context.Context, s *rowStream) error {
	err := p.shared.once(ctx, func(ctx context.Context, u unit) error {
		if err := u.freeze(ctx); err != nil { // for what takes long
			return err
		}
		indexes, err := collect(ctx, u, scanIndex, selectIndexes, s.table)
		if err != nil {
			return err
		}
		for _, index := range indexes {
			if _, err := u.exec(ctx, index.drop); err != nil {
				return err
			}
		}
		if _, err := u.(*postgresTx).tx.CopyFrom(ctx, pgx.Identifier{s.table}, s.columns, s); err != nil {
			return postgresError(err)
		}
		return makeIndexes(ctx, u, indexes)
	})
	if err != nil {
		return fmt.Errorf("copying to %s: %w", s.table, err)
	}
	return nil
}

// selectIndexes gives for every index of a table the statements that drop it and make it again, in the order in which they were made.
const selectIndexes = `SELECT
		CASE WHEN c.oid IS NULL THEN format('DROP INDEX %s', i.indexrelid::regclass)
			ELSE format('ALTER TABLE %s DROP CONSTRAINT %I', i.indrelid::regclass, c.conname) END,
		CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid)
			ELSE format('ALTER TABLE %s ADD CONSTRAINT %I %s', i.indrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) END
	FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.conrelid = i.indrelid AND c.contype IN ('p', 'u', 'x')
	WHERE i.indrelid = CAST(CAST($1 AS text) AS regclass) ORDER BY i.indexrelid`

// indexStatements are those of one index.
type indexStatements struct{ drop, create string }

func scanIndex(found rows) (i indexStatements, err error) {
	err = found.Scan(&i.drop, &i.create)
	return i, err
}

// makeIndexes sorts in memory what fits, the rest on the disk.
func makeIndexes(ctx context.Context, q querier, indexes []indexStatements) error {
	if _, err := q.exec(ctx, `SET LOCAL maintenance_work_mem = '512MB'`); err != nil {
		return err
	}
	for _, index := range indexes {
		if _, err := q.exec(ctx, index.create); err != nil {
			return fmt.Errorf("%s: %w", index.create, err)
		}
	}
	return nil
}

// recorder is the unit of a transaction that only inserts: it sends the rows to where they are copied from.
type recorder struct {
	fill       func(*rowStream)      // begins to copy what a stream gives
	statements map[string]insertion  // by their text
	streams    map[string]*rowStream // by the table
}

// counted is the table with a row for every change, of which nothing but the sum counts: it is counted when all is loaded.
const counted = "usage"

// later implements unit.
func (r *recorder) later(ctx context.Context, check func(changed int64, err error) error, text string, args ...any) error {
	in, known := r.statements[text]
	if !known {
		var err error
		if in, err = readInsertion(text); err != nil {
			return err
		}
		r.statements[text] = in
	}
	if in.table == counted {
		return check(1, nil)
	}
	s := r.streams[in.table]
	if s == nil {
		s = &rowStream{table: in.table, columns: in.columns, chunks: make(chan [][]any, streamedChunks)}
		r.streams[in.table] = s
		r.fill(s)
	}
	if !slices.Equal(s.columns, in.columns) {
		return fmt.Errorf("sqlstore: %s is written with the columns %v and with %v", in.table, s.columns, in.columns)
	}
	return check(int64(len(in.rows)), s.add(ctx, in.values(storable(args))))
}

// end sends what is left, unless err says that something has failed, and says that nothing more comes. Whoever copies waits for it.
func (r *recorder) end(ctx context.Context, err error) error {
	for _, s := range r.streams {
		if err == nil {
			err = s.send(ctx)
		}
	}
	for _, s := range r.streams {
		s.broken = err
		close(s.chunks)
	}
	return err
}

// errRecording is for what a load does not do: it would have to wait for an answer.
var errRecording = errors.New("sqlstore: a load only inserts")

func (r *recorder) exec(context.Context, string, ...any) (int64, error) { return 0, errRecording }
func (r *recorder) query(context.Context, string, ...any) (rows, error) { return nil, errRecording }
func (r *recorder) get(context.Context, []any, string, ...any) error    { return errRecording }
func (r *recorder) handIn(context.Context, meta.Job) error              { return errRecording }
func (r *recorder) lock(context.Context, lock) error                    { return nil } // nobody else is there
func (r *recorder) flush(context.Context) error                         { return nil }
func (r *recorder) freeze(context.Context) error                        { return nil }

// insertion is what an INSERT of rows says.
type insertion struct {
	table   string
	columns []string
	rows    [][]cell
}

// cell is a value of a row: an argument of the statement, by its number from 1 on, or else a whole number that the statement has itself.
type cell struct {
	argument int
	fixed    int64
}

// readInsertion reads an INSERT whose rows are placeholders and whole numbers. What is said about conflicts is left out: there are none, or COPY fails.
func readInsertion(text string) (in insertion, err error) {
	strange := fmt.Errorf("sqlstore: a load cannot copy by %.80q", text)
	rest, ok := strings.CutPrefix(strings.Join(strings.Fields(text), " "), "INSERT INTO ")
	head, rest, values := strings.Cut(rest, ") VALUES ")
	table, columns, named := strings.Cut(head, " (")
	if !ok || !values || !named {
		return in, strange
	}
	in = insertion{table: table, columns: strings.Split(columns, ", ")}
	if table == counted {
		return in, nil
	}
	rest, _, _ = strings.Cut(rest, " ON CONFLICT ")
	for row := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(rest, "("), ")"), "), (") {
		cells, err := readCells(row)
		if err != nil || len(cells) != len(in.columns) {
			return in, errors.Join(strange, err)
		}
		in.rows = append(in.rows, cells)
	}
	return in, nil
}

func readCells(row string) (cells []cell, err error) {
	for value := range strings.SplitSeq(row, ", ") {
		var c cell
		if number, is := strings.CutPrefix(value, "$"); is {
			c.argument, err = strconv.Atoi(number)
		} else {
			c.fixed, err = strconv.ParseInt(value, 10, 64)
		}
		if err != nil {
			return nil, err
		}
		cells = append(cells, c)
	}
	return cells, nil
}

// values gives the rows with the arguments of one call.
func (in insertion) values(args []any) [][]any {
	all := make([][]any, len(in.rows))
	for i, cells := range in.rows {
		all[i] = make([]any, len(cells))
		for j, c := range cells {
			if all[i][j] = any(c.fixed); c.argument > 0 {
				all[i][j] = args[c.argument-1]
			}
		}
	}
	return all
}

// A stream holds no more than these chunks of rows in memory, so that whoever makes them waits for the slowest table.
const (
	streamedRows   = 1_000
	streamedChunks = 8
)

// rowStream takes rows from one goroutine to another. It implements pgx.CopyFromSource.
type rowStream struct {
	table   string
	columns []string
	chunks  chan [][]any
	next    [][]any // to be sent
	current [][]any // that is copied, the row of now first
	broken  error   // why not all rows come; set before chunks is closed, and looked at after that
	ended   error   // the same for whoever copies, who may ask earlier
}

func (s *rowStream) add(ctx context.Context, rows [][]any) error {
	if s.next = append(s.next, rows...); len(s.next) < streamedRows {
		return nil
	}
	return s.send(ctx)
}

func (s *rowStream) send(ctx context.Context) error {
	select {
	case s.chunks <- s.next:
		s.next = make([][]any, 0, len(s.next))
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Next implements pgx.CopyFromSource.
func (s *rowStream) Next() bool {
	if len(s.current) > 0 {
		s.current = s.current[1:]
	}
	for len(s.current) == 0 {
		chunk, open := <-s.chunks
		if !open {
			s.ended = s.broken
			return false
		}
		s.current = chunk
	}
	return true
}

// Values implements pgx.CopyFromSource.
func (s *rowStream) Values() ([]any, error) { return s.current[0], nil }

// Err implements pgx.CopyFromSource.
func (s *rowStream) Err() error { return s.ended }
