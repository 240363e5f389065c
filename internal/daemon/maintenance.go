package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// What the maintenance commands report, under the names that it has where the work is done.
type (
	// FsckReport is what a check found.
	FsckReport = maintain.FsckReport
	// FsckProgress tells how far a check is.
	FsckProgress = maintain.FsckProgress
	// CopyReport is what a backup or a restore did.
	CopyReport = maintain.CopyReport
	// CopyProgress tells how far a backup or a restore is.
	CopyProgress = maintain.CopyProgress
	// Finding is one object at fault.
	Finding = maintain.Finding
	// Fault is a kind of disagreement between rows and bytes.
	Fault = maintain.Fault
)

// ErrDamaged says that a copy was made, but without objects that are not whole.
var ErrDamaged = maintain.ErrDamaged

// ErrInUse says that a server runs on the data folder.
var ErrInUse = maintain.ErrInUse

// Faults lists every kind of fault that Fsck finds, the worst first.
func Faults() []Fault { return maintain.Faults() }

// What cannot be done with rows in a database that servers share, and what can.
var (
	errCopy = errors.New("the rows are in PostgreSQL, which has tools of its own: deploy/backup has programs that take backups and bring them back, with " +
		"pg_dump, pg_restore and rclone (docs/operations.md)")
	errRepair = errors.New("fsck --repair needs every server stopped, and with PostgreSQL nobody can know that: the servers themselves remove bytes " +
		"that belong to no file when they are a day old; check without --repair")
)

// FsckOptions says how Fsck is to check.
type FsckOptions struct {
	Deep     bool               // read every byte and compare the hashes
	Repair   bool               // remove bytes that no row names; the server must be stopped
	Progress func(FsckProgress) // nil: none
}

// Fsck checks the stores of a data folder. A server may run on it, except for a repair, which is then refused with ErrInUse.
func Fsck(ctx context.Context, c Config, o FsckOptions) (report *FsckReport, err error) {
	if c.shared() && o.Repair {
		return nil, errRepair
	}
	s, err := openWhole(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if c.shared() { // servers may run anywhere
		return maintain.Fsck(ctx, maintain.FsckConfig{Blobs: s.blobs, Register: s.rows, Usage: s.rows, Live: true, Deep: o.Deep, Progress: o.Progress})
	}
	unlock, err := maintain.AcquireServer(c.Data) // held to the end: a server that starts meanwhile would not be expected
	live := errors.Is(err, ErrInUse) && !o.Repair
	switch {
	case err == nil:
		defer func() { _ = unlock() }() // closing the file is what unlocks; the process ends soon in any case
	case !live:
		return nil, err
	}
	return maintain.Fsck(ctx, maintain.FsckConfig{Blobs: s.blobs, Register: s.rows, Usage: s.rows, Live: live, Deep: o.Deep, Repair: o.Repair, Progress: o.Progress})
}

// Backup copies a data folder, consistently, whether a server runs on it or not. Damaged objects are left out and named in the report, with
// ErrDamaged.
func Backup(ctx context.Context, c Config, dest string, progress func(CopyProgress)) (report *CopyReport, err error) {
	if c.shared() {
		return nil, errCopy
	}
	s, err := openWhole(ctx, c)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	end, err := maintain.BeginBackup(ctx, c.Data)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, end()) }()
	snapshot, ok := s.rows.(meta.Snapshotter)
	if !ok {
		return nil, errCopy
	}
	return maintain.Backup(ctx, maintain.BackupConfig{
		Snapshot: snapshot, Blobs: s.blobs, Stores: copies(), Dest: dest, Version: c.Version, Progress: progress,
	})
}

// Restore makes a data folder of a backup. With damaged objects in the backup it stays unfinished, with ErrDamaged, unless acceptDamage says otherwise.
func Restore(ctx context.Context, c Config, src string, acceptDamage bool, progress func(CopyProgress)) (*CopyReport, error) {
	if c.shared() {
		return nil, errCopy
	}
	return maintain.Restore(ctx, maintain.RestoreConfig{Src: src, Folder: c.Data, Stores: copies(), AcceptDamage: acceptDamage, Progress: progress})
}

// openWhole opens both stores of an installation that must be there.
func openWhole(ctx context.Context, c Config) (*stores, error) {
	if c.shared() && c.Blobs == "" { // a mistyped name must not look like the loss of everything
		if _, err := os.Stat(filepath.Join(c.Data, blobFolder)); err != nil {
			return nil, fmt.Errorf("%s is no data folder of Satchel: %w", c.Data, err)
		}
	}
	s, err := openExisting(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := s.openBlobs(ctx, c, false); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openExisting opens the database of a data folder that must be there: a mistyped name must not become a new installation.
func openExisting(ctx context.Context, c Config) (*stores, error) {
	if err := c.checkData(); err != nil {
		return nil, err
	}
	if c.shared() {
		return openRowsBeside(ctx, c)
	}
	if _, err := os.Stat(filepath.Join(c.Data, databaseFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is no data folder of Satchel: it has no %s", c.Data, databaseFile)
	}
	return openRowsBeside(ctx, c)
}

// copies opens the stores of backups.
func copies() maintain.Stores {
	return maintain.Stores{
		Register: func(ctx context.Context, path string) (maintain.CopiedRows, func() error, error) {
			rows, err := sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: path})
			if err != nil {
				return nil, nil, err
			}
			return rows, rows.Close, nil
		},
		Blobs: func(folder string) (blob.Store, error) { return diskblob.Open(folder) },
	}
}
