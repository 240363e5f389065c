package tenant_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

// unknownKey is a token that names a key by an id, and is signed with one that the provider may publish later.
func unknownKey(t testing.TB, i *identityTeam, key *ecdsa.PrivateKey, id string) string {
	t.Helper()
	return signed(t, object{"alg": "ES256", "kid": id}, claims(i.clock.Now(), nil), signES256(key))
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// However many tokens name keys that nobody knows, the issuer is asked once in ten seconds; those whose key is known do not notice.
func TestUnknownKeysAskTheIssuerRarely(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	right := i.idp.es256(t, claims(i.clock.Now(), nil))
	if _, err := i.signIn(t, right); err != nil {
		t.Fatal(err)
	}
	stranger := newKey(t)
	for seconds := range 30 {
		var flood sync.WaitGroup
		for n := range 20 {
			token := unknownKey(t, i, stranger, fmt.Sprintf("key-%d-%d", seconds, n))
			flood.Go(func() {
				if _, err := i.Identify(context.WithoutCancel(t.Context()), token, tenant.OrgChoice{}); satchel.CodeOf(err) != satchel.CodeInvalidToken {
					t.Errorf("an unknown key: %v", err)
				}
			})
		}
		flood.Wait()
		if _, err := i.signIn(t, right); err != nil {
			t.Errorf("a known key after %d s: %v", seconds, err)
		}
		i.clock.Advance(time.Second)
	}
	if n := i.idp.timesAsked(); n != 3 { // at 0, 10 and 20 s
		t.Errorf("in 30 s the issuer was asked %d times, want 3", n)
	}
}

// A key that the issuer begins to use works at once, or ten seconds after a bogus one; one that it withdrew does not when the keys are loaded again.
func TestKeysRotate(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	old := i.idp.es256(t, claims(i.clock.Now(), nil))
	if _, err := i.signIn(t, old); err != nil {
		t.Fatal(err)
	}
	key := newKey(t)
	i.idp.set(func(p *provider) { p.keys = append(p.keys, ecKey("new", &key.PublicKey)) })
	fresh := unknownKey(t, i, key, "new")
	_, err := i.signIn(t, fresh) // the keys were loaded in this second
	wantCode(t, err, satchel.CodeInvalidToken)
	i.clock.Advance(10 * time.Second)
	for name, token := range map[string]string{"new": fresh, "old": old} {
		if _, err := i.signIn(t, token); err != nil {
			t.Errorf("the %s key: %v", name, err)
		}
	}
	i.idp.set(func(p *provider) { p.keys = p.keys[3:] })
	i.clock.Advance(10 * time.Second)
	_, err = i.signIn(t, unknownKey(t, i, key, "another")) // which has the keys loaded
	wantCode(t, err, satchel.CodeInvalidToken)
	_, err = i.signIn(t, old)
	wantCode(t, err, satchel.CodeInvalidToken)
	if _, err := i.signIn(t, fresh); err != nil {
		t.Errorf("the new key, alone: %v", err)
	}
}

// Whoever looks for a new key while others have it loaded finds it, at whichever moment that load ends.
func TestNewKeysAreFoundByAllAtOnce(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	for round := range 1000 {
		key, id := newKey(t), fmt.Sprintf("key-%d", round)
		i.idp.set(func(p *provider) { p.keys = []object{ecKey(id, &key.PublicKey)} })
		i.clock.Advance(10 * time.Second)
		token := unknownKey(t, i, key, id)
		var callers sync.WaitGroup
		for range 8 {
			callers.Go(func() {
				if _, err := i.Identify(t.Context(), token, tenant.OrgChoice{}); err != nil {
					t.Errorf("%s: %v", id, err)
				}
			})
		}
		callers.Wait()
	}
}

// An issuer that is down, or answers with what is no key set, locks nobody out whose key is known.
func TestTheIssuerIsDown(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	right := i.idp.es256(t, claims(i.clock.Now(), nil))
	i.idp.set(func(p *provider) { p.down = true })
	_, err := i.signIn(t, right) // nothing is known yet
	wantCode(t, err, satchel.CodeUnavailable)
	i.idp.set(func(p *provider) { p.down = false })
	_, err = i.signIn(t, right) // it was asked just now
	wantCode(t, err, satchel.CodeUnavailable)
	i.clock.Advance(10 * time.Second)
	if _, err := i.signIn(t, right); err != nil {
		t.Fatalf("when it is back: %v", err)
	}
	stranger := newKey(t)
	for what, change := range map[string]func(p *provider){
		"down": func(p *provider) { p.down = true }, "without keys": func(p *provider) { p.down, p.keys = false, nil },
		"with keys of no use": func(p *provider) { p.keys = []object{{"kty": "oct", "kid": "ec-1", "k": "AAAA"}} },
		"with too many keys":  func(p *provider) { p.keys = make([]object, 1000) },
	} {
		i.idp.set(change)
		i.clock.Advance(10 * time.Second)
		_, err = i.signIn(t, unknownKey(t, i, stranger, "unknown"))
		wantCode(t, err, satchel.CodeInvalidToken)
		if _, err := i.signIn(t, right); err != nil {
			t.Errorf("a known key while the issuer is %s: %v", what, err)
		}
	}
}

// Whoever waits for the issuer's answer keeps nobody else waiting, and takes nothing from them by giving up.
func TestALoadIsNobodysOwn(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	right := i.idp.es256(t, claims(i.clock.Now(), nil))
	if _, err := i.signIn(t, right); err != nil {
		t.Fatal(err)
	}
	key, gate := newKey(t), make(chan struct{})
	i.idp.set(func(p *provider) { p.gate, p.keys = gate, append(p.keys, ecKey("new", &key.PublicKey)) })
	i.clock.Advance(10 * time.Second)
	impatient, giveUp := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := i.Identify(impatient, unknownKey(t, i, key, "bogus"), tenant.OrgChoice{})
		gone <- err
	}()
	giveUp()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("whoever gave up: %v", err)
	}
	if _, err := i.signIn(t, right); err != nil { // the answer of the issuer is still awaited, if it was asked
		t.Errorf("a known key meanwhile: %v", err)
	}
	patient := make(chan error)
	go func() {
		_, err := i.Identify(t.Context(), unknownKey(t, i, key, "new"), tenant.OrgChoice{})
		patient <- err
	}()
	close(gate)
	if err := <-patient; err != nil {
		t.Errorf("whoever waited: %v", err)
	}
	if n := i.idp.timesAsked(); n != 2 {
		t.Errorf("the issuer was asked %d times, want 2", n)
	}
}

// A server that runs knows the keys before anybody comes, and ends in the middle of a load.
func TestKeysAreKept(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	gate := make(chan struct{})
	i.idp.set(func(p *provider) { p.gate = gate })
	go func() {
		i.KeepKeys(ctx)
		close(ended)
	}()
	close(gate)
	if _, err := i.signIn(t, i.idp.es256(t, claims(i.clock.Now(), nil))); err != nil {
		t.Error(err)
	}
	stop()
	<-ended
	if n := i.idp.timesAsked(); n != 1 {
		t.Errorf("the issuer was asked %d times, want once", n)
	}
}
