package process_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/jobs"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/internal/meta"
)

func TestADocumentIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.put("pages Logic\none\n\ntwo", files.Fields{})
	w.job(files.JobAdvance, id)
	w.wantFile(id, satchel.StatusProcessed, "", "")
	w.wantRun(id, satchel.RunSucceeded, satchel.StepInstruct)
	file := w.file(id)
	if d := file.Document; d == nil || d.Pages != 2 || d.Characters != 6 || d.Format != "orders" || d.Title != "Logic" || file.ContentType != "test/pages" {
		t.Errorf("%+v, of type %s", d, file.ContentType)
	}
	page, err := w.Files.Page(t.Context(), w.scope, string(id), 2)
	if err != nil || page.Text != "two" {
		t.Errorf("page 2 is %+v, %v", page, err)
	}
	if len(w.observed) != 1 || w.observed[0].State != satchel.RunSucceeded {
		t.Errorf("observed were %+v", w.observed)
	}
	w.job(files.JobAdvance, id) // a job too many finds nothing to do
	if len(w.observed) != 1 {
		t.Error("it was done twice")
	}
}

// TestHowItEnds has documents that cannot be read in different ways.
func TestHowItEnds(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for content, want := range map[string]struct {
		status  satchel.Status
		code    satchel.Code
		details string
	}{
		"":                          {satchel.StatusProcessed, "", "No text was found: the file is empty."},
		"riddle":                    {satchel.StatusProcessed, "", "No text was found: content of type test/riddle is stored, but cannot be read."},
		"scan":                      {satchel.StatusProcessed, "", "No text was found in this scan: it holds only blanks."},
		"fail document_encrypted":   {satchel.StatusError, satchel.CodeDocumentEncrypted, "As it was ordered."},
		"fail document_broken":      {satchel.StatusError, satchel.CodeDocumentBroken, "As it was ordered."},
		"fail document_too_complex": {satchel.StatusError, satchel.CodeDocumentTooComplex, "As it was ordered."},
		"die":                       {satchel.StatusError, satchel.CodeExtractionFailed, "The program that reads documents broke down over this one; processing it again may help."},
	} {
		id := w.put(content, files.Fields{})
		w.job(files.JobAdvance, id)
		w.wantFile(id, want.status, want.code, want.details)
		if file := w.file(id); file.Text.ID != "" {
			t.Errorf("%q has a text", content)
		}
	}
}

// TestTextStays processes a file again that cannot be read any more: what was found stays.
func TestTextStays(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.put("pages\nfound", files.Fields{})
	w.job(files.JobAdvance, id)
	must(t, w.pool.Close())
	_, _, err := w.Files.Process(t.Context(), w.scope, string(id), files.Request{})
	must(t, err)
	for range 5 {
		w.job(files.JobAdvance, id)
		w.clock.Advance(time.Minute)
	}
	w.wantFile(id, satchel.StatusError, satchel.CodeInternal, "Something went wrong in the server; its log knows more.")
	if page, err := w.Files.Page(t.Context(), w.scope, string(id), 1); err != nil || page.Text != "found" {
		t.Errorf("page 1 is %+v, %v", page, err)
	}
}

func TestWithoutAModel(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	id := w.put("pages\nfound", instructions("Find it."))
	w.job(files.JobAdvance, id)
	w.wantFile(id, satchel.StatusError, satchel.CodeModelNotConfigured,
		"The file is stored, but its instructions were not carried out: this server has no language model configured.")
	w.wantRun(id, satchel.RunFailed, satchel.StepInstruct)
}

// settle sets what holds in the world's workspace.
func (w *world) settle(settings satchel.WorkspaceSettings) {
	w.t.Helper()
	must(w.t, w.rows.InTx(w.t.Context(), func(ctx context.Context, tx meta.Tx) error {
		ws, err := tx.Workspace(ctx, w.scope.Org, w.scope.Workspace)
		if err != nil {
			return err
		}
		ws.Settings = settings
		return tx.UpdateWorkspace(ctx, *ws)
	}))
}

// TestWhereAIIsOff asks no model about the documents of a workspace that wants none, also where it is turned off after the upload.
func TestWhereAIIsOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{"author":"Hegel"}}`))
	early := w.put("pages\nBy Hegel.", instructions("Who wrote it?"))
	w.job(files.JobAdvance, early)
	w.settle(satchel.WorkspaceSettings{NoAI: true})
	late := w.put("pages\nBy Hegel.", instructions("Who wrote it?"))
	w.job(files.JobAdvance, late)
	for _, id := range []satchel.FileID{early, late} {
		w.job(files.JobInstruct, id)
		w.wantFile(id, satchel.StatusError, satchel.CodeAIDisabled,
			`Instructions were not carried out: AI is off in workspace "default", and no document of it goes to a language model.`)
		if page, err := w.Files.Page(t.Context(), w.scope, string(id), 1); err != nil || page.Text != "By Hegel." {
			t.Errorf("page 1 is %+v, %v", page, err)
		}
	}
	w.wantRequests(0)
}

// TestTheTokensOfADay lets a run come to the end of what its workspace may use. On the next day there is more.
func TestTheTokensOfADay(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{}}`))
	tokens := int64(150) // a request takes 110
	w.settle(satchel.WorkspaceSettings{Quota: satchel.Quota{TokensPerDay: &tokens}})
	id := w.put(report(3), instructions("Find the numbers."))
	w.job(files.JobAdvance, id)
	w.job(files.JobInstruct, id)
	w.wantRequests(2)
	w.wantFile(id, satchel.StatusError, satchel.CodeQuotaExceeded,
		`Workspace "default" may use 150 tokens of the language model a day and has used 220 today; more can be used from midnight UTC on.`)
	_, _, err := w.Files.Process(t.Context(), w.scope, string(id), files.Request{})
	if satchel.CodeOf(err) != satchel.CodeQuotaExceeded {
		t.Errorf("on the same day: %v", err)
	}
	w.clock.Advance(24 * time.Hour)
	if _, _, err := w.Files.Process(t.Context(), w.scope, string(id), files.Request{}); err != nil {
		t.Errorf("on the next day: %v", err)
	}
}

// TestHandOver has a job read the document, and another one ask the model.
func TestHandOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{"author":"Hegel"}}`))
	id := w.put("pages\nBy Hegel.", instructions("Who wrote it?"))
	w.job(files.JobAdvance, id)
	w.wantRun(id, satchel.RunQueued, satchel.StepInstruct)
	w.wantFile(id, satchel.StatusProcessing, "", "text and pages are read")
	w.wantRequests(0)
	if page, err := w.Files.Page(t.Context(), w.scope, string(id), 1); err != nil || page.Text != "By Hegel." {
		t.Errorf("page 1 is %+v, %v", page, err)
	}
	w.job(files.JobAdvance, id) // as a job too many does
	w.wantRun(id, satchel.RunQueued, satchel.StepInstruct)
	w.wantRequests(0)
	w.job(files.JobInstruct, id)
	w.wantRun(id, satchel.RunSucceeded, satchel.StepInstruct)
	w.wantFile(id, satchel.StatusProcessed, "", "")
	w.wantRequests(1)
	file, run := w.file(id), w.run(id)
	if file.Metadata.String() != `{"author":"Hegel"}` || run.Tokens != (satchel.Tokens{Input: 100, Output: 10}) {
		t.Errorf("%s for %+v", file.Metadata, run.Tokens)
	}
}

// listen works on the world's jobs as a server does, and gives the kinds of those that were worked on until done says that all is.
func (w *world) listen(done func() bool) []string {
	w.t.Helper()
	var mu sync.Mutex
	var kinds []string
	finished := make(chan struct{}, 1000)
	handler := func(kind string) jobs.Handler {
		return func(ctx context.Context, args string) error {
			err := w.Advance(ctx, kind, args)
			mu.Lock()
			defer mu.Unlock()
			kinds = append(kinds, kind)
			finished <- struct{}{}
			return err
		}
	}
	runner, err := jobs.New(w.rows.JobDriver(), jobs.Config{
		Handlers: map[string]jobs.Handler{files.JobAdvance: handler(files.JobAdvance), files.JobInstruct: handler(files.JobInstruct)},
		Workers:  1, Timeout: time.Minute, Poll: 10 * time.Millisecond,
	})
	must(w.t, err)
	ctx, stop := context.WithCancel(w.t.Context())
	over := make(chan error, 1)
	go func() { over <- runner.Run(ctx) }()
	late := time.After(time.Minute)
	for !done() {
		select {
		case <-finished:
		case <-late:
			w.t.Fatalf("after the jobs %v it is not done", kinds)
		}
		if len(finished) > 500 {
			w.t.Fatal("jobs without an end")
		}
	}
	stop()
	must(w.t, <-over)
	return kinds
}

// TestJobsOfARun counts the jobs of a run that reads and asks.
func TestJobsOfARun(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{"author":"Hegel"}}`))
	id := w.put("pages\nBy Hegel.", instructions("Who wrote it?"))
	kinds := w.listen(func() bool { return w.file(id).Status == satchel.StatusProcessed })
	if !slices.Equal(kinds, []string{files.JobAdvance, files.JobInstruct}) {
		t.Errorf("the jobs were %v", kinds)
	}
}

// TestAnUpdateWaitsForTheReading sends instructions about the metadata of a file that nobody has read yet. When it is read, they go to the model.
func TestAnUpdateWaitsForTheReading(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"needs_document":false,"set":{"seen":true}}`))
	id := w.put("pages\nBy Hegel.", files.Fields{})
	w.update(id, "Set seen to true.")
	kinds := w.listen(func() bool { return w.file(id).Status == satchel.StatusProcessed })
	if file := w.file(id); file.Metadata.String() != `{"seen":true}` || file.Document.Pages != 1 {
		t.Errorf("%s, %+v", file.Metadata, file.Document)
	}
	if len(kinds) > 10 { // some jobs too many find nothing to do
		t.Errorf("the jobs were %v", kinds)
	}
}

// TestAnUpdateReadsTheDocument has instructions about metadata that need a document which was not read, because of its purpose or because it
// cannot be.
func TestAnUpdateReadsTheDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t, llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		if strings.Contains(c.Prompt(), `"needs_document"`) {
			return say(`{"needs_document":true,"set":{}}`)
		}
		return say(`{"set":{"author":"Hegel"}}`)
	}))
	id := w.put("pages\nBy Hegel.", files.Fields{Purpose: "batch"})
	w.update(id, "Who wrote it?")
	w.job(files.JobAdvance, id)
	w.wantRun(id, satchel.RunQueued, satchel.StepInstruct)
	w.job(files.JobInstruct, id)
	w.wantFile(id, satchel.StatusProcessed, "", "")
	if file := w.file(id); file.Metadata.String() != `{"author":"Hegel"}` || file.Text.ID == "" {
		t.Errorf("%s", file.Metadata)
	}
	id = w.put("fail document_encrypted", files.Fields{Purpose: "batch"})
	w.update(id, "Who wrote it?")
	w.job(files.JobAdvance, id)
	w.job(files.JobInstruct, id)
	run := w.run(id)
	if run.State != satchel.RunFailed || run.Failure.Code != satchel.CodeNoReadableContent {
		t.Errorf("the run is %s, %+v", run.State, run.Failure)
	}
	w.wantFile(id, satchel.StatusProcessed, "", run.Details)
}

// report is a text of several windows; each has a number.
func report(windows int) string {
	var b strings.Builder
	b.WriteString("pages\n")
	for n := range windows {
		fmt.Fprintf(&b, "Number %d.\n%s", n, strings.Repeat("A sentence that fills the page and says nothing that anybody would want to know.\n", 28))
	}
	return b.String()
}

// TestTheTurnIsOver asks a model that takes half a minute for every answer: after a minute it is the turn of others, and the next job goes on.
func TestTheTurnIsOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{}}`))
	for range 20 {
		w.model.Enqueue(llmtest.By(func(llmtest.Call) llmtest.Behaviour {
			w.clock.Advance(35 * time.Second)
			return say(`{"set":{}}`)
		}))
	}
	id := w.put(report(6), instructions("Find the numbers."))
	w.job(files.JobAdvance, id)
	turns := 0
	for ; w.run(id).Open(); turns++ {
		w.wantRun(id, satchel.RunQueued, satchel.StepInstruct)
		w.wantFile(id, satchel.StatusProcessing, "", w.run(id).Details)
		w.job(files.JobInstruct, id)
		asked := len(w.model.Requests())
		if run := w.run(id); asked > 2*(turns+1) || run.Tokens.Input != int64(100*asked) {
			t.Fatalf("after %d turns %d requests were made, and %+v counted", turns+1, asked, run.Tokens)
		}
	}
	w.wantFile(id, satchel.StatusProcessed, "", "The language model found nothing to change.")
	prompts := map[string]bool{}
	for _, c := range w.model.Requests() {
		prompts[c.Prompt()] = true
	}
	if all := len(w.model.Requests()); len(prompts) != all || turns < 2 || all < 3 {
		t.Errorf("%d turns, and %d requests, of which %d are different", turns, all, len(prompts))
	}
}

// TestAModelThatIsDownForLong tries for a quarter of an hour, and gives up then. What other calls come in the meantime changes nothing.
func TestAModelThatIsDownForLong(t *testing.T) {
	t.Parallel()
	w := newWorld(t, llmtest.Fail(500, "", ""))
	w.model.Enqueue(say(`{"set":{"found":"one"}}`)) // the first window is read
	begun := w.clock.Now()
	id := w.put(report(3), instructions("Find the numbers."))
	w.job(files.JobAdvance, id)
	tries := 0
	for w.run(id).Open() {
		w.job(files.JobInstruct, id)
		if run := w.run(id); run.Open() {
			w.wantFile(id, satchel.StatusProcessing, "", run.Details)
			if !strings.HasPrefix(run.Details, "waiting: the language model cannot be used: ") || run.Tokens.Input != 100 {
				t.Fatalf("the run says %q, with %+v", run.Details, run.Tokens)
			}
			w.clock.Advance(run.LeaseUntil.Sub(w.clock.Now()))
		}
		if tries++; tries > 100 {
			t.Fatal("it is tried without an end")
		}
	}
	if passed := w.clock.Now().Sub(begun); passed < 15*time.Minute || passed > 16*time.Minute || tries < 15 {
		t.Errorf("it was given up after %s and %d tries", passed, tries)
	}
	run := w.run(id)
	if run.State != satchel.RunFailed || run.Failure.Code != satchel.CodeModelUnavailable || run.Tokens != (satchel.Tokens{Input: 100, Output: 10}) {
		t.Errorf("the run is %s, %+v, %+v", run.State, run.Failure, run.Tokens)
	}
	w.wantFile(id, satchel.StatusError, satchel.CodeModelUnavailable, run.Details)
	w.wantRequests(tries + 1)
	if len(w.observed) != 1 {
		t.Errorf("%d runs were observed", len(w.observed))
	}
}

// TestAModelThatComesBack goes on after failures where it was, and what failed long before does not count.
func TestAModelThatComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{}}`))
	fail := llmtest.Busy("300")
	w.model.Enqueue(fail, fail, say(`{"set":{}}`), fail, fail, say(`{"set":{}}`))
	id := w.put(report(3), instructions("Find the numbers."))
	w.job(files.JobAdvance, id)
	for range 5 {
		w.job(files.JobInstruct, id)
		w.clock.Advance(5*time.Minute + time.Second)
	}
	w.wantFile(id, satchel.StatusProcessed, "", "The language model found nothing to change.")
	w.wantRequests(7)
}

// TestAPostponedRunIsNotHurried calls workers to a run that is to leave the model alone.
func TestAPostponedRunIsNotHurried(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"needs_document":false,"set":{"seen":true}}`))
	w.model.Enqueue(llmtest.Busy("60"))
	id := w.put("pages\nfound", files.Fields{})
	w.job(files.JobAdvance, id)
	w.update(id, "Set seen to true.")
	w.job(files.JobInstruct, id)
	w.update(id, "Set seen to true again.")
	w.job(files.JobInstruct, id)
	w.clock.Advance(30 * time.Second)
	w.job(files.JobAdvance, id)
	w.wantRequests(1)
	w.clock.Advance(30 * time.Second)
	w.job(files.JobInstruct, id)
	w.wantRequests(3)
	w.wantFile(id, satchel.StatusProcessed, "", w.run(id).Details)
}

// TestARestartHurries has a server start: what was postponed is tried at once.
func TestARestartHurries(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{}}`))
	w.model.Enqueue(llmtest.Busy("60"))
	id := w.put("pages\nfound", instructions("Find it."))
	w.job(files.JobAdvance, id)
	w.job(files.JobInstruct, id)
	must(t, w.rows.EndLeases(t.Context(), w.clock.Now()))
	if n, err := w.Files.Rescue(t.Context(), w.rows); n != 1 || err != nil {
		t.Errorf("rescued %d, %v", n, err)
	}
	w.job(files.JobInstruct, id)
	w.wantRequests(2)
	w.wantFile(id, satchel.StatusProcessed, "", "The language model found nothing to change.")
}

// TestTokensOfAFailure counts what the model has said in vain.
func TestTokensOfAFailure(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("I cannot say."))
	id := w.put("pages\nfound", instructions("Find it."))
	w.job(files.JobAdvance, id)
	w.job(files.JobInstruct, id)
	run := w.run(id)
	if run.State != satchel.RunFailed || run.Failure.Code != satchel.CodeModelNonsense || run.Tokens != (satchel.Tokens{Input: 200, Output: 20}) {
		t.Errorf("the run is %s, %+v, with %+v", run.State, run.Failure, run.Tokens)
	}
	w.wantRequests(2)
}

// TestAWorkerIsStopped ends the context of a job during a request: the run goes on with the next job.
func TestAWorkerIsStopped(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say(`{"set":{}}`))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	w.model.Enqueue(llmtest.By(func(llmtest.Call) llmtest.Behaviour {
		stop()
		return llmtest.Hang()
	}))
	id := w.put("pages\nfound", instructions("Find it."))
	w.job(files.JobAdvance, id)
	must(t, w.Advance(ctx, files.JobInstruct, fmt.Sprintf(`{"org":%q,"workspace":%q,"file":%q}`, w.scope.Org, w.scope.Workspace, id)))
	w.wantRun(id, satchel.RunQueued, satchel.StepInstruct)
	w.wantFile(id, satchel.StatusProcessing, "", "waiting for a worker")
	w.job(files.JobInstruct, id)
	w.wantFile(id, satchel.StatusProcessed, "", "The language model found nothing to change.")
}

// TestAFileGoesDuringARequest deletes or cancels while the model thinks. The job says nothing of it, and nothing is changed.
func TestAFileGoesDuringARequest(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(w *world, id satchel.FileID) error{
		"deleted": func(w *world, id satchel.FileID) error {
			return w.Files.Delete(t.Context(), w.scope, string(id))
		},
		"cancelled": func(w *world, id satchel.FileID) error {
			_, err := w.Files.Cancel(t.Context(), w.scope, string(id))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, say(`{"set":{"found":"it"}}`))
			id := w.put("pages\nfound it", instructions("Find it."))
			w.job(files.JobAdvance, id)
			w.model.Enqueue(llmtest.By(func(llmtest.Call) llmtest.Behaviour {
				if err := end(w, id); err != nil {
					t.Error(err)
				}
				return say(`{"set":{"found":"it"}}`)
			}))
			w.job(files.JobInstruct, id)
			w.wantRequests(1)
			if len(w.observed) != 0 {
				t.Errorf("observed were %+v", w.observed)
			}
			used, _, err := w.rows.Usage(t.Context(), w.scope.Org, w.clock.Now(), w.clock.Now(), satchel.Slice{Limit: 1})
			if want := (satchel.Tokens{Input: 100, Output: 10}); err != nil || used.Today != want { // what was said in vain was said
				t.Errorf("%+v were used, %v; want %+v", used.Today, err, want)
			}
			if name == "cancelled" {
				w.wantFile(id, satchel.StatusError, satchel.CodeCancelled, "Processing was cancelled.")
				if file := w.file(id); file.Metadata.String() != "{}" || file.MetadataVersion != 1 {
					t.Errorf("%s", file.Metadata)
				}
			}
		})
	}
}

// TestWhatWasSaidOfAChange has instructions one after the other: what was said of one is over with the next, and a version that failed names the
// model that failed.
func TestWhatWasSaidOfAChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t, say("I cannot say."))
	nothing := say(`{"needs_document":false,"set":{}}`) // to the question, and then to the document
	w.model.Enqueue(nothing, nothing, say(`{"needs_document":false,"set":{"a":2}}`))
	id := w.put("pages\nBy Hegel.", files.Fields{})
	w.job(files.JobAdvance, id)
	for _, want := range []string{"The language model found nothing to change.", ""} {
		w.update(id, "Set a to 2.")
		w.job(files.JobInstruct, id)
		w.wantFile(id, satchel.StatusProcessed, "", want)
	}
	w.update(id, "Set a to 3.")
	w.job(files.JobInstruct, id)
	versions, _, err := w.Files.Versions(t.Context(), w.scope, string(id), 0, 10)
	must(t, err)
	if last := versions[0]; last.Failure == nil || last.Model != llmtest.Model || last.Failure.Code != satchel.CodeModelNonsense {
		t.Errorf("the failed version %+v", last)
	}
}
