package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

// migrationLockTimeout is how long a migration waits for a table that others use, who then wait behind it: servers run on meanwhile. Whoever finds it in use
// for longer, by a dump for example, fails to start, and tries again.
const migrationLockTimeout = 3 * time.Second

// riverVersion is that of River's own tables, which is pinned: a later River that brings more gets a step of its own.
const riverVersion = 8

// migratePostgres brings the schema to the version that this program knows, which it gives. Whoever comes while another process does so waits for it. On a
// newer schema nothing is done, if that says that this program may work on it.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool, options Options) (version int64, err error) {
	folder, err := fs.Sub(postgresMigrations, "migrations/postgres")
	if err != nil {
		return 0, err
	}
	return migratePostgresBy(ctx, pool, options, folder)
}

func migratePostgresBy(ctx context.Context, pool *pgxpool.Pool, options Options, folder fs.FS) (version int64, err error) {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return 0, err
	}
	defer conn.Release()
	// The lock is the connection's, and goes with it. It is waited for as long as migrations take.
	_, err = conn.Exec(ctx, `SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock(`+fmt.Sprint(int32(lockMigration))+`, 0)`)
	if err != nil {
		return 0, fmt.Errorf("waiting for the right to migrate: %w", postgresError(err))
	}
	defer func() { // a fresh connection is cheaper than to remember what this one was set to
		err = errors.Join(err, conn.Conn().Close(context.WithoutCancel(ctx)))
	}()
	db := stdlib.OpenDB(*pool.Config().ConnConfig.Copy(), stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, fmt.Sprintf(`SET lock_timeout = %d`, migrationLockTimeout.Milliseconds()))
		return err
	}))
	defer func() { err = errors.Join(err, db.Close()) }()
	return climbPostgres(ctx, db, pool, options, folder)
}

func climbPostgres(ctx context.Context, db *sql.DB, pool *pgxpool.Pool, options Options, folder fs.FS) (version int64, err error) {
	steps := goose.NewGoMigration(2, &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error { return migrateRiverPostgres(ctx, pool) }}, nil)
	migrations, err := goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(steps))
	if err != nil {
		return 0, fmt.Errorf("reading the migrations: %w", err)
	}
	current, target, err := due(ctx, migrations, options)
	if errors.Is(err, ErrNewerSchema) {
		err = tolerated(ctx, pool, target, err)
	}
	if err != nil || current >= target {
		return target, err
	}
	if _, err := migrations.Up(ctx); err != nil {
		return target, fmt.Errorf("migrating from schema %d to %d: %w", current, target, postgresError(err))
	}
	options.Logger.InfoContext(ctx, "the database has a new schema", "from_version", current, "to_version", target)
	return target, nil
}

// A schema says which programs may work on it, in a comment on goose's table, which each migration writes: "compatible from 2" is for those that know schema 2
// or a later one. It stands there, and not in a row, so that it is nothing that a database could hold or lack beside its schema.
const (
	compatibleFrom = "compatible from "
	readCompatible = `SELECT COALESCE(obj_description(to_regclass('goose_db_version'), 'pg_class'), '')`
)

// tolerated gives nil if a program that knows a version may work on the schema, which is newer, and else why not.
func tolerated(ctx context.Context, pool *pgxpool.Pool, version int64, refusal error) error {
	var comment string
	if err := (pooled{pool}).get(ctx, []any{&comment}, readCompatible); err != nil {
		return fmt.Errorf("reading which versions the schema is for: %w", err)
	}
	least, said := leastVersion(comment)
	switch {
	case !said:
		return refusal
	case version < least:
		return fmt.Errorf("%w; its schema is for versions that know %d or a later one", refusal, least)
	}
	return nil
}

// leastVersion reads the comment; said is false for one that says nothing.
func leastVersion(comment string) (least int64, said bool) {
	number, found := strings.CutPrefix(comment, compatibleFrom)
	least, err := strconv.ParseInt(number, 10, 64)
	return least, found && err == nil
}

// migrateRiverPostgres makes River's tables. Its steps cannot all run in one transaction; what broke off is gone on with by the next start.
func migrateRiverPostgres(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{TargetVersion: riverVersion})
	return err
}
