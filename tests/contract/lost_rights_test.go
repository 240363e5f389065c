package contract

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

const longer = 350 * time.Millisecond // than a caller is believed without another look

// whileOpen sends all of a request but its end, has its caller lose a right, and sends the end.
func (s *server) whileOpen(t *testing.T, r request, lose func()) answer {
	t.Helper()
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

// TestATokenThatEndsMeanwhile: what began with a good token ends well.
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
	s.whileOpen(t, as(m.Token, "POST", "/tokens").json(t, map[string]string{"user": "eve", "role": "owner"}), over).want(t, 200)
	if got := s.do(t, as(m.Token, "GET", "/files")).code(t); got != "401 invalid_token" {
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
	join("first")
	for name, r := range map[string]request{ // which others elsewhere cannot keep from its end
		"an upload": as(token, "POST", "/files").form(file("a.txt", "late")),
		"a change":  as(token, "POST", "/workspaces").json(t, map[string]string{"id": "stays"}),
	} {
		if a := s.whileOpen(t, r, func() { join("second") }); a.status != 200 {
			t.Errorf("%s, while others give its user a place: %d, %s", name, a.status, a.body)
		}
		s.do(t, as(rootToken, "DELETE", "/users/ada?org=second")).want(t, 200)
	}
	s.do(t, as(rootToken, "DELETE", "/users/ada?org=first")).want(t, 200)
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

// whileWaiting sends a request, whose end may come late and whose answer waits for something that does not come, has something happen meanwhile, and
// gives the answer.
func (s *server) whileWaiting(t *testing.T, r request, late time.Duration, happens func()) answer {
	t.Helper()
	conn := s.dial(t)
	wire := r.with("Prefer", "wait=120").wire()
	for _, part := range [][]byte{wire[:len(wire)-8], wire[len(wire)-8:]} {
		if _, err := conn.Write(part); err != nil {
			t.Fatal(err)
		}
		<-time.After(late)
	}
	waitFor(t, "the request waits", func() bool { return s.metric(t, "satchel_http_requests_open") == "2" }) // the other one asks
	happens()
	return readAnswer(t, conn, r)
}

// TestRightsThatAreLostWhileWaiting: whoever waits for the end of a run is told nothing of what came after the right to read it was lost.
func TestRightsThatAreLostWhileWaiting(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.LLM.URL, c.LLM.Model = "http://127.0.0.1:1/v1", "none" }) // and no worker that would ask it
	owner := s.token(t, "acme grace owner")
	s.do(t, as(owner, "POST", "/workspaces").json(t, map[string]string{"id": "shared"})).want(t, 200)
	instruct := map[string]string{"instructions": "find the year"}
	type waiting func(m madeToken, file, run string) request
	late := map[string]time.Duration{"a change whose body is late": longer, "processing whose body is late": longer}
	change := func(m madeToken, file, _ string) request {
		return as(m.Token, "PATCH", "/files/"+file+"/metadata?workspace=shared").json(t, instruct)
	}
	for what, build := range map[string]waiting{
		"a run": func(m madeToken, file, run string) request {
			return as(m.Token, "GET", "/files/"+file+"/runs/"+run+"?workspace=shared")
		},
		"processing": func(m madeToken, file, _ string) request {
			return as(m.Token, "POST", "/files/"+file+"/process?workspace=shared")
		},
		"processing whose body is late": func(m madeToken, file, _ string) request {
			return as(m.Token, "POST", "/files/"+file+"/process?workspace=shared").json(t, instruct)
		},
		"a change by instructions":    change,
		"a change whose body is late": change,
		"what it would change": func(m madeToken, file, _ string) request {
			return as(m.Token, "PATCH", "/files/"+file+"/metadata?workspace=shared&dry_run=true").json(t, instruct)
		},
	} {
		for loss, c := range map[string]struct {
			lose func(m madeToken) request
			want string
		}{
			"a token is revoked": {func(m madeToken) request { return as(owner, "DELETE", "/tokens/"+m.ID) }, "401 invalid_token"},
			"a user is removed":  {func(m madeToken) request { return as(owner, "DELETE", "/users/"+m.UserID) }, "401 invalid_token"},
			"access is taken away": {func(m madeToken) request {
				return as(owner, "DELETE", "/workspaces/shared/user/"+m.UserID)
			}, "403 workspace_forbidden"},
		} {
			t.Run(what+", "+loss, func(t *testing.T) {
				m := s.makeToken(t, "acme eve writer shared")
				f := s.do(t, as(owner, "POST", "/files?workspace=shared").form(file("a.txt", "of 1812"))).file(t)
				var runs struct{ Data []struct{ ID string } }
				s.do(t, as(owner, "POST", "/files/"+f.ID+"/process?workspace=shared").with("Prefer", "respond-async")).want(t, 200)
				s.do(t, as(owner, "GET", "/files/"+f.ID+"/runs?workspace=shared")).decode(t, &runs)
				a := s.whileWaiting(t, build(m, f.ID, runs.Data[0].ID), late[what], func() {
					s.do(t, c.lose(m)).want(t, 200)
					s.do(t, as(owner, "PATCH", "/files/"+f.ID+"/metadata?workspace=shared").json(t, map[string]string{"secret": "only after eve left"})).want(t, 200)
				})
				if got := a.code(t); got != c.want {
					t.Errorf("the answer is %s, %s", got, a.body)
				}
			})
		}
	}
}

// TestAnUploadThatWaitsIsAnswered with what was made when rights were lost meanwhile, and nothing of what became of it: the files are there.
func TestAnUploadThatWaitsIsAnswered(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner := s.token(t, "acme grace owner")
	m := s.makeToken(t, "acme eve writer shared")
	a := s.whileWaiting(t, as(m.Token, "POST", "/files?workspace=shared").form(field("purpose", "user_data"), file("a.txt", "of 1812")), 0, func() {
		var id string
		waitFor(t, "the file is there", func() bool {
			for _, f := range s.do(t, as(owner, "GET", "/files?workspace=shared")).list(t).Data {
				id = f.ID
			}
			return id != ""
		})
		s.do(t, as(owner, "DELETE", "/users/"+m.UserID)).want(t, 200)
		s.do(t, as(owner, "PATCH", "/files/"+id+"/metadata?workspace=shared").json(t, map[string]string{"secret": "only after eve left"})).want(t, 200)
	})
	a.want(t, 200)
	if strings.Contains(string(a.body), "secret") {
		t.Errorf("the answer tells what came later: %s", a.body)
	}
}

// TestWhoGainsARightMeanwhile is not refused by what counted before: the upload is to be sent again, and that is no fault of the server's.
func TestWhoGainsARightMeanwhile(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.token(t, "acme will writer lab") // which makes it
	s.do(t, as(rootToken, "POST", "/users").json(t, map[string]any{"org": "acme", "name": "ada", "confined": true})).want(t, 200)
	owner := s.token(t, "acme grace owner")
	s.do(t, as(owner, "PUT", "/workspaces/lab/user").json(t, map[string]string{"user": "ada", "access": "writer"})).want(t, 200)
	ada := s.token(t, "acme ada member")
	r := as(ada, "POST", "/files").form(field("workspace", "default"), file("a.txt", "a"))
	a := s.whileOpen(t, r, func() {
		s.do(t, as(owner, "PATCH", "/users/ada").json(t, map[string]bool{"confined": false})).want(t, 200)
	})
	if got := a.code(t); got != "409 conflict" || a.header.Get("X-Should-Retry") != "true" {
		t.Errorf("%s, %v", got, a.header)
	}
	s.do(t, r).want(t, 200)
}

// TestARefusedUploadIsNotReadWithoutEnd: who may write nowhere is answered at once, and who sends what comes to nothing in the end.
func TestARefusedUploadIsNotReadWithoutEnd(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	vera := s.token(t, "acme vera viewer")
	mary := s.token(t, "acme mary member")
	s.token(t, "acme vera writer lab") // which makes it
	const declared = 400 << 20
	for name, c := range map[string]struct {
		token, head, want string
		sent              int // bytes behind the head, at most
	}{
		"who may write nowhere":   {vera, "", "403 read_only", 8 << 20},
		"who may not write there": {mary, "--b\r\nContent-Disposition: form-data; name=\"workspace\"\r\n\r\nlab\r\n", "403 workspace_forbidden", 80 << 20},
		"a file behind a fault":   {mary, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n\r\n\r\n", "422 missing", 80 << 20},
		"a field of no meaning":   {mary, "--b\r\nContent-Disposition: form-data; name=\"nothing\"\r\n\r\n", "422 too_long", 80 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			conn := s.dial(t)
			head := "POST /files HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + c.token + "\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: " +
				strconv.Itoa(declared) + "\r\n\r\n" + c.head
			if !strings.Contains(c.head, "nothing") {
				head += "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n"
			}
			if _, err := conn.Write([]byte(head)); err != nil {
				t.Fatal(err)
			}
			chunk := make([]byte, 1<<20)
			go func() {
				for range c.sent / len(chunk) {
					if _, err := conn.Write(chunk); err != nil {
						return
					}
				}
			}()
			a := readAnswer(t, conn, request{method: "POST", target: "/files"})
			if got := a.code(t); got != c.want {
				t.Errorf("the answer is %s, %s", got, a.body)
			}
		})
	}
}
