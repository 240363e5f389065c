package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
)

func (p *program) infoCommand() *cobra.Command {
	var c connection
	var asJSON bool
	cmd := &cobra.Command{
		Use: "info ID", Short: "Show all that is known about a file", Args: named,
		Long: "Show all that is known about a file.\n\n" + idHelp, Example: "satchel info report.pdf",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := p.connect(&c)
			if err != nil {
				return err
			}
			f, err := p.resolve(cmd.Context(), client, args[0])
			if err != nil {
				return err
			}
			text := p.about(f)
			if asJSON {
				text = jsonLine(f)
			}
			_, err = io.WriteString(p.out, text)
			return err
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the File as JSON")
	c.addTo(cmd.Flags(), true)
	return cmd
}

// aboutDocument says what was found in the content.
func (p *program) aboutDocument(d *api.Document, line func(name, value string)) {
	if d == nil || d.Format == "" {
		return
	}
	parts := []string{clean(d.Format)}
	if d.Pages > 0 {
		parts = append(parts, countOf(d.Pages, "page", "pages"))
	}
	if d.Characters > 0 {
		parts = append(parts, humanize.Comma(d.Characters)+" characters")
	}
	if d.Width > 0 {
		parts = append(parts, fmt.Sprintf("%d × %d pixels", d.Width, d.Height))
	}
	line("document", strings.Join(parts, ", "))
	for _, fact := range []struct {
		name  string
		value *string
	}{{"title", d.Title}, {"author", d.Author}, {"language", d.Language}} {
		if fact.value != nil {
			line("  "+fact.name, clean(*fact.value))
		}
	}
	for _, event := range []struct {
		name string
		at   *int64
	}{{"created", d.CreatedAt}, {"modified", d.ModifiedAt}} {
		if event.at != nil {
			line("  "+event.name, moment(*event.at, p.now()))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(d.Properties)) {
		line("  "+clean(name), clean(d.Properties[name]))
	}
}

// idHelp tells how commands find a file.
const idHelp = "ID is a file's id, the beginning of an id that fits no other file, or a file's exact name."

// about lays out what is known about a file, one thing a line.
func (p *program) about(f *api.File) string {
	var text strings.Builder
	line := func(name, value string) { fmt.Fprintf(&text, "%-13s %s\n", name, value) }
	optional := func(name string, value *string) {
		if value != nil && *value != "" {
			line(name, clean(*value))
		}
	}
	line("id", clean(f.ID))
	line("name", clean(f.Filename))
	line("size", fmt.Sprintf("%s (%s bytes)", size(f.Bytes), humanize.Comma(f.Bytes)))
	line("type", clean(f.ContentType))
	line("purpose", clean(f.Purpose))
	line("status", clean(f.Status))
	if f.Error != nil {
		line("error", clean(f.Error.Code+": "+f.Error.Message))
	}
	if f.Error == nil || f.StatusDetails == nil || !sameSentence(*f.StatusDetails, f.Error.Message) {
		optional("details", f.StatusDetails)
	}
	line("created", moment(f.CreatedAt, p.now()))
	line("updated", moment(f.UpdatedAt, p.now()))
	expires := "never"
	if f.ExpiresAt != nil {
		expires = moment(*f.ExpiresAt, p.now())
	}
	line("expires", expires)
	line("workspace", clean(f.WorkspaceID))
	line("organization", clean(f.OrgID))
	line("uploaded by", clean(f.UserID))
	line("sha256", clean(f.SHA256))
	p.aboutDocument(f.Document, line)
	optional("instructions", f.Instructions)
	line("metadata", strings.ReplaceAll(pretty(f.Metadata), "\n", "\n"+strings.Repeat(" ", 14)))
	return text.String()
}

// sameSentence compares what is a sentence in one place and a part of one in another.
func sameSentence(a, b string) bool {
	return strings.EqualFold(strings.TrimSuffix(a, "."), strings.TrimSuffix(b, "."))
}

func (p *program) rmCommand() *cobra.Command {
	var c connection
	cmd := &cobra.Command{
		Use: "rm ID…", Short: "Delete files", Args: named,
		Long:    "Delete files, at once and for good. One that fails does not stop the others.\n\n" + idHelp,
		Example: "satchel rm draft.txt file-06dvm5k8qg002",
		RunE: func(cmd *cobra.Command, args []string) error {
			client, err := p.connect(&c)
			if err != nil {
				return err
			}
			failed := tally{what: "files", of: len(args)}
			for _, arg := range args {
				f, err := p.resolve(cmd.Context(), client, arg)
				if err == nil {
					err = client.Delete(cmd.Context(), f.ID)
				}
				if cmd.Context().Err() != nil {
					return cmd.Context().Err()
				}
				if err != nil {
					failed.codes = append(failed.codes, exitCode(cmd.Context(), err))
					p.sayf("%s", describe("satchel: "+arg+": ", err))
					continue
				}
				p.printf("deleted %s  %s\n", clean(f.ID), clean(f.Filename))
			}
			return failed.err()
		},
	}
	c.addTo(cmd.Flags(), true)
	return cmd
}
