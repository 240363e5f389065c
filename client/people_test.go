package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

func TestPeopleOnTheWire(t *testing.T) {
	name := "ada"
	for _, c := range []struct {
		call func(context.Context, *client.Client) error
		want string
	}{
		{func(ctx context.Context, c *client.Client) error { _, err := c.Workspace(ctx, "a/b"); return err }, "GET /v1/workspaces/a%2Fb "},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateWorkspace(ctx, api.WorkspaceRequest{ID: "lab", Name: "Lab"})
			return err
		}, `POST /v1/workspaces {"id":"lab","name":"Lab"}`},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.RenameWorkspace(ctx, "lab", "L")
			return err
		}, `PATCH /v1/workspaces/lab {"name":"L"}`},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.DeleteWorkspace(ctx, "lab", true)
			return err
		}, "DELETE /v1/workspaces/lab?force=true "},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.GiveAccess(ctx, "lab", "ada", "viewer")
			return err
		}, `PUT /v1/workspaces/lab/user {"user":"ada","access":"viewer"}`},
		{func(ctx context.Context, c *client.Client) error { return c.TakeAccess(ctx, "lab", "ada") }, "DELETE /v1/workspaces/lab/user/ada "},
		{func(ctx context.Context, c *client.Client) error { _, err := c.User(ctx, "me"); return err }, "GET /v1/users/me "},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateUser(ctx, api.UserRequest{Name: &name})
			return err
		}, `POST /v1/users {"name":"ada"}`},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.UpdateUser(ctx, "ada", api.UserRequest{Role: &name})
			return err
		}, `PATCH /v1/users/ada {"role":"ada"}`},
		{func(ctx context.Context, c *client.Client) error { return c.DeleteUser(ctx, "acme", "ada") }, "DELETE /v1/users/ada?org=acme "},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.CreateOrganization(ctx, api.OrganizationRequest{Name: "acme", Owner: "ada"})
			return err
		}, `POST /v1/organizations {"name":"acme","owner":"ada"}`},
		{func(ctx context.Context, c *client.Client) error {
			_, err := c.UpdateOrganization(ctx, "acme", api.OrganizationRequest{Name: "a"})
			return err
		}, `PATCH /v1/organizations/acme {"name":"a"}`},
		{func(ctx context.Context, c *client.Client) error { return c.DeleteOrganization(ctx, "acme") }, "DELETE /v1/organizations/acme "},
	} {
		got := ""
		cl := serve(t, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got = fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)
			_, _ = w.Write([]byte(`{}`))
		})
		if err := c.call(t.Context(), cl); err != nil || got != c.want {
			t.Errorf("%s, %v; want %s", got, err, c.want)
		}
	}
}

// TestListsAreWalked gives pages of one item.
func TestListsAreWalked(t *testing.T) {
	for path, list := range map[string]func(context.Context, *client.Client) (int, error){
		"/v1/workspaces": func(ctx context.Context, c *client.Client) (int, error) {
			all, err := c.Workspaces(ctx)
			return len(all), err
		},
		"/v1/workspaces/lab/users": func(ctx context.Context, c *client.Client) (int, error) {
			all, err := c.WorkspaceUsers(ctx, "lab")
			return len(all), err
		},
		"/v1/users": func(ctx context.Context, c *client.Client) (int, error) {
			all, err := c.Users(ctx, "")
			return len(all), err
		},
		"/v1/organizations": func(ctx context.Context, c *client.Client) (int, error) {
			all, err := c.Organizations(ctx)
			return len(all), err
		},
	} {
		pages := 0
		cl := serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != path || r.URL.Query().Get("limit") != "1000" || (pages > 0) != (r.URL.Query().Get("after") == "x") {
				t.Errorf("%s, page %d: %s", path, pages, r.URL)
			}
			pages++
			_, _ = fmt.Fprintf(w, `{"data":[{}],"last_id":"x","has_more":%t}`, pages < 3)
		})
		if n, err := list(t.Context(), cl); n != 3 || err != nil {
			t.Errorf("%s: %d items, %v", path, n, err)
		}
	}
}

// TestAWorkspaceIsGoneOrGoing tells what a deletion has come to.
func TestAWorkspaceIsGoneOrGoing(t *testing.T) {
	for answer, going := range map[string]bool{`{"id":"lab","object":"workspace","deleted":true}`: false, `{"id":"lab","object":"workspace","status":"deleting"}`: true} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(answer)) })
		if w, err := c.DeleteWorkspace(t.Context(), "lab", false); err != nil || (w != nil) != going {
			t.Errorf("%s: %+v, %v", answer, w, err)
		}
	}
}
