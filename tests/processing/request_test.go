//go:build linux

package processing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/tests/program"
)

// document is a file to be uploaded.
type document struct {
	name    string
	content []byte
}

func plain(name, text string) document { return document{name, []byte(text)} }

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) String() string { return fmt.Sprintf("%d %.2000s", a.status, a.body) }

// ask sends a request and reads the answer; header is name, value, name, value … The error says that there is no answer, or not a whole one.
func (s *server) ask(ctx context.Context, method, path string, body io.Reader, header ...string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	var a answer
	a.status, a.header, a.body, err = s.Exchange(request)
	return a, err
}

// do sends a request with a JSON body, nil for none, and expects an answer.
func (s *server) do(method, path string, body any, header ...string) answer {
	s.t.Helper()
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(encode(s.t, body))
		header = append(header, "Content-Type", "application/json")
	}
	a, err := s.ask(s.t.Context(), method, path, reader, header...)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func encode(t testing.TB, value any) []byte {
	t.Helper()
	text, err := json.Marshal(value)
	program.Must(t, err)
	return text
}

// decode reads the answer to a request that was to succeed.
func decode[T any](t testing.TB, a answer) T {
	t.Helper()
	var value T
	if a.status != http.StatusOK {
		t.Fatalf("the answer is %s", a)
	}
	program.Must(t, json.Unmarshal(a.body, &value))
	return value
}

// wantProblem expects a refusal of that status and code.
func wantProblem(t testing.TB, a answer, status int, code string) {
	t.Helper()
	var p api.Problem
	_ = json.Unmarshal(a.body, &p)
	if a.status != status || p.Error.Code == nil || *p.Error.Code != code {
		t.Errorf("the answer is %s; want %d %s", a, status, code)
	}
}

// put uploads a file, with fields of the form; header is as in ask.
func (s *server) put(d document, fields map[string]string, header ...string) *api.File {
	s.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	for name, value := range fields {
		program.Must(s.t, form.WriteField(name, value))
	}
	part, err := form.CreateFormFile("file", d.name)
	program.Must(s.t, err)
	_, err = part.Write(d.content)
	program.Must(s.t, err)
	program.Must(s.t, form.Close())
	a, err := s.ask(s.t.Context(), http.MethodPost, "/files", &body, append(header, "Content-Type", form.FormDataContentType())...)
	program.Must(s.t, err)
	file := decode[api.File](s.t, a)
	return &file
}

func instructed(text string) map[string]string { return map[string]string{"instructions": text} }

func (s *server) file(id string) *api.File {
	s.t.Helper()
	file := decode[api.File](s.t, s.do(http.MethodGet, "/files/"+id, nil))
	return &file
}

// settled waits until nothing is being done with a file.
func (s *server) settled(id string) *api.File {
	s.t.Helper()
	var file *api.File
	program.Within(s.t, id+" is processed", func() bool {
		file = s.file(id)
		return file.Status == "processed" || file.Status == "error"
	})
	return file
}

// runs gives the runs of a file, newest first.
func (s *server) runs(id string) []*api.Run {
	s.t.Helper()
	return decode[api.RunList](s.t, s.do(http.MethodGet, "/files/"+id+"/runs", nil)).Data
}

// run gives the newest run of a file, whole.
func (s *server) run(id string) *api.Run {
	s.t.Helper()
	run := decode[api.Run](s.t, s.do(http.MethodGet, "/files/"+id+"/runs/"+s.runs(id)[0].ID, nil))
	return &run
}

// reaches waits until the newest run of a file is in that state and at that step, and what it says of itself begins with details.
func (s *server) reaches(id, state, step, details string) *api.Run {
	s.t.Helper()
	var run *api.Run
	program.Within(s.t, fmt.Sprintf("the run of %s is %s at %s: %s", id, state, step, details), func() bool {
		run = s.runs(id)[0]
		return run.Status == state && run.Step == step && strings.HasPrefix(textOf(run.Details), details)
	})
	return run
}

// versions gives the versions of a file's metadata, newest first.
func (s *server) versions(id string) []*api.Version {
	s.t.Helper()
	return decode[api.VersionList](s.t, s.do(http.MethodGet, "/files/"+id+"/metadata/versions", nil)).Data
}

// text gives the text that was found in a file.
func (s *server) text(id string) string {
	s.t.Helper()
	a := s.do(http.MethodGet, "/files/"+id+"/text", nil)
	if a.status != http.StatusOK {
		s.t.Errorf("the text of %s: %s", id, a)
	}
	return string(a.body)
}

// update is a metadata update.
func (s *server) update(id string, change map[string]any, header ...string) answer {
	s.t.Helper()
	return s.do(http.MethodPatch, "/files/"+id+"/metadata", change, header...)
}

func textOf(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

// wantFile checks the status, the code of the error, and a part of the details.
func wantFile(t testing.TB, file *api.File, status, code, details string) {
	t.Helper()
	got := ""
	if file.Error != nil {
		got = file.Error.Code
	}
	if file.Status != status || got != code || !strings.Contains(textOf(file.StatusDetails), details) {
		t.Errorf("%s is %s, code %q, %q; want %s, %q, …%s…", file.Filename, file.Status, got, textOf(file.StatusDetails), status, code, details)
	}
}

// wantMetadata compares the metadata of a file, whose keys the server has sorted.
func wantMetadata(t testing.TB, file *api.File, want string) {
	t.Helper()
	if string(file.Metadata) != want {
		t.Errorf("%s has the metadata\n%s\nwant\n%s", file.Filename, file.Metadata, want)
	}
}
