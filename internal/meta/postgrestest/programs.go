package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"

	embeddedpostgres "github.com/fergusstrange/embedded-postgres"
	"github.com/gofrs/flock"
)

// programs gives the folder of a PostgreSQL server's programs.
func programs() (string, error) {
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	installed, err := filepath.Glob("/usr/lib/postgresql/*/bin") // Debian's
	if err != nil {
		return "", err
	}
	slices.Reverse(installed)
	for _, folder := range installed {
		if complete(folder) {
			return folder, nil
		}
	}
	return fetched()
}

func complete(folder string) bool { return has(folder, "postgres", "initdb") }

func has(folder string, names ...string) bool {
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return false
		}
	}
	return true
}

// Client gives the folder of psql, pg_dump and pg_restore, of the version of the servers of this package: older ones would not do.
func Client() (string, error) {
	bin, err := programs()
	if err == nil && !has(bin, "psql", "pg_dump", "pg_restore") {
		err = fmt.Errorf("%s has no psql, pg_dump and pg_restore: run scripts/setup", bin)
	}
	return bin, err
}

// fetched gives the programs that are kept in a cache that everybody can read, and fetches them if they are not. The library that knows
// where they are starts a server at once, which fails for root: what counts is that the programs are there afterwards.
func fetched() (string, error) {
	const version = embeddedpostgres.V17
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	lock := flock.New(filepath.Join(cache, "lock"))
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer func() { _ = lock.Close() }()
	home := filepath.Join(cache, string(version))
	bin := filepath.Join(home, "bin")
	if complete(bin) {
		return bin, nil
	}
	one := embeddedpostgres.NewDatabase(embeddedpostgres.DefaultConfig().Version(version).CachePath(cache).BinariesPath(home).
		RuntimePath(filepath.Join(cache, "run")).Port(1)) // a port that nobody gets
	err = one.Start()
	if err == nil {
		err = one.Stop()
	}
	if !complete(bin) {
		return "", fmt.Errorf("fetching the programs: %w", errors.Join(err, errors.New("they are not there")))
	}
	return bin, nil
}

// cacheFolder is the user's cache; root's would be closed to the user nobody, who runs the programs.
func cacheFolder() (string, error) {
	if os.Getuid() == 0 {
		return filepath.Join(os.TempDir(), "satchel-postgres"), nil
	}
	folder, err := os.UserCacheDir()
	return filepath.Join(folder, "satchel-postgres"), err
}

// asNobody has root's command run as the user nobody, and gives that the folder.
func asNobody(command *exec.Cmd, folder string) error {
	const nobody = 65534
	if os.Getuid() != 0 {
		return nil
	}
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return os.Chown(folder, nobody, nobody)
}
