package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/internal/llm/openai"
)

// A model that says nothing of use: every case is run to its end, scored and kept, and the results have a row for each half.
func TestRunOfEveryCase(t *testing.T) {
	server := llmtest.New(t, llmtest.Text(`{}`))
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "bench"), 0o750); err != nil {
		t.Fatal(err)
	}
	var out, errw bytes.Buffer
	environment := map[string]string{"SATCHEL_LLM_URL": server.URL, "SATCHEL_LLM_MODEL": "silent"}
	if err := run(t.Context(), []string{"-root", root, "-name", "the silent one"}, environment, &out, &errw); err != nil {
		t.Fatalf("%v\n%s", err, &errw)
	}
	results, err := os.ReadFile(filepath.Join(root, "bench", "QUALITY.md"))
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile(`(?m)^\| the silent one \| (tune|report) \| .*\|$`).FindAll(results, -1)
	if len(rows) != 2 || bytes.Count(results, []byte("| model |")) != 1 {
		t.Errorf("%s", results)
	}
	s := loadAll(t)
	kept, err := filepath.Glob(filepath.Join(root, ".cache", "quality", "silent", "*.json"))
	if err != nil || len(kept) != len(s.documents)+len(s.edits) {
		t.Errorf("%d transcripts, %v", len(kept), err)
	}
	if !strings.Contains(out.String(), "invoice-en-sails") || !strings.Contains(out.String(), "wrong deletions") {
		t.Errorf("%s", &out)
	}
}

func TestPartsOfARunLeaveNoRow(t *testing.T) {
	server := llmtest.New(t, llmtest.Text(`{}`))
	root := t.TempDir()
	var out bytes.Buffer
	environment := map[string]string{"SATCHEL_LLM_URL": server.URL, "SATCHEL_LLM_MODEL": "silent"}
	if err := run(t.Context(), []string{"-root", root, "-half", "tune", "-only", "^(invoice-en|rename-author)"}, environment, &out, &out); err != nil {
		t.Fatal(err)
	}
	kept, err := filepath.Glob(filepath.Join(root, ".cache", "quality", "silent", "*.json"))
	if err != nil || len(kept) != 2 {
		t.Errorf("kept %v, %v", kept, err)
	}
	if _, err := os.Stat(filepath.Join(root, "bench")); err == nil {
		t.Error("a row was added")
	}
}

// A server that is away for a while is waited for; one that stays away says nothing about the model.
func TestAnEndpointThatIsAway(t *testing.T) {
	for name, c := range map[string]struct {
		loading int
		ends    bool
	}{"for a while": {2, false}, "for good": {1000, true}} {
		t.Run(name, func(t *testing.T) {
			server := llmtest.New(t, llmtest.Text(`{}`))
			for range c.loading {
				server.Enqueue(llmtest.Loading())
			}
			client, err := openai.New(openai.Config{URL: server.URL, Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			r := newRunner(client, t.TempDir(), &out)
			r.waits = []time.Duration{time.Millisecond, time.Millisecond}
			result, err := r.all(t.Context(), set{documents: []document{invoice()}})
			if (err != nil) != c.ends || !c.ends && result.documents.failed > 0 {
				t.Errorf("%v: %+v", err, result)
			}
		})
	}
}

func TestWrongArguments(t *testing.T) {
	good := map[string]string{"SATCHEL_LLM_URL": "http://127.0.0.1:1/v1", "SATCHEL_LLM_MODEL": "m"}
	for _, c := range []struct {
		args        []string
		environment map[string]string
		says        string
	}{
		{[]string{"-half", "third"}, good, "tune, report or all"},
		{[]string{"-parts", "pages"}, good, "documents, edits or all"},
		{[]string{"-only", "("}, good, "missing closing"},
		{nil, map[string]string{"SATCHEL_LLM_MODEL": "m"}, "SATCHEL_LLM_URL"},
		{nil, map[string]string{"SATCHEL_LLM_URL": "http://127.0.0.1:1/v1"}, "SATCHEL_LLM_MODEL"},
		{nil, map[string]string{"SATCHEL_LLM_URL": "here", "SATCHEL_LLM_MODEL": "m"}, "URL"},
	} {
		var out bytes.Buffer
		if err := run(t.Context(), c.args, c.environment, &out, &out); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v: %v, want something with %q", c.args, err, c.says)
		}
	}
}

func TestMemoryText(t *testing.T) {
	text := newMemoryText("one\ftwø\f")
	if len(text.Pages()) != 3 {
		t.Fatalf("%v", text.Pages())
	}
	page := text.Pages()[1]
	got, err := text.Read(t.Context(), page.Offset, page.Length)
	if err != nil || got != "twø" || page.Characters != 3 || page.Number != 2 {
		t.Errorf("%q %v %+v", got, err, page)
	}
	if pages := newMemoryText(" \f\n").Pages(); pages != nil {
		t.Errorf("blank text has %v", pages)
	}
}

// What a model answers rightly must come through all rules as it is. The half "report" is judged by real models alone.
func TestRightAnswersAreKept(t *testing.T) {
	for _, d := range loadAll(t).documents {
		if d.Half != tune {
			continue
		}
		server := llmtest.New(t, llmtest.Text(satchel.CanonicalJSON(map[string]any{"set": oracle(d).Edit.Set})))
		client, err := openai.New(openai.Config{URL: server.URL, Model: "m", Context: 32 << 10})
		if err != nil {
			t.Fatal(err)
		}
		got, _, _, err := newRunner(client, t.TempDir(), io.Discard).document(t.Context(), d)
		if err != nil || got.exact+got.near != got.fields {
			t.Errorf("%s: %v, %v", d.name, got.faults, err)
		}
	}
}
