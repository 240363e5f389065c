package maintain

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

// MarkMigration is the mark that says of rows that an installation is being, or was, moved to them; see Migration.
const MarkMigration = "migration"

// Migration is what stands in MarkMigration. While it is not finished no server may have the rows: it would see an empty installation.
type Migration struct {
	Finished bool
	Source   string // the oldest organization of the installation that is moved
	Place    string // where its bytes go
}

const (
	migrationBegun    = "unfinished"
	migrationFinished = "finished"
)

// String gives the value of the mark.
func (m Migration) String() string {
	state := migrationBegun
	if m.Finished {
		state = migrationFinished
	}
	return state + " " + m.Source + " " + m.Place
}

// ReadMigration reads the mark; ok is false where nothing was ever moved to the rows.
func ReadMigration(ctx context.Context, rows meta.Mark) (m Migration, ok bool, err error) {
	text, err := rows.Mark(ctx, MarkMigration)
	if err != nil || text == "" {
		return Migration{}, false, err
	}
	state, rest, _ := strings.Cut(text, " ")
	m.Finished = state == migrationFinished
	m.Source, m.Place, _ = strings.Cut(rest, " ")
	return m, true, nil
}

// MigratedRows takes the rows of one database to another.
type MigratedRows interface {
	// Check reads every row, and gives how many there are. The error names what the target cannot hold.
	Check(ctx context.Context) (rows int64, err error)
	// Move copies all rows and sets the marks, in one transaction. progress is told, now and then, how many it has copied.
	Move(ctx context.Context, marks map[string]string, progress func(rows int64)) error
}

// MigrateConfig says what is moved, and where to. Everything but Progress must be set. The caller makes sure that nobody else works on the source
// or the target.
type MigrateConfig struct {
	Register  meta.BlobRegister // the rows of the source
	From, To  blob.Store
	Rows      MigratedRows
	Migration Migration
	// Take makes the target this migration's own, durably. It is called when the source has been looked at, and before anything is copied.
	Take func(ctx context.Context) error

	Progress func(MigrateProgress) // called now and then, by one goroutine at a time, if set
}

// MigrateProgress tells how far a migration is, and how far it has to go.
type MigrateProgress struct {
	Blobs, AllBlobs int64
	Bytes, AllBytes int64
	Rows, AllRows   int64
}

// MigrateReport is what a migration did.
type MigrateReport struct {
	*CopyReport
	Rows int64 // that are in the target; 0 if it is not finished
}

// Migrate takes an installation to other stores. The source is only read. All rows are looked at first, then every object that they name is copied and
// its hash compared, and the rows come last, in one transaction that also says that the target is whole. So a migration that was interrupted,
// wherever, is finished by running it again: objects that are in the target were compared when they were sent, and are kept.
//
// Objects of the source that are not whole are named in the report, and the error is ErrDamaged; the target then stays unfinished. After any other
// error the report is nil.
func Migrate(ctx context.Context, cfg MigrateConfig) (*MigrateReport, error) {
	m := &migration{cfg: cfg}
	if cfg.Progress == nil {
		m.cfg.Progress = func(MigrateProgress) {}
	}
	if err := m.look(ctx); err != nil {
		return nil, err
	}
	if err := cfg.Take(ctx); err != nil {
		return nil, err
	}
	report, err := m.copyBytes(ctx)
	if err != nil {
		return nil, fmt.Errorf("copy the bytes: %w", err)
	}
	if err := damaged(report.CopyReport); err != nil {
		return report, err
	}
	finished := cfg.Migration
	finished.Finished = true
	err = cfg.Rows.Move(ctx, map[string]string{MarkMigration: finished.String()}, func(rows int64) {
		m.now.Rows = rows
		m.cfg.Progress(m.now)
	})
	if err != nil {
		return nil, fmt.Errorf("copy the rows: %w", err)
	}
	report.Rows = m.now.AllRows
	return report, nil
}

// migration is one run of Migrate.
type migration struct {
	cfg MigrateConfig
	now MigrateProgress
}

// look finds out how much there is, and whether the target can hold it.
func (m *migration) look(ctx context.Context) (err error) {
	if m.now.AllRows, err = m.cfg.Rows.Check(ctx); err != nil {
		return fmt.Errorf("look at the rows: %w", err)
	}
	return eachRow(ctx, m.cfg.Register, func(row meta.BlobRow) {
		if !row.Doomed {
			m.now.AllBlobs++
			m.now.AllBytes += row.Size
		}
	})
}

// copyBytes copies what the rows name, and removes from the target what an earlier attempt has copied and they do not name any more.
func (m *migration) copyBytes(ctx context.Context) (*MigrateReport, error) {
	c := newCopier(m.cfg.From, m.cfg.To, func(now CopyProgress) {
		m.now.Blobs, m.now.Bytes = now.Blobs, now.Bytes
		m.cfg.Progress(m.now)
	})
	report := &MigrateReport{CopyReport: c.report}
	if err := c.all(ctx, m.cfg.Register); err != nil {
		return nil, err
	}
	if c.report.Count() > 0 {
		return report, nil
	}
	return report, errors.Join(c.tidy(ctx, m.cfg.Register), ctx.Err())
}
