package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/satchel-files/satchel/api"
)

// pageOfAll is how many items are asked for at a time where all are wanted.
const pageOfAll = 1000

// Workspaces gives the workspaces in which the caller has part, by id.
func (c *Client) Workspaces(ctx context.Context) ([]*api.Workspace, error) {
	return all(ctx, c, "/workspaces", url.Values{}, func(l *api.WorkspaceList) ([]*api.Workspace, *string, bool) { return l.Data, l.LastID, l.HasMore })
}

// Workspace gives one workspace; not_found if there is none, workspace_forbidden if the caller has no part in it.
func (c *Client) Workspace(ctx context.Context, id string) (*api.Workspace, error) {
	return one[api.Workspace](ctx, c, http.MethodGet, "/workspaces/"+url.PathEscape(id), nil)
}

// CreateWorkspace makes a workspace; already_exists if there is one of that id.
func (c *Client) CreateWorkspace(ctx context.Context, r api.WorkspaceRequest) (*api.Workspace, error) {
	return one[api.Workspace](ctx, c, http.MethodPost, "/workspaces", r)
}

// RenameWorkspace changes what people call a workspace; "" takes its name away.
func (c *Client) RenameWorkspace(ctx context.Context, id, name string) (*api.Workspace, error) {
	return one[api.Workspace](ctx, c, http.MethodPatch, "/workspaces/"+url.PathEscape(id), map[string]string{"name": name})
}

// UpdateWorkspace changes a workspace's name and settings, as PATCH /workspaces/{id} does: what is left out stays, null takes a setting back.
func (c *Client) UpdateWorkspace(ctx context.Context, id string, change map[string]any) (*api.Workspace, error) {
	return one[api.Workspace](ctx, c, http.MethodPatch, "/workspaces/"+url.PathEscape(id), change)
}

// DeleteWorkspace deletes a workspace. One with files is not_empty, unless force: then it is given as it is on its way out, and else nil.
func (c *Client) DeleteWorkspace(ctx context.Context, id string, force bool) (*api.Workspace, error) {
	k := call{method: http.MethodDelete, path: "/workspaces/" + url.PathEscape(id), query: url.Values{}, repeatable: true}
	if force {
		k.query.Set("force", "true")
	}
	var answer api.Workspace // or api.Deleted, which has the same object
	if err := c.callJSON(ctx, k, &answer); err != nil || answer.Status == "" {
		return nil, err
	}
	return &answer, nil
}

// WorkspaceUsers gives those who were given access to a workspace by name.
func (c *Client) WorkspaceUsers(ctx context.Context, id string) ([]*api.WorkspaceUser, error) {
	return all(ctx, c, "/workspaces/"+url.PathEscape(id)+"/users", url.Values{}, func(l *api.WorkspaceUserList) ([]*api.WorkspaceUser, *string, bool) {
		return l.Data, l.LastID, l.HasMore
	})
}

// GiveAccess gives a user, by name or id, access to a workspace: "writer" or "viewer".
func (c *Client) GiveAccess(ctx context.Context, workspace, user, access string) (*api.WorkspaceUser, error) {
	return one[api.WorkspaceUser](ctx, c, http.MethodPut, "/workspaces/"+url.PathEscape(workspace)+"/user", api.WorkspaceAccess{User: user, Access: access})
}

// TakeAccess takes a user's access to a workspace away.
func (c *Client) TakeAccess(ctx context.Context, workspace, user string) error {
	_, err := one[api.Deleted](ctx, c, http.MethodDelete, "/workspaces/"+url.PathEscape(workspace)+"/user/"+url.PathEscape(user), nil)
	return err
}

// Users gives the users of an organization by id (empty: the caller's own): for owners and admins all, for others themselves.
func (c *Client) Users(ctx context.Context, org string) ([]*api.User, error) {
	query := url.Values{}
	setIf(query, "org", org)
	return all(ctx, c, "/users", query, func(l *api.UserList) ([]*api.User, *string, bool) { return l.Data, l.LastID, l.HasMore })
}

// User gives a user of the caller's organization by name or id; "me" is the caller.
func (c *Client) User(ctx context.Context, user string) (*api.User, error) {
	return one[api.User](ctx, c, http.MethodGet, "/users/"+url.PathEscape(user), nil)
}

// CreateUser adds a user to an organization; already_exists if the name is taken there.
func (c *Client) CreateUser(ctx context.Context, r api.UserRequest) (*api.User, error) {
	return one[api.User](ctx, c, http.MethodPost, "/users", r)
}

// UpdateUser changes a user; what is left out stays. last_owner if the organization would have none.
func (c *Client) UpdateUser(ctx context.Context, user string, r api.UserRequest) (*api.User, error) {
	return one[api.User](ctx, c, http.MethodPatch, "/users/"+url.PathEscape(user), r)
}

// DeleteUser takes a user out of an organization (empty: the caller's own), with its tokens. last_owner if the organization would have none.
func (c *Client) DeleteUser(ctx context.Context, org, user string) error {
	k := call{method: http.MethodDelete, path: "/users/" + url.PathEscape(user), query: url.Values{}, repeatable: true}
	setIf(k.query, "org", org)
	return c.callJSON(ctx, k, &api.Deleted{})
}

// Organizations gives the caller's organization; for an operator all.
func (c *Client) Organizations(ctx context.Context) ([]*api.Organization, error) {
	return all(ctx, c, "/organizations", url.Values{}, func(l *api.OrganizationList) ([]*api.Organization, *string, bool) { return l.Data, l.LastID, l.HasMore })
}

// CreateOrganization makes an organization. It is for operators.
func (c *Client) CreateOrganization(ctx context.Context, r api.OrganizationRequest) (*api.Organization, error) {
	return one[api.Organization](ctx, c, http.MethodPost, "/organizations", r)
}

// UpdateOrganization changes an organization, by name or id; what is left out stays.
func (c *Client) UpdateOrganization(ctx context.Context, org string, r api.OrganizationRequest) (*api.Organization, error) {
	return one[api.Organization](ctx, c, http.MethodPatch, "/organizations/"+url.PathEscape(org), r)
}

// SetQuota changes what an organization, by name or id, may use: limits that are left out stay, nil takes one back. It is for operators.
func (c *Client) SetQuota(ctx context.Context, org string, quota map[string]any) (*api.Organization, error) {
	return one[api.Organization](ctx, c, http.MethodPatch, "/organizations/"+url.PathEscape(org), map[string]any{"quota": quota})
}

// Usage tells what an organization (empty: the caller's own) and all its workspaces use, with the tokens of so many days. It is for owners and
// admins.
func (c *Client) Usage(ctx context.Context, org string, days int) (*api.OrganizationUsage, error) {
	query := url.Values{"days": {strconv.Itoa(days)}}
	setIf(query, "org", org)
	var whole api.OrganizationUsage
	parts, err := all(ctx, c, "/usage", query, func(u *api.OrganizationUsage) ([]*api.WorkspaceUsage, *string, bool) {
		whole = *u
		return u.Data, u.LastID, u.HasMore
	})
	whole.Data, whole.HasMore = parts, false
	return &whole, err
}

// DeleteOrganization removes an organization, by name or id, with its users, workspaces and tokens; not_empty if it has files.
func (c *Client) DeleteOrganization(ctx context.Context, org string) error {
	_, err := one[api.Deleted](ctx, c, http.MethodDelete, "/organizations/"+url.PathEscape(org), nil)
	return err
}

// one makes a call that answers with one object. Making something is not repeated by itself: its answer may have been lost.
func one[T any](ctx context.Context, c *Client, method, path string, body any) (*T, error) {
	k := call{method: method, path: path, repeatable: method != http.MethodPost}
	if body != nil {
		if err := k.setJSON(body); err != nil {
			return nil, err
		}
	}
	var answer T
	if err := c.callJSON(ctx, k, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}

// all walks through the pages of a list.
func all[L, T any](ctx context.Context, c *Client, path string, query url.Values, page func(*L) ([]T, *string, bool)) ([]T, error) {
	var items []T
	query.Set("limit", strconv.Itoa(pageOfAll))
	for {
		var list L
		if err := c.callJSON(ctx, call{method: http.MethodGet, path: path, query: query, repeatable: true}, &list); err != nil {
			return nil, err
		}
		some, last, more := page(&list)
		items = append(items, some...)
		if !more || last == nil {
			return items, nil
		}
		query.Set("after", *last)
	}
}
