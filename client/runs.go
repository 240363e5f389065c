package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/satchel-files/satchel/api"
)

// MaxWait is how long the server lets a call wait for the end of a run.
const MaxWait = 120 * time.Second

// preferWait asks the server to wait, in whole seconds; 0 asks it not to.
func (k *call) preferWait(wait time.Duration) {
	if wait <= 0 {
		k.setHeader("Prefer", "respond-async")
		return
	}
	k.setHeader("Prefer", fmt.Sprintf("wait=%d", int((min(wait, MaxWait)+time.Second-1)/time.Second)))
}

// Process has a file read again and its instructions, or new ones, carried out, and gives the file as it is after at most wait.
func (c *Client) Process(ctx context.Context, id string, r api.ProcessRequest, wait time.Duration) (*api.File, error) {
	k := c.fileCall(http.MethodPost, id, "/process")
	k.repeatable = false
	k.preferWait(wait)
	return c.sendJSON(ctx, k, r)
}

// Instruct has a language model update a file's metadata as the instruction says, after the merge patch, nil for none, was applied. It gives the
// file as it is after at most wait: with status processing if that was too short.
func (c *Client) Instruct(ctx context.Context, id, instruction string, patch json.RawMessage, wait time.Duration) (*api.File, error) {
	k, body, err := c.instruction(id, instruction, patch, wait)
	if err != nil {
		return nil, err
	}
	return c.sendJSON(ctx, k, body)
}

// Preview tells what Instruct would do, and changes nothing. After at most wait the run in the answer may still be open: ask for it by Run.
func (c *Client) Preview(ctx context.Context, id, instruction string, patch json.RawMessage, wait time.Duration) (*api.EditPreview, error) {
	k, body, err := c.instruction(id, instruction, patch, wait)
	if err != nil {
		return nil, err
	}
	k.query.Set("dry_run", "true")
	if err := k.setJSON(body); err != nil {
		return nil, err
	}
	var preview api.EditPreview
	if err := c.callJSON(ctx, k, &preview); err != nil {
		return nil, err
	}
	return &preview, nil
}

// instruction is a call that is never repeated: the model may have begun.
func (c *Client) instruction(id, instruction string, patch json.RawMessage, wait time.Duration) (call, map[string]json.RawMessage, error) {
	k := c.fileCall(http.MethodPatch, id, "/metadata")
	k.repeatable = false
	k.preferWait(wait)
	body := map[string]json.RawMessage{}
	if patch != nil {
		if err := json.Unmarshal(patch, &body); err != nil {
			return k, nil, fmt.Errorf("the merge patch is no JSON object: %w", err)
		}
	}
	text, err := json.Marshal(instruction)
	body["instructions"] = text
	return k, body, err
}

// Cancel ends every open run of a file; status 409, code run_over, if there is none.
func (c *Client) Cancel(ctx context.Context, id string) (*api.File, error) {
	k := c.fileCall(http.MethodPost, id, "/cancel")
	k.repeatable = false
	return c.file(ctx, k)
}

// Runs gives a part of a file's runs, newest first, older than the one with the id after (empty: the newest); limit 0 is the server's default.
func (c *Client) Runs(ctx context.Context, id, after string, limit int) (*api.RunList, error) {
	k := c.fileCall(http.MethodGet, id, "/runs")
	setPart(k.query, after, limit)
	var list api.RunList
	return &list, c.callJSON(ctx, k, &list)
}

// Run gives a run of a file as it is after at most wait.
func (c *Client) Run(ctx context.Context, id, run string, wait time.Duration) (*api.Run, error) {
	k := c.fileCall(http.MethodGet, id, "/runs/"+url.PathEscape(run))
	if wait > 0 {
		k.preferWait(wait)
	}
	var answer api.Run
	return &answer, c.callJSON(ctx, k, &answer)
}

// Pages gives a part of the pages of a file's text, those behind the page of the number after (0: from the first), with their text if that is
// wanted; limit 0 is the server's default.
func (c *Client) Pages(ctx context.Context, id string, after, limit int, withText bool) (*api.PageList, error) {
	k := c.fileCall(http.MethodGet, id, "/pages")
	setPart(k.query, strconv.Itoa(after), limit)
	if withText {
		k.query.Set("include", "text")
	}
	var list api.PageList
	return &list, c.callJSON(ctx, k, &list)
}

// Page gives one page of a file's text.
func (c *Client) Page(ctx context.Context, id string, number int) (*api.Page, error) {
	var page api.Page
	return &page, c.callJSON(ctx, c.fileCall(http.MethodGet, id, "/pages/"+strconv.Itoa(number)), &page)
}

// Metadata gives a file's metadata with the source of every key.
func (c *Client) Metadata(ctx context.Context, id string) (*api.MetadataView, error) {
	var view api.MetadataView
	return &view, c.callJSON(ctx, c.fileCall(http.MethodGet, id, "/metadata"), &view)
}

// Versions gives a part of the versions of a file's metadata, newest first, older than the one of the number after (0: the newest); limit 0 is the
// server's default.
func (c *Client) Versions(ctx context.Context, id string, after int64, limit int) (*api.VersionList, error) {
	k := c.fileCall(http.MethodGet, id, "/metadata/versions")
	number := ""
	if after > 0 {
		number = strconv.FormatInt(after, 10)
	}
	setPart(k.query, number, limit)
	var list api.VersionList
	return &list, c.callJSON(ctx, k, &list)
}

// Revert takes back what one version changed; status 409, code nothing_to_revert, if nothing is left of it.
func (c *Client) Revert(ctx context.Context, id string, version int64) (*api.File, error) {
	return c.version(ctx, id, version, "/revert")
}

// Restore makes a file's metadata what they were after a version.
func (c *Client) Restore(ctx context.Context, id string, version int64) (*api.File, error) {
	return c.version(ctx, id, version, "/restore")
}

func (c *Client) version(ctx context.Context, id string, version int64, what string) (*api.File, error) {
	k := c.fileCall(http.MethodPost, id, "/metadata/versions/"+strconv.FormatInt(version, 10)+what)
	k.repeatable = false
	return c.file(ctx, k)
}

func setPart(query url.Values, after string, limit int) {
	setIf(query, "after", after)
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
}
