package tenant_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/tenant"
)

// servers gives Services of several processes on one new database. None is prepared yet.
func servers(t *testing.T, n int) []*tenant.Service {
	t.Helper()
	url := postgrestest.Fresh(t, sqlstore.CreatePostgres)
	all := make([]*tenant.Service, n)
	for i := range all {
		store, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: url})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = store.Close() })
		all[i] = tenant.New(tenant.Config{Store: store})
		t.Cleanup(all[i].Close)
	}
	return all
}

// first prepares all servers at once, and gives the one secret that they make.
func first(t *testing.T, all []*tenant.Service) string {
	t.Helper()
	var mu sync.Mutex
	var secrets []string
	var group sync.WaitGroup
	for _, s := range all {
		group.Go(func() {
			secret, err := s.Bootstrap(t.Context())
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if secret != "" {
				secrets = append(secrets, secret)
			}
		})
	}
	group.Wait()
	if len(secrets) != 1 {
		t.Fatalf("%d servers that start at once make %d first tokens", len(all), len(secrets))
	}
	return secrets[0]
}

func callerOf(t *testing.T, s *tenant.Service, secret string) satchel.Caller {
	t.Helper()
	caller, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return caller
}

// Two owners who take each other away at once, through two servers, leave one.
func TestTheLastOwnerStaysOverServers(t *testing.T) {
	all := servers(t, 2)
	operator := callerOf(t, all[0], first(t, all))
	for round := range 5 {
		org := fmt.Sprintf("org-%d", round)
		for _, name := range []string{"ada", "bob"} {
			if _, _, err := all[0].CreateToken(t.Context(), operator, tenant.TokenRequest{Org: org, User: name, Role: "owner"}); err != nil {
				t.Fatal(err)
			}
		}
		var gone atomic.Int64
		var group sync.WaitGroup
		for i, name := range []string{"ada", "bob"} {
			group.Go(func() {
				_, err := all[i].DeleteUser(t.Context(), operator, org, name)
				if err == nil {
					gone.Add(1)
				} else {
					wantCode(t, err, satchel.CodeLastOwner)
				}
			})
		}
		group.Wait()
		if gone.Load() != 1 {
			t.Errorf("%d of two owners are gone", gone.Load())
		}
	}
}

// A token that one server revokes is refused by the others within a second.
func TestARevokedTokenIsRefusedByAllServers(t *testing.T) {
	all := servers(t, 2)
	operator := callerOf(t, all[0], first(t, all))
	token, secret, err := all[0].CreateToken(t.Context(), operator, tenant.TokenRequest{User: "ada", Role: "member"})
	if err != nil {
		t.Fatal(err)
	}
	callerOf(t, all[1], secret) // which remembers it
	if err := all[0].DeleteToken(t.Context(), operator, string(token.ID)); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Second); ; <-time.After(20 * time.Millisecond) {
		_, err := all[1].Authenticate(t.Context(), secret)
		if satchel.CodeOf(err) == satchel.CodeInvalidToken {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("a second after it was revoked: %v", err)
		}
	}
}

// One name is given once, whoever asks for it where.
func TestANameIsGivenOnceOverServers(t *testing.T) {
	all := servers(t, 2)
	operator := callerOf(t, all[0], first(t, all))
	name := "acme"
	var made atomic.Int64
	var group sync.WaitGroup
	for i := range 6 {
		group.Go(func() {
			_, err := all[i%2].CreateOrg(t.Context(), operator, tenant.OrgRequest{Name: &name, Owner: "ada"})
			if err == nil {
				made.Add(1)
			} else {
				wantCode(t, err, satchel.CodeExists)
			}
		})
	}
	group.Wait()
	if made.Load() != 1 {
		t.Errorf("%d organizations of one name", made.Load())
	}
}
