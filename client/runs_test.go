package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
)

func TestRunsOnTheWire(t *testing.T) {
	words, none := "find <it> & more", ""
	patch := json.RawMessage(`{"a":1.50}`)
	tests := []struct {
		name string
		call func(context.Context, *client.Client) error
		want string // Prefer headers, method, path with query, body
	}{
		{"process", func(ctx context.Context, c *client.Client) error {
			_, err := c.Process(ctx, "file-1", api.ProcessRequest{}, 0)
			return err
		}, `respond-async|handling=strict POST /v1/files/file-1/process?workspace=red {}`},
		{"process with instructions", func(ctx context.Context, c *client.Client) error {
			_, err := c.Process(ctx, "file-1", api.ProcessRequest{Instructions: &words, MetadataSchema: json.RawMessage(`{"type":"object"}`)}, time.Minute)
			return err
		}, `wait=60|handling=strict POST /v1/files/file-1/process?workspace=red {"instructions":"find <it> & more","metadata_schema":{"type":"object"}}`},
		{"process without instructions from now on", func(ctx context.Context, c *client.Client) error {
			_, err := c.Process(ctx, "file-1", api.ProcessRequest{Instructions: &none}, time.Millisecond)
			return err
		}, `wait=1|handling=strict POST /v1/files/file-1/process?workspace=red {"instructions":""}`},
		{"instruct", func(ctx context.Context, c *client.Client) error {
			_, err := c.Instruct(ctx, "file-1", words, nil, 0)
			return err
		}, `respond-async|handling=strict PATCH /v1/files/file-1/metadata?workspace=red {"instructions":"find <it> & more"}`},
		{"instruct with a patch", func(ctx context.Context, c *client.Client) error {
			_, err := c.Instruct(ctx, "file-1", words, patch, 1500*time.Millisecond)
			return err
		}, `wait=2|handling=strict PATCH /v1/files/file-1/metadata?workspace=red {"a":1.50,"instructions":"find <it> & more"}`},
		{"preview", func(ctx context.Context, c *client.Client) error {
			_, err := c.Preview(ctx, "file-1", words, patch, time.Hour)
			return err
		}, `wait=120|handling=strict PATCH /v1/files/file-1/metadata?dry_run=true&workspace=red {"a":1.50,"instructions":"find <it> & more"}`},
		{"cancel", func(ctx context.Context, c *client.Client) error { _, err := c.Cancel(ctx, "a/b"); return err },
			`handling=strict POST /v1/files/a%2Fb/cancel?workspace=red`},
		{"runs", func(ctx context.Context, c *client.Client) error { _, err := c.Runs(ctx, "file-1", "", 0); return err },
			`handling=strict GET /v1/files/file-1/runs?workspace=red`},
		{"more runs", func(ctx context.Context, c *client.Client) error {
			_, err := c.Runs(ctx, "file-1", "run-1", 5)
			return err
		},
			`handling=strict GET /v1/files/file-1/runs?after=run-1&limit=5&workspace=red`},
		{"run", func(ctx context.Context, c *client.Client) error {
			_, err := c.Run(ctx, "file-1", "run/1", 0)
			return err
		},
			`handling=strict GET /v1/files/file-1/runs/run%2F1?workspace=red`},
		{"run, waited for", func(ctx context.Context, c *client.Client) error {
			_, err := c.Run(ctx, "file-1", "run-1", 3*time.Second)
			return err
		}, `wait=3|handling=strict GET /v1/files/file-1/runs/run-1?workspace=red`},
		{"pages", func(ctx context.Context, c *client.Client) error {
			_, err := c.Pages(ctx, "file-1", 7, 3, true)
			return err
		}, `handling=strict GET /v1/files/file-1/pages?after=7&include=text&limit=3&workspace=red`},
		{"page", func(ctx context.Context, c *client.Client) error { _, err := c.Page(ctx, "file-1", 2); return err },
			`handling=strict GET /v1/files/file-1/pages/2?workspace=red`},
		{"metadata", func(ctx context.Context, c *client.Client) error { _, err := c.Metadata(ctx, "file-1"); return err },
			`handling=strict GET /v1/files/file-1/metadata?workspace=red`},
		{"versions", func(ctx context.Context, c *client.Client) error {
			_, err := c.Versions(ctx, "file-1", 0, 0)
			return err
		},
			`handling=strict GET /v1/files/file-1/metadata/versions?workspace=red`},
		{"older versions", func(ctx context.Context, c *client.Client) error {
			_, err := c.Versions(ctx, "file-1", 9, 4)
			return err
		}, `handling=strict GET /v1/files/file-1/metadata/versions?after=9&limit=4&workspace=red`},
		{"revert", func(ctx context.Context, c *client.Client) error { _, _, err := c.Revert(ctx, "file-1", 3); return err },
			`handling=strict POST /v1/files/file-1/metadata/versions/3/revert?workspace=red`},
		{"restore", func(ctx context.Context, c *client.Client) error { _, err := c.Restore(ctx, "file-1", 3); return err },
			`handling=strict POST /v1/files/file-1/metadata/versions/3/restore?workspace=red`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var got string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got = strings.TrimSpace(strings.Join(r.Header.Values("Prefer"), "|") + " " + r.Method + " " + r.RequestURI + " " + bodyOf(t, r))
				answer(t, w, struct{}{})
			}, client.WithWorkspace("red"), client.WithStrict())
			if err := test.call(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// bodyOf gives the JSON of a request as it means it, whatever its escapes: keys sorted, numbers digit by digit.
func bodyOf(t testing.TB, r *http.Request) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil || len(text) == 0 {
		return ""
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Errorf("the body is no JSON: %s", text)
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		t.Error(err)
	}
	return strings.TrimSpace(out.String())
}

func TestStartedRunsAreNamed(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Satchel-Run", "run-1")
		answer(t, w, api.File{ID: "file-1", Status: "processing"})
	})
	for name, call := range map[string]func() (*client.Started, error){
		"process":  func() (*client.Started, error) { return c.Process(t.Context(), "file-1", api.ProcessRequest{}, 0) },
		"instruct": func() (*client.Started, error) { return c.Instruct(t.Context(), "file-1", "x", nil, 0) },
	} {
		started, err := call()
		if err != nil || started.Run != "run-1" || started.File.ID != "file-1" || started.File.Status != "processing" {
			t.Errorf("%s: %+v, %v", name, started, err)
		}
	}
}

func TestAPatchMustBeAnObject(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, patch := range []string{"null", "[1]", `"a"`, "{"} {
		if started, err := c.Instruct(t.Context(), "file-1", "x", json.RawMessage(patch), 0); err == nil || started != nil {
			t.Errorf("instruct took %s", patch)
		}
		if preview, err := c.Preview(t.Context(), "file-1", "x", json.RawMessage(patch), 0); err == nil || preview != nil {
			t.Errorf("preview took %s", patch)
		}
	}
}

func TestRevertNamesWhatItLeft(t *testing.T) {
	for header, want := range map[string][]string{
		"":                         nil,
		"author":                   {"author"},
		"a%2Cb, c+d, %C3%BC, x[y]": {"a,b", "c d", "ü", "x[y]"},
		"a, and 3 more":            {"a", "and 3 more"},
		"100%":                     {"100%"},
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if header != "" {
				w.Header().Set("X-Satchel-Left", header)
			}
			answer(t, w, api.File{ID: "file-1"})
		})
		file, left, err := c.Revert(t.Context(), "file-1", 2)
		if err != nil || file.ID != "file-1" || !reflect.DeepEqual(left, want) {
			t.Errorf("%q: %q, %v", header, left, err)
		}
	}
}

func TestAnswersOfRuns(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, map[string]string{
			"/v1/files/file-1/runs/run-1":        `{"id":"run-1","status":"succeeded","edit":{"set":{"n":1.50},"rename":{"/a":"/b"},"remove":["/c"]},"evidence":{"n":{"page":2,"quote":"1.50"}},"ended_at":5}`,
			"/v1/files/file-1/runs":              `{"data":[{"id":"run-1"}],"has_more":true,"last_id":"run-1"}`,
			"/v1/files/file-1/pages":             `{"data":[{"number":1,"label":"iv","characters":3,"text":"one"}],"has_more":true}`,
			"/v1/files/file-1/pages/1":           `{"number":1,"characters":3,"text":"one"}`,
			"/v1/files/file-1/metadata":          `{"version":2,"metadata":{"n":1.50},"sources":{"n":{"source":"ai","model":"m","version":2,"evidence":{"page":2,"quote":"1.50"}}}}`,
			"/v1/files/file-1/metadata/versions": `{"data":[{"number":2,"edit":{"set":{"n":1.50}},"keys":["n"],"error":{"code":"x","message":"y"}}]}`,
		}[r.URL.Path])
	})
	ctx := t.Context()
	run, err := c.Run(ctx, "file-1", "run-1", 0)
	if err != nil || run.EndedAt == nil || string(run.Edit.Set["n"]) != "1.50" || run.Edit.Rename["/a"] != "/b" || run.Edit.Remove[0] != "/c" || run.Evidence["n"] == nil {
		t.Errorf("%+v, %v", run, err)
	}
	runs, err := c.Runs(ctx, "file-1", "", 0)
	if err != nil || len(runs.Data) != 1 || !runs.HasMore || *runs.LastID != "run-1" {
		t.Errorf("%+v, %v", runs, err)
	}
	pages, err := c.Pages(ctx, "file-1", 0, 0, true)
	if err != nil || !pages.HasMore || *pages.Data[0].Label != "iv" || *pages.Data[0].Text != "one" {
		t.Errorf("%+v, %v", pages, err)
	}
	page, err := c.Page(ctx, "file-1", 1)
	if err != nil || page.Number != 1 || page.Label != nil || *page.Text != "one" {
		t.Errorf("%+v, %v", page, err)
	}
	view, err := c.Metadata(ctx, "file-1")
	if err != nil || string(view.Metadata) != `{"n":1.50}` || *view.Sources["n"].Model != "m" || view.Sources["n"].Evidence.Page != 2 {
		t.Errorf("%+v, %v", view, err)
	}
	versions, err := c.Versions(ctx, "file-1", 0, 0)
	if err != nil || versions.Data[0].Number != 2 || versions.Data[0].Error.Code != "x" || string(versions.Data[0].Edit) != `{"set":{"n":1.50}}` {
		t.Errorf("%+v, %v", versions, err)
	}
}

// A refusal is an *Error and nothing else.
func TestRefusedRuns(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusConflict)
		_, _ = io.WriteString(w, `{"error":{"message":"it is over","code":"run_over"}}`)
	})
	ctx := t.Context()
	for name, call := range map[string]func() (any, error){
		"process":  func() (any, error) { return c.Process(ctx, "file-1", api.ProcessRequest{}, 0) },
		"instruct": func() (any, error) { return c.Instruct(ctx, "file-1", "x", nil, 0) },
		"preview":  func() (any, error) { return c.Preview(ctx, "file-1", "x", nil, 0) },
		"cancel":   func() (any, error) { return c.Cancel(ctx, "file-1") },
		"run":      func() (any, error) { return c.Run(ctx, "file-1", "run-1", 0) },
		"runs":     func() (any, error) { return c.Runs(ctx, "file-1", "", 0) },
		"pages":    func() (any, error) { return c.Pages(ctx, "file-1", 0, 0, false) },
		"page":     func() (any, error) { return c.Page(ctx, "file-1", 1) },
		"text":     func() (any, error) { return c.Text(ctx, "file-1", client.ContentOptions{}) },
		"metadata": func() (any, error) { return c.Metadata(ctx, "file-1") },
		"versions": func() (any, error) { return c.Versions(ctx, "file-1", 0, 0) },
		"revert":   func() (any, error) { f, _, err := c.Revert(ctx, "file-1", 1); return f, err },
		"restore":  func() (any, error) { return c.Restore(ctx, "file-1", 1) },
	} {
		got, err := call()
		refusal, ok := err.(*client.Error) //nolint:errorlint // not wrapped
		if !ok || refusal.Status != http.StatusConflict || refusal.Code != "run_over" || !reflect.ValueOf(got).IsNil() {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestTextByRanges(t *testing.T) {
	text := "page one\fpage two"
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/files/file-1/text" {
			t.Error(r.URL.Path)
		}
		w.Header().Set("ETag", `"t1"`)
		http.ServeContent(w, r, "a.txt", time.Time{}, strings.NewReader(text))
	})
	for want, options := range map[string]client.ContentOptions{
		text: {}, "page two": {Offset: 9}, "one": {Offset: 5, Length: 3}, "two": {Offset: 14, IfETag: `"t1"`},
	} {
		got, err := c.Text(t.Context(), "file-1", options)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil || string(body) != want || got.Offset != options.Offset || got.ETag != `"t1"` {
			t.Errorf("%+v gives %q at %d, %v", options, body, got.Offset, err)
		}
	}
}

func TestWaitForProcessing(t *testing.T) {
	states := []string{"uploaded", "processing", "processed"}
	asked := 0
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answer(t, w, api.File{ID: "file-1", Status: states[min(asked, len(states)-1)]})
		asked++
	})
	file, err := c.WaitForProcessing(t.Context(), "file-1")
	if err != nil || file.Status != "processed" || asked != len(states) {
		t.Errorf("%+v after %d looks, %v", file, asked, err)
	}
	states = []string{"processing"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.WaitForProcessing(ctx, "file-1"); err == nil {
		t.Error("the wait was longer than its context")
	}
}
