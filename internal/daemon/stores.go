package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
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
	rows *sqlstore.Store
	disk *diskblob.Store
}

// openStores opens the stores in a data folder, which it makes if there is none.
func openStores(ctx context.Context, data string, logger *slog.Logger, onCommit func(int)) (*stores, error) {
	for _, folder := range []string{data, filepath.Join(data, blobFolder), filepath.Join(data, cacheFolder)} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
	}
	disk, err := diskblob.Open(filepath.Join(data, blobFolder))
	if err != nil {
		return nil, fmt.Errorf("open the blobs: %w", err)
	}
	rows, err := sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: filepath.Join(data, databaseFile), Logger: logger, OnCommit: onCommit})
	if err != nil {
		return nil, fmt.Errorf("open the database: %w", err)
	}
	return &stores{data: data, rows: rows, disk: disk}, nil
}

func (s *stores) vault(c Config) *blob.Vault {
	return blob.NewVault(s.disk, blob.Options{MaxBytes: int64(c.MaxFileBytes), MinFree: int64(c.MinFreeBytes)})
}

// ready says why the stores cannot do their work: the database does not answer, or the folder is gone.
func (s *stores) ready(ctx context.Context) error {
	_, err := s.disk.FreeBytes(ctx)
	return errors.Join(err, s.rows.Ping(ctx))
}

func (s *stores) Close() error { return s.rows.Close() }
