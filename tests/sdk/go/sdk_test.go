// Package sdk tests a running Satchel with openai-go as it is published, unmodified.
package sdk

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

// limit is the size of a file that the server is started with, see ../run.
const limit = 8 << 20

// unknown is the content type of a file that its client knows nothing of.
const unknown = "application/octet-stream"

func variable(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s must be set; see ../run", name)
	}
	return value
}

func serverURL(t *testing.T) string { return variable(t, "SDK_TEST_URL") }

// newWorkspace makes the name of a workspace that only its test knows.
func newWorkspace() string { return "go-" + randomHex(12) }

func randomHex(n int) string { return hex.EncodeToString(randomBytes(n)) }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	return b
}

// newClient makes a client for a workspace, at /v1 unless the options say otherwise.
func newClient(t *testing.T, workspace string, options ...option.RequestOption) openai.Client {
	t.Helper()
	all := []option.RequestOption{
		option.WithBaseURL(serverURL(t) + "/v1"),
		option.WithAPIKey(variable(t, "SDK_TEST_TOKEN")),
		option.WithQuery("workspace", workspace),
	}
	return openai.NewClient(append(all, options...)...)
}

// waiting has the server answer when the file is processed.
func waiting() option.RequestOption { return option.WithHeader("Prefer", "wait=120") }

// put uploads a file.
func put(t *testing.T, client openai.Client, name string, content []byte, options ...option.RequestOption) *openai.FileObject {
	t.Helper()
	file, err := create(t.Context(), client, name, content, options...)
	if err != nil {
		t.Fatal(describe(err))
	}
	return file
}

func create(
	ctx context.Context, client openai.Client, name string, content []byte, options ...option.RequestOption,
) (*openai.FileObject, error) {
	return client.Files.New(ctx, openai.FileNewParams{
		File: openai.File(bytes.NewReader(content), name, unknown), Purpose: openai.FilePurposeUserData,
	}, options...)
}

// describe says what the API answered, which the SDK's error does not.
func describe(err error) string {
	if problem, ok := errors.AsType[*openai.Error](err); ok {
		return problem.Error() + ": " + problem.RawJSON()
	}
	return err.Error()
}

// ids walks all pages of a list.
func ids(t *testing.T, client openai.Client, params openai.FileListParams, options ...option.RequestOption) []string {
	t.Helper()
	found := []string{}
	list := client.Files.ListAutoPaging(t.Context(), params, append(options, option.WithMaxRetries(0))...)
	for list.Next() {
		found = append(found, list.Current().ID)
	}
	if err := list.Err(); err != nil {
		t.Fatal(describe(err))
	}
	return found
}

func read(t *testing.T, response *http.Response, err error) []byte {
	t.Helper()
	if err != nil {
		t.Fatal(describe(err))
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestCreatePath(t *testing.T) {
	client := newClient(t, newWorkspace())
	name := filepath.Join(t.TempDir(), "logic.txt")
	if err := os.WriteFile(name, []byte("the real is the rational"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	made, err := client.Files.New(t.Context(), openai.FileNewParams{
		File: f, Purpose: openai.FilePurposeUserData,
		ExpiresAfter: openai.FileNewParamsExpiresAfter{Seconds: 3600},
	}, waiting())
	if err != nil {
		t.Fatal(describe(err))
	}
	if made.Filename != "logic.txt" || made.Bytes != 24 || made.Status != openai.FileObjectStatusProcessed {
		t.Errorf("got %s", made.RawJSON())
	}
	if made.ExpiresAt != made.CreatedAt+3600 {
		t.Errorf("expires_at %d, created_at %d: want an hour between them", made.ExpiresAt, made.CreatedAt)
	}
	again, err := client.Files.Get(t.Context(), made.ID)
	if err != nil {
		t.Fatal(describe(err))
	}
	if again.RawJSON() != made.RawJSON() {
		t.Errorf("read %s, created %s", again.RawJSON(), made.RawJSON())
	}
}

// Whatever the SDK takes for a reader: of unknown size, without a name, empty, named in any script.
func TestCreateReaders(t *testing.T) {
	client := newClient(t, newWorkspace())
	for _, c := range []struct {
		name     string
		file     io.Reader
		filename string // "": any, but some
		bytes    int64
	}{
		{"a reader without a name", strings.NewReader("bytes"), "", 5},
		{"a reader without a size", openai.File(io.LimitReader(zeros{}, 1<<20), "zeros.bin", unknown), "zeros.bin", 1 << 20},
		{"nothing", openai.File(strings.NewReader(""), "empty.txt", "text/plain"), "empty.txt", 0},
		{"Arabic", openai.File(strings.NewReader("x"), "كتاب المنطق.pdf", unknown), "كتاب المنطق.pdf", 1},
		{"emoji", openai.File(strings.NewReader("x"), "🙂 smile.txt", unknown), "🙂 smile.txt", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			made, err := client.Files.New(t.Context(), openai.FileNewParams{File: c.file, Purpose: openai.FilePurposeUserData})
			if err != nil {
				t.Fatal(describe(err))
			}
			if made.Bytes != c.bytes || made.Filename == "" || c.filename != "" && made.Filename != c.filename {
				t.Errorf("want %q with %d bytes, got %s", c.filename, c.bytes, made.RawJSON())
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

func TestPurposes(t *testing.T) {
	client := newClient(t, newWorkspace())
	for _, purpose := range []openai.FilePurpose{
		"assistants", "assistants_output", "batch", "batch_output", "fine-tune", "fine-tune-results", "vision", "user_data", "evals",
	} {
		file := openai.File(strings.NewReader("{}\n"), "a.jsonl", unknown)
		made, err := client.Files.New(t.Context(), openai.FileNewParams{File: file, Purpose: purpose})
		if err != nil {
			t.Fatal(purpose, describe(err))
		}
		if string(made.Purpose) != string(purpose) {
			t.Errorf("purpose %q became %q", purpose, made.Purpose)
		}
		found := ids(t, client, openai.FileListParams{Purpose: openai.String(string(purpose))})
		if !slices.Equal(found, []string{made.ID}) {
			t.Errorf("the list of %q has %q, want %q", purpose, found, made.ID)
		}
	}
}

func TestExtraFields(t *testing.T) {
	client := newClient(t, newWorkspace())
	params := openai.FileNewParams{File: openai.File(strings.NewReader("a"), "a.txt", unknown), Purpose: openai.FilePurposeUserData}
	params.SetExtraFields(map[string]any{"metadata": `{"author":"hegel","year":1812}`, "instructions": "find the author"})
	made, err := client.Files.New(t.Context(), params, waiting())
	if err != nil {
		t.Fatal(describe(err))
	}
	if got := made.JSON.ExtraFields["metadata"].Raw(); got != `{"author":"hegel","year":1812}` {
		t.Errorf("metadata is %s", got)
	}
	if made.Status != openai.FileObjectStatusError || made.JSON.ExtraFields["instructions"].Raw() != `"find the author"` {
		t.Errorf("without a model the file is in error and keeps its instructions; got %s", made.RawJSON())
	}
	found := ids(t, client, openai.FileListParams{}, option.WithQuery("metadata[author]", "hegel"))
	if !slices.Equal(found, []string{made.ID}) {
		t.Errorf("the filter found %q, want %q", found, made.ID)
	}
}

func TestAutoPaging(t *testing.T) {
	client := newClient(t, newWorkspace())
	made := []string{}
	for range 7 {
		made = append(made, put(t, client, "a.txt", []byte("a")).ID)
	}
	params := openai.FileListParams{Limit: openai.Int(2), Order: openai.FileListParamsOrderAsc}
	if found := ids(t, client, params); !slices.Equal(found, made) {
		t.Errorf("ascending: got %q, want %q", found, made)
	}
	sizes := []int{}
	page, err := client.Files.List(t.Context(), params)
	for page != nil && err == nil {
		sizes = append(sizes, len(page.Data))
		page, err = page.GetNextPage()
	}
	if err != nil || !slices.Equal(sizes, []int{2, 2, 2, 1}) {
		t.Errorf("pages of %v, error %v; want 2, 2, 2, 1", sizes, err)
	}
	slices.Reverse(made)
	if found := ids(t, client, openai.FileListParams{Limit: openai.Int(2)}); !slices.Equal(found, made) {
		t.Errorf("by default, newest first: got %q, want %q", found, made)
	}
}

func TestContent(t *testing.T) {
	client := newClient(t, newWorkspace())
	content := randomBytes(3_000_000)
	made := put(t, client, "random.bin", content)
	response, err := client.Files.Content(t.Context(), made.ID)
	if got := read(t, response, err); !bytes.Equal(got, content) {
		t.Errorf("read %d bytes that are not the %d written", len(got), len(content))
	}
	rest, err := client.Files.Content(t.Context(), made.ID,
		option.WithHeader("Range", "bytes=1000000-"), option.WithHeader("If-Range", response.Header.Get("ETag")))
	if got := read(t, rest, err); rest.StatusCode != http.StatusPartialContent || !bytes.Equal(got, content[1_000_000:]) {
		t.Errorf("resumed: status %d, %d bytes", rest.StatusCode, len(got))
	}
}

func TestDelete(t *testing.T) {
	client := newClient(t, newWorkspace())
	made := put(t, client, "a.txt", []byte("a"))
	gone, err := client.Files.Delete(t.Context(), made.ID)
	if err != nil {
		t.Fatal(describe(err))
	}
	if gone.ID != made.ID || !gone.Deleted {
		t.Errorf("got %s", gone.RawJSON())
	}
	_, err = client.Files.Get(t.Context(), made.ID)
	wantProblem(t, err, http.StatusNotFound, "not_found", "file_id")
	if found := ids(t, client, openai.FileListParams{}); len(found) != 0 {
		t.Errorf("still listed: %q", found)
	}
}

func TestBaseURLs(t *testing.T) {
	for _, prefix := range []string{"", "/", "/v1", "/v1/"} {
		t.Run(prefix, func(t *testing.T) {
			client := newClient(t, newWorkspace(), option.WithBaseURL(serverURL(t)+prefix))
			made := put(t, client, "a.txt", []byte("both"))
			response, err := client.Files.Content(t.Context(), made.ID)
			if got := read(t, response, err); string(got) != "both" {
				t.Errorf("read %q", got)
			}
			if found := ids(t, client, openai.FileListParams{}); !slices.Equal(found, []string{made.ID}) {
				t.Errorf("listed %q, want %q", found, made.ID)
			}
		})
	}
}

func TestWorkspacesAreApart(t *testing.T) {
	workspace := newWorkspace()
	made := put(t, newClient(t, workspace), "a.txt", []byte("a"))
	other := newClient(t, workspace+"-b")
	if found := ids(t, other, openai.FileListParams{}); len(found) != 0 {
		t.Errorf("the other workspace lists %q", found)
	}
	_, err := other.Files.Get(t.Context(), made.ID)
	wantProblem(t, err, http.StatusNotFound, "not_found", "file_id")
}

func TestErrors(t *testing.T) {
	client := newClient(t, newWorkspace())
	wrong := newClient(t, "default", option.WithAPIKey("wrong"))
	for _, c := range []struct {
		name   string
		call   func(ctx context.Context) error
		status int
		code   string
		param  string
	}{
		{"unknown file", func(ctx context.Context) error {
			_, err := client.Files.Get(ctx, "file-06dvm5k8qg0021h7r5d9o4p2tc")
			return err
		}, http.StatusNotFound, "not_found", "file_id"},
		{"malformed id", func(ctx context.Context) error {
			_, err := client.Files.Delete(ctx, "nonsense")
			return err
		}, http.StatusNotFound, "not_found", "file_id"},
		{"wrong token", func(ctx context.Context) error {
			_, err := wrong.Files.List(ctx, openai.FileListParams{})
			return err
		}, http.StatusUnauthorized, "invalid_token", ""},
		{"limit out of range", func(ctx context.Context) error {
			_, err := client.Files.List(ctx, openai.FileListParams{Limit: openai.Int(10_001)})
			return err
		}, http.StatusUnprocessableEntity, "out_of_range", "limit"},
		{"unknown purpose", func(ctx context.Context) error {
			file := openai.File(strings.NewReader("a"), "a.txt", unknown)
			_, err := client.Files.New(ctx, openai.FileNewParams{File: file, Purpose: "fun"})
			return err
		}, http.StatusUnprocessableEntity, "invalid_value", "purpose"},
		{"broken multipart", func(ctx context.Context) error {
			body := strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\ncut off")
			return client.Post(ctx, "files", nil, nil, option.WithRequestBody("multipart/form-data; boundary=x", body))
		}, http.StatusBadRequest, "malformed_multipart", ""},
	} {
		t.Run(c.name, func(t *testing.T) { wantProblem(t, c.call(t.Context()), c.status, c.code, c.param) })
	}
	if found := ids(t, client, openai.FileListParams{}); len(found) != 0 {
		t.Errorf("refused uploads left %q", found)
	}
}

func wantProblem(t *testing.T, err error, status int, code, param string) {
	t.Helper()
	problem, ok := errors.AsType[*openai.Error](err)
	if !ok {
		t.Fatalf("want an answer with %d, got %v", status, err)
	}
	if problem.StatusCode != status || problem.Code != code || problem.Param != param {
		t.Errorf("want %d %s %q, got %s", status, code, param, describe(err))
	}
	if problem.Message == "" || problem.Type == "" || problem.Response.Header.Get("X-Request-Id") == "" {
		t.Errorf("a message, a type and a request id belong to every error; got %s", describe(err))
	}
}

func TestRequestIDs(t *testing.T) {
	client := newClient(t, newWorkspace())
	var first, second *http.Response
	made := put(t, client, "a.txt", []byte("a"), option.WithResponseInto(&first))
	if _, err := client.Files.Get(t.Context(), made.ID, option.WithResponseInto(&second)); err != nil {
		t.Fatal(describe(err))
	}
	a, b := first.Header.Get("X-Request-Id"), second.Header.Get("X-Request-Id")
	if a == "" || a == b {
		t.Errorf("request ids %q and %q: want two that differ", a, b)
	}
}

// proxy stands in front of the server and cuts the connection instead of passing on the first lose answers.
type proxy struct {
	url string

	mu       sync.Mutex
	lose     int
	statuses []int
}

func newProxy(t *testing.T, lose int) *proxy {
	t.Helper()
	target, err := url.Parse(serverURL(t))
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{lose: lose}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: p.pass,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	})
	t.Cleanup(server.Close)
	p.url = server.URL + "/v1"
	return p
}

var errLost = errors.New("the answer is lost")

func (p *proxy) pass(answer *http.Response) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.statuses = append(p.statuses, answer.StatusCode)
	if len(p.statuses) <= p.lose {
		return errLost
	}
	return nil
}

func (p *proxy) want(t *testing.T, statuses ...int) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !slices.Equal(p.statuses, statuses) {
		t.Errorf("the server answered %v, want %v", p.statuses, statuses)
	}
}

func TestLostAnswerWithAKey(t *testing.T) {
	workspace := newWorkspace()
	way := newProxy(t, 1)
	behind := newClient(t, workspace, option.WithBaseURL(way.url))
	made := put(t, behind, "a.txt", []byte("once"), option.WithHeader("Idempotency-Key", randomHex(16)))
	way.want(t, http.StatusOK, http.StatusOK)
	direct := newClient(t, workspace)
	if found := ids(t, direct, openai.FileListParams{}); !slices.Equal(found, []string{made.ID}) {
		t.Errorf("listed %q, want %q alone", found, made.ID)
	}
	response, err := direct.Files.Content(t.Context(), made.ID)
	if got := read(t, response, err); string(got) != "once" {
		t.Errorf("read %q", got)
	}
}

func TestKeyWithOtherContent(t *testing.T) {
	way := newProxy(t, 0)
	client := newClient(t, newWorkspace(), option.WithBaseURL(way.url))
	key := option.WithHeader("Idempotency-Key", randomHex(16))
	put(t, client, "a.txt", []byte("one"), key)
	_, err := create(t.Context(), client, "a.txt", []byte("two"), key)
	wantProblem(t, err, http.StatusConflict, "idempotency_key_reused", "Idempotency-Key")
	way.want(t, http.StatusOK, http.StatusConflict)
}

// A file over the limit is refused with an answer that the client can read, and is not sent again.
func TestTooLarge(t *testing.T) {
	workspace := newWorkspace()
	way := newProxy(t, 0)
	_, err := create(t.Context(), newClient(t, workspace, option.WithBaseURL(way.url)), "big.bin", make([]byte, 4*limit))
	wantProblem(t, err, http.StatusRequestEntityTooLarge, "file_too_large", "file")
	way.want(t, http.StatusRequestEntityTooLarge)

	direct := newClient(t, workspace)
	_, err = create(t.Context(), direct, "big.bin", make([]byte, 4*limit))
	wantProblem(t, err, http.StatusRequestEntityTooLarge, "file_too_large", "file")
	if made := put(t, direct, "limit.bin", make([]byte, limit)); made.Bytes != limit {
		t.Errorf("a file of exactly the limit has %d bytes", made.Bytes)
	}
}
