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
	_ = schema[api.Workspace](a) // and of what is in it
	a.documentNullable(schema[api.WorkspaceSettings](a), "expires_after")
	a.documentRequests()
	off := false
	id := &huma.Param{Name: "workspace_id", In: satchel.InPath, Required: true, Schema: workspaceSchema(), Example: "team-a", Description: "The workspace's id"}
	one := func() *huma.Response {
		return jsonResponse("The workspace", schema[api.Workspace](a), exampleWorkspace())
	}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "createWorkspace", Method: http.MethodPost, Path: "/workspaces", Tags: []string{"Workspaces"}, Summary: "Make a workspace",
			Description: "For owners, admins, and members who are not confined (unless the server runs with SATCHEL_WORKSPACES=closed). Its maker is a writer in it. The first upload to an unknown workspace makes it too.",
			RequestBody: a.jsonBody(a.picked(schema[api.WorkspaceRequest](a), "id", "name", "settings"), &api.WorkspaceRequest{ID: "team-a", Name: "Team A"}),
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
			OperationID: "updateWorkspace", Method: http.MethodPatch, Path: "/workspaces/{workspace_id}", Tags: []string{"Workspaces"}, Summary: "Change a workspace",
			Description: "For owners and admins. What people call it, and what holds for its files; the id stays. Of the settings those that are not named stay, and null takes one back.", Parameters: []*huma.Param{id},
			RequestBody: a.jsonBody(a.anyOf(schema[api.WorkspaceRequest](a), "name", "settings"), &api.WorkspaceRequest{Name: "Team A", Settings: &api.SettingsRequest{AI: &off}}),
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

// documentRequests says what tags cannot of settings and limits as requests have them: null takes back what it stands for.
func (a *API) documentRequests() {
	a.documentNullable(schema[api.SettingsRequest](a), "expires_after", "quota")
	anySchema := a.document.Components.Schemas.Map()["SettingsRequest"].Properties["metadata_schema"]
	anySchema.OneOf = []*huma.Schema{{Type: huma.TypeObject}, {Type: huma.TypeString}, {Type: "null"}}
	a.documentNullable(schema[api.WorkspaceRequest](a), "settings")
	a.documentNullable(schema[api.OrganizationRequest](a), "quota")
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
	s := a.anyOf(ref, append(others, required)...)
	s.Required, s.MinProperties = []string{required}, nil
	return s
}

// anyOf documents a body that has at least one of some properties of a type.
func (a *API) anyOf(ref *huma.Schema, names ...string) *huma.Schema {
	from := a.document.Components.Schemas.SchemaFromRef(ref.Ref)
	s := &huma.Schema{Type: huma.TypeObject, MinProperties: length(1), Properties: map[string]*huma.Schema{}}
	for _, name := range names {
		s.Properties[name] = from.Properties[name]
	}
	return s
}

// namedWorkspace is the workspace that the path names. One whose id has another form is not there, like any unknown one.
func (c *call) namedWorkspace() satchel.WorkspaceID {
	return satchel.WorkspaceID(c.r.PathValue("workspace_id"))
}

// withNew gives faults, if there are any, and with them what else is wrong. What is wrong by itself is for the tenant to say, who first says who may do
// that at all.
func withNew(faults satchel.Faults, wrong error) error {
	if len(faults) > 0 {
		faults.AddNew(wrong)
	}
	return faults.Err()
}

func (a *API) createWorkspace(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	object, err := c.object("id", "name", "settings")
	if err != nil {
		return nil, err
	}
	faults := c.faults
	text := textOf(object, "id", &faults)
	request := tenant.WorkspaceRequest{Name: stringOf(object, "name", &faults), Settings: settingsOf(object, &faults)}
	ws, ok := satchel.ParseWorkspaceID(text)
	if !ok {
		fault := badWorkspace(text)
		fault.Param = "id"
		faults.AddNew(fault)
	}
	if err := withNew(faults, request.CheckNew(ws)); err != nil {
		return nil, err
	}
	return workspaceOr(a.tenant.CreateWorkspace(ctx, c.caller, ws, request))
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
	list := &api.WorkspaceList{Object: "list"}
	list.Data, list.FirstID, list.LastID, list.HasMore = listed(places, page, func(p *tenant.Place) string { return string(p.ID) }, WorkspaceBody)
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
	object, err := c.object("name", "settings")
	if err != nil {
		return nil, err
	}
	faults := c.faults
	request := tenant.WorkspaceRequest{Name: stringOf(object, "name", &faults), Settings: settingsOf(object, &faults)}
	if nothingOf(object, "name", "settings") {
		faults.AddNew(satchel.BodyFault(satchel.CodeMissing, "name", nil, "there is nothing to change: give a name (\"\" takes it away) or settings"))
	}
	if err := withNew(faults, request.Check()); err != nil {
		return nil, err
	}
	return workspaceOr(a.tenant.UpdateWorkspace(ctx, c.caller, ws, request))
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
	list := &api.WorkspaceUserList{Object: "list"}
	list.Data, list.FirstID, list.LastID, list.HasMore = listed(users, page, func(u *satchel.WorkspaceUser) string { return string(u.User) },
		func(u *satchel.WorkspaceUser) *api.WorkspaceUser { return workspaceUserBody(ws, *u) })
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
	status, left := "active", (*int64)(nil)
	if !p.Doomed.IsZero() {
		status, left = "deleting", &p.Left
	}
	return &api.Workspace{
		ID: string(p.ID), Object: "workspace", FilesLeft: left, Name: p.Name, OrgID: string(p.Org), CreatedAt: p.CreatedAt.Unix(), Access: string(p.Access), Status: status,
		Settings: settingsBody(p.Settings),
	}
}

func exampleWorkspace() *api.Workspace {
	return &api.Workspace{
		ID: "team-a", Object: "workspace", Name: "Team A", OrgID: exampleToken("").OrgID, CreatedAt: 1795442880, Access: "writer", Status: "active",
		Settings: settingsBody(satchel.WorkspaceSettings{}),
	}
}
