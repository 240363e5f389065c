package maintain

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	fsckRows     = 100_000          // rows compared with listings at once: about 15 MB
	rowsPage     = 1_000            // rows read at once
	liveAge      = 10 * time.Minute // a running server's objects younger than this are left alone
	fsckExamples = 20
)

// FsckConfig says what to check and how. Blobs and Register must be set.
type FsckConfig struct {
	Blobs    blob.Store
	Register meta.BlobRegister
	Usage    meta.UsageRegister // nil: what is used is not counted again

	// Live says that a server runs on the stores. Objects younger than ten minutes are then left alone. Without it the caller holds the
	// server's lock (AcquireServer), so that none starts meanwhile.
	Live bool
	// Deep reads every object and compares its SHA-256.
	Deep bool
	// Repair removes objects without rows and unfinished objects, and mends what is counted wrong. It is refused together with Live.
	Repair bool

	Examples int                // findings kept of each kind; default 20
	Now      func() time.Time   // default time.Now
	Progress func(FsckProgress) // called now and then, by one goroutine at a time, if set
}

// FsckProgress tells how far a check is.
type FsckProgress struct {
	Objects int64 // listed
	Rows    int64 // compared with their objects
	Bytes   int64 // read and hashed
}

// Fault is a kind of disagreement between rows and bytes.
type Fault string

// The faults. Repair helps against FaultStray and FaultPartial.
const (
	FaultMissing    Fault = "missing"    // a row without bytes
	FaultSize       Fault = "size"       // bytes of another length than the row says
	FaultHash       Fault = "hash"       // bytes with another SHA-256 than the row says
	FaultUnreadable Fault = "unreadable" // bytes that the store fails to give
	FaultStray      Fault = "stray"      // bytes without a row
	FaultPartial    Fault = "partial"    // an object that was started and never finished
)

// Faults lists every kind of fault, the worst first.
func Faults() []Fault {
	return []Fault{FaultMissing, FaultHash, FaultSize, FaultUnreadable, FaultStray, FaultPartial}
}

// Finding is one object at fault.
type Finding struct {
	Fault  Fault
	Key    string         // of the object in the store
	File   satchel.FileID // whose bytes it is; empty where no row says so
	Size   int64          // bytes found; 0 for FaultMissing and FaultUnreadable
	Want   int64          // bytes that the row says; 0 without a row
	Detail string         // for people
}

// Findings counts faults and keeps the first of each kind. It is safe for concurrent use.
type Findings struct {
	limit int

	mu       sync.Mutex
	counts   map[Fault]int64
	examples map[Fault][]Finding
}

func newFindings(limit int) *Findings {
	if limit <= 0 {
		limit = fsckExamples
	}
	return &Findings{limit: limit, counts: map[Fault]int64{}, examples: map[Fault][]Finding{}}
}

func (f *Findings) add(found Finding) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[found.Fault]++
	if len(f.examples[found.Fault]) < f.limit {
		f.examples[found.Fault] = append(f.examples[found.Fault], found)
	}
}

// Count gives the number of faults of the kinds, without kinds of all.
func (f *Findings) Count(kinds ...Fault) (n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(kinds) == 0 {
		kinds = Faults()
	}
	for _, kind := range kinds {
		n += f.counts[kind]
	}
	return n
}

// Examples gives the first findings of a kind.
func (f *Findings) Examples(kind Fault) []Finding {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.examples[kind])
}

// FsckReport is what a check found.
type FsckReport struct {
	*Findings
	Rows     int64 // that should have bytes
	Doomed   int64 // rows of deleted files that wait for the sweeper; no fault
	Objects  int64 // in the store, finished or not
	Bytes    int64 // of them
	Repaired int64 // objects removed

	Miscounted []meta.WrongUsage // organizations and workspaces that use something else than was counted
	Recounted  bool              // they are mended
}

// Clean reports that nothing is wrong, or was and is repaired.
func (r *FsckReport) Clean() bool {
	return r.Count() == r.Repaired && (len(r.Miscounted) == 0 || r.Recounted)
}

// Fsck compares every object with the rows and every row with its object, in bounded memory. Faults are in the report; an error means that the
// check could not be made. What looks wrong is looked at a second time before it counts: bytes first and rows after, because rows are
// doomed before bytes go and come after bytes are there. So a server may run meanwhile (Live). The one thing it could see wrongly then
// is a finished object of an upload that has been going on for over ten minutes since.
func Fsck(ctx context.Context, cfg FsckConfig) (*FsckReport, error) {
	if cfg.Live && cfg.Repair {
		return nil, errors.New("fsck cannot repair while the server runs: stop it first")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &check{cfg: cfg, report: &FsckReport{Findings: newFindings(cfg.Examples)}, began: cfg.Now()}
	if err := c.objects(ctx); err != nil {
		return nil, fmt.Errorf("check objects: %w", err)
	}
	if err := c.rows(ctx); err != nil {
		return nil, fmt.Errorf("check rows: %w", err)
	}
	return c.report, c.recount(ctx)
}

// recount compares what is counted with the rows.
func (c *check) recount(ctx context.Context) (err error) {
	if c.cfg.Usage == nil {
		return nil
	}
	c.report.Recounted = c.cfg.Repair
	c.report.Miscounted, err = c.cfg.Usage.RecountUsage(ctx, c.cfg.Repair)
	return err
}
