package maintain_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
)

func wantGone(t testing.TB, path string) {
	t.Helper()
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is still there: %v", path, err)
	}
}

func fsck(t testing.TB, w *world, change func(*maintain.FsckConfig)) *maintain.FsckReport {
	t.Helper()
	cfg := maintain.FsckConfig{Blobs: w.disk, Register: w.rows}
	if change != nil {
		change(&cfg)
	}
	report, err := maintain.Fsck(t.Context(), cfg)
	must(t, err)
	return report
}

// plantFaults damages a world in every way and says which file got which fault.
func plantFaults(t testing.TB, w *world) map[maintain.Fault]satchel.FileID {
	t.Helper()
	old := time.Now().Add(-26 * time.Hour)
	missing, short, flipped := w.upload(t, "missing"), w.upload(t, "truncated"), w.upload(t, "flipped")
	must(t, os.Remove(w.path(missing.Content.ID)))
	must(t, os.Truncate(w.path(short.Content.ID), 3))
	must(t, os.WriteFile(w.path(flipped.Content.ID), []byte("flipqed"), 0o600))
	w.put(t, old, old, "nobody's")
	w.putPartial(t, old, old)
	return map[maintain.Fault]satchel.FileID{
		maintain.FaultMissing: missing.ID, maintain.FaultSize: short.ID, maintain.FaultHash: flipped.ID,
		maintain.FaultStray: "", maintain.FaultPartial: "",
	}
}

func TestFsckFindsEveryFault(t *testing.T) {
	for _, live := range []bool{false, true} {
		w := newWorld(t)
		good, doomed := w.upload(t, "good"), w.upload(t, "doomed")
		must(t, w.tryDelete(t.Context(), doomed))
		must(t, os.Remove(w.path(doomed.Content.ID))) // as a sweep does that was cut off
		planted := plantFaults(t, w)
		report := fsck(t, w, func(cfg *maintain.FsckConfig) { cfg.Deep, cfg.Live = true, live })
		if report.Clean() || report.Count() != int64(len(planted)) {
			t.Errorf("live %v: found %+v", live, allFindings(report.Findings))
		}
		for kind, file := range planted {
			if found := report.Examples(kind); len(found) != 1 || report.Count(kind) != 1 || found[0].File != file || found[0].Key == "" {
				t.Errorf("live %v: %s: found %+v, want one of file %q", live, kind, found, file)
			}
		}
		if report.Rows != 4 || report.Doomed != 1 || report.Objects != 5 {
			t.Errorf("live %v: looked at %d rows, %d doomed ones and %d objects", live, report.Rows, report.Doomed, report.Objects)
		}
		w.wantContent(t, good)
	}
}

func TestFsckWithoutReading(t *testing.T) {
	w := newWorld(t)
	plantFaults(t, w)
	var opened atomic.Int32
	disk := &faulty{Store: w.disk, opened: func(string) { opened.Add(1) }}
	for range 50 {
		w.upload(t, "good")
	}
	report := fsck(t, w, func(cfg *maintain.FsckConfig) { cfg.Blobs = disk })
	if report.Count(maintain.FaultMissing, maintain.FaultSize) != 2 || report.Count(maintain.FaultHash) != 0 || report.Count() != 4 {
		t.Errorf("found %+v", allFindings(report.Findings))
	}
	if opened.Load() != 2 {
		t.Errorf("opened %d objects; only those that a listing does not clear need that", opened.Load())
	}
}

func TestFsckRepair(t *testing.T) {
	w := newWorld(t)
	good := w.upload(t, "good")
	plantFaults(t, w)
	report := fsck(t, w, func(cfg *maintain.FsckConfig) { cfg.Repair = true })
	if report.Repaired != 2 || report.Clean() {
		t.Errorf("repaired %d, want the stray and the unfinished object", report.Repaired)
	}
	report = fsck(t, w, nil)
	if report.Count(maintain.FaultStray, maintain.FaultPartial) != 0 || report.Count() != 2 {
		t.Errorf("after the repair: %+v", allFindings(report.Findings))
	}
	w.wantContent(t, good)
	if _, err := maintain.Fsck(t.Context(), maintain.FsckConfig{Blobs: w.disk, Register: w.rows, Live: true, Repair: true}); err == nil {
		t.Error("a live repair was not refused")
	}
}

// An unfinished object can have the key of a finished one. Repairing must not remove both.
func TestFsckRepairKeepsTheTwin(t *testing.T) {
	w := newWorld(t)
	file := w.upload(t, "good")
	must(t, os.WriteFile(w.path(file.Content.ID)+".part", []byte("go"), 0o600))
	report := fsck(t, w, func(cfg *maintain.FsckConfig) { cfg.Repair = true })
	if report.Count(maintain.FaultPartial) != 1 || report.Repaired != 0 || report.Clean() {
		t.Errorf("found %+v, repaired %d", allFindings(report.Findings), report.Repaired)
	}
	w.wantContent(t, file)
}

func TestLiveFsckLeavesTheYoungAlone(t *testing.T) {
	w := newWorld(t)
	young, old := time.Now().Add(-9*time.Minute), time.Now().Add(-11*time.Minute)
	w.put(t, young, young, "on its way")
	w.putPartial(t, young, young)
	w.put(t, old, old, "nobody's")
	live := func(cfg *maintain.FsckConfig) { cfg.Live = true }
	if report := fsck(t, w, live); report.Count() != 1 || report.Count(maintain.FaultStray) != 1 {
		t.Errorf("live: found %+v", allFindings(report.Findings))
	}
	if report := fsck(t, w, nil); report.Count() != 3 {
		t.Errorf("stopped: found %+v", allFindings(report.Findings))
	}
}

// A file is deleted and swept just when fsck has read its row, another when fsck has listed its object.
func TestLiveFsckLooksTwice(t *testing.T) {
	w := newWorld(t)
	now := time.Now().Add(time.Hour) // so that nothing is too young to be judged
	rowRead, listed := w.upload(t, "row read"), w.upload(t, "listed")
	remove := func(file *satchel.File) {
		must(t, w.tryDelete(t.Context(), file))
		must(t, w.disk.Delete(t.Context(), blob.Key(file.Content.ID)))
		must(t, w.rows.ForgetBlobs(t.Context(), []satchel.BlobID{file.Content.ID}))
	}
	register := &racing{BlobRegister: w.rows, beforeKnown: func() { remove(listed) }, afterRows: func() { remove(rowRead) }}
	report := fsck(t, w, func(cfg *maintain.FsckConfig) {
		cfg.Live, cfg.Register = true, register
		cfg.Now = func() time.Time { return now }
	})
	if report.Count() != 0 {
		t.Errorf("found %+v", allFindings(report.Findings))
	}
	if report.Objects != 2 || report.Rows != 1 {
		t.Errorf("saw %d objects and %d rows: the race did not happen", report.Objects, report.Rows)
	}
}

// racing lets something happen, once, before the first look-up and after the first page of rows.
type racing struct {
	meta.BlobRegister
	beforeKnown, afterRows func()
}

func (r *racing) KnownBlobs(ctx context.Context, ids []satchel.BlobID) (map[satchel.BlobID]bool, error) {
	if happen := r.beforeKnown; happen != nil {
		r.beforeKnown = nil
		happen()
	}
	return r.BlobRegister.KnownBlobs(ctx, ids)
}

func (r *racing) Blobs(ctx context.Context, after satchel.BlobID, limit int) ([]meta.BlobRow, error) {
	rows, err := r.BlobRegister.Blobs(ctx, after, limit)
	if happen := r.afterRows; happen != nil {
		r.afterRows = nil
		happen()
	}
	return rows, err
}

func TestFsckKeepsFewExamples(t *testing.T) {
	w := newWorld(t)
	const many = 1_100 // more than a page of rows
	w.load(t, many)
	var last maintain.FsckProgress
	report := fsck(t, w, func(cfg *maintain.FsckConfig) {
		cfg.Examples = 7
		cfg.Progress = func(p maintain.FsckProgress) { last = p }
	})
	if report.Count(maintain.FaultMissing) != many || len(report.Examples(maintain.FaultMissing)) != 7 || last.Rows != many {
		t.Errorf("found %d, kept %d, progress %+v", report.Count(maintain.FaultMissing), len(report.Examples(maintain.FaultMissing)), last)
	}
}

func TestFsckOfALostFolder(t *testing.T) {
	w := newWorld(t)
	w.upload(t, "good")
	must(t, os.RemoveAll(w.folder+"/blobs"))
	if report, err := maintain.Fsck(t.Context(), maintain.FsckConfig{Blobs: w.disk, Register: w.rows}); err == nil {
		t.Errorf("a store that has vanished gives a report: %+v", allFindings(report.Findings))
	}
}
