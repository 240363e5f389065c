package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
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
	disk      *diskblob.Store
	newRunner func(jobs.Config) (*jobs.Runner, error) // of the rows' jobs
}

// openStores opens the stores that c names, and makes them if there are none. options say all but where the database is.
func openStores(ctx context.Context, c Config, options sqlstore.Options) (_ *stores, err error) {
	for _, name := range []string{blobFolder, cacheFolder} {
		if err := makeFolder(filepath.Join(c.Data, name)); err != nil {
			return nil, err
		}
	}
	s := &stores{data: c.Data}
	if s.disk, err = diskblob.Open(filepath.Join(c.Data, blobFolder)); err != nil {
		return nil, fmt.Errorf("open the blobs: %w", err)
	}
	if err := s.openRows(ctx, c, options); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *stores) openRows(ctx context.Context, c Config, options sqlstore.Options) error {
	if c.shared() {
		options.URL = string(c.Database)
		rows, err := sqlstore.OpenPostgres(ctx, options)
		if err != nil {
			return err
		}
		s.rows, s.newRunner = rows, func(c jobs.Config) (*jobs.Runner, error) { return jobs.New(rows.JobDriver(), c) }
		return nil
	}
	options.Path = filepath.Join(c.Data, databaseFile)
	rows, err := sqlstore.OpenSQLite(ctx, options)
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.rows, s.newRunner = rows, func(c jobs.Config) (*jobs.Runner, error) { return jobs.New(rows.JobDriver(), c) }
	return nil
}

// openBeside opens the stores for a command that works on them beside servers, if any run; it then leaves the schema as they know it. Whether
// servers run on a database that they share is not known: only they change its schema.
func openBeside(ctx context.Context, c Config) (*stores, error) {
	running, err := maintain.ServerRunning(c.Data)
	if err != nil {
		return nil, err
	}
	return openStores(ctx, c, sqlstore.Options{KeepSchema: running || c.shared()})
}

func (s *stores) vault(c Config) *blob.Vault {
	return blob.NewVault(s.disk, blob.Options{MaxBytes: int64(c.MaxFileBytes), MinFree: int64(c.MinFreeBytes)})
}

// ready says why the stores cannot do their work: the database does not answer, or the folder is gone or read-only.
func (s *stores) ready(ctx context.Context) error {
	_, err := s.disk.FreeBytes(ctx)
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
