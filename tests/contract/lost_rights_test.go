package contract

import (
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

// whileOpen sends all of a request but its end, has its caller lose a right, and sends the end.
func (s *server) whileOpen(t *testing.T, r request, lose func()) answer {
	t.Helper()
	const longer = 350 * time.Millisecond // than a caller is believed without another look
	conn := s.dial(t)
	wire := r.wire()
	end := len(wire) - 8
	if _, err := conn.Write(wire[:end]); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the server knows of the request", func() bool { return s.metric(t, "satchel_http_requests_open") == "2" }) // the other one asks
	<-time.After(longer)
	lose()
	everywhereRevoked()
	if _, err := conn.Write(wire[end:]); err != nil {
		t.Fatal(err)
	}
	return readAnswer(t, conn, r)
}

// TestRightsThatAreLostMeanwhile: whoever loses a right while the body of a request is on its way does not use it any more when it has come.
func TestRightsThatAreLostMeanwhile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.token(t, "acme grace owner")
	do := func(method, target string, body any) func() {
		return func() {
			r := as(rootToken, method, target)
			if body != nil {
				r = r.json(t, body)
			}
			s.do(t, r).want(t, 200)
		}
	}
	for name, c := range map[string]struct {
		role, want string
		lose       func(m madeToken) func()
	}{
		"a token is revoked": {"owner", "401 invalid_token", func(m madeToken) func() { return do("DELETE", "/tokens/"+m.ID, nil) }},
		"a user is removed":  {"owner", "401 invalid_token", func(m madeToken) func() { return do("DELETE", "/users/"+m.UserID+"?org=acme", nil) }},
		"an owner is demoted and confined": {"owner", "403 ", func(m madeToken) func() {
			return do("PATCH", "/users/"+m.UserID, map[string]any{"org": "acme", "role": "member", "confined": true})
		}},
	} {
		for what, build := range map[string]func(m madeToken) request{
			"a token": func(m madeToken) request {
				return as(m.Token, "POST", "/tokens").json(t, map[string]string{"user": "eve", "role": "owner"})
			},
			"metadata": func(m madeToken) request {
				return as(m.Token, "PATCH", "/workspaces/default").json(t, map[string]string{"name": "mine"})
			},
			"files": func(m madeToken) request { return as(m.Token, "POST", "/files").form(file("a.txt", "late")) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				m := s.makeToken(t, "acme mallory "+c.role)
				a := s.whileOpen(t, build(m), c.lose(m))
				if got := a.code(t); !strings.HasPrefix(got, c.want) {
					t.Errorf("the answer is %s, %s", got, a.body)
				}
				if name != "a user is removed" {
					s.do(t, as(rootToken, "DELETE", "/users/mallory?org=acme")).want(t, 200)
				}
			})
		}
	}
	if got := s.do(t, as(s.token(t, "acme grace owner"), "GET", "/files")).list(t); len(got.Data) != 0 {
		t.Errorf("files were published: %v", got.Data)
	}
	if got := s.do(t, as(rootToken, "GET", "/users/eve?org=acme")); got.status != 404 {
		t.Errorf("eve is there: %s", got.body)
	}
}

// TestATokenThatEndsMeanwhile: an upload that began with a good token ends well; anything else needs one that is good when all of it has come.
func TestATokenThatEndsMeanwhile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ends := func() madeToken {
		var m madeToken
		s.do(t, as(rootToken, "POST", "/tokens").json(t, map[string]any{"org": "acme", "user": "ada", "role": "owner", "expires_at": time.Now().Unix() + 2})).decode(t, &m)
		return m
	}
	over := func() { <-time.After(2 * time.Second) }
	m := ends()
	s.whileOpen(t, as(m.Token, "POST", "/files").form(file("a.txt", "late")), over).want(t, 200)
	m = ends()
	if got := s.whileOpen(t, as(m.Token, "POST", "/tokens").json(t, map[string]string{"user": "eve", "role": "owner"}), over).code(t); got != "401 invalid_token" {
		t.Errorf("the answer is %s", got)
	}
}

// TestAnIssuersUserIsTakenOutMeanwhile does the same with somebody who signs in elsewhere.
func TestAnIssuersUserIsTakenOutMeanwhile(t *testing.T) {
	t.Parallel()
	id, believe := newIssuer(t)
	s := newServer(t, believe, func(c *daemon.Config) { c.JWT.New = "all" })
	token := id.token(t, "ada", "A1", nil)
	var me struct {
		ID    string
		OrgID string `json:"org_id"`
	}
	s.do(t, as(token, "GET", "/users/me")).decode(t, &me)
	s.do(t, as(rootToken, "POST", "/users").json(t, map[string]string{"org": me.OrgID, "name": "other", "role": "owner"})).want(t, 200)
	for _, lose := range []func(){ // the user is somebody else at the issuer, and then gone
		func() {
			s.do(t, as(rootToken, "PATCH", "/users/"+me.ID).json(t, map[string]string{"org": me.OrgID, "external_id": "else"})).want(t, 200)
		},
		func() {
			s.do(t, as(rootToken, "PATCH", "/users/"+me.ID).json(t, map[string]string{"org": me.OrgID, "external_id": "ada"})).want(t, 200)
			s.do(t, as(rootToken, "DELETE", "/users/"+me.ID+"?org="+me.OrgID)).want(t, 200)
		},
	} {
		a := s.whileOpen(t, as(token, "POST", "/files").form(file("a.txt", "late")), lose)
		if got := a.code(t); got != "403 forbidden" {
			t.Errorf("the answer is %s, %s", got, a.body)
		}
		s.do(t, as(rootToken, "PATCH", "/users/"+me.ID).json(t, map[string]string{"org": me.OrgID, "external_id": "ada"}))
	}
}

// TestAnIssuersUserMovesMeanwhile: what began in one organization does not end in another one of the user's.
func TestAnIssuersUserMovesMeanwhile(t *testing.T) {
	t.Parallel()
	id, believe := newIssuer(t)
	s := newServer(t, believe)
	for _, org := range []string{"first", "second"} {
		s.do(t, as(rootToken, "POST", "/organizations").json(t, map[string]string{"name": org})).want(t, 200)
	}
	join := func(org string) {
		s.do(t, as(rootToken, "POST", "/users").json(t, map[string]string{"org": org, "name": "ada", "role": "owner", "external_id": "ada"})).want(t, 200)
		s.do(t, as(rootToken, "POST", "/users").json(t, map[string]string{"org": org, "name": "other", "role": "owner"}))
	}
	token := id.token(t, "ada", "", map[string]any{"org_id": absent{}})
	for name, r := range map[string]request{
		"an upload": as(token, "POST", "/files").form(file("a.txt", "late")),
		"a change":  as(token, "POST", "/workspaces").json(t, map[string]string{"id": "moved", "name": "from the first"}),
	} {
		join("first")
		a := s.whileOpen(t, r, func() {
			s.do(t, as(rootToken, "DELETE", "/users/ada?org=first")).want(t, 200)
			join("second")
		})
		if got := a.code(t); got != "403 forbidden" {
			t.Errorf("%s: %s, %s", name, got, a.body)
		}
		s.do(t, as(rootToken, "DELETE", "/users/ada?org=second")).want(t, 200)
	}
}

// TestAWorkspaceIsDeletedMeanwhile: an upload into a workspace that was there when it began, with AI off, does not make it anew, with AI on.
func TestAWorkspaceIsDeletedMeanwhile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	member := s.token(t, "default mary member")
	for _, token := range []string{member, rootToken} {
		for name, build := range map[string]func() request{
			"named by the query": func() request { return as(token, "POST", "/files?workspace=conf").form(file("a.txt", "secret")) },
			"named by a field": func() request {
				return as(token, "POST", "/files").form(field("workspace", "conf"), file("a.txt", "secret"))
			},
		} {
			s.do(t, as(rootToken, "POST", "/workspaces").json(t, map[string]any{"id": "conf", "settings": map[string]any{"ai": false}})).want(t, 200)
			s.do(t, as(rootToken, "PUT", "/workspaces/conf/user").json(t, map[string]any{"user": "mary", "access": "writer"})).want(t, 200)
			a := s.whileOpen(t, build(), func() { s.do(t, as(rootToken, "DELETE", "/workspaces/conf")).want(t, 200) })
			if a.status != 404 {
				t.Errorf("%s: %d, %s", name, a.status, a.body)
			}
			s.do(t, as(rootToken, "GET", "/workspaces/conf")).want(t, 404)
		}
	}
}

// TestWhoMayNotWriteHoldsNoRoom: an upload that will be refused takes nothing of what others may use, and is told nothing of it.
func TestWhoMayNotWriteHoldsNoRoom(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner := s.token(t, "acme grace owner")
	s.do(t, as(rootToken, "PATCH", "/organizations/acme").json(t, map[string]any{"quota": map[string]any{"bytes": 1000}})).want(t, 200)
	s.do(t, as(owner, "POST", "/users").json(t, map[string]any{"name": "ada", "confined": true})).want(t, 200)
	confined := s.token(t, "acme ada member")
	for who, token := range map[string]string{"a viewer": s.token(t, "acme vera viewer"), "a confined member": confined} {
		r := as(token, "POST", "/files").form(file("a.txt", strings.Repeat("x", 900)))
		a := s.whileOpen(t, r, func() {
			s.do(t, as(owner, "POST", "/files").form(file("b.txt", strings.Repeat("y", 400)))).want(t, 200)
		})
		if got := a.code(t); got != "403 read_only" && got != "403 workspace_forbidden" {
			t.Errorf("%s: %s, %s", who, got, a.body)
		}
		for _, f := range s.do(t, as(owner, "GET", "/files")).list(t).Data {
			s.do(t, as(owner, "DELETE", "/files/"+f.ID)).want(t, 200)
		}
		waitFor(t, "the room is free again", func() bool {
			return strings.Contains(string(s.do(t, as(owner, "GET", "/usage")).body), `"bytes":0,"files":0`)
		})
	}
}
