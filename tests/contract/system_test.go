package contract

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

// The OpenAPI document is valid, and has every operation with a name of its own, a summary, and an answer for every error that all operations share.
func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.do(t, request{method: "GET", target: "/openapi.json"})
	a.want(t, 200)
	checkValid(t, a.body)
	var document struct {
		OpenAPI string
		Paths   map[string]map[string]struct {
			OperationID, Summary, Description string
			Responses                         map[string]json.RawMessage
		}
	}
	a.decode(t, &document)
	if !strings.HasPrefix(document.OpenAPI, "3.1") {
		t.Errorf("openapi is %q", document.OpenAPI)
	}
	var names []string
	for path, item := range document.Paths {
		for method, op := range item {
			names = append(names, op.OperationID)
			if op.Summary == "" || op.Description == "" {
				t.Errorf("%s %s has no summary or description", method, path)
			}
			if op.Responses["500"] == nil && !slices.Contains([]string{"health", "ready"}, op.OperationID) {
				t.Errorf("%s %s does not document status 500", method, path)
			}
			if op.Responses["401"] != nil && op.Responses["429"] == nil {
				t.Errorf("%s %s: status 429 belongs to whatever needs a token", method, path)
			}
		}
	}
	slices.Sort(names)
	want := []string{
		"cancelFile", "createFile", "createOrganization", "createToken", "createUser", "createWorkspace", "deleteFile", "deleteOrganization",
		"deleteToken", "deleteUser", "deleteWorkspace", "deleteWorkspaceUser", "docs", "getFile", "getFileContent", "getFileText", "getMetadata",
		"getOrganization", "getPage", "getRun", "getUsage", "getUser", "getWorkspace", "headFileContent", "headFileText", "health", "listAudit", "listFiles",
		"listOrganizations", "listPages", "listRuns", "listTokens", "listUsers", "listVersions", "listWorkspaceUsers", "listWorkspaces",
		"metrics", "openapi", "postMetadata", "processFile", "putMetadata", "putWorkspaceUser", "ready", "restoreVersion", "revertVersion",
		"updateFile", "updateMetadata", "updateOrganization", "updateUser", "updateWorkspace",
	}
	if !slices.Equal(names, want) {
		t.Errorf("operations: %v", names)
	}
}

func checkValid(t *testing.T, text []byte) {
	t.Helper()
	document, err := libopenapi.NewDocument(text)
	if err != nil {
		t.Fatal(err)
	}
	v, errs := validator.NewValidator(document)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	if ok, faults := v.ValidateDocument(); !ok {
		for _, fault := range faults {
			t.Error(fault.Message, fault.Reason, fault.SchemaValidationErrors)
		}
	}
}

var fetched = regexp.MustCompile(`(?i)<script|<link|<img|@import|url\(|src=`)

// The page of documentation names every operation, and fetches nothing from anywhere.
func TestDocsPage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.do(t, request{method: "GET", target: "/docs"})
	a.want(t, 200)
	page := string(a.body)
	for _, word := range []string{"/files/{file_id}/content", "listFiles", "metadata", "workspace", "Idempotency-Key", "/tokens", "/health"} {
		if !strings.Contains(page, word) {
			t.Errorf("the page does not name %s", word)
		}
	}
	if found := fetched.FindString(page); found != "" {
		t.Errorf("the page has %s", found)
	}
	s.do(t, request{method: "GET", target: "/v1/docs"}).want(t, 200)
}

// The metrics count requests by route and status, and the bytes in and out; invented methods and paths make no series of their own.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.alone() // a process counts what it did itself
	s.do(t, upload(rootToken)).want(t, 200)
	s.do(t, upload(rootToken)).want(t, 200)
	s.do(t, as("nonsense", "GET", "/files")).want(t, 401)
	s.do(t, request{method: "BREW", target: "/coffee"}).want(t, 404)
	s.do(t, request{method: "BREW", target: "/tea"}).want(t, 404)
	for series, want := range map[string]string{
		`satchel_http_requests_total{route="POST /files",status="200"}`:    "2",
		`satchel_http_requests_total{route="GET /files",status="401"}`:     "1",
		`satchel_http_requests_total{route="OTHER unknown",status="404"}`:  "2",
		`satchel_http_request_duration_seconds_count{route="POST /files"}`: "2",
		`satchel_files`:              "4",
		`satchel_staged_bytes`:       "0",
		`satchel_http_requests_open`: "1",
	} {
		waitFor(t, series+" "+want, func() bool { return s.metric(t, series) == want }) // a request is counted after its answer
	}
	for _, series := range []string{
		`satchel_http_received_bytes_total{route="POST /files"}`, `satchel_http_sent_bytes_total{route="POST /files"}`, `satchel_commit_batch_size_count`,
		`satchel_sweeps_total{kind="full"}`,
	} {
		waitFor(t, series, func() bool { return s.metric(t, series) != "0" })
	}
}

// The ids of answers tell requests apart, and a client cannot choose them: the log is the server's.
func TestRequestIDs(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for range 3 {
		a := s.do(t, request{method: "GET", target: "/nothing"}.with("X-Request-Id", "req-mine"))
		if a.header.Get("X-Request-Id") == "req-mine" {
			t.Error("the request id is the client's")
		}
	}
}
