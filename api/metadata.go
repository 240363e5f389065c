package api

import "encoding/json"

// MetadataView is a file's metadata with what is known of every key.
type MetadataView struct {
	Object   string                `json:"object" enum:"file.metadata"`
	FileID   string                `json:"file_id"`
	Version  int64                 `json:"version" minimum:"1" doc:"The number of the present version"`
	Metadata json.RawMessage       `json:"metadata" doc:"An object with any properties"`
	Sources  map[string]*KeySource `json:"sources" nullable:"false" doc:"By top-level key"`
}

// KeySource says where the value of a key comes from.
type KeySource struct {
	Source      string    `json:"source" enum:"user,ai"`
	UserID      string    `json:"user_id" doc:"Who set it, or whose instruction it was"`
	Model       *string   `json:"model" nullable:"true" doc:"The language model that wrote it; null: a person did"`
	Instruction *string   `json:"instruction" nullable:"true" doc:"What the model was told"`
	Version     int64     `json:"version" minimum:"1" doc:"The version that brought the value"`
	At          int64     `json:"at" doc:"When, Unix seconds"`
	Evidence    *Evidence `json:"evidence" doc:"Where in the text the value stands; null: it was not found there, or a person set it"`
}

// Evidence is a place in a file's text.
type Evidence struct {
	Page  int    `json:"page" minimum:"1"`
	Quote string `json:"quote" doc:"As it stands there"`
}

// Version is why a file's metadata became what it was at one time.
type Version struct {
	Object      string               `json:"object" enum:"metadata.version"`
	Number      int64                `json:"number" minimum:"1" doc:"1 for the first, one more with each"`
	FileID      string               `json:"file_id"`
	At          int64                `json:"at" doc:"Unix seconds"`
	Source      string               `json:"source" enum:"user,ai"`
	UserID      string               `json:"user_id" doc:"Who did it, or whose instruction it was"`
	Model       *string              `json:"model" nullable:"true"`
	Instruction *string              `json:"instruction" nullable:"true"`
	RunID       *string              `json:"run_id" nullable:"true"`
	Keys        []string             `json:"keys" nullable:"false" doc:"The top-level keys that were changed"`
	Edit        json.RawMessage      `json:"edit" doc:"By a person: the merge patch, or with replaces the whole object. By AI, and of a revert: set, rename and remove"`
	Replaces    bool                 `json:"replaces" doc:"The edit replaced everything"`
	Evidence    map[string]*Evidence `json:"evidence,omitempty"`
	Reverts     *int64               `json:"reverts" nullable:"true" doc:"The version whose change it took back"`
	Restores    *int64               `json:"restores" nullable:"true" doc:"The version whose state it brought back"`
	Error       *FileError           `json:"error" doc:"Why the instruction failed; nothing was changed then"`
	Usage       Usage                `json:"usage"`
}

// VersionList is a part of the versions of a file's metadata, newest first.
type VersionList struct {
	Object  string     `json:"object" enum:"list"`
	Data    []*Version `json:"data" nullable:"false"`
	HasMore bool       `json:"has_more" doc:"There are older ones: pass the last number as after"`
}
