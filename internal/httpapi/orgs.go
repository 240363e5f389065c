package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
)

func (a *API) addOrgRoutes() {
	id := &huma.Param{Name: "organization_id", In: satchel.InPath, Required: true, Schema: textSchema(), Example: exampleOrg().ID, Description: "The organization's id, or name"}
	one := func() *huma.Response {
		return jsonResponse("The organization", schema[api.Organization](a), exampleOrg())
	}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "createOrganization", Method: http.MethodPost, Path: "/organizations", Tags: []string{"Organizations"}, Summary: "Make an organization",
			Description: "For operators. It has a workspace `default` and, if one is named, an owner, who needs a token.",
			RequestBody: a.jsonBody(schema[api.OrganizationRequest](a), &api.OrganizationRequest{Name: "acme", Owner: "grace"}),
			Responses:   a.responses(one(), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.createOrg,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listOrganizations", Method: http.MethodGet, Path: "/organizations", Tags: []string{"Organizations"}, Summary: "List organizations",
			Description: "Your own; for operators all, by id.", Parameters: sliceParams(),
			Responses: a.responses(jsonResponse("A page of organizations", schema[api.OrganizationList](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.listOrgs,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getOrganization", Method: http.MethodGet, Path: "/organizations/{organization_id}", Tags: []string{"Organizations"}, Summary: "Get an organization",
			Description: "Your own; for operators any.", Parameters: []*huma.Param{id}, Responses: a.responses(one(), 400, 401, 403, 404, 422),
		}, answer: a.getOrg,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "updateOrganization", Method: http.MethodPatch, Path: "/organizations/{organization_id}", Tags: []string{"Organizations"}, Summary: "Rename an organization",
			Description: "For owners. The id stays. The one that the first start made keeps its name.", Parameters: []*huma.Param{id}, RequestBody: a.jsonBody(a.picked(schema[api.OrganizationRequest](a), "name"), &api.OrganizationRequest{Name: "acme"}),
			Responses: a.responses(one(), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.updateOrg,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "deleteOrganization", Method: http.MethodDelete, Path: "/organizations/{organization_id}", Tags: []string{"Organizations"}, Summary: "Delete an organization",
			Description: "For owners, with its users, workspaces and tokens. 409 not_empty while there are files in it. The one that the first start made stays.", Parameters: []*huma.Param{id},
			Responses: a.responses(jsonResponse("It is gone", schema[api.Deleted](a), &api.Deleted{ID: exampleOrg().ID, Object: "organization", Deleted: true}), 400, 401, 403, 404, 409, 422, 507),
		}, answer: a.deleteOrg,
	})
}

func (a *API) createOrg(ctx context.Context, c *call) (any, error) {
	name, owner, err := c.parseOrg("name", "owner")
	if err != nil {
		return nil, err
	}
	return orgOr(a.tenant.CreateOrg(ctx, c.caller, name, owner))
}

// parseOrg reads a name, and an owner where that is known.
func (c *call) parseOrg(known ...string) (name, owner string, err error) {
	if err := c.faults.Err(); err != nil {
		return "", "", err
	}
	object, err := c.object(known...)
	if err != nil {
		return "", "", err
	}
	faults := c.faults
	return textOf(object, "name", &faults), textOf(object, "owner", &faults), faults.Err()
}

func (a *API) listOrgs(ctx context.Context, c *call) (any, error) {
	page := c.slice()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	orgs, err := a.tenant.Orgs(ctx, c.caller, page)
	if err != nil {
		return nil, err
	}
	list := &api.OrganizationList{Object: "list", Data: []*api.Organization{}}
	orgs, list.FirstID, list.LastID, list.HasMore = cut(orgs, page, func(o satchel.Org) string { return string(o.ID) })
	for i := range orgs {
		list.Data = append(list.Data, OrgBody(&orgs[i]))
	}
	return list, nil
}

func (a *API) getOrg(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	return orgOr(a.tenant.Org(ctx, c.caller, c.id()))
}

func (a *API) updateOrg(ctx context.Context, c *call) (any, error) {
	name, _, err := c.parseOrg("name")
	if err != nil {
		return nil, err
	}
	return orgOr(a.tenant.RenameOrg(ctx, c.caller, c.id(), name))
}

func (a *API) deleteOrg(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	id, err := a.tenant.DeleteOrg(ctx, c.caller, c.id())
	if err != nil {
		return nil, err
	}
	return &api.Deleted{ID: string(id), Object: "organization", Deleted: true}, nil
}

func orgOr(org *satchel.Org, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return OrgBody(org), nil
}

// OrgBody gives an organization as the API shows it.
func OrgBody(o *satchel.Org) *api.Organization {
	return &api.Organization{ID: string(o.ID), Object: "organization", Name: o.Name, CreatedAt: o.CreatedAt.Unix()}
}

func exampleOrg() *api.Organization {
	return &api.Organization{ID: "org-06h0hf164lphndrrrqm3a7gf1", Object: "organization", Name: "acme", CreatedAt: 1795442880}
}
