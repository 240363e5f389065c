package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// The data folder's own names. Everything under cache can be made again.
const (
	databaseFile = "satchel.db"
	blobFolder   = "blobs"
	cacheFolder  = "cache"
)

// stores are the two places in which everything is kept.
type stores struct {
	data string
	rows *sqlstore.SQLite
	disk *diskblob.Store
}

// openStores opens the stores in a data folder, which it makes if there is none. options say all but the database's path.
func openStores(ctx context.Context, data string, options sqlstore.Options) (*stores, error) {
	for _, name := range []string{blobFolder, cacheFolder} {
		if err := makeFolder(filepath.Join(data, name)); err != nil {
			return nil, err
		}
	}
	disk, err := diskblob.Open(filepath.Join(data, blobFolder))
	if err != nil {
		return nil, fmt.Errorf("open the blobs: %w", err)
	}
	options.Path = filepath.Join(data, databaseFile)
	rows, err := sqlstore.OpenSQLite(ctx, options)
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &stores{data: data, rows: rows, disk: disk}, nil
}

// openBeside opens the stores for a command that works on a data folder beside a server, if one runs; it then leaves the schema as the
// server knows it.
func openBeside(ctx context.Context, data string) (*stores, error) {
	running, err := maintain.ServerRunning(data)
	if err != nil {
		return nil, err
	}
	return openStores(ctx, data, sqlstore.Options{KeepSchema: running})
}

func (s *stores) vault(c Config) *blob.Vault {
	return blob.NewVault(s.disk, blob.Options{MaxBytes: int64(c.MaxFileBytes), MinFree: int64(c.MinFreeBytes)})
}

// ready says why the stores cannot do their work: the database does not answer, or the folder is gone or read-only.
func (s *stores) ready(ctx context.Context) error {
	_, err := s.disk.FreeBytes(ctx)
	return errors.Join(err, maintain.CheckWritable(s.data), s.rows.Ping(ctx))
}

func (s *stores) Close() error { return s.rows.Close() }
