package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/tenant"
)

func userParam() *huma.Param {
	return &huma.Param{Name: "user_id", In: satchel.InPath, Required: true, Schema: textSchema(), Example: exampleUser().ID, Description: "The user's id, or name"}
}

func orgParam() *huma.Param {
	return queryParam("org", "Name or id of the organization; default: the caller's own. Another one is for operators.", textSchema())
}

func (a *API) addUserRoutes() {
	one := func() *huma.Response { return jsonResponse("The user", schema[api.User](a), exampleUser()) }
	name, role := "ada", "member"
	request, example := schema[api.UserRequest](a), &api.UserRequest{Name: &name, Role: &role}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "createUser", Method: http.MethodPost, Path: "/users", Tags: []string{"Users"}, Summary: "Add a user to the organization",
			Description: "Members are for owners and admins, other roles for owners. A user needs a token to do anything: one of ours, or with an external_id one of the server's issuer.", Parameters: []*huma.Param{orgParam()}, RequestBody: a.jsonBody(a.picked(request, "name", "org", "role", "confined", "external_id"), example),
			Responses: a.responses(one(), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.createUser,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listUsers", Method: http.MethodGet, Path: "/users", Tags: []string{"Users"}, Summary: "List users",
			Description: "The users of an organization by id: for owners and admins all, for others themselves.", Parameters: append([]*huma.Param{orgParam()}, sliceParams()...),
			Responses: a.responses(jsonResponse("A page of users", schema[api.UserList](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.listUsers,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getUser", Method: http.MethodGet, Path: "/users/{user_id}", Tags: []string{"Users"}, Summary: "Get a user",
			Description: "`me` is whoever asks. Others are for owners and admins.", Parameters: []*huma.Param{userParam(), orgParam()},
			Responses: a.responses(one(), 400, 401, 403, 404, 422),
		}, answer: a.getUser,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "updateUser", Method: http.MethodPatch, Path: "/users/{user_id}", Tags: []string{"Users"}, Summary: "Change a user",
			Description: "Name, role, confinement or external_id; what is left out stays. Members are for owners and admins, others for owners. The last owner stays one: 409.",
			Parameters:  []*huma.Param{userParam(), orgParam()}, RequestBody: a.jsonBody(a.anyOf(request, "name", "org", "role", "confined", "external_id"), example),
			Responses: a.responses(one(), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.updateUser,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "deleteUser", Method: http.MethodDelete, Path: "/users/{user_id}", Tags: []string{"Users"}, Summary: "Take a user out of the organization",
			Description: "The user's tokens are refused from now on, the issuer's too until somebody is given its external_id again; its files stay. Members are for owners and admins, others for owners. The last owner stays: 409.",
			Parameters:  []*huma.Param{userParam(), orgParam()},
			Responses:   a.responses(jsonResponse("The user is gone", schema[api.Deleted](a), &api.Deleted{ID: exampleUser().ID, Object: "user", Deleted: true}), 400, 401, 403, 404, 409, 422, 507),
		}, answer: a.deleteUser,
	})
}

// parseUserRequest reads what is said of a user; fresh: of a new one. What is wrong with it by itself is only said along with what cannot be read: the
// tenant says it, too, but first who may do that at all.
func (a *API) parseUserRequest(c *call, fresh bool) (tenant.UserRequest, error) {
	org := c.text("org")
	if err := c.faults.Err(); err != nil {
		return tenant.UserRequest{}, err
	}
	object, err := c.object("org", "name", "role", "confined", "external_id")
	if err != nil {
		return tenant.UserRequest{}, err
	}
	faults := c.faults
	r := tenant.UserRequest{Org: textOf(object, "org", &faults), Name: stringOf(object, "name", &faults), Role: stringOf(object, "role", &faults)}
	if confined := truthOf(object, "confined", &faults); object["confined"] != nil {
		r.Confined = &confined
	}
	r.ExternalID = stringOrNull(object, "external_id", &faults)
	switch {
	case org != "" && r.Org != "" && org != r.Org:
		faults.Add(satchel.BodyFault(satchel.CodeContradiction, "org", nil, "org is %.64q in the query and %.64q in the body; give it once", org, r.Org))
	case r.Org == "":
		r.Org = org
	}
	if !fresh && nothingOf(object, "name", "role", "confined", "external_id") {
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "name", nil, "there is nothing to change: give a name, a role, confined or an external_id"))
	}
	return r, withNew(faults, a.tenant.CheckUser(r, fresh))
}

func (a *API) createUser(ctx context.Context, c *call) (any, error) {
	return a.changeUser(c, true, func(r tenant.UserRequest) (satchel.Member, error) { return a.tenant.CreateUser(ctx, c.caller, r) })
}

func (a *API) updateUser(ctx context.Context, c *call) (any, error) {
	return a.changeUser(c, false, func(r tenant.UserRequest) (satchel.Member, error) {
		return a.tenant.UpdateUser(ctx, c.caller, c.id(), r)
	})
}

func (a *API) changeUser(c *call, fresh bool, change func(tenant.UserRequest) (satchel.Member, error)) (any, error) {
	request, err := a.parseUserRequest(c, fresh)
	if err != nil {
		return nil, err
	}
	user, err := change(request)
	if err != nil {
		return nil, err
	}
	return UserBody(&user), nil
}

func (a *API) listUsers(ctx context.Context, c *call) (any, error) {
	org, page := c.text("org"), c.slice()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	users, err := a.tenant.Users(ctx, c.caller, org, page)
	if err != nil {
		return nil, err
	}
	list := &api.UserList{Object: "list"}
	list.Data, list.FirstID, list.LastID, list.HasMore = listed(users, page, func(m *satchel.Member) string { return string(m.User) }, UserBody)
	return list, nil
}

func (a *API) getUser(ctx context.Context, c *call) (any, error) {
	org := c.text("org")
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	user, err := a.tenant.User(ctx, c.caller, org, c.id())
	if err != nil {
		return nil, err
	}
	return UserBody(user), nil
}

func (a *API) deleteUser(ctx context.Context, c *call) (any, error) {
	org := c.text("org")
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	id, err := a.tenant.DeleteUser(ctx, c.caller, org, c.id())
	if err != nil {
		return nil, err
	}
	return &api.Deleted{ID: string(id), Object: "user", Deleted: true}, nil
}

// UserBody gives a user as the API shows it.
func UserBody(m *satchel.Member) *api.User {
	return &api.User{
		ID: string(m.User), Object: "user", Name: m.Name, OrgID: string(m.Org), Role: string(m.Role), Confined: m.Confined,
		ExternalID: textOrNull(m.Identity.ID), CreatedAt: m.CreatedAt.Unix(),
	}
}

func exampleUser() *api.User {
	return &api.User{
		ID: "user-06h0hf164mqe3d62f984lhg1k", Object: "user", Name: "ada", OrgID: "org-06h0hf164lphndrrrqm3a7gf1", Role: "member", CreatedAt: 1795442880,
	}
}
