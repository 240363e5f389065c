package extract

import (
	"errors"
	"fmt"

	"github.com/dustin/go-humanize"

	"github.com/satchel-files/satchel"
)

// ErrClosed says that the Pool was closed before the document was read. It is no failure of the document.
var ErrClosed = errors.New("extract: the pool is closed")

var (
	errCrashed = errors.New("the child died")
	errMemory  = errors.New("extract: more memory than allowed")
)

// failure is how a child says that a document could not be read.
type failure struct {
	Code        satchel.Code
	Message     string
	Cause       string // for the log
	Unsupported bool   // it is ErrUnsupported
	Last        bool   // the child reads no further document
}

// newFailure tells the Pool of an error of a Format.
func newFailure(err error) failure {
	if errors.Is(err, ErrUnsupported) {
		return failure{Unsupported: true}
	}
	known, ok := errors.AsType[*satchel.Error](err)
	if !ok {
		known = &satchel.Error{Code: satchel.CodeExtractionFailed, Message: unreadable, Err: err}
	}
	f := failure{Code: known.Code, Message: oneLine(known.Message, maxMessage)}
	if known.Err != nil {
		f.Cause = oneLine(known.Err.Error(), maxCause)
	}
	return f
}

const unreadable = "the document could not be read; if other programs open it, please report it"

// err gives what the child told. A code that is no reason why a document cannot be read is not believed.
func (f failure) err() error {
	if f.Unsupported {
		return ErrUnsupported
	}
	e := &satchel.Error{Code: f.Code, Message: oneLine(f.Message, maxMessage)}
	switch f.Code {
	case satchel.CodeDocumentEncrypted, satchel.CodeDocumentBroken, satchel.CodeDocumentTooComplex, satchel.CodeExtractionFailed:
	default:
		e.Code, e.Message = satchel.CodeExtractionFailed, unreadable
	}
	if f.Cause != "" {
		e.Err = errors.New(oneLine(f.Cause, maxCause))
	}
	return e
}

// tooComplex says which limit a document broke.
func tooComplex(format string, args ...any) *satchel.Error {
	return satchel.Errorf(satchel.CodeDocumentTooComplex, "%s; smaller parts of it may be read", fmt.Sprintf(format, args...))
}

func tooMuchMemory(limit int64) error {
	return tooComplex("reading the document takes more than %s of memory", size(limit))
}

// crashed says that a child died over a document, nobody knows why.
func crashed(cause string) *satchel.Error {
	return &satchel.Error{
		Code:    satchel.CodeExtractionFailed,
		Message: "the program that reads documents broke down over this one; processing it again may help",
		Err:     fmt.Errorf("%w: %s", errCrashed, cause),
	}
}

// size writes a number of bytes for people.
func size(n int64) string { return humanize.IBytes(uint64(n)) } //nolint:gosec // limits are not negative
