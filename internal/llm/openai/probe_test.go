package openai_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/internal/llm/openai"
)

// obedient does what a good server does with the requests of a probe.
func obedient(c llmtest.Call) llmtest.Behaviour {
	switch {
	case len(c.Messages[0].Images) > 0:
		return llmtest.Text("Red.")
	case c.Format == "json_schema":
		return llmtest.JSON(map[string]string{"colour": "teal"})
	case c.Format == "json_object":
		return llmtest.JSON(map[string]string{"word": "hello"})
	}
	return llmtest.Reply(llmtest.Answer{Text: "Hello.", Output: int64(c.MaxTokens)})
}

func probe(t *testing.T, s *llmtest.Server, change ...func(*openai.Config)) openai.Report {
	t.Helper()
	report, err := client(t, s, change...).Probe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestProbe(t *testing.T) {
	s := llmtest.New(t, llmtest.Locked(secret, llmtest.By(obedient)))
	got := probe(t, s, func(c *openai.Config) { c.Vision = true })
	if got.URL != s.URL || !strings.HasPrefix(got.Host, "127.0.0.1:") || !got.Loopback || got.Encrypted {
		t.Errorf("the endpoint is %+v", got)
	}
	if listed, known := got.Listed(); !listed || !known || !slices.Equal(got.Models, []string{llmtest.Model}) || got.AnsweredModel != llmtest.Model {
		t.Errorf("the models are %+v", got)
	}
	if got.JSONSchema != openai.Kept || got.JSONObject != openai.Kept || got.Vision != openai.Kept {
		t.Errorf("the abilities are %+v", got)
	}
	if got.Pieces != openai.Ignored { // it takes the question and tells nothing
		t.Errorf("the probabilities are %s", got.Pieces)
	}
	if got.RoundTrip <= 0 || got.Context != openai.DefaultContext || got.ServerContext != 0 {
		t.Errorf("the figures are %+v", got)
	}
	if advice := got.Advice(); len(advice) != 0 {
		t.Errorf("advice without need: %q", advice)
	}
}

func TestProbeAbilities(t *testing.T) {
	says := func(text string) func(llmtest.Call) llmtest.Behaviour {
		return func(llmtest.Call) llmtest.Behaviour { return llmtest.Text(text) }
	}
	lacks := func(f llmtest.Feature) func(llmtest.Call) llmtest.Behaviour {
		return func(llmtest.Call) llmtest.Behaviour { return llmtest.Without(f, llmtest.By(obedient)) }
	}
	for _, c := range []struct {
		name                   string
		by                     func(llmtest.Call) llmtest.Behaviour
		schema, object, vision openai.Ability
	}{
		{"liar", says("Hello."), openai.Ignored, openai.Ignored, openai.Ignored},
		{"other JSON", says(`{"hello":"red"}`), openai.Ignored, openai.Kept, openai.Kept},
		{"no schema", lacks(llmtest.JSONSchema), openai.Refused, openai.Kept, openai.Kept},
		{"no object", lacks(llmtest.JSONObject), openai.Kept, openai.Refused, openai.Kept},
		{"no images", lacks(llmtest.Images), openai.Kept, openai.Kept, openai.Refused},
		{"new parameters", lacks(llmtest.MaxTokens), openai.Kept, openai.Kept, openai.Kept},
		{"endless thoughts", func(c llmtest.Call) llmtest.Behaviour {
			if c.MaxTokens == 1 {
				return llmtest.Text("x")
			}
			return llmtest.Truncated("<think>hm")
		}, openai.Untried, openai.Untried, openai.Ignored},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := probe(t, llmtest.New(t, llmtest.By(c.by)), func(c *openai.Config) { c.Vision = true })
			if got.JSONSchema != c.schema || got.JSONObject != c.object || got.Vision != c.vision {
				t.Errorf("schema %s, object %s, vision %s; want %s, %s, %s", got.JSONSchema, got.JSONObject, got.Vision, c.schema, c.object, c.vision)
			}
		})
	}
}

func TestProbePieces(t *testing.T) {
	hello := llmtest.Answer{Text: "Hello", Pieces: []llm.Piece{{Text: "Hello", Likely: []llm.Choice{{Text: "Hello", Probability: 0.9}}}}}
	for want, by := range map[openai.Ability]llmtest.Behaviour{
		openai.Kept: llmtest.Reply(hello), openai.Refused: llmtest.Without(llmtest.Logprobs, llmtest.Reply(hello)),
	} {
		if got := probe(t, llmtest.New(t, by)); got.Pieces != want {
			t.Errorf("the probabilities are %s, want %s", got.Pieces, want)
		}
	}
}

// A probe that finds no model says why, and what it knew before.
func TestProbeFails(t *testing.T) {
	s := llmtest.New(t, llmtest.Locked("another", nil))
	got, err := client(t, s).Probe(t.Context())
	if llm.KindOf(err) != llm.KindRefused || got.URL != s.URL || len(got.Models) != 1 || got.JSONSchema != openai.Untried {
		t.Errorf("got %+v, %v", got, err)
	}
}

// Each kind of server has its own place to say how many tokens it takes.
func TestProbeContext(t *testing.T) {
	const list = `{"data":[{"id":"other","context_length":1},{"id":"m","max_model_len":4000}]}`
	for name, c := range map[string]struct {
		answers map[string]string
		want    int
	}{
		"nothing":                  {map[string]string{"/gate/v1/models": `{"data":[{"id":"m"}]}`}, 0},
		"list":                     {map[string]string{"/gate/v1/models": list}, 4000},
		"list with other names":    {map[string]string{"/gate/v1/models": `{"data":[{"id":"m","context_window":5000}]}`}, 5000},
		"meta":                     {map[string]string{"/gate/v1/models": `{"data":[{"id":"m","meta":{"n_ctx":6000}}]}`}, 6000},
		"props":                    {map[string]string{"/gate/v1/models": list, "/gate/props": `{"default_generation_settings":{"n_ctx":7000}}`}, 7000},
		"running models":           {map[string]string{"/gate/v1/models": list, "/gate/api/ps": `{"models":[{"name":"x","context_length":1},{"name":"m:latest","context_length":8000}]}`}, 8000},
		"nonsense":                 {map[string]string{"/gate/v1/models": "<html>", "/gate/props": "[1]", "/gate/api/ps": `{"models":7}`}, 0},
		"negative":                 {map[string]string{"/gate/v1/models": `{"data":[{"id":"m","context_length":-5}]}`}, 0},
		"numbers of another shape": {map[string]string{"/gate/v1/models": `{"data":[{"id":"m","context_length":"big","max_model_len":9000}]}`}, 9000},
	} {
		t.Run(name, func(t *testing.T) {
			c.answers["/gate/v1/chat/completions"] = `{"choices":[{"message":{"content":"hi"}}]}`
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer, ok := c.answers[r.URL.Path]
				if !ok {
					http.NotFound(w, r)
				}
				_, _ = io.WriteString(w, answer)
			}))
			t.Cleanup(s.Close)
			model, err := openai.New(openai.Config{URL: s.URL + "/gate", Model: "m"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := model.Probe(t.Context())
			if err != nil || got.ServerContext != c.want {
				t.Errorf("got %d, %v, want %d", got.ServerContext, err, c.want)
			}
		})
	}
}

// Names come from elsewhere and go to terminals.
func TestProbeNamesAreClean(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, _ := json.Marshal("a\x1b[2J\nb" + strings.Repeat("x", 1000))
		if r.Method == http.MethodPost {
			_, _ = io.WriteString(w, `{"model":`+string(name)+`,"choices":[{"message":{"content":"hi"}}]}`)
			return
		}
		one := `{"id":` + string(name) + `},`
		_, _ = io.WriteString(w, `{"data":[`+strings.Repeat(one, 2000)+`{}]}`)
	}))
	t.Cleanup(s.Close)
	model, err := openai.New(openai.Config{URL: s.URL, Model: "m"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := model.Probe(t.Context())
	if err != nil || len(got.Models) != 1000 {
		t.Fatalf("%d models, %v", len(got.Models), err)
	}
	for _, name := range []string{got.Models[0], got.AnsweredModel} {
		if len(name) > 200 || strings.ContainsAny(name, "\x1b\n") {
			t.Errorf("the name is %q", name)
		}
	}
}

func TestAdvice(t *testing.T) {
	good := openai.Report{Host: "models.example", Encrypted: true, Model: "m", Models: []string{"m"}, Context: 8192, JSONSchema: openai.Kept}
	for name, c := range map[string]struct {
		change func(*openai.Report)
		want   string
	}{
		"open way":      {func(r *openai.Report) { r.Encrypted = false }, "unencrypted"},
		"unlisted":      {func(r *openai.Report) { r.Model = "x" }, "SATCHEL_LLM_MODEL"},
		"small context": {func(r *openai.Report) { r.ServerContext = 4096 }, "SATCHEL_LLM_CONTEXT=4096"},
		"large context": {func(r *openai.Report) { r.ServerContext = 32768 }, "larger SATCHEL_LLM_CONTEXT"},
		"no schema":     {func(r *openai.Report) { r.JSONSchema = openai.Ignored }, "JSON Schema"},
		"blind":         {func(r *openai.Report) { r.Vision = openai.Refused }, "SATCHEL_LLM_VISION=false"},
	} {
		report := good
		c.change(&report)
		if got := report.Advice(); len(got) != 1 || !strings.Contains(got[0], c.want) {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got := good.Advice(); len(got) != 0 {
		t.Errorf("advice without need: %q", got)
	}
}
