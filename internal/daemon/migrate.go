package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

type (
	// MigrateReport is what a migration did.
	MigrateReport = maintain.MigrateReport
	// MigrateProgress tells how far a migration is.
	MigrateProgress = maintain.MigrateProgress
)

// MigrateOptions say what is moved. The target is what a Config names.
type MigrateOptions struct {
	From      string                // the data folder of the source
	FromBlobs string                // where its bytes lie, as Config.Blobs has it
	Progress  func(MigrateProgress) // nil: none
}

// errMigrating refuses stores that hold an installation in part.
var errMigrating = errors.New("an installation is being moved to this database, and is not whole here yet: run satchel migrate again, which goes on where it stopped, " +
	"or use an empty database")

// Check finds everything that is wrong with what is to be moved where, beyond what Config.Check finds. Nothing is opened yet.
func (o MigrateOptions) Check(c Config) error {
	return errors.Join(o.checkSource(), checkGoal(c), o.checkApart(c))
}

func (o MigrateOptions) checkSource() error {
	if o.From == "" {
		return errors.New("source: name the data folder that is to be moved, with --from")
	}
	err := Config{Blobs: o.FromBlobs, Downloads: "stream", S3Memory: DefaultConfig().S3Memory}.checkBlobs()
	if err != nil {
		err = fmt.Errorf("source: %w", err)
	}
	_, missing := os.Stat(filepath.Join(o.From, databaseFile))
	switch {
	case errors.Is(missing, fs.ErrNotExist):
		missing = fmt.Errorf("source: %s is no data folder of Satchel with rows of its own: it has no %s", o.From, databaseFile)
	case missing != nil:
		missing = fmt.Errorf("source: %w", missing)
	}
	return errors.Join(err, missing)
}

func checkGoal(c Config) error {
	switch {
	case c.shared():
		return nil
	case c.Blobs != "":
		return errors.New("target: no database is named, with --database or SATCHEL_DATABASE. To move the bytes alone, copy them: " +
			"\"Moving there\" under \"Bytes in a bucket\" in docs/operations.md")
	}
	return errors.New("target: name a PostgreSQL database, with --database or SATCHEL_DATABASE, and a place for the bytes, with --blobs or SATCHEL_BLOBS")
}

// checkApart makes sure that the bytes get a place of their own: two installations on one would remove each other's.
func (o MigrateOptions) checkApart(c Config) error {
	if o.From == "" || placeID(o.From, o.FromBlobs) != placeID(c.Data, c.Blobs) {
		return nil
	}
	return fmt.Errorf("target: the bytes are in %s already. They are copied, so that the source stays whole: name another place, with --blobs or SATCHEL_BLOBS, "+
		"or another data folder, with --data or SATCHEL_DATA", placeID(o.From, o.FromBlobs))
}

// placeID names a place of bytes by what it is, however it is written.
func placeID(data, blobs string) string {
	folder := filepath.Join(data, blobFolder)
	if blobs != "" {
		if place, err := s3blob.ParsePlace(blobs); err == nil {
			return strings.TrimSuffix(place.String(), "/")
		}
		var err error
		if folder, err = folderOf(blobs); err != nil {
			return blobs
		}
	}
	if absolute, err := filepath.Abs(folder); err == nil {
		folder = absolute
	}
	if resolved, err := filepath.EvalSymlinks(folder); err == nil {
		folder = resolved
	}
	return folder
}

// Migrate takes an installation with SQLite to PostgreSQL and another place of its bytes. Its server must be stopped, else the error is ErrInUse. It changes
// nothing of it. See maintain.Migrate for what comes of damaged objects and interruptions.
func Migrate(ctx context.Context, c Config, o MigrateOptions) (report *MigrateReport, err error) {
	if err := errors.Join(c.Check(), o.Check(c)); err != nil {
		return nil, err
	}
	unlock, err := maintain.AcquireServer(o.From)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, unlock()) }()
	m := &mover{config: c, options: o}
	defer func() { err = errors.Join(err, m.close()) }()
	if err := m.open(ctx); err != nil {
		return nil, err
	}
	end, ok, err := m.target.TryTurn(ctx, "migration")
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errors.New("another migration to this database is under way")
	}
	defer end()
	return m.run(ctx)
}

// mover moves one installation.
type mover struct {
	config  Config
	options MigrateOptions
	source  *sqlstore.SQLite
	target  *sqlstore.Postgres
	from    *stores      // on the source
	to      *stores      // on the target
	unlock  func() error // nil, or gives back the target's data folder
}

func (m *mover) open(ctx context.Context) (err error) {
	if m.source, err = sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: filepath.Join(m.options.From, databaseFile), KeepSchema: true}); err != nil {
		if errors.Is(err, sqlstore.ErrOlderSchema) {
			err = errors.New("the source is of an older version of satchel: start this version's server on it once, which brings it up to date, and stop it")
		}
		return fmt.Errorf("open the source: %w", err)
	}
	m.from = &stores{data: m.options.From, rows: m.source}
	if err := m.from.openBlobs(ctx, Config{Data: m.options.From, Blobs: m.options.FromBlobs, S3Memory: m.config.S3Memory}, false); err != nil {
		return fmt.Errorf("open the source: %w", err)
	}
	if m.target, err = sqlstore.OpenPostgres(ctx, sqlstore.Options{URL: string(m.config.Database)}); err != nil {
		return fmt.Errorf("open the target: %w", err)
	}
	m.to = &stores{data: m.config.Data, rows: m.target}
	if m.config.Blobs == "" {
		if err := m.takeFolder(); err != nil {
			return err
		}
	}
	if m.to.blobs, err = newBlobs(ctx, m.config); err != nil {
		return fmt.Errorf("open the target: %w", err)
	}
	return nil
}

// takeFolder takes the target's data folder, whose bytes no name protects, so that no server uses it meanwhile.
func (m *mover) takeFolder() error {
	if _, err := os.Stat(filepath.Join(m.config.Data, databaseFile)); err == nil {
		return fmt.Errorf("%s holds another installation: name another data folder, or a place for the bytes with --blobs", m.config.Data)
	}
	if err := makeFolder(m.config.Data); err != nil {
		return err
	}
	unlock, err := maintain.AcquireServer(m.config.Data)
	m.unlock = unlock
	return err
}

func (m *mover) close() error {
	var all []error
	if m.unlock != nil {
		all = append(all, m.unlock())
	}
	if m.source != nil {
		all = append(all, m.source.Close())
	}
	if m.target != nil {
		all = append(all, m.target.Close())
	}
	return errors.Join(all...)
}

func (m *mover) run(ctx context.Context) (*MigrateReport, error) {
	rows := sqlstore.NewMove(m.source, m.target)
	id, err := rows.Source(ctx)
	if err != nil {
		return nil, err
	}
	if id == "" {
		return nil, fmt.Errorf("%s holds nothing that could be moved: it has no organization", m.options.From)
	}
	migration := maintain.Migration{Source: id, Place: placeID(m.config.Data, m.config.Blobs)}
	if err := m.admit(ctx, rows, migration); err != nil {
		return nil, err
	}
	return maintain.Migrate(ctx, maintain.MigrateConfig{
		Register: m.source, From: m.from.blobs, To: m.to.blobs, Rows: rows, Migration: migration,
		Take: func(ctx context.Context) error { return m.take(ctx, migration) }, Progress: m.options.Progress,
	})
}

// admit lets in an empty target, and one to which the same installation was being moved.
func (m *mover) admit(ctx context.Context, rows *sqlstore.Move, wanted maintain.Migration) error {
	found, ok, err := maintain.ReadMigration(ctx, m.target)
	if err != nil {
		return err
	}
	if !ok {
		return m.admitEmpty(ctx, rows)
	}
	switch {
	case found.Finished && found.Source == wanted.Source:
		return fmt.Errorf("there is nothing to do: this installation was moved to the database already, and its bytes to %s. "+
			"What has changed in %s since then is not taken over", found.Place, m.options.From)
	case found.Finished || found.Source != wanted.Source:
		return errors.New("another installation was moved to the database, or was begun to be: use an empty one")
	case found.Place != wanted.Place:
		return fmt.Errorf("the migration was begun with the bytes in %s: name the same place, or use an empty database", found.Place)
	}
	return nil
}

// admitEmpty looks at both stores: what is in the place of the bytes, and no row names, would be removed.
func (m *mover) admitEmpty(ctx context.Context, rows *sqlstore.Move) error {
	empty, err := rows.Empty(ctx)
	switch {
	case err != nil:
		return err
	case !empty:
		return errors.New("the database is not empty: a server was started on it. Use one in which there is nothing")
	}
	return m.admitPlace(ctx)
}

func (m *mover) admitPlace(ctx context.Context) error {
	if claimer, ok := m.to.blobs.(blob.Claimer); ok {
		switch owner, err := claimer.Claim(ctx, ""); {
		case err != nil:
			return err
		case owner != "":
			return fmt.Errorf("what is in %s belongs to another installation: name a place in which there is nothing", placeName(m.config.Blobs))
		}
	}
	some := errors.New("something is there")
	err := m.to.blobs.List(ctx, "", func(blob.Entry) error { return some })
	if errors.Is(err, some) {
		return fmt.Errorf("%s is not empty: name a place in which there is nothing", placeName(m.config.Blobs))
	}
	return err
}

// take notes in the target that it is being filled, which keeps servers out, and makes the place of the bytes its own. What was interrupted is done again.
func (m *mover) take(ctx context.Context, migration maintain.Migration) error {
	if err := m.target.SetMark(ctx, maintain.MarkMigration, migration.String()); err != nil {
		return fmt.Errorf("note that a migration has begun: %w", err)
	}
	claimer, ok := m.to.blobs.(blob.Claimer)
	if !ok || m.config.Blobs == "" { // as a server has it: the data folder's own bytes have no name
		return nil
	}
	mark, err := m.target.Mark(ctx, maintain.MarkPlace)
	if err != nil {
		return err
	}
	name, _, _ := strings.Cut(mark, " ")
	if name == "" { // nothing was copied yet; somebody else may have come since the mark was set
		if err := m.admitPlace(ctx); err != nil {
			return err
		}
		name = rand.Text()
	}
	return m.to.sign(ctx, claimer, name, m.config.Blobs)
}

// checkWhole refuses rows to which an installation is being moved.
func checkWhole(ctx context.Context, rows meta.Mark) error {
	migration, ok, err := maintain.ReadMigration(ctx, rows)
	if err == nil && ok && !migration.Finished {
		err = errMigrating
	}
	return err
}
