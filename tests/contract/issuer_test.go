package contract

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

const issuerName, audience = "https://id.example", "https://files.example"

// issuer signs tokens that a server believes.
type issuer struct{ key ed25519.PrivateKey }

// newIssuer gives an issuer, and the setting of a server that believes it.
func newIssuer(t testing.TB) (issuer, func(*daemon.Config)) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := `{"keys": [{"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": "` + base64.RawURLEncoding.EncodeToString(public) + `"}]}`
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(path, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
	return issuer{key}, func(c *daemon.Config) {
		c.JWT.Issuer, c.JWT.Audience, c.JWT.JWKSFile = issuerName, audience, path
	}
}

// absent is in the place of a claim that a token does not have.
type absent struct{}

// token gives a right token for a user of an organization, with changes to its claims.
func (i issuer) token(t testing.TB, user, org string, changes map[string]any) string {
	t.Helper()
	claims := map[string]any{"iss": issuerName, "aud": audience, "sub": user, "org_id": org, "exp": time.Now().Add(time.Hour).Unix()}
	maps.Copy(claims, changes)
	maps.DeleteFunc(claims, func(_ string, value any) bool { return value == absent{} })
	text := segmentOf(t, map[string]string{"alg": "EdDSA", "kid": "1"}) + "." + segmentOf(t, claims)
	return text + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(i.key, []byte(text)))
}

func segmentOf(t testing.TB, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// TestTokensOfAnIssuer has every operation tried with tokens that the issuer has, or seems to have, signed: for another server, another time, by
// another key, for somebody who has no place here, and for somebody of another organization.
func TestTokensOfAnIssuer(t *testing.T) {
	t.Parallel()
	i, believing := newIssuer(t)
	forger, _ := newIssuer(t)
	e := newEstate(t, believing)
	e.token(t, "rival eve owner")
	for org, id := range map[string]string{"acme": "A1", "rival": "R1"} {
		e.do(t, as(rootToken, "PATCH", "/organizations/"+org).json(t, map[string]string{"external_id": id})).want(t, http.StatusOK)
	}
	e.do(t, as(rootToken, "PATCH", "/users/eve").json(t, map[string]string{"org": "rival", "external_id": "eve"})).want(t, http.StatusOK)
	right := i.token(t, "eve", "R1", nil)
	e.do(t, as(right, "GET", "/users/me")).want(t, http.StatusOK)
	before := e.state(t)
	for name, c := range map[string]struct {
		token  string
		status int
	}{
		"another audience": {i.token(t, "eve", "R1", map[string]any{"aud": "https://mail.example"}), http.StatusUnauthorized},
		"ended":            {i.token(t, "eve", "R1", map[string]any{"exp": time.Now().Add(-time.Hour).Unix()}), http.StatusUnauthorized},
		"another key":      {forger.token(t, "eve", "R1", nil), http.StatusUnauthorized},
		"no signature":     {right[:strings.LastIndexByte(right, '.')+1], http.StatusUnauthorized},
		"a stranger":       {i.token(t, "olga", "A1", nil), http.StatusForbidden}, // which is what ours is called, and no id at the issuer
		"a foreign place":  {i.token(t, "eve", "A1", nil), http.StatusForbidden},
	} {
		for _, op := range e.operations(t) {
			if op.public {
				continue
			}
			if a := e.do(t, op.request(t, e.own).with("Authorization", "Bearer "+c.token)); a.status != c.status {
				t.Errorf("%s, %s: %d %s", op.id, name, a.status, a.body)
			}
		}
	}
	for _, op := range e.operations(t) {
		if op.public || !op.named() && op.id != "listFiles" {
			continue
		}
		foreign := op.request(t, e.own).with("Authorization", "Bearer "+right)
		if a := e.do(t, foreign); op.named() && a.status != http.StatusNotFound {
			t.Errorf("%s of another organization: %d %s", op.id, a.status, a.body)
		}
		if a := e.do(t, foreign.with("X-Activeloop-Org-Id", "acme")); a.status != http.StatusNotFound {
			t.Errorf("%s with the header of another organization: %d %s", op.id, a.status, a.body)
		}
	}
	if after := e.state(t); after != before {
		t.Errorf("something has changed:\n%s\n%s", before, after)
	}
}

// A token of the issuer says who uploads, and in which of their organizations.
func TestAnIssuersUserUploads(t *testing.T) {
	t.Parallel()
	i, believing := newIssuer(t)
	s := newServer(t, believing)
	for _, org := range []string{"acme", "rival"} {
		owner := s.token(t, org+" olga owner")
		s.do(t, as(owner, "POST", "/users").json(t, map[string]string{"name": "ada", "external_id": "sub-ada"})).want(t, http.StatusOK)
	}
	token := i.token(t, "sub-ada", "", nil)
	if got := s.do(t, as(token, "GET", "/files")).code(t); got != "401 invalid_token" { // an organization of no name is none
		t.Error(got)
	}
	token = i.token(t, "sub-ada", "unknown", nil)
	made := s.do(t, as(token, "POST", "/files").with("X-Activeloop-Org-Id", "acme").form(file("a.txt", "a"))).file(t)
	var me struct {
		ID, Name   string
		ExternalID string `json:"external_id"`
	}
	s.do(t, as(token, "GET", "/users/me").with("X-Activeloop-Org-Id", "acme")).decode(t, &me)
	if me.ID != made.UserID || me.Name != "ada" || me.ExternalID != "sub-ada" {
		t.Errorf("%+v uploaded %+v", me, made)
	}
	if got := s.do(t, as(token, "GET", "/files/"+made.ID).with("X-Activeloop-Org-Id", "rival")).code(t); got != "404 not_found" {
		t.Errorf("from the other organization: %s", got)
	}
}
