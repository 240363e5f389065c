package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/daemon"
)

// limitFlags are the flags for a quota.
type limitFlags struct{ bytes, files, fileBytes, tokens limitFlag }

// limitFlag is one of them: a number, or none.
type limitFlag struct {
	given bool
	most  *int64
	size  bool // it is one of bytes, and may have a unit
}

// Set reads the flag.
func (f *limitFlag) Set(text string) error {
	f.given, f.most = true, nil
	if text == "none" {
		return nil
	}
	if f.size {
		var b daemon.Bytes
		if err := b.Set(text); err != nil {
			return err
		}
		n := int64(b)
		f.most = &n
		return nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return usagef("%q is no limit; write a number, or none", text)
	}
	f.most = &n
	return nil
}

// String is for the help: there is no default.
func (f *limitFlag) String() string { return "" }

// Type names the kind of value.
func (f *limitFlag) Type() string { return "limit" }

func (l *limitFlags) addTo(flags *pflag.FlagSet) {
	l.bytes.size, l.fileBytes.size = true, true
	flags.Var(&l.bytes, "max-bytes", "all files together may have so many bytes, as a `limit` such as 10GiB, or none")
	flags.Var(&l.files, "max-files", "there may be so many files: a `number`, or none")
	flags.Var(&l.fileBytes, "max-file-bytes", "a file may have so many bytes, as a `limit` such as 100MiB, or none")
	flags.Var(&l.tokens, "max-tokens-per-day", "the language model may read and write so many tokens a day: a `number`, or none")
}

// change gives what the flags change, as the API takes it; nil: nothing.
func (l *limitFlags) change() map[string]any {
	quota := map[string]any{}
	for name, flag := range map[string]limitFlag{"bytes": l.bytes, "files": l.files, "file_bytes": l.fileBytes, "tokens_per_day": l.tokens} {
		if flag.given {
			quota[name] = flag.most
		}
	}
	if len(quota) == 0 {
		return nil
	}
	return quota
}

// settingFlags are the flags for what holds in a workspace.
type settingFlags struct {
	name, ai, instructions, schema, expires string
	limits                                  limitFlags
}

func (s *settingFlags) addTo(flags *pflag.FlagSet) {
	flags.StringVar(&s.name, "name", "", "what people call it, as `text`; empty: nothing")
	flags.StringVar(&s.ai, "ai", "", "`on or off`: off, no document of it goes to a language model")
	flags.StringVar(&s.instructions, "instructions", "", "`text` for uploads that bring none; empty: none")
	flags.StringVar(&s.schema, "schema", "", "JSON Schema for uploads that bring none, or the `file` it is in; empty: none")
	flags.StringVar(&s.expires, "expires", "", "uploads that say nothing are deleted after this `time`, such as 30d, or never")
	s.limits.addTo(flags)
}

// change gives what the flags change, as PATCH /workspaces/{id} takes it.
func (s *settingFlags) change(flags *pflag.FlagSet) (map[string]any, error) {
	change, settings := map[string]any{}, map[string]any{}
	if flags.Changed("name") {
		change["name"] = s.name
	}
	if flags.Changed("instructions") {
		settings["instructions"] = s.instructions
	}
	for _, f := range []struct {
		flag, key string
		read      func() (any, error)
	}{{"ai", "ai", s.readAI}, {"schema", "metadata_schema", s.readSchema}, {"expires", "expires_after", s.readExpires}} {
		if !flags.Changed(f.flag) {
			continue
		}
		value, err := f.read()
		if err != nil {
			return nil, err
		}
		settings[f.key] = value
	}
	if quota := s.limits.change(); quota != nil {
		settings["quota"] = quota
	}
	if len(settings) > 0 {
		change["settings"] = settings
	}
	if len(change) == 0 {
		return nil, usagef("there is nothing to change; say what, for example --ai=off")
	}
	return change, nil
}

func (s *settingFlags) readAI() (any, error) {
	if s.ai != "on" && s.ai != "off" {
		return nil, usagef("--ai is on or off, not %q", s.ai)
	}
	return s.ai == "on", nil
}

func (s *settingFlags) readSchema() (any, error) {
	if s.schema == "" {
		return nil, nil
	}
	schema, err := schemaOf(s.schema)
	return schema, err
}

func (s *settingFlags) readExpires() (any, error) {
	if s.expires == "never" {
		return nil, nil
	}
	var span expiry
	if err := span.Set(s.expires); err != nil {
		return nil, usagef("--expires: %w", err)
	}
	return api.ExpiresAfter{Anchor: "created_at", Seconds: int64(time.Duration(span) / time.Second)}, nil
}

func (p *program) workspaceSetCommand() *cobra.Command {
	var s settingFlags
	var flags *pflag.FlagSet
	cmd := &cobra.Command{
		Use: "set ID", Short: "Change what holds for the files of a workspace",
		Example: "satchel workspace set papers --ai=off\nsatchel workspace set invoices --instructions 'find the seller and the total' --max-bytes 10GiB",
		Long:    "Change what holds for the files of a workspace: what is not named stays. It is for owners and admins.\nDefaults for uploads hold for those that come from now on.",
	}
	flags = cmd.Flags()
	s.addTo(flags)
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		change, err := s.change(flags)
		if err != nil {
			return err
		}
		w, err := c.UpdateWorkspace(ctx, args[0], change)
		if err != nil {
			return err
		}
		return p.showWorkspace(w)
	})
}

func (p *program) workspaceInfoCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "info ID", Short: "Show a workspace and what holds in it", Example: "satchel workspace info papers",
		Long: "Show a workspace: what you may do in it, and what holds for its files.",
	}
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		w, err := c.Workspace(ctx, args[0])
		switch {
		case err != nil:
			return err
		case asJSON:
			p.printf("%s", jsonLine(w))
			return nil
		}
		return p.showWorkspace(w)
	})
}

// showWorkspace prints a workspace, a line for each thing that was set.
func (p *program) showWorkspace(w *api.Workspace) error {
	line := func(name, value string) {
		if value != "" {
			p.printf("%-18s %s\n", name, clean(value))
		}
	}
	line("workspace", w.ID)
	line("name", w.Name)
	line("access", w.Access)
	line("status", w.Status)
	s := w.Settings
	if s == nil {
		return nil
	}
	line("ai", map[bool]string{true: "on", false: "off: no document goes to a language model"}[s.AI])
	if s.Instructions != nil {
		line("instructions", *s.Instructions)
	}
	if string(s.MetadataSchema) != "null" {
		line("schema", string(s.MetadataSchema))
	}
	if s.ExpiresAfter != nil {
		line("expires after", span(s.ExpiresAfter.Seconds))
	}
	for _, limit := range limitsOf(s.Quota) {
		line("at most", limit)
	}
	return nil
}

// span writes a number of seconds as --expires takes it.
func span(seconds int64) string {
	const day = 24 * 60 * 60
	if seconds%day == 0 {
		return strconv.FormatInt(seconds/day, 10) + "d"
	}
	return (time.Duration(seconds) * time.Second).String()
}

// limitsOf writes the limits of a quota for people.
func limitsOf(q *api.Quota) (limits []string) {
	if q == nil {
		return nil
	}
	for _, limit := range []struct {
		most *int64
		text func(int64) string
		unit string
	}{
		{q.Bytes, limitSize, "in all files"}, {q.Files, humanize.Comma, "files"}, {q.FileBytes, limitSize, "a file"}, {q.TokensPerDay, humanize.Comma, "tokens a day"},
	} {
		if limit.most != nil {
			limits = append(limits, limit.text(*limit.most)+" "+limit.unit)
		}
	}
	return limits
}

func (p *program) orgSetCommand() *cobra.Command {
	var l limitFlags
	cmd := &cobra.Command{
		Use: "set ORG", Short: "Change what an organization may use", Example: "satchel org set acme --max-bytes 100GiB --max-tokens-per-day 1000000",
		Long: "Change what an organization may use as a whole: what is not named stays. It is for operators.",
	}
	l.addTo(cmd.Flags())
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		change := l.change()
		if change == nil {
			return usagef("there is nothing to change; say what, for example --max-bytes 100GiB")
		}
		o, err := c.SetQuota(ctx, args[0], change)
		if err != nil {
			return err
		}
		limits := limitsOf(o.Quota)
		if len(limits) == 0 {
			limits = []string{"no limits"}
		}
		p.printf("%s  %s: %s\n", clean(o.ID), clean(o.Name), strings.Join(limits, ", "))
		return nil
	})
}

func (p *program) usageCommand() *cobra.Command {
	var org string
	var days int
	var asJSON bool
	cmd := &cobra.Command{
		Use: "usage", Short: "See what an organization and its workspaces use", Example: "satchel usage --days 7",
		Long: "See files, bytes and tokens of the organization and of its workspaces, beside what they may use. Bytes\nof deleted files count until they are removed for good, within a minute. It is for owners and admins.",
	}
	cmd.Flags().StringVar(&org, "org", "", "`name or id` of the organization (default: your own; another one is for operators)")
	cmd.Flags().IntVar(&days, "days", 30, "tokens of so many days, today included, as a `number`")
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		u, err := c.Usage(ctx, org, days)
		if err != nil {
			return err
		}
		if asJSON {
			p.printf("%s", jsonLine(u))
			return nil
		}
		rows := append(u.Data, &api.WorkspaceUsage{WorkspaceID: "all", Used: u.Used, Quota: u.Quota})
		return printRows(p, false, []string{"WORKSPACE", "FILES", "BYTES", "TOKENS TODAY", "TOKENS " + strconv.Itoa(days) + "D"}, rows, usageRow)
	})
}

func usageRow(u *api.WorkspaceUsage) []string {
	q := u.Quota
	if q == nil {
		q = &api.Quota{}
	}
	return []string{
		u.WorkspaceID, ofLimit(humanize.Comma(u.Files), q.Files, humanize.Comma), ofLimit(size(u.Bytes), q.Bytes, limitSize),
		ofLimit(humanize.Comma(u.TokensToday.TotalTokens), q.TokensPerDay, humanize.Comma),
		humanize.Comma(u.Tokens.TotalTokens),
	}
}

// ofLimit writes what is used, and of how much where there is a limit.
func ofLimit(used string, most *int64, text func(int64) string) string {
	if most == nil {
		return used
	}
	return used + " of " + text(*most)
}

// limitSize writes a limit on bytes as people set it, and exactly: what is shown as 11 GB would be more than 10GiB.
func limitSize(n int64) string {
	const readable = 10_000
	for _, unit := range []struct {
		size int64
		name string
	}{{1 << 40, "TiB"}, {1e12, "TB"}, {1 << 30, "GiB"}, {1e9, "GB"}, {1 << 20, "MiB"}, {1e6, "MB"}, {1 << 10, "KiB"}, {1e3, "kB"}} {
		if whole := n / unit.size; n%unit.size == 0 && whole > 0 && whole < readable {
			return humanize.Comma(whole) + " " + unit.name
		}
	}
	return humanize.Comma(n) + " B"
}
