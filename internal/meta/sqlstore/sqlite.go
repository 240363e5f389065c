package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// This file is all that knows SQLite: how it is opened, what its errors mean, how it is copied and scrubbed.

const (
	busyTimeout      = 10 * time.Second // other processes (offline commands) may hold the write lock
	scrubBusyTimeout = time.Second      // a scrub holds up writers while it waits for readers
	checkpointPages  = 4000             // of write-ahead log, before it is copied into the database
)

// sqliteFile is one database file with its two pools.
type sqliteFile struct {
	path  string
	info  os.FileInfo // of the file that was opened: if another, or none, stands there later, commits would go nowhere
	write *sql.DB     // one connection
	read  *sql.DB
}

func openSQLiteFile(ctx context.Context, path string) (*sqliteFile, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := createPrivate(path); err != nil {
		return nil, err
	}
	f := &sqliteFile{path: path}
	f.write = sqlitePool(path, 1, writePragmas()...)
	f.read = sqlitePool(path, max(4, 2*runtime.GOMAXPROCS(0)), "query_only(1)", "cache_size(-4096)")
	if err = f.becomeWAL(ctx); err == nil {
		err = f.read.PingContext(ctx)
	}
	if err == nil {
		f.info, err = os.Stat(path)
	}
	if err != nil {
		return nil, errors.Join(storeError(err), f.close())
	}
	return f, nil
}

// becomeWAL opens the writer's connection, which makes the file a WAL database. While several processes do that to a new file, SQLite refuses some of
// them at once, without the patience of busy_timeout.
func (f *sqliteFile) becomeWAL(ctx context.Context) error {
	const pause = 10 * time.Millisecond
	for deadline := time.Now().Add(busyTimeout); ; {
		err := f.write.PingContext(ctx)
		if satchel.CodeOf(storeError(err)) != satchel.CodeUnavailable || time.Now().After(deadline) {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// createPrivate makes an absent file for the owner alone; SQLite gives its side files the same mode.
func createPrivate(path string) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func writePragmas() []string {
	return []string{
		"journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "cache_size(-16384)",
		fmt.Sprintf("wal_autocheckpoint(%d)", checkpointPages),
	}
}

// sqlitePool opens connections to a database that is there: where it was taken away, mode=rw keeps one that is opened later, whoever needs it,
// from beginning a new one in its place.
func sqlitePool(path string, connections int, pragmas ...string) *sql.DB {
	query := url.Values{"mode": {"rw"}, "_txlock": {"immediate"}, "_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyTimeout.Milliseconds()), "temp_store(MEMORY)", "foreign_keys(OFF)",
	}}
	query["_pragma"] = append(query["_pragma"], pragmas...)
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: query.Encode()}
	pool, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		panic(err) // the driver is linked in and opens nothing yet
	}
	pool.SetMaxOpenConns(connections)
	pool.SetMaxIdleConns(connections)
	return pool
}

func (f *sqliteFile) close() error { return errors.Join(f.read.Close(), f.write.Close()) }

// present says whether the file that was opened still stands at its path.
func (f *sqliteFile) present() error {
	info, err := os.Stat(f.path)
	switch {
	case err != nil:
		return unavailable(fmt.Errorf("the database is gone: %w", err))
	case !os.SameFile(info, f.info):
		return unavailable(fmt.Errorf("another database was put in the place of %s", f.path))
	}
	return nil
}

// snapshot writes a copy of the database, as it is at one moment, to a file that must not exist, and makes it durable.
func (f *sqliteFile) snapshot(ctx context.Context, path string) (err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("snapshot to %s: %w", path, fs.ErrExist)
	}
	pool := sqlitePool(f.path, 1, "synchronous(FULL)")
	defer func() { err = errors.Join(err, pool.Close()) }()
	if err := createPrivate(path); err != nil {
		return fmt.Errorf("snapshot: %w", err)
	}
	if _, err := pool.ExecContext(ctx, "VACUUM INTO $1", path); err != nil {
		return errors.Join(fmt.Errorf("snapshot: %w", storeError(err)), os.Remove(path))
	}
	return errors.Join(syncPath(path), syncPath(filepath.Dir(path)))
}

func syncPath(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(file.Sync(), file.Close())
}

// scrub moves the write-ahead log into the database and empties it: what secure_delete overwrote is then overwritten on disk, and no
// older page is left. A first pass, which waits for nobody, keeps the second one, for which writers wait, short.
func (f *sqliteFile) scrub(ctx context.Context) (err error) {
	pool := sqlitePool(f.path, 1, append(writePragmas(), fmt.Sprintf("busy_timeout(%d)", scrubBusyTimeout.Milliseconds()))...)
	defer func() { err = errors.Join(err, pool.Close()) }()
	for _, mode := range []string{"PASSIVE", "TRUNCATE"} {
		var busy, pages, moved int
		row := pool.QueryRowContext(ctx, "PRAGMA wal_checkpoint("+mode+")")
		if err := row.Scan(&busy, &pages, &moved); err != nil {
			return fmt.Errorf("scrub: %w", storeError(err))
		}
		if busy != 0 || moved < pages {
			return unavailable(errors.New("scrub: somebody is reading older rows; try again"))
		}
	}
	return nil
}

// dropConnection closes the connection for good instead of giving it back to its pool.
func dropConnection(conn *sql.Conn) {
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
}

// sqliteCode gives the extended result code in err's chain; ok is false when SQLite did not fail.
func sqliteCode(err error) (code int, ok bool) {
	if failure, ok := errors.AsType[*sqlite.Error](err); ok {
		return failure.Code(), true
	}
	return 0, false
}

// storeError gives SQLite's errors the meaning that the contract has for them. Others stay as they are.
func storeError(err error) error {
	code, ok := sqliteCode(err)
	if !ok || errors.Is(err, meta.ErrNoSpace) {
		return err
	}
	switch code & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w", meta.ErrNoSpace, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return unavailable(err)
	}
	return err
}

// endsTransaction tells whether a statement that failed with err may have taken the whole transaction with it. Only what is known to
// undo nothing but the statement itself is let through.
func endsTransaction(err error) bool {
	code, ok := sqliteCode(err)
	if !ok {
		return false
	}
	switch code & 0xff {
	case sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_ERROR, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE:
		return false
	}
	return true
}

// commitError says what a failed COMMIT means. A full disk stops SQLite before the record that makes the transaction count is
// whole, and a lock that was not got before anything is written; then nothing has happened. After anything else, a failed fsync
// above all, the record may stand in the log, and only the next commit or the next start decides about it.
func commitError(err error) error {
	code, _ := sqliteCode(err)
	switch code & 0xff {
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY:
		return storeError(err)
	}
	return fmt.Errorf("%w: %w", meta.ErrUncertain, err)
}

// fullDisk turns an I/O error into meta.ErrNoSpace where a full disk is the reason: SQLite reports some of them so.
func (f *sqliteFile) fullDisk(err error) error {
	code, _ := sqliteCode(err)
	if code&0xff == sqlite3.SQLITE_IOERR && noRoom(f.path) {
		return fmt.Errorf("%w: %w", meta.ErrNoSpace, err)
	}
	return err
}

// noRoom tells whether the file system that holds path is full to the last pages.
func noRoom(path string) bool {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(path), &stat); err != nil {
		return false
	}
	return stat.Bavail*uint64(stat.Bsize) < 64<<10 //nolint:gosec // sizes are not negative
}

func unavailable(err error) error {
	return &satchel.Error{Code: satchel.CodeUnavailable, Message: "the database cannot do this now; try again", Err: err}
}
