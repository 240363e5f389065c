package httpapi

import (
	"context"
	"encoding/hex"
	"encoding/json"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/files"
)

const maxPage = 10_000

// listFiles answers GET /files.
func (a *API) listFiles(ctx context.Context, c *call) (any, error) {
	q := c.listQuery()
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	page, err := a.files.List(ctx, scope, q)
	if err != nil {
		return nil, err
	}
	return listBody(page.Files, page.More), nil
}

func (c *call) listQuery() satchel.Query {
	q := satchel.Query{
		Limit:     c.integer("limit", 1, maxPage, maxPage),
		Ascending: c.oneOf("order", "desc", "asc", "desc") == "asc",
		Filename:  c.text("filename"),
		SHA256:    c.sha256(),
		Metadata:  c.conditions(),
	}
	purposes := make([]string, 0, len(satchel.Purposes()))
	for _, p := range satchel.Purposes() {
		purposes = append(purposes, string(p))
	}
	q.Purpose = satchel.Purpose(c.oneOf("purpose", "", purposes...))
	if after := c.text("after"); after != "" {
		id, ok := satchel.ParseFileID(after)
		if !ok {
			c.queryFault(satchel.CodeInvalidValue, "after", "after must be the id of a file, such as the last_id of the page before; %.64q is none", after)
		}
		q.After = id
	}
	return q
}

func (c *call) sha256() *[32]byte {
	text := c.text("sha256")
	if text == "" {
		return nil
	}
	sum, err := hex.DecodeString(text)
	if err != nil || len(sum) != 32 {
		c.queryFault(satchel.CodeInvalidValue, "sha256", "sha256 must be 64 hexadecimal digits")
		return nil
	}
	return (*[32]byte)(sum)
}

// conditions reads the metadata filters: a JSON object, every key of which must match, and metadata[…] parameters, which compare as text.
func (c *call) conditions() []satchel.Condition {
	var all []satchel.Condition
	if text := c.text("metadata"); text != "" {
		filter, err := satchel.ParsePatch([]byte(text))
		if err != nil {
			c.addQueryFaults(files.AsField(err))
			return nil
		}
		all = filter.Conditions()
	}
	for _, name := range sortedKeys(c.query) {
		base, path, ok := bracketed(name)
		if !ok || base != "metadata" {
			continue
		}
		if last := len(path) - 1; path[last] == "" {
			path = path[:last]
		}
		for _, value := range c.query[name] {
			if !absent(value) {
				all = append(all, satchel.Condition{Path: path, Value: value, Text: true})
			}
		}
	}
	if len(all) > maxConditions {
		c.queryFault(satchel.CodeTooMany, "metadata", "a list may have at most %d metadata filters", maxConditions)
	}
	return all
}

// maxConditions bounds the work of one list request.
const maxConditions = 32

func (c *call) addQueryFaults(err error) {
	var found satchel.Faults
	found.Add(err)
	for _, fault := range found {
		fault.In = satchel.InQuery
	}
	c.faults.Add(found.Err())
}

// getFile answers GET /files/{file_id}.
func (a *API) getFile(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	return oneFile(a.files.File(ctx, scope, c.id()))
}

func oneFile(f *satchel.File, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return fileBody(f), nil
}

// updateFile answers POST /files/{file_id}.
func (a *API) updateFile(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessWriter)
	if err != nil {
		return nil, err
	}
	if _, err := a.files.File(ctx, scope, c.id()); err != nil {
		return nil, err
	}
	object, err := c.object("filename", "expires_after")
	if err != nil {
		return nil, err
	}
	update, err := c.parseUpdate(object)
	if err != nil {
		return nil, err
	}
	return oneFile(a.files.Update(ctx, scope, c.id(), update))
}

func (c *call) parseUpdate(object map[string]any) (files.Update, error) {
	faults := c.faults
	update := files.Update{Filename: stringOf(object, "filename", &faults)}
	expiry, given := object["expires_after"]
	switch expiry := expiry.(type) {
	case nil:
		update.Never = given
	case map[string]any:
		parsed, err := parseExpiry(expiry)
		faults.Add(err)
		update.Expiry = &parsed
	default:
		faults.Add(satchel.BodyFault(satchel.CodeInvalidType, "expires_after", nil,
			`expires_after must be an object such as {"anchor": "created_at", "seconds": 86400}, or null: never`))
	}
	faults.AddNew(update.Check())
	return update, faults.Err()
}

// updateMetadata answers PATCH, PUT and POST /files/{file_id}/metadata, which do the same.
func (a *API) updateMetadata(ctx context.Context, c *call) (any, error) {
	update := files.MetadataUpdate{
		Replace: c.oneOf("replace", "false", "true", "false") == "true", DryRun: c.oneOf("dry_run", "false", "true", "false") == "true",
	}
	scope, err := a.enter(ctx, c, satchel.AccessWriter)
	if err != nil {
		return nil, err
	}
	if _, err := a.files.File(ctx, scope, c.id()); err != nil {
		return nil, err
	}
	if err := c.readMetadataUpdate(&update); err != nil {
		return nil, bodyFault(err)
	}
	file, run, err := a.files.UpdateMetadata(ctx, scope, c.id(), update)
	switch {
	case err != nil:
		return nil, bodyFault(err)
	case run == nil:
		return fileBody(file), nil
	case run.DryRun:
		return a.preview(ctx, c, scope, run)
	}
	return a.afterRun(ctx, c, scope, file, run, updateWait)
}

func (c *call) readMetadataUpdate(update *files.MetadataUpdate) error {
	text, err := c.readJSON("application/merge-patch+json")
	if err != nil {
		return err
	}
	var faults satchel.Faults
	update.Patch, err = satchel.ParsePatch(text)
	faults.Add(err)
	update.Instructions, err = files.TakeInstructions(update.Patch)
	faults.Add(err)
	if update.DryRun && update.Instructions == "" && len(faults) == 0 {
		faults.Add(satchel.BodyFault(satchel.CodeMissing, "instructions", nil, "dry_run shows what instructions would do; there are none"))
	}
	return faults.Err()
}

// preview waits for a dry run and shows what it found out so far.
func (a *API) preview(ctx context.Context, c *call, scope satchel.Scope, run *satchel.Run) (any, error) {
	c.w.Header().Set("X-Satchel-Run", string(run.ID))
	scope, run, err := a.waitFor(ctx, c, scope, run, c.waiting(updateWait))
	if err != nil {
		return nil, err
	}
	before, after, err := a.files.Preview(ctx, scope, run)
	if err != nil {
		return nil, err
	}
	body, err := runBody(run)
	return &api.EditPreview{
		Object: "metadata.edit", FileID: c.id(), Run: body, Before: json.RawMessage(before.String()), Metadata: json.RawMessage(after.String()),
	}, err
}

// deleteFile answers DELETE /files/{file_id}.
func (a *API) deleteFile(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessWriter)
	if err != nil {
		return nil, err
	}
	if err := a.files.Delete(ctx, scope, c.id()); err != nil {
		return nil, err
	}
	return &api.Deleted{ID: c.id(), Object: "file", Deleted: true}, nil
}
