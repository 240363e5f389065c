package sqlstore

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
)

// hash reads a column of 32 bytes.
type hash [32]byte

// Scan implements sql.Scanner.
func (h *hash) Scan(src any) error {
	bytes, ok := src.([]byte)
	if !ok || len(bytes) != len(h) {
		return fmt.Errorf("a hash of %d bytes was expected, not %T of %d", len(h), src, len(bytes))
	}
	copy(h[:], bytes)
	return nil
}

// integer reads a column of whole numbers, without the reflection that a plain *int64 costs.
type integer int64

// Scan implements sql.Scanner.
func (n *integer) Scan(src any) error {
	number, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a whole number was expected, not %T", src)
	}
	*n = integer(number)
	return nil
}

// fromMicros reads a moment; 0 is none.
func fromMicros(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// orNull writes a moment that may be none.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}

// inserted gives the outcome of an INSERT … ON CONFLICT DO NOTHING: satchel.CodeConflict where something was in the way.
func inserted(rows int64, err error, what string) error {
	switch {
	case err != nil:
		return fmt.Errorf("inserting %s: %w", what, err)
	case rows == 0:
		return satchel.Errorf(satchel.CodeConflict, "%s exists already", what)
	}
	return nil
}

// isInserted is inserted for a statement that runs later.
func isInserted(what string) func(rows int64, err error) error {
	return func(rows int64, err error) error { return inserted(rows, err, what) }
}

// isDone is the check of a statement that runs later, and may change no row; doing says what it is for.
func isDone(doing string) func(rows int64, err error) error {
	return func(_ int64, err error) error {
		if err != nil {
			return fmt.Errorf("%s: %w", doing, err)
		}
		return nil
	}
}

// deleted gives the outcome of a DELETE or UPDATE of one row: satchel.CodeNotFound where there was none.
func deleted(rows int64, err error, what, name string) error {
	switch {
	case err != nil:
		return fmt.Errorf("changing %s %s: %w", what, name, err)
	case rows == 0:
		return satchel.Errorf(satchel.CodeNotFound, "%s not found: %s", what, name)
	}
	return nil
}

// notFound gives the outcome of reading one row that was not there, or not readable.
func notFound(err error, what, name string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return satchel.Errorf(satchel.CodeNotFound, "%s not found: %s", what, name)
	}
	return fmt.Errorf("reading %s %s: %w", what, name, err)
}

// micros writes a moment; 0 is none.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// textHash reads a column of 32 bytes, or of none.
type textHash [32]byte

// Scan implements sql.Scanner.
func (h *textHash) Scan(src any) error {
	if bytes, ok := src.([]byte); ok && len(bytes) == 0 {
		*h = textHash{}
		return nil
	}
	return (*hash)(h).Scan(src)
}

// hashOf writes the hash of a blob that may be none.
func hashOf(b satchel.Blob) []byte {
	if b.ID == "" {
		return []byte{}
	}
	return b.SHA256[:]
}

// failureColumns writes a failure that may be none.
func failureColumns(f *satchel.Failure) satchel.Failure {
	if f == nil {
		return satchel.Failure{}
	}
	return *f
}

// readFailure reads one; without a code there is none.
func readFailure(code, message string) *satchel.Failure {
	if code == "" {
		return nil
	}
	return &satchel.Failure{Code: satchel.Code(code), Message: message}
}

// listOf writes texts as JSON; none is ”.
func listOf(texts []string) (string, error) { return jsonOf(len(texts) > 0, texts) }

// jsonOf writes a value as JSON, ” when it is not there.
func jsonOf(there bool, value any) (string, error) {
	if !there {
		return "", nil
	}
	text, err := json.Marshal(value)
	return string(text), err
}
