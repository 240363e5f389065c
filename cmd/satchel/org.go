package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

// orgCommand builds the commands on organizations.
func (p *program) orgCommand() *cobra.Command {
	return parent("org", "Make, list and delete organizations", p.orgLsCommand(), p.orgCreateCommand(), p.orgSetCommand(), p.orgRenameCommand(), p.orgLinkCommand(), p.orgRmCommand())
}

func (p *program) orgLsCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{Use: "ls", Short: "List organizations", Example: "satchel org ls", Long: "List your organization; for operators all."}
	jsonFlag(cmd, &asJSON)
	return p.remote(cmd, cobra.NoArgs, func(ctx context.Context, c *client.Client, _ []string) error {
		orgs, err := c.Organizations(ctx)
		if err != nil {
			return err
		}
		return printRows(p, asJSON, []string{"ID", "NAME", "CREATED"}, orgs, func(o *api.Organization) []string {
			return []string{o.ID, o.Name, age(time.Unix(o.CreatedAt, 0), p.now())}
		})
	})
}

func (p *program) orgCreateCommand() *cobra.Command {
	var owner, externalID string
	cmd := &cobra.Command{
		Use: "create NAME", Short: "Make an organization", Example: "satchel org create acme --owner grace",
		Long: "Make an organization. It is for operators: the first start's token is one. `satchel token create\n--org NAME` makes its first token, and the organization too if it is not there.",
	}
	cmd.Flags().StringVar(&owner, "owner", "", "`name` of its first owner, who is made too")
	cmd.Flags().StringVar(&externalID, "external-id", "", "`id` that the server's issuer of tokens has for it")
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		r := api.OrganizationRequest{Name: args[0], Owner: owner}
		if externalID != "" {
			r.ExternalID = &externalID
		}
		o, err := c.CreateOrganization(ctx, r)
		if err != nil {
			return err
		}
		p.printf("%s  %s\n", clean(o.ID), clean(o.Name))
		return nil
	})
}

func (p *program) orgRenameCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rename ORG NAME", Short: "Give an organization another name", Example: "satchel org rename acme 'Acme Works'",
		Long: "Give an organization another name; its id stays. It is for owners.",
	}
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		o, err := c.UpdateOrganization(ctx, args[0], api.OrganizationRequest{Name: args[1]})
		if err != nil {
			return err
		}
		p.printf("%s  %s\n", clean(o.ID), clean(o.Name))
		return nil
	})
}

func (p *program) orgLinkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "link ORG [EXTERNAL-ID]", Short: "Say what the issuer of tokens calls an organization", Example: "satchel org link acme 7d1f0c",
		Long: "Say what the server's issuer of tokens calls an organization, so that its tokens sign in there;\nwithout an id: nothing any more. It is for operators.",
	}
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		id := ""
		if len(args) == 2 {
			id = args[1]
		}
		o, err := c.UpdateOrganization(ctx, args[0], api.OrganizationRequest{ExternalID: &id})
		if err != nil {
			return err
		}
		p.printf("%s  %s, %s\n", clean(o.ID), clean(o.Name), knownAs(o.ExternalID))
		return nil
	})
}

// knownAs says what the issuer calls somebody.
func knownAs(externalID *string) string {
	if externalID == nil {
		return "not linked"
	}
	return "external id " + clean(*externalID)
}

func (p *program) orgRmCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rm ORG", Short: "Delete an organization", Example: "satchel org rm acme",
		Long: "Delete an organization without files, with its users, workspaces and tokens. It is for owners.",
	}
	return p.remote(cmd, named, func(ctx context.Context, c *client.Client, args []string) error {
		if err := c.DeleteOrganization(ctx, args[0]); err != nil {
			return err
		}
		p.printf("deleted organization %s\n", clean(args[0]))
		return nil
	})
}
