//go:build linux

package processing_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

// scripted is a server whose model says what the test enqueues.
func scripted(t *testing.T) (*server, *llmtest.Server) {
	t.Helper()
	model := llmtest.New(t, nil)
	return start(t, newData(t), withModel(model)...), model
}

// read uploads a document and waits until it is read.
func (s *server) read(d document, fields map[string]string) *api.File {
	s.t.Helper()
	file := s.settled(s.put(d, fields).ID)
	wantFile(s.t, file, "processed", "", "")
	return file
}

func metadata(text string) map[string]string { return map[string]string{"metadata": text} }

func order(instructions string) map[string]any { return map[string]any{"instructions": instructions} }

// TestEvidence has the model find values in a PDF, and looks at where they are said to stand.
func TestEvidence(t *testing.T) {
	t.Parallel()
	pdfsAreFast(t)
	model := llmtest.New(t, reads())
	s := start(t, newData(t), withModel(model)...)
	file := s.read(invoice(), metadata(`{"archive":"B 12"}`))
	if file.Document == nil || file.Document.Format != "pdf" || file.Document.Pages != 2 || file.ContentType != "application/pdf" {
		t.Errorf("the document is %s", encode(t, file.Document))
	}
	answered := decode[api.File](t, s.update(file.ID, order("Find the supplier, the date and the total.")))
	wantFile(t, &answered, "processed", "", "")
	wantMetadata(t, &answered, `{"archive":"B 12","date":"2026-03-05","supplier":"Acme Ltd","total":1234.5}`)
	view := decode[api.MetadataView](t, s.do(http.MethodGet, "/files/"+file.ID+"/metadata", nil))
	if view.Version != 2 || string(view.Metadata) != string(answered.Metadata) || len(view.Sources) != 4 {
		t.Errorf("the metadata are %s", encode(t, view))
	}
	for key, want := range map[string]api.Evidence{
		"supplier": {Page: 1, Quote: "Supplier: Acme Ltd"}, "date": {Page: 1, Quote: "Date: 2026-03-05"}, "total": {Page: 2, Quote: "Total: 1,234.50"},
	} {
		source := view.Sources[key]
		if source.Source != "ai" || source.Evidence == nil || *source.Evidence != want || source.Version != 2 || textOf(source.Model) != llmtest.Model ||
			textOf(source.Instruction) != "Find the supplier, the date and the total." || source.At == 0 {
			t.Errorf("the source of %s is %s, want %+v", key, encode(t, source), want)
		}
	}
	if source := view.Sources["archive"]; source.Source != "user" || source.Model != nil || source.Evidence != nil || source.Version != 1 {
		t.Errorf("the source of archive is %s", encode(t, source))
	}
	if run := s.run(file.ID); run.Kind != "metadata" || run.Usage.TotalTokens != 2*(tokensRead+tokensWritten) || string(run.Evidence["total"]) == "" {
		t.Errorf("the run is %s", encode(t, run))
	}
}

// TestAnUpdateWithoutTheDocument is done with one request, which shows no more than the beginning of the text.
func TestAnUpdateWithoutTheDocument(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.read(plain("report.txt", report(sections)), metadata(`{"author":"Hegel","year":1812}`))
	model.Enqueue(say(`{"needs_document":false,"set":{},"rename":[{"from":"author","to":"writer"}]}`))
	answered := decode[api.File](t, s.update(file.ID, order("Rename author to writer.")))
	wantMetadata(t, &answered, `{"writer":"Hegel","year":1812}`)
	asked := model.Requests()
	if len(asked) != 1 || !isAsk(asked[0]) || len(shownTo(asked[0])) > len(report(sections))/2 || !strings.HasPrefix(report(sections), shownTo(asked[0])) {
		t.Errorf("%d requests, the first of which shows\n%s", len(asked), shownTo(asked[0]))
	}
	if v := s.versions(file.ID)[0]; string(v.Edit) != `{"rename":{"/author":"/writer"}}` || textOf(v.Instruction) != "Rename author to writer." {
		t.Errorf("the version is %s", encode(t, v))
	}
}

// TestWaiting sends updates whose clients want to wait for some time, or not at all.
func TestWaiting(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.read(letter(), nil)
	for _, c := range []struct{ prefer, applied string }{{"wait=0", "wait=0"}, {"respond-async", "respond-async"}, {"wait=1", "wait=1"}, {"respond-async, wait=1", "wait=1"}} {
		held := newGate(say(`{"needs_document":false,"set":{"seen":"` + c.prefer + `"}}`))
		model.Enqueue(held.hold)
		a := s.update(file.ID, map[string]any{"instructions": "Set seen to " + c.prefer, "named": c.prefer}, "Prefer", c.prefer)
		answered := decode[api.File](t, a)
		if answered.Status != "processing" || a.header.Get("Preference-Applied") != c.applied {
			t.Errorf("%s: the file is %s, applied was %q", c.prefer, answered.Status, a.header.Get("Preference-Applied"))
		}
		if run := a.header.Get("X-Satchel-Run"); run != s.runs(file.ID)[0].ID {
			t.Errorf("%s: the run is %s", c.prefer, run)
		}
		held.release()
		wantMetadata(t, s.settled(file.ID), `{"named":"`+c.prefer+`","seen":"`+c.prefer+`"}`)
	}
}

// TestWaitingByDefault sends an update of a client that knows nothing of waiting, and of a model that answers in time.
func TestWaitingByDefault(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.read(letter(), nil)
	held := newGate(say(`{"needs_document":false,"set":{"seen":true}}`))
	model.Enqueue(held.hold)
	answered, _ := s.inBackground(file.ID, `{"instructions":"Set seen to true.","named":1}`)
	next(t, "the request to the model", held.entered)
	during := s.file(file.ID)
	wantFile(t, during, "processing", "", "")
	wantMetadata(t, during, `{"named":1}`)
	held.release()
	a := next(t, "the answer", answered)
	after := decode[api.File](t, a)
	wantFile(t, &after, "processed", "", "")
	wantMetadata(t, &after, `{"named":1,"seen":true}`)
	if applied := a.header.Get("Preference-Applied"); applied != "" {
		t.Errorf("applied was %q", applied)
	}
}

// TestWaitingForTooLong sends such an update when the model does not answer: after half a minute the file is still being processed. The other
// tests run meanwhile.
func TestWaitingForTooLong(t *testing.T) {
	s, model := scripted(t)
	file := s.read(letter(), nil)
	held := newGate(say(`{"needs_document":false,"set":{"seen":true}}`))
	model.Enqueue(held.hold)
	answered, waited := s.inBackground(file.ID, `{"instructions":"Set seen to true."}`)
	t.Parallel()
	during := decode[api.File](t, next(t, "the answer", answered))
	if took := next(t, "the time", waited); during.Status != "processing" || took < 29*time.Second {
		t.Errorf("after %s the file is %s", took, during.Status)
	}
	held.release()
	wantMetadata(t, s.settled(file.ID), `{"seen":true}`)
}

// inBackground sends an update of a client that says nothing of waiting, and gives the answer, and how long that took, when it is there.
func (s *server) inBackground(id, body string) (<-chan answer, <-chan time.Duration) {
	answered, waited := make(chan answer, 1), make(chan time.Duration, 1)
	begun := time.Now()
	go func() {
		a, err := s.ask(s.t.Context(), http.MethodPatch, "/files/"+id+"/metadata", strings.NewReader(body), "Content-Type", "application/json")
		if err != nil {
			s.t.Error(err)
		}
		answered <- a
		waited <- time.Since(begun)
	}()
	return answered, waited
}

// TestAFailedUpdate leaves the file its former status, what was named its new value, and a failed version.
func TestAFailedUpdate(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.read(letter(), metadata(`{"a":1}`))
	model.Enqueue(say("Certainly!"), say("With pleasure!"))
	answered := decode[api.File](t, s.update(file.ID, map[string]any{"instructions": "Translate a.", "b": 2}))
	wantFile(t, &answered, "processed", "", "The language model did not answer in the form asked for, also when asked again")
	wantMetadata(t, &answered, `{"a":1,"b":2}`)
	v := s.versions(file.ID)
	if len(v) != 3 || v[0].Error == nil || v[0].Error.Code != "model_nonsense" || len(v[0].Keys) != 0 || textOf(v[0].Instruction) != "Translate a." ||
		v[0].Usage.TotalTokens != 2*(tokensRead+tokensWritten) || v[1].Source != "user" || v[1].Error != nil {
		t.Errorf("the versions are %s", encode(t, v))
	}
	wantProblem(t, s.do(http.MethodPost, "/files/"+file.ID+"/metadata/versions/3/revert", nil), http.StatusConflict, "nothing_to_revert")
}

// TestKeysOfOthers changes a key while the model thinks, and names one in the request: the model wants both to be otherwise, and they stay.
func TestKeysOfOthers(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.read(letter(), metadata(`{"colour":"green","size":1}`))
	held := newGate(say(`{"needs_document":false,"set":{"colour":"blue","year":1900,"size":2,"shape":"round"}}`))
	model.Enqueue(held.hold)
	s.update(file.ID, map[string]any{"instructions": "Set colour to blue, year to 1900, size to 2 and shape to round.", "year": 1812}, "Prefer", "wait=0")
	next(t, "the request to the model", held.entered)
	wantMetadata(t, s.file(file.ID), `{"colour":"green","size":1,"year":1812}`)
	during := decode[api.File](t, s.update(file.ID, map[string]any{"colour": "red"}))
	wantFile(t, &during, "processing", "", "")
	held.release()
	after := s.settled(file.ID)
	wantMetadata(t, after, `{"colour":"red","shape":"round","size":2,"year":1812}`)
	wantFile(t, after, "processed", "", `The key "colour" was changed meanwhile and was left alone.`)
	wantFile(t, after, "processed", "", `"year"`)
	if v := s.versions(file.ID); len(v) != 4 || strings.Join(v[0].Keys, " ") != "shape size" {
		t.Errorf("the versions are %s", encode(t, v))
	}
	if notes := s.run(file.ID).Notes; len(notes) != 2 {
		t.Errorf("the notes are %q", notes)
	}
}

// TestProcessingLeavesWhatPeopleSet processes a file again whose metadata a person has set, and has taken back.
func TestProcessingLeavesWhatPeopleSet(t *testing.T) {
	t.Parallel()
	model := llmtest.New(t, reads())
	s := start(t, newData(t), withModel(model)...)
	text := plain("facts.txt", "Given: by the text\nReverted: by the text\nFree: by the text\n")
	file := s.settled(s.put(text, map[string]string{"instructions": "Find given, reverted and free.", "metadata": `{"given":"by hand"}`}).ID)
	wantMetadata(t, file, `{"free":"by the text","given":"by hand","reverted":"by the text"}`)
	wantFile(t, file, "processed", "", `"given"`)
	if v := s.versions(file.ID); len(v) != 2 || strings.Join(v[0].Keys, " ") != "free reverted" {
		t.Errorf("the versions are %s", encode(t, v))
	}
	s.update(file.ID, map[string]any{"free": "by the text, and by hand"})
	a := s.do(http.MethodPost, "/files/"+file.ID+"/metadata/versions/2/revert", nil)
	back := decode[api.File](t, a)
	wantMetadata(t, &back, `{"free":"by the text, and by hand","given":"by hand"}`)
	if left := a.header.Get("X-Satchel-Left"); left != "free" {
		t.Errorf("left alone was %q", left)
	}
	again := decode[api.File](t, s.do(http.MethodPost, "/files/"+file.ID+"/process", nil, "Prefer", "wait=60"))
	wantMetadata(t, &again, `{"free":"by the text, and by hand","given":"by hand"}`)
	wantFile(t, &again, "processed", "", `"reverted"`)
	asked := decode[api.File](t, s.update(file.ID, order("Set reverted to what the text says.")))
	wantMetadata(t, &asked, `{"free":"by the text, and by hand","given":"by hand","reverted":"by the text"}`) // and not what it does not name
	asked = decode[api.File](t, s.update(file.ID, order("Set given and free to what the text says.")))
	wantMetadata(t, &asked, `{"free":"by the text","given":"by the text","reverted":"by the text"}`)
}

// TestADryRun shows what would be done.
func TestADryRun(t *testing.T) {
	t.Parallel()
	model := llmtest.New(t, reads())
	s := start(t, newData(t), withModel(model)...)
	file := s.read(letter(), metadata(`{"a":1}`))
	body := map[string]any{"instructions": "Who has sent it?", "b": 2}
	preview := decode[api.EditPreview](t, s.do(http.MethodPatch, "/files/"+file.ID+"/metadata?dry_run=true", body))
	if string(preview.Before) != `{"a":1}` || string(preview.Metadata) != `{"a":1,"b":2,"sender":"Ada Lovelace"}` {
		t.Errorf("the preview is %s", encode(t, preview))
	}
	run := preview.Run
	if run.Status != "succeeded" || !run.DryRun || string(run.Edit.Set["sender"]) != `"Ada Lovelace"` || !strings.Contains(string(run.Evidence["sender"]), "Sender: Ada Lovelace") {
		t.Errorf("the run is %s", encode(t, run))
	}
	after := s.file(file.ID)
	wantFile(t, after, "processed", "", "")
	wantMetadata(t, after, `{"a":1}`)
	if v := s.versions(file.ID); len(v) != 1 || after.UpdatedAt != file.UpdatedAt {
		t.Errorf("%d versions", len(v))
	}
}

// TestUpdatesOneAfterTheOther sends two updates at once: the second is shown what came of the first.
func TestUpdatesOneAfterTheOther(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.read(letter(), nil)
	first := newGate(say(`{"needs_document":false,"set":{"first":"done"}}`))
	model.Enqueue(first.hold, say(`{"needs_document":false,"set":{"second":"done"}}`))
	s.update(file.ID, order("Set first to done."), "Prefer", "wait=0")
	next(t, "the first request", first.entered)
	s.update(file.ID, order("Set second to done."), "Prefer", "wait=0")
	other := s.read(plain("other.txt", "While the first is being done."), nil) // the server is not idle
	if n := len(model.Requests()); n != 1 {
		t.Errorf("%d requests at once", n)
	}
	first.release()
	program.Within(t, "both are done", func() bool { return s.file(file.ID).Status == "processed" })
	wantMetadata(t, s.file(file.ID), `{"first":"done","second":"done"}`)
	asked := model.Requests()
	if len(asked) != 2 || !strings.Contains(asked[1].Prompt(), `Present metadata: {"first":"done"}`) {
		t.Errorf("%d requests; the last is\n%s", len(asked), asked[len(asked)-1].Prompt())
	}
	v := s.versions(file.ID)
	if len(v) != 3 || textOf(v[0].Instruction) != "Set second to done." || textOf(v[1].Instruction) != "Set first to done." {
		t.Errorf("the versions are %s", encode(t, v))
	}
	s.delete(other.ID)
}

// TestAnUpdateWhileTheFileIsRead sends an update for a file that is still being read. It is carried out when it was.
func TestAnUpdateWhileTheFileIsRead(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	for range 5 {
		model.Enqueue(say(`{"needs_document":false,"set":{"seen":true}}`))
		file := s.put(letter(), nil)
		s.update(file.ID, order("Set seen to true."), "Prefer", "wait=0")
		program.Within(t, "both are done", func() bool { return s.file(file.ID).Status == "processed" })
		wantMetadata(t, s.file(file.ID), `{"seen":true}`)
	}
}

// TestASchemaBinds gives a schema: the model is constrained by it, and what does not fit is asked for once more, then left out and named.
func TestASchemaBinds(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	const bind = `{"type":"object","properties":{"sender":{"type":"string"},"mood":{"enum":["good","bad"]},"pages":{"type":"integer"}},"additionalProperties":false}`
	wrong := say(`{"set":{"sender":"Ada Lovelace","mood":"splendid","pages":null}}`)
	model.Enqueue(wrong, wrong)
	file := s.settled(s.put(letter(), map[string]string{"instructions": "Describe the letter.", "metadata_schema": bind}).ID)
	wantFile(t, file, "processed", "", `"mood" was left out`)
	wantMetadata(t, file, sender)
	asked := model.Requests()
	if len(asked) != 2 || asked[0].Format != "json_schema" || !strings.Contains(string(asked[0].Schema), `["good","bad",null]`) {
		t.Fatalf("%d requests, the first with the schema %s", len(asked), asked[0].Schema)
	}
	if again := asked[1].Messages; !strings.Contains(again[len(again)-1].Text, "mood") {
		t.Errorf("the second request says %q", again[len(again)-1].Text)
	}
	a := s.do(http.MethodPost, "/files/"+file.ID+"/process", map[string]any{"metadata_schema": `{"type":"array"}`})
	wantProblem(t, a, http.StatusUnprocessableEntity, "invalid_value")
	model.Enqueue(say(`{"set":{"sender":"Ada Lovelace","mood":"good"}}`))
	body := map[string]any{"instructions": "What is the mood?", "metadata_schema": json.RawMessage(bind)}
	after := decode[api.File](t, s.do(http.MethodPost, "/files/"+file.ID+"/process", body, "Prefer", "wait=60"))
	wantMetadata(t, &after, `{"mood":"good","sender":"Ada Lovelace"}`)
	if textOf(after.Instructions) != "What is the mood?" {
		t.Errorf("the instructions are %q", textOf(after.Instructions))
	}
}

// TestNothingToRead has instructions that need a document in which nothing can be read.
func TestNothingToRead(t *testing.T) {
	t.Parallel()
	s, model := scripted(t)
	file := s.settled(s.put(plain("invoice-acme-2026.txt", ""), instructed("Find the supplier.")).ID)
	wantFile(t, file, "error", "no_readable_content", "no text was found")
	wantMetadata(t, file, `{}`)
	if n := len(model.Requests()); n != 0 {
		t.Errorf("%d requests", n)
	}
	empty := s.settled(s.put(plain("empty.txt", ""), nil).ID)
	wantFile(t, empty, "processed", "", "the file is empty")
	model.Enqueue(say(`{"needs_document":true,"set":{"supplier":"Acme"}}`))
	after := decode[api.File](t, s.update(empty.ID, order("Find the supplier.")))
	wantFile(t, &after, "processed", "", "no text was found")
	wantMetadata(t, &after, `{}`)
	if v := s.versions(empty.ID); len(v) != 2 || v[0].Error == nil || v[0].Error.Code != "no_readable_content" {
		t.Errorf("the versions are %s", encode(t, v))
	}
	model.Enqueue(say(`{"needs_document":false,"set":{"reviewed":true}}`))
	after = decode[api.File](t, s.update(empty.ID, order("Set reviewed to true.")))
	wantMetadata(t, &after, `{"reviewed":true}`)
}

// TestAModelComesLater uploads with instructions to a server without a model, and starts one that has it: the file is processed by itself.
func TestAModelComesLater(t *testing.T) {
	t.Parallel()
	data := newData(t)
	s := start(t, data)
	file := s.settled(s.put(letter(), instructed("Who has sent it?")).ID)
	wantFile(t, file, "error", "model_not_configured", "")
	if textOf(file.Instructions) != "Who has sent it?" || s.text(file.ID) != string(letter().content) {
		t.Errorf("the file is %s", encode(t, file))
	}
	other := s.read(letter(), nil)
	a := s.update(other.ID, map[string]any{"instructions": "Who has sent it?", "named": true})
	wantProblem(t, a, http.StatusUnprocessableEntity, "model_not_configured")
	wantMetadata(t, s.file(other.ID), `{}`)
	s.Stop()
	model := llmtest.New(t, reads())
	s = start(t, data, withModel(model)...)
	program.Within(t, "the file is processed", func() bool { return s.file(file.ID).Status == "processed" })
	wantMetadata(t, s.file(file.ID), sender)
	if runs, v := s.runs(file.ID), s.versions(file.ID); len(runs) != 2 || len(v) != 2 || v[0].Source != "ai" {
		t.Errorf("runs %s, versions %s", encode(t, runs), encode(t, v))
	}
	if n := len(model.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
	s.leaves(4)
}
