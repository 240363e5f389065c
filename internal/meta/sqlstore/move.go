package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// Move takes all rows of one database to another, an empty one. Nobody else writes to either meanwhile. The source is only read.
type Move struct {
	from *SQLite
	to   *Postgres
}

// NewMove prepares to take what is in from to another database.
func NewMove(from *SQLite, to *Postgres) *Move { return &Move{from: from, to: to} }

// movedRows is how many rows lie between two reports of progress.
const movedRows = 1_000

// stays reports whether a table is not moved. Marks and reservations are about the place and the processes of now; jobs are made again, by whoever
// finds runs that are open and have no worker.
func stays(table string) bool {
	return table == "marks" || table == "reservations" ||
		strings.HasPrefix(table, "goose_") || strings.HasPrefix(table, "river_") || strings.HasPrefix(table, "sqlite_")
}

// Source gives the id of the source's oldest organization, by which it is known again; "" if it has none, and so nothing at all.
func (m *Move) Source(ctx context.Context) (id string, err error) {
	err = m.from.q.get(ctx, []any{&id}, `SELECT COALESCE(MIN(id), '') FROM orgs`)
	return id, err
}

// Empty says whether nothing was ever kept in the target, and no server was started on it.
func (m *Move) Empty(ctx context.Context) (bool, error) {
	tables, err := m.tables(ctx)
	if err != nil {
		return false, err
	}
	found, err := holding(ctx, m.to.q, append(tables, movedTable{name: "marks"}))
	return found == "", err
}

// holding gives the first table that has a row, "" if none has.
func holding(ctx context.Context, q querier, tables []movedTable) (string, error) {
	for _, t := range tables {
		var some bool
		if err := q.get(ctx, []any{&some}, `SELECT EXISTS (SELECT 1 FROM `+t.name+`)`); err != nil {
			return "", fmt.Errorf("looking whether %s is empty: %w", t.name, err)
		}
		if some {
			return t.name, nil
		}
	}
	return "", nil
}

// Check reads every row, and gives how many there are. The error names what the target cannot hold.
func (m *Move) Check(ctx context.Context) (count int64, err error) {
	tables, err := m.tables(ctx)
	if err != nil {
		return 0, err
	}
	var faults misfits
	for _, t := range tables {
		found, err := t.read(ctx, m.from.q)
		if err != nil {
			return 0, err
		}
		for found.Next() {
			count++
			faults.add(found.err)
			found.err = nil
		}
		if err := errors.Join(found.Err(), found.Close()); err != nil {
			return 0, fmt.Errorf("reading %s: %w", t.name, err)
		}
	}
	return count, faults.err()
}

// misfits keeps the first faults of many.
type misfits struct {
	first []error
	count int
}

func (f *misfits) add(err error) {
	const most = 20
	if err == nil {
		return
	}
	if f.count++; f.count <= most {
		f.first = append(f.first, err)
	}
}

func (f *misfits) err() error {
	if rest := f.count - len(f.first); rest > 0 {
		return errors.Join(append(f.first, fmt.Errorf("and %d more", rest))...)
	}
	return errors.Join(f.first...)
}

// Move copies all rows in one transaction, in which the target also gets the marks: either all of it is there in the end, or nothing. What is used is
// counted anew, and open runs are left to be found by whoever looks for those without a worker. progress is told how many rows were copied.
func (m *Move) Move(ctx context.Context, marks map[string]string, progress func(rows int64)) error {
	tables, err := m.tables(ctx)
	if err != nil {
		return err
	}
	from, err := m.from.file.moment(ctx)
	if err != nil {
		return fmt.Errorf("reading the source: %w", err)
	}
	defer func() { _ = from.tx.Rollback() }() // it was only read
	err = m.to.shared.once(ctx, func(ctx context.Context, u unit) error {
		tx := &transaction{reader: reader{q: u}, store: m.to.Store, unit: u, dialect: m.to.engine.dialect()}
		if err := tx.takeAll(ctx, tables); err != nil {
			return err
		}
		if err := u.(*postgresTx).copyAll(ctx, from, tables, progress); err != nil {
			return err
		}
		return tx.settleMove(ctx, tables, marks)
	})
	if err != nil {
		return fmt.Errorf("moving the rows: %w", err)
	}
	return nil
}

// takeAll keeps everybody else from writing, and makes sure that nobody has. The transaction may take what it takes.
func (t *transaction) takeAll(ctx context.Context, tables []movedTable) error {
	if err := t.unit.freeze(ctx); err != nil {
		return err
	}
	for _, text := range []string{
		`SET LOCAL idle_in_transaction_session_timeout = 0`,
		`LOCK TABLE ` + namesOf(tables) + ` IN SHARE ROW EXCLUSIVE MODE`,
	} {
		if _, err := t.q.exec(ctx, text); err != nil {
			return err
		}
	}
	found, err := holding(ctx, t.q, tables)
	if err == nil && found != "" {
		err = fmt.Errorf("the database is not empty any more: somebody has written to %s", found)
	}
	return err
}

func (t *postgresTx) copyAll(ctx context.Context, from querier, tables []movedTable, progress func(rows int64)) error {
	total := int64(0)
	for _, table := range tables {
		found, err := table.read(ctx, from)
		if err != nil {
			return err
		}
		found.each = func() {
			if total++; total%movedRows == 0 {
				progress(total)
			}
		}
		_, err = t.tx.CopyFrom(ctx, pgx.Identifier{table.name}, table.columnNames(), found)
		if err := errors.Join(err, found.Close()); err != nil {
			return fmt.Errorf("copying %s: %w", table.name, postgresError(err))
		}
	}
	progress(total)
	return nil
}

// moment begins to read what is in the database at this moment, whoever writes meanwhile: commands may, beside a server that is stopped.
func (f *sqliteFile) moment(ctx context.Context) (momentary, error) {
	tx, err := f.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	return momentary{tx}, storeError(err)
}

// momentary is the querier of one moment.
type momentary struct{ tx *sql.Tx }

func (m momentary) exec(context.Context, string, ...any) (int64, error) {
	return 0, errors.New("sqlstore: a change of what is only read")
}

func (m momentary) query(ctx context.Context, text string, args ...any) (rows, error) {
	found, err := m.tx.QueryContext(ctx, text, args...) //nolint:rowserrcheck // the caller does
	if err != nil {
		return nil, storeError(err)
	}
	return found, nil
}

func (m momentary) get(ctx context.Context, dest []any, text string, args ...any) error {
	return storeError(m.tx.QueryRowContext(ctx, text, args...).Scan(dest...))
}

// settleMove makes of the rows what a server expects.
func (t *transaction) settleMove(ctx context.Context, tables []movedTable, marks map[string]string) error {
	wrong, err := t.wrongUsage(ctx)
	if err != nil {
		return err
	}
	if err := t.mendUsage(ctx, wrong); err != nil {
		return err
	}
	if _, err := t.q.exec(ctx, endLeases, nobody, time.Now().UnixMicro()-1); err != nil {
		return err
	}
	if _, err := t.q.exec(ctx, `ANALYZE `+namesOf(tables)); err != nil { // or the first queries would be planned for empty tables
		return err
	}
	for name, value := range marks {
		if _, err := t.q.exec(ctx, setMark, name, value); err != nil {
			return err
		}
	}
	return nil
}

// movedTable is a table with the columns that are read and written, in one order.
type movedTable struct {
	name    string
	columns []movedColumn
}

// movedColumn is a column as both databases know it.
type movedColumn struct {
	name string
	kind string // as PostgreSQL names it
	key  bool   // of the primary key: it says for people which row it is
}

// namesOf gives the names of tables as a statement lists them.
func namesOf(tables []movedTable) string {
	names := make([]string, len(tables))
	for i, t := range tables {
		names[i] = t.name
	}
	return strings.Join(names, ", ")
}

func (t movedTable) columnNames() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

const (
	sourceColumns = `SELECT m.name, c.name, c.pk FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid`
	targetColumns = `SELECT CAST(table_name AS text), CAST(column_name AS text), CAST(data_type AS text), column_default IS NOT NULL
		FROM information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position`
)

// columnID names a column of a table.
type columnID struct{ table, column string }

// targetColumn is what is known of a column of the target.
type targetColumn struct {
	columnID
	kind       string
	hasDefault bool
}

// tables reads from the schemas what there is to move. Both must know the same; only columns that fill themselves may be the target's alone.
func (m *Move) tables(ctx context.Context) ([]movedTable, error) {
	known, err := m.targetKinds(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the target's schema: %w", err)
	}
	var tables []movedTable
	_, err = collect(ctx, m.from.q, func(found rows) (none struct{}, err error) {
		var id columnID
		var key integer
		if err := found.Scan(&id.table, &id.column, &key); err != nil || stays(id.table) {
			return none, err
		}
		target, ok := known[id]
		if !ok {
			return none, fmt.Errorf("the target has no column %s in %s", id.column, id.table)
		}
		delete(known, id)
		if len(tables) == 0 || tables[len(tables)-1].name != id.table {
			tables = append(tables, movedTable{name: id.table})
		}
		last := &tables[len(tables)-1]
		last.columns = append(last.columns, movedColumn{name: id.column, kind: target.kind, key: key > 0})
		return none, nil
	}, sourceColumns)
	if err != nil {
		return nil, fmt.Errorf("reading the source's schema: %w", err)
	}
	for id, rest := range known {
		if !rest.hasDefault {
			return nil, fmt.Errorf("the source has no column %s in %s", id.column, id.table)
		}
	}
	return tables, nil
}

func (m *Move) targetKinds(ctx context.Context) (map[columnID]targetColumn, error) {
	all, err := collect(ctx, m.to.q, func(found rows) (c targetColumn, err error) {
		err = found.Scan(&c.table, &c.column, &c.kind, &c.hasDefault)
		return c, err
	}, targetColumns)
	known := make(map[columnID]targetColumn, len(all))
	for _, c := range all {
		if !stays(c.table) {
			known[c.columnID] = c
		}
	}
	return known, err
}

// read gives the rows of a table; whoever reads them closes them.
func (t movedTable) read(ctx context.Context, q querier) (*movingRows, error) {
	found, err := q.query(ctx, `SELECT `+strings.Join(t.columnNames(), ", ")+` FROM `+t.name)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", t.name, err)
	}
	r := &movingRows{rows: found, table: t, each: func() {}, values: make([]any, len(t.columns)), into: make([]any, len(t.columns))}
	for i := range r.values {
		r.into[i] = &r.values[i]
	}
	return r, nil
}

// movingRows gives rows of the source as the target takes them. It implements pgx.CopyFromSource.
type movingRows struct {
	rows   rows
	table  movedTable
	each   func() // called for every row
	values []any
	into   []any
	err    error // of the row that was read last
}

// Next reads a row.
func (r *movingRows) Next() bool {
	if r.err != nil || !r.rows.Next() {
		return false
	}
	if r.err = r.rows.Scan(r.into...); r.err == nil {
		r.err = r.fit()
	}
	r.each()
	return true
}

// Values implements pgx.CopyFromSource.
func (r *movingRows) Values() ([]any, error) { return slices.Clone(r.values), r.err }

// Err implements pgx.CopyFromSource.
func (r *movingRows) Err() error { return errors.Join(r.err, storeError(r.rows.Err())) }

// Close ends the reading.
func (r *movingRows) Close() error { return r.rows.Close() }

// fit makes of the values what the target's columns take, or says which of them cannot be.
func (r *movingRows) fit() error {
	var faults []error
	for i, c := range r.table.columns {
		value, fault := c.fit(r.values[i])
		if fault != "" {
			faults = append(faults, fmt.Errorf("%s of %s (%s): %s", c.name, r.table.name, r.who(), fault))
		}
		r.values[i] = value
	}
	return errors.Join(faults...)
}

// who names the row by its primary key.
func (r *movingRows) who() string {
	var parts []string
	for i, c := range r.table.columns {
		if c.key {
			parts = append(parts, fmt.Sprintf("%s %.100q", c.name, fmt.Sprint(r.values[i])))
		}
	}
	return strings.Join(parts, ", ")
}

// fit gives a value of SQLite, which takes any in any column, as PostgreSQL takes it, or says why it does not.
func (c movedColumn) fit(value any) (any, string) {
	text, isText := value.(string)
	bytes, isBytes := value.([]byte)
	switch {
	case c.kind == "bytea" && isText:
		return []byte(text), ""
	case c.kind == "bytea" && isBytes && bytes == nil: // no bytes are not NULL
		return []byte{}, ""
	case c.kind == "text" && isBytes:
		return string(bytes), unfitText(string(bytes))
	case c.kind == "text" && isText:
		return value, unfitText(text)
	}
	return value, ""
}

// unfitText says why PostgreSQL does not take a text.
func unfitText(text string) string {
	switch {
	case strings.IndexByte(text, 0) >= 0:
		return "it has a NUL character, which PostgreSQL does not take"
	case !utf8.ValidString(text):
		return "it is no UTF-8, and PostgreSQL takes nothing else"
	}
	return ""
}
