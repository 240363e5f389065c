package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/tenant"
)

func (a *API) addWorkspaceRoutes() {
	id := &huma.Param{Name: "workspace_id", In: satchel.InPath, Required: true, Schema: workspaceSchema(), Example: "team-a", Description: "The workspace's id"}
	one := func() *huma.Response {
		return jsonResponse("The workspace", schema[api.Workspace](a), exampleWorkspace())
	}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "createWorkspace", Method: http.MethodPost, Path: "/workspaces", Tags: []string{"Workspaces"}, Summary: "Make a workspace",
			Description: "For owners, admins, and members who are not confined (unless the server runs with SATCHEL_WORKSPACES=closed). Its maker is a writer in it. The first upload to an unknown workspace makes it too.",
			RequestBody: a.jsonBody(a.picked(schema[api.WorkspaceRequest](a), "id", "name"), &api.WorkspaceRequest{ID: "team-a", Name: "Team A"}),
			Responses:   a.responses(one(), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.createWorkspace,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listWorkspaces", Method: http.MethodGet, Path: "/workspaces", Tags: []string{"Workspaces"}, Summary: "List workspaces",
			Description: "Those in which you have part, by id: for owners and admins all of the organization.", Parameters: sliceParams(),
			Responses: a.responses(jsonResponse("A page of workspaces", schema[api.WorkspaceList](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.listWorkspaces,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getWorkspace", Method: http.MethodGet, Path: "/workspaces/{workspace_id}", Tags: []string{"Workspaces"}, Summary: "Get a workspace",
			Description: "Its name, and what you may do in it.", Parameters: []*huma.Param{id}, Responses: a.responses(one(), 400, 401, 403, 404, 422),
		}, answer: a.getWorkspace,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "updateWorkspace", Method: http.MethodPatch, Path: "/workspaces/{workspace_id}", Tags: []string{"Workspaces"}, Summary: "Rename a workspace",
			Description: "For owners and admins. What people call it; the id stays.", Parameters: []*huma.Param{id},
			RequestBody: a.jsonBody(a.picked(schema[api.WorkspaceRequest](a), "name"), &api.WorkspaceRequest{Name: "Team A"}),
			Responses:   a.responses(one(), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.updateWorkspace,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "deleteWorkspace", Method: http.MethodDelete, Path: "/workspaces/{workspace_id}", Tags: []string{"Workspaces"}, Summary: "Delete a workspace",
			Description: "For owners and admins. One with files in it is 409 not_empty, unless `force=true`: then nobody enters it from now on, its files are removed, and then it; until then it is there with status deleting. Tokens that were narrowed to it alone go with it.",
			Parameters:  []*huma.Param{id, queryParam("force", "Delete the files in it too", enumSchema("false", "false", "true"))},
			Responses: a.responses(jsonResponse("It is gone, or being deleted", &huma.Schema{OneOf: []*huma.Schema{schema[api.Deleted](a), schema[api.Workspace](a)}},
				&api.Deleted{ID: "team-a", Object: "workspace", Deleted: true}), 400, 401, 403, 404, 409, 422, 507),
		}, answer: a.deleteWorkspace,
	})
	a.addWorkspaceUserRoutes(id)
}

func (a *API) addWorkspaceUserRoutes(id *huma.Param) {
	given := &api.WorkspaceUser{Object: "workspace.user", WorkspaceID: "team-a", UserID: exampleUser().ID, UserName: "ada", Access: "writer"}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "putWorkspaceUser", Method: http.MethodPut, Path: "/workspaces/{workspace_id}/user", Tags: []string{"Workspaces"}, Summary: "Give a user access to a workspace",
			Description: "For owners and admins. It takes the place of what the user was given there before.", Parameters: []*huma.Param{id},
			RequestBody: a.jsonBody(schema[api.WorkspaceAccess](a), &api.WorkspaceAccess{User: "ada", Access: "writer"}),
			Responses:   a.responses(jsonResponse("What the user has now", schema[api.WorkspaceUser](a), given), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.putWorkspaceUser,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "deleteWorkspaceUser", Method: http.MethodDelete, Path: "/workspaces/{workspace_id}/user/{user_id}", Tags: []string{"Workspaces"}, Summary: "Take a user's access to a workspace away",
			Description: "For owners and admins. The user's files stay.", Parameters: []*huma.Param{id, userParam()},
			Responses: a.responses(jsonResponse("It is taken away", schema[api.Deleted](a), &api.Deleted{ID: given.UserID, Object: "workspace.user", Deleted: true}), 400, 401, 403, 404, 409, 422, 507),
		}, answer: a.deleteWorkspaceUser,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listWorkspaceUsers", Method: http.MethodGet, Path: "/workspaces/{workspace_id}/users", Tags: []string{"Workspaces"}, Summary: "List the users of a workspace",
			Description: "For owners and admins: who was given access to it by name, by user id.", Parameters: append([]*huma.Param{id}, sliceParams()...),
			Responses: a.responses(jsonResponse("A page of them", schema[api.WorkspaceUserList](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.listWorkspaceUsers,
	})
}

// jsonBody documents a JSON body with an example of it.
func (a *API) jsonBody(s *huma.Schema, example any) *huma.RequestBody {
	return &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: s, Example: example}}}
}

// picked documents a body that has only some of a type's properties, of which it must have the first.
func (a *API) picked(ref *huma.Schema, required string, others ...string) *huma.Schema {
	from := a.document.Components.Schemas.SchemaFromRef(ref.Ref)
	s := &huma.Schema{Type: huma.TypeObject, Required: []string{required}, Properties: map[string]*huma.Schema{}}
	for _, name := range append(others, required) {
		s.Properties[name] = from.Properties[name]
	}
	return s
}

// namedWorkspace is the workspace that the path names. One whose id has another form is not there, like any unknown one.
func (c *call) namedWorkspace() satchel.WorkspaceID {
	return satchel.WorkspaceID(c.r.PathValue("workspace_id"))
}

func (a *API) createWorkspace(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	object, err := c.object("id", "name")
	if err != nil {
		return nil, err
	}
	faults := c.faults
	text, name := textOf(object, "id", &faults), textOf(object, "name", &faults)
	ws, ok := satchel.ParseWorkspaceID(text)
	if !ok {
		fault := badWorkspace(text)
		fault.Param = "id"
		faults.AddNew(fault)
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return workspaceOr(a.tenant.CreateWorkspace(ctx, c.caller, ws, name))
}

func (a *API) listWorkspaces(ctx context.Context, c *call) (any, error) {
	page := c.slice()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	places, err := a.tenant.Workspaces(ctx, c.caller, page)
	if err != nil {
		return nil, err
	}
	list := &api.WorkspaceList{Object: "list", Data: []*api.Workspace{}}
	places, list.FirstID, list.LastID, list.HasMore = cut(places, page, func(p tenant.Place) string { return string(p.ID) })
	for i := range places {
		list.Data = append(list.Data, WorkspaceBody(&places[i]))
	}
	return list, nil
}

func (a *API) getWorkspace(ctx context.Context, c *call) (any, error) {
	ws := c.namedWorkspace()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	return workspaceOr(a.tenant.Workspace(ctx, c.caller, ws))
}

func (a *API) updateWorkspace(ctx context.Context, c *call) (any, error) {
	ws := c.namedWorkspace()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	object, err := c.object("name")
	if err != nil {
		return nil, err
	}
	faults := c.faults
	name := textOf(object, "name", &faults)
	if object["name"] == nil {
		faults.AddNew(satchel.BodyFault(satchel.CodeMissing, "name", nil, "name is missing: what people shall call the workspace; \"\" takes its name away"))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return workspaceOr(a.tenant.RenameWorkspace(ctx, c.caller, ws, name))
}

func (a *API) deleteWorkspace(ctx context.Context, c *call) (any, error) {
	ws, force := c.namedWorkspace(), c.oneOf("force", "false", "true", "false")
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	gone, err := a.tenant.DeleteWorkspace(ctx, c.caller, ws, force == "true")
	if err != nil {
		return nil, err
	}
	if gone {
		return &api.Deleted{ID: string(ws), Object: "workspace", Deleted: true}, nil
	}
	return workspaceOr(a.tenant.Workspace(ctx, c.caller, ws))
}

func (a *API) putWorkspaceUser(ctx context.Context, c *call) (any, error) {
	ws := c.namedWorkspace()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	object, err := c.object("user", "access")
	if err != nil {
		return nil, err
	}
	faults := c.faults
	user, access := textOf(object, "user", &faults), textOf(object, "access", &faults)
	if user == "" && object["user"] == nil {
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "user", nil, "user is missing: the name or id of a user of the organization"))
	}
	if access != "writer" && access != "viewer" {
		faults.AddNew(satchel.BodyFault(satchel.CodeInvalidValue, "access", nil, "access must be writer or viewer; %.64q is neither", access))
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	given, err := a.tenant.GiveAccess(ctx, c.caller, ws, user, satchel.Access(access))
	if err != nil {
		return nil, err
	}
	return workspaceUserBody(ws, given), nil
}

func (a *API) deleteWorkspaceUser(ctx context.Context, c *call) (any, error) {
	ws := c.namedWorkspace()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	taken, err := a.tenant.GiveAccess(ctx, c.caller, ws, c.r.PathValue("user_id"), satchel.AccessNone)
	if err != nil {
		return nil, err
	}
	return &api.Deleted{ID: string(taken.User), Object: "workspace.user", Deleted: true}, nil
}

func (a *API) listWorkspaceUsers(ctx context.Context, c *call) (any, error) {
	ws, page := c.namedWorkspace(), c.slice()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	users, err := a.tenant.WorkspaceUsers(ctx, c.caller, ws, page)
	if err != nil {
		return nil, err
	}
	list := &api.WorkspaceUserList{Object: "list", Data: []*api.WorkspaceUser{}}
	users, list.FirstID, list.LastID, list.HasMore = cut(users, page, func(u satchel.WorkspaceUser) string { return string(u.User) })
	for _, u := range users {
		list.Data = append(list.Data, workspaceUserBody(ws, u))
	}
	return list, nil
}

func workspaceUserBody(ws satchel.WorkspaceID, u satchel.WorkspaceUser) *api.WorkspaceUser {
	return &api.WorkspaceUser{Object: "workspace.user", WorkspaceID: string(ws), UserID: string(u.User), UserName: u.Name, Access: string(u.Access)}
}

func workspaceOr(p *tenant.Place, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return WorkspaceBody(p), nil
}

// WorkspaceBody gives a workspace as the API shows it.
func WorkspaceBody(p *tenant.Place) *api.Workspace {
	status := "active"
	if !p.Doomed.IsZero() {
		status = "deleting"
	}
	return &api.Workspace{
		ID: string(p.ID), Object: "workspace", Name: p.Name, OrgID: string(p.Org), CreatedAt: p.CreatedAt.Unix(), Access: string(p.Access), Status: status,
	}
}

func exampleWorkspace() *api.Workspace {
	return &api.Workspace{
		ID: "team-a", Object: "workspace", Name: "Team A", OrgID: exampleToken("").OrgID, CreatedAt: 1795442880, Access: "writer", Status: "active",
	}
}
