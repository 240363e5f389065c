package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/internal/daemon"
)

func (p *program) migrateCommand() *cobra.Command {
	var o daemon.MigrateOptions
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Move an installation to PostgreSQL and a bucket",
		Long: `Move the installation in a data folder to the PostgreSQL database and the place of bytes that servers
will be given: in SATCHEL_DATABASE and SATCHEL_BLOBS, or by the flags. Its server must be stopped. The
data folder is only read.

All rows are looked at first. Then every object is copied and its SHA-256 compared with the row; then
the rows follow, in one transaction. Until it is committed no server starts on the database. What was
interrupted goes on when it is run again; objects that were compared and copied before are kept.

The database and the place of the bytes must be empty. If an object of the source is damaged or lost,
it is named, the exit code is 1, and the target stays unfinished.`,
		Example: "SATCHEL_DATABASE=postgres://satchel@db/satchel satchel migrate --from ~/satchel --blobs s3://files",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := p.config(cmd)
			if err = errors.Join(err, o.Check(config)); err != nil {
				return &usageError{err}
			}
			s := &migrationScreen{program: p}
			o.Progress = s.show
			report, err := daemon.Migrate(cmd.Context(), config, o)
			s.finish()
			return p.reportMigration(config, o, report, err)
		},
	}
	cmd.Flags().StringVar(&o.From, "from", "", "the data `folder` that is moved")
	cmd.Flags().StringVar(&o.FromBlobs, "from-blobs", "", "`URL` of the place of its bytes (default in the data folder)")
	p.addData(cmd, "the data `folder` of the servers that will be started; without --blobs the bytes go there")
	p.addBlobs(cmd)
	return cmd
}

// migrationScreen shows how far a migration is: a bar of bytes, and a line of objects and rows.
type migrationScreen struct {
	program *program
	bar     *progress
	line    *line
	bytes   int64
}

func (s *migrationScreen) show(now daemon.MigrateProgress) {
	if !s.program.errTerminal {
		return
	}
	text := fmt.Sprintf("%s of %s objects, %s of %s rows",
		humanize.Comma(now.Blobs), humanize.Comma(now.AllBlobs), humanize.Comma(now.Rows), humanize.Comma(now.AllRows))
	if s.bar == nil {
		s.bar = s.program.newProgress("moving", now.AllBytes)
		s.line = s.bar.line(text)
	}
	s.bar.add(now.Bytes - s.bytes)
	s.bytes = now.Bytes
	s.line.set(text)
}

func (s *migrationScreen) finish() {
	s.line.end()
	s.bar.finish()
}

// reportMigration says what was done, and what comes next.
func (p *program) reportMigration(c daemon.Config, o daemon.MigrateOptions, r *daemon.MigrateReport, err error) error {
	if r == nil {
		return p.inUse(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "migrate: %s objects, %s", humanize.Comma(r.Blobs), size(r.Bytes))
	if r.Reused > 0 {
		fmt.Fprintf(&text, "; %s of them were copied and compared by an earlier run", humanize.Comma(r.Reused))
	}
	text.WriteString("\n")
	findings(&text, r.Count, r.Examples)
	if err == nil {
		rows, bytes := c.Places()
		fmt.Fprintf(&text, "%s rows are in %s, the bytes in %s\n", humanize.Comma(r.Rows), clean(rows), clean(bytes))
		text.WriteString("Check them with 'satchel fsck --deep', and start servers, with the same database, blobs and data folder as here.\n")
		fmt.Fprintf(&text, "Keep %s until you are content, and start no server on its own rows again.\n", clean(o.From))
	}
	if _, writeErr := io.WriteString(p.out, text.String()); writeErr != nil {
		return writeErr
	}
	if errors.Is(err, daemon.ErrDamaged) {
		hint := "The target stays unfinished. Put whole bytes in their place, from a backup, or delete those files on the source's server; then run it again."
		return &hintError{err: err, hint: hint, code: exitFailed}
	}
	return err
}
