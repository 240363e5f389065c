package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

//go:embed migrations/postgres/*.sql
var postgresMigrations embed.FS

// riverVersion is that of River's own tables, which is pinned: a later River that brings more gets a step of its own.
const riverVersion = 8

// migratePostgres brings the schema to the version that this program knows. Whoever comes while another process does so waits for it.
func migratePostgres(ctx context.Context, pool *pgxpool.Pool, options Options) (err error) {
	conn, err := acquire(ctx, pool)
	if err != nil {
		return err
	}
	defer conn.Release()
	// The lock is the connection's, and goes with it. It is waited for as long as migrations take.
	_, err = conn.Exec(ctx, `SET statement_timeout = 0; SET lock_timeout = 0; SELECT pg_advisory_lock(`+fmt.Sprint(int32(lockMigration))+`, 0)`)
	if err != nil {
		return fmt.Errorf("waiting for the right to migrate: %w", postgresError(err))
	}
	defer func() { // a fresh connection is cheaper than to remember what this one was set to
		err = errors.Join(err, conn.Conn().Close(context.WithoutCancel(ctx)))
	}()
	config := pool.Config().ConnConfig.Copy()
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	return climbPostgres(ctx, db, pool, options)
}

func climbPostgres(ctx context.Context, db *sql.DB, pool *pgxpool.Pool, options Options) error {
	folder, err := fs.Sub(postgresMigrations, "migrations/postgres")
	if err != nil {
		return err
	}
	steps := goose.NewGoMigration(2, &goose.GoFunc{RunDB: func(ctx context.Context, _ *sql.DB) error { return migrateRiverPostgres(ctx, pool) }}, nil)
	migrations, err := goose.NewProvider(goose.DialectPostgres, db, folder, goose.WithDisableGlobalRegistry(true), goose.WithGoMigrations(steps))
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	current, target, err := due(ctx, migrations, options)
	if err != nil || current == target {
		return err
	}
	if _, err := migrations.Up(ctx); err != nil {
		return fmt.Errorf("migrating from schema %d to %d: %w", current, target, postgresError(err))
	}
	options.Logger.InfoContext(ctx, "the database has a new schema", "from_version", current, "to_version", target)
	return nil
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
