package openai_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/internal/llm/openai"
)

const (
	secret   = "sk-very-secret-0123456789"
	document = "The undersigned Amalia Voss leases the warehouse at Pier 9."
	schema   = `{"type":"object","properties":{"tenant":{"type":"string"}},"required":["tenant"],"additionalProperties":false}`
	wanted   = `{"tenant":"Amalia Voss"}`
)

// client makes a client of a server.
func client(t *testing.T, s *llmtest.Server, change ...func(*openai.Config)) *openai.Client {
	t.Helper()
	config := openai.Config{URL: s.URL, Model: llmtest.Model, Key: secret}
	for _, f := range change {
		f(&config)
	}
	c, err := openai.New(config)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// request asks for JSON about the document.
func request() llm.Request {
	return llm.Request{
		Messages: []llm.Message{{Role: llm.RoleSystem, Text: "Copy word for word."}, {Role: llm.RoleUser, Text: document}},
		Schema:   json.RawMessage(schema), SchemaName: "lease", MaxTokens: 100, Pieces: true,
	}
}

func complete(t *testing.T, c *openai.Client, r llm.Request) *llm.Response {
	t.Helper()
	response, err := c.Complete(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func TestRequestAndAnswer(t *testing.T) {
	s := llmtest.New(t, nil)
	s.Enqueue(llmtest.Locked(secret, llmtest.Reply(llmtest.Answer{Text: wanted, Input: 31, Output: 7, Model: "scripted-2"})))
	got := complete(t, client(t, s), request())
	want := llm.Response{Text: wanted, Tokens: satchel.Tokens{Input: 31, Output: 7}, Model: "scripted-2"}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Error(diff)
	}
	in := s.Requests()[0]
	if in.Model != llmtest.Model || in.MaxTokens != 100 || in.LimitField != "max_tokens" || in.Temperature == nil || *in.Temperature != 0 || in.Likely != 5 {
		t.Errorf("the request was %s", in.Body)
	}
	if in.Format != "json_schema" || !in.Strict || in.SchemaName != "lease" || string(in.Schema) != schema {
		t.Errorf("the form asked for was %s", in.Body)
	}
	if len(in.Messages) != 2 || in.Messages[0].Role != llm.RoleSystem || in.Messages[0].Text != "Copy word for word." || in.Prompt() != document {
		t.Errorf("the messages were %+v", in.Messages)
	}
}

func TestTextWithoutSchema(t *testing.T) {
	const answer = "<think>hm</think>\n```json\n{}\n```\n"
	s := llmtest.New(t, llmtest.Reply(llmtest.Answer{Text: answer, NoUsage: true}))
	got := complete(t, client(t, s, func(c *openai.Config) { c.Key = "" }), llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Text: "Say something."}}})
	if got.Text != answer || got.Truncated {
		t.Errorf("got %q", got.Text)
	}
	if got.Tokens.Input < 3 || got.Tokens.Input > 20 || got.Tokens.Output < 5 || got.Tokens.Output > 40 {
		t.Errorf("without a count of the server, %+v tokens were guessed", got.Tokens)
	}
	if in := s.Requests()[0]; in.Format != "" || in.MaxTokens != 0 || in.Key != "" {
		t.Errorf("what nobody asked for was sent: %s, key %q", in.Body, in.Key)
	}
}

func TestTidiesJSON(t *testing.T) {
	for name, text := range map[string]string{
		"bare":                  wanted,
		"spaces":                "\n " + wanted + "\n",
		"fence":                 "```json\n" + wanted + "\n```",
		"fence with words":      "Here it is:\n```\n" + wanted + "\n```\nAnything else?",
		"thoughts":              "<think>It says {\"tenant\"} there.</think>\n\n" + wanted,
		"two thoughts":          "<think>One.</think>\n<think>Two.</think>" + wanted,
		"only the end of one":   "It must be her.</think>\n" + wanted,
		"thoughts and a fence":  "<think>```json\n{}\n```</think>\n```JSON\n" + wanted + "\n```",
		"a fence in a thought":  "<think>\n```\n{\"tenant\":\"nobody\"}\n```\n</think>" + wanted,
		"thoughts without body": "<think></think>" + wanted,
	} {
		t.Run(name, func(t *testing.T) {
			s := llmtest.New(t, llmtest.Text(text))
			if got := complete(t, client(t, s), request()); got.Text != wanted {
				t.Errorf("got %q", got.Text)
			}
		})
	}
}

// What stands inside of a value is the document's, whatever it looks like.
func TestLeavesValuesAlone(t *testing.T) {
	for _, text := range []string{
		`{"tenant":"a </think> b"}`, `{"tenant":"<think>x</think>"}`, "{\"tenant\":\"```json\\n{}\\n```\"}", `"<think>"`, `no JSON at all`, `{"tenant": "cut`,
	} {
		s := llmtest.New(t, llmtest.Text(text))
		if got := complete(t, client(t, s), request()); got.Text != text {
			t.Errorf("%q became %q", text, got.Text)
		}
	}
}

func TestTruncated(t *testing.T) {
	for _, reason := range []string{"length", "max_tokens", "model_length", "MAX_TOKENS"} {
		s := llmtest.New(t, llmtest.Reply(llmtest.Answer{Text: `{"tenant":"Ama`, Finish: reason}))
		got := complete(t, client(t, s), request())
		if !got.Truncated || got.Text != `{"tenant":"Ama` {
			t.Errorf("%s: got %+v", reason, *got)
		}
	}
}

// A thought that was cut is no answer.
func TestTruncatedThought(t *testing.T) {
	s := llmtest.New(t, llmtest.Truncated("<think>Let me see, the tenant"))
	if got := complete(t, client(t, s), request()); got.Text != "" || !got.Truncated {
		t.Errorf("got %+v", *got)
	}
}

func TestOtherShapesOfAnswers(t *testing.T) {
	body := func(message string) string {
		return `{"choices":[{"finish_reason":null,"message":` + message + `}],"usage":{"prompt_tokens":"many"}}`
	}
	for name, c := range map[string]struct{ body, text string }{
		"parts":      {body(`{"content":[{"type":"thinking","thinking":[]},{"type":"text","text":"{\"tenant\":"},{"type":"text","text":"\"Amalia Voss\"}"}]}`), wanted},
		"null":       {body(`{"content":null}`), ""},
		"no content": {body(`{}`), ""},
	} {
		s := llmtest.New(t, llmtest.Raw(200, c.body))
		got := complete(t, client(t, s), request())
		if got.Text != c.text || got.Tokens.Input <= 0 {
			t.Errorf("%s: got %+v", name, *got)
		}
	}
}

// TestPieces has characters that are more than one token, and an answer with a fence around it.
func TestPieces(t *testing.T) {
	pieces := []llm.Piece{
		{Text: "```json\n{\"", Likely: []llm.Choice{{Text: "```json\n{\"", Probability: 0.75}, {Text: "{", Probability: 0.25}}},
		{Text: "ключ\": \"\xd0"},
		{Text: "\x96"},
		{Text: "\"}\n```", Likely: []llm.Choice{{Text: "\"", Probability: 0.5}}},
	}
	text := ""
	for _, piece := range pieces {
		text += piece.Text
	}
	s := llmtest.New(t, llmtest.Reply(llmtest.Answer{Text: text, Pieces: pieces}))
	got := complete(t, client(t, s), request())
	if diff := cmp.Diff(pieces, got.Pieces, cmpopts.EquateApprox(0, 1e-9)); diff != "" || got.Text != `{"ключ": "Ж"}` {
		t.Errorf("the text is %q, the pieces differ:\n%s", got.Text, diff)
	}
	unasked := request()
	unasked.Pieces = false
	if got := complete(t, client(t, s), unasked); got.Pieces != nil {
		t.Errorf("not asked for, and there: %+v", got.Pieces)
	}
}

// Servers write anything where probabilities may be. None of it spoils the answer.
func TestOddPieces(t *testing.T) {
	for _, logprobs := range []string{
		`null`, `7`, `[]`, `{}`, `{"content":null}`, `{"content":{}}`, `{"tokens":["a"],"token_logprobs":[-0.1]}`, `{"content":[{"token":"a","bytes":"a"}]}`,
		`{"content":[null,{"token":null,"bytes":[-1,999],"top_logprobs":[null,{"token":"null","logprob":-9999}]}]}`,
	} {
		s := llmtest.New(t, llmtest.Raw(200, `{"choices":[{"logprobs":`+logprobs+`,"message":{"content":"{}"}}]}`))
		if got := complete(t, client(t, s), request()); got.Text != "{}" {
			t.Errorf("%s: got %+v", logprobs, *got)
		}
	}
}

// What a server lacks is found out once, and done without from then on.
func TestAdapts(t *testing.T) {
	without := func(features ...llmtest.Feature) llmtest.Behaviour {
		b := llmtest.Text(wanted)
		for _, f := range features {
			b = llmtest.Without(f, b)
		}
		return b
	}
	for _, c := range []struct {
		name     string
		lacks    []llmtest.Feature
		refusals int
		check    func(c llmtest.Call) bool
	}{
		{"nothing", nil, 0, func(c llmtest.Call) bool { return c.Strict }},
		{"schema", []llmtest.Feature{llmtest.JSONSchema}, 2, func(c llmtest.Call) bool {
			return c.Format == "json_object" && strings.Contains(c.Prompt(), schema) && strings.HasPrefix(c.Prompt(), document)
		}},
		{"schema and object", []llmtest.Feature{llmtest.JSONSchema, llmtest.JSONObject}, 3, func(c llmtest.Call) bool {
			return c.Format == "" && strings.Contains(c.Prompt(), schema)
		}},
		{"strictness", []llmtest.Feature{llmtest.StrictSchema}, 1, func(c llmtest.Call) bool { return c.Format == "json_schema" && !c.Strict }},
		{"max_tokens", []llmtest.Feature{llmtest.MaxTokens}, 1, func(c llmtest.Call) bool { return c.LimitField == "max_completion_tokens" && c.MaxTokens == 100 }},
		{"temperature", []llmtest.Feature{llmtest.Temperature}, 1, func(c llmtest.Call) bool { return c.Temperature == nil }},
		{"probabilities", []llmtest.Feature{llmtest.Logprobs}, 1, func(c llmtest.Call) bool { return c.Likely == 0 && c.Strict }},
		{"system", []llmtest.Feature{llmtest.SystemRole}, 1, func(c llmtest.Call) bool {
			return len(c.Messages) == 1 && c.Prompt() == "Copy word for word.\n\n"+document
		}},
		{
			"everything",
			[]llmtest.Feature{llmtest.JSONObject, llmtest.JSONSchema, llmtest.Temperature, llmtest.MaxTokens, llmtest.SystemRole, llmtest.Logprobs}, 7,
			func(c llmtest.Call) bool {
				return c.Format == "" && c.Temperature == nil && len(c.Messages) == 1 && c.Likely == 0
			},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := llmtest.New(t, without(c.lacks...))
			model := client(t, s)
			for range 2 {
				if got := complete(t, model, request()); got.Text != wanted {
					t.Errorf("got %q", got.Text)
				}
			}
			all := s.Requests()
			if len(all) != c.refusals+2 {
				t.Fatalf("%d requests, want %d and two that are served", len(all), c.refusals)
			}
			for _, served := range all[c.refusals:] {
				if !c.check(served) {
					t.Errorf("it was asked by %s", served.Body)
				}
			}
		})
	}
}

// One schema that a server cannot do says nothing about the others.
func TestAdaptsToOneSchema(t *testing.T) {
	const odd = `{"type":"object","properties":{"a":{"$ref":"#/nowhere"}}}`
	s := llmtest.New(t, llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		if string(c.Schema) == odd {
			return llmtest.Fail(400, "invalid_request_error", "JSON schema error at #/properties/a: cannot resolve $ref #/nowhere")
		}
		return llmtest.Text(wanted)
	}))
	model := client(t, s)
	strange := request()
	strange.Schema = json.RawMessage(odd)
	for _, r := range []llm.Request{strange, strange, request()} {
		complete(t, model, r)
	}
	var forms []string
	for _, c := range s.Requests() {
		forms = append(forms, fmt.Sprintf("%s strict=%t", c.Format, c.Strict))
	}
	want := []string{"json_schema strict=true", "json_schema strict=false", "json_object strict=false", "json_object strict=false", "json_schema strict=true"}
	if !slices.Equal(forms, want) {
		t.Errorf("the forms asked for were %q", forms)
	}
}

// After a schema has worked, a refusal is that request's fault, in whatever words.
func TestOneRefusalAfterSuccess(t *testing.T) {
	s := llmtest.New(t, nil)
	s.Enqueue(llmtest.Text(wanted), llmtest.Without(llmtest.JSONSchema, nil), llmtest.Text(wanted), llmtest.Text(wanted))
	model := client(t, s)
	complete(t, model, request())
	other := request()
	other.Schema = json.RawMessage(`{"type":"object"}`)
	complete(t, model, other)
	complete(t, model, request())
	if last := s.Requests()[3]; !last.Strict {
		t.Errorf("the first schema is now asked for by %s", last.Body)
	}
}

// A server may accept a schema and not care for it.
func TestAdaptsToLies(t *testing.T) {
	s := llmtest.New(t, llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		if strings.Contains(c.Prompt(), schema) {
			return llmtest.Text(wanted)
		}
		return llmtest.Text("The tenant is Amalia Voss.")
	}))
	model := client(t, s)
	if got := complete(t, model, request()); got.Text != "The tenant is Amalia Voss." {
		t.Errorf("the first answer was %q", got.Text)
	}
	if got := complete(t, model, request()); got.Text != wanted {
		t.Errorf("the second answer was %q", got.Text)
	}
	if n := len(s.Requests()); n != 2 {
		t.Errorf("%d requests were made for two answers", n)
	}
}

// One slip of a model that keeps to schemas changes nothing, nor does an answer that was cut.
func TestForgivesSlips(t *testing.T) {
	s := llmtest.New(t, nil)
	s.Enqueue(llmtest.Truncated(`{"ten`), llmtest.Text(wanted), llmtest.Text("Sorry?"), llmtest.Text(wanted))
	model := client(t, s)
	for range 4 {
		complete(t, model, request())
	}
	for _, in := range s.Requests() {
		if !in.Strict {
			t.Errorf("it was asked by %s", in.Body)
		}
	}
}

func TestImages(t *testing.T) {
	picture := []byte("\x89PNG\r\n\x1a\n…")
	r := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Text: "Read this.", Images: [][]byte{picture, {0xff, 0xd8, 0xff, 0xe0}}}}}
	see := func(c *openai.Config) { c.Vision = true }

	s := llmtest.New(t, llmtest.Text("a lease"))
	complete(t, client(t, s, see), r)
	in := s.Requests()[0].Messages[0]
	if in.Text != "Read this." || len(in.Images) != 2 || string(in.Images[0]) != string(picture) {
		t.Errorf("the message was %q with %d images", in.Text, len(in.Images))
	}

	for _, status := range []int{400, 500} {
		blind := llmtest.New(t, llmtest.Fail(status, "", "image input is not supported - hint: you may need to provide the mmproj"))
		fails(t, client(t, blind, see), r, llm.KindRefused, "SATCHEL_LLM_VISION")
	}
	fails(t, client(t, s), r, llm.KindRefused, "SATCHEL_LLM_VISION")
	r.Messages[0].Images = [][]byte{[]byte("GIF89a")}
	fails(t, client(t, s, see), r, llm.KindRefused, "image/gif")
}

// fails asks, and wants an error of this kind whose message has a part in it, and neither key nor document.
func fails(t *testing.T, c *openai.Client, r llm.Request, kind llm.Kind, part string) {
	t.Helper()
	_ = failure(t, c, r, kind, part)
}

// failure is fails, and gives the error.
func failure(t *testing.T, c *openai.Client, r llm.Request, kind llm.Kind, part string) *llm.Error {
	t.Helper()
	_, err := c.Complete(t.Context(), r)
	e, ok := errors.AsType[*llm.Error](err)
	if !ok {
		t.Fatalf("got %v, want an llm.Error", err)
	}
	if e.Kind != kind || !strings.Contains(e.Message, part) {
		t.Errorf("got %s %q, want %s with %q", e.Kind, e.Message, kind, part)
	}
	for _, never := range []string{secret, "Amalia", "Voss", "Pier 9"} {
		if strings.Contains(fmt.Sprintf("%v %+v %#v", err, e, e), never) {
			t.Errorf("the error shows %q: %v", never, err)
		}
	}
	return e
}

func TestFailures(t *testing.T) {
	for name, c := range map[string]struct {
		then llmtest.Behaviour
		kind llm.Kind
		part string
	}{
		"busy":                  {llmtest.Busy(""), llm.KindBusy, ""},
		"overloaded":            {llmtest.Raw(529, "{}"), llm.KindBusy, ""},
		"loading":               {llmtest.Loading(), llm.KindBusy, "not ready"},
		"unavailable for now":   {llmtest.Raw(503, "", "Retry-After", "5"), llm.KindBusy, ""},
		"unavailable":           {llmtest.Raw(503, "<html>Service Unavailable</html>"), llm.KindDown, ""},
		"out of credit":         {llmtest.Fail(429, "insufficient_quota", "You exceeded your current quota."), llm.KindRefused, "credit"},
		"bad gateway":           {llmtest.Raw(502, "<html>"), llm.KindDown, "failed inside"},
		"broken inside":         {llmtest.Fail(500, "server_error", "out of memory"), llm.KindDown, "out of memory"},
		"cut":                   {llmtest.Cut(wanted), llm.KindDown, "broke off"},
		"nonsense":              {llmtest.Nonsense(), llm.KindDown, "SATCHEL_LLM_URL"},
		"no choices":            {llmtest.Raw(200, `{"choices":[]}`), llm.KindDown, "without a choice"},
		"odd content":           {llmtest.Raw(200, `{"choices":[{"message":{"content":7}}]}`), llm.KindDown, "neither"},
		"failure as success":    {llmtest.Raw(200, `{"error":{"code":429,"message":"slow down"}}`), llm.KindBusy, ""},
		"failure without code":  {llmtest.Raw(200, `{"error":"out of memory"}`), llm.KindDown, "out of memory"},
		"declined":              {llmtest.Raw(200, `{"choices":[{"message":{"content":null,"refusal":"I cannot."}}]}`), llm.KindRefused, "declined"},
		"filtered":              {llmtest.Reply(llmtest.Answer{Finish: "content_filter"}), llm.KindRefused, "filter"},
		"too long":              {llmtest.TooLong(), llm.KindTooLong, "SATCHEL_LLM_CONTEXT"},
		"too long for llama":    {llmtest.Raw(400, `{"error":{"code":400,"message":"request (20030 tokens) exceeds the available context size (16384 tokens)","type":"exceed_context_size_error"}}`), llm.KindTooLong, ""},
		"too long for vLLM":     {llmtest.Raw(400, `{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 6048. This model's maximum context length is 6048 tokens"}`), llm.KindTooLong, ""},
		"too long in a list":    {llmtest.Raw(400, `[{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}}]`), llm.KindTooLong, ""},
		"too long for a minute": {llmtest.Fail(429, "rate_limit_exceeded", "Request too large for this model on tokens per min: Limit 10, Requested 15"), llm.KindTooLong, ""},
		"too many bytes":        {llmtest.Raw(413, "<html>"), llm.KindTooLong, ""},
		"wrong key":             {llmtest.Locked("another", nil), llm.KindRefused, "SATCHEL_LLM_KEY"},
		"forbidden":             {llmtest.Fail(403, "", "no"), llm.KindRefused, "SATCHEL_LLM_KEY"},
		"no money":              {llmtest.Raw(402, "{}"), llm.KindRefused, "credit"},
		"no such model":         {llmtest.Fail(404, "model_not_found", "The model does not exist"), llm.KindRefused, "SATCHEL_LLM_MODEL"},
		"no such place":         {llmtest.Raw(404, "404 page not found"), llm.KindRefused, "SATCHEL_LLM_URL"},
		"no such method":        {llmtest.Raw(405, ""), llm.KindRefused, "SATCHEL_LLM_URL"},
		"bad request":           {llmtest.Fail(400, "invalid_request_error", "top_k is odd"), llm.KindRefused, "top_k is odd"},
		"bad in plain":          {llmtest.Raw(400, "messages are odd"), llm.KindRefused, "messages are odd"},
		"bad in a string":       {llmtest.Raw(422, `{"error":"roles are odd"}`), llm.KindRefused, "roles are odd"},
		"bad in detail":         {llmtest.Raw(422, `{"detail":[{"loc":["body","n"],"msg":"n is odd"}]}`), llm.KindRefused, "n is odd"},
		"late":                  {llmtest.Raw(408, ""), llm.KindDown, ""},
		"teapot":                {llmtest.Raw(418, ""), llm.KindRefused, "does not accept the request"},
	} {
		t.Run(name, func(t *testing.T) {
			s := llmtest.New(t, nil)
			s.Enqueue(c.then)
			e := failure(t, client(t, s), request(), c.kind, c.part)
			if e.Temporary() != (c.kind == llm.KindBusy || c.kind == llm.KindDown) {
				t.Errorf("temporary: %v", e.Temporary())
			}
		})
	}
}

// What an endpoint says is shown only where nothing of the conversation or the key can be in it.
func TestFailuresShowNothing(t *testing.T) {
	for name, message := range map[string]string{
		"document":       "cannot read: " + document,
		"part of it":     "unexpected token near 'Amalia Voss leases' in the input",
		"other spaces":   "cannot read 'The undersigned\n  Amalia\tVoss leases'",
		"escaped":        `cannot read '\u0041malia Voss'`,
		"key":            "the key " + secret + " is not for this",
		"key in a type":  "cannot read Bearer " + secret,
		"picture":        "cannot read data:image/png;base64,Pier 9",
		"terminal codes": "\x1b[31mred\x1b[0m\a",
	} {
		t.Run(name, func(t *testing.T) {
			for status, kind := range map[int]llm.Kind{400: llm.KindRefused, 403: llm.KindRefused, 500: llm.KindDown} {
				s := llmtest.New(t, llmtest.Fail(status, secret+" ", message))
				e := failure(t, client(t, s), request(), kind, "127.0.0.1")
				if strings.ContainsAny(e.Error(), "\x1b\a\n") {
					t.Errorf("control characters in %q", e.Error())
				}
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	for _, c := range []struct {
		name     string
		headers  []string
		from, to time.Duration
	}{
		{"nothing", nil, 0, 0},
		{"seconds", []string{"Retry-After", "17"}, 17 * time.Second, 17 * time.Second},
		{"milliseconds", []string{"Retry-After-Ms", "1500", "Retry-After", "2"}, 1500 * time.Millisecond, 1500 * time.Millisecond},
		{"moment", []string{"Retry-After", time.Now().Add(90 * time.Second).UTC().Format(http.TimeFormat)}, 30 * time.Second, 90 * time.Second},
		{"past", []string{"Retry-After", "Mon, 02 Jan 2006 15:04:05 GMT"}, 0, 0},
		{"too long", []string{"Retry-After", "1e300"}, time.Hour, time.Hour},
		{"negative", []string{"Retry-After", "-5"}, 0, 0},
		{"no number", []string{"Retry-After", "NaN"}, 0, 0},
		{"words", []string{"Retry-After", "soon"}, 0, 0},
		{"limits", []string{"X-Ratelimit-Reset-Requests", "1s", "X-Ratelimit-Reset-Tokens", "1m2s"}, 62 * time.Second, 62 * time.Second},
		{
			"the limit that was reached",
			[]string{
				"X-Ratelimit-Remaining-Requests", "0", "X-Ratelimit-Reset-Requests", "20ms",
				"X-Ratelimit-Remaining-Tokens", "9", "X-Ratelimit-Reset-Tokens", "6m0s",
			}, 20 * time.Millisecond, 20 * time.Millisecond,
		},
		{"since 1970", []string{"X-Ratelimit-Reset", fmt.Sprint(time.Now().Add(2 * time.Minute).Unix())}, time.Minute, 2 * time.Minute},
		{"milliseconds since 1970", []string{"X-Ratelimit-Reset", fmt.Sprint(time.Now().Add(2 * time.Minute).UnixMilli())}, time.Minute, 2 * time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := llmtest.New(t, llmtest.Raw(429, "{}", c.headers...))
			e := failure(t, client(t, s), request(), llm.KindBusy, "")
			if e.RetryAfter < c.from || e.RetryAfter > c.to {
				t.Errorf("wait %v, want %v to %v", e.RetryAfter, c.from, c.to)
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	closed := httptest.NewServer(nil)
	closed.Close()
	c, err := openai.New(openai.Config{URL: closed.URL, Model: "m", Key: secret})
	if err != nil {
		t.Fatal(err)
	}
	fails(t, c, request(), llm.KindDown, "cannot be reached")
}

func TestTLS(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(secure.Close)
	plain := llmtest.New(t, nil)
	for url, part := range map[string]string{
		secure.URL: "certificate",
		strings.Replace(plain.URL, "http", "https", 1): "does not speak https",
	} {
		c, err := openai.New(openai.Config{URL: url, Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		fails(t, c, request(), llm.KindRefused, part)
	}
}

// A redirect is followed nowhere: neither with the key nor with a document.
func TestRedirects(t *testing.T) {
	elsewhere := llmtest.New(t, nil) // a request fails the test
	for _, status := range []int{301, 302, 307, 308} {
		s := llmtest.New(t, llmtest.Raw(status, "", "Location", elsewhere.URL+"/chat/completions?token="+secret))
		for _, own := range []*http.Client{nil, {}} {
			e := failure(t, client(t, s, func(c *openai.Config) { c.HTTPClient = own }), request(), llm.KindRefused, "SATCHEL_LLM_URL")
			if !strings.Contains(e.Message, elsewhere.URL) {
				t.Errorf("the message does not say whereto: %s", e.Message)
			}
		}
	}
}

func TestTimeout(t *testing.T) {
	s := llmtest.New(t, llmtest.Hang())
	e := failure(t, client(t, s, func(c *openai.Config) { c.Timeout = 50 * time.Millisecond }), request(), llm.KindDown, "within 50ms")
	if !errors.Is(e, context.DeadlineExceeded) {
		t.Errorf("the cause is %v", e.Err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := llmtest.New(t, llmtest.By(func(llmtest.Call) llmtest.Behaviour {
		cancel()
		return llmtest.Hang()
	}))
	model := client(t, s)
	for range 2 { // the second one does not even start
		if _, err := model.Complete(ctx, request()); !errors.Is(err, context.Canceled) || llm.KindOf(err) != "" {
			t.Errorf("got %v", err)
		}
	}
	if n := len(s.Requests()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestHugeAnswer(t *testing.T) {
	s := llmtest.New(t, llmtest.Text(strings.Repeat("x", 9<<20)))
	fails(t, client(t, s), request(), llm.KindDown, "too much")
}

// More requests than AtOnce wait for a place, and one that waits can be called off.
func TestAtOnce(t *testing.T) {
	const places = 2
	open := make(chan struct{})
	arrived := make(chan struct{}, 10)
	s := llmtest.New(t, llmtest.By(func(llmtest.Call) llmtest.Behaviour {
		arrived <- struct{}{}
		return llmtest.After(open, llmtest.Text(wanted))
	}))
	model := client(t, s, func(c *openai.Config) { c.AtOnce = places })
	var done sync.WaitGroup
	for range places + 3 {
		done.Go(func() {
			if _, err := model.Complete(t.Context(), request()); err != nil {
				t.Error(err)
			}
		})
	}
	for range places {
		<-arrived
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := model.Complete(ctx, request()); !errors.Is(err, context.Canceled) {
		t.Errorf("called off while waiting: %v", err)
	}
	if n := len(s.Requests()); n != places {
		t.Errorf("%d requests at once, want %d", n, places)
	}
	close(open)
	done.Wait()
	if n := len(s.Requests()); n != places+3 {
		t.Errorf("%d requests in the end, want %d", n, places+3)
	}
}

// Requests at once learn together.
func TestLearnsConcurrently(t *testing.T) {
	s := llmtest.New(t, llmtest.Without(llmtest.JSONSchema, llmtest.Without(llmtest.MaxTokens, llmtest.Text(wanted))))
	model := client(t, s)
	var done sync.WaitGroup
	for range 20 {
		done.Go(func() {
			got, err := model.Complete(t.Context(), request())
			if err != nil || got.Text != wanted {
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
	done.Wait()
	if before := len(s.Requests()); complete(t, model, request()).Text != wanted || len(s.Requests()) != before+1 {
		t.Error("it has not learned")
	}
}

func TestLimits(t *testing.T) {
	for _, c := range []struct {
		config openai.Config
		want   llm.Limits
	}{
		{openai.Config{URL: "http://127.0.0.1:8080", Model: "m"}, llm.Limits{Name: "m", Host: "127.0.0.1:8080", Context: 8192}},
		{openai.Config{URL: "https://models.example/v1", Model: "m", Context: 99, Vision: true}, llm.Limits{Name: "m", Host: "models.example", Context: 99, Vision: true}},
	} {
		model, err := openai.New(c.config)
		if err != nil || model.Limits() != c.want {
			t.Errorf("got %+v, %v, want %+v", model.Limits(), err, c.want)
		}
	}
}

func TestConfigFaults(t *testing.T) {
	good := openai.Config{URL: "http://127.0.0.1:8080", Model: "m", Key: secret}
	for name, c := range map[string]struct {
		change func(*openai.Config)
		want   string
	}{
		"no URL":       {func(c *openai.Config) { c.URL = " " }, "SATCHEL_LLM_URL"},
		"no scheme":    {func(c *openai.Config) { c.URL = "127.0.0.1:8080" }, "http://127.0.0.1:8080/v1"},
		"other scheme": {func(c *openai.Config) { c.URL = "ftp://x/v1" }, "SATCHEL_LLM_URL"},
		"no host":      {func(c *openai.Config) { c.URL = "http:///v1" }, "SATCHEL_LLM_URL"},
		"user":         {func(c *openai.Config) { c.URL = "http://me:" + secret + "@x/v1" }, "SATCHEL_LLM_KEY"},
		"broken":       {func(c *openai.Config) { c.URL = "http://x/%zz?" + secret }, "SATCHEL_LLM_URL"},
		"query":        {func(c *openai.Config) { c.URL = "http://x/v1?api-version=" + secret }, "query"},
		"no model":     {func(c *openai.Config) { c.Model = "" }, "SATCHEL_LLM_MODEL"},
		"two keys":     {func(c *openai.Config) { c.Key = secret + "\nX-Other: 1" }, "SATCHEL_LLM_KEY"},
		"negative":     {func(c *openai.Config) { c.AtOnce = -1 }, "requests at once"},
	} {
		t.Run(name, func(t *testing.T) {
			config := good
			c.change(&config)
			_, err := openai.New(config)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), secret) {
				t.Errorf("got %v, want one that says %q", err, c.want)
			}
		})
	}
	if _, err := openai.New(openai.Config{}); err == nil || !strings.Contains(err.Error(), "URL") || !strings.Contains(err.Error(), "MODEL") {
		t.Errorf("not everything that is wrong is named: %v", err)
	}
}

func TestKeyIsNotShown(t *testing.T) {
	var log strings.Builder
	logger := slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := llmtest.New(t, llmtest.Locked(secret, llmtest.Without(llmtest.JSONSchema, llmtest.Text(wanted))))
	config := openai.Config{URL: s.URL, Model: llmtest.Model, Key: secret + "\n", Logger: logger} // as read from a file
	model, err := openai.New(config)
	if err != nil {
		t.Fatal(err)
	}
	complete(t, model, request())
	if !strings.Contains(log.String(), "json_schema") || !strings.Contains(log.String(), "read=") {
		t.Errorf("what was learned and used is not logged: %s", log.String())
	}
	encoded, err := json.Marshal(map[string]any{"key": config.Key})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("x", "config", config, "client", model)
	shown := log.String() + string(encoded) + fmt.Sprintf("%v %+v %#v %s %v %+v %#v", config, config, config, config.Key, model, model, model)
	for _, never := range []string{secret, "Amalia"} {
		if strings.Contains(shown, never) {
			t.Errorf("%q is shown: %s", never, shown)
		}
	}
}

// The base is found in whatever people have at hand.
func TestURLs(t *testing.T) {
	var paths []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.URL.Path)
		_, _ = io.WriteString(w, `{"choices":[{"message":{"content":"hi"}}]}`)
	}))
	t.Cleanup(s.Close)
	for given, want := range map[string]string{
		"":                            "/v1/chat/completions",
		"/":                           "/v1/chat/completions",
		"/v1":                         "/v1/chat/completions",
		"/v1//":                       "/v1/chat/completions",
		"/v1/chat/completions":        "/v1/chat/completions",
		"/api":                        "/api/v1/chat/completions",
		"/openai/v1":                  "/openai/v1/chat/completions",
		"/v1beta/openai/":             "/v1beta/openai/chat/completions",
		"/api/paas/v4":                "/api/paas/v4/chat/completions",
		"/chat/completions":           "/chat/completions",
		"/vendor":                     "/vendor/v1/chat/completions",
		"/gate/chat/completions/":     "/gate/chat/completions",
		"/a%2Fb/v1/chat/completions/": "/a/b/v1/chat/completions",
	} {
		paths = nil
		c, err := openai.New(openai.Config{URL: "  " + s.URL + given, Model: "m"})
		if err != nil {
			t.Fatal(err)
		}
		complete(t, c, llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Text: "hi"}}})
		if paths[0] != want {
			t.Errorf("%q leads to %s, want %s", given, paths[0], want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(200, `{"choices":[{"finish_reason":"stop","message":{"content":"{}"}}],"usage":{"prompt_tokens":-1,"completion_tokens":9e18}}`)
	f.Add(200, `{"choices":[{"message":{"content":[{"type":"text","text":"<think>"}]}}]}`)
	f.Add(400, `{"error":{"message":"json_schema","code":7,"param":[]}}`)
	f.Add(429, `[]`)
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 || status == http.StatusNoContent || status == http.StatusNotModified {
			return
		}
		model, err := openai.New(openai.Config{URL: "http://x", Model: "m", HTTPClient: &http.Client{Transport: canned{status, body}}})
		if err != nil {
			t.Fatal(err)
		}
		got, err := model.Complete(t.Context(), request())
		switch {
		case err == nil && (got.Tokens.Input <= 0 || got.Tokens.Output < 0):
			t.Errorf("tokens %+v", got.Tokens)
		case err != nil && llm.KindOf(err) == "":
			t.Errorf("%v is no llm.Error", err)
		}
	})
}

// canned is an HTTP transport whose answer is always the same.
type canned struct {
	status int
	body   string
}

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(c.body)), Request: r}, nil
}
