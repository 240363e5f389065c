package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"

	"github.com/satchel-files/satchel/api"
)

// ListOptions say which files of the workspace are wanted. The zero value is all of them, newest first.
type ListOptions struct {
	After    string // id of the last file of the page before
	Limit    int    // files a page, 1 to 10,000; 0: the server's default
	Order    string // "asc" or "desc" by creation; empty: "desc"
	Purpose  string
	Filename string          // exact
	SHA256   string          // of the content, in hexadecimal
	Metadata json.RawMessage // a JSON object, all of which must be found in the file's metadata
	// MetadataText are conditions that compare as text: the key "author" or, for nested ones, "pub[city]".
	MetadataText map[string]string
}

func (o ListOptions) addTo(query url.Values) {
	setIf(query, "after", o.After)
	setIf(query, "order", o.Order)
	setIf(query, "purpose", o.Purpose)
	setIf(query, "filename", o.Filename)
	setIf(query, "sha256", o.SHA256)
	setIf(query, "metadata", string(o.Metadata))
	if o.Limit != 0 {
		query.Set("limit", strconv.Itoa(o.Limit))
	}
	for key, value := range o.MetadataText {
		query.Set(bracketed(key), value)
	}
}

// bracketed gives the parameter's name for a key of the metadata: metadata[author], metadata[pub][city].
func bracketed(key string) string {
	for i, r := range key {
		if r == '[' && i > 0 {
			return "metadata[" + key[:i] + "]" + key[i:]
		}
	}
	return "metadata[" + key + "]"
}

// List gives one page of files.
func (c *Client) List(ctx context.Context, o ListOptions) (*api.FileList, error) {
	k := call{method: http.MethodGet, path: "/files", query: c.inWorkspace(), repeatable: true}
	o.addTo(k.query)
	var page api.FileList
	if err := c.callJSON(ctx, k, &page); err != nil {
		return nil, err
	}
	return &page, nil
}

// Files walks over all files that the options ask for, page by page; the options' Limit is the size of a page. After an error,
// which comes with a nil file, the walk is over.
func (c *Client) Files(ctx context.Context, o ListOptions) iter.Seq2[*api.File, error] {
	return walk(o.After, func(after string) ([]*api.File, *string, bool, error) {
		o.After = after
		page, err := c.List(ctx, o)
		if err != nil {
			return nil, nil, false, err
		}
		return page.Data, page.LastID, page.HasMore, nil
	})
}

// walk goes over the items of a list behind an id (empty: all), page by page: page gives those of one, its last id, and whether more follow.
func walk[T any](after string, page func(after string) (items []*T, last *string, more bool, err error)) iter.Seq2[*T, error] {
	return func(yield func(*T, error) bool) {
		for after := after; ; {
			items, last, more, err := page(after)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
			if !more || last == nil {
				return
			}
			after = *last
		}
	}
}

// Get gives the file with the id.
func (c *Client) Get(ctx context.Context, id string) (*api.File, error) {
	return c.file(ctx, c.fileCall(http.MethodGet, id, ""))
}

// Update changes name and expiry.
func (c *Client) Update(ctx context.Context, id string, u api.FileUpdate) (*api.File, error) {
	return c.sendJSON(ctx, c.fileCall(http.MethodPost, id, ""), u)
}

// NeverExpire takes the file's expiry away.
func (c *Client) NeverExpire(ctx context.Context, id string) (*api.File, error) {
	return c.sendJSON(ctx, c.fileCall(http.MethodPost, id, ""), map[string]any{"expires_after": nil})
}

// PatchMetadata applies a JSON merge patch (RFC 7396): a key with null is removed, keys not named stay. The key "instructions" is
// not stored: it asks the AI for an update; such a call is never repeated.
func (c *Client) PatchMetadata(ctx context.Context, id string, patch json.RawMessage) (*api.File, error) {
	return c.metadata(ctx, c.fileCall(http.MethodPatch, id, "/metadata"), patch)
}

// ReplaceMetadata puts the JSON object in the place of everything that was there.
func (c *Client) ReplaceMetadata(ctx context.Context, id string, object json.RawMessage) (*api.File, error) {
	k := c.fileCall(http.MethodPut, id, "/metadata")
	k.query.Set("replace", "true")
	return c.metadata(ctx, k, object)
}

func (c *Client) metadata(ctx context.Context, k call, object json.RawMessage) (*api.File, error) {
	var keys struct {
		Instructions json.RawMessage `json:"instructions"`
	}
	_ = json.Unmarshal(object, &keys) // the server says what is wrong with it
	k.repeatable = keys.Instructions == nil
	return c.sendJSON(ctx, k, object)
}

// Delete removes the file.
func (c *Client) Delete(ctx context.Context, id string) error {
	var answer api.Deleted
	return c.callJSON(ctx, c.fileCall(http.MethodDelete, id, ""), &answer)
}

// fileCall is a repeatable call on one file; what follows its id stands in below.
func (c *Client) fileCall(method, id, below string) call {
	return call{method: method, path: "/files/" + url.PathEscape(id) + below, query: c.inWorkspace(), repeatable: true}
}

func (c *Client) sendJSON(ctx context.Context, k call, value any) (*api.File, error) {
	if err := k.setJSON(value); err != nil {
		return nil, err
	}
	return c.file(ctx, k)
}

func (c *Client) file(ctx context.Context, k call) (*api.File, error) {
	var file api.File
	if err := c.callJSON(ctx, k, &file); err != nil {
		return nil, err
	}
	return &file, nil
}

func (k *call) setJSON(value any) error {
	text, err := json.Marshal(value)
	k.body = jsonBody(text)
	k.setHeader("Content-Type", "application/json")
	return err
}

func (k *call) setHeader(name, value string) {
	if k.header == nil {
		k.header = http.Header{}
	}
	k.header.Set(name, value)
}
