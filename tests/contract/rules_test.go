package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/satchel-files/satchel/api"
)

// rules are what every answer keeps, whatever was asked: the OpenAPI document, and what docs/api.md says of all operations.
type rules struct {
	mu       sync.Mutex // the validator keeps what it has compiled
	document validator.Validator
}

// problemPath is added to the document to hold answers of unknown routes against the schema of errors.
const problemPath = "/any-problem"

// newRules reads the document that the server serves.
func newRules(t testing.TB, s *server) *rules {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	r := request{method: "GET", target: "/openapi.json"}
	if _, err := conn.Write(r.wire()); err != nil {
		t.Fatal(err)
	}
	a := readAnswer(t, conn, r)
	a.want(t, http.StatusOK)
	return rulesOf(t, withProblemPath(t, a.body))
}

// knownRules are those of documents that were read before: reading one takes long, and nearly all servers have the same.
var knownRules sync.Map //nolint:gochecknoglobals // of this test program

func rulesOf(t testing.TB, text []byte) *rules {
	t.Helper()
	if known, ok := knownRules.Load(string(text)); ok {
		return known.(*rules)
	}
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal("the OpenAPI document:", err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal("the OpenAPI document:", errs)
	}
	made, _ := knownRules.LoadOrStore(string(text), &rules{document: v})
	return made.(*rules)
}

func withProblemPath(t testing.TB, document []byte) []byte {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(document, &tree); err != nil {
		t.Fatal(err)
	}
	paths, _ := tree["paths"].(map[string]any)
	paths[problemPath] = json.RawMessage(`{"get": {"operationId": "anyProblem", "responses": {"default": {"description": "An error",
		"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}}}}}`)
	text, err := json.Marshal(tree)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// check fails the test when the answer breaks a rule.
func (s *server) check(t testing.TB, r request, a answer) {
	t.Helper()
	s.checkID(t, a)
	if a.isJSON() {
		checkJSONHead(t, a)
	}
	if got := a.header.Get("X-Content-Type-Options"); len(a.body) > 0 && got != "nosniff" {
		t.Errorf("%s %.200s: X-Content-Type-Options is %q", r.method, r.target, got)
	}
	if a.status >= http.StatusBadRequest && r.method != http.MethodHead {
		checkProblem(t, a)
	}
	s.rules.check(t, r, a)
}

var requestIDForm = regexp.MustCompile(`^req-[0-9a-v]{25}$`)

func (s *server) checkID(t testing.TB, a answer) {
	t.Helper()
	ids := a.header.Values("X-Request-Id")
	if len(ids) != 1 || !requestIDForm.MatchString(ids[0]) {
		t.Errorf("X-Request-Id is %q", ids)
		return
	}
	if _, seen := s.once.LoadOrStore(ids[0], true); seen {
		t.Errorf("two requests have the id %s", ids[0])
	}
}

func checkJSONHead(t testing.TB, a answer) {
	t.Helper()
	if got := a.header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control of JSON is %q", got)
	}
	if a.length < 0 {
		t.Error("JSON without Content-Length")
	}
}

// checkProblem checks the one body of errors.
func checkProblem(t testing.TB, a answer) {
	t.Helper()
	var keys struct{ Error map[string]json.RawMessage }
	a.decode(t, &keys)
	for _, key := range []string{"message", "type", "param", "code"} {
		if _, ok := keys.Error[key]; !ok {
			t.Errorf("error has no %q: %s", key, a.body)
		}
	}
	var p api.Problem
	a.decode(t, &p)
	if (a.status == http.StatusUnprocessableEntity) != (len(p.Detail) > 0) {
		t.Errorf("status %d with %d details", a.status, len(p.Detail))
	}
	if len(p.Detail) > 0 {
		checkDetail(t, p)
	}
	needed := map[int]string{
		http.StatusUnauthorized: "Www-Authenticate", http.StatusMethodNotAllowed: "Allow", http.StatusServiceUnavailable: "Retry-After", http.StatusTooManyRequests: "Retry-After",
		http.StatusRequestedRangeNotSatisfiable: "Content-Range", http.StatusConflict: "X-Should-Retry", http.StatusInsufficientStorage: "X-Should-Retry",
	}
	if name := needed[a.status]; name != "" && a.header.Get(name) == "" {
		t.Errorf("status %d without %s", a.status, name)
	}
}

// checkDetail checks that error repeats the first entry of detail, and that every entry says where it belongs.
func checkDetail(t testing.TB, p api.Problem) {
	t.Helper()
	first := p.Detail[0]
	if p.Error.Message != first.Msg || p.Error.Code == nil || *p.Error.Code != first.Type {
		t.Errorf("error is not the first detail: %+v, %+v", p.Error, first)
	}
	if len(first.Loc) > 1 && (p.Error.Param == nil || *p.Error.Param != first.Loc[1]) {
		t.Errorf("param is not the top-level name of %v", first.Loc)
	}
	for _, d := range p.Detail {
		if len(d.Loc) == 0 || !slices.Contains([]string{"path", "query", "header", "body"}, d.Loc[0]) {
			t.Errorf("loc is %v", d.Loc)
		}
	}
}

// undocumented are the paths that stand in no OpenAPI document: itself, the page made of it, the metrics, and the way to the page.
func undocumented() []string { return []string{"/openapi.json", "/docs", "/metrics", "/"} }

// check holds an answer against the document: its status is documented, and its body has the documented form.
func (r *rules) check(t testing.TB, sent request, a answer) {
	t.Helper()
	u, err := url.ParseRequestURI(sent.target)
	if err != nil {
		t.Fatalf("no request target: %q", sent.target)
	}
	path := strings.TrimPrefix(u.EscapedPath(), "/v1")
	if slices.Contains(undocumented(), path) && a.status < http.StatusBadRequest {
		return
	}
	if sent.method == http.MethodHead {
		return // has no body; GET says the rest
	}
	if a.header.Get("Content-Type") == "application/x-ndjson" {
		return // the validator wants one value
	}
	method := sent.method
	if unknownRoute(a) || slices.Contains(undocumented(), path) {
		method, path = http.MethodGet, problemPath
	}
	asked := &http.Request{Method: method, URL: &url.URL{Path: path}, Header: http.Header{}}
	given := &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(bytes.NewReader(withoutHugeNumbers(a.body))), Request: asked}
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok, faults := r.document.ValidateHttpResponse(asked, given); !ok {
		for _, fault := range faults {
			t.Errorf("%s %s %d against the OpenAPI document: %s: %s %v", sent.method, path, a.status, fault.Message, fault.Reason, fault.SchemaValidationErrors)
		}
	}
}

// withoutHugeNumbers gives JSON without numbers such as 1E400, which JSON allows and the validator cannot read.
func withoutHugeNumbers(body []byte) []byte {
	var tree any
	if !json.Valid(body) || json.Unmarshal(body, &tree) == nil {
		return body
	}
	return hugeNumber.ReplaceAll(body, []byte("0"))
}

var hugeNumber = regexp.MustCompile(`-?\b[0-9.]+[eE]\+?[0-9]{3,}\b`)

// unknownRoute tells an answer that no operation gave.
func unknownRoute(a answer) bool {
	return a.status == http.StatusMethodNotAllowed ||
		a.status == http.StatusNotFound && bytes.Contains(a.body, []byte("there is nothing at"))
}
