package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// auditPage is how many entries are asked for at a time.
const auditPage = 1000

const auditHelp = `Show who did what in your organization, newest first: every change, and what was refused for lack of
a right or for too much of it (401, 403, 429). It is for owners and admins. Refused attempts are
summed by who and what.

An ACTION is the name of an operation in the API's reference, such as createFile, deleteFile,
updateMetadata or createToken. --installation shows an operator what belongs to no organization:
attempts without a good token, and organizations that were deleted. The record of one of those is
shown by its id.`

// auditCommand builds the command that shows who did what.
func (p *program) auditCommand() *cobra.Command {
	var o client.AuditOptions
	var limit int
	var asJSON bool
	since, until := past{now: p.now}, past{now: p.now}
	cmd := &cobra.Command{Use: "audit", Short: "Show who did what", Long: auditHelp, Example: "satchel audit --user ada --since 7d"}
	flags := cmd.Flags()
	flags.StringVar(&o.User, "user", "", "only what this user did, by `name` or id")
	flags.StringVar(&o.Action, "action", "", "only this `action`, such as deleteFile")
	flags.StringVar(&o.Object, "object", "", "only what was done to the thing with this `id`, such as a file")
	flags.Var(&since, "since", "only from this `time` on: a time span back, such as 7d or 12h, or a day (UTC), such as 2026-11-23")
	flags.Var(&until, "until", "only before this `time`, as with --since")
	flags.StringVar(&o.Org, "org", "", "`name` or id of the organization (default: your own; others are for operators)")
	flags.BoolVar(&o.Installation, "installation", false, "for operators: what belongs to no organization")
	flags.IntVarP(&limit, "limit", "n", 100, "show at most this `number` of entries; 0: all")
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		o.Since, o.Until = since.at, until.at
		return p.audit(ctx, c, o, limit, asJSON)
	})
}

func (p *program) audit(ctx context.Context, c *client.Client, o client.AuditOptions, limit int, asJSON bool) error {
	if limit < 0 {
		return usagef("--limit must not be negative")
	}
	o.Limit = auditPage
	if limit > 0 {
		o.Limit = min(limit, auditPage)
	}
	var entries []*api.AuditEntry // of a table, whose columns are as wide as the widest
	shown := 0
	for e, err := range c.AuditEntries(ctx, o) {
		if err != nil {
			return err
		}
		if !asJSON {
			entries = append(entries, e)
		} else if _, err := io.WriteString(p.out, jsonLine(e)); err != nil {
			return err
		}
		if shown++; shown == limit {
			break
		}
		if len(entries) == auditPage { // so that memory does not grow with the record
			if err := p.showAudit(entries); err != nil {
				return err
			}
			entries = entries[:0]
		}
	}
	if shown == 0 && !asJSON {
		p.sayf("nothing was recorded\n")
	}
	if len(entries) == 0 {
		return nil
	}
	return p.showAudit(entries)
}

func (p *program) showAudit(entries []*api.AuditEntry) error {
	return printRows(p, false, []string{"WHEN", "WHO", "FROM", "WHAT", "OBJECT", "OUTCOME"}, entries, func(e *api.AuditEntry) []string {
		return []string{time.Unix(e.CreatedAt, 0).UTC().Format("2006-01-02 15:04:05 MST"), auditWho(e), orDash(e.Address), orDash(actionOf(e)), auditObject(e), auditOutcome(e)}
	})
}

// auditWho is the user's name, or else what is known.
func auditWho(e *api.AuditEntry) string {
	if e.UserName != nil {
		return *e.UserName
	}
	return orDash(e.UserID)
}

func auditObject(e *api.AuditEntry) string {
	text := orDash(e.ObjectID)
	if e.LastID != nil {
		text += " …"
	}
	if e.Workspace != nil && text != *e.Workspace {
		text += " in " + *e.Workspace
	}
	return text
}

func auditOutcome(e *api.AuditEntry) string {
	words := []string{e.Outcome}
	if e.Count > 1 {
		words = append(words, strconv.FormatInt(e.Count, 10)+" times")
	}
	if details := string(e.Details); details != "" && details != "{}" {
		words = append(words, details)
	}
	return strings.Join(words, " ")
}

// orDash shows what may be nothing.
func orDash(text *string) string {
	if text == nil {
		return "-"
	}
	return *text
}

// actionOf is nil where attempts of many kinds are summed.
func actionOf(e *api.AuditEntry) *string {
	if e.Action == "" {
		return nil
	}
	return &e.Action
}

// past is a flag for a time that is over: a time span back from now, or a day.
type past struct {
	now  func() time.Time
	text string
	at   time.Time
}

func (m *past) Set(text string) error {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		var span expiry
		if span.Set(text) != nil {
			return fmt.Errorf("%q is neither a time span nor a day; write 12h, 7d or 2026-11-23", text)
		}
		at = m.now().Add(-time.Duration(span))
	}
	m.text, m.at = text, at
	return nil
}

func (m *past) String() string { return m.text }

// Type implements pflag.Value.
func (*past) Type() string { return "time" }
