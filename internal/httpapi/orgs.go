package httpapi

import (
	"context"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/tenant"
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
			RequestBody: a.jsonBody(a.picked(schema[api.OrganizationRequest](a), "name", "owner", "external_id"), &api.OrganizationRequest{Name: "acme", Owner: "grace"}),
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
			OperationID: "updateOrganization", Method: http.MethodPatch, Path: "/organizations/{organization_id}", Tags: []string{"Organizations"}, Summary: "Change an organization",
			Description: "What is left out stays, and so does the id. The name is for owners, external_id and quota for operators. The one that the first start made keeps its name.", Parameters: []*huma.Param{id}, RequestBody: a.jsonBody(a.anyOf(schema[api.OrganizationRequest](a), "name", "external_id", "quota"), &api.OrganizationRequest{Name: "acme"}),
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
	request, err := a.parseOrg(c, true, "name", "owner", "external_id")
	if err != nil {
		return nil, err
	}
	return orgOr(a.tenant.CreateOrg(ctx, c.caller, request))
}

// parseOrg reads what is said of an organization, in fields that are known; fresh: of a new one. What is wrong with it by itself is only said along
// with what cannot be read: see parseUserRequest.
func (a *API) parseOrg(c *call, fresh bool, known ...string) (tenant.OrgRequest, error) {
	if err := c.faults.Err(); err != nil {
		return tenant.OrgRequest{}, err
	}
	object, err := c.object(known...)
	if err != nil {
		return tenant.OrgRequest{}, err
	}
	faults := c.faults
	r := tenant.OrgRequest{
		Name: stringOf(object, "name", &faults), Owner: textOf(object, "owner", &faults), ExternalID: stringOrNull(object, "external_id", &faults),
	}
	if slices.Contains(known, "quota") {
		r.Quota = quotaOf(object, nil, &faults)
	}
	return r, withNew(faults, a.tenant.CheckOrg(r, fresh))
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
	list := &api.OrganizationList{Object: "list"}
	list.Data, list.FirstID, list.LastID, list.HasMore = listed(orgs, page, func(o *satchel.Org) string { return string(o.ID) }, OrgBody)
	return list, nil
}

func (a *API) getOrg(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	return orgOr(a.tenant.Org(ctx, c.caller, c.id()))
}

func (a *API) updateOrg(ctx context.Context, c *call) (any, error) {
	request, err := a.parseOrg(c, false, "name", "external_id", "quota")
	if err != nil {
		return nil, err
	}
	if request == (tenant.OrgRequest{}) {
		return nil, satchel.Faults{satchel.BodyFault(satchel.CodeMissing, "name", nil, "there is nothing to change: give a name, an external_id or a quota")}
	}
	return orgOr(a.tenant.UpdateOrg(ctx, c.caller, c.id(), request))
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
	return &api.Organization{
		ID: string(o.ID), Object: "organization", Name: o.Name, ExternalID: textOrNull(o.Identity.ID), CreatedAt: o.CreatedAt.Unix(),
		Quota: quotaBody(o.Quota),
	}
}

func exampleOrg() *api.Organization {
	return &api.Organization{ID: "org-06h0hf164lphndrrrqm3a7gf1", Object: "organization", Name: "acme", CreatedAt: 1795442880, Quota: &api.Quota{}}
}
