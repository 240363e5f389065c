package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/daemon"
)

// tokenStore is where tokens are made: a server, or a data folder.
type tokenStore interface {
	CreateToken(ctx context.Context, r api.TokenRequest) (*api.Token, error)
	Tokens(ctx context.Context, org string) ([]*api.Token, error)
	DeleteToken(ctx context.Context, id string) error
}

const accessHelp = `With --data DIR, or --database URL, it works directly on a data folder or a database, whether servers
run on it or not: whoever has that in hand is the operator, so that a lost token is no lockout.
Otherwise it asks the server, where an owner reaches the own organization, and an operator all.
Without flags, SATCHEL_URL goes before SATCHEL_DATA and SATCHEL_DATABASE, and these before the
credentials file.`

// tokenCommand builds the three commands on tokens.
func (p *program) tokenCommand() *cobra.Command {
	return parent("token", "Make, list and revoke tokens", p.tokenCreateCommand(), p.tokenLsCommand(), p.tokenRmCommand())
}

// tokenAccess is how the commands on tokens reach them.
type tokenAccess struct {
	connection
	data daemon.Config // only for its flag
}

func (a *tokenAccess) addTo(cmd *cobra.Command) {
	a.connection.addTo(cmd.Flags(), false)
	dataFlag(cmd.Flags(), &a.data, "work directly on this data `folder`")
}

// with opens the place that the flags and variables name, and closes it behind use.
func (a *tokenAccess) with(p *program, cmd *cobra.Command, use func(tokenStore) error) (err error) {
	byFlag := cmd.Flags().Changed("data") || cmd.Flags().Changed("database")
	if byFlag && cmd.Flags().Changed("url") {
		return usagef("--data and --database go without --url")
	}
	if !byFlag && (a.url != "" || p.env(daemon.EnvPrefix+"DATA") == "" && p.env(daemon.EnvPrefix+"DATABASE") == "") {
		c, err := p.connect(&a.connection)
		if err != nil {
			return err
		}
		return use(c)
	}
	config, err := p.config(cmd)
	if err != nil {
		return err
	}
	open := daemon.OpenOffline
	if cmd.Name() == "create" { // the first token of a new installation can be made before its first start
		open = daemon.MakeOffline
	}
	offline, err := open(cmd.Context(), config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, offline.Close()) }()
	return use(offline)
}

func (p *program) tokenCreateCommand() *cobra.Command {
	var a tokenAccess
	var r api.TokenRequest
	expires := ending{now: p.now}
	cmd := &cobra.Command{
		Use:   "create --user NAME --role ROLE",
		Short: "Make a token",
		Long: `Make a token and print it, alone, on standard output. It is never shown again. An unknown user is
made, and for an operator also an unknown organization.

` + accessHelp,
		Example: "satchel token create --user ada --role writer --workspace papers",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := checkTokenRequest(r); err != nil {
				return err
			}
			switch given := cmd.Flags().Changed("workspace"); {
			case given && len(r.Workspaces) == 0:
				return usagef("--workspace names none: name those that the token is narrowed to, or leave it out")
			case !given && !confined(r.Role):
				r.Workspaces = nil // SATCHEL_WORKSPACE is meant for files
			}
			r.ExpiresAt = expires.unix
			return a.with(p, cmd, func(s tokenStore) error { return p.createToken(cmd.Context(), s, r) })
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&r.Org, "org", "", "`name` or id of the organization (default: the caller's own; with --data \"default\")")
	flags.StringVar(&r.User, "user", "", "`name` or id of the user")
	flags.StringVar(&r.Role, "role", "", "owner, admin or member; or writer or viewer: a member who has that access, and only to --workspace")
	flags.StringSliceVarP(&r.Workspaces, "workspace", "w", nil, "`name` of a workspace to which the token is narrowed; repeatable (for writer and viewer by default \"default\"); the variable counts for these two alone")
	flags.BoolVar(&r.ReadOnly, "read-only", false, "the token changes nothing")
	flags.Var(&expires, "expires", "the token ends after this `time`, such as 72h or 30d, or with the beginning of a day (UTC), such as 2027-01-31 (default never)")
	flags.Lookup("workspace").Annotations = map[string][]string{variableKey: {daemon.EnvPrefix + "WORKSPACE"}}
	a.addTo(cmd)
	return cmd
}

// ending is a flag for a moment: a time span from now, or a day.
type ending struct {
	now  func() time.Time
	text string
	unix int64 // 0: never
}

func (e *ending) Set(text string) error {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil {
		var span expiry
		if span.Set(text) != nil {
			return fmt.Errorf("%q is neither a time span nor a day; write 72h, 30d or 2027-01-31", text)
		}
		at = e.now().Add(time.Duration(span))
	}
	if !at.After(e.now()) {
		return fmt.Errorf("%s is over", text)
	}
	e.text, e.unix = text, at.Unix()
	return nil
}

func (e *ending) String() string { return e.text }

// Type implements pflag.Value.
func (*ending) Type() string { return "time" }

func confined(role string) bool { return role == "writer" || role == "viewer" }

func checkTokenRequest(r api.TokenRequest) error {
	var faults []error
	if r.User == "" {
		faults = append(faults, errors.New("--user is missing: for whom is the token?"))
	}
	switch roles := []string{"owner", "admin", "member", "writer", "viewer"}; {
	case r.Role == "":
		faults = append(faults, fmt.Errorf("--role is missing: it is one of %s", strings.Join(roles, ", ")))
	case !slices.Contains(roles, r.Role):
		faults = append(faults, fmt.Errorf("--role must be one of %s, not %q", strings.Join(roles, ", "), r.Role))
	}
	if len(faults) > 0 {
		return &usageError{errors.Join(faults...)}
	}
	return nil
}

func (p *program) createToken(ctx context.Context, s tokenStore, r api.TokenRequest) error {
	token, err := s.CreateToken(ctx, r)
	if err != nil {
		return err
	}
	p.sayf("%s: %s in organization %s, %s\n", clean(token.ID), clean(token.UserName), clean(token.OrgName), clean(grant(token)))
	if was := token.Raised; was != nil {
		p.sayf("%s was %s, and is %s now\n", clean(token.UserName), clean(withArticle(roleOf(&api.User{Role: was.Role, Confined: was.Confined}))), clean(withArticle(token.Role)))
	}
	_, err = fmt.Fprintln(p.out, token.Secret)
	return err
}

func withArticle(role string) string {
	if strings.HasPrefix(role, "member") {
		return "a " + role
	}
	return "an " + role
}

// grant is what a token may do, in a few words.
func grant(t *api.Token) string {
	text := t.Role
	if len(t.Workspaces) > 0 {
		text += " of " + strings.Join(t.Workspaces, ", ")
	}
	if t.ReadOnly && t.Role != "viewer" {
		text += ", read-only"
	}
	return text
}

func (p *program) tokenLsCommand() *cobra.Command {
	var a tokenAccess
	var org string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List tokens", Args: cobra.NoArgs,
		Long: "List the tokens of an organization, oldest first, without their secrets.\n\n" + accessHelp, Example: "satchel token ls --org acme",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return a.with(p, cmd, func(s tokenStore) error {
				tokens, err := s.Tokens(cmd.Context(), org)
				if err != nil {
					return err
				}
				return p.listTokens(tokens, asJSON)
			})
		},
	}
	cmd.Flags().StringVar(&org, "org", "", "`name` or id of the organization (default: the caller's own; with --data \"default\")")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	a.addTo(cmd)
	return cmd
}

func (p *program) listTokens(tokens []*api.Token, asJSON bool) error {
	rows := [][]string{{"ID", "USER", "ORGANIZATION", "ROLE", "CREATED", "USED", "ENDS"}}
	var text strings.Builder
	for _, t := range tokens {
		used := "never"
		if t.LastUsedAt != nil {
			used = age(time.Unix(*t.LastUsedAt, 0), p.now())
		}
		ends := "never"
		if t.ExpiresAt != nil {
			ends = time.Unix(*t.ExpiresAt, 0).UTC().Format(time.DateOnly)
		}
		rows = append(rows, []string{t.ID, t.UserName, t.OrgName, grant(t), age(time.Unix(t.CreatedAt, 0), p.now()), used, ends})
		text.WriteString(jsonLine(t))
	}
	if !asJSON {
		text.Reset()
		align(&text, rows)
	}
	_, err := io.WriteString(p.out, text.String())
	return err
}

// align writes rows in columns as wide as their widest cell.
func align(text *strings.Builder, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, r := range rows {
		for i := range r {
			r[i] = clean(r[i])
			widths[i] = max(widths[i], columns(r[i]))
		}
	}
	for _, r := range rows {
		var line strings.Builder
		for i, cell := range r {
			line.WriteString(pad(cell, widths[i]) + columnSpace)
		}
		text.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

func (p *program) tokenRmCommand() *cobra.Command {
	var a tokenAccess
	cmd := &cobra.Command{
		Use: "rm ID…", Short: "Revoke tokens", Args: named,
		Long: "Revoke tokens by their ids, which `satchel token ls` shows.\n\n" + accessHelp, Example: "satchel token rm tok-06dvm5k8qg0021h7r5d9o4p2tc",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.with(p, cmd, func(s tokenStore) error {
				failed := tally{what: "tokens", of: len(args)}
				for _, id := range args {
					if err := s.DeleteToken(cmd.Context(), id); err != nil {
						failed.codes = append(failed.codes, exitCode(cmd.Context(), err))
						p.sayf("%s", describe("satchel: "+id+": ", err))
						continue
					}
					p.printf("revoked %s\n", clean(id))
				}
				return failed.err()
			})
		},
	}
	a.addTo(cmd)
	return cmd
}
