package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// lsOptions are the flags of ls.
type lsOptions struct {
	connection
	limit    int
	order    string
	purpose  string
	name     string
	metadata []string
	json     bool
}

// lsPage is how many files are asked for at once.
const lsPage = 1000

func (p *program) lsCommand() *cobra.Command {
	var o lsOptions
	cmd := &cobra.Command{
		Use:   "ls",
		Short: "List files",
		Long: `List the files of a workspace, newest first.

On a narrow terminal ids are cut to their first characters, which every other command takes, too, and
columns are left out.
With --json, standard output has one File a line, as the server gave it.`,
		Example: "satchel ls --limit 20 --metadata author=hegel\n" +
			"satchel ls --json | jq -r 'select(.bytes > 1e6).id'",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			query, err := o.query()
			if err != nil {
				return err
			}
			c, err := p.connect(&o.connection)
			if err != nil {
				return err
			}
			return p.ls(cmd.Context(), c, &o, query)
		},
	}
	flags := cmd.Flags()
	flags.IntVarP(&o.limit, "limit", "n", 0, "show at most this `number` of files (default all)")
	flags.StringVar(&o.order, "order", "desc", "by creation: desc or asc")
	flags.StringVar(&o.purpose, "purpose", "", "only files of this `purpose`")
	flags.StringVar(&o.name, "name", "", "only files of exactly this `name`")
	flags.StringArrayVarP(&o.metadata, "metadata", "m", nil, "only files with `key=text` (nested: pub[city]=Riga), or key:=JSON; repeatable")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line")
	o.addTo(flags, true)
	return cmd
}

// query gives the conditions. Text is compared with the text of a value, so that year=1812 finds a number, too.
func (o *lsOptions) query() (client.ListOptions, error) {
	query := client.ListOptions{Order: o.order, Purpose: o.purpose, Filename: o.name, MetadataText: map[string]string{}}
	if o.limit < 0 {
		return query, usagef("--limit must not be negative")
	}
	assignments, err := parseAssignments(o.metadata)
	if err != nil {
		return query, err
	}
	object := map[string]json.RawMessage{}
	for _, a := range assignments {
		var text string
		if a.isRaw || json.Unmarshal(a.value, &text) != nil || a.empty {
			object[a.key] = a.value // an empty parameter would count as none
			continue
		}
		query.MetadataText[a.key] = text
	}
	if len(object) > 0 {
		query.Metadata = joinObject(object)
	}
	return query, nil
}

func (p *program) ls(ctx context.Context, c *client.Client, o *lsOptions, query client.ListOptions) error {
	query.Limit = lsPage
	if o.limit > 0 {
		query.Limit = min(o.limit, lsPage)
	}
	show := p.newTable(o.json)
	shown := 0
	for f, err := range c.Files(ctx, query) {
		if err != nil {
			return err
		}
		if err := show.add(f); err != nil {
			return err
		}
		if shown++; shown == o.limit {
			break
		}
	}
	if shown == 0 && !o.json {
		p.sayf("no files\n")
	}
	return show.flush()
}

// listing is where ls puts its files.
type listing interface {
	add(f *api.File) error
	flush() error
}

func (p *program) newTable(asJSON bool) listing {
	if asJSON {
		return jsonListing{p.out}
	}
	return &table{program: p}
}

// jsonListing writes one JSON object a line.
type jsonListing struct{ w io.Writer }

func (l jsonListing) add(f *api.File) error {
	_, err := io.WriteString(l.w, jsonLine(f))
	return err
}

func (jsonListing) flush() error { return nil }
