package maintain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// The files in a data folder that this package puts there, besides the stores.
const (
	serverLock = "server.lock" // held exclusively by the server, or by whoever needs it stopped
	backupLock = "backup.lock" // held by backups together, or by the sweeper alone
	unfinished = "unfinished"  // says which backup or restore was begun and not finished
)

// The kernel drops these locks with the process that holds them, however it ends. They work between the processes of one machine.

const lockRetry = 20 * time.Millisecond

// ErrInUse says that another process works on the data folder.
var ErrInUse = errors.New("the data folder is in use")

// AcquireServer takes the right to serve a data folder, or to do what needs the server stopped, until unlock is called. The folder must exist.
// ErrInUse if a server has it; another error for a folder that holds an unfinished backup or restore.
func AcquireServer(folder string) (unlock func() error, err error) {
	unlock, err = lockServer(folder, (*flock.Flock).TryLockContext)
	if err != nil {
		return nil, err
	}
	return finished(folder, unlock)
}

// JoinServers takes the right to serve a data folder beside others that do so, whose rows are elsewhere, until unlock is called. Otherwise it is
// AcquireServer: neither lets the other in.
func JoinServers(folder string) (unlock func() error, err error) {
	unlock, err = lockServer(folder, (*flock.Flock).TryRLockContext)
	if err != nil {
		return nil, err
	}
	return finished(folder, unlock)
}

// finished gives back the right to a folder that holds an unfinished backup or restore.
func finished(folder string, unlock func() error) (func() error, error) {
	what, err := os.ReadFile(filepath.Join(folder, unfinished))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return unlock, nil
	case err == nil:
		err = fmt.Errorf("the data folder %s holds an unfinished %s: finish it by running it again, or use another folder", folder, what)
	}
	return nil, errors.Join(err, unlock())
}

// lockServer waits a moment, because ServerRunning takes the lock for a moment.
func lockServer(folder string, try func(*flock.Flock, context.Context, time.Duration) (bool, error)) (unlock func() error, err error) {
	short, cancel := context.WithTimeout(context.Background(), 10*lockRetry)
	defer cancel()
	file := flock.New(filepath.Join(folder, serverLock))
	ok, err := try(file, short, lockRetry)
	switch {
	case ok:
		return file.Close, nil
	case errors.Is(err, context.DeadlineExceeded):
		return nil, fmt.Errorf("%w: another server runs on %s", ErrInUse, folder)
	}
	return nil, fmt.Errorf("lock the data folder %s: %w", folder, err)
}

// CheckWritable says why a server that has the data folder could write nothing there: the folder is gone, or its file system has become
// read-only. It writes nothing itself.
func CheckWritable(folder string) error {
	file, err := os.OpenFile(filepath.Join(folder, serverLock), os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("write to the data folder: %w", err)
	}
	return file.Close()
}

// ServerRunning reports whether a server, or something that needs it stopped, has the data folder.
func ServerRunning(folder string) (bool, error) {
	path := filepath.Join(folder, serverLock)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	file := flock.New(path, flock.SetFlag(os.O_RDONLY))
	ok, err := file.TryRLock()
	if err != nil {
		return false, fmt.Errorf("look at the lock of %s: %w", folder, err)
	}
	return !ok, file.Close()
}

// BeginBackup keeps the sweeper from removing bytes until end is called. It waits for the removal that is under way, which takes
// moments. Several backups may run at once.
func BeginBackup(ctx context.Context, folder string) (end func() error, err error) {
	file := flock.New(filepath.Join(folder, backupLock))
	if _, err := file.TryRLockContext(ctx, lockRetry); err != nil {
		return nil, fmt.Errorf("begin a backup of %s: %w", folder, err)
	}
	return file.Close, nil
}

// TryLockSweep keeps backups of the data folder from beginning until unlock is called; ok is false while one runs, or when the folder cannot
// be locked. It is for SweeperConfig.Lock.
func TryLockSweep(folder string) (unlock func(), ok bool) {
	file := flock.New(filepath.Join(folder, backupLock))
	if ok, err := file.TryLock(); !ok || err != nil {
		return nil, false
	}
	return func() { _ = file.Close() }, true // closing the file is what unlocks; what it answers changes nothing
}
