package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

const roleHelp = "owner, admin or member"

// userCommand builds the commands on the users of an organization.
func (p *program) userCommand() *cobra.Command {
	return parent("user", "Manage who belongs to an organization", p.userLsCommand(), p.userCreateCommand(), p.userSetCommand(), p.userRmCommand(), p.userWhoamiCommand())
}

func orgFlag(cmd *cobra.Command, org *string) {
	cmd.Flags().StringVar(org, "org", "", "`name` or id of the organization (default: the caller's own; another one is for operators)")
}

// printUser shows a user that was made or changed.
func (p *program) printUser(u *api.User) {
	p.printf("%s  %s, %s", clean(u.ID), clean(u.Name), clean(roleOf(u)))
	if u.ExternalID != nil {
		p.printf(", %s", knownAs(u.ExternalID))
	}
	p.printf("\n")
}

// roleOf is a user's role in a word or two.
func roleOf(u *api.User) string {
	if u.Confined {
		return u.Role + ", confined"
	}
	return u.Role
}

func (p *program) userLsCommand() *cobra.Command {
	var org string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List users", Example: "satchel user ls",
		Long: "List the users of an organization: for owners and admins all, for others themselves.",
	}
	orgFlag(cmd, &org)
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		users, err := c.Users(ctx, org)
		if err != nil {
			return err
		}
		return printRows(p, asJSON, []string{"ID", "NAME", "ROLE", "CREATED"}, users, func(u *api.User) []string {
			return []string{u.ID, u.Name, roleOf(u), age(time.Unix(u.CreatedAt, 0), p.now())}
		})
	})
}

func (p *program) userCreateCommand() *cobra.Command {
	var r api.UserRequest
	var role, externalID string
	var confined bool
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Add a user to an organization", Example: "satchel user create ada --confined",
		Long: "Add a user to an organization. It needs a token to do anything: see `satchel token create`; with\n--external-id the tokens of the server's issuer do. Members are for owners and admins, other roles\nfor owners.",
	}
	orgFlag(cmd, &r.Org)
	cmd.Flags().StringVar(&role, "role", "member", roleHelp)
	cmd.Flags().BoolVar(&confined, "confined", false, "a member who has only the workspaces that it is given by satchel workspace grant")
	cmd.Flags().StringVar(&externalID, "external-id", "", "`id` that the server's issuer of tokens has for it")
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		r.Name, r.Role, r.Confined = &args[0], &role, &confined
		if externalID != "" {
			r.ExternalID = &externalID
		}
		u, err := c.CreateUser(ctx, r)
		if err != nil {
			return err
		}
		p.printUser(u)
		return nil
	})
}

func (p *program) userSetCommand() *cobra.Command {
	var r api.UserRequest
	var name, role, externalID string
	var confined bool
	cmd := &cobra.Command{
		Use: "set USER", Short: "Change a user's name, role, confinement or external id", Example: "satchel user set ada --role admin",
		Long: "Change a user's name, role, confinement or external id; what is not named stays. Members are for\nowners and admins, others for owners.",
	}
	flags := cmd.Flags()
	orgFlag(cmd, &r.Org)
	flags.StringVar(&name, "name", "", "another `name`")
	flags.StringVar(&role, "role", "", roleHelp)
	flags.BoolVar(&confined, "confined", false, "only the workspaces that it is given; --confined=false: not any more")
	flags.StringVar(&externalID, "external-id", "", "`id` that the server's issuer of tokens has for it; --external-id='': none any more")
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		if flags.Changed("name") {
			r.Name = &name
		}
		if flags.Changed("role") {
			r.Role = &role
		}
		if flags.Changed("confined") {
			r.Confined = &confined
		}
		if flags.Changed("external-id") {
			r.ExternalID = &externalID
		}
		if r == (api.UserRequest{Org: r.Org}) {
			return usagef("nothing to change: give --name, --role, --confined or --external-id")
		}
		u, err := c.UpdateUser(ctx, args[0], r)
		if err != nil {
			return err
		}
		p.printUser(u)
		return nil
	})
}

func (p *program) userRmCommand() *cobra.Command {
	var org string
	cmd := &cobra.Command{
		Use: "rm USER", Short: "Take a user out of an organization", Example: "satchel user rm ada",
		Long: "Take a user out of an organization. Its tokens are refused from now on, its files stay. Members\nare for owners and admins, others for owners; the last owner stays.",
	}
	orgFlag(cmd, &org)
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		if err := c.DeleteUser(ctx, org, args[0]); err != nil {
			return err
		}
		p.printf("%s is no user any more\n", clean(args[0]))
		return nil
	})
}

func (p *program) userWhoamiCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "whoami", Short: "Show whom the token speaks for", Example: "satchel user whoami", Long: "Show whom the token speaks for, and what role that user has. The token may give less."}
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		u, err := c.User(ctx, "me")
		if err != nil {
			return err
		}
		return printRows(p, asJSON, []string{"ID", "NAME", "ROLE", "ORGANIZATION"}, []*api.User{u}, func(u *api.User) []string { return []string{u.ID, u.Name, roleOf(u), u.OrgID} })
	})
}
