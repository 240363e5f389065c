// Package sqlstore is the metadata store on SQL databases: one body of SQL, and files of their own for what differs.
//
// SQLite, in sqlite.go, writer.go and jobdriver.go, is one file with a write-ahead log. All transactions go through one writer, which lets
// many of them share one COMMIT and so one fsync; reads have connections of their own and never wait for it.
//
// PostgreSQL, in postgres*.go, is shared by any number of processes. Each transaction is one of its own there, READ COMMITTED, with locks
// where what was read must hold until the commit: see lock.
package sqlstore

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

var (
	_ meta.Store       = (*Store)(nil)
	_ meta.System      = (*Store)(nil)
	_ meta.Mark        = (*Store)(nil)
	_ meta.Snapshotter = (*SQLite)(nil)
	_ meta.Scrubber    = (*SQLite)(nil)
	_ meta.Tx          = (*transaction)(nil)
)

// Options say where a store is and what it tells.
type Options struct {
	Path     string           // of SQLite's database file; made if absent, in a folder that exists
	URL      string           // of PostgreSQL's database, postgres://…
	Now      func() time.Time // the clock that file ids are minted by; nil: time.Now
	OnCommit func(batch int)  // called after every commit, before its callers are answered, with the number of transactions in it; must be quick; nil: nobody listens
	Logger   *slog.Logger     // nil: nothing is logged

	// KeepSchema refuses an older database with ErrOlderSchema instead of migrating it: another process works on it.
	KeepSchema bool
}

// withDefaults fills in what may be left out.
func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.OnCommit == nil {
		o.OnCommit = func(int) {}
	}
	return o
}

// Store is a metadata store, on either database. It is safe for concurrent use.
type Store struct {
	reader
	engine engine
	ids    satchel.FileIDs
	now    func() time.Time

	auditIDs   satchel.AuditIDs
	attributes attributeTexts
}

// engine is one of the databases.
type engine interface {
	// change runs fn in a transaction, on the terms of meta.Store's InTx.
	change(ctx context.Context, fn func(ctx context.Context, u unit) error) error
	// dialect gives the SQL that the databases do not have in common.
	dialect() dialect
	// ping says why the database cannot serve, beyond that it does not answer.
	ping(ctx context.Context) error
	// close waits for what is under way, refuses everything else, and gives the database back.
	close() error
}

// unit is the querier of one transaction.
type unit interface {
	querier
	// later runs a statement with whose outcome nothing else is decided: with the next one, or the commit, at the latest. check then makes of how many
	// rows it changed, and of its error, what the transaction ends with.
	later(ctx context.Context, check func(changed int64, err error) error, text string, args ...any) error
	// handIn takes a job, to be inserted with the commit.
	handIn(ctx context.Context, job meta.Job) error
	// lock has the next statement wait until no other transaction holds what l names, so that it sees what those have committed, and keeps it until
	// the end of this one: others that want it wait. Where only one transaction writes at a time, that holds by itself.
	lock(ctx context.Context, l lock) error
	// flush has everything done that waits for a next statement.
	flush(ctx context.Context) error
	// freeze makes everything that is read from here on be of one moment. It comes first in a transaction.
	freeze(ctx context.Context) error
}

// dialect is the SQL that differs.
type dialect struct {
	forUpdate   string // at the end of a SELECT of one row that is to be changed: nobody else changes it before the commit
	bytes       string // a placeholder for a byte string in VALUES, by its number
	newestFile  string // the highest id of a file, '' without one
	addUsage    string
	addOne      string
	takeUsage   string
	deleteUsage string // of an organization that goes: what is not bytes of deleted files, which count until they are removed
}

// newStore completes an opened database.
func newStore(ctx context.Context, e engine, q querier, o Options) (*Store, error) {
	s := &Store{reader: reader{q: q}, engine: e, now: o.Now, attributes: newAttributeTexts(e.dialect())}
	return s, s.primeIDs(ctx)
}

// primeIDs makes new file ids higher than all that are stored.
func (s *Store) primeIDs(ctx context.Context) error {
	var last string
	if err := s.q.get(ctx, []any{&last}, s.engine.dialect().newestFile); err != nil {
		return fmt.Errorf("finding the last file id: %w", err)
	}
	s.ids.StartAfter(satchel.FileID(last))
	return nil
}

// Close waits for the transactions that were handed in, refuses new ones, and closes the database.
func (s *Store) Close() error { return s.engine.close() }

// Ping says whether the store can serve: the database is what was opened, can be written to, and answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.engine.ping(ctx); err != nil {
		return err
	}
	_, err := s.Mark(ctx, "")
	return err
}

// InTx implements meta.Store.
func (s *Store) InTx(ctx context.Context, fn func(ctx context.Context, tx meta.Tx) error) error {
	return s.change(ctx, func(ctx context.Context, tx *transaction) error { return fn(ctx, tx) })
}

// change is InTx with the transaction's own type.
func (s *Store) change(ctx context.Context, fn func(ctx context.Context, tx *transaction) error) error {
	return s.engine.change(ctx, func(ctx context.Context, u unit) error {
		return fn(ctx, &transaction{reader: reader{q: u}, store: s, unit: u, dialect: s.engine.dialect()})
	})
}

// reader is all that reads, inside of transactions and outside.
type reader struct {
	q     querier
	order *commitOrder // nil: ids rise with the commits by themselves
}

// transaction is a meta.Tx.
type transaction struct {
	reader
	store   *Store
	unit    unit
	dialect dialect
}

// NextFileID implements meta.FileWriter.
func (t *transaction) NextFileID(ctx context.Context) (satchel.FileID, error) {
	if err := t.unit.lock(ctx, lock{topic: lockPlaces, shared: true}); err != nil {
		return "", err
	}
	if err := t.unit.flush(ctx); err != nil { // before there is an id that a walker does not know of
		return "", err
	}
	return t.store.ids.Next(t.store.now()), nil
}
