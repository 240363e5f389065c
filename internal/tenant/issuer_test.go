package tenant_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

const (
	issuerName = "https://id.example/realm"
	audience   = "https://files.example"
)

type object = map[string]any

// provider is an identity provider: it has keys, signs tokens by hand, so that they can be wrong in every way, and says which keys it has.
type provider struct {
	rsa *rsa.PrivateKey
	ec  *ecdsa.PrivateKey
	ed  ed25519.PrivateKey

	mu    sync.Mutex
	keys  []object // that it publishes
	down  bool
	asked int           // how often it was asked for its keys
	gate  chan struct{} // not nil: an answer waits until it is closed
}

func newProvider(t testing.TB) *provider {
	t.Helper()
	var p provider
	var errs [3]error
	p.rsa, errs[0] = rsa.GenerateKey(rand.Reader, 2048)
	p.ec, errs[1] = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	_, p.ed, errs[2] = ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	p.keys = []object{rsaKey("rsa-1", &p.rsa.PublicKey), ecKey("ec-1", &p.ec.PublicKey), edKey("ed-1", p.ed)}
	return &p
}

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func rsaKey(id string, k *rsa.PublicKey) object {
	return object{"kty": "RSA", "use": "sig", "kid": id, "n": b64(k.N.Bytes()), "e": b64(big.NewInt(int64(k.E)).Bytes())}
}

func ecKey(id string, k *ecdsa.PublicKey) object {
	size := (k.Curve.Params().BitSize + 7) / 8
	x, y := make([]byte, size), make([]byte, size)
	return object{
		"kty": "EC", "kid": id, "crv": k.Curve.Params().Name,
		"x": b64(k.X.FillBytes(x)), "y": b64(k.Y.FillBytes(y)), //nolint:staticcheck // this is how a JWK has them
	}
}

func edKey(id string, k ed25519.PrivateKey) object {
	public, _ := k.Public().(ed25519.PublicKey)
	return object{"kty": "OKP", "kid": id, "crv": "Ed25519", "x": b64(public)}
}

// load is what the service is given to read the keys by.
func (p *provider) load(context.Context) ([]byte, error) {
	p.mu.Lock()
	p.asked++
	gate := p.gate
	p.mu.Unlock()
	if gate != nil {
		<-gate
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.down {
		return nil, errors.New("connection refused")
	}
	return json.Marshal(object{"keys": p.keys})
}

func (p *provider) set(change func(p *provider)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *provider) timesAsked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// claims are right ones for a user of an organization, with changes; a change to nil leaves the claim out.
func claims(now time.Time, changes object) object {
	c := object{
		"iss": issuerName, "aud": audience, "sub": "sub-ada", "org_id": "A1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

// null is a claim that is there and says nothing.
func null() any { return json.RawMessage("null") }

func segment(t testing.TB, value any) string {
	t.Helper()
	if text, isText := value.(string); isText {
		return b64([]byte(text))
	}
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return b64(text)
}

// signed gives a token with any header and claims, and what sign makes of them.
func signed(t testing.TB, header, claims any, sign func(text []byte) []byte) string {
	t.Helper()
	text := segment(t, header) + "." + segment(t, claims)
	return text + "." + b64(sign([]byte(text)))
}

// es256 is the token that the provider gives out, with its elliptic key.
func (p *provider) es256(t testing.TB, claims object) string {
	t.Helper()
	return signed(t, object{"alg": "ES256", "kid": "ec-1"}, claims, p.signES256)
}

func (p *provider) signES256(text []byte) []byte { return signES256(p.ec)(text) }

func signES256(key *ecdsa.PrivateKey) func(text []byte) []byte {
	return func(text []byte) []byte {
		hash := sha256.Sum256(text)
		r, s, err := ecdsa.Sign(rand.Reader, key, hash[:])
		if err != nil {
			panic(err) // rand.Reader never fails
		}
		size := (key.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
}

func (p *provider) signRS256(text []byte) []byte { return signRS(p.rsa, crypto.SHA256)(text) }

func signRS(key *rsa.PrivateKey, kind crypto.Hash) func(text []byte) []byte {
	return func(text []byte) []byte {
		hash := kind.New()
		hash.Write(text)
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, kind, hash.Sum(nil))
		if err != nil {
			panic(err) // the hash has its length
		}
		return signature
	}
}

func (p *provider) signPS256(text []byte) []byte {
	hash := sha256.Sum256(text)
	signature, err := rsa.SignPSS(rand.Reader, p.rsa, crypto.SHA256, hash[:], nil)
	if err != nil {
		panic(err) // the hash has its length
	}
	return signature
}

func (p *provider) signEdDSA(text []byte) []byte { return ed25519.Sign(p.ed, text) }

func signHS256(secret []byte) func(text []byte) []byte {
	return func(text []byte) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write(text)
		return mac.Sum(nil)
	}
}

func unsigned([]byte) []byte { return nil }

// identityTeam is a team whose service believes a provider. The operator has linked acme with the provider's A1.
type identityTeam struct {
	*team
	idp *provider
}

func newIdentityTeam(t testing.TB, newcomers tenant.Newcomers, changes ...func(*tenant.Issuer)) *identityTeam {
	t.Helper()
	idp := newProvider(t)
	issuer := tenant.Issuer{Name: issuerName, Audience: audience, OrgClaim: "org_id", Newcomers: newcomers, Keys: idp.load}
	for _, change := range changes {
		change(&issuer)
	}
	if err := issuer.Check(); err != nil {
		t.Fatal(err)
	}
	team := newTeam(t, func(c *tenant.Config) { c.Issuer = &issuer })
	if _, err := team.UpdateOrg(t.Context(), team.operator, "acme", tenant.OrgRequest{ExternalID: new("A1")}); err != nil {
		t.Fatal(err)
	}
	return &identityTeam{team: team, idp: idp}
}

// another is the same team behind another process on the same store.
func (i *identityTeam) another(t testing.TB) *tenant.Service {
	t.Helper()
	issuer := tenant.Issuer{Name: issuerName, Audience: audience, OrgClaim: "org_id", Newcomers: tenant.RefuseNewcomers, Keys: i.idp.load}
	s := tenant.New(tenant.Config{Store: i.store, Now: i.clock.Now, Issuer: &issuer})
	t.Cleanup(s.Close)
	if _, err := s.Bootstrap(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// link makes a user with an external id.
func (i *identityTeam) link(t testing.TB, by satchel.Caller, name, externalID string) satchel.Member {
	t.Helper()
	m, err := i.CreateUser(t.Context(), by, tenant.UserRequest{Name: &name, ExternalID: &externalID})
	if err != nil {
		t.Fatal(err)
	}
	return m
}
