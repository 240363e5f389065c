package api

import "encoding/json"

// WorkspaceSettings are what holds for the files of a workspace.
type WorkspaceSettings struct {
	AI             bool            `json:"ai" doc:"false: no document of the workspace goes to a language model"`
	Instructions   *string         `json:"instructions" nullable:"true" doc:"For uploads that bring none and are documents to be processed"`
	MetadataSchema json.RawMessage `json:"metadata_schema" doc:"A JSON Schema for uploads that bring none, or null"`
	ExpiresAfter   *ExpiresAfter   `json:"expires_after" doc:"For uploads that say nothing of it; null: they stay"`
	Quota          *Quota          `json:"quota" doc:"What the workspace may use"`
}

// Quota is what may be used; null is no limit.
type Quota struct {
	Bytes        *int64 `json:"bytes" nullable:"true" minimum:"0" doc:"Of the contents of all files, deleted ones included until they are removed for good, within a minute"`
	Files        *int64 `json:"files" nullable:"true" minimum:"0"`
	FileBytes    *int64 `json:"file_bytes" nullable:"true" minimum:"0" doc:"Of the largest file"`
	TokensPerDay *int64 `json:"tokens_per_day" nullable:"true" minimum:"0" doc:"That the language model reads and writes in a day (UTC)"`
}

// SettingsRequest are the parts of a workspace's settings that a request names.
type SettingsRequest struct {
	AI             *bool         `json:"ai,omitempty" nullable:"true" doc:"false: no document of the workspace goes to a language model"`
	Instructions   *string       `json:"instructions,omitempty" nullable:"true" maxLength:"32768" doc:"For uploads that bring none and are documents to be processed"`
	MetadataSchema any           `json:"metadata_schema,omitempty" doc:"For uploads that bring none: a JSON Schema, as an object or as a string"`
	ExpiresAfter   *ExpiresAfter `json:"expires_after,omitempty" doc:"For uploads that say nothing of it"`
	Quota          *QuotaRequest `json:"quota,omitempty" doc:"What the workspace may use"`
}

// QuotaRequest are the limits of a quota that a request names.
type QuotaRequest struct {
	Bytes        *int64 `json:"bytes,omitempty" nullable:"true" minimum:"0" maximum:"9000000000000000"`
	Files        *int64 `json:"files,omitempty" nullable:"true" minimum:"0" maximum:"9000000000000000"`
	FileBytes    *int64 `json:"file_bytes,omitempty" nullable:"true" minimum:"0" maximum:"9000000000000000"`
	TokensPerDay *int64 `json:"tokens_per_day,omitempty" nullable:"true" minimum:"0" maximum:"9000000000000000"`
}

// Used is what is used.
type Used struct {
	Bytes       int64 `json:"bytes" doc:"Of the contents of all files, deleted ones included until they are removed for good"`
	Files       int64 `json:"files"`
	TokensToday Usage `json:"tokens_today" doc:"Since midnight (UTC)"`
	Tokens      Usage `json:"tokens" doc:"In all the days that were asked for, today included"`
}

// WorkspaceUsage is what a workspace uses.
type WorkspaceUsage struct {
	WorkspaceID string `json:"workspace_id" doc:"It may be gone: its tokens were used all the same"`
	Used
	Quota *Quota `json:"quota"`
}

// OrganizationUsage is what an organization uses, with a page of its workspaces.
type OrganizationUsage struct {
	Object string `json:"object" enum:"usage"`
	OrgID  string `json:"org_id"`
	Since  int64  `json:"since" doc:"Unix seconds: the first day of tokens"`
	Used
	Quota   *Quota            `json:"quota"`
	Data    []*WorkspaceUsage `json:"data" nullable:"false" doc:"Workspaces that use anything, by id"`
	FirstID *string           `json:"first_id" nullable:"true"`
	LastID  *string           `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool              `json:"has_more"`
}
