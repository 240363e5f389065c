//go:build linux

package processing_test

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

// letter is a document of one window.
func letter() document { return plain("letter.txt", "Dear all,\n\nSender: Ada Lovelace\n\nYours") }

const sender = `{"sender":"Ada Lovelace"}`

// TestTheModelFailsAndRecovers has the model's server fail in ways that may pass. The file says what is being waited for, and when the next try
// is, and is processed in the end. Only the tokens of answers count.
func TestTheModelFailsAndRecovers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails   []llmtest.Behaviour
		details string // while it waits
	}{
		"slow": {[]llmtest.Behaviour{llmtest.Hang()}, "waiting: the language model cannot be used: HOST gave no answer within 300ms; next try in 1s"},
		"busy": {
			[]llmtest.Behaviour{llmtest.Busy("3")}, "waiting: the language model cannot be used: HOST has too much to do, or is not ready yet; next try in 3s",
		},
		"loading": {[]llmtest.Behaviour{llmtest.Loading()}, "waiting: the language model cannot be used: HOST has too much to do, or is not ready yet; next try in 1s"},
		"failing twice": {
			[]llmtest.Behaviour{llmtest.Fail(500, "server_error", "out of luck"), llmtest.Fail(502, "", "")},
			"waiting: the language model cannot be used: HOST failed inside: out of luck; next try in 1s",
		},
		"cut":           {[]llmtest.Behaviour{llmtest.Cut(`{"set":{"sender":"Ada Lovelace"}}`)}, "waiting: the language model cannot be used: the connection to HOST broke off; next try in 1s"},
		"another thing": {[]llmtest.Behaviour{llmtest.Nonsense()}, "waiting: the language model cannot be used: HOST answered something else than the JSON of a chat completion; is SATCHEL_LLM_URL right?; next try in 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := llmtest.New(t, reads())
			s := start(t, newData(t), withModel(model, "SATCHEL_LLM_TIMEOUT=300ms")...)
			details := strings.Replace(c.details, "HOST", hostOf(model), 1)
			var id string
			for try, seen := 0, false; !seen; try++ { // until somebody looks while it waits
				if try == 5 {
					t.Fatalf("nobody waits with the words %q", details)
				}
				before := len(model.Requests())
				model.Enqueue(c.fails...)
				id = s.put(letter(), instructed("Who has sent it?")).ID
				seen = s.waits(id, details)
				wantFile(t, s.settled(id), "processed", "", "")
				if n := len(model.Requests()) - before; n != len(c.fails)+1 {
					t.Errorf("%d requests, want %d", n, len(c.fails)+1)
				}
			}
			wantMetadata(t, s.file(id), sender)
			if run := s.run(id); run.Usage.InputTokens != tokensRead || run.Usage.OutputTokens != tokensWritten || textOf(run.Model) != llmtest.Model {
				t.Errorf("the run is %s", encode(t, run))
			}
		})
	}
}

// waits looks at the newest run of a file until it is given back with details, which the file shows as well; false: it is over before that is seen.
func (s *server) waits(id, details string) (seen bool) {
	s.t.Helper()
	program.Within(s.t, "the run waits or is over", func() bool {
		run := s.runs(id)[0]
		seen = run.Status == "queued" && textOf(run.Details) == details && run.Error == nil && run.Usage.TotalTokens == 0
		return seen || run.EndedAt != nil
	})
	if file := s.file(id); seen && file.Status == "processing" && textOf(file.StatusDetails) != details {
		s.t.Errorf("the run says %q, and the file %q", details, textOf(file.StatusDetails))
	}
	return seen
}

// hostOf gives host and port of a model's server.
func hostOf(model *llmtest.Server) string {
	return strings.TrimSuffix(strings.TrimPrefix(model.URL, "http://"), "/v1")
}

// TestTheModelFailsForGood has the model's server fail in ways that another try does not help.
func TestTheModelFailsForGood(t *testing.T) {
	t.Parallel()
	spent := int64(2 * (tokensRead + tokensWritten))
	for name, c := range map[string]struct {
		does     llmtest.Behaviour
		code     string
		details  string // a pattern
		requests int    // 0: it does not matter
		tokens   int64
	}{
		"nonsense twice":  {say("I am afraid I cannot say."), "model_nonsense", `did not answer in the form asked for, also when asked again`, 2, spent},
		"cut off twice":   {llmtest.Reply(llmtest.Answer{Text: `{"set":`, Finish: "length", Input: tokensRead, Output: tokensWritten}), "model_nonsense", `the answer is not valid JSON`, 2, spent},
		"another key":     {llmtest.Locked("the right key", reads()), "model_refused", `does not accept the key; set SATCHEL_LLM_KEY`, 1, 0},
		"no such model":   {llmtest.Fail(404, "model_not_found", "The model does not exist"), "model_refused", `has no model "scripted"; set SATCHEL_LLM_MODEL`, 1, 0},
		"no credit":       {llmtest.Fail(429, "insufficient_quota", "You exceeded your current quota."), "model_refused", `has no credit left`, 1, 0},
		"declined":        {llmtest.Fail(400, "invalid_request_error", "The request is against the rules."), "model_refused", `does not accept the request: The request is against the rules`, 1, 0},
		"always too long": {llmtest.TooLong(), "model_refused", `takes no request as long as this instruction needs`, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := llmtest.New(t, c.does)
			s := start(t, newData(t), withModel(model, "SATCHEL_LLM_KEY=the-wrong-key-of-the-test")...)
			file := s.settled(s.put(letter(), instructed("Who has sent it?")).ID)
			wantFile(t, file, "error", c.code, "")
			for _, details := range []string{textOf(file.StatusDetails), file.Error.Message} {
				if !regexp.MustCompile(c.details).MatchString(details) || strings.Contains(details, "the-wrong-key") {
					t.Errorf("the details are %q, want …%s…", details, c.details)
				}
			}
			wantMetadata(t, file, `{}`)
			run := s.run(file.ID)
			if run.Status != "failed" || run.Error.Code != c.code || run.Usage.TotalTokens != c.tokens {
				t.Errorf("the run is %s; want %d tokens", encode(t, run), c.tokens)
			}
			if n := len(model.Requests()); c.requests > 0 && n != c.requests {
				t.Errorf("%d requests, want %d", n, c.requests)
			}
			if text := s.text(file.ID); !strings.Contains(text, "Ada") {
				t.Errorf("the text is %q", text)
			}
			if strings.Contains(s.Log.String(), "the-wrong-key") {
				t.Error("the key is in the log")
			}
		})
	}
}

// TestTheModelLacksAbilities has the model's server take less than it says, or than others do: it is asked in another way, within the same step.
func TestTheModelLacksAbilities(t *testing.T) {
	t.Parallel()
	prose := llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		if c.Format == "json_schema" {
			return say("Here you are: it was Ada Lovelace!")
		}
		return reads()
	})
	for name, does := range map[string]llmtest.Behaviour{
		"no schemas":              llmtest.Without(llmtest.JSONSchema, reads()),
		"no JSON":                 llmtest.Without(llmtest.JSONSchema, llmtest.Without(llmtest.JSONObject, reads())),
		"schemas are not kept to": prose,
		"no max_tokens":           llmtest.Without(llmtest.MaxTokens, reads()),
		"no temperature":          llmtest.Without(llmtest.Temperature, reads()),
		"no system messages":      llmtest.Without(llmtest.SystemRole, reads()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, newData(t), withModel(llmtest.New(t, does))...)
			file := s.settled(s.put(letter(), instructed("Who has sent it?")).ID)
			wantFile(t, file, "processed", "", "")
			wantMetadata(t, file, sender)
		})
	}
}

// TestTheContextIsSmaller has a model that takes less than is configured: windows become smaller until they fit.
func TestTheContextIsSmaller(t *testing.T) {
	t.Parallel()
	var refused atomic.Int32
	model := llmtest.New(t, llmtest.By(func(c llmtest.Call) llmtest.Behaviour {
		if len(c.Text()) > 2500 {
			refused.Add(1)
			return llmtest.TooLong()
		}
		return reads()
	}))
	s := start(t, newData(t), withModel(model, "SATCHEL_LLM_REQUESTS=1")...)
	file := s.settled(s.put(plain("report.txt", report(sections)), instructed(everything)).ID)
	wantFile(t, file, "processed", "", "")
	wantMetadata(t, file, reported(sections))
	if n := refused.Load(); n == 0 || n > 3 {
		t.Errorf("%d requests were too long", n)
	}
}

// TestTheTokensAreUsedUp ends at the limit of a file's tokens, with what was found until then, and says how much that was.
func TestTheTokensAreUsedUp(t *testing.T) {
	t.Parallel()
	const all, limit = 10, 700
	model := llmtest.New(t, reads())
	s := start(t, newData(t), withModel(model, fmt.Sprintf("SATCHEL_LLM_TOKENS_PER_FILE=%d", limit))...)
	file := s.settled(s.put(plain("report.txt", report(all)), instructed(everything)).ID)
	parts := len(model.Requests())
	wantFile(t, file, "processed", "", fmt.Sprintf("Only the first %d parts of about ", parts))
	wantFile(t, file, "processed", "", "were read: the limit of 700 tokens for one file was reached.")
	var found map[string]string
	program.Must(t, json.Unmarshal(file.Metadata, &found))
	if found["item00"] != "colour-00" || found["state"] != "draft-0" || len(found) <= parts || len(found) > all {
		t.Errorf("with %d parts were found %v", parts, found)
	}
	if usage := s.run(file.ID).Usage.TotalTokens; usage != int64(parts*(tokensRead+tokensWritten)) || usage > limit {
		t.Errorf("%d tokens for %d parts", usage, parts)
	}
}

// TestTheModelCannotBeReached waits for a server that is not there, and can be cancelled meanwhile.
func TestTheModelCannotBeReached(t *testing.T) {
	t.Parallel()
	var config net.ListenConfig
	nobody, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	program.Must(t, err)
	address := nobody.Addr().String()
	program.Must(t, nobody.Close())
	s := start(t, newData(t), "SATCHEL_LLM_URL=http://"+address+"/v1", "SATCHEL_LLM_MODEL=none")
	file := s.put(letter(), instructed("Who has sent it?"))
	s.reaches(file.ID, "queued", "instruct", "waiting: the language model cannot be used: "+address+" cannot be reached; does it run, and is SATCHEL_LLM_URL right?; next try in ")
	wantFile(t, s.cancel(file.ID), "error", "cancelled", "")
}

// TestOtherUpdatesDoNotHurry sends updates for a file whose run waits for a model that wants to be left alone: it is.
func TestOtherUpdatesDoNotHurry(t *testing.T) {
	t.Parallel()
	model := llmtest.New(t, say(`{"needs_document":false,"set":{"seen":true}}`))
	model.Enqueue(llmtest.Busy("60"))
	s := start(t, newData(t), withModel(model)...)
	file := s.settled(s.put(letter(), nil).ID)
	if a := s.update(file.ID, map[string]any{"instructions": "Set seen to true."}, "Prefer", "wait=0"); a.status != http.StatusOK {
		t.Fatal(a)
	}
	s.reaches(file.ID, "queued", "instruct", "waiting: ")
	for range 3 {
		s.update(file.ID, map[string]any{"instructions": "Set seen to true."}, "Prefer", "wait=0")
	}
	other := s.put(letter(), nil)
	s.update(other.ID, map[string]any{"instructions": "Set seen to true."}, "Prefer", "wait=60")
	wantMetadata(t, s.settled(other.ID), `{"seen":true}`)
	if n := len(model.Requests()); n != 2 {
		t.Errorf("%d requests, want one for each file", n)
	}
}
