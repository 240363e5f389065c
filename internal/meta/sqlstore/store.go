// Package sqlstore is the metadata store on SQL databases: one body of SQL, and one file per database for what differs.
//
// SQLite, in sqlite.go, is one file with a write-ahead log. All transactions go through one writer, which lets many of them share
// one COMMIT and so one fsync; reads have connections of their own and never wait for it.
package sqlstore

import (
	"context"
	"errors"
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
	_ meta.Snapshotter = (*Store)(nil)
	_ meta.Scrubber    = (*Store)(nil)
	_ meta.Tx          = (*transaction)(nil)
)

// Options say where a store is and what it tells.
type Options struct {
	Path     string           // of the database file; made if absent, in a folder that exists
	Now      func() time.Time // the clock that file ids are minted by; nil: time.Now
	OnCommit func(batch int)  // called after every commit, before its callers are answered, with the number of transactions in it; must be quick; nil: nobody listens
	Logger   *slog.Logger     // nil: nothing is logged

	// KeepSchema refuses an older database with ErrOlderSchema instead of migrating it: another process works on it.
	KeepSchema bool
}

// Store is a metadata store. It is safe for concurrent use.
type Store struct {
	reader
	file   *sqliteFile
	writer *writer
	jobs   *jobDriver
	ids    satchel.FileIDs
	now    func() time.Time

	auditIDs   satchel.AuditIDs
	attributes attributeTexts
}

// OpenSQLite opens the database at options.Path, makes it if there is none, and migrates an older one, of which a copy is first set
// aside beside it. A newer one is ErrNewerSchema. Several processes may have one database open.
func OpenSQLite(ctx context.Context, options Options) (*Store, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if options.OnCommit == nil {
		options.OnCommit = func(int) {}
	}
	file, err := openSQLiteFile(ctx, options.Path)
	if err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", options.Path, err)
	}
	if err := file.migrate(ctx, options); err != nil {
		return nil, fmt.Errorf("opening the database %s: %w", options.Path, errors.Join(err, file.close()))
	}
	s := &Store{reader: reader{reading{newStatements(file.read)}}, file: file, now: options.Now, attributes: newAttributeTexts()}
	if err := s.primeIDs(ctx); err != nil {
		return nil, errors.Join(err, file.close())
	}
	jobs, err := newJobClient()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making the client for jobs: %w", err), file.close())
	}
	bell := &bell{}
	s.writer = startWriter(file, options, jobs, bell)
	s.jobs = newJobDriver(s, bell)
	return s, nil
}

// Create makes a database of this version's schema at a path, and closes it: all of it is then in the one file, which can be copied. It is for tests,
// which need many.
func Create(ctx context.Context, path string) error {
	s, err := OpenSQLite(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	return s.Close()
}

// primeIDs makes new file ids higher than all that are stored.
func (s *Store) primeIDs(ctx context.Context) error {
	var last string
	if err := s.q.get(ctx, []any{&last}, `SELECT COALESCE(MAX(id), '') FROM files`); err != nil {
		return fmt.Errorf("finding the last file id: %w", err)
	}
	s.ids.StartAfter(satchel.FileID(last))
	return nil
}

// Close waits for the transactions that were handed in, refuses new ones, and closes the database.
func (s *Store) Close() error {
	s.writer.close()
	return s.file.close()
}

// Ping says whether the store can serve: the database stands where it was opened, and answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.file.present(); err != nil {
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
	return s.writer.do(ctx, func(ctx context.Context, q *inBatch) error {
		return fn(ctx, &transaction{reader: reader{q}, store: s, batch: q})
	})
}

// Snapshot implements meta.Snapshotter: path must not exist yet, and its folder must.
func (s *Store) Snapshot(ctx context.Context, path string) error { return s.file.snapshot(ctx, path) }

// Scrub implements meta.Scrubber. While somebody reads older rows (a snapshot does) it fails with satchel.CodeUnavailable.
func (s *Store) Scrub(ctx context.Context) error { return s.file.scrub(ctx) }

// reader is all that reads, inside of transactions and outside.
type reader struct{ q querier }

// transaction is a meta.Tx.
type transaction struct {
	reader
	store *Store
	batch *inBatch
}

// NextFileID implements meta.FileWriter.
func (t *transaction) NextFileID() satchel.FileID { return t.store.ids.Next(t.store.now()) }
