package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
)

// additive is a migration as the rule wants it: what was there before goes on working.
const additive = `-- +goose Up
COMMENT ON TABLE goose_db_version IS 'compatible from 2';
ALTER TABLE files ADD COLUMN next TEXT NOT NULL DEFAULT '';
CREATE TABLE next (id TEXT PRIMARY KEY);
`

// next migrates a database to a schema that this program does not know.
func next(t *testing.T, target, migration string) error {
	t.Helper()
	all := fstest.MapFS{"99999_next.sql": {Data: []byte(migration)}}
	for _, name := range postgresFiles(t) {
		data, err := postgresMigrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all[path.Base(name)] = &fstest.MapFile{Data: data}
	}
	config, err := postgresConfig(target)
	if err != nil {
		t.Fatal(err)
	}
	pool, err := pgxpool.NewWithConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	_, err = migratePostgresBy(t.Context(), pool, Options{Logger: slog.New(slog.DiscardHandler)}, all)
	return err
}

func postgresFiles(t *testing.T) []string {
	t.Helper()
	names, err := fs.Glob(postgresMigrations, "migrations/postgres/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("the migrations are %v, %v", names, err)
	}
	return names
}

func tryPostgres(t *testing.T, options Options) (*Postgres, error) {
	t.Helper()
	p, err := OpenPostgres(t.Context(), options)
	if err == nil {
		t.Cleanup(func() { _ = p.Close() })
	}
	return p, err
}

// TestPostgresWorksOnANewerSchema: a later version migrates beneath a running one, which goes on, and can be started again, as long as the schema says so.
func TestPostgresWorksOnANewerSchema(t *testing.T) {
	target := postgrestest.Empty(t)
	running, err := tryPostgres(t, Options{URL: target})
	if err != nil {
		t.Fatal(err)
	}
	works := func(p *Postgres) {
		t.Helper()
		var id satchel.FileID
		if err := errors.Join(p.InTx(t.Context(), insertOne(1, &id)), p.Ping(t.Context())); err != nil {
			t.Error(err)
		}
		if _, err := p.File(t.Context(), testScope(), id); err != nil {
			t.Error(err)
		}
	}
	works(running) // so that its statements are prepared
	if err := next(t, target, additive); err != nil {
		t.Fatal(err)
	}
	works(running)
	for _, keep := range []bool{false, true} {
		started, err := tryPostgres(t, Options{URL: target, KeepSchema: keep})
		if err != nil {
			t.Fatalf("starting on a newer schema that is compatible: %v", err)
		}
		works(started)
	}
	postgrestest.Exec(t, target, `COMMENT ON TABLE goose_db_version IS 'compatible from 99999'`)
	if _, err := tryPostgres(t, Options{URL: target}); !errors.Is(err, ErrNewerSchema) || !strings.Contains(err.Error(), "for versions that know 99999 or a later one") {
		t.Errorf("starting on one that is not compatible: %v", err)
	}
	if err := running.Ping(t.Context()); !errors.Is(err, ErrNewerSchema) || satchel.CodeOf(err) != satchel.CodeUnavailable {
		t.Errorf("a running one is ready: %v", err)
	}
	for _, comment := range []string{"NULL", "'anything'", "'compatible from '"} {
		postgrestest.Exec(t, target, `COMMENT ON TABLE goose_db_version IS `+comment)
		if _, err := tryPostgres(t, Options{URL: target}); !errors.Is(err, ErrNewerSchema) {
			t.Errorf("starting on one that says %s: %v", comment, err)
		}
	}
}

// TestPostgresMigrationDoesNotWait: behind a migration that waits for a table everybody else would wait, too.
func TestPostgresMigrationDoesNotWait(t *testing.T) {
	target := postgrestest.Empty(t)
	if err := CreatePostgres(t.Context(), target); err != nil {
		t.Fatal(err)
	}
	plain, _, _ := strings.Cut(target, "&pool_max_conns=")
	dump, err := pgx.Connect(t.Context(), plain)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dump.Close(context.WithoutCancel(t.Context())) }()
	if _, err := dump.Exec(t.Context(), `BEGIN; LOCK TABLE files IN ACCESS SHARE MODE`); err != nil { // as pg_dump does
		t.Fatal(err)
	}
	if err := next(t, target, additive); satchel.CodeOf(err) != satchel.CodeUnavailable {
		t.Errorf("while a dump reads the table: %v", err)
	}
	if _, err := dump.Exec(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if err := next(t, target, additive); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// compatibleLine is what every migration has to say.
var compatibleLine = regexp.MustCompile(`(?m)^COMMENT ON TABLE goose_db_version IS 'compatible from (\d+)';$`)

// wantCompatible says what is wrong with what a migration says of the versions that may work on its schema.
func wantCompatible(version int64, migration string) error {
	found := compatibleLine.FindStringSubmatch(migration)
	if found == nil {
		return fmt.Errorf("migration %d does not say from which schema on a program may work on it; CONTRIBUTING.md has how", version)
	}
	least, err := strconv.ParseInt(found[1], 10, 64)
	if err != nil || least < 2 || least > version {
		return fmt.Errorf("migration %d is compatible from %s, want one from 2 to its own", version, found[1])
	}
	return nil
}

// TestPostgresMigrationsSayForWhom: every migration says from which schema on a program may work on its own. The first release with PostgreSQL has schema 2.
func TestPostgresMigrationsSayForWhom(t *testing.T) {
	for migration, want := range map[string]bool{
		additive: true, "ALTER TABLE x ADD y TEXT;": false, strings.Replace(additive, "from 2", "from 4", 1): false, strings.Replace(additive, "from 2", "from 1", 1): false,
	} {
		if err := wantCompatible(3, migration); (err == nil) != want {
			t.Errorf("%v, want it right: %v\n%s", err, want, migration)
		}
	}
	for _, name := range postgresFiles(t) {
		version, err := strconv.ParseInt(path.Base(name)[:5], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if version <= 2 {
			continue
		}
		data, err := postgresMigrations.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := wantCompatible(version, string(data)); err != nil {
			t.Error(err)
		}
	}
}

// TestBackupHoldsTheSweep: the program that takes backups of a cluster names the sweepers' lock by its numbers.
func TestBackupHoldsTheSweep(t *testing.T) {
	program, err := os.ReadFile("../../../deploy/backup/backup")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("sweep='%d, %d'", int32(lockTurn), lock{topic: lockTurn, name: "sweep"}.number()); !strings.Contains(string(program), want) {
		t.Errorf("it has no %s", want)
	}
}
