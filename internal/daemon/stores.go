package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/jobs"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// The data folder's own names. Everything under cache can be made again.
const (
	databaseFile = "satchel.db"
	blobFolder   = "blobs"
	cacheFolder  = "cache"
)

// rowStore is a metadata store in all its roles.
type rowStore interface {
	meta.Store
	meta.System
	meta.Mark
	Ping(ctx context.Context) error
	Close() error
}

// stores are the two places in which everything is kept.
type stores struct {
	data      string
	rows      rowStore
	blobs     blob.Store                              // nil for those who only need rows
	newRunner func(jobs.Config) (*jobs.Runner, error) // of the rows' jobs
}

// openRows opens the database that c names, or the one in its data folder, which it makes if there is none. options say all but where it is.
func openRows(ctx context.Context, c Config, options sqlstore.Options) (*stores, error) {
	if err := makeFolder(filepath.Join(c.Data, cacheFolder)); err != nil {
		return nil, err
	}
	s := &stores{data: c.Data}
	if c.shared() {
		options.URL = string(c.Database)
		rows, err := sqlstore.OpenPostgres(ctx, options)
		if err != nil {
			return nil, err
		}
		if err := checkWhole(ctx, rows); err != nil {
			return nil, errors.Join(err, rows.Close())
		}
		s.rows, s.newRunner = rows, func(c jobs.Config) (*jobs.Runner, error) { return jobs.New(rows.JobDriver(), c) }
		return s, nil
	}
	options.Path = filepath.Join(c.Data, databaseFile)
	rows, err := sqlstore.OpenSQLite(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	s.rows, s.newRunner = rows, func(c jobs.Config) (*jobs.Runner, error) { return jobs.New(rows.JobDriver(), c) }
	return s, nil
}

// openRowsBeside opens the database for a command that works on it beside servers, if any run; it then leaves the schema as they know it. Whether
// servers run on a database that they share is not known: only they change its schema.
func openRowsBeside(ctx context.Context, c Config) (*stores, error) {
	running, err := maintain.ServerRunning(c.Data)
	if err != nil {
		return nil, err
	}
	return openRows(ctx, c, sqlstore.Options{KeepSchema: running || c.shared()})
}

func (s *stores) vault(c Config) *blob.Vault {
	return blob.NewVault(s.blobs, blob.Options{MaxBytes: int64(c.MaxFileBytes), MinFree: int64(c.MinFreeBytes)})
}

// ready says why the stores cannot do their work: the database does not answer, the bytes are out of reach, or the folder is gone or read-only.
func (s *stores) ready(ctx context.Context) error {
	var err error
	if pinger, ok := s.blobs.(blob.Pinger); ok {
		err = pinger.Ping(ctx)
	}
	return errors.Join(err, maintain.CheckWritable(s.data), s.rows.Ping(ctx))
}

// kind names the database.
func (s *stores) kind() string {
	if _, ok := s.rows.(*sqlstore.Postgres); ok {
		return "postgres"
	}
	return "sqlite"
}

func (s *stores) Close() error { return s.rows.Close() }
