package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/client"
)

// putOptions are the flags of put.
type putOptions struct {
	connection
	recursive    bool
	name         string
	purpose      string
	metadata     []string
	metadataJSON string
	instructions string
	schema       string
	expires      expiry
	wait         bool
	skipExisting bool
	parallel     int
	json         bool
}

func (p *program) putCommand() *cobra.Command {
	var o putOptions
	cmd := &cobra.Command{
		Use:   "put FILE…",
		Short: "Upload files",
		Long: `Upload files. A file that fails does not stop the others; the exit code tells. Every file has its own
Idempotency-Key, so that an upload that is repeated after a lost answer makes no second file.

Standard output has one line for every file: id, size and name, or with --json the File as the
server answered it. FILE may be - for standard input.`,
		Example: "satchel put report.pdf --metadata author=hegel --metadata year:=1812 --wait\n" +
			"satchel put -r ./papers --skip-existing\n" +
			"tar c . | satchel put - --name backup.tar --expires 72h",
		Args: named,
		RunE: func(cmd *cobra.Command, args []string) error {
			upload, err := o.upload()
			if err != nil {
				return err
			}
			items, err := p.collect(args, &o)
			if err != nil {
				return err
			}
			c, err := p.connect(&o.connection)
			if err != nil {
				return err
			}
			return (&putter{program: p, client: c, options: &o, upload: upload}).all(cmd.Context(), items)
		},
	}
	flags := cmd.Flags()
	flags.BoolVarP(&o.recursive, "recursive", "r", false, "upload all files in folders")
	flags.StringVar(&o.name, "name", "", "file `name` to store; needed for standard input")
	flags.StringVar(&o.purpose, "purpose", "", "what the file is for: assistants, batch, fine-tune, vision, user_data, evals, … (default \"user_data\")")
	flags.StringArrayVarP(&o.metadata, "metadata", "m", nil, "`key=text`, or key:=JSON for other kinds of values; repeatable")
	flags.StringVar(&o.metadataJSON, "metadata-json", "", "metadata as a JSON `object`; --metadata adds to it")
	flags.StringVar(&o.instructions, "instructions", "", "`text` that tells the language model what to find out about the file")
	flags.StringVar(&o.schema, "schema", "", "JSON Schema that binds the metadata which the model writes, or the `file` it is in")
	flags.Var(&o.expires, "expires", "delete the file after this `time`, such as 72h or 30d (default never)")
	flags.BoolVar(&o.wait, "wait", false, "wait until the file is processed, show the steps, and fail if that fails")
	flags.BoolVar(&o.skipExisting, "skip-existing", false, "leave out files whose content is already in the workspace")
	flags.IntVar(&o.parallel, "parallel", 4, "files that are sent at once")
	flags.BoolVar(&o.json, "json", false, "print one JSON object a line")
	o.addTo(flags, true)
	return cmd
}

// upload gives what holds for every file, and checks what can be checked here.
func (o *putOptions) upload() (client.Upload, error) {
	assignments, err := parseAssignments(o.metadata)
	if err != nil {
		return client.Upload{}, err
	}
	metadata, err := metadataObject(o.metadataJSON, assignments)
	if err != nil {
		return client.Upload{}, err
	}
	if o.parallel < 1 {
		return client.Upload{}, usagef("--parallel must be at least 1, not %d", o.parallel)
	}
	schema, err := schemaOf(o.schema)
	if err != nil {
		return client.Upload{}, err
	}
	return client.Upload{
		Purpose: o.purpose, Metadata: metadata, Instructions: o.instructions, MetadataSchema: schema, ExpiresAfter: time.Duration(o.expires),
	}, nil
}

// expiry is a flag for a time span that also takes days.
type expiry time.Duration

func (e *expiry) Set(text string) error {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil && n > 0 {
			*e = expiry(time.Duration(n) * 24 * time.Hour)
			return nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is no time span; write 90m, 72h or 30d", text)
	}
	*e = expiry(d)
	return nil
}

func (e *expiry) String() string {
	if *e == 0 {
		return ""
	}
	return time.Duration(*e).String()
}

func (*expiry) Type() string { return "time" }

// jsonLine writes a value as one line of JSON.
func jsonLine(value any) string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprintf("{\"error\": %q}\n", err)
	}
	return text.String()
}
