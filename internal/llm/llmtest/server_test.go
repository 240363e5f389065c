package llmtest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
)

const body = `{"model":"scripted","messages":[{"role":"user","content":"Hello."}]}`

func post(t *testing.T, s *llmtest.Server, body string) (status int, answer string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(content)
}

func TestQueueComesFirst(t *testing.T) {
	s := llmtest.New(t, llmtest.Text("otherwise"))
	s.Enqueue(llmtest.Text("first"), llmtest.Busy("3"))
	for _, want := range []struct {
		status int
		part   string
	}{{200, `"first"`}, {429, "rate_limit"}, {200, `"otherwise"`}, {200, `"otherwise"`}} {
		if status, answer := post(t, s, body); status != want.status || !strings.Contains(answer, want.part) {
			t.Errorf("got %d %s, want %d with %s", status, answer, want.status, want.part)
		}
	}
	if all := s.Requests(); len(all) != 4 || all[3].Prompt() != "Hello." || all[3].Text() != "Hello." {
		t.Errorf("the requests are %+v", all)
	}
}

// A client that sends what the protocol does not have must not pass.
func TestRefusesBadRequests(t *testing.T) {
	s := llmtest.New(t, nil)
	for _, bad := range []string{
		``, `{`, `{"messages":[]}`, `{"messages":[{"role":"user","content":7}]}`,
		`{"messages":[{"role":"user","content":"x"}],"schema":{}}`,
		`{"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"http://x/y.png"}}]}]}`,
	} {
		if status, answer := post(t, s, bad); status != http.StatusBadRequest {
			t.Errorf("%s is answered by %d %s", bad, status, answer)
		}
	}
	if n := len(s.Requests()); n != 0 {
		t.Errorf("%d of them count as requests", n)
	}
}

func TestUnexpectedRequestsFailTheTest(t *testing.T) {
	watched := &recorder{TB: t}
	s := llmtest.New(watched, nil)
	s.Enqueue(llmtest.Text("once"))
	post(t, s, body)
	if watched.failed {
		t.Error("an expected request failed the test")
	}
	if post(t, s, body); !watched.failed {
		t.Error("an unexpected request passed")
	}
}

// recorder is a test that notes its failure and goes on.
type recorder struct {
	testing.TB

	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }
