package postgrestest

import (
	"context"
	"fmt"
	"net/url"
	"os/exec"
	"path/filepath"
)

// Prepare makes a server of its own in an empty folder, for whoever starts it, ends it and starts it again. The user nobody must be able to reach the
// folder where root asks.
func Prepare(ctx context.Context, folder string) error {
	bin, err := programs()
	if err != nil {
		return err
	}
	command := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), "-D", "data", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "-N")
	command.Dir = folder
	if err := asNobody(command, folder); err != nil {
		return err
	}
	if out, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("make a PostgreSQL server: %w\n%s", err, out)
	}
	return nil
}

// Command runs the server that Prepare made, on a socket in its folder. SIGQUIT ends it as a crash does: what was committed is there again when it
// starts. A crash of the machine is another matter, since nothing is synced. Settings, as name=value, override the ones here.
func Command(folder string, settings ...string) (*exec.Cmd, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	command := exec.Command(filepath.Join(bin, "postgres"), "-D", "data", "-k", folder, "-c", "listen_addresses=", //nolint:noctx // it lives until it is signalled
		"-c", "fsync=off", "-c", "full_page_writes=off", "-c", "shared_buffers=64MB", "-c", "autovacuum_naptime=1s")
	for _, setting := range settings {
		command.Args = append(command.Args, "-c", setting)
	}
	command.Dir = folder
	return command, asNobody(command, folder)
}

// URL names a database of the server whose socket is in a folder.
func URL(folder, database string) string {
	u := url.URL{Scheme: "postgres", User: url.User("postgres"), Path: "/" + database}
	u.RawQuery = url.Values{"host": {folder}, "sslmode": {"disable"}}.Encode()
	return u.String()
}

// Do runs SQL on the database of a URL, on a connection of its own.
func Do(ctx context.Context, url, sql string, args ...any) error { return run(ctx, url, sql, args...) }

// AsServer has a command run as the user as whom Command's server runs, and gives that the folder.
func AsServer(command *exec.Cmd, folder string) error { return asNobody(command, folder) }
