package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"log/slog"

	"github.com/pressly/goose/v3"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/satchel-files/satchel"
)

// sqliteGoMigrations are the steps that SQL cannot do. Their numbers are in one row with those of the SQL files.
func sqliteGoMigrations() []*goose.Migration {
	return []*goose.Migration{
		goose.NewGoMigration(3, &goose.GoFunc{RunTx: fillVersionKeys}, nil),
		goose.NewGoMigration(4, &goose.GoFunc{RunTx: migrateRiver(8)}, nil),
	}
}

// migrateRiver makes the tables of River's own migrations up to a version, which is pinned: a later River that brings more gets a step of
// its own, so that one number says everything about the schema.
func migrateRiver(version int) func(ctx context.Context, tx *sql.Tx) error {
	return func(ctx context.Context, tx *sql.Tx) error {
		migrator, err := rivermigrate.New(riversqlite.New(nil), &rivermigrate.Config{Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			return err
		}
		target := &rivermigrate.MigrateOpts{TargetVersion: version}
		_, err = migrator.MigrateTx(ctx, tx, rivermigrate.DirectionUp, target) //nolint:staticcheck // SQLite runs all of them in one transaction
		return err
	}
}

const (
	// versionStates gives some versions behind a position, each with the metadata before and after it.
	versionStates = `SELECT v.file_id, v.seq, v.before, COALESCE(
			(SELECT n.before FROM versions n WHERE n.file_id = v.file_id AND n.seq = v.seq + 1),
			(SELECT f.metadata FROM files f WHERE f.id = v.file_id), '')
		FROM versions v WHERE (v.file_id, v.seq) > ($1, $2) ORDER BY v.file_id, v.seq LIMIT 100`
	setKeys = `UPDATE versions SET keys = $3 WHERE file_id = $1 AND seq = $2`
)

// versionState is a row of versionStates.
type versionState struct {
	file          string
	seq           int64
	before, after string
}

// fillVersionKeys finds out for versions of before which keys they changed. JSON functions of SQL would lose digits of numbers.
func fillVersionKeys(ctx context.Context, tx *sql.Tx) error {
	var last versionState
	for {
		some, err := versionsBehind(ctx, tx, last)
		if err != nil || len(some) == 0 {
			return err
		}
		for _, v := range some {
			keys, err := json.Marshal(satchel.ChangedKeys(satchel.StoredMetadata(v.before), satchel.StoredMetadata(v.after)))
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, setKeys, v.file, v.seq, string(keys)); err != nil {
				return fmt.Errorf("the keys of version %d of %s: %w", v.seq, v.file, err)
			}
		}
		last = some[len(some)-1]
	}
}

func versionsBehind(ctx context.Context, tx *sql.Tx, last versionState) ([]versionState, error) {
	found, err := tx.QueryContext(ctx, versionStates, last.file, last.seq)
	if err != nil {
		return nil, err
	}
	defer func() { _ = found.Close() }()
	var some []versionState
	for found.Next() {
		var v versionState
		if err := found.Scan(&v.file, &v.seq, &v.before, &v.after); err != nil {
			return nil, err
		}
		some = append(some, v)
	}
	return some, found.Err()
}
