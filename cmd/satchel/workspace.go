package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// workspaceCommand builds the commands on workspaces.
func (p *program) workspaceCommand() *cobra.Command {
	return parent("workspace", "Make, list, share and set up workspaces", p.workspaceLsCommand(), p.workspaceInfoCommand(), p.workspaceCreateCommand(), p.workspaceSetCommand(), p.workspaceRenameCommand(), p.workspaceRmCommand(),
		p.workspaceUsersCommand(), p.workspaceGrantCommand(), p.workspaceRevokeCommand())
}

// remote is a command that asks the server, with so many arguments.
func (p *program) remote(cmd *cobra.Command, args cobra.PositionalArgs, run func(ctx context.Context, c *client.Client, args []string) error) *cobra.Command {
	var via connection
	cmd.Args = args
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		c, err := p.connect(&via)
		if err != nil {
			return err
		}
		return run(cmd.Context(), c, args)
	}
	via.addTo(cmd.Flags(), false)
	return cmd
}

// printRows prints rows in columns, or the same as one JSON object a line.
func printRows[T any](p *program, asJSON bool, head []string, items []T, row func(T) []string) error {
	var text strings.Builder
	rows := [][]string{head}
	for _, item := range items {
		if asJSON {
			text.WriteString(jsonLine(item))
			continue
		}
		rows = append(rows, row(item))
	}
	if !asJSON {
		align(&text, rows)
	}
	_, err := io.WriteString(p.out, text.String())
	return err
}

func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print one JSON object a line")
}

func (p *program) workspaceLsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "ls", Short: "List workspaces", Example: "satchel workspace ls",
		Long: "List the workspaces in which you have part: for owners and admins all of the organization.",
	}
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		all, err := c.Workspaces(ctx)
		if err != nil {
			return err
		}
		return printRows(p, asJSON, []string{"ID", "NAME", "ACCESS", "STATUS", "CREATED"}, all, func(w *api.Workspace) []string {
			return []string{w.ID, w.Name, w.Access, w.Status, age(time.Unix(w.CreatedAt, 0), p.now())}
		})
	})
}

func (p *program) workspaceCreateCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use: "create ID", Short: "Make a workspace", Example: "satchel workspace create papers --name 'All papers'",
		Long: "Make a workspace, in which you then write. The first upload to an unknown workspace makes it too.",
	}
	cmd.Flags().StringVar(&name, "name", "", "what people call it, as `text`")
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		w, err := c.CreateWorkspace(ctx, api.WorkspaceRequest{ID: args[0], Name: name})
		if err != nil {
			return err
		}
		p.printf("made workspace %s\n", clean(w.ID))
		return nil
	})
}

func (p *program) workspaceRenameCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rename ID NAME", Short: "Change what people call a workspace", Example: "satchel workspace rename papers 'Old papers'",
		Long: "Change what people call a workspace; its id stays. It is for owners and admins.",
	}
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		w, err := c.RenameWorkspace(ctx, args[0], args[1])
		if err != nil {
			return err
		}
		p.printf("%s is called %s\n", clean(w.ID), clean(w.Name))
		return nil
	})
}

func (p *program) workspaceRmCommand() *cobra.Command {
	var force, wait bool
	cmd := &cobra.Command{
		Use: "rm ID", Short: "Delete a workspace", Example: "satchel workspace rm papers --force --wait",
		Long: "Delete a workspace without files; with --force also one with files, which are out of reach at once and\nremoved for good by and by. It is for owners and admins.",
	}
	cmd.Flags().BoolVar(&force, "force", false, "delete the files in it too")
	cmd.Flags().BoolVar(&wait, "wait", false, "with --force: wait until it is gone, and show how many files are left")
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		left, err := c.DeleteWorkspace(ctx, args[0], force)
		switch {
		case err != nil:
			return err
		case left != nil && !wait:
			p.printf("workspace %s is being deleted with its files\n", clean(left.ID))
			return nil
		case left != nil:
			if err := p.waitUntilGone(ctx, c, left); err != nil {
				return err
			}
		}
		p.printf("deleted workspace %s\n", clean(args[0]))
		return nil
	})
}

// waitUntilGone looks after a workspace that is being deleted, and tells how many files are left whenever that is another number.
func (p *program) waitUntilGone(ctx context.Context, c *client.Client, w *api.Workspace) error {
	told := int64(-1)
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		if w.FilesLeft != nil && *w.FilesLeft != told {
			told = *w.FilesLeft
			p.sayf("%s: files left: %s\n", clean(w.ID), humanize.Comma(told))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pause):
		}
		now, err := c.Workspace(ctx, w.ID)
		if e, ok := errors.AsType[*client.Error](err); ok && e.Code == "not_found" {
			return nil
		}
		if err != nil {
			return err
		}
		w = now
	}
}

func (p *program) workspaceUsersCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use: "users ID", Short: "List who was given access to a workspace", Example: "satchel workspace users papers",
		Long: "List who was given access to a workspace by name. Owners and admins have access to every one, and\nmembers who are not confined have it to the workspace default. It is for owners and admins.",
	}
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		users, err := c.WorkspaceUsers(ctx, args[0])
		if err != nil {
			return err
		}
		return printRows(p, asJSON, []string{"ID", "USER", "ACCESS"}, users, func(u *api.WorkspaceUser) []string { return []string{u.UserID, u.UserName, u.Access} })
	})
}

func (p *program) workspaceGrantCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "grant ID USER writer|viewer", Short: "Give a user access to a workspace", Example: "satchel workspace grant papers ada viewer",
		Long: "Give a user, by name or id, access to a workspace, in the place of what it had there. It is for\nowners and admins.",
	}
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		if args[2] != "writer" && args[2] != "viewer" {
			return usagef("the access is writer or viewer, not %q", args[2])
		}
		given, err := c.GiveAccess(ctx, args[0], args[1], args[2])
		if err != nil {
			return err
		}
		p.printf("%s is a %s of %s\n", clean(given.UserName), clean(given.Access), clean(given.WorkspaceID))
		return nil
	})
}

func (p *program) workspaceRevokeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "revoke ID USER", Short: "Take a user's access to a workspace away", Example: "satchel workspace revoke papers ada",
		Long: "Take a user's access to a workspace away. Its files stay. It is for owners and admins.",
	}
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		if err := c.TakeAccess(ctx, args[0], args[1]); err != nil {
			return err
		}
		p.printf("%s has no access to %s any more\n", clean(args[1]), clean(args[0]))
		return nil
	})
}
