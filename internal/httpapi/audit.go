package httpapi

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/tenant"
)

const (
	jsonLines     = "application/x-ndjson"
	auditPageSize = 1000 // entries that are read at once for JSON lines
)

func (a *API) addAuditRoutes() {
	list := jsonResponse("A page of entries", schema[api.AuditList](a), &api.AuditList{Object: "list", Data: []*api.AuditEntry{exampleAudit()}})
	list.Content[jsonLines] = &huma.MediaType{Schema: textSchema()}
	moment := func(name, description string) *huma.Param {
		return queryParam(name, description, &huma.Schema{Type: huma.TypeInteger, Minimum: number(0), Maximum: number(maxUnixSeconds)})
	}
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listAudit", Method: http.MethodGet, Path: "/audit", Tags: []string{"Audit"}, Summary: "List who did what",
			Description: "For owners and admins: every change in the organization, and what was refused with 401, 403 or 429, newest first. Refused attempts are summed by who and what, and written every few seconds. " +
				"With `Accept: application/x-ndjson`, or `format=jsonl`, all that match come as JSON lines, without pages.",
			Parameters: append([]*huma.Param{
				orgParam(), queryParam("installation", "For operators: what belongs to no organization, such as attempts without a good token", enumSchema("false", "true", "false")),
				queryParam("user", "Only of this user: name or id; `me` is whoever asks", textSchema()), queryParam("action", "Only this operation, such as deleteFile, or what the server does by itself: expireFile, clearWorkspace", a.actions),
				queryParam("object", "Only about the thing with this id, such as a file", textSchema()), moment("since", "Unix seconds: then or later"), moment("until", "Unix seconds: before then"),
				queryParam("format", "jsonl: JSON lines", enumSchema("json", "json", "jsonl")),
			}, partParams("Start behind this entry, with older ones", &huma.Schema{Type: huma.TypeString, Pattern: "^aud-[0-9a-v]{25}$"})...),
			Responses: a.responses(list, 400, 401, 403, 404, 422),
		}, answer: a.listAudit,
	})
}

// listAudit answers GET /audit.
func (a *API) listAudit(ctx context.Context, c *call) (any, error) {
	request, page := a.parseAudit(c), c.slice()
	lines := c.oneOf("format", "json", "json", "jsonl") == "jsonl" || c.text("format") == "" && accepts(c.r.Header, jsonLines)
	if err := c.faults.Err(); err != nil {
		return nil, err
	}
	if lines {
		most := 0
		if c.text("limit") != "" {
			most = page.Limit - 1
		}
		return nil, a.sendAudit(ctx, c, request, most)
	}
	request.Limit = page.Limit
	entries, err := a.tenant.Audit(ctx, c.caller, request)
	if err != nil {
		return nil, err
	}
	list := &api.AuditList{Object: "list"}
	list.Data, list.FirstID, list.LastID, list.HasMore = listed(entries, page, func(e *tenant.NamedEntry) string { return string(e.ID) }, auditBody)
	return list, nil
}

func (a *API) parseAudit(c *call) tenant.AuditRequest {
	r := tenant.AuditRequest{Org: c.text("org"), User: c.text("user"), Installation: c.oneOf("installation", "false", "true", "false") == "true"}
	r.Action, r.Object, r.Since, r.Until = c.text("action"), c.text("object"), c.moment("since"), c.moment("until")
	if r.Action != "" && !slices.Contains(a.actions.Enum, any(r.Action)) {
		c.queryFault(satchel.CodeInvalidValue, "action", "action must be the name of an operation, such as deleteFile; %.64q is none", r.Action)
	}
	if r.Installation && r.Org != "" {
		c.queryFault(satchel.CodeContradiction, "installation", "give either org or installation")
	}
	if after := c.text("after"); after != "" {
		id, ok := satchel.ParseAuditID(after)
		if !ok {
			c.queryFault(satchel.CodeInvalidValue, "after", "after must be the id of an entry, such as %s", exampleAudit().ID)
		}
		r.Before = id
	}
	return r
}

// moment gives a query parameter that is a time in Unix seconds; the zero time when it is absent.
func (c *call) moment(name string) time.Time {
	if seconds := c.integer(name, 0, maxUnixSeconds, 0); seconds > 0 {
		return time.Unix(int64(seconds), 0)
	}
	return time.Time{}
}

// accepts reports whether a client names a media type among those that it wants.
func accepts(h http.Header, mediaType string) bool {
	for _, line := range h.Values("Accept") {
		for want := range strings.SplitSeq(line, ",") {
			want, _, _ = strings.Cut(want, ";")
			if strings.EqualFold(strings.TrimSpace(want), mediaType) {
				return true
			}
		}
	}
	return false
}

// sendAudit writes entries as JSON lines, a page after the other, at most so many; 0: all. A client that is gone needs no more of them; one that is
// there must not take a part for the whole.
func (a *API) sendAudit(ctx context.Context, c *call, r tenant.AuditRequest, most int) error {
	sent, began := 0, false
	for {
		r.Limit = auditPageSize
		if most > 0 {
			r.Limit = min(r.Limit, most-sent)
		}
		entries, err := a.tenant.Audit(ctx, c.caller, r)
		if err != nil && !began {
			return err
		}
		if err != nil {
			a.logFailure(c.r, http.StatusInternalServerError, err)
			panic(http.ErrAbortHandler)
		}
		if !began {
			c.addReplyHeaders()
			c.beginLines()
			began = true
		}
		if sent += len(entries); !c.sendLines(entries) || len(entries) < r.Limit || sent == most {
			return nil
		}
		r.Before = entries[len(entries)-1].ID
	}
}

func (c *call) beginLines() {
	h := c.w.Header()
	h.Set("Content-Type", jsonLines)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.w.WriteHeader(http.StatusOK)
}

// sendLines reports whether the client still reads.
func (c *call) sendLines(entries []tenant.NamedEntry) bool {
	var lines bytes.Buffer
	encoder := json.NewEncoder(&lines)
	encoder.SetEscapeHTML(false)
	for i := range entries {
		_ = encoder.Encode(auditBody(&entries[i])) // our types always encode
	}
	_, err := c.w.Write(lines.Bytes())
	return err == nil
}

func auditBody(e *tenant.NamedEntry) *api.AuditEntry {
	body := &api.AuditEntry{
		ID: string(e.ID), Object: "audit.entry", CreatedAt: e.At().Unix(), OrgID: textOrNull(string(e.Org)), UserID: textOrNull(string(e.User)),
		UserName: textOrNull(e.UserName), TokenID: textOrNull(string(e.Token)), Address: textOrNull(e.Address), RequestID: textOrNull(e.Request),
		Action: e.Action, ObjectID: textOrNull(e.Object), LastID: textOrNull(e.Last), Workspace: textOrNull(string(e.Workspace)),
		Outcome: "done", Count: e.Count, FirstAt: unixOrNull(e.FirstAt), LastAt: unixOrNull(e.LastAt),
	}
	if e.Code != "" {
		body.Outcome = string(e.Code)
	}
	if body.Details = json.RawMessage("{}"); e.Details != "" {
		body.Details = json.RawMessage(e.Details)
	}
	return body
}

func exampleAudit() *api.AuditEntry {
	text := func(s string) *string { return &s }
	return &api.AuditEntry{
		ID: "aud-06h0hf164lphndrrrqm3a7gf1", Object: "audit.entry", CreatedAt: 1795442880, OrgID: text("org-06h0hf164lphndrrrqm3a7gf1"),
		UserID: text("user-06h0hf164mqe3d62f984lhg1k"), UserName: text("ada"), TokenID: text("tok-06h0hf1gcqvrpuso8cghph9mr"), Address: text("192.0.2.7"),
		RequestID: text("req-06h0hf164lphndrrrqm3a7gf1"), Action: "updateMetadata", ObjectID: text(exampleID), Workspace: text("default"), Outcome: "done",
		Count: 1, Details: json.RawMessage(`{"keys":["author"],"version":2}`),
	}
}
