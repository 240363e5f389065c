package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/ratelimit"
)

// audit gives the entries that a query finds, newest first.
func (s *server) audit(t testing.TB, token, query string) []*api.AuditEntry {
	t.Helper()
	a := s.do(t, as(token, "GET", "/audit?"+query))
	a.want(t, http.StatusOK)
	var list api.AuditList
	a.decode(t, &list)
	return list.Data
}

// TestEveryChangeIsRecorded does everything that the OpenAPI document has and that is no reading, so that no operation can be forgotten: each leaves
// an entry with the id of its request, and says who did it, from where, with which token.
func TestEveryChangeIsRecorded(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	owner := e.makeToken(t, "acme olga owner")
	e.owner = owner.Token
	e.do(t, as(e.owner, "PUT", "/files/"+e.own["file_id"]+"/metadata?workspace=lab").json(t, map[string]any{"a": 2})).want(t, http.StatusOK)
	e.own["number"] = "2"
	requests := map[string]string{} // operation by request id
	for _, op := range inOrder(t, e.operations(t)) {
		r, token := op.request(t, e.own), e.owner
		switch op.id { // where the names must not be those that others get, and values not those that are there
		case "putMetadata", "postMetadata":
			r = request{method: op.method, target: r.target}.json(t, map[string]any{"by": op.id})
		case "putWorkspaceUser":
			r = request{method: op.method, target: r.target}.json(t, map[string]any{"user": e.own["user_id"], "access": "viewer"})
		case "createOrganization":
			r, token = request{method: op.method, target: op.path}.json(t, map[string]any{"name": "another"}), rootToken
		case "createUser", "createToken":
			r = request{method: op.method, target: op.path}.json(t, map[string]any{"name": op.id, "user": op.id, "role": "owner"})
		}
		a := e.do(t, r.with("Authorization", "Bearer "+token))
		a.want(t, http.StatusOK)
		requests[a.header.Get("X-Request-Id")] = op.id
		if op.id == "createFile" { // so that the workspace can go in the end
			e.do(t, as(e.owner, "DELETE", "/files/"+a.file(t).ID+"?workspace=lab")).want(t, http.StatusOK)
		}
	}
	found := slices.Concat(e.audit(t, rootToken, "installation=true&limit=1000"), e.audit(t, rootToken, "limit=1000&org="+e.own["organization_id"]),
		e.audit(t, rootToken, "limit=1000&org=another"))
	for _, entry := range found {
		op := requests[*orEmpty(entry.RequestID)]
		want := op
		if op == "putMetadata" || op == "postMetadata" {
			want = "updateMetadata"
		}
		if op == "" || entry.Action != want {
			continue // an organization's making is recorded with the makings in it
		}
		delete(requests, *entry.RequestID)
		who := owner
		if op == "createOrganization" {
			who = madeToken{UserID: *entry.UserID}
		}
		if *orEmpty(entry.UserID) != who.UserID || *orEmpty(entry.TokenID) != who.ID || *orEmpty(entry.Address) != "127.0.0.1" || entry.Outcome != "done" ||
			entry.Count != 1 || time.Since(time.Unix(entry.CreatedAt, 0)) > time.Minute || entry.ObjectID == nil {
			t.Errorf("%s is recorded as %+v", op, entry)
		}
		if text, _ := json.Marshal(entry); bytes.Contains(text, []byte("stolen.txt")) || bytes.Contains(text, []byte("sat_")) || len(entry.Details) > 1<<10 {
			t.Errorf("%s has in its entry what does not belong there: %s", op, text)
		}
	}
	for _, op := range requests {
		t.Errorf("%s left no entry", op)
	}
}

func orEmpty(text *string) *string {
	if text == nil {
		return new(string)
	}
	return text
}

// inOrder gives the operations that change something, those that take away what others need last.
func inOrder(t testing.TB, all []operation) []operation {
	t.Helper()
	first := []string{"processFile"} // so that there is something to cancel
	last := []string{"restoreVersion", "deleteWorkspaceUser", "deleteFile", "deleteToken", "deleteUser", "deleteWorkspace", "updateOrganization", "deleteOrganization"}
	rank := func(o operation) int {
		if slices.Contains(first, o.id) {
			return -1
		}
		return slices.Index(last, o.id) + 1
	}
	all = slices.DeleteFunc(all, func(o operation) bool { return o.reads() })
	slices.SortStableFunc(all, func(a, b operation) int { return rank(a) - rank(b) })
	if len(all) < 20 {
		t.Fatalf("only %d operations change anything", len(all))
	}
	return all
}

// What is refused is summed. An organization sees who tried what without the right to; attempts without a good token are the operator's to see.
func TestRefusalsAreSummed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner, vera := s.makeToken(t, "acme olga owner"), s.makeToken(t, "acme vera viewer lab")
	const times = 50
	for range times {
		s.do(t, as(vera.Token, "POST", "/files?workspace=lab").form(file("a.txt", "a"))).want(t, http.StatusForbidden)
		s.do(t, as("nonsense", "GET", "/files")).want(t, http.StatusUnauthorized)
		s.do(t, request{method: "GET", target: "/files"}).want(t, http.StatusUnauthorized)
		s.do(t, as(vera.Token, "GET", "/files/file-0000000000000000000000000?workspace=lab")).want(t, http.StatusNotFound) // not recorded
	}
	sums := func(entries []*api.AuditEntry) map[string]int64 {
		counts := map[string]int64{}
		for _, e := range entries {
			if e.Outcome != "done" {
				counts[strings.Join([]string{e.Action, e.Outcome, *orEmpty(e.UserID), *orEmpty(e.TokenID), *orEmpty(e.Address)}, " ")] += e.Count
				if e.FirstAt == nil || e.LastAt == nil || *e.LastAt < *e.FirstAt || !strings.HasPrefix(*orEmpty(e.RequestID), "req-") {
					t.Errorf("the entry is %+v", e)
				}
			}
		}
		return counts
	}
	want := map[string]int64{fmt.Sprintf("createFile read_only %s %s 127.0.0.1", vera.UserID, vera.ID): times}
	entries := s.audit(t, owner.Token, "limit=1000")
	if got := sums(entries); fmt.Sprint(got) != fmt.Sprint(want) || len(entries) > 20 {
		t.Errorf("the organization sees %v in %d entries, want %v", got, len(entries), want)
	}
	want = map[string]int64{"listFiles missing_token   127.0.0.1": times, "listFiles invalid_token   127.0.0.1": times}
	entries = s.audit(t, rootToken, "installation=true&limit=1000")
	if got := sums(entries); fmt.Sprint(got) != fmt.Sprint(want) || len(entries) > 20 {
		t.Errorf("the operator sees %v in %d entries, want %v", got, len(entries), want)
	}
}

// Pages and JSON lines have the same entries in the same order.
func TestAuditLines(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner := s.token(t, "acme olga owner")
	for i := range 7 {
		s.do(t, as(owner, "POST", "/files").form(file(fmt.Sprint(i), "x"))).want(t, http.StatusOK)
	}
	var pages []string
	for after := ""; ; {
		a := s.do(t, as(owner, "GET", "/audit?action=createFile&limit=3"+after))
		a.want(t, http.StatusOK)
		var list struct {
			Data    []json.RawMessage
			HasMore bool   `json:"has_more"`
			LastID  string `json:"last_id"`
		}
		a.decode(t, &list)
		for _, entry := range list.Data {
			pages = append(pages, string(entry))
		}
		if after = "&after=" + list.LastID; !list.HasMore {
			break
		}
	}
	lines := func(r request) []string {
		a := s.do(t, r)
		a.want(t, http.StatusOK)
		if got := a.header.Get("Content-Type"); got != "application/x-ndjson" {
			t.Errorf("the content type is %s", got)
		}
		return strings.Split(strings.TrimSuffix(string(a.body), "\n"), "\n")
	}
	if got := lines(as(owner, "GET", "/audit?action=createFile&format=jsonl")); !slices.Equal(got, pages) || len(got) != 7 {
		t.Errorf("the lines are\n%s\nthe pages\n%s", strings.Join(got, "\n"), strings.Join(pages, "\n"))
	}
	if got := lines(as(owner, "GET", "/audit?action=createFile&limit=2").with("Accept", "application/json;q=0.5, application/x-ndjson")); !slices.Equal(got, pages[:2]) {
		t.Errorf("two lines are\n%s", strings.Join(got, "\n"))
	}
}

// A token that has asked too often is refused for a moment, others are not; every answer says how many requests are left.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.RateLimit = ratelimit.Rate{Times: 3, Per: time.Hour} })
	s.alone() // a process counts for itself
	olga, mary := s.token(t, "acme olga owner"), s.token(t, "acme mary member")
	for left := 2; left >= 0; left-- {
		target := []string{"/files", "/files/file-0000000000000000000000000", "/files?limit=0"}[left] // whatever the answer is
		a := s.do(t, as(olga, "GET", target))
		if got := a.header.Get("X-Ratelimit-Limit-Requests") + " " + a.header.Get("X-Ratelimit-Remaining-Requests"); got != fmt.Sprint("3 ", left) {
			t.Errorf("the limit is %q, want %d left", got, left)
		}
		if reset, err := time.ParseDuration(a.header.Get("X-Ratelimit-Reset-Requests")); err != nil || reset <= 0 || reset > time.Hour {
			t.Errorf("reset is %s, %v", reset, err)
		}
	}
	a := s.do(t, as(olga, "POST", "/files").form(file("a.txt", "a")))
	if got := a.code(t); got != "429 rate_limited" || a.header.Get("Retry-After") != "60" || a.header.Get("X-Ratelimit-Remaining-Requests") != "0" {
		t.Errorf("%s, %v", got, a.header)
	}
	a = s.do(t, as(mary, "GET", "/files"))
	a.want(t, http.StatusOK)
	s.do(t, request{method: "GET", target: "/health"}).want(t, http.StatusOK)
	if got := s.audit(t, rootToken, "org=acme&action=createFile"); len(got) != 1 || got[0].Outcome != "rate_limited" || *got[0].UserName != "olga" {
		t.Errorf("recorded is %v", got)
	}
}

// Failed sign-ins from one address are limited; a token that is valid passes, from the same address.
func TestSigninLimit(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.SigninLimit = ratelimit.Rate{Times: 2, Per: time.Hour} })
	s.alone()
	mary := s.token(t, "acme mary member")
	for i, want := range []string{"401 invalid_token", "401 invalid_token", "429 rate_limited", "429 rate_limited"} {
		if a := s.do(t, as("sat_"+strings.Repeat(fmt.Sprint(i), 38), "GET", "/files")); a.code(t) != want || (a.header.Get("Retry-After") == "60") != (a.status == 429) {
			t.Errorf("attempt %d: %s %v", i, a.code(t), a.header)
		}
		s.do(t, as(mary, "GET", "/files")).want(t, http.StatusOK)
	}
	if got := s.do(t, request{method: "GET", target: "/files"}).code(t); got != "401 missing_token" { // is no guess
		t.Errorf("without a token: %s", got)
	}
}
