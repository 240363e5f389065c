package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// metaOptions are the flags of meta.
type metaOptions struct {
	connection
	instructions string
	dryRun       bool
	sources      bool
	history      bool
	revert       int64
	restore      int64
	json         bool
}

func (p *program) metaCommand() *cobra.Command {
	var o metaOptions
	cmd := &cobra.Command{
		Use:   "meta ID [KEY=TEXT | KEY:=JSON | KEY=]…",
		Short: "Change a file's metadata, by hand or by AI, and show it",
		Long: `Change a file's metadata and print what it then is, as JSON. Without changes it is only printed.

  key=text     sets a text
  key:=JSON    sets a number, true, false, a list, or an object, which is merged into the one there
  key=         removes the key

With --instructions the server's language model makes the change, and what it changed is shown as a
difference; --dry-run shows what it would change. Every change is a version: --history lists them,
--revert takes one back, --restore goes back to one. --sources tells where each value comes from.

` + idHelp,
		Example: "satchel meta report.pdf author=hegel year:=1812 draft=\n" +
			"satchel meta report.pdf --instructions 'rename author to writer' --dry-run\n" +
			"satchel meta report.pdf --history",
		Args: named,
		RunE: func(cmd *cobra.Command, args []string) error {
			patch, err := mergePatch(args[1:])
			if err == nil {
				err = o.check(patch)
			}
			if err != nil {
				return err
			}
			c, err := p.connect(&o.connection)
			if err != nil {
				return err
			}
			f, err := p.resolve(cmd.Context(), c, args[0])
			if err != nil {
				return err
			}
			return (&metaChange{program: p, client: c, options: &o, file: f}).run(cmd.Context(), patch)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.instructions, "instructions", "", "`text` that tells the language model what to change")
	flags.BoolVar(&o.dryRun, "dry-run", false, "with --instructions: only show what would be changed")
	flags.BoolVar(&o.sources, "sources", false, "show where each value comes from, and where it stands in the text")
	flags.BoolVar(&o.history, "history", false, "list the versions, newest first")
	flags.Int64Var(&o.revert, "revert", 0, "take back what version `N` changed")
	flags.Int64Var(&o.restore, "restore", 0, "go back to what the metadata were after version `N`")
	flags.BoolVar(&o.json, "json", false, "print what the server answered, as JSON")
	o.addTo(flags, true)
	return cmd
}

// check refuses flags that exclude each other.
func (o *metaOptions) check(patch json.RawMessage) error {
	wanted := 0
	for _, given := range []bool{patch != nil || o.instructions != "", o.sources, o.history, o.revert != 0, o.restore != 0} {
		if given {
			wanted++
		}
	}
	switch {
	case wanted > 1:
		return usagef("changes, --sources, --history, --revert and --restore exclude each other: give one of them")
	case o.dryRun && o.instructions == "":
		return usagef("--dry-run shows what --instructions would do: give them, too")
	case o.revert < 0 || o.restore < 0:
		return usagef("versions are numbered from 1")
	}
	return nil
}

// metaChange is one meta command at work.
type metaChange struct {
	*program
	client  *client.Client
	options *metaOptions
	file    *api.File
}

func (m *metaChange) run(ctx context.Context, patch json.RawMessage) error {
	switch o := m.options; {
	case o.instructions != "" && o.dryRun:
		return m.preview(ctx, patch)
	case o.instructions != "":
		return m.instruct(ctx, patch)
	case o.sources:
		return m.sources(ctx)
	case o.history:
		return m.history(ctx)
	case o.revert > 0:
		return m.revert(ctx)
	case o.restore > 0:
		return m.print(m.client.Restore(ctx, m.file.ID, o.restore))
	case patch != nil:
		return m.print(m.client.PatchMetadata(ctx, m.file.ID, patch))
	}
	return m.print(m.file, nil)
}

// print shows a file's metadata.
func (m *metaChange) print(f *api.File, err error) error {
	if err != nil {
		return err
	}
	text := pretty(f.Metadata) + "\n"
	if m.options.json {
		text = jsonLine(f)
	}
	_, err = io.WriteString(m.out, text)
	return err
}

// revert takes back what a version changed, and names what was left alone.
func (m *metaChange) revert(ctx context.Context) error {
	f, left, err := m.client.Revert(ctx, m.file.ID, m.options.revert)
	if err == nil && len(left) > 0 {
		m.sayf("left alone, for they were changed since: %s\n", clean(strings.Join(left, ", ")))
	}
	return m.print(f, err)
}

// instruct has the model change the metadata, and shows the difference.
func (m *metaChange) instruct(ctx context.Context, patch json.RawMessage) error {
	started, err := m.client.Instruct(ctx, m.file.ID, m.options.instructions, patch, 0)
	if err != nil {
		return err
	}
	run, err := (&waiter{program: m.program, client: m.client}).run(ctx, m.file, started.Run)
	if err != nil {
		return err
	}
	f, err := m.client.Get(ctx, m.file.ID)
	if err != nil {
		return err
	}
	if m.options.json {
		err = m.print(f, nil)
	} else {
		m.remark(run)
		_, err = io.WriteString(m.out, m.difference(m.file.Metadata, f.Metadata)+m.evidence(run.Evidence))
	}
	return cmp.Or(err, outcome(instruction, run))
}

// remark tells what else is to be said of a run that went well.
func (p *program) remark(run *api.Run) {
	if run.Status == statusSucceeded && run.Details != nil {
		p.sayf("%s\n", clean(*run.Details))
	}
}

// outcome is the error of a run that did not come to a good end.
func outcome(what string, run *api.Run) error {
	switch {
	case run.Error != nil:
		return fmt.Errorf("%s failed: %s", what, run.Error.Message)
	case run.Status != statusSucceeded:
		return fmt.Errorf("%s ended early: %s", what, run.Status)
	}
	return nil
}

const instruction = "the instruction" // what failed, in messages

// preview shows what the model would change.
func (m *metaChange) preview(ctx context.Context, patch json.RawMessage) error {
	var preview *api.EditPreview
	err := m.during(m.file.Filename+": asking the language model", func() (err error) {
		preview, err = m.client.Preview(ctx, m.file.ID, m.options.instructions, patch, client.MaxWait)
		return err
	})
	if err != nil {
		return err
	}
	if preview.Run.EndedAt == nil {
		return m.latePreview(ctx, preview)
	}
	if m.options.json {
		_, err = io.WriteString(m.out, jsonLine(preview))
		return cmp.Or(err, outcome(instruction, preview.Run))
	}
	if err := outcome(instruction, preview.Run); err != nil {
		return err
	}
	m.remark(preview.Run)
	_, err = io.WriteString(m.out, m.difference(preview.Before, preview.Metadata)+m.evidence(preview.Run.Evidence))
	return err
}

// latePreview shows the edit of a run that takes longer than a request may: what it would make of the metadata, the server says only in time.
func (m *metaChange) latePreview(ctx context.Context, preview *api.EditPreview) error {
	run, err := (&waiter{program: m.program, client: m.client}).run(ctx, m.file, preview.Run.ID)
	if err != nil {
		return err
	}
	if m.options.json {
		preview.Run, preview.Metadata = run, json.RawMessage("null")
		_, err = io.WriteString(m.out, jsonLine(preview))
		return cmp.Or(err, outcome(instruction, run))
	}
	if err := outcome(instruction, run); err != nil {
		return err
	}
	m.remark(run)
	edit := run.Edit
	if edit == nil {
		edit = &api.Edit{}
	}
	_, err = io.WriteString(m.out, m.editText("", edit)+m.evidence(run.Evidence))
	return err
}

// mergePatch makes a JSON merge patch of assignments, in which a key without a value is removed; nil of none.
func mergePatch(args []string) (json.RawMessage, error) {
	assignments, err := parseAssignments(args)
	if err != nil || len(assignments) == 0 {
		return nil, err
	}
	object := map[string]json.RawMessage{}
	for _, a := range assignments {
		object[a.key] = a.value
		if a.empty {
			object[a.key] = json.RawMessage("null")
		}
	}
	return joinObject(object), nil
}
