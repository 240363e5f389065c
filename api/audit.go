package api

import "encoding/json"

// AuditEntry is one line of the record of who did what: a change, or refused attempts of one kind.
type AuditEntry struct {
	ID        string          `json:"id" example:"aud-06h0hf164lphndrrrqm3a7gf1" doc:"Sorts by time"`
	Object    string          `json:"object" enum:"audit.entry"`
	CreatedAt int64           `json:"created_at" doc:"Unix seconds"`
	OrgID     *string         `json:"org_id" nullable:"true" doc:"null in the installation's own record"`
	UserID    *string         `json:"user_id" nullable:"true" doc:"Who it was; null: nobody knows, or the server by itself"`
	UserName  *string         `json:"user_name" nullable:"true" doc:"The user's name now; null for one who has left"`
	TokenID   *string         `json:"token_id" nullable:"true" doc:"With which token; null without one, and for the root token"`
	Address   *string         `json:"address" nullable:"true" doc:"From where: an IP address, local (a command on the data folder) or server (by itself). Of attempts without a good token the network"`
	RequestID *string         `json:"request_id" nullable:"true" doc:"The x-request-id; of several attempts one of them"`
	Action    string          `json:"action" example:"deleteFile" doc:"The operation, as this document names it; also expireFile and clearWorkspace, which the server does by itself. Empty where attempts of many kinds are summed"`
	ObjectID  *string         `json:"object_id" nullable:"true" doc:"What was changed; of an upload the first file"`
	LastID    *string         `json:"last_object_id" nullable:"true" doc:"Of an upload of several files the last one"`
	Workspace *string         `json:"workspace_id" nullable:"true"`
	Outcome   string          `json:"outcome" example:"done" doc:"done, or the code with which it was refused"`
	Count     int64           `json:"count" doc:"1, or how many attempts were refused"`
	FirstAt   *int64          `json:"first_at" nullable:"true" doc:"Unix seconds: of refused attempts the first one"`
	LastAt    *int64          `json:"last_at" nullable:"true" doc:"Unix seconds: of refused attempts the last one"`
	Details   json.RawMessage `json:"details" doc:"An object of ids, words and numbers: which keys of the metadata, which role. Never values of metadata"`
}

// AuditList is a page of entries.
type AuditList struct {
	Object  string        `json:"object" enum:"list"`
	Data    []*AuditEntry `json:"data" nullable:"false"`
	FirstID *string       `json:"first_id" nullable:"true"`
	LastID  *string       `json:"last_id" nullable:"true" doc:"The after of the next page"`
	HasMore bool          `json:"has_more"`
}
