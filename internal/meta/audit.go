package meta

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
)

// AuditReader reads the record of who did what.
type AuditReader interface {
	// Audit gives the entries of an organization's record that q wants, newest first; with no organization those of the installation's own.
	Audit(ctx context.Context, org satchel.OrgID, q satchel.AuditQuery) ([]satchel.AuditEntry, error)
}

// AuditWriter adds to the record. Its method belongs to a Tx. Nothing changes an entry, and only its age removes it.
type AuditWriter interface {
	// InsertAudit appends an entry, under an id that it mints. What is recorded is so if, and only if, the transaction is committed.
	InsertAudit(ctx context.Context, entry satchel.AuditEntry) error
}

// AuditRegister is the record of all organizations, those that are gone included.
type AuditRegister interface {
	// ForgetAudit removes at most limit entries that are older than a moment, and says how many.
	ForgetAudit(ctx context.Context, before time.Time, limit int) (int, error)
}
