package api

import "encoding/json"

// Run is one piece of work on a file.
type Run struct {
	ID           string                     `json:"id" doc:"\"run-\" and a unique part; ids sort by creation" example:"run-06h0hf1et000b3kng57qfjsm9"`
	Object       string                     `json:"object" enum:"run"`
	FileID       string                     `json:"file_id"`
	UserID       string                     `json:"user_id" doc:"Who asked for it"`
	Kind         string                     `json:"kind" enum:"process,metadata" doc:"process: the document is read and the file's instructions are carried out; metadata: an instruction of a metadata update"`
	Status       string                     `json:"status" enum:"queued,running,succeeded,failed,cancelled"`
	Step         string                     `json:"step" enum:"extract,instruct" doc:"The part of the work that is or was the last: extract: text and pages; instruct: metadata by a language model"`
	Details      *string                    `json:"status_details" nullable:"true" doc:"For people: progress, or how it ended"`
	Instructions *string                    `json:"instructions" nullable:"true"`
	DryRun       bool                       `json:"dry_run" doc:"The edit is only shown"`
	Error        *FileError                 `json:"error" doc:"Why the status is failed; else null"`
	Model        *string                    `json:"model" nullable:"true" doc:"The language model that wrote the edit"`
	Edit         *Edit                      `json:"edit" doc:"What was changed, or would be; null while it is not known"`
	Evidence     map[string]json.RawMessage `json:"evidence,omitempty" doc:"For keys of the edit: the page and the quote where the value stands"`
	Notes        []string                   `json:"notes,omitempty" doc:"For people: what was left out, and why"`
	Usage        Usage                      `json:"usage"`
	CreatedAt    int64                      `json:"created_at" doc:"Unix seconds"`
	EndedAt      *int64                     `json:"ended_at" nullable:"true" doc:"Unix seconds; null: it is open"`
}

// Usage is what a language model has read and written.
type Usage struct {
	InputTokens  int64 `json:"input_tokens" minimum:"0"`
	OutputTokens int64 `json:"output_tokens" minimum:"0"`
	TotalTokens  int64 `json:"total_tokens" minimum:"0"`
}

// RunList is a part of the runs of a file, newest first.
type RunList struct {
	Object  string  `json:"object" enum:"list"`
	Data    []*Run  `json:"data" nullable:"false"`
	FirstID *string `json:"first_id" nullable:"true"`
	LastID  *string `json:"last_id" nullable:"true" doc:"The after of the next part"`
	HasMore bool    `json:"has_more"`
}

// ProcessRequest asks for a file to be processed again. What is left out stays as it is with the file.
type ProcessRequest struct {
	Instructions   *string         `json:"instructions,omitempty" doc:"In the place of the file's own, and kept with it"`
	MetadataSchema json.RawMessage `json:"metadata_schema,omitempty" doc:"A JSON Schema, as an object or as a string, in the place of the file's own"`
}

// Edit is a change of metadata: renames, then removals, then values. Paths are JSON Pointers (RFC 6901).
type Edit struct {
	Set    map[string]json.RawMessage `json:"set,omitempty" doc:"Values, merged deeply into what is there"`
	Rename map[string]string          `json:"rename,omitempty" doc:"From one path to another; the value is moved as it is" example:"{\"/author\":\"/writer\"}"`
	Remove []string                   `json:"remove,omitempty" doc:"Paths" example:"[\"/draft\"]"`
}

// EditPreview is what instructions would do to a file's metadata.
type EditPreview struct {
	Object   string          `json:"object" enum:"metadata.edit"`
	FileID   string          `json:"file_id"`
	Run      *Run            `json:"run" doc:"The run that found it out, with the edit, its evidence and notes; while its status is queued or running, ask for it later"`
	Before   json.RawMessage `json:"before" doc:"The metadata as they are"`
	Metadata json.RawMessage `json:"metadata" doc:"The metadata as they would be"`
}
