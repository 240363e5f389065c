package contract

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

// The table of access is made from the server's own OpenAPI document, so that no operation can be forgotten: each is tried by everybody who has no
// right to it, on things of an organization that must be the same afterwards.

// operation is one of the document.
type operation struct {
	id, method, path string
	public           bool
	workspace        bool // it takes a workspace in its query
}

func (s *server) operations(t testing.TB) []operation {
	t.Helper()
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string
			Security    []any
			Parameters  []struct{ Name, In string }
		}
	}
	s.do(t, request{method: "GET", target: "/openapi.json"}).decode(t, &document)
	var all []operation
	for _, path := range slices.Sorted(maps.Keys(document.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(document.Paths[path])) {
			op := document.Paths[path][method]
			made := operation{id: op.OperationID, method: strings.ToUpper(method), path: path, public: len(op.Security) == 0}
			for _, p := range op.Parameters {
				made.workspace = made.workspace || p.In == "query" && p.Name == "workspace"
			}
			all = append(all, made)
		}
	}
	return all
}

// onFiles reports whether an operation is about files, and not about people and places.
func (o operation) onFiles() bool { return strings.HasPrefix(o.path, "/files") }

// reads reports whether an operation changes nothing.
func (o operation) reads() bool { return o.method == http.MethodGet || o.method == http.MethodHead }

// named reports whether the path of an operation names something.
func (o operation) named() bool { return strings.Contains(o.path, "{") }

// target is what requests are about: ids by the names that paths have for them, and a workspace.
type target map[string]string

// request makes a request for an operation that would succeed for whoever has the right to it.
func (o operation) request(t testing.TB, at target) request {
	t.Helper()
	path := o.path
	for name, id := range at {
		path = strings.ReplaceAll(path, "{"+name+"}", id)
	}
	if strings.Contains(path, "{") {
		t.Fatalf("%s names something that the test does not know", o.path)
	}
	if o.workspace {
		path += "?workspace=" + at["workspace_id"]
	}
	r := request{method: o.method, target: path}
	bodies := map[string]any{
		"updateFile": map[string]any{"filename": "stolen.txt"}, "updateMetadata": map[string]any{"stolen": true}, "putMetadata": map[string]any{"stolen": true},
		"postMetadata": map[string]any{"stolen": true}, "processFile": map[string]any{}, "createWorkspace": map[string]any{"id": "stolen"},
		"updateWorkspace": map[string]any{"name": "stolen"}, "putWorkspaceUser": map[string]any{"user": at["user_id"], "access": "writer"},
		"createUser": map[string]any{"name": "stolen"}, "updateUser": map[string]any{"name": "stolen"}, "createOrganization": map[string]any{"name": "stolen"},
		"updateOrganization": map[string]any{"name": "stolen"}, "createToken": map[string]any{"user": "stolen", "role": "owner"},
	}
	if body, ok := bodies[o.id]; ok {
		return r.json(t, body)
	}
	if o.id == "createFile" {
		return r.form(file("stolen.txt", "x"))
	}
	return r
}

// estate is an organization with one of everything, and tokens of those who have no right to some of it.
type estate struct {
	*server
	owner   string // its owner's token
	own     target
	unknown target // ids of the same form that nobody has
}

func newEstate(t *testing.T, settings ...func(*daemon.Config)) *estate {
	t.Helper()
	s := newServer(t, settings...)
	owner := s.makeToken(t, "acme olga owner")
	mary := s.makeToken(t, "acme mary writer lab")
	made := s.do(t, as(mary.Token, "POST", "/files?workspace=lab").form(field("metadata", `{"a":1}`), file("plan.txt", "Being is."))).file(t)
	var runs struct{ Data []struct{ ID string } }
	s.do(t, as(mary.Token, "GET", "/files/"+made.ID+"/runs?workspace=lab")).decode(t, &runs)
	e := &estate{server: s, owner: owner.Token, own: target{
		"file_id": made.ID, "run_id": runs.Data[0].ID, "n": "1", "number": "1", "workspace_id": "lab", "user_id": mary.UserID, "token_id": mary.ID, "organization_id": owner.OrgID,
	}}
	e.unknown = maps.Clone(e.own)
	for _, name := range []string{"file_id", "run_id", "user_id", "token_id", "organization_id"} {
		prefix, _, _ := strings.Cut(e.own[name], "-")
		e.unknown[name] = prefix + "-" + strings.Repeat("0", 25)
	}
	e.unknown["workspace_id"] = "nowhere"
	return e
}

// state is everything of the organization that its owner sees.
func (e *estate) state(t testing.TB) string {
	t.Helper()
	var b strings.Builder
	for _, path := range []string{
		"/files?workspace=lab", "/files", "/files/" + e.own["file_id"] + "/metadata/versions?workspace=lab", "/files/" + e.own["file_id"] + "/runs?workspace=lab",
		"/workspaces", "/workspaces/lab/users", "/users", "/organizations",
	} {
		a := e.do(t, as(e.owner, "GET", path))
		a.want(t, http.StatusOK)
		b.Write(a.body)
		b.WriteByte('\n')
	}
	return b.String()
}

// bare gives an answer's body without the ids that a request named.
func bare(a answer, at target) string {
	text := string(a.body)
	for name, id := range at {
		if strings.HasSuffix(name, "_id") {
			text = strings.ReplaceAll(text, id, "«"+name+"»")
		}
	}
	return text
}

func TestNobodyWithoutAGoodToken(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	before := e.state(t)
	revoked, ended := e.makeToken(t, "acme olga owner"), e.endedToken(t)
	e.do(t, as(e.owner, "DELETE", "/tokens/"+revoked.ID)).want(t, http.StatusOK)
	for _, op := range e.operations(t) {
		if op.public {
			continue
		}
		for name, head := range map[string]string{
			"none": "", "malformed": "Bearer sat_", "made up": "Bearer sat_" + strings.Repeat("a", 38), "another scheme": "Basic " + e.owner,
			"revoked": "Bearer " + revoked.Token, "ended": "Bearer " + ended, "two words": "Bearer " + e.owner + " x",
		} {
			r := op.request(t, e.own)
			if head != "" {
				r = r.with("Authorization", head)
			}
			if a := e.do(t, r); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("%s, token %s: %d %s", op.id, name, a.status, a.body)
			}
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// endedToken gives a token whose time is over.
func (e *estate) endedToken(t testing.TB) string {
	t.Helper()
	body := map[string]any{"user": "olga", "role": "owner", "expires_at": time.Now().Add(2 * time.Second).Unix()}
	var made madeToken
	e.do(t, as(e.owner, "POST", "/tokens").json(t, body)).decode(t, &made)
	<-time.After(3 * time.Second) // its time, and the moment for which a token is believed
	e.do(t, as(made.Token, "GET", "/users/me")).want(t, http.StatusUnauthorized)
	return made.Token
}

// TestAnotherOrganization has the owner of another one try everything: whatever is named is not there, in the very words for what nobody has.
func TestAnotherOrganization(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	rival := e.token(t, "rival eve owner")
	before := e.state(t)
	for _, op := range e.operations(t) {
		if op.public {
			continue
		}
		if op.id == "createFile" {
			continue // it would make a workspace of that name in her own organization
		}
		foreign, unknown := e.do(t, op.request(t, e.own).with("Authorization", "Bearer "+rival)), e.do(t, op.request(t, e.unknown).with("Authorization", "Bearer "+rival))
		switch {
		case op.named() && foreign.status != http.StatusNotFound:
			t.Errorf("%s: %d %s", op.id, foreign.status, foreign.body)
		case op.named() && face(foreign, e.own) != face(unknown, e.unknown):
			t.Errorf("%s tells apart what is foreign and what is unknown:\n%s\n%s", op.id, face(foreign, e.own), face(unknown, e.unknown))
		case foreign.status >= http.StatusInternalServerError:
			t.Errorf("%s: %d %s", op.id, foreign.status, foreign.body)
		}
		for name, id := range e.own {
			if strings.HasSuffix(name, "_id") && name != "workspace_id" && !op.named() && strings.Contains(string(foreign.body), id) {
				t.Errorf("%s shows the %s of another organization: %s", op.id, name, foreign.body)
			}
		}
		strict := op.request(t, e.own).with("Authorization", "Bearer "+rival).with("X-Activeloop-Org-Id", e.own["organization_id"])
		if a := e.do(t, strict); a.status != http.StatusNotFound {
			t.Errorf("%s with the header of the other organization: %d %s", op.id, a.status, a.body)
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// TestTooFewRights has members of the organization try what is not theirs.
func TestTooFewRights(t *testing.T) {
	t.Parallel()
	e := newEstate(t)
	narrowed := func(body map[string]any) string {
		var made madeToken
		e.do(t, as(e.owner, "POST", "/tokens").json(t, body)).decode(t, &made)
		return made.Token
	}
	e.do(t, as(e.owner, "POST", "/workspaces").json(t, map[string]any{"id": "attic"})).want(t, http.StatusOK)
	const elsewhere, reader = "403 workspace_forbidden", "403 read_only"
	people := map[string]struct {
		token        string
		read, change string // what an operation on files answers; "": it may
	}{
		"a member without a part": {e.token(t, "acme mike member"), elsewhere, elsewhere},
		"a writer of another":     {e.token(t, "acme will writer attic"), elsewhere, elsewhere},
		"a viewer":                {e.token(t, "acme vera viewer lab"), "", reader},
		"a writer's narrow token": {narrowed(map[string]any{"user": "mary", "role": "member", "workspaces": []string{"attic"}}), elsewhere, elsewhere},
		"a writer who only reads": {narrowed(map[string]any{"user": "mary", "role": "member", "read_only": true}), "", reader},
		"an owner who only reads": {narrowed(map[string]any{"user": "olga", "role": "owner", "read_only": true}), "", reader},
		"an owner, narrowed":      {narrowed(map[string]any{"user": "olga", "role": "owner", "workspaces": []string{"attic"}}), elsewhere, elsewhere},
	}
	before := e.state(t)
	for name, who := range people {
		for _, op := range e.operations(t) {
			if op.public || op.id == "createWorkspace" && name == "a member without a part" { // which makes one of its own
				continue
			}
			a := e.do(t, op.request(t, e.own).with("Authorization", "Bearer "+who.token))
			want := who.change
			if op.reads() {
				want = who.read
			}
			switch {
			case op.onFiles() && want != "" && op.method != http.MethodHead && a.status != http.StatusOK && a.code(t) == want:
			case op.onFiles() && op.method == http.MethodHead && want != "" && a.status == http.StatusForbidden:
			case op.onFiles() && want == "" && (a.status == http.StatusOK || a.status == http.StatusNotFound):
			case !op.onFiles() && !op.reads() && (a.status == http.StatusForbidden || a.status == http.StatusNotFound):
			case !op.onFiles() && op.reads() && a.status < http.StatusInternalServerError:
			default:
				t.Errorf("%s, %s: %d %s", name, op.id, a.status, a.body)
			}
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
	if !json.Valid([]byte(strings.SplitN(before, "\n", 2)[0])) {
		t.Error("the state is no state")
	}
}
