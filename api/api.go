// Package api has the JSON types of Satchel's HTTP API, for servers and clients alike. Field names and values are those of the
// OpenAI Files API where it has them; the contract is documented operation by operation in the OpenAPI document of the server.
package api

import "encoding/json"

// File is one uploaded file.
type File struct {
	ID            string          `json:"id" doc:"\"file-\" and a unique part; ids sort by creation" example:"file-06h0hf1et000b3kng57qfjsm9"`
	Object        string          `json:"object" enum:"file" doc:"Always \"file\""`
	Bytes         int64           `json:"bytes" minimum:"0" doc:"Size of the content"`
	CreatedAt     int64           `json:"created_at" doc:"Unix seconds"`
	Filename      string          `json:"filename" doc:"As sent, without folders and control characters" example:"logic.pdf"`
	Purpose       string          `json:"purpose" enum:"assistants,assistants_output,batch,batch_output,fine-tune,fine-tune-results,vision,user_data,evals"`
	Status        string          `json:"status" enum:"uploaded,processing,processed,error"`
	StatusDetails *string         `json:"status_details" nullable:"true" doc:"For people: progress, or why it failed"`
	ExpiresAt     *int64          `json:"expires_at" nullable:"true" doc:"Unix seconds; null: never"`
	OrgID         string          `json:"org_id"`
	WorkspaceID   string          `json:"workspace_id" example:"default"`
	UserID        string          `json:"user_id" doc:"Who uploaded it"`
	Metadata      json.RawMessage `json:"metadata" doc:"An object with any properties"`
	SHA256        string          `json:"sha256" doc:"Of the content, in hexadecimal" pattern:"^[0-9a-f]{64}$"`
	ContentType   string          `json:"content_type" doc:"Found in the bytes" example:"application/pdf"`
	Document      *Document       `json:"document" doc:"What was found in the content; null: nobody has looked yet"`
	Instructions  *string         `json:"instructions" nullable:"true" doc:"How the file is to be processed, as its uploader said it"`
	UpdatedAt     int64           `json:"updated_at" doc:"Unix seconds"`
	Error         *FileError      `json:"error" doc:"Why the status is error; else null"`
}

// FileError says why processing failed.
type FileError struct {
	Code    string `json:"code" doc:"For programs" example:"model_not_configured"`
	Message string `json:"message" doc:"For people"`
}

// FileList is a page of files, or the files of one upload with several.
type FileList struct {
	Object  string  `json:"object" enum:"list" doc:"Always \"list\""`
	Data    []*File `json:"data" nullable:"false"`
	FirstID *string `json:"first_id" nullable:"true" doc:"Id of the first item; null on an empty page"`
	LastID  *string `json:"last_id" nullable:"true" doc:"Id of the last item: the after of the next page; null on an empty page"`
	HasMore bool    `json:"has_more" doc:"There are more items behind the last one"`
}

// Deleted confirms that a file is gone.
type Deleted struct {
	ID      string `json:"id"`
	Object  string `json:"object" doc:"The kind of thing that was deleted" enum:"file,token,workspace,workspace.user,user,organization"`
	Deleted bool   `json:"deleted" doc:"Always true"`
}

// FileUpdate changes what is not metadata. What is left out stays.
type FileUpdate struct {
	Filename     *string       `json:"filename,omitempty"`
	ExpiresAfter *ExpiresAfter `json:"expires_after,omitempty"`
}

// ExpiresAfter is a time after which a file is deleted.
type ExpiresAfter struct {
	Anchor  string `json:"anchor" enum:"created_at"`
	Seconds int64  `json:"seconds" minimum:"3600" maximum:"2592000"`
}

// TokenRequest asks for a token. An unknown user, and for an operator an unknown organization, is made.
type TokenRequest struct {
	Org        string   `json:"org,omitempty" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]*$" doc:"Name or id; default: the caller's own" example:"acme"`
	User       string   `json:"user" doc:"Name or id" minLength:"1" maxLength:"128" pattern:"^[^\\x00-\\x1f\\x7f-\\x9f]+$" example:"ada"`
	Role       string   `json:"role" enum:"owner,admin,member,writer,viewer" doc:"At most which the token is; writer and viewer: a member who has that access, in the workspaces named"`
	Workspace  string   `json:"workspace,omitempty" pattern:"^[a-z0-9]+(?:[-_][a-z0-9]+)*$" maxLength:"34" doc:"One of workspaces"`
	Workspaces []string `json:"workspaces,omitempty" nullable:"false" doc:"Narrow the token to these; for writer and viewer by default to default"`
	ReadOnly   bool     `json:"read_only,omitempty" doc:"The token changes nothing"`
	ExpiresAt  int64    `json:"expires_at,omitempty" minimum:"0" maximum:"253402300799" doc:"Unix seconds; 0: never"`
}

// Token is a token without its secret, which is shown once, when it is made.
type Token struct {
	ID         string   `json:"id"`
	Object     string   `json:"object" enum:"token"`
	OrgID      string   `json:"org_id"`
	OrgName    string   `json:"org_name"`
	UserID     string   `json:"user_id"`
	UserName   string   `json:"user_name"`
	Role       string   `json:"role" enum:"owner,admin,member,writer,viewer"`
	Workspace  string   `json:"workspace,omitempty" doc:"The workspace to which it is narrowed, if that is one"`
	Workspaces []string `json:"workspaces,omitempty" nullable:"false" doc:"The workspaces to which it is narrowed"`
	ReadOnly   bool     `json:"read_only"`
	CreatedAt  int64    `json:"created_at" doc:"Unix seconds"`
	ExpiresAt  *int64   `json:"expires_at" nullable:"true" doc:"Unix seconds; null: never"`
	LastUsedAt *int64   `json:"last_used_at" nullable:"true" doc:"Unix seconds, up to an hour old; null: never"`
	Secret     string   `json:"token,omitempty" doc:"The token itself; only in the answer that makes it" example:"sat_…"`
	Raised     *Raised  `json:"raised,omitempty" doc:"What the user was before this token raised its role; only in the answer that makes it"`
}

// Raised is what a user was who has a higher role now.
type Raised struct {
	Role     string `json:"role" enum:"admin,member"`
	Confined bool   `json:"confined"`
}

// TokenList is all tokens of an organization, oldest first.
type TokenList struct {
	Object string   `json:"object" enum:"list"`
	Data   []*Token `json:"data" nullable:"false"`
}

// Problem is the body of every answer that is not 2xx: the first key is what the OpenAI SDKs read, the second has the
// form of FastAPI's HTTPValidationError.
type Problem struct {
	Error  ProblemError `json:"error"`
	Detail []Detail     `json:"detail,omitempty" nullable:"false" doc:"On 422: one entry a fault"`
}

// ProblemError is the first (or only) fault. All four keys are always there.
type ProblemError struct {
	Message string  `json:"message" doc:"For people: what is wrong, where, and what would be right"`
	Type    string  `json:"type" example:"invalid_request_error"`
	Param   *string `json:"param" nullable:"true" doc:"The parameter or field at fault"`
	Code    *string `json:"code" nullable:"true" doc:"For programs" example:"out_of_range"`
}

// Detail is one fault.
type Detail struct {
	Loc  []string `json:"loc" nullable:"false" doc:"path, query, header or body, then the way to the value"`
	Msg  string   `json:"msg"`
	Type string   `json:"type" doc:"The code of this fault"`
}
