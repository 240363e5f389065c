package maintain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const restoringFile = databaseFile + ".restoring"

// RestoreConfig says which backup becomes which data folder. Everything but AcceptDamage and Progress must be set.
type RestoreConfig struct {
	Src    string // what Backup wrote
	Folder string // the data folder: absent, empty, or one in which a restore was interrupted
	Stores Stores

	// AcceptDamage finishes the restore even when objects are not whole; the files that they belong to then have rows, but no bytes.
	AcceptDamage bool

	Progress func(CopyProgress) // called after every object, by one goroutine at a time, if set
}

// Restore makes a data folder of a backup. Every byte is read and its hash compared, the database comes last, and no server can have the
// folder before everything is there. An interrupted restore is finished by running it again.
//
// Objects of the backup that are not whole are named in the report, and the error is ErrDamaged; without AcceptDamage the restore then stays
// unfinished, so that it can be run again with a better copy. After any other error the report is nil.
func Restore(ctx context.Context, cfg RestoreConfig) (*CopyReport, error) {
	m, err := readManifest(cfg.Src)
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", cfg.Src, err)
	}
	dest, err := openTarget(cfg.Folder, "restore")
	if err != nil {
		return nil, fmt.Errorf("restore %s: %w", cfg.Src, err)
	}
	report, err := cfg.fill(ctx, dest, m)
	if err = errors.Join(err, dest.unlock()); err != nil {
		return nil, fmt.Errorf("restore %s: %w", cfg.Src, err)
	}
	return report, damaged(report)
}

func (cfg RestoreConfig) fill(ctx context.Context, dest *target, m manifest) (*CopyReport, error) {
	database := dest.path(restoringFile)
	copied, err := copyFile(ctx, database, filepath.Join(cfg.Src, databaseFile))
	if err != nil {
		return nil, fmt.Errorf("copy the rows: %w", err)
	}
	if copied != m.Database {
		return nil, errors.New("its database is not the one that was backed up")
	}
	from, err := cfg.Stores.Blobs(filepath.Join(cfg.Src, blobsFolder))
	if err != nil {
		return nil, fmt.Errorf("open its objects: %w", err)
	}
	report, err := copyNamed(ctx, cfg.Stores, database, from, dest.path(blobsFolder), cfg.Progress)
	if err != nil {
		return nil, err
	}
	if report.Count() > 0 && !cfg.AcceptDamage {
		return report, nil
	}
	if err := os.Rename(database, dest.path(databaseFile)); err != nil {
		return nil, err
	}
	if err := dest.removeAll(restoringFile); err != nil { // what opening an older database set aside
		return nil, err
	}
	return report, dest.finish()
}

func readManifest(folder string) (m manifest, err error) {
	if _, err := os.Stat(filepath.Join(folder, unfinished)); err == nil {
		return m, errors.New("the backup was never finished: make it again")
	}
	text, err := os.ReadFile(filepath.Join(folder, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return m, fmt.Errorf("it is no backup: it has no %s", manifestFile)
	}
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, fmt.Errorf("read its %s: %w", manifestFile, err)
	}
	if m.Format != manifestFormat {
		return m, fmt.Errorf("its format is %d; this version restores format %d", m.Format, manifestFormat)
	}
	return m, nil
}
