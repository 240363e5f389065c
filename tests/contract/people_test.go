package contract

import (
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

// A workspace that is deleted with its files is gone after the next sweep. Then its id is free, and whoever takes it finds nothing there.
func TestAWorkspaceGoes(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.SweepInterval = 50 * time.Millisecond })
	mary, mike, owner := s.token(t, "acme mary member"), s.token(t, "acme mike member"), s.token(t, "acme olga owner")
	reader := s.token(t, "acme vera viewer lab")
	s.do(t, as(owner, "PUT", "/workspaces/lab/user").json(t, map[string]string{"user": "mary", "access": "writer"})).want(t, 200)
	left := s.do(t, as(mary, "POST", "/files?workspace=lab").form(file("a.txt", "a"), file("b.txt", "b"))).list(t)
	s.do(t, as(owner, "DELETE", "/workspaces/lab?force=true")).want(t, 200)
	s.until(t, as(owner, "GET", "/workspaces/lab"), "404 not_found")

	if got := s.do(t, as(reader, "GET", "/files?workspace=lab")).code(t); got != "401 invalid_token" { // it was narrowed to that alone
		t.Errorf("a token of the workspace: %s", got)
	}
	s.do(t, as(mike, "POST", "/workspaces").json(t, map[string]string{"id": "lab"})).want(t, 200)
	if list := s.do(t, as(mike, "GET", "/files?workspace=lab")).list(t); len(list.Data) != 0 {
		t.Errorf("the new workspace has %d files", len(list.Data))
	}
	for _, f := range left.Data {
		if got := s.do(t, as(mike, "GET", "/files/"+f.ID+"?workspace=lab")).code(t); got != "404 not_found" {
			t.Errorf("a file of the old one: %s", got)
		}
	}
	if got := s.do(t, as(mary, "GET", "/files?workspace=lab")).code(t); got != "403 workspace_forbidden" { // what was given there went with it
		t.Errorf("a writer of the old one: %s", got)
	}
}

// A token with an end works until then.
func TestATokenEnds(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	a := s.do(t, as(rootToken, "POST", "/tokens").json(t, map[string]any{"user": "ada", "role": "owner", "expires_at": time.Now().Unix() + 5}))
	a.want(t, 200)
	var made madeToken
	a.decode(t, &made)
	s.do(t, as(made.Token, "GET", "/files")).list(t)
	s.until(t, as(made.Token, "GET", "/files"), "401 invalid_token")
}

// until sends a request again and again until it gets that refusal.
func (s *server) until(t *testing.T, r request, refusal string) {
	t.Helper()
	waitFor(t, refusal, func() bool {
		a := s.do(t, r)
		if a.status != 200 && a.code(t) != refusal {
			t.Fatalf("%s %s: %s", r.method, r.target, a.code(t))
		}
		return a.status != 200
	})
}
