package process_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/internal/llm/openai"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/process"
)

// world is a Processor on real stores, with a clock that tests turn and a scripted model.
type world struct {
	*process.Processor
	t        *testing.T
	rows     *sqlstore.SQLite
	pool     *extract.Pool
	clock    *metatest.Clock
	scope    satchel.Scope
	model    *llmtest.Server // nil: none
	observed []*satchel.Run
}

// newWorld makes a world whose model answers what is enqueued, and otherwise as told; nil: there is no model.
func newWorld(t *testing.T, otherwise llmtest.Behaviour) *world {
	t.Helper()
	c := metatest.NewClock()
	rows, err := sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: metatest.Fresh(t, sqlstore.Create), Now: c.Now})
	must(t, err)
	t.Cleanup(func() { _ = rows.Close() })
	disk, err := diskblob.Open(t.TempDir())
	must(t, err)
	pool, err := extract.NewPool(extract.PoolConfig{Path: os.Args[0], Args: []string{childWord}, Size: 1})
	must(t, err)
	t.Cleanup(func() { _ = pool.Close() })
	w := &world{t: t, rows: rows, pool: pool, clock: c}
	w.scope = metatest.Tenant(t, rows)
	var model llm.Model
	if otherwise != nil {
		w.model = llmtest.New(t, otherwise)
		model, err = openai.New(openai.Config{URL: w.model.URL, Model: llmtest.Model, Context: 2048})
		must(t, err)
	}
	service := files.New(files.Config{Store: rows, Vault: blob.NewVault(disk, blob.Options{}), Now: c.Now, Model: model != nil})
	w.Processor = process.New(process.Config{
		Files: service, Pool: pool, Model: model, TokensPerFile: 100_000, Now: c.Now, Observe: func(run *satchel.Run) { w.observed = append(w.observed, run) },
	})
	return w
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// put uploads a document.
func (w *world) put(content string, fields files.Fields) satchel.FileID {
	w.t.Helper()
	upload, err := w.Files.NewUpload(w.t.Context(), w.scope, -1, "")
	must(w.t, err)
	defer func() { _ = upload.Discard(w.t.Context()) }()
	must(w.t, upload.Add(w.t.Context(), "a.txt", "", strings.NewReader(content)))
	terms, err := fields.Check()
	must(w.t, err)
	made, err := w.Files.Create(w.t.Context(), w.scope, upload, terms, "")
	must(w.t, err)
	return made[0].ID
}

// update sends an instruction about metadata.
func (w *world) update(id satchel.FileID, instructions string) {
	w.t.Helper()
	w.clock.Advance(time.Second) // runs sort by the time of their creation
	_, _, err := w.Files.UpdateMetadata(w.t.Context(), w.scope, string(id), files.MetadataUpdate{Instructions: instructions})
	must(w.t, err)
}

// job does what a job for a file does.
func (w *world) job(kind string, id satchel.FileID) {
	w.t.Helper()
	args, err := json.Marshal(map[string]string{"org": string(w.scope.Org), "workspace": string(w.scope.Workspace), "file": string(id)})
	must(w.t, err)
	must(w.t, w.Advance(w.t.Context(), kind, string(args)))
}

func (w *world) file(id satchel.FileID) *satchel.File {
	w.t.Helper()
	file, err := w.Files.File(w.t.Context(), w.scope, string(id))
	must(w.t, err)
	return file
}

// run gives the newest run of a file, whole.
func (w *world) run(id satchel.FileID) *satchel.Run {
	w.t.Helper()
	runs, _, err := w.Files.Runs(w.t.Context(), w.scope, string(id), "", 1)
	must(w.t, err)
	run, err := w.Files.Run(w.t.Context(), w.scope, string(id), string(runs[0].ID))
	must(w.t, err)
	return run
}

// wantFile checks how a file stands.
func (w *world) wantFile(id satchel.FileID, status satchel.Status, code satchel.Code, details string) {
	w.t.Helper()
	file := w.file(id)
	got := satchel.Code("")
	if file.Failure != nil {
		got = file.Failure.Code
	}
	if file.Status != status || got != code || file.StatusDetails != details {
		w.t.Errorf("the file is %s, code %q, %q; want %s, %q, %q", file.Status, got, file.StatusDetails, status, code, details)
	}
}

// wantRun checks how the newest run of a file stands.
func (w *world) wantRun(id satchel.FileID, state satchel.RunState, step satchel.Step) {
	w.t.Helper()
	if run := w.run(id); run.State != state || run.Step != step || run.Claim != "" {
		w.t.Errorf("the run is %s at %s, claimed by %q; want %s at %s", run.State, run.Step, run.Claim, state, step)
	}
}

// wantRequests checks how often the model was asked.
func (w *world) wantRequests(n int) {
	w.t.Helper()
	if got := len(w.model.Requests()); got != n {
		w.t.Errorf("%d requests to the model, want %d", got, n)
	}
}

func instructions(text string) files.Fields { return files.Fields{Instructions: text} }

func say(text string) llmtest.Behaviour {
	return llmtest.Reply(llmtest.Answer{Text: text, Input: 100, Output: 10})
}
