package maintain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const manifestFormat = 1

// BackupConfig says what to back up, and where to. Everything but Now and Progress must be set.
type BackupConfig struct {
	Snapshot meta.Snapshotter // the rows
	Blobs    blob.Store       // the bytes
	Stores   Stores           // opens the copies
	Dest     string           // a folder that is absent, empty, or holds an unfinished backup
	Version  string           // of the program, for the manifest

	Now      func() time.Time   // default time.Now
	Progress func(CopyProgress) // called after every object, by one goroutine at a time, if set
}

// manifest is backup.json, the last file that a backup writes.
type manifest struct {
	Format    int       `json:"format"`
	CreatedAt time.Time `json:"created_at"` // of the copy of the rows: the state that the backup has
	Version   string    `json:"version"`
	Blobs     int64     `json:"blobs"`
	Bytes     int64     `json:"bytes"`
	Damaged   int64     `json:"damaged"` // objects that were not whole and are not in the backup
	Database  sum       `json:"database"`
}

// Backup copies the rows as they are at one moment, and then every object that they name, while the server runs. The caller holds the lock of
// BeginBackup. Dest gets the layout of a data folder: satchel.db, blobs/, and last backup.json; a server can be started on it. A backup that was
// interrupted is finished by making it again: objects already copied are kept, the rows are those of the second time.
//
// An object that is not whole is left out and named in the report; the backup is finished all the same, and the error is ErrDamaged. After any
// other error the backup is unfinished and the report nil.
func Backup(ctx context.Context, cfg BackupConfig) (*CopyReport, error) {
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	dest, err := openTarget(cfg.Dest, "backup")
	if err != nil {
		return nil, fmt.Errorf("back up to %s: %w", cfg.Dest, err)
	}
	report, err := cfg.fill(ctx, dest)
	if err = errors.Join(err, dest.unlock()); err != nil {
		return nil, fmt.Errorf("back up to %s: %w", cfg.Dest, err)
	}
	return report, damaged(report)
}

func damaged(report *CopyReport) error {
	if n := report.Count(); n > 0 {
		return fmt.Errorf("%w: %d objects are not whole", ErrDamaged, n)
	}
	return nil
}

func (cfg BackupConfig) fill(ctx context.Context, dest *target) (*CopyReport, error) {
	m := manifest{Format: manifestFormat, CreatedAt: cfg.Now().UTC(), Version: cfg.Version}
	database := dest.path(databaseFile)
	if err := cfg.Snapshot.Snapshot(ctx, database); err != nil {
		return nil, fmt.Errorf("copy the rows: %w", err)
	}
	report, err := copyNamed(ctx, cfg.Stores, database, cfg.Blobs, dest.path(blobsFolder), cfg.Progress)
	if err != nil {
		return nil, err
	}
	m.Blobs, m.Bytes, m.Damaged = report.Blobs, report.Bytes, report.Count()
	if m.Database, err = sumFile(ctx, database); err != nil {
		return nil, fmt.Errorf("hash the copy of the rows: %w", err)
	}
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	if err := writeDurably(dest.path(manifestFile), append(text, '\n')); err != nil {
		return nil, err
	}
	return report, dest.finish()
}

// copyNamed copies the objects that a database names into a folder, and removes from it what it does not name.
func copyNamed(ctx context.Context, stores Stores, database string, from blob.Store, folder string, progress func(CopyProgress)) (report *CopyReport, err error) {
	to, err := stores.Blobs(folder)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", folder, err)
	}
	register, closeRegister, err := stores.Register(ctx, database)
	if err != nil {
		return nil, fmt.Errorf("open the copy of the rows: %w", err)
	}
	defer func() { err = errors.Join(err, closeRegister(), syncFile(database)) }()
	if err := register.SetMark(ctx, MarkPlace, ""); err != nil {
		return nil, fmt.Errorf("write to the copy of the rows: %w", err)
	}
	c := newCopier(from, to, progress)
	if err := c.all(ctx, register); err != nil {
		return nil, err
	}
	return c.report, c.tidy(ctx, register)
}
