package satchel

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Code is the machine-readable reason of an Error. A client may switch on it, so a code never changes its meaning.
type Code string

// The codes that Satchel answers with. The comment gives the HTTP status of each.
const (
	CodeMalformedJSON       Code = "malformed_json"         // 400
	CodeMalformedMultipart  Code = "malformed_multipart"    // 400
	CodeMalformedRequest    Code = "malformed_request"      // 400
	CodeMissingToken        Code = "missing_token"          // 401
	CodeInvalidToken        Code = "invalid_token"          // 401
	CodeForbidden           Code = "forbidden"              // 403
	CodeReadOnly            Code = "read_only"              // 403
	CodeWorkspaceForbidden  Code = "workspace_forbidden"    // 403
	CodeQuotaExceeded       Code = "quota_exceeded"         // 403, and the failure of runs that need more tokens than the day has
	CodeNotFound            Code = "not_found"              // 404
	CodeNoText              Code = "no_text"                // 404; the file is there, but has no text, or not yet
	CodeMethodNotAllowed    Code = "method_not_allowed"     // 405
	CodeRequestTimeout      Code = "request_timeout"        // 408
	CodeConflict            Code = "conflict"               // 409; a retry can succeed
	CodeIdempotencyReused   Code = "idempotency_key_reused" // 409; the key came with other content before
	CodeIdempotencyUsed     Code = "idempotency_key_used"   // 409; a file that the key made has been deleted
	CodePreconditionFailed  Code = "precondition_failed"    // 412
	CodeFileTooLarge        Code = "file_too_large"         // 413
	CodeBodyTooLarge        Code = "body_too_large"         // 413
	CodeUnsupportedMedia    Code = "unsupported_media_type" // 415
	CodeRangeNotSatisfiable Code = "range_not_satisfiable"  // 416
	CodeMissing             Code = "missing"                // 422; a value that must be there is not
	CodeInvalidValue        Code = "invalid_value"          // 422; not one of the values allowed
	CodeInvalidJSON         Code = "invalid_json"           // 422; a field or parameter that should be JSON
	CodeInvalidType         Code = "invalid_type"           // 422; another type than the one needed
	CodeOutOfRange          Code = "out_of_range"           // 422; a number outside its bounds
	CodeTooLong             Code = "too_long"               // 422; text or an object over its limit
	CodeTooDeep             Code = "too_deep"               // 422; nested beyond the limit
	CodeTooMany             Code = "too_many"               // 422; more items than allowed
	CodeDuplicate           Code = "duplicate"              // 422; given twice
	CodeContradiction       Code = "contradiction"          // 422; two values that exclude each other
	CodeUnknownParameter    Code = "unknown_parameter"      // 422; only with Prefer: handling=strict
	CodeModelNotConfigured  Code = "model_not_configured"   // 422, and the failure of files that need a model
	CodeAIDisabled          Code = "ai_disabled"            // 422, and the failure of files that need a model
	CodeNothingToRevert     Code = "nothing_to_revert"      // 409; every key of the change was changed again since
	CodeExists              Code = "already_exists"         // 409; something has the name or id already
	CodeNotEmpty            Code = "not_empty"              // 409; what is to be deleted has files
	CodeLastOwner           Code = "last_owner"             // 409; the organization would have no owner
	CodeRunOver             Code = "run_over"               // 409; nothing is left to cancel
	CodeRateLimited         Code = "rate_limited"           // 429; a retry can succeed
	CodeInternal            Code = "internal"               // 500
	CodeUnavailable         Code = "unavailable"            // 503; a retry can succeed
	CodeInsufficientStorage Code = "insufficient_storage"   // 507
)

// The codes with which processing fails. They stand in the error of a file and of a run, and are no answer to a request.
const (
	CodeCancelled          Code = "cancelled"            // somebody stopped it
	CodeDocumentEncrypted  Code = "document_encrypted"   // it needs a password
	CodeDocumentBroken     Code = "document_broken"      // it is damaged, or not what it says that it is
	CodeDocumentTooComplex Code = "document_too_complex" // reading it would take more memory, time or output than allowed
	CodeExtractionFailed   Code = "extraction_failed"    // the program that reads documents broke down over it
	CodeNoReadableContent  Code = "no_readable_content"  // the instruction needs the content, and nothing in it can be read
	CodeModelUnavailable   Code = "model_unavailable"    // the model's server did not answer, for too long
	CodeModelRefused       Code = "model_refused"        // the model's server refused the request for good
	CodeModelNonsense      Code = "model_nonsense"       // the model's answers were not of the form asked for, twice
)

// The places where a client can put a value. Error.In names one.
const (
	InPath   = "path"
	InQuery  = "query"
	InHeader = "header"
	InBody   = "body"
)

// Error is what every operation fails with when it knows why. An error that is none is unknown: the client is told nothing of it.
type Error struct {
	Code    Code
	Message string   // for people: what is wrong, where, and what would be right
	In      string   // where Param stands: InPath, InQuery, InHeader or InBody; empty when Param is
	Param   string   // the top-level name of the value at fault; empty: none
	Path    []string // from Param down to the value, for nested ones
	Err     error    // the cause, for the log; never shown to a client
}

// Errorf makes an Error without a place. A %w operand becomes its cause.
func Errorf(code Code, format string, args ...any) *Error {
	err := fmt.Errorf(format, args...)
	return &Error{Code: code, Message: err.Error(), Err: errors.Unwrap(err)}
}

// BodyFault makes the Error for a bad value of a form field or a JSON body; path leads from param to a nested value.
func BodyFault(code Code, param string, path []string, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...), In: InBody, Param: param, Path: path}
}

// Error gives the message and the cause, for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Message
	}
	return e.Message + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Faults are all the things wrong with one request, in the order in which they were found.
type Faults []*Error

// Add appends what is wrong with err: an Error, Faults, or nothing for nil. Any other error becomes CodeInternal.
func (f *Faults) Add(err error) {
	var many Faults
	var one *Error
	switch {
	case err == nil:
	case errors.As(err, &many):
		*f = append(*f, many...)
	case errors.As(err, &one):
		*f = append(*f, one)
	default:
		*f = append(*f, &Error{Code: CodeInternal, Message: "internal error", Err: err})
	}
}

// AddNew is Add without the faults at places that have one already: what is wrong in one way is not reported again in another.
func (f *Faults) AddNew(err error) {
	var found Faults
	found.Add(err)
	for _, fault := range found {
		if !slices.ContainsFunc(*f, fault.samePlace) {
			*f = append(*f, fault)
		}
	}
}

func (e *Error) samePlace(other *Error) bool {
	return e.In == other.In && e.Param == other.Param && slices.Equal(e.Path, other.Path)
}

// Err gives the faults as an error: nil when there is none, so that a typed nil never escapes.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

// Error joins the messages.
func (f Faults) Error() string {
	all := make([]string, len(f))
	for i, e := range f {
		all[i] = e.Error()
	}
	return strings.Join(all, "; ")
}

// Unwrap makes every fault visible to errors.Is and errors.As.
func (f Faults) Unwrap() []error {
	all := make([]error, len(f))
	for i, e := range f {
		all[i] = e
	}
	return all
}

// CodeOf gives the code of the first Error in err's chain, CodeInternal for an unknown error, and "" for nil.
func CodeOf(err error) Code {
	var e *Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return CodeInternal
}

// FileNotFound is the one answer for a file that is not there, whether it never was, is gone, or is not the caller's.
func FileNotFound(id string) *Error {
	return &Error{Code: CodeNotFound, Message: "File not found: " + id, In: InPath, Param: "file_id"}
}

// WorkspaceForbidden says that the caller has no part in a workspace of its own organization.
func WorkspaceForbidden(ws WorkspaceID) *Error {
	return &Error{Code: CodeWorkspaceForbidden, Message: "you have no access to workspace \"" + string(ws) + "\"; ask an owner or admin of your organization",
		In: InQuery, Param: "workspace"}
}
