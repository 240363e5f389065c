package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
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

// Started is a run that a call has started.
type Started struct {
	File *api.File // as it was when the call was answered
	Run  string    // the run's id: Client.Run tells how it is, and how it ended
}

// Process has a file read again and its instructions, or new ones, carried out, and gives the file as it is after at most wait. Such a call is
// never repeated.
func (c *Client) Process(ctx context.Context, id string, r api.ProcessRequest, wait time.Duration) (*Started, error) {
	k := c.fileCall(http.MethodPost, id, "/process")
	k.preferWait(wait)
	return c.start(ctx, k, r)
}

// Instruct has a language model update a file's metadata as the instruction says, after the merge patch, nil for none, was applied. It gives the
// file as it is after at most wait: with status processing if that was too short. An instruction that failed leaves the file as it was, with the
// reason in status_details and in the run. Such a call is never repeated.
func (c *Client) Instruct(ctx context.Context, id, instruction string, patch json.RawMessage, wait time.Duration) (*Started, error) {
	k, body, err := c.instruction(id, instruction, patch, wait)
	if err != nil {
		return nil, err
	}
	return c.start(ctx, k, body)
}

// start sends a call that starts a run. It is never repeated, for the run may have begun.
func (c *Client) start(ctx context.Context, k call, body any) (*Started, error) {
	k.repeatable = false
	if err := k.setJSON(body); err != nil {
		return nil, err
	}
	var file api.File
	header, err := c.callHeader(ctx, k, &file)
	if err != nil {
		return nil, err
	}
	return &Started{File: &file, Run: header.Get("X-Satchel-Run")}, nil
}

// Preview tells what Instruct would do, and changes nothing. After at most wait the run in the answer may still be open: ask for it by Run. Such a
// call is never repeated.
func (c *Client) Preview(ctx context.Context, id, instruction string, patch json.RawMessage, wait time.Duration) (*api.EditPreview, error) {
	k, body, err := c.instruction(id, instruction, patch, wait)
	if err != nil {
		return nil, err
	}
	k.query.Set("dry_run", "true")
	if err := k.setJSON(body); err != nil {
		return nil, err
	}
	return answerOf[api.EditPreview](ctx, c, k)
}

// instruction is a call that hands in an instruction, and its body. It is never repeated: the model may have begun.
func (c *Client) instruction(id, instruction string, patch json.RawMessage, wait time.Duration) (call, map[string]json.RawMessage, error) {
	k := c.fileCall(http.MethodPatch, id, "/metadata")
	k.repeatable = false
	k.preferWait(wait)
	body := map[string]json.RawMessage{}
	if patch != nil {
		if err := json.Unmarshal(patch, &body); err != nil {
			return k, nil, fmt.Errorf("the merge patch is no JSON object: %w", err)
		}
		if body == nil {
			return k, nil, errors.New("the merge patch is null, not a JSON object")
		}
	}
	text, err := json.Marshal(instruction)
	body["instructions"] = text
	return k, body, err
}

// The pauses between two looks of WaitForProcessing.
const (
	firstPause = 100 * time.Millisecond
	lastPause  = 2 * time.Second
)

// WaitForProcessing looks at a file until its processing is over, and gives it as it is then: with status processed, or error. The name is
// that of the OpenAI SDKs. The context bounds the time.
func (c *Client) WaitForProcessing(ctx context.Context, id string) (*api.File, error) {
	for pause := firstPause; ; pause = min(pause*3/2, lastPause) {
		file, err := c.Get(ctx, id)
		if err != nil || file.Status == "processed" || file.Status == "error" {
			return file, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(pause):
		}
	}
}

// Cancel ends every open run of a file; status 409, code run_over, if there is none. Such a call is never repeated.
func (c *Client) Cancel(ctx context.Context, id string) (*api.File, error) {
	k := c.fileCall(http.MethodPost, id, "/cancel")
	k.repeatable = false
	return c.file(ctx, k)
}

// Runs gives a part of a file's runs, newest first, older than the one with the id after (empty: the newest); limit 0 is the server's default.
func (c *Client) Runs(ctx context.Context, id, after string, limit int) (*api.RunList, error) {
	k := c.fileCall(http.MethodGet, id, "/runs")
	setPart(k.query, after, limit)
	return answerOf[api.RunList](ctx, c, k)
}

// Run gives a run of a file as it is after at most wait.
func (c *Client) Run(ctx context.Context, id, run string, wait time.Duration) (*api.Run, error) {
	k := c.fileCall(http.MethodGet, id, "/runs/"+url.PathEscape(run))
	if wait > 0 {
		k.preferWait(wait)
	}
	return answerOf[api.Run](ctx, c, k)
}

// Pages gives a part of the pages of a file's text, those behind the page of the number after (0: from the first), with their text if that is
// wanted; limit 0 is the server's default.
func (c *Client) Pages(ctx context.Context, id string, after, limit int, withText bool) (*api.PageList, error) {
	k := c.fileCall(http.MethodGet, id, "/pages")
	setPart(k.query, strconv.Itoa(after), limit)
	if withText {
		k.query.Set("include", "text")
	}
	return answerOf[api.PageList](ctx, c, k)
}

// Page gives one page of a file's text.
func (c *Client) Page(ctx context.Context, id string, number int) (*api.Page, error) {
	return answerOf[api.Page](ctx, c, c.fileCall(http.MethodGet, id, "/pages/"+strconv.Itoa(number)))
}

// Metadata gives a file's metadata with the source of every key.
func (c *Client) Metadata(ctx context.Context, id string) (*api.MetadataView, error) {
	return answerOf[api.MetadataView](ctx, c, c.fileCall(http.MethodGet, id, "/metadata"))
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
	return answerOf[api.VersionList](ctx, c, k)
}

// Revert takes back what one version changed. Of its top-level keys those that were changed since are left alone, and named; status 409, code
// nothing_to_revert, if nothing remains. Such a call is never repeated.
func (c *Client) Revert(ctx context.Context, id string, version int64) (file *api.File, left []string, err error) {
	file = &api.File{}
	header, err := c.callHeader(ctx, c.versionCall(id, version, "/revert"), file)
	if err != nil {
		return nil, nil, err
	}
	return file, keysIn(header.Get("X-Satchel-Left")), nil
}

// keysIn reads a header that names keys, each as it would stand in a query; behind the last one may stand how many more there are.
func keysIn(header string) []string {
	if header == "" {
		return nil
	}
	keys := strings.Split(header, ", ")
	for i, key := range keys {
		if text, err := url.QueryUnescape(key); err == nil {
			keys[i] = text
		}
	}
	return keys
}

// Restore makes a file's metadata what they were after a version; status 409, code nothing_to_revert, if they are so already. Such a call is never
// repeated.
func (c *Client) Restore(ctx context.Context, id string, version int64) (*api.File, error) {
	return c.file(ctx, c.versionCall(id, version, "/restore"))
}

func (c *Client) versionCall(id string, version int64, what string) call {
	k := c.fileCall(http.MethodPost, id, "/metadata/versions/"+strconv.FormatInt(version, 10)+what)
	k.repeatable = false
	return k
}

func setPart(query url.Values, after string, limit int) {
	setIf(query, "after", after)
	if limit > 0 {
		query.Set("limit", strconv.Itoa(limit))
	}
}

// answerOf sends a call and gives its answer; nil beside an error.
func answerOf[T any](ctx context.Context, c *Client, k call) (*T, error) {
	var answer T
	if err := c.callJSON(ctx, k, &answer); err != nil {
		return nil, err
	}
	return &answer, nil
}
