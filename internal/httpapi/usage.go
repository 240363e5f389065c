package httpapi

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/tenant"
)

const (
	maxUsageDays     = 366
	defaultUsageDays = 30
)

func (a *API) addUsageRoutes() {
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getUsage", Method: http.MethodGet, Path: "/usage", Tags: []string{"Organizations"}, Summary: "See what is used",
			Description: "For owners and admins: files, bytes and tokens of the organization and of its workspaces, and what they may use.",
			Parameters: append([]*huma.Param{
				orgParam(), queryParam("days", "Tokens of so many days, today included", &huma.Schema{Type: huma.TypeInteger, Minimum: number(1), Maximum: number(maxUsageDays), Default: defaultUsageDays}),
			}, sliceParams()...),
			Responses: a.responses(jsonResponse("What is used", schema[api.OrganizationUsage](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.getUsage,
	})
}

// getUsage answers GET /usage.
func (a *API) getUsage(ctx context.Context, c *call) (any, error) {
	days, page := c.integer("days", 1, maxUsageDays, defaultUsageDays), c.slice()
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	r, err := a.tenant.Usage(ctx, c.caller, c.text("org"), days, page)
	if err != nil {
		return nil, err
	}
	body := &api.OrganizationUsage{
		Object: "usage", OrgID: string(r.Org.ID), Since: r.Since.Unix(), Used: usedBody(r.Total), Quota: quotaBody(r.Org.Quota),
	}
	body.Data, body.FirstID, body.LastID, body.HasMore = listed(r.Parts, page, func(u *tenant.WorkspaceUse) string { return string(u.Workspace) }, workspaceUsageBody)
	return body, nil
}

func workspaceUsageBody(u *tenant.WorkspaceUse) *api.WorkspaceUsage {
	return &api.WorkspaceUsage{WorkspaceID: string(u.Workspace), Used: usedBody(u.Usage), Quota: quotaBody(u.Quota)}
}

func usedBody(u satchel.Usage) api.Used {
	return api.Used{Bytes: u.Bytes, Files: u.Files, TokensToday: usageBody(u.Today), Tokens: usageBody(u.Tokens)}
}
