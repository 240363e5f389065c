package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/tenant"
)

func (a *API) addTokenRoutes() {
	id := &huma.Param{Name: "token_id", In: satchel.InPath, Required: true, Schema: textSchema(), Description: "The token's id, which is not its secret"}
	org := orgParam()
	request, workspace := schema[api.TokenRequest](a), workspaceSchema()
	workspace.Default = nil
	narrowed := a.document.Components.Schemas.SchemaFromRef(request.Ref).Properties["workspaces"]
	narrowed.Items, narrowed.MinItems = workspace, length(1)
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "createToken", Method: http.MethodPost, Path: "/tokens", Tags: []string{"Tokens"}, Summary: "Make a token",
			Description: "For owners; tokens of members also for admins. An unknown user is made, confined to the workspaces with writer and viewer; a user with a lesser role is raised to the one asked for, and a member who is confined stays so. Only the operator's token reaches other organizations and makes unknown ones. " +
				"The token itself is in this answer alone: only its SHA-256 is kept.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: request, Example: &api.TokenRequest{User: "ada", Role: "viewer", Workspace: "team-a"}}}},
			Responses:   a.responses(jsonResponse("The token", schema[api.Token](a), exampleToken("sat_…")), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.createToken,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listTokens", Method: http.MethodGet, Path: "/tokens", Tags: []string{"Tokens"}, Summary: "List tokens",
			Description: "The tokens of an organization without their secrets, oldest first: for owners all, for admins those of members and their own.",
			Parameters:  []*huma.Param{org},
			Responses:   a.responses(jsonResponse("All tokens", schema[api.TokenList](a), &api.TokenList{Object: "list", Data: []*api.Token{exampleToken("")}}), 400, 401, 403, 404, 422),
		}, answer: a.listTokens,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "deleteToken", Method: http.MethodDelete, Path: "/tokens/{token_id}", Tags: []string{"Tokens"}, Summary: "Revoke a token",
			Description: "For owners; tokens of members also for admins. The token is refused from now on.",
			Parameters:  []*huma.Param{id},
			Responses:   a.responses(jsonResponse("The token is revoked", schema[api.Deleted](a), &api.Deleted{ID: exampleToken("").ID, Object: "token", Deleted: true}), 400, 401, 403, 404, 422, 507),
		}, answer: a.deleteToken,
	})
}

func (a *API) createToken(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	object, err := c.object("org", "user", "role", "workspace", "workspaces", "read_only", "expires_at")
	if err != nil {
		return nil, err
	}
	request, err := a.parseTokenRequest(ctx, c, object)
	if err != nil {
		return nil, err
	}
	token, secret, err := a.tenant.CreateToken(ctx, c.caller, request)
	if err != nil {
		return nil, err
	}
	body := TokenBody(token)
	body.Secret = secret
	return body, nil
}

func (a *API) parseTokenRequest(ctx context.Context, c *call, object map[string]any) (tenant.TokenRequest, error) {
	faults := c.faults
	request := tenant.TokenRequest{
		Org: textOf(object, "org", &faults), User: textOf(object, "user", &faults), Role: textOf(object, "role", &faults),
		Workspaces: textsOf(object, "workspaces", &faults), Workspace: textOf(object, "workspace", &faults), ReadOnly: truthOf(object, "read_only", &faults), ExpiresAt: momentOf(object, "expires_at", &faults),
	}
	if given, ok := object["workspaces"].([]any); ok && len(given) == 0 {
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "workspaces", nil, "workspaces names none: name those that the token is narrowed to, or leave it out"))
	}
	if given, ok := object["workspace"].(string); ok && given == "" {
		fault := badWorkspace(given)
		fault.Param = "workspace"
		faults.Add(fault)
	}
	faults.AddNew(a.tenant.CheckToken(ctx, c.caller, request))
	return request, faults.Err()
}

func (a *API) listTokens(ctx context.Context, c *call) (any, error) {
	org := c.text("org")
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	tokens, err := a.tenant.Tokens(ctx, c.caller, org)
	if err != nil {
		return nil, err
	}
	list := &api.TokenList{Object: "list", Data: make([]*api.Token, 0, len(tokens))}
	for _, token := range tokens {
		list.Data = append(list.Data, TokenBody(token))
	}
	return list, nil
}

func (a *API) deleteToken(ctx context.Context, c *call) (any, error) {
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	if err := a.tenant.DeleteToken(ctx, c.caller, c.id()); err != nil {
		return nil, err
	}
	return &api.Deleted{ID: c.id(), Object: "token", Deleted: true}, nil
}

// TokenBody gives a token as the API shows it, without its secret.
func TokenBody(t tenant.NamedToken) *api.Token {
	body := &api.Token{
		ID: string(t.ID), Object: "token", OrgID: string(t.Org), OrgName: t.OrgName, UserID: string(t.User), UserName: t.UserName,
		Role: t.Grant(), ReadOnly: t.ReadOnly, CreatedAt: t.CreatedAt.Unix(), ExpiresAt: unixOrNull(t.ExpiresAt), LastUsedAt: unixOrNull(t.LastUsed),
	}
	for _, ws := range t.Workspaces {
		body.Workspaces = append(body.Workspaces, string(ws))
	}
	if len(body.Workspaces) == 1 {
		body.Workspace = body.Workspaces[0]
	}
	if t.Raised != nil {
		body.Raised = &api.Raised{Role: string(t.Raised.Role), Confined: t.Raised.Confined}
	}
	return body
}

func exampleToken(secret string) *api.Token {
	return &api.Token{
		ID: "tok-06h0hf1gcqvrpuso8cghph9mr", Object: "token", OrgID: "org-06h0hf164lphndrrrqm3a7gf1", OrgName: "default",
		UserID: "user-06h0hf164mqe3d62f984lhg1k", UserName: "ada", Role: "viewer", Workspace: "team-a", Workspaces: []string{"team-a"}, ReadOnly: true,
		CreatedAt: 1795442880, Secret: secret,
	}
}
