package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/files"
)

// maxList bounds the lists of what belongs to one file.
const maxList = 1000

func (a *API) addRunRoutes() {
	run := jsonResponse("The run", schema[api.Run](a), exampleRun())
	runID := &huma.Param{Name: "run_id", In: satchel.InPath, Required: true, Schema: textSchema(), Example: exampleRun().ID, Description: "The run's id"}
	file := jsonResponse("The file as it is now", schema[api.File](a), exampleFile())
	a.documentNullable(schema[api.Run](a), "error", "edit")
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "processFile", Method: http.MethodPost, Path: "/files/{file_id}/process", Tags: []string{"Processing"}, Summary: "Process a file again",
			Description: "Reads the document anew and carries out its instructions, or new ones, which stay with the file. Metadata that a person set last are not overwritten. " +
				"`Prefer: wait=N` waits up to N seconds for the end; without it the answer comes at once. The header x-satchel-run names the run.",
			Parameters: []*huma.Param{fileParam(), workspaceParam()},
			RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {
				Schema: a.processSchema(), Example: map[string]any{"instructions": "Find the author and the year of publication."},
			}}},
			Responses: a.responses(withRunHeader(file), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.processFile,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "cancelFile", Method: http.MethodPost, Path: "/files/{file_id}/cancel", Tags: []string{"Processing"}, Summary: "Stop the processing of a file",
			Description: "Ends every open run of the file. The file has its former status again; one that was never processed has status error, code cancelled. 409 run_over if nothing is being done.",
			Parameters:  []*huma.Param{fileParam(), workspaceParam()},
			Responses:   a.responses(jsonResponse("The file as it is now", schema[api.File](a), exampleFile()), 400, 401, 403, 404, 408, 409, 422, 507),
		}, answer: a.cancelFile,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "listRuns", Method: http.MethodGet, Path: "/files/{file_id}/runs", Tags: []string{"Processing"}, Summary: "List the runs of a file",
			Description: "What was and is done with the file, newest first. The edit of each is in the run itself.",
			Parameters:  append([]*huma.Param{fileParam(), workspaceParam()}, partParams("Start behind this run, with older ones", textSchema())...),
			Responses:   a.responses(jsonResponse("A part of the runs", schema[api.RunList](a), nil), 400, 401, 403, 404, 422),
		}, answer: a.listRuns,
	})
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getRun", Method: http.MethodGet, Path: "/files/{file_id}/runs/{run_id}", Tags: []string{"Processing"}, Summary: "Get a run",
			Description: "How far a run is, what it came to, and what it cost. `Prefer: wait=N` waits up to N seconds for its end.",
			Parameters:  []*huma.Param{fileParam(), runID, workspaceParam()},
			Responses:   a.responses(run, 400, 401, 403, 404, 422),
		}, answer: a.getRun,
	})
}

// partParams are the parameters of a list of what belongs to one file.
func partParams(after string, s *huma.Schema) []*huma.Param {
	limit := &huma.Schema{Type: huma.TypeInteger, Minimum: number(1), Maximum: number(maxList), Default: 100}
	return []*huma.Param{queryParam("limit", "At most so many", limit), queryParam("after", after, s)}
}

// withRunHeader documents the header that names a run.
func withRunHeader(r *huma.Response) *huma.Response {
	addHeader(r, "x-satchel-run", "The id of the run that was started")
	return r
}

func (a *API) processSchema() *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{
		"instructions":    {Type: huma.TypeString, Nullable: true, MaxLength: length(satchel.MaxInstructions), Description: "In the place of the file's own, and kept with it; empty: none"},
		"metadata_schema": {Description: "A JSON Schema, as an object or as a string, in the place of the file's own; an empty string: none"},
	}}
}

// processFile answers POST /files/{file_id}/process.
func (a *API) processFile(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessWriter)
	if err != nil {
		return nil, err
	}
	if _, err := a.files.File(ctx, scope, c.id()); err != nil {
		return nil, err
	}
	request, err := c.parseProcess()
	if err != nil {
		return nil, err
	}
	file, run, err := a.files.Process(ctx, scope, c.id(), request)
	if err != nil {
		return nil, err
	}
	return a.afterRun(ctx, c, scope, file, run, 0)
}

// afterRun names the run, waits for it as the client wants, and gives the file as it then is.
func (a *API) afterRun(ctx context.Context, c *call, scope satchel.Scope, file *satchel.File, run *satchel.Run, def time.Duration) (any, error) {
	c.w.Header().Set("X-Satchel-Run", string(run.ID))
	within := c.waiting(def)
	if within == 0 {
		return fileBody(file), nil
	}
	scope, _, err := a.waitFor(ctx, c, scope, run, within)
	if err != nil {
		return nil, err
	}
	return oneFile(a.files.File(ctx, scope, c.id()))
}

// parseProcess reads the body, which may be left out.
func (c *call) parseProcess() (files.Request, error) {
	var request files.Request
	if c.r.ContentLength == 0 || c.r.Body == http.NoBody {
		return request, nil
	}
	object, err := c.object("instructions", "metadata_schema")
	if errors.Is(err, errEmptyBody) {
		return request, nil // in chunks, of which there are none
	}
	if err != nil {
		return request, err
	}
	faults := c.faults
	if object["instructions"] != nil {
		request.Instructions = stringOf(object, "instructions", &faults)
	}
	switch value := object["metadata_schema"].(type) {
	case nil:
	case string:
		request.Schema = &value
	case map[string]any:
		text := satchel.CanonicalJSON(value)
		request.Schema = &text
	default:
		faults.Add(satchel.BodyFault(satchel.CodeInvalidType, "metadata_schema", nil, "metadata_schema must be a JSON Schema, as an object or as a string"))
	}
	faults.AddNew(request.Check())
	return request, faults.Err()
}

// cancelFile answers POST /files/{file_id}/cancel.
func (a *API) cancelFile(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessWriter)
	if err != nil {
		return nil, err
	}
	return oneFile(a.files.Cancel(ctx, scope, c.id()))
}

// listRuns answers GET /files/{file_id}/runs.
func (a *API) listRuns(ctx context.Context, c *call) (any, error) {
	limit, after := c.integer("limit", 1, maxList, 100), c.text("after")
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	runs, more, err := a.files.Runs(ctx, scope, c.id(), after, limit)
	if err != nil {
		return nil, err
	}
	list := &api.RunList{Object: "list", Data: make([]*api.Run, 0, len(runs)), HasMore: more}
	for _, run := range runs {
		body, err := runBody(run)
		if err != nil {
			return nil, err
		}
		list.Data = append(list.Data, body)
	}
	if len(runs) > 0 {
		list.FirstID, list.LastID = &list.Data[0].ID, &list.Data[len(runs)-1].ID
	}
	return list, nil
}

// getRun answers GET /files/{file_id}/runs/{run_id}.
func (a *API) getRun(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	run, err := a.files.Run(ctx, scope, c.id(), c.r.PathValue("run_id"))
	if err != nil {
		return nil, err
	}
	if within := c.waiting(0); within > 0 {
		if _, run, err = a.waitFor(ctx, c, scope, run, within); err != nil {
			return nil, err
		}
	}
	return runBody(run)
}

func runBody(run *satchel.Run) (*api.Run, error) {
	body := &api.Run{
		ID: string(run.ID), Object: "run", FileID: string(run.File), UserID: string(run.User), Kind: string(run.Kind), Status: string(run.State),
		Step: string(run.Step), Details: textOrNull(run.Details), Instructions: textOrNull(run.Instructions), DryRun: run.DryRun,
		Error: failureBody(run.Failure), Usage: usageBody(run.Tokens), CreatedAt: run.CreatedAt.Unix(), EndedAt: unixOrNull(run.EndedAt),
	}
	result, err := files.ResultOf(run)
	if err != nil || result == nil {
		return body, err
	}
	body.Edit, err = editBody(result.Edit)
	body.Evidence, body.Notes, body.Model = result.Evidence, result.Notes, textOrNull(result.Model)
	return body, err
}

func usageBody(t satchel.Tokens) api.Usage {
	return api.Usage{InputTokens: t.Input, OutputTokens: t.Output, TotalTokens: t.Total()}
}

func editBody(e satchel.Edit) (*api.Edit, error) {
	var body api.Edit
	err := json.Unmarshal([]byte(e.String()), &body)
	return &body, err
}

// documentNullable says of properties what their types cannot: a reference is made nullable by no tag.
func (a *API) documentNullable(ref *huma.Schema, names ...string) {
	s := a.document.Components.Schemas.SchemaFromRef(ref.Ref)
	for _, name := range names {
		p := s.Properties[name]
		if len(p.OneOf) == 0 {
			s.Properties[name] = &huma.Schema{Description: p.Description, OneOf: []*huma.Schema{p, {Type: "null"}}}
		}
		s.Required = slices.DeleteFunc(s.Required, func(required string) bool { return required == name && p.Type == "" && p.Ref == "" })
	}
}

func exampleRun() *api.Run {
	ended, model, instructions := int64(1795442889), "local", "Find the author and the year of publication."
	return &api.Run{
		ID: "run-06h0hf1et100b3kng57qfjsm9", Object: "run", FileID: exampleID, UserID: "user-06h0hf164mqe3d62f984lhg1k", Kind: "process", Status: "succeeded",
		Step: "instruct", Instructions: &instructions, Model: &model,
		Edit:     &api.Edit{Set: map[string]json.RawMessage{"author": json.RawMessage(`"G. W. F. Hegel"`), "year": json.RawMessage("1812")}},
		Evidence: map[string]json.RawMessage{"year": json.RawMessage(`{"page":1,"quote":"Nürnberg 1812"}`)},
		Usage:    api.Usage{InputTokens: 2210, OutputTokens: 41, TotalTokens: 2251}, CreatedAt: 1795442880, EndedAt: &ended,
	}
}
