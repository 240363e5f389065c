package httpapi

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
)

func (a *API) addVersionRoutes() {
	a.documentNullable(schema[api.KeySource](a), "evidence")
	a.documentNullable(schema[api.Version](a), "error")
	versionNumber := &huma.Param{Name: "number", In: satchel.InPath, Required: true, Description: "The version's number", Schema: &huma.Schema{Type: huma.TypeInteger, Minimum: number(1)}}
	file := jsonResponse("The file as it is now", schema[api.File](a), exampleFile())
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getMetadata", Method: http.MethodGet, Path: "/files/{file_id}/metadata", Tags: []string{"Metadata"}, Summary: "Get a file's metadata with their sources",
			Description: "The metadata and, for every top-level key, who wrote its value: a person or which model, when, by which instruction, and where in the text it stands.",
			Parameters:  []*huma.Param{fileParam(), workspaceParam()},
			Responses:   a.responses(jsonResponse("The metadata", schema[api.MetadataView](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.getMetadata,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listVersions", Method: http.MethodGet, Path: "/files/{file_id}/metadata/versions", Tags: []string{"Metadata"}, Summary: "List the versions of a file's metadata",
			Description: "Every change of the metadata, newest first: who, when, why, and what. A failed instruction has a version of its own, which changed nothing.",
			Parameters: append([]*huma.Param{fileParam(), workspaceParam()},
				partParams("Start behind the version of this number, with older ones", &huma.Schema{Type: huma.TypeInteger, Minimum: number(1), Maximum: number(maxNumber)})...),
			Responses: a.responses(jsonResponse("A part of the versions", schema[api.VersionList](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.listVersions,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "revertVersion", Method: http.MethodPost, Path: "/files/{file_id}/metadata/versions/{number}/revert", Tags: []string{"Metadata"}, Summary: "Take back one change",
			Description: "Undoes what that version changed, and nothing else. Keys that were changed since are left alone and named in the header x-satchel-left. 409 nothing_to_revert if nothing remains.",
			Parameters:  []*huma.Param{fileParam(), versionNumber, workspaceParam()},
			Responses:   a.responses(withLeftHeader(file), 400, 401, 403, 404, 408, 409, 422, 507),
		}, answer: a.revertVersion,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "restoreVersion", Method: http.MethodPost, Path: "/files/{file_id}/metadata/versions/{number}/restore", Tags: []string{"Metadata"}, Summary: "Go back to a version",
			Description: "Makes the metadata again what they were after that version, whatever was changed since. 409 nothing_to_revert if they are so already.",
			Parameters:  []*huma.Param{fileParam(), versionNumber, workspaceParam()},
			Responses:   a.responses(jsonResponse("The file as it is now", schema[api.File](a), exampleFile()), 400, 401, 403, 404, 408, 409, 422, 507),
		}, answer: a.restoreVersion,
	})
}

func withLeftHeader(r *huma.Response) *huma.Response {
	addHeader(r, "x-satchel-left", "The keys that were changed since and were left alone, if any")
	return r
}

// getMetadata answers GET /files/{file_id}/metadata.
func (a *API) getMetadata(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	file, sources, err := a.files.Sources(ctx, scope, c.id())
	if err != nil {
		return nil, err
	}
	view := &api.MetadataView{
		Object: "file.metadata", FileID: string(file.ID), Version: file.MetadataVersion,
		Metadata: json.RawMessage(file.Metadata.String()), Sources: map[string]*api.KeySource{},
	}
	for key, version := range sources {
		if view.Sources[key], err = sourceBody(key, version); err != nil {
			return nil, err
		}
	}
	return view, nil
}

func sourceBody(key string, v *satchel.Version) (*api.KeySource, error) {
	evidence, err := evidenceBody(v.Evidence)
	return &api.KeySource{
		Source: sourceOf(v), UserID: string(v.User), Model: textOrNull(v.Model), Instruction: textOrNull(v.Instruction),
		Version: v.Number, At: v.At.Unix(), Evidence: evidence[key],
	}, err
}

func sourceOf(v *satchel.Version) string {
	if v.Model != "" {
		return "ai"
	}
	return "user"
}

func evidenceBody(text string) (map[string]*api.Evidence, error) {
	if text == "" {
		return nil, nil
	}
	var all map[string]*api.Evidence
	err := json.Unmarshal([]byte(text), &all)
	return all, err
}

// listVersions answers GET /files/{file_id}/metadata/versions.
func (a *API) listVersions(ctx context.Context, c *call) (any, error) {
	limit, after := c.integer("limit", 1, maxList, 100), c.integer("after", 1, maxNumber, 0)
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	versions, more, err := a.files.Versions(ctx, scope, c.id(), int64(after), limit)
	if err != nil {
		return nil, err
	}
	list := &api.VersionList{Object: "list", Data: make([]*api.Version, 0, len(versions)), HasMore: more}
	for _, version := range versions {
		body, err := versionBody(c.id(), version)
		if err != nil {
			return nil, err
		}
		list.Data = append(list.Data, body)
	}
	return list, nil
}

func versionBody(file string, v *satchel.Version) (*api.Version, error) {
	evidence, err := evidenceBody(v.Evidence)
	return &api.Version{
		Object: "metadata.version", Number: v.Number, FileID: file, At: v.At.Unix(), Source: sourceOf(v), UserID: string(v.User), Model: textOrNull(v.Model),
		Instruction: textOrNull(v.Instruction), RunID: textOrNull(string(v.Run)), Keys: append([]string{}, v.Keys...), Edit: json.RawMessage(v.Edit),
		Replaces: v.Replace, Evidence: evidence, Reverts: numberOrNull(v.Reverts), Restores: numberOrNull(v.Restores),
		Error: failureBody(v.Failure), Usage: usageBody(v.Tokens),
	}, err
}

func numberOrNull(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// revertVersion answers POST /files/{file_id}/metadata/versions/{number}/revert.
func (a *API) revertVersion(ctx context.Context, c *call) (any, error) {
	scope, number, err := a.enterVersion(ctx, c)
	if err != nil {
		return nil, err
	}
	file, left, err := a.files.Revert(ctx, scope, c.id(), number)
	if err != nil {
		return nil, err
	}
	if names := ignoredNames(left); names != "" {
		c.w.Header().Set("X-Satchel-Left", names)
	}
	return fileBody(file), nil
}

// restoreVersion answers POST /files/{file_id}/metadata/versions/{number}/restore.
func (a *API) restoreVersion(ctx context.Context, c *call) (any, error) {
	scope, number, err := a.enterVersion(ctx, c)
	if err != nil {
		return nil, err
	}
	return oneFile(a.files.Restore(ctx, scope, c.id(), number))
}

func (a *API) enterVersion(ctx context.Context, c *call) (satchel.Scope, int64, error) {
	scope, err := a.enter(ctx, c, satchel.AccessWriter)
	if err != nil {
		return scope, 0, err
	}
	number, err := c.number("Version")
	if err != nil {
		if _, fileErr := a.files.File(ctx, scope, c.id()); fileErr != nil {
			err = fileErr
		}
	}
	return scope, number, err
}
