package sqlstore

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// ErrNewerSchema says that a newer program wrote the database; this one does not know what it means and leaves it alone.
var ErrNewerSchema = errors.New("the database was written by a newer version of satchel; use that version or a later one")

// ErrOlderSchema says that the database needs a migration that Options.KeepSchema rules out.
var ErrOlderSchema = errors.New("the database is of an older version of satchel, and a server that may know only that one runs on it; use the server's version, or stop it")

//go:embed migrations/sqlite/*.sql
var sqliteMigrations embed.FS

const (
	snapshotStamp = "20060102T150405Z"
	maxCopies     = 100 // of one second
)

// migrate brings the database to the version that this program knows. Of an older one a copy is set aside first.
func (f *sqliteFile) migrate(ctx context.Context, options Options) error {
	folder, err := fs.Sub(sqliteMigrations, "migrations/sqlite")
	if err != nil {
		return err
	}
	return f.migrateBy(ctx, options, folder, sqliteGoMigrations()...)
}

func (f *sqliteFile) migrateBy(ctx context.Context, options Options, folder fs.FS, others ...*goose.Migration) error {
	migrations, err := goose.NewProvider(goose.DialectSQLite3, f.write, folder,
		goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(others...))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	current, target, err := due(ctx, migrations, options)
	if err != nil || current == target {
		return err
	}
	if current > 0 {
		if err := f.setAside(ctx, options, target); err != nil {
			return err
		}
	}
	return climb(ctx, migrations, current, target)
}

// due gives the versions between which a database has to be migrated, equal ones if it has not, or says why it must not be.
func due(ctx context.Context, migrations *goose.Provider, options Options) (current, target int64, err error) {
	current, target, err = versions(ctx, migrations)
	switch {
	case err != nil:
	case current > target:
		err = fmt.Errorf("%w (schema %d; this version knows %d)", ErrNewerSchema, current, target)
	case options.KeepSchema && current > 0 && current < target:
		err = fmt.Errorf("%w (schema %d; this version brings %d)", ErrOlderSchema, current, target)
	}
	return current, target, err
}

// climb migrates until the target is reached. A step that failed is tried again if another process was faster: it has raised the version.
func climb(ctx context.Context, migrations *goose.Provider, current, target int64) error {
	for {
		_, err := migrations.Up(ctx)
		reached, _, versionErr := versions(ctx, migrations)
		switch {
		case versionErr == nil && reached == target:
			return nil
		case versionErr != nil || reached == current:
			return fmt.Errorf("migrating from schema %d to %d: %w", current, target, errors.Join(err, versionErr))
		}
		current = reached
	}
}

// versions gives the database's version, 0 for an empty one, and the one that this program brings.
func versions(ctx context.Context, migrations *goose.Provider) (current, target int64, err error) {
	if current, err = migrations.GetDBVersion(ctx); err != nil {
		return 0, 0, fmt.Errorf("reading the schema's version: %w", storeError(err))
	}
	sources := migrations.ListSources()
	return current, sources[len(sources)-1].Version, nil
}

// setAside copies the database to a file beside it, named after the version that is about to come and the time.
func (f *sqliteFile) setAside(ctx context.Context, options Options, target int64) error {
	name := fmt.Sprintf("%s.before-v%d-%s", f.path, target, options.Now().UTC().Format(snapshotStamp))
	path := name
	err := f.snapshot(ctx, path)
	for n := 2; n <= maxCopies && errors.Is(err, fs.ErrExist); n++ { // of another process that starts in the same second
		path = fmt.Sprintf("%s-%d", name, n)
		err = f.snapshot(ctx, path)
	}
	if err != nil {
		return fmt.Errorf("setting a copy aside before migrating: %w", err)
	}
	options.Logger.InfoContext(ctx, "set a copy of the database aside before migrating it", "copy", path, "to_version", target)
	return nil
}
