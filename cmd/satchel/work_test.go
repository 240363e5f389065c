package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
)

// says is a model that answers what it reads with the answer of the first words that stand in it.
func says(answers ...[2]string) llmtest.Behaviour {
	return llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		for _, a := range answers {
			if strings.Contains(c.Text(), a[0]) {
				return llmtest.Reply(llmtest.Answer{Text: a[1], Input: 300, Output: 20})
			}
		}
		return llmtest.Reply(llmtest.Answer{Text: "I would rather not.", Input: 300, Output: 20})
	})
}

// model runs a language model for the servers and the doctor of the test.
func (c *cli) model(does llmtest.Behaviour) *llmtest.Server {
	m := llmtest.New(c.t, does)
	c.setenv("SATCHEL_LLM_URL", m.URL)
	c.setenv("SATCHEL_LLM_MODEL", llmtest.Model)
	c.setenv("SATCHEL_LLM_REQUESTS", "8") // one that was given up is let go some seconds later
	c.names[strings.TrimSuffix(strings.TrimPrefix(m.URL, "http://"), "/v1")] = "MODEL"
	return m
}

// screen is a terminal as wide as it is told: both streams of a command go to it.
func (c *cli) screen(width int, args ...string) (code int, shown string) {
	c.t.Helper()
	var out bytes.Buffer
	p := &program{
		name: "satchel", args: args, in: strings.NewReader(""), out: &output{Writer: &out}, err: &out, environ: os.Environ(), now: time.Now,
		width: width, outTerminal: true, errTerminal: true,
	}
	code = p.run(c.t.Context())
	return code, out.String()
}

const (
	letter       = "From: Amalia Voss\nInvoice: 2026-0417\nDate: 9 November 2026\nTotal: 1,419.33 EUR\n"
	letterSchema = `{"type":"object","properties":{"sender":{"type":"string"},"date":{"type":"string","format":"date"},"total":{"type":"number"}}}`
	findAll      = "find the sender, the date and the total"
	foundAll     = `{"set":{"sender":"Amalia Voss","date":"2026-11-09","total":1419.33}}`
)

func TestMetadataByAI(t *testing.T) {
	c := newCLI(t)
	c.model(says(
		[2]string{"rename sender to author", `{"needs_document":false,"set":{},"rename":[{"from":"sender","to":"author"}],"remove":[]}`},
		[2]string{"remove the date", `{"needs_document":false,"set":{"kind":"invoice"},"rename":[],"remove":["date"]}`},
		[2]string{"do what you like", `nothing`},
		[2]string{findAll, foundAll},
	))
	c.work()
	c.write("letter.txt", letter)
	c.write("schema.json", letterSchema)
	c.ok("put", "letter.txt", "-m", "reviewed:=false", "--instructions", findAll, "--schema", "schema.json", "--wait")
	c.ok("info", "letter.txt")
	c.ok("meta", "letter.txt", "--sources")
	c.ok("meta", "letter.txt", "--instructions", "rename sender to author", "--dry-run")
	c.ok("meta", "letter.txt")
	c.ok("meta", "letter.txt", "checked:=true", "--instructions", "rename sender to author")
	c.ok("meta", "letter.txt", "--instructions", `remove the date and set kind to "invoice"`)
	c.fails(exitFailed, "meta", "letter.txt", "--instructions", "do what you like")
	c.fails(exitFailed, "meta", "letter.txt", "--instructions", "do what you like", "--dry-run")
	c.ok("meta", "letter.txt", "author=Voss", "reviewed=")
	c.ok("meta", "letter.txt", "--history")
	c.ok("meta", "letter.txt", "--sources")
	c.ok("meta", "letter.txt", "--revert", "4")
	c.fails(exitInvalid, "meta", "letter.txt", "--revert", "4")
	c.ok("meta", "letter.txt", "--revert", "5")
	c.ok("meta", "letter.txt", "--restore", "2")
	c.fails(exitInvalid, "meta", "letter.txt", "--restore", "2")
	c.fails(exitNotFound, "meta", "letter.txt", "--restore", "99")
	c.golden("meta.txt")
}

func TestMetadataAsJSON(t *testing.T) {
	c := newCLI(t)
	c.model(says([2]string{"set kind", `{"needs_document":false,"set":{"kind":"invoice"}}`}))
	c.work()
	c.write("letter.txt", letter)
	c.ok("put", "letter.txt", "--wait")
	var preview api.EditPreview
	c.json(&preview, "meta", "letter.txt", "--instructions", `set kind to "invoice"`, "--dry-run", "--json")
	if preview.Run.Status != statusSucceeded || string(preview.Run.Edit.Set["kind"]) != `"invoice"` || string(preview.Before) != "{}" || string(preview.Metadata) != `{"kind":"invoice"}` {
		t.Errorf("dry run: %+v", preview)
	}
	var file api.File
	c.json(&file, "meta", "letter.txt", "--instructions", `set kind to "invoice"`, "--json")
	if string(file.Metadata) != `{"kind":"invoice"}` || file.Status != statusProcessed {
		t.Errorf("instructions: %+v", file)
	}
	var view api.MetadataView
	c.json(&view, "meta", "letter.txt", "--sources", "--json")
	if view.Version != 2 || view.Sources["kind"].Source != "ai" {
		t.Errorf("sources: %+v", view)
	}
	var numbers []int64
	for line := range strings.Lines(c.ok("meta", "letter.txt", "--history", "--json")) {
		var version api.Version
		if err := json.Unmarshal([]byte(line), &version); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, version.Number)
	}
	if len(numbers) != 2 || numbers[0] != 2 || numbers[1] != 1 {
		t.Errorf("history: %v", numbers)
	}
	for _, back := range [][]string{{"--revert", "2"}, {"--restore", "2"}} {
		c.json(&file, "meta", "letter.txt", back[0], back[1], "--json")
		if file.ID == "" || file.Object != "file" {
			t.Errorf("%s: %+v", back[0], file)
		}
	}
}

// json runs a command that must go well and reads the one line that it prints.
func (c *cli) json(into any, args ...string) {
	c.t.Helper()
	out := c.ok(args...)
	if strings.Count(out, "\n") != 1 {
		c.t.Fatalf("not one line: %s", out)
	}
	if err := json.Unmarshal([]byte(out), into); err != nil {
		c.t.Fatalf("%v: %s", err, out)
	}
}

func TestWhatExcludesEachOther(t *testing.T) {
	c := newCLI(t)
	c.fake(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("%s was asked for", r.URL) })
	for _, args := range []string{
		"a=1 --history", "a=1 --sources", "a=1 --revert 2", "--instructions x --restore 2", "--history --sources", "--revert 2 --restore 2",
		"--dry-run", "a=1 --dry-run", "--revert -1", "--restore -1", "--revert one", "a",
	} {
		c.fails(exitUsage, append([]string{"meta", someID}, strings.Fields(args)...)...)
	}
	for _, args := range []string{
		"text " + someID + " --page 0", "text " + someID + " --page -1", "text", "process", "cancel", "cancel a b",
		"process " + someID + " --schema nothing.json", "put a --schema {", "doctor a",
	} {
		c.fails(exitUsage, strings.Fields(args)...)
	}
	c.write("broken.json", "{")
	if message := c.fails(exitUsage, "process", someID, "--schema", "broken.json"); !strings.Contains(message, "broken.json holds no JSON") {
		t.Error(message)
	}
}

// What is waited for is told as it happens: each line stands there before the next step begins.
func TestStepsAreToldAsTheyHappen(t *testing.T) {
	for _, command := range [][]string{
		{"put", "letter.txt", "--instructions", findAll, "--schema", letterSchema, "--wait"},
		{"process", "there.txt", "--instructions", findAll, "--wait"},
		{"meta", "there.txt", "--instructions", findAll},
	} {
		t.Run(command[0], func(t *testing.T) {
			c := newCLI(t)
			ready := make(chan struct{})
			c.model(llmtest.After(ready, says([2]string{findAll, foundAll})))
			c.work()
			c.write("letter.txt", letter)
			c.ok("put", "letter.txt", "--name", "there.txt", "--wait")
			step := newSignalWriter(command[1] + ": asking the language model scripted\n")
			var out bytes.Buffer
			ended := make(chan int, 1)
			go func() { ended <- run(t.Context(), command, strings.NewReader(""), &out, step) }()
			select {
			case <-step.done:
			case code := <-ended:
				t.Fatalf("it ended with %d before it told of the model: %s", code, step)
			}
			close(ready)
			if code := <-ended; code != exitOK || !strings.HasSuffix(step.String(), "asking the language model scripted\n") {
				t.Errorf("exit %d: %s", code, step)
			}
			if command[0] != "put" && !strings.Contains(out.String(), "Amalia Voss") {
				t.Errorf("the metadata are not shown: %s", out.String())
			}
		})
	}
}

func TestProcessAndCancel(t *testing.T) {
	c := newCLI(t)
	ready := make(chan struct{})
	c.model(llmtest.By(func(call llmtest.Call) llmtest.Behaviour {
		if strings.Contains(call.Text(), "think long") {
			return llmtest.After(ready, nil)
		}
		return says([2]string{findAll, foundAll})
	}))
	c.work()
	c.write("letter.txt", letter)
	c.write("empty", "")
	c.ok("put", "letter.txt", "empty", "--parallel", "1", "--wait")
	c.ok("process", "letter.txt", "--instructions", findAll, "--schema", letterSchema, "--wait")
	c.ok("process", "letter.txt", "--instructions", "", "--wait")
	c.fails(exitFailed, "process", "empty", "--instructions", findAll, "--wait")
	c.ok("info", "empty")
	c.fails(exitInvalid, "cancel", "letter.txt")
	c.ok("process", "letter.txt", "--instructions", "think long")
	c.ok("cancel", "letter.txt")
	c.fails(exitInvalid, "cancel", "letter.txt")
	c.ok("put", "letter.txt", "--name", "second.txt", "--instructions", "think long")
	c.ok("cancel", "second.txt")
	c.fails(exitNotFound, "cancel", "nothing")
	c.fails(exitNotFound, "process", "nothing")
	c.golden("process.txt")
}

// Whoever waits learns that somebody else stopped it.
func TestWaitingForWhatIsCancelled(t *testing.T) {
	c := newCLI(t)
	over := make(chan struct{})
	c.model(llmtest.After(over, says()))
	c.work()
	t.Cleanup(func() { close(over) }) // before the server stops, which would wait for the model
	c.write("letter.txt", letter)
	c.ok("put", "letter.txt", "--wait")
	for _, test := range []struct{ file, command, want string }{
		{"second.txt", "put letter.txt --name second.txt --instructions find --wait", "but processing failed: processing was cancelled before it was done\n"},
		{"letter.txt", "process letter.txt --instructions find --wait", "satchel: processing ended early: cancelled\n"},
		{"letter.txt", "meta letter.txt --instructions find", "satchel: the instruction ended early: cancelled\n"},
	} {
		step := newSignalWriter("asking the language model scripted\n")
		ended := make(chan int, 1)
		go func() {
			ended <- run(t.Context(), strings.Fields(test.command), strings.NewReader(""), io.Discard, step)
		}()
		select {
		case <-step.done:
		case code := <-ended:
			t.Fatalf("%s ended with %d: %s", test.command, code, step)
		}
		c.ok("cancel", test.file)
		if code := <-ended; code != exitFailed || !strings.HasSuffix(step.String(), test.want) {
			t.Errorf("%s: exit %d: %s", test.command, code, step)
		}
	}
}

// forwarded is a mail with another one in it: two pages.
const forwarded = "From: ada@example.org\r\nTo: bob@example.org\r\nSubject: Fwd: the lease\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nPlease read on.\r\n" +
	"--b\r\nContent-Type: message/rfc822\r\n\r\nFrom: eve@example.org\r\nSubject: the lease\r\n\r\nIt ends in May.\r\n--b--\r\n"

func TestText(t *testing.T) {
	c := newCLI(t)
	c.work()
	c.write("mail.eml", forwarded)
	c.write("empty", "")
	c.ok("put", "mail.eml", "empty", "--parallel", "1", "--wait")
	c.ok("put", "empty", "--name", "job.jsonl", "--purpose", "batch", "--wait")
	whole := c.ok("text", "mail.eml")
	first, second := c.ok("text", "mail.eml", "--page", "1"), c.ok("text", "mail.eml", "--page", "2")
	if whole != first+"\f"+second || !strings.Contains(second, "It ends in May.") || strings.Contains(first, "May") {
		t.Errorf("the text is %q, its pages %q and %q", whole, first, second)
	}
	c.fails(exitNotFound, "text", "mail.eml", "--page", "3")
	c.fails(exitNotFound, "text", "empty")
	c.fails(exitNotFound, "text", "job.jsonl")
	c.fails(exitNotFound, "text", "nothing")
	c.golden("text.txt")
}

// What a document says cannot steer the terminal; a pipe gets it as it is.
func TestTextOnATerminal(t *testing.T) {
	c := newCLI(t)
	const hostile = "name\x1b]0;title\a\tx\nred\x1b[31m \u202eright\u009b2J\r\fnext 東京 🎒"
	const harmless = "name\ufffd]0;title\ufffd\tx\nred\ufffd[31m \ufffdright\ufffd2J\ufffd\nnext 東京 🎒\n"
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		switch page := (api.Page{Number: 1}); {
		case strings.HasSuffix(r.URL.Path, "/pages/1"):
			text := hostile
			page.Text = &text
			reply(t, w, page)
		case strings.HasSuffix(r.URL.Path, "/text"):
			for i := range len(hostile) { // byte by byte, so that characters are cut
				_, _ = w.Write([]byte{hostile[i]})
				_ = http.NewResponseController(w).Flush()
			}
		default:
			reply(t, w, fileOf("a.txt", nil))
		}
	})
	for _, args := range [][]string{{"text", someID}, {"text", someID, "--page", "1"}} {
		if code, shown := c.screen(80, args...); code != exitOK || shown != harmless {
			t.Errorf("%v shows %q", args, shown)
		}
		if out := c.ok(args...); strings.TrimSuffix(out, "\n") != hostile {
			t.Errorf("%v gives a pipe %q", args, out)
		}
	}
}

// hostileFile is a file in which all text that others wrote tries to steer the terminal.
func hostileFile() *api.File {
	bad := "\x1b[31m\u202e"
	f := fileOf("a"+bad, nil)
	f.Metadata = json.RawMessage(jsonLine(map[string]string{"k" + bad: "v" + bad}))
	f.StatusDetails, f.Instructions = &bad, &bad
	f.Document = &api.Document{Format: "pdf" + bad, Title: &bad, Author: &bad, Language: &bad, Properties: map[string]string{"p" + bad: bad}}
	return f
}

// Nothing that documents, models and other people wrote reaches the terminal as it is.
func TestNothingSteersTheTerminal(t *testing.T) {
	c := newCLI(t)
	bad, at := "x\x1b[31m\u202e", int64(1)
	run := &api.Run{
		ID: "run-1", Status: statusSucceeded, Details: &bad, Instructions: &bad, Notes: []string{bad}, EndedAt: &at,
		Edit: &api.Edit{
			Set: map[string]json.RawMessage{"k" + bad: json.RawMessage("\"\u202e\"")}, Rename: map[string]string{"/a" + bad: "/b" + bad}, Remove: []string{"/c" + bad},
		},
		Evidence: map[string]json.RawMessage{"k" + bad: json.RawMessage(`{"page":1,"quote":"q\u001b[31m"}`)},
	}
	evidence := &api.Evidence{Page: 1, Quote: bad}
	edit := json.RawMessage(jsonLine(run.Edit))
	versions := &api.VersionList{Data: []*api.Version{
		{Number: 3, Instruction: &bad, Error: &api.FileError{Code: bad, Message: bad}, Edit: json.RawMessage("{}")},
		{Number: 2, Model: &bad, Instruction: &bad, Edit: edit},
		{Number: 1, Edit: json.RawMessage(jsonLine(map[string]any{"k" + bad: nil, "l" + bad: bad}))},
	}}
	view := &api.MetadataView{Version: 2, Metadata: hostileFile().Metadata, Sources: map[string]*api.KeySource{
		"k\x1b[31m\u202e": {Model: &bad, Instruction: &bad, Version: 2, Evidence: evidence},
	}}
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Satchel-Run", "run-1")
		w.Header().Set("X-Satchel-Left", "%1B%5B31m, %E2%80%AE")
		switch path := r.URL.Path; {
		case strings.HasSuffix(path, "/versions"):
			reply(t, w, versions)
		case strings.HasSuffix(path, "/runs/run-1"):
			reply(t, w, run)
		case r.URL.Query().Get("dry_run") != "":
			reply(t, w, &api.EditPreview{Run: run, Before: json.RawMessage("{}"), Metadata: hostileFile().Metadata})
		case r.Method == http.MethodGet && strings.HasSuffix(path, "/metadata"):
			reply(t, w, view)
		default:
			reply(t, w, hostileFile())
		}
	})
	c.setenv("NO_COLOR", "1")
	for _, command := range []string{
		"info ID", "meta ID", "meta ID --sources", "meta ID --history", "meta ID --revert 2", "meta ID --restore 2", "meta ID a=1",
		"meta ID --instructions x", "meta ID --instructions x --dry-run", "process ID", "process ID --wait", "cancel ID",
	} {
		if out := c.ok(strings.Fields(strings.ReplaceAll(command, "ID", someID))...); strings.ContainsAny(out, "\x1b\u202e") {
			t.Errorf("%s prints %q", command, out)
		}
	}
	if said := c.transcript.String(); strings.ContainsAny(said, "\x1b\u202e") || strings.Count(said, "left alone") != 1 {
		t.Errorf("%q", said)
	}
}

func TestColours(t *testing.T) {
	c := newCLI(t)
	value := strings.Repeat("long ", 40)
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "/versions"):
			reply(t, w, &api.VersionList{Data: []*api.Version{{Number: 2, Model: &value, Edit: json.RawMessage(`{"set":{"a":"` + value + `"},"rename":{"/b":"/c"},"remove":["/d/e~1f"]}`)}}})
		case r.URL.Query().Get("dry_run") != "":
			at := int64(1)
			reply(t, w, &api.EditPreview{Run: &api.Run{Status: statusSucceeded, EndedAt: &at}, Before: json.RawMessage(`{"a":1,"b":2,"c":3}`), Metadata: json.RawMessage(`{"a":1,"b":4,"d":5}`)})
		default:
			reply(t, w, fileOf("a.txt", nil))
		}
	})
	preview := []string{"meta", someID, "--instructions", "x", "--dry-run"}
	want := red + "- b: 2" + normal + "\n" + green + "+ b: 4" + normal + "\n" + red + "- c: 3" + normal + "\n" + green + "+ d: 5" + normal + "\n"
	if code, shown := c.screen(80, preview...); code != exitOK || !strings.HasSuffix(shown, want) {
		t.Errorf("exit %d, shown %q", code, shown)
	}
	plain := strings.NewReplacer(red, "", green, "", normal, "").Replace(want)
	if out := c.ok(preview...); out != plain {
		t.Errorf("a pipe gets %q", out)
	}
	_, shown := c.screen(60, "meta", someID, "--history")
	for line := range strings.Lines(shown) {
		if n := columns(strings.NewReplacer(red, "", green, "", yellow, "", normal, "", "\n", "").Replace(line)); n > 60 {
			t.Errorf("%d columns in a terminal of 60: %q", n, line)
		}
	}
	for _, want := range []string{yellow + "    ~ b → c" + normal, red + "    - d.e/f" + normal, green + "    + a: "} {
		if !strings.Contains(shown, want) {
			t.Errorf("no %q in %q", want, shown)
		}
	}
	c.setenv("NO_COLOR", "1")
	if _, shown := c.screen(80, preview...); !strings.HasSuffix(shown, plain) {
		t.Errorf("without colours: %q", shown)
	}
}

// On a terminal what is done stands on a line that changes, below what stays.
func TestStepsOnATerminal(t *testing.T) {
	c := newCLI(t)
	c.write("a.txt", "a")
	looks := 0
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		f := fileOf("a.txt", []byte("a"))
		if looks++; looks < 6 {
			state := "reading page 1\x1b[31m"
			f.Status, f.StatusDetails = "processing", &state
		}
		reply(t, w, f)
	})
	code, shown := c.screen(80, "put", "a.txt", "--wait")
	if code != exitOK || !strings.Contains(shown, " a.txt: reading page 1\ufffd[31m  0s") || strings.Count(shown, someID) != 1 || strings.Contains(shown, "\x1b[31m") {
		t.Errorf("exit %d, shown %q", code, shown)
	}
}

// An interrupted wait says that the server goes on, and how to stop it.
func TestInterruptedWait(t *testing.T) {
	c := newCLI(t)
	c.fake(func(w http.ResponseWriter, _ *http.Request) {
		f := fileOf("a.txt", nil)
		w.Header().Set("X-Satchel-Run", "run-1")
		f.Status = "processing"
		reply(t, w, f)
	})
	ctx, interrupt := context.WithCancel(t.Context())
	step := newSignalWriter("a.txt: processing\n")
	ended := make(chan int, 1)
	go func() { ended <- run(ctx, []string{"process", someID, "--wait"}, nil, io.Discard, step) }()
	<-step.done
	interrupt()
	code := <-ended
	if want := "a.txt: the server goes on with it; `" + callable(os.Args[0]) + " cancel " + someID + "` stops it\nsatchel: interrupted\n"; code != exitInterrupted || !strings.HasSuffix(step.String(), want) {
		t.Errorf("exit %d: %s", code, step)
	}
}

// A preview that takes longer than a request may is waited for, and shows the edit.
func TestLatePreview(t *testing.T) {
	c := newCLI(t)
	looks, at := 0, int64(1)
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		run := &api.Run{ID: "run-1", Status: "running"}
		switch {
		case strings.Contains(r.URL.Path, "/runs/"):
			if looks++; looks%2 == 0 {
				run.Status, run.EndedAt = statusSucceeded, &at
				run.Edit = &api.Edit{Set: map[string]json.RawMessage{"n": json.RawMessage("1.50")}, Rename: map[string]string{"/a": "/b"}, Remove: []string{"/c"}}
				run.Evidence = map[string]json.RawMessage{"n": json.RawMessage(`{"page":3,"quote":"1.50"}`)}
			}
			reply(t, w, run)
		case r.URL.Query().Get("dry_run") != "":
			reply(t, w, &api.EditPreview{Run: run, Before: json.RawMessage("{}"), Metadata: json.RawMessage("{}")})
		default:
			reply(t, w, fileOf("a.txt", nil))
		}
	})
	_, out, said := c.run("meta", someID, "--instructions", "x", "--dry-run")
	if out != "~ a → b\n- c\n+ n: 1.50\n\nIn the document:\n  n: page 3, “1.50”\n" || said != "a.txt: running\n" {
		t.Errorf("%q, %q", out, said)
	}
	var preview struct {
		Run      api.Run
		Metadata *json.RawMessage
	}
	c.json(&preview, "meta", someID, "--instructions", "x", "--dry-run", "--json")
	if preview.Run.Status != statusSucceeded || string(preview.Run.Edit.Set["n"]) != "1.50" || preview.Metadata != nil {
		t.Errorf("%+v", preview)
	}
}

func TestInstructionsWithoutAModel(t *testing.T) {
	c := newCLI(t)
	c.work()
	c.write("letter.txt", letter)
	c.fails(exitFailed, "put", "letter.txt", "--instructions", findAll, "--wait")
	c.fails(exitInvalid, "meta", "letter.txt", "kind=letter", "--instructions", findAll)
	c.fails(exitInvalid, "meta", "letter.txt", "--instructions", findAll, "--dry-run")
	c.fails(exitInvalid, "process", "letter.txt", "--wait")
	c.ok("text", "letter.txt")
	c.ok("meta", "letter.txt")
	c.ok("process", "letter.txt", "--instructions", "", "--wait")
	c.golden("nomodel.txt")
}
