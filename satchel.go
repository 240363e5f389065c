// Package satchel holds the nouns of the Files service: files, their ids and metadata, the people and organizations they belong
// to, and the errors that everything speaks in. It imports the standard library alone; it knows neither HTTP nor SQL.
package satchel

import "time"

// Limits of the wire contract. Sizes are in bytes.
const (
	MaxFilename     = 1 << 10             // a file name, UTF-8
	MaxInstructions = 32 << 10            // the text of an instruction
	MaxFilesPerPost = 100                 // files in one upload request
	MinExpiry       = time.Hour           // expires_after, least
	MaxExpiry       = 30 * 24 * time.Hour // expires_after, most
)

// Purpose says what a file is for. The values are those of the OpenAI Files API.
type Purpose string

// The purposes that a file can have.
const (
	PurposeAssistants       Purpose = "assistants"
	PurposeAssistantsOutput Purpose = "assistants_output"
	PurposeBatch            Purpose = "batch"
	PurposeBatchOutput      Purpose = "batch_output"
	PurposeFineTune         Purpose = "fine-tune"
	PurposeFineTuneResults  Purpose = "fine-tune-results"
	PurposeVision           Purpose = "vision"
	PurposeUserData         Purpose = "user_data"
	PurposeEvals            Purpose = "evals"
)

// Purposes lists every purpose in the order of the documentation.
func Purposes() []Purpose {
	return []Purpose{
		PurposeAssistants, PurposeAssistantsOutput, PurposeBatch, PurposeBatchOutput, PurposeFineTune,
		PurposeFineTuneResults, PurposeVision, PurposeUserData, PurposeEvals,
	}
}

// Status is where a file is in its processing. Pollers stop at StatusProcessed and StatusError.
type Status string

// The states of a file, in the order in which they can follow each other.
const (
	StatusUploaded   Status = "uploaded"
	StatusProcessing Status = "processing"
	StatusProcessed  Status = "processed"
	StatusError      Status = "error"
)

// Failure says why a file's status is StatusError: Code for programs, Message for people.
type Failure struct {
	Code    Code
	Message string
}

// Standing is a status with what belongs to it.
type Standing struct {
	Status  Status
	Details string
	Failure *Failure
}

// Standing gives the file's present one.
func (f *File) Standing() Standing { return Standing{f.Status, f.StatusDetails, f.Failure} }

// SetStanding makes s the file's present one.
func (f *File) SetStanding(s Standing) {
	f.Status, f.StatusDetails, f.Failure = s.Status, s.Details, s.Failure
}

// Blob names an immutable stored object and what is known of its bytes. The zero Blob is none.
type Blob struct {
	ID     BlobID
	Size   int64
	SHA256 [32]byte
}

// File is one uploaded file as its owner sees it: the content is a Blob, everything else is in the row.
type File struct {
	ID            FileID
	Org           OrgID
	Workspace     WorkspaceID
	User          UserID // who uploaded it
	Filename      string
	Purpose       Purpose
	Status        Status
	StatusDetails string    // for people; empty: nothing to say
	Failure       *Failure  // set exactly when Status is StatusError
	Settled       *Standing // while runs are open: what the file is again when the last of them has ended
	Metadata      Metadata
	Instructions  string // how the file is to be processed, as its uploader said it
	Schema        string // a JSON Schema that binds what the AI writes; empty: none
	ContentType   string // found in the bytes, not believed from the client
	Content       Blob
	Text          Blob      // the one text that was found in the content; the zero Blob: none
	Document      *Document // what was found in the content; nil: nobody has looked yet
	ExpiresAt     time.Time // zero: never
	UpdatedAt     time.Time
	Version       int64 // 1 when created, one more with every change of the row
	// MetadataVersion is 1 when created, one more with every version of the metadata.
	MetadataVersion int64
}

// Processed reports whether files of this purpose are documents to be read; the others are data for machines.
func (p Purpose) Processed() bool {
	return p == PurposeUserData || p == PurposeAssistants || p == PurposeVision
}

// CreatedAt is the moment in which the file's row was committed. It is part of the id, so that ids sort by it.
func (f *File) CreatedAt() time.Time { return f.ID.Time() }

// Expired reports whether the file is over at the moment now: it is then as good as deleted.
func (f *File) Expired(now time.Time) bool { return !f.ExpiresAt.IsZero() && !f.ExpiresAt.After(now) }
