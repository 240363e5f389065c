package files_test

import (
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
)

// newModelWorld is a world with a language model, which only matters for what may be asked for.
func newModelWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.Service = w.service(true)
	return w
}

func patchOf(t *testing.T, text string) satchel.Patch {
	t.Helper()
	p, err := satchel.ParsePatch([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func (w *world) claim(t *testing.T, id satchel.FileID) *files.Work {
	t.Helper()
	work := w.tryClaim(t, id)
	if work == nil {
		t.Fatalf("nothing to claim of %s", id)
	}
	return work
}

func (w *world) tryClaim(t *testing.T, id satchel.FileID) *files.Work {
	t.Helper()
	scope := w.scope
	scope.User = ""
	work, err := w.Claim(t.Context(), scope, id)
	if err != nil {
		t.Fatal(err)
	}
	return work
}

func (w *world) file(t *testing.T, id satchel.FileID) *satchel.File {
	t.Helper()
	file, err := w.File(t.Context(), w.scope, string(id))
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// keep publishes pages as the text of the work's file.
func (w *world) keep(t *testing.T, work *files.Work, pages ...string) error {
	t.Helper()
	text, err := w.StageText(t.Context(), func(out *files.TextWriter) error {
		for _, page := range pages {
			if err := out.Page("", page); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := text.Discard(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	found := files.Found{Text: text, Document: satchel.Document{Format: "text", Pages: len(pages), Characters: 1}, ContentType: "text/plain"}
	return work.KeepFound(t.Context(), found, satchel.StepInstruct, "read")
}

func finish(t *testing.T, work *files.Work, o files.Outcome) {
	t.Helper()
	if err := work.Finish(t.Context(), o); err != nil {
		t.Fatal(err)
	}
}

func wantStanding(t *testing.T, file *satchel.File, status satchel.Status, code satchel.Code, details string) {
	t.Helper()
	got := satchel.Code("")
	if file.Failure != nil {
		got = file.Failure.Code
	}
	if file.Status != status || got != code || !strings.Contains(file.StatusDetails, details) {
		t.Errorf("status %s, code %q, details %q; want %s, %q, …%s…", file.Status, got, file.StatusDetails, status, code, details)
	}
}

func TestAFileIsProcessed(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "one\ftwo", files.Fields{})
	wantStanding(t, file, satchel.StatusUploaded, "", "")
	_, _, err := w.Text(t.Context(), w.scope, string(file.ID))
	wantCode(t, err, satchel.CodeNoText)

	work := w.claim(t, file.ID)
	if w.tryClaim(t, file.ID) != nil {
		t.Error("two workers hold one run")
	}
	wantStanding(t, w.file(t, file.ID), satchel.StatusProcessing, "", "")
	if err := work.Say(t.Context(), "reading page 1 of 2"); err != nil {
		t.Fatal(err)
	}
	wantStanding(t, w.file(t, file.ID), satchel.StatusProcessing, "", "page 1 of 2")
	if err := w.keep(t, work, "one", "zwei\f€"); err != nil {
		t.Fatal(err)
	}
	finish(t, work, files.Outcome{})
	wantStanding(t, w.file(t, file.ID), satchel.StatusProcessed, "", "")
	if w.tryClaim(t, file.ID) != nil {
		t.Error("a run is worked on after its end")
	}

	_, text, err := w.Text(t.Context(), w.scope, string(file.ID))
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	if all, err := io.ReadAll(text); err != nil || string(all) != "one\fzwei\n€" {
		t.Errorf("%q, %v", all, err)
	}
	page, err := w.Page(t.Context(), w.scope, string(file.ID), 2)
	if err != nil || page.Text != "zwei\n€" || page.Characters != 6 {
		t.Errorf("%+v, %v", page, err)
	}
	_, err = w.Page(t.Context(), w.scope, string(file.ID), 3)
	wantCode(t, err, satchel.CodeNotFound)
}

func TestDataForMachinesIsNotProcessed(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "{}", files.Fields{Purpose: "batch"})
	wantStanding(t, file, satchel.StatusProcessed, "", "")
	if w.tryClaim(t, file.ID) != nil {
		t.Error("there is a run")
	}
	file = w.mustPut(t, "{}", files.Fields{Purpose: "batch", Instructions: "count the requests"})
	wantStanding(t, file, satchel.StatusUploaded, "", "")
}

func TestALateWorkerChangesNothing(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	late := w.claim(t, file.ID)
	w.clock.Advance(files.Lease + time.Second)
	second := w.claim(t, file.ID)
	for what, err := range map[string]error{
		"say":        late.Say(t.Context(), "still here"),
		"keep":       w.keep(t, late, "late"),
		"checkpoint": late.Checkpoint(t.Context(), satchel.StepInstruct, "{}", "late", satchel.Tokens{}),
		"postpone":   late.Postpone(t.Context(), w.clock.Now(), "", "late"),
		"finish":     late.Finish(t.Context(), files.Outcome{Failure: &satchel.Failure{Code: satchel.CodeInternal, Message: "late"}}),
	} {
		if !errors.Is(err, files.ErrLost) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := w.keep(t, second, "right"); err != nil {
		t.Fatal(err)
	}
	finish(t, second, files.Outcome{})
	if page, err := w.Page(t.Context(), w.scope, string(file.ID), 1); err != nil || page.Text != "right" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestADeletedFileEndsItsRun(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	work := w.claim(t, file.ID)
	if err := w.Delete(t.Context(), w.scope, string(file.ID)); err != nil {
		t.Fatal(err)
	}
	if err := w.keep(t, work, "text"); !errors.Is(err, files.ErrLost) {
		t.Errorf("%v", err)
	}
	if w.tryClaim(t, file.ID) != nil {
		t.Error("a run of a deleted file")
	}
	if n, err := w.rows.CountRuns(t.Context()); err != nil || n != 0 {
		t.Errorf("%d open runs, %v", n, err)
	}
}

func TestCancel(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	work := w.claim(t, file.ID)
	after, err := w.Cancel(t.Context(), w.scope, string(file.ID))
	if err != nil {
		t.Fatal(err)
	}
	wantStanding(t, after, satchel.StatusError, satchel.CodeCancelled, "cancelled")
	if err := work.Say(t.Context(), "x"); !errors.Is(err, files.ErrLost) {
		t.Errorf("%v", err)
	}
	_, err = w.Cancel(t.Context(), w.scope, string(file.ID))
	wantCode(t, err, satchel.CodeRunOver)

	if _, _, err := w.Process(t.Context(), w.scope, string(file.ID), files.Request{}); err != nil {
		t.Fatal(err)
	}
	finish(t, w.claim(t, file.ID), files.Outcome{})
	if _, _, err := w.Process(t.Context(), w.scope, string(file.ID), files.Request{}); err != nil {
		t.Fatal(err)
	}
	after, err = w.Cancel(t.Context(), w.scope, string(file.ID))
	if err != nil {
		t.Fatal(err)
	}
	wantStanding(t, after, satchel.StatusProcessed, "", "cancelled")
}

// edit is an outcome that sets values.
func edit(set map[string]any) files.Outcome {
	return files.Outcome{Edit: satchel.Edit{Set: set}, Model: "model-1", Tokens: satchel.Tokens{Input: 10, Output: 2}}
}

func TestWhatAPersonSetStays(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "x", files.Fields{Instructions: "find all", Metadata: patchOf(t, `{"given":"by hand"}`)})
	work := w.claim(t, file.ID)
	if _, keys, err := work.Metadata(t.Context()); err != nil || len(keys) != 1 || keys[0] != "given" {
		t.Errorf("protected: %q, %v", keys, err)
	}
	if _, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patchOf(t, `{"meanwhile":1}`)}); err != nil {
		t.Fatal(err)
	}
	finish(t, work, edit(map[string]any{"given": "by the model", "meanwhile": json.Number("2"), "free": "found"}))
	after := w.file(t, file.ID)
	if after.Metadata.String() != `{"free":"found","given":"by hand","meanwhile":1}` {
		t.Errorf("%s", after.Metadata)
	}
	wantStanding(t, after, satchel.StatusProcessed, "", `"given"`)
	wantStanding(t, after, satchel.StatusProcessed, "", `"meanwhile" was changed meanwhile`)
	_, sources, err := w.Sources(t.Context(), w.scope, string(file.ID))
	if err != nil || sources["free"].Model != "model-1" || sources["given"].Model != "" || sources["free"].Number != 3 || sources["free"].Instruction != "find all" {
		t.Errorf("%+v, %v", sources["free"], err)
	}
}

// TestAConfirmedValueIsThePersons gives a value again that a model has found: from then on no run changes it.
func TestAConfirmedValueIsThePersons(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "x", files.Fields{Instructions: "find all", Metadata: patchOf(t, `{"own":1}`)})
	finish(t, w.claim(t, file.ID), edit(map[string]any{"author": "Hegel", "year": json.Number("1812")}))
	for range 2 { // the second time there is nothing left to confirm
		if _, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patchOf(t, `{"author":"Hegel","own":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	now, sources, err := w.Sources(t.Context(), w.scope, string(file.ID))
	if err != nil || now.MetadataVersion != 3 || sources["author"].Number != 3 || sources["author"].Model != "" || sources["year"].Model == "" || sources["own"].Number != 1 {
		t.Errorf("version %d, %+v, %v", now.MetadataVersion, sources, err)
	}
	if _, _, err := w.Process(t.Context(), w.scope, string(file.ID), files.Request{}); err != nil {
		t.Fatal(err)
	}
	finish(t, w.claim(t, file.ID), edit(map[string]any{"author": "Fichte", "year": json.Number("1794")}))
	if after := w.file(t, file.ID); after.Metadata.String() != `{"author":"Hegel","own":1,"year":1794}` {
		t.Errorf("%s", after.Metadata)
	}
}

func TestAnInstructionAboutMetadata(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "x", files.Fields{Metadata: patchOf(t, `{"author":"hegel"}`)})
	finish(t, w.claim(t, file.ID), files.Outcome{})
	update := files.MetadataUpdate{Patch: patchOf(t, `{"year":1812}`), Instructions: "rename author to writer"}
	during, run, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), update)
	if err != nil {
		t.Fatal(err)
	}
	wantStanding(t, during, satchel.StatusProcessing, "", "")
	if during.Metadata.String() != `{"author":"hegel","year":1812}` || run.Kind != satchel.RunMetadata {
		t.Errorf("%s, %+v", during.Metadata, run)
	}
	finish(t, w.claim(t, file.ID), files.Outcome{
		Edit:  satchel.Edit{Rename: []satchel.Rename{{From: []string{"author"}, To: []string{"writer"}}}, Set: map[string]any{"year": json.Number("1")}},
		Model: "model-1",
	})
	after := w.file(t, file.ID)
	if after.Metadata.String() != `{"writer":"hegel","year":1812}` {
		t.Errorf("%s", after.Metadata)
	}
	wantStanding(t, after, satchel.StatusProcessed, "", `"year"`)
}

func TestAFailedInstructionIsAVersion(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "x", files.Fields{Metadata: patchOf(t, `{"a":1}`)})
	finish(t, w.claim(t, file.ID), files.Outcome{})
	if _, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Instructions: "translate"}); err != nil {
		t.Fatal(err)
	}
	finish(t, w.claim(t, file.ID), files.Outcome{Failure: &satchel.Failure{Code: satchel.CodeModelNonsense, Message: "the model babbled"}})
	after := w.file(t, file.ID)
	wantStanding(t, after, satchel.StatusProcessed, "", "The model babbled.")
	versions, more, err := w.Versions(t.Context(), w.scope, string(file.ID), 0, 10)
	if err != nil || more || len(versions) != 2 || versions[0].Failure == nil || len(versions[0].Keys) != 0 || versions[0].Instruction != "translate" {
		t.Errorf("%+v, %v", versions, err)
	}
	_, _, err = w.Revert(t.Context(), w.scope, string(file.ID), 2)
	wantCode(t, err, satchel.CodeNothingToRevert)
}

func TestUpdatesRunOneAfterTheOther(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	var runs []*satchel.Run
	for _, instruction := range []string{"first", "second"} {
		w.clock.Advance(time.Second)
		_, run, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Instructions: instruction})
		if err != nil {
			t.Fatal(err)
		}
		runs = append(runs, run)
	}
	finish(t, w.claim(t, file.ID), files.Outcome{Failure: &satchel.Failure{Code: satchel.CodeDocumentBroken, Message: "broken"}})
	wantStanding(t, w.file(t, file.ID), satchel.StatusProcessing, "", "")
	for _, run := range runs {
		work := w.claim(t, file.ID)
		if work.Run().ID != run.ID {
			t.Errorf("%s before %s", work.Run().Instructions, run.Instructions)
		}
		finish(t, work, edit(map[string]any{work.Run().Instructions: true}))
	}
	after := w.file(t, file.ID)
	wantStanding(t, after, satchel.StatusError, satchel.CodeDocumentBroken, "Broken.")
	if after.Metadata.String() != `{"first":true,"second":true}` {
		t.Errorf("%s", after.Metadata)
	}
}

func TestADryRunChangesNothing(t *testing.T) {
	w := newModelWorld(t)
	file := w.mustPut(t, "x", files.Fields{Metadata: patchOf(t, `{"a":1}`)})
	finish(t, w.claim(t, file.ID), files.Outcome{})
	before := w.file(t, file.ID)
	same, run, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patchOf(t, `{"b":2}`), Instructions: "add c", DryRun: true})
	if err != nil || same.Version != before.Version {
		t.Fatalf("%+v, %v", same, err)
	}
	work := w.claim(t, file.ID)
	if shown, _, err := work.Metadata(t.Context()); err != nil || shown.String() != `{"a":1,"b":2}` {
		t.Errorf("the model is shown %s, %v", shown, err)
	}
	finish(t, work, edit(map[string]any{"c": json.Number("3")}))
	run, err = w.Run(t.Context(), w.scope, string(file.ID), string(run.ID))
	if err != nil || run.State != satchel.RunSucceeded {
		t.Fatalf("%+v, %v", run, err)
	}
	was, would, err := w.Preview(t.Context(), w.scope, run)
	if err != nil || was.String() != `{"a":1}` || would.String() != `{"a":1,"b":2,"c":3}` {
		t.Errorf("%s → %s, %v", was, would, err)
	}
	if after := w.file(t, file.ID); after.Version != before.Version {
		t.Errorf("the file was changed: %+v", after)
	}
}

func TestRevertAndRestore(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{Metadata: patchOf(t, `{"a":1,"b":1}`)})
	for _, text := range []string{`{"a":2,"b":null,"c":{"d":1}}`, `{"c":3}`} {
		if _, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patchOf(t, text)}); err != nil {
			t.Fatal(err)
		}
	}
	after, left, err := w.Revert(t.Context(), w.scope, string(file.ID), 2)
	if err != nil || after.Metadata.String() != `{"a":1,"b":1,"c":3}` || len(left) != 1 || left[0] != "c" {
		t.Errorf("%s, left %q, %v", after.Metadata, left, err)
	}
	_, _, err = w.Revert(t.Context(), w.scope, string(file.ID), 2)
	wantCode(t, err, satchel.CodeNothingToRevert)
	_, _, err = w.Revert(t.Context(), w.scope, string(file.ID), 99)
	wantCode(t, err, satchel.CodeNotFound)
	after, err = w.Restore(t.Context(), w.scope, string(file.ID), 2)
	if err != nil || after.Metadata.String() != `{"a":2,"c":{"d":1}}` {
		t.Errorf("%s, %v", after.Metadata, err)
	}
	_, err = w.Restore(t.Context(), w.scope, string(file.ID), 2)
	wantCode(t, err, satchel.CodeNothingToRevert)
	versions, _, err := w.Versions(t.Context(), w.scope, string(file.ID), 0, 10)
	if err != nil || len(versions) != 5 || versions[0].Restores != 2 || versions[1].Reverts != 2 {
		t.Errorf("%+v, %v", versions, err)
	}
}

func TestRescue(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	w.claim(t, file.ID)
	if n, err := w.Rescue(t.Context(), w.rows); n != 0 || err != nil {
		t.Errorf("rescued %d, %v", n, err)
	}
	w.clock.Advance(files.Lease + time.Second)
	if n, err := w.Rescue(t.Context(), w.rows); n != 1 || err != nil {
		t.Errorf("rescued %d, %v", n, err)
	}
	if n, err := w.Rescue(t.Context(), w.rows); n != 0 || err != nil {
		t.Errorf("rescued again: %d, %v", n, err)
	}
	w.clock.Advance(-time.Minute) // that of the worker who comes is behind
	w.claim(t, file.ID)
}

// TestAWorkerThatComesTooEarly has a worker whose clock is behind come to a postponed run: another one is called, as long as its time is near.
func TestAWorkerThatComesTooEarly(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	if err := w.claim(t, file.ID).Postpone(t.Context(), w.clock.Now().Add(10*time.Minute), "", "later"); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(5 * time.Minute)
	before := w.jobs(t)
	for _, c := range []struct {
		after time.Duration
		calls int
	}{{0, 0}, {4 * time.Minute, 1}, {30 * time.Second, 1}} {
		w.clock.Advance(c.after)
		if w.tryClaim(t, file.ID) != nil {
			t.Fatal("the run was taken before its time")
		}
		if got := w.jobs(t) - before; got != c.calls {
			t.Errorf("%s later workers are called %d times, want %d", c.after, got, c.calls)
		}
		before = w.jobs(t)
	}
	w.clock.Advance(30 * time.Second)
	w.claim(t, file.ID)
}

// jobs counts the calls of workers so far.
func (w *world) jobs(t *testing.T) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+w.path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM river_job").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestARunThatKillsItsWorkersEnds(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{})
	for range 5 {
		w.claim(t, file.ID)
		w.clock.Advance(files.Lease + time.Second)
	}
	if w.tryClaim(t, file.ID) != nil {
		t.Error("a sixth try")
	}
	wantStanding(t, w.file(t, file.ID), satchel.StatusError, satchel.CodeInternal, "5 times")
}

func TestAModelThatComesLater(t *testing.T) {
	w := newWorld(t)
	file := w.mustPut(t, "x", files.Fields{Instructions: "find"})
	finish(t, w.claim(t, file.ID), files.Outcome{Failure: &satchel.Failure{Code: satchel.CodeModelNotConfigured, Message: "no model"}})
	wantStanding(t, w.file(t, file.ID), satchel.StatusError, satchel.CodeModelNotConfigured, "No model.")
	w.Service = w.service(true)
	if n, err := w.Resume(t.Context(), w.rows); n != 1 || err != nil {
		t.Errorf("resumed %d, %v", n, err)
	}
	finish(t, w.claim(t, file.ID), edit(map[string]any{"a": "b"}))
	after := w.file(t, file.ID)
	wantStanding(t, after, satchel.StatusProcessed, "", "")
	if after.Metadata.String() != `{"a":"b"}` {
		t.Errorf("%s", after.Metadata)
	}
}
