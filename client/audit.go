package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/satchel-files/satchel/api"
)

// AuditOptions say which entries of the audit are wanted. What is empty or zero is no condition.
type AuditOptions struct {
	Org          string    // name or id; empty: the caller's own
	Installation bool      // what belongs to no organization; for operators
	User         string    // name or id
	Action       string    // the operation's id in the OpenAPI document, such as deleteFile
	Object       string    // the id of what was changed
	Since        time.Time // then or later, to the second
	Until        time.Time // before then
	After        string    // behind this entry, with older ones
	Limit        int       // of a page; 0: the server's default
}

func (o AuditOptions) query() url.Values {
	query := url.Values{}
	setIf(query, "org", o.Org)
	setIf(query, "user", o.User)
	setIf(query, "action", o.Action)
	setIf(query, "object", o.Object)
	setIf(query, "after", o.After)
	if o.Installation {
		query.Set("installation", "true")
	}
	for name, at := range map[string]time.Time{"since": o.Since, "until": o.Until} {
		if !at.IsZero() {
			query.Set(name, strconv.FormatInt(at.Unix(), 10))
		}
	}
	if o.Limit != 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	return query
}

// Audit gives one page of the audit, newest first. It is for owners and admins.
func (c *Client) Audit(ctx context.Context, o AuditOptions) (*api.AuditList, error) {
	var page api.AuditList
	k := call{method: http.MethodGet, path: "/audit", query: o.query(), repeatable: true}
	if err := c.callJSON(ctx, k, &page); err != nil {
		return nil, err
	}
	return &page, nil
}

// AuditEntries walks over all entries that the options ask for, newest first, page by page; the options' Limit is the size of a page. After an error,
// which comes with a nil entry, the walk is over.
func (c *Client) AuditEntries(ctx context.Context, o AuditOptions) iter.Seq2[*api.AuditEntry, error] {
	return walk(o.After, func(after string) ([]*api.AuditEntry, *string, bool, error) {
		o.After = after
		page, err := c.Audit(ctx, o)
		if err != nil {
			return nil, nil, false, err
		}
		return page.Data, page.LastID, page.HasMore, nil
	})
}
