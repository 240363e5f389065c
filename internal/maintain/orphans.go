package maintain

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	safeAge = time.Hour // no upload leaves an object alone for so long before it commits the row
	// SharedAge is safeAge where other processes have uploads under way, which may be those of many files: the first has to wait for the last. No
	// upload may end with a row for an object that is so old.
	SharedAge = 24 * time.Hour
	deepBack  = 24 * time.Hour      // what a deep pass lists at least
	listAll   = 31 * 24 * time.Hour // from here on one listing of everything is cheaper than one an hour
	maxLeft   = 200                 // hours that a mark names one by one
	keyBatch  = 500                 // objects looked up at once; the contract allows 1,000
)

// The names of the sweeper's marks.
const (
	markSettled = "sweep.settled"
	markSwept   = "sweep.swept"
	markEnded   = "sweep.ended" // "cleanly" while no process sweeps, unless the last one crashed
)

const endedCleanly = "cleanly"

var errPostponed = errors.New("a backup runs")

// sweptMark says what the last finished orphan pass left to do: everything whose staging started after Since, and the hours in which it
// left something alone because it was young, held by an upload, or could not be removed.
type sweptMark struct {
	since time.Time // zero: nothing was ever swept
	hours []string
}

// parseSweptMark reads what String wrote; whatever it cannot read means that everything is to be listed.
func parseSweptMark(text string) sweptMark {
	fields := strings.Fields(text)
	if len(fields) == 0 {
		return sweptMark{}
	}
	since, err := time.Parse(time.RFC3339, fields[0])
	if err != nil {
		return sweptMark{}
	}
	return sweptMark{since, fields[1:]}
}

func (m sweptMark) String() string {
	return strings.Join(append([]string{m.since.UTC().Format(time.RFC3339)}, m.hours...), " ")
}

// prefixes gives what a pass at the moment now lists: an hour's slack before the mark, a day if deep, and one hour ahead for clocks that
// differ.
func (m sweptMark) prefixes(now time.Time, deep bool) []string {
	from := m.since
	if from.After(now) { // the clock was set back
		from = now
	}
	from = from.Add(-time.Hour)
	if dayAgo := now.Add(-deepBack); deep && from.After(dayAgo) {
		from = dayAgo
	}
	if m.since.IsZero() || now.Sub(from) > listAll {
		return []string{""}
	}
	hours := slices.Clone(m.hours)
	for _, t := range hoursBetween(from, now.Add(time.Hour)) {
		hours = append(hours, blob.Hour(t))
	}
	slices.Sort(hours)
	hours = slices.Compact(hours)
	for i := range hours {
		hours[i] += "/"
	}
	return hours
}

// orphanPass is one search for objects that no row names.
type orphanPass struct {
	*Sweeper
	result *SweepResult
	batch  []candidate
	left   map[string]bool // hours to look at again
}

type candidate struct {
	id      satchel.BlobID
	partial bool
}

// removeOrphans lists what may hold orphans and removes them. Only a pass that got through moves the mark.
func (s *Sweeper) removeOrphans(ctx context.Context, r *SweepResult) error {
	text, err := s.cfg.Store.Mark(ctx, markSwept)
	if err != nil {
		return fmt.Errorf("read the mark of the last sweep: %w", err)
	}
	if err := s.lookAtLastEnd(ctx); err != nil {
		return err
	}
	if s.crashed {
		text = ""
	}
	deep := s.due(s.lastDeep, deepInterval)
	p := &orphanPass{Sweeper: s, result: r, left: map[string]bool{}}
	for _, id := range s.cfg.Held() {
		p.leave(id)
	}
	err = p.list(ctx, parseSweptMark(text).prefixes(r.Started, deep))
	if errors.Is(err, errPostponed) {
		r.Postponed = true
		return nil
	}
	s.lastFull = r.Started
	if err != nil {
		return fmt.Errorf("remove objects without rows: %w", err)
	}
	if err := s.cfg.Store.SetMark(ctx, markSwept, p.mark().String()); err != nil {
		return fmt.Errorf("write the mark of this sweep: %w", err)
	}
	s.crashed = false
	if deep {
		s.lastDeep = r.Started
	}
	return nil
}

// lookAtLastEnd finds out whether the process before this one crashed. A power cut may bring back objects of any age whose removal was not
// durable yet, and whose rows are gone. Where other processes write, there is no such thing as the one before.
func (s *Sweeper) lookAtLastEnd(ctx context.Context) error {
	if s.looked || !s.cfg.Exclusive {
		return nil
	}
	end, err := s.cfg.Store.Mark(ctx, markEnded)
	if err != nil {
		return fmt.Errorf("read how the last process ended: %w", err)
	}
	s.looked, s.crashed = true, end != endedCleanly
	if err := s.cfg.Store.SetMark(ctx, markEnded, ""); err != nil && !errors.Is(err, meta.ErrNoSpace) {
		return fmt.Errorf("note that a process sweeps: %w", err)
	}
	return nil
}

// noteEnd says that this process did not crash. Whatever hinders it makes the next start a little longer.
func (s *Sweeper) noteEnd(ctx context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.cfg.Exclusive || !s.looked || s.crashed {
		return
	}
	if err := s.cfg.Store.SetMark(ctx, markEnded, endedCleanly); err != nil {
		s.cfg.Logger.WarnContext(ctx, "the end of the last sweep could not be noted", "error", err)
	}
}

// list goes on past an hour that cannot be listed, and says so in the end.
func (p *orphanPass) list(ctx context.Context, prefixes []string) error {
	var errs []error
	for _, prefix := range prefixes {
		err := p.cfg.Blobs.List(ctx, prefix, func(e blob.Entry) error { return p.visit(ctx, e) })
		if errors.Is(err, errPostponed) || ended(ctx, err) {
			return err
		}
		errs = append(errs, err)
	}
	errs = append(errs, p.flush(ctx))
	return errors.Join(errs...)
}

// visit collects what may be an orphan. What is not of our making is left alone.
func (p *orphanPass) visit(ctx context.Context, e blob.Entry) error {
	id, ok := blob.ID(e.Key)
	if !ok {
		return ctx.Err()
	}
	if p.young(e) || p.cfg.InUse(id) {
		p.leave(id)
		return ctx.Err()
	}
	p.batch = append(p.batch, candidate{id, e.Partial})
	if len(p.batch) < keyBatch {
		return ctx.Err()
	}
	return p.flush(ctx)
}

func (p *orphanPass) young(e blob.Entry) bool {
	if p.cfg.Exclusive && e.Modified.Before(p.began) {
		return false
	}
	return e.Modified.After(p.result.Started.Add(-p.cfg.Age))
}

func (p *orphanPass) leave(id satchel.BlobID) { p.left[blob.Hour(id.Time())] = true }

// flush removes those of the batch that no row names. When it asks for the rows, all of the batch was seen listed and not held before.
func (p *orphanPass) flush(ctx context.Context) error {
	batch := p.batch
	p.batch = nil
	if len(batch) == 0 {
		return nil
	}
	unknown, err := p.unknown(ctx, batch)
	if err != nil || len(unknown) == 0 {
		return err
	}
	unlock, ok := p.cfg.Lock()
	if !ok {
		return errPostponed
	}
	defer unlock()
	err = p.settle(ctx)
	switch {
	case errors.Is(err, meta.ErrNoSpace):
		unknown = p.leaveFinished(unknown)
	case err != nil:
		return err
	}
	if unknown, err = p.unknown(ctx, unknown); err != nil {
		return err
	}
	return p.removeUnknown(ctx, unknown)
}

// leaveFinished gives the unfinished objects of the batch and leaves the others for the next pass.
func (p *orphanPass) leaveFinished(batch []candidate) []candidate {
	return slices.DeleteFunc(batch, func(c candidate) bool {
		if !c.partial {
			p.leave(c.id)
		}
		return !c.partial
	})
}

func (p *orphanPass) unknown(ctx context.Context, batch []candidate) ([]candidate, error) {
	known, err := p.cfg.Store.KnownBlobs(ctx, candidateIDs(batch))
	if err != nil {
		return nil, fmt.Errorf("look up rows: %w", err)
	}
	var unknown []candidate
	for _, c := range batch {
		if !known[c.id] {
			unknown = append(unknown, c)
		}
	}
	return unknown, nil
}

func (p *orphanPass) removeUnknown(ctx context.Context, batch []candidate) error {
	gone, failed := p.remove(ctx, candidateIDs(batch))
	for _, id := range failed {
		p.leave(id)
	}
	p.result.Failed += len(failed)
	p.pruneDue = p.pruneDue || len(gone) > 0
	removed := map[satchel.BlobID]bool{}
	for _, id := range gone {
		removed[id] = true
	}
	for _, c := range batch {
		switch {
		case !removed[c.id]:
		case c.partial:
			p.result.Partials++
		default:
			p.result.Orphans++
		}
	}
	return ctx.Err()
}

// mark is what the next pass has to know of this one.
func (p *orphanPass) mark() sweptMark {
	m := sweptMark{since: p.result.Started, hours: slices.Sorted(maps.Keys(p.left))}
	if len(m.hours) <= maxLeft {
		return m
	}
	if oldest, err := time.Parse("2006-01-02T15", m.hours[0]); err == nil && oldest.Before(m.since) {
		m.since = oldest
	}
	return sweptMark{since: m.since}
}

func candidateIDs(batch []candidate) []satchel.BlobID {
	ids := make([]satchel.BlobID, len(batch))
	for i, c := range batch {
		ids[i] = c.id
	}
	return ids
}
