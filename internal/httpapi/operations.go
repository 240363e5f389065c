package httpapi

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
)

func number(n float64) *float64 { return &n }
func length(n int) *int         { return &n }

func queryParam(name, description string, s *huma.Schema) *huma.Param {
	return &huma.Param{Name: name, In: satchel.InQuery, Description: description, Schema: s}
}

func textSchema() *huma.Schema { return &huma.Schema{Type: huma.TypeString} }

func enumSchema(def string, words ...string) *huma.Schema {
	s := textSchema()
	for _, word := range words {
		s.Enum = append(s.Enum, word)
	}
	if def != "" {
		s.Default = def
	}
	return s
}

func purposeSchema(def string) *huma.Schema {
	s := enumSchema(def)
	for _, p := range satchel.Purposes() {
		s.Enum = append(s.Enum, string(p))
	}
	return s
}

func workspaceSchema() *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Default: "default", MinLength: length(1), MaxLength: length(34), Pattern: "^[a-z0-9]+(?:[-_][a-z0-9]+)*$"}
}

func workspaceParam() *huma.Param {
	return queryParam("workspace", "The workspace in which the file is. With any other the file is not found.", workspaceSchema())
}

func fileParam() *huma.Param {
	return &huma.Param{Name: "file_id", In: satchel.InPath, Required: true, Schema: textSchema(), Example: exampleID, Description: "The file's id"}
}

// headerParams are the headers that every operation with a token understands.
func headerParams() []*huma.Param {
	return []*huma.Param{
		{Name: "X-Activeloop-Org-Id", In: satchel.InHeader, Schema: textSchema(),
			Description: "The organization, by id or name; for an issuer's token also by the issuer's id of it. It must be one of the caller's, and a token of ours speaks for one: any other is 404."},
		{Name: "OpenAI-Organization", In: satchel.InHeader, Schema: textSchema(), Description: "Ignored unless it is the id of an organization of the caller's: SDKs send it from their environment."},
		{Name: "Prefer", In: satchel.InHeader, Schema: textSchema(), Example: "handling=strict",
			Description: "RFC 7240. `handling=strict`: unknown parameters and fields are 422 instead of ignored and named in x-satchel-ignored. `wait=N`, up to 120 seconds, and `respond-async`: whether what starts a run waits for its end."},
	}
}

func (a *API) addFileRoutes() {
	a.documentNullable(schema[api.File](a), "error", "document")
	a.add(a.createRoute())
	a.add(a.listRoute())
	file := jsonResponse("The file", schema[api.File](a), exampleFile())
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "getFile", Method: http.MethodGet, Path: "/files/{file_id}", Tags: []string{"Files"}, Summary: "Get a file",
			Description: "Everything about one file but its content.",
			Parameters:  []*huma.Param{fileParam(), workspaceParam()},
			Responses:   a.responses(file, 400, 401, 403, 404, 422),
		}, answer: a.getFile,
	})
	a.add(a.updateRoute())
	a.add(&route{
		Operation: huma.Operation{
			OperationID: "deleteFile", Method: http.MethodDelete, Path: "/files/{file_id}", Tags: []string{"Files"}, Summary: "Delete a file",
			Description: "The file vanishes from every answer at once; its bytes and rows are gone from the server within a minute.",
			Parameters:  []*huma.Param{fileParam(), workspaceParam()},
			Responses:   a.responses(jsonResponse("The file is gone", schema[api.Deleted](a), &api.Deleted{ID: exampleFile().ID, Object: "file", Deleted: true}), 400, 401, 403, 404, 422, 507),
		}, answer: a.deleteFile,
	})
	a.add(withRedirect(a.contentRoute()))
	a.documentHead(a.contentRoute(), "headFileContent", "Look at a file's content without it")
	for _, method := range []string{http.MethodPatch, http.MethodPut, http.MethodPost} {
		a.add(a.metadataRoute(method))
	}
}

func (a *API) createRoute() *route {
	one, many := schema[api.File](a), schema[api.FileList](a)
	return &route{
		Operation: huma.Operation{
			OperationID: "createFile", Method: http.MethodPost, Path: "/files", Tags: []string{"Files"}, Summary: "Upload files",
			Description: "Takes one file or several, with fields in any order. All files of one request appear together or not at all. " +
				"When the answer comes, bytes and rows are durable; documents are processed after it (`Prefer: wait=N` waits for that, up to N seconds). Unknown fields are ignored and named in x-satchel-ignored.",
			Parameters: []*huma.Param{workspaceParam(), {
				Name: "Idempotency-Key", In: satchel.InHeader, Schema: &huma.Schema{Type: huma.TypeString, MaxLength: length(maxIdempotencyKey), Pattern: "^[ -~]*$"},
				Description: "The same key by the same user with the same content within 24 hours gives the same files again and makes no new ones. With other content it is 409.",
			}},
			RequestBody: &huma.RequestBody{
				Required: true,
				Content: map[string]*huma.MediaType{"multipart/form-data": {
					Schema:   a.uploadSchema(),
					Example:  map[string]any{"file": "(the bytes)", "purpose": "user_data", "metadata": `{"author":"hegel"}`},
					Encoding: map[string]*huma.Encoding{"file": {ContentType: "*/*"}},
				}},
			},
			Responses: a.responses(jsonResponse("The file; for a request with several, a list of them in the order sent", &huma.Schema{OneOf: []*huma.Schema{one, many}}, exampleFile()),
				400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.createFiles,
	}
}

func (a *API) uploadSchema() *huma.Schema {
	limit := "There is no limit to its size."
	if a.maxFile > 0 {
		limit = fmt.Sprintf("At most %d bytes each.", a.maxFile)
	}
	text := func(description string) *huma.Schema {
		return &huma.Schema{Type: huma.TypeString, Description: description}
	}
	purpose := purposeSchema("user_data")
	purpose.Description = "What the file is for"
	workspace := workspaceSchema()
	workspace.Description = "May also stand in the query, with the same value. An unknown one is made."
	return &huma.Schema{
		Type: huma.TypeObject, Required: []string{"file"},
		Properties: map[string]*huma.Schema{
			"file": {Type: huma.TypeString, Format: "binary", Description: fmt.Sprintf(
				"The content, with a file name. Repeat the field (or send `file[]`) for several, up to %d. %s", satchel.MaxFilesPerPost, limit)},
			"purpose": purpose,
			"metadata": text(fmt.Sprintf("A JSON object as a string, or fields such as `metadata[author]`, whose values are strings. "+
				"At most %d bytes, %d levels, %d values; keys of 1 to %d bytes.", satchel.MaxMetadata, satchel.MaxMetadataDepth, satchel.MaxMetadataLeaves, satchel.MaxMetadataKey)),
			"instructions":           text(fmt.Sprintf("How the file is to be processed: what a language model shall find out about it, at most %d bytes. Without a language model the file ends in status error, code model_not_configured, with its instructions kept; it is processed by itself once there is one.", satchel.MaxInstructions)),
			"metadata_schema":        text("A JSON Schema, as a string, that binds what a language model writes into the metadata"),
			"workspace":              workspace,
			"expires_after":          text(`As JSON, instead of the two fields: {"anchor":"created_at","seconds":86400}`),
			"expires_after[anchor]":  enumSchema("", "created_at"),
			"expires_after[seconds]": {Type: huma.TypeInteger, Minimum: number(satchel.MinExpiry.Seconds()), Maximum: number(satchel.MaxExpiry.Seconds())},
		},
		DependentRequired: map[string][]string{"expires_after[anchor]": {"expires_after[seconds]"}, "expires_after[seconds]": {"expires_after[anchor]"}},
	}
}

func (a *API) listRoute() *route {
	order := enumSchema("desc", "asc", "desc")
	limit := &huma.Schema{Type: huma.TypeInteger, Minimum: number(1), Maximum: number(maxPage), Default: maxPage}
	return &route{
		Operation: huma.Operation{
			OperationID: "listFiles", Method: http.MethodGet, Path: "/files", Tags: []string{"Files"}, Summary: "List files",
			Description: "The files of a workspace by creation, a page at a time. Pass the last_id of a page as after to get the next one, while has_more is true.",
			Parameters: []*huma.Param{
				workspaceParam(),
				queryParam("limit", "At most so many. A page may also end after 8 MiB.", limit),
				queryParam("order", "By creation", order),
				queryParam("after", "Start behind this id. It stays valid when its file is deleted.", &huma.Schema{Type: huma.TypeString, Pattern: "^file-[0-9a-v]{25}$"}),
				queryParam("purpose", "Only files of this purpose", purposeSchema("")),
				queryParam("filename", "Only files of exactly this name", textSchema()),
				queryParam("sha256", "Only files with this content: 64 hexadecimal digits", &huma.Schema{Type: huma.TypeString, Pattern: "^[0-9a-fA-F]{64}$"}),
				queryParam("metadata", "Only files whose metadata hold all of this: a JSON object (`{\"author\":\"hegel\"}`: every key equals, objects and arrays by containment, "+
					"a value also matches an array that holds it), or parameters such as `metadata[author]=hegel`, which compare as text.", textSchema()),
			},
			Responses: a.responses(jsonResponse("A page of files", schema[api.FileList](a), exampleList()), 400, 401, 403, 404, 422),
		}, deep: []string{"metadata"}, answer: a.listFiles,
	}
}

func (a *API) updateRoute() *route {
	return &route{
		Operation: huma.Operation{
			OperationID: "updateFile", Method: http.MethodPost, Path: "/files/{file_id}", Tags: []string{"Files"}, Summary: "Rename a file or change its expiry",
			Description: "What is left out stays. `expires_after` counts from the file's creation; null means never.",
			Parameters:  []*huma.Param{fileParam(), workspaceParam()},
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{
				Type: huma.TypeObject,
				Properties: map[string]*huma.Schema{
					"filename": {Type: huma.TypeString, MaxLength: length(satchel.MaxFilename), Pattern: `[^\x00-\x1f\x7f-\x9f/\\][\x00-\x1f\x7f-\x9f]*$`},
					"expires_after": {
						Type: huma.TypeObject, Nullable: true, Required: []string{"anchor", "seconds"}, AdditionalProperties: false,
						Properties: map[string]*huma.Schema{
							"anchor":  enumSchema("", "created_at"),
							"seconds": {Type: huma.TypeInteger, Minimum: number(satchel.MinExpiry.Seconds()), Maximum: number(satchel.MaxExpiry.Seconds())},
						},
					},
				},
				Examples: []any{map[string]any{"filename": "logic-1812.pdf", "expires_after": map[string]any{"anchor": "created_at", "seconds": 86400}}},
			}}}},
			Responses: a.responses(jsonResponse("The file as it is now", schema[api.File](a), exampleFile()), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.updateFile,
	}
}

func (a *API) metadataRoute(method string) *route {
	id := map[string]string{http.MethodPatch: "updateMetadata", http.MethodPut: "putMetadata", http.MethodPost: "postMetadata"}[method]
	patch := &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Examples: []any{map[string]any{"author": "hegel", "draft": nil}}}
	return &route{
		Operation: huma.Operation{
			OperationID: id, Method: method, Path: "/files/{file_id}/metadata", Tags: []string{"Metadata"}, Summary: "Change a file's metadata",
			Description: "A JSON merge patch (RFC 7396): a key with null is removed, keys that are not named stay. PATCH, PUT and POST do the same. " +
				"The key `instructions` is not stored: it is an instruction to update the metadata by AI. The other keys are merged at once; then the answer waits for the AI, up to 30 seconds unless `Prefer: wait=N` or `respond-async` says otherwise, " +
				"and gives the file as it then is, with status processing if that was too short. On a server without a language model it is 422 model_not_configured, and nothing is changed.",
			Parameters: []*huma.Param{fileParam(), workspaceParam(),
				queryParam("replace", "Replace everything instead of merging", enumSchema("false", "false", "true")),
				queryParam("dry_run", "With instructions: change nothing, and show what they would do", enumSchema("false", "false", "true"))},
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/json": {Schema: patch}, "application/merge-patch+json": {Schema: patch},
			}},
			Responses: a.responses(withRunHeader(jsonResponse("The file as it is now; with dry_run what the instructions would do",
				&huma.Schema{OneOf: []*huma.Schema{schema[api.File](a), schema[api.EditPreview](a)}}, exampleFile())), 400, 401, 403, 404, 408, 409, 413, 415, 422, 507),
		}, answer: a.updateMetadata,
	}
}

func (a *API) contentRoute() *route {
	binary := &huma.Schema{Type: huma.TypeString, Format: "binary"}
	whole := &huma.Response{Description: "The bytes", Content: map[string]*huma.MediaType{"*/*": {Schema: binary}}}
	header := func(name, description string) *huma.Param {
		return &huma.Param{Name: name, In: satchel.InHeader, Description: description, Schema: textSchema()}
	}
	rt := &route{
		Operation: huma.Operation{
			OperationID: "getFileContent", Method: http.MethodGet, Path: "/files/{file_id}/content", Tags: []string{"Files"}, Summary: "Download a file",
			Description: "The bytes as they were uploaded, whole or by ranges (RFC 9110). HEAD gives the headers alone.",
			Parameters: []*huma.Param{fileParam(), workspaceParam(), header("Range", "bytes=0-99, or several"), header("If-Range", "The ETag: with another content the whole is sent"),
				header("If-None-Match", "The ETag: 304 if the content is the same"), header("If-Match", "The ETag: 412 if the content is another"),
				header("If-Modified-Since", "304 if the file is not younger"), header("If-Unmodified-Since", "412 if the file is younger")},
			Responses: a.responses(whole, 400, 401, 403, 404, 412, 416, 422),
		}, answer: a.getContent,
	}
	part := &huma.Response{Description: "The ranges asked for", Content: map[string]*huma.MediaType{"*/*": {Schema: binary}}}
	addHeader(part, "Content-Range", "Which part of how many bytes; with several ranges it stands in each part of the body")
	rt.Responses["206"], rt.Responses["304"] = part, &huma.Response{Description: "Not modified"}
	for _, response := range []*huma.Response{whole, part, rt.Responses["304"]} {
		addHeader(response, "ETag", "The SHA-256 of the content")
		addHeader(response, "Content-Disposition", "attachment, with the file's name")
		addHeader(response, "Content-Security-Policy", "That a browser runs nothing of it, if it shows it at all")
		addHeader(response, "Last-Modified", "When the file was created")
		addHeader(response, "Accept-Ranges", "bytes")
	}
	return rt
}

// withRedirect documents that the bytes may be elsewhere.
func withRedirect(rt *route) *route {
	elsewhere := &huma.Response{Description: "The bytes are at this URL, for some minutes, without a token: a server whose bytes are in a bucket can be set up so"}
	addHeader(elsewhere, "Location", "Where to get them")
	rt.Responses["307"] = elsewhere
	return rt
}

// documentHead documents HEAD, which the route of GET answers.
func (a *API) documentHead(get *route, id, summary string) {
	head := route{Operation: get.Operation}
	head.OperationID, head.Method, head.Summary = id, http.MethodHead, summary
	head.Description = "The headers of the download alone."
	a.describe(&head)
}

const exampleID = "file-06h0hf1et000b3kng57qfjsm9"

// exampleFile is a file as a client would see it.
func exampleFile() *api.File {
	return &api.File{
		ID: exampleID, Object: "file", Bytes: 48213, CreatedAt: 1795442880, Filename: "logic.pdf", Purpose: "user_data", Status: "processed",
		OrgID: "org-06h0hf164lphndrrrqm3a7gf1", WorkspaceID: "default", UserID: "user-06h0hf164mqe3d62f984lhg1k",
		Metadata: json.RawMessage(`{"author":"hegel","year":1812}`), SHA256: "492d5ea496056f1a6a6592241032fab764c321596317930b4fa0e1e8bc3b7470",
		ContentType: "application/pdf", UpdatedAt: 1795442880,
	}
}

func exampleList() *api.FileList {
	id := exampleID
	return &api.FileList{Object: "list", Data: []*api.File{exampleFile()}, FirstID: &id, LastID: &id}
}
