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

func (p *program) fsckCommand() *cobra.Command {
	var o daemon.FsckOptions
	cmd := &cobra.Command{
		Use:   "fsck",
		Short: "Check a data folder",
		Long: `Check that every file has its bytes, that all bytes belong to a file, and that what organizations and
workspaces use was counted right. The exit code is 1 if anything is wrong.

The server may run meanwhile: what looks wrong is then looked at twice, and bytes younger than ten
minutes are left alone. --repair removes bytes that belong to no file and sets counts right, and needs
the server stopped; a file whose bytes are lost or damaged can only come back from a backup.`,
		Example: "satchel fsck --data ~/satchel --deep",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			config, err := p.config(cmd)
			if err != nil {
				return err
			}
			g := p.newProgress("checking", 0)
			last := int64(0)
			o.Progress = func(now daemon.FsckProgress) {
				g.add(now.Bytes - last)
				last = now.Bytes
			}
			report, err := daemon.Fsck(cmd.Context(), config, o)
			g.finish()
			if err != nil {
				return p.inUse(err)
			}
			return p.reportFsck(report)
		},
	}
	cmd.Flags().BoolVar(&o.Deep, "deep", false, "read all bytes and compare their SHA-256")
	cmd.Flags().BoolVar(&o.Repair, "repair", false, "remove bytes that belong to no file, set counts right; the server must be stopped")
	p.addData(cmd, "the data `folder` to check")
	p.addBlobs(cmd)
	return cmd
}

// addData defines --data for a command that works on a data folder.
func (p *program) addData(cmd *cobra.Command, usage string) {
	defaults := p.defaults()
	dataFlag(cmd.Flags(), &defaults, usage)
}

// addBlobs defines --blobs for a command that works on the bytes of an installation.
func (p *program) addBlobs(cmd *cobra.Command) {
	defaults := p.defaults()
	blobsFlag(cmd.Flags(), &defaults)
}

func (p *program) inUse(err error) error {
	if errors.Is(err, daemon.ErrInUse) {
		return &hintError{err: err, hint: "Stop the server first.", code: exitFailed}
	}
	return err
}

func (p *program) reportFsck(r *daemon.FsckReport) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%s files with bytes, %s objects, %s\n", humanize.Comma(r.Rows), humanize.Comma(r.Objects), size(r.Bytes))
	if r.Doomed > 0 {
		fmt.Fprintf(&text, "%s objects of deleted files wait for the sweeper\n", humanize.Comma(r.Doomed))
	}
	findings(&text, r.Count, r.Examples)
	for _, w := range r.Miscounted {
		fmt.Fprintf(&text, "miscounted: %s: %d files and %d bytes were counted, and %d and %d are there\n",
			accountName(string(w.Org), string(w.Workspace)), w.Counted.Files, w.Counted.Bytes, w.Right.Files, w.Right.Bytes)
	}
	switch {
	case r.Count() == 0 && len(r.Miscounted) == 0:
		text.WriteString("clean\n")
	case r.Clean():
		fmt.Fprintf(&text, "repaired: %s objects removed, %d counts set right\n", humanize.Comma(r.Repaired), len(r.Miscounted))
	}
	if _, err := io.WriteString(p.out, text.String()); err != nil || r.Clean() {
		return err
	}
	return fmt.Errorf("the stores disagree: faults found: %s", humanize.Comma(r.Count()-r.Repaired+int64(len(r.Miscounted))))
}

// accountName names a workspace of an organization, or the organization as a whole.
func accountName(org, workspace string) string {
	if workspace == "" {
		return org
	}
	return "workspace " + workspace + " of " + org
}

// findings lists faults by kind, with the first of each.
func findings(text *strings.Builder, count func(...daemon.Fault) int64, examples func(daemon.Fault) []daemon.Finding) {
	for _, fault := range daemon.Faults() {
		n := count(fault)
		if n == 0 {
			continue
		}
		fmt.Fprintf(text, "%s: %s\n", faultName(fault), humanize.Comma(n))
		some := examples(fault)
		for _, f := range some {
			fmt.Fprintf(text, "  %s\n", clean(strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Key, f.File, f.Detail))))
		}
		if rest := n - int64(len(some)); rest > 0 {
			fmt.Fprintf(text, "  … and %s more\n", humanize.Comma(rest))
		}
	}
}

// faultName says for people what is wrong.
func faultName(fault daemon.Fault) string {
	switch fault {
	case "missing":
		return "rows without bytes"
	case "size":
		return "bytes of a wrong length"
	case "hash":
		return "bytes with a wrong SHA-256"
	case "unreadable":
		return "bytes that cannot be read"
	case "stray":
		return "bytes without a row"
	case "partial":
		return "unfinished bytes"
	}
	return string(fault)
}

func (p *program) backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup DEST",
		Short: "Copy a data folder, also while the server runs",
		Long: `Copy all rows as they are at one moment, and all bytes that they name, into the folder DEST, which
must be absent or empty. The server may run. A backup that was interrupted is finished by running it
again. DEST is itself a data folder: 'satchel fsck --data DEST --deep' checks it.`,
		Example: "satchel backup /mnt/backup/satchel-2026-11-23",
		Args:    named,
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := p.config(cmd)
			if err != nil {
				return err
			}
			g := p.newProgress("backing up", 0)
			report, err := daemon.Backup(cmd.Context(), config, args[0], copied(g))
			g.finish()
			return p.reportCopy("backup", report, err)
		},
	}
	p.addData(cmd, "the data `folder` to copy")
	p.addBlobs(cmd)
	return cmd
}

func (p *program) restoreCommand() *cobra.Command {
	var acceptDamage bool
	cmd := &cobra.Command{
		Use:   "restore SRC",
		Short: "Make a data folder of a backup",
		Long: `Make a data folder of the backup in SRC. Every byte is read and its SHA-256 compared. The data folder
must be absent or empty; a restore that was interrupted is finished by running it again.`,
		Example: "satchel restore /mnt/backup/satchel-2026-11-23 --data ~/satchel",
		Args:    named,
		RunE: func(cmd *cobra.Command, args []string) error {
			if p.env(blobsVariable) != "" {
				return &usageError{errors.New("restore puts the bytes into the data folder, and " + blobsVariable +
					" names another place: unset it; how the bytes go on to a bucket is in docs/operations.md")}
			}
			config, err := p.config(cmd)
			if err != nil {
				return err
			}
			g := p.newProgress("restoring", 0)
			report, err := daemon.Restore(cmd.Context(), config, args[0], acceptDamage, copied(g))
			g.finish()
			return p.reportCopy("restore", report, err)
		},
	}
	cmd.Flags().BoolVar(&acceptDamage, "accept-damage", false, "finish even if some bytes of the backup are damaged; their files stay without content")
	p.addData(cmd, "the data `folder` to make")
	return cmd
}

// copied passes on how many bytes were copied since the last time.
func copied(g *progress) func(daemon.CopyProgress) {
	last := int64(0)
	return func(now daemon.CopyProgress) {
		g.add(now.Bytes - last)
		last = now.Bytes
	}
}

func (p *program) reportCopy(what string, r *daemon.CopyReport, err error) error {
	if r == nil {
		return p.inUse(err)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "%s: %s objects, %s\n", what, humanize.Comma(r.Blobs), size(r.Bytes))
	findings(&text, r.Count, r.Examples)
	if _, writeErr := io.WriteString(p.out, text.String()); writeErr != nil {
		return writeErr
	}
	return err
}
