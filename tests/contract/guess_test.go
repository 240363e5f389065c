package contract

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/ratelimit"
)

// face gives all of an answer that could tell something: its status, its headers and its body, without the ids that the request named.
func face(a answer, at target) string {
	head := a.header.Clone()
	for _, name := range []string{"X-Request-Id", "Date", "Content-Length"} { // the length is the body's, whose ids may be longer
		head.Del(name)
	}
	var b strings.Builder
	fmt.Fprintln(&b, a.status)
	for _, name := range slices.Sorted(maps.Keys(head)) {
		fmt.Fprintln(&b, name, head[name])
	}
	return b.String() + bare(a, at)
}

// TestWhatIsElsewhereIsUnknown has people of the organization ask, through a workspace that they have, for what lies in one that they have not, and for
// what nobody has: every operation on files of the OpenAPI document answers the same, in its headers, too.
func TestWhatIsElsewhereIsUnknown(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	people := map[string]string{
		"a member": e.token(t, "acme mike member"), "a writer": e.token(t, "acme will writer attic"), "a viewer": e.token(t, "acme vera viewer attic"),
	}
	before := e.state(t)
	for name, token := range people {
		foreign, unknown := maps.Clone(e.own), maps.Clone(e.unknown)
		foreign["workspace_id"] = "attic"
		if name == "a member" {
			foreign["workspace_id"] = "default"
		}
		unknown["workspace_id"] = foreign["workspace_id"]
		for _, op := range e.operations(t) {
			if !op.onFiles() || !op.named() {
				continue
			}
			there, none := e.do(t, op.request(t, foreign).with("Authorization", "Bearer "+token)), e.do(t, op.request(t, unknown).with("Authorization", "Bearer "+token))
			if there.status < http.StatusBadRequest || face(there, foreign) != face(none, unknown) {
				t.Errorf("%s, %s: of what is elsewhere and of what is unknown it says:\n%s\n%s", name, op.id, face(there, foreign), face(none, unknown))
			}
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// TestPeopleAreNotFoundByGuessing has a viewer ask for people, tokens and places of the organization that exist, and for such as do not.
func TestPeopleAreNotFoundByGuessing(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	vera := e.token(t, "acme vera viewer attic")
	for _, op := range e.operations(t) {
		if op.onFiles() || op.public || !op.named() || strings.HasPrefix(op.path, "/organizations") { // her own organization she knows
			continue
		}
		there, none := e.do(t, op.request(t, e.own).with("Authorization", "Bearer "+vera)), e.do(t, op.request(t, e.unknown).with("Authorization", "Bearer "+vera))
		if there.status < http.StatusBadRequest || face(there, e.own) != face(none, e.unknown) {
			t.Errorf("%s: of what is there and of what is not it says:\n%s\n%s", op.id, face(there, e.own), face(none, e.unknown))
		}
	}
}

// TestTheSameBytesTellNothing uploads in two organizations what the other has, too: the answers do not say that the bytes were known.
func TestTheSameBytesTellNothing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada, eve := s.token(t, "acme ada owner"), s.token(t, "rival eve owner")
	upload := func(token, content string) string {
		a := s.do(t, as(token, "POST", "/files").with("Idempotency-Key", "key-1").form(file("a.txt", content)))
		f := a.file(t)
		text := face(a, target{"file_id": f.ID, "org_id": f.OrgID, "user_id": f.UserID})
		return strings.NewReplacer(f.SHA256, "«sha256»", fmt.Sprint(f.CreatedAt), "«time»", fmt.Sprint(f.UpdatedAt), "«time»").Replace(text)
	}
	upload(ada, "a plan of acme")
	mallory := s.token(t, "third mallory owner")
	if known, unknown := upload(eve, "a plan of acme"), upload(mallory, "a plan of none"); known != unknown {
		t.Errorf("of bytes that another has, and of new ones it says:\n%s\n%s", known, unknown)
	}
}

// TestTwoTokens sends two Authorization headers, of which a proxy could believe one and Satchel the other: none is believed, by any operation.
func TestTwoTokens(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	before := e.state(t)
	rival := e.token(t, "rival eve owner")
	for _, op := range e.operations(t) {
		if op.public {
			continue
		}
		for _, pair := range [][2]string{{e.owner, rival}, {rival, e.owner}, {e.owner, e.owner}, {e.owner, ""}, {"", e.owner}} {
			r := op.request(t, e.own).with("Authorization", "Bearer "+pair[0]).with("authorization", "Bearer "+pair[1])
			if a := e.do(t, r); a.status != http.StatusUnauthorized {
				t.Errorf("%s: %d", op.id, a.status)
			}
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// TestOddHeads sends heads that two readers could take apart in different ways: they are refused before anything is looked at.
func TestOddHeads(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	token := s.token(t, "acme ada owner")
	for name, line := range map[string]string{
		"a blank before the colon": "Authorization : Bearer " + token, "a name with a blank": "X Authorization: Bearer " + token, "no colon": "Authorization Bearer " + token,
		"NUL in a value": "Authorization: Bearer " + token + "\x00", "NUL in a name": "Author\x00ization: Bearer " + token, "a lone CR": "Authorization: Bearer x\rX: " + token,
		"two hosts": "Host: satchel.test\r\nHost: evil.test\r\nAuthorization: Bearer " + token,
	} {
		host := "Host: satchel.test\r\n"
		if strings.HasPrefix(line, "Host") {
			host = ""
		}
		head := "DELETE /workspaces/default?force=true HTTP/1.1\r\n" + host + line + "\r\nConnection: close\r\n\r\n"
		conn := s.dial(t)
		if _, err := conn.Write([]byte(head)); err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, conn, request{method: "DELETE"}); a.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", name, a.status, a.body)
		}
	}
	s.do(t, as(token, "GET", "/workspaces/default")).want(t, http.StatusOK)
}

// TestAStrangersForwardedFor: who says that it speaks for others is counted, limited and recorded by its own address, unless it is a trusted proxy.
func TestAStrangersForwardedFor(t *testing.T) {
	t.Parallel()
	const allowed = 3
	s := newServer(t, func(c *daemon.Config) { c.SigninLimit = ratelimit.Rate{Times: allowed, Per: time.Hour} })
	s.alone() // a process counts for itself
	for n := range allowed + 1 {
		r := as("nonsense", "GET", "/files").with("X-Forwarded-For", fmt.Sprintf("203.0.113.%d", n)).with("X-Real-IP", fmt.Sprintf("203.0.113.%d", n)).
			with("Forwarded", fmt.Sprintf("for=203.0.113.%d", n))
		want := http.StatusUnauthorized
		if n == allowed {
			want = http.StatusTooManyRequests
		}
		s.do(t, r).want(t, want)
	}
	s.do(t, as(rootToken, "POST", "/workspaces").with("X-Forwarded-For", "203.0.113.7").json(t, map[string]string{"id": "lab"})).want(t, http.StatusOK)
	made := s.audit(t, rootToken, "action=createWorkspace")
	if len(made) != 1 || *orEmpty(made[0].Address) != "127.0.0.1" {
		t.Errorf("recorded is %v", made)
	}
}
