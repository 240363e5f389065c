package tenant_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/tenant"
)

// everything is a request for all entries of a record.
func everything(org string) tenant.AuditRequest {
	return tenant.AuditRequest{Org: org, AuditQuery: satchel.AuditQuery{Limit: 1000}}
}

func installation() tenant.AuditRequest {
	r := everything("")
	r.Installation = true
	return r
}

// recorded gives the actions of a record, oldest first.
func recorded(t *testing.T, s *tenant.Service, by satchel.Caller, r tenant.AuditRequest) []string {
	t.Helper()
	entries, err := s.Audit(t.Context(), by, r)
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range slices.Backward(entries) {
		actions = append(actions, e.Action)
	}
	return actions
}

func TestWhoReadsTheAudit(t *testing.T) {
	s := newTeam(t)
	for _, c := range []struct {
		who     string
		by      satchel.Caller
		request tenant.AuditRequest
		want    satchel.Code
	}{
		{"owner", s.owner, everything(""), ""}, {"admin", s.admin, everything("acme"), ""}, {"member", s.member, everything(""), satchel.CodeForbidden},
		{"viewer", s.confined, everything(""), satchel.CodeForbidden}, {"rival", s.rival, everything("acme"), satchel.CodeNotFound},
		{"rival, by id", s.rival, everything(string(s.owner.Org)), satchel.CodeNotFound}, {"operator", s.operator, everything("acme"), ""},
		{"operator, nowhere", s.operator, everything("org-0000000000000000000000000"), satchel.CodeNotFound},
		{"operator, of the installation", s.operator, installation(), ""}, {"owner, of the installation", s.owner, installation(), satchel.CodeForbidden},
		{"narrowed", narrowed(s.owner)[0], everything(""), satchel.CodeForbidden}, {"read-only", narrowed(s.owner)[1], everything(""), ""}, {"a member, read-only", narrowed(s.member)[1], everything(""), satchel.CodeForbidden},
	} {
		_, err := s.Audit(t.Context(), c.by, c.request)
		if got := satchel.CodeOf(err); got != c.want {
			t.Errorf("%s: %q, want %q (%v)", c.who, got, c.want, err)
		}
	}
	for user, want := range map[string]satchel.Code{"mary": "", "user-0000000000000000000000000": "", "nobody": satchel.CodeNotFound} {
		request := everything("")
		request.User = user
		_, err := s.Audit(t.Context(), s.owner, request)
		wantCode(t, err, want)
	}
}

// What one request makes is recorded thing by thing; names are found for ids and ids by names.
func TestWhatATokenMakesIsRecorded(t *testing.T) {
	s := newTeam(t)
	want := []string{
		"createOrganization", "createUser", "createToken", "createUser", "createToken", "createUser", "createToken",
		"createUser", "createWorkspace", "putWorkspaceUser", "createWorkspace", "putWorkspaceUser", "createToken",
	}
	if got := recorded(t, s.Service, s.owner, everything("")); !slices.Equal(got, want) {
		t.Errorf("recorded are %v, want %v", got, want)
	}
	s.owner.Origin = satchel.Origin{Address: "192.0.2.7", Request: "req-1"}
	if _, _, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: "mary", Role: "admin"}); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Audit(t.Context(), s.admin, tenant.AuditRequest{User: "olga", AuditQuery: satchel.AuditQuery{Limit: 10}})
	if err != nil || len(entries) != 2 {
		t.Fatalf("of olga are recorded %+v, %v", entries, err)
	}
	for i, want := range []string{"createToken", "updateUser"} {
		e := entries[i]
		if e.Action != want || e.UserName != "olga" || e.User != s.owner.User || e.Token != s.owner.Token || e.Address != "192.0.2.7" || e.Request != "req-1" {
			t.Errorf("%s is recorded as %+v", want, e)
		}
	}
	if entries[1].Details != `{"former_role":"member","role":"admin"}` || entries[1].Object != string(s.member.User) {
		t.Errorf("the change is recorded as %+v", entries[1])
	}
}

// The record of an organization that is gone is the operator's to read; that it went is in the installation's.
func TestTheAuditOutlivesItsOrganization(t *testing.T) {
	s := newTeam(t)
	if _, err := s.DeleteOrg(t.Context(), s.owner, "acme"); err != nil {
		t.Fatal(err)
	}
	if got := recorded(t, s.Service, s.operator, installation()); !slices.Equal(got, []string{"deleteOrganization"}) {
		t.Errorf("the installation's record is %v", got)
	}
	id := string(s.owner.Org)
	if got := recorded(t, s.Service, s.operator, everything(id)); len(got) != 13 {
		t.Errorf("its record is %v", got)
	}
	for _, name := range []string{id, "acme"} {
		_, err := s.Audit(t.Context(), s.rival, everything(name))
		wantCode(t, err, satchel.CodeNotFound)
	}
}

// Refused attempts are summed, whatever comes; and written with the next look, or in the end.
func TestRefusalsAreFew(t *testing.T) {
	s := newTeam(t)
	for i := range 100_000 {
		stranger := satchel.Caller{Origin: satchel.Origin{Address: fmt.Sprintf("192.0.%d.%d", i/256%256, i%256), Request: "req-" + strconv.Itoa(i)}}
		s.Refused(stranger, "listFiles", satchel.CodeInvalidToken)
	}
	for range 10 {
		s.Refused(s.member, "listAudit", satchel.CodeForbidden)
	}
	entries, err := s.Audit(t.Context(), s.operator, installation())
	if err != nil {
		t.Fatal(err)
	}
	total := int64(0)
	for _, e := range entries {
		total += e.Count
	}
	if len(entries) > 150 || total != 100_000 {
		t.Errorf("%d attempts in %d entries", total, len(entries))
	}
	entries, err = s.Audit(t.Context(), s.owner, everything(""))
	if err != nil || entries[0].Count != 10 || entries[0].Code != satchel.CodeForbidden || entries[0].Org != s.owner.Org {
		t.Errorf("the organization has %+v, %v", entries[0], err)
	}
	if entries[0].User != s.member.User || entries[0].Token != s.member.Token || entries[0].Action != "listAudit" {
		t.Errorf("a flood of strangers hides who tried what: %+v", entries[0])
	}
}

// A user who tries everything has no more than a share, and hides nothing of another organization.
func TestRefusalsOfOneOrganizationAreFew(t *testing.T) {
	s := newTeam(t)
	const kinds = 1000
	for i := range kinds {
		s.Refused(s.member, "operation"+strconv.Itoa(i), satchel.CodeForbidden)
	}
	s.Refused(s.rival, "createOrganization", satchel.CodeForbidden)
	entries, err := s.Audit(t.Context(), s.rival, tenant.AuditRequest{AuditQuery: satchel.AuditQuery{Action: "createOrganization", Limit: 1}})
	if err != nil || len(entries) != 1 || entries[0].Code != satchel.CodeForbidden || entries[0].User != s.rival.User {
		t.Errorf("the other organization has %+v, %v", entries, err)
	}
	entries, err = s.Audit(t.Context(), s.owner, everything(""))
	if err != nil {
		t.Fatal(err)
	}
	told, total := 0, int64(0)
	for _, e := range entries {
		if e.Code != "" {
			told, total = told+1, total+e.Count
		}
	}
	if told > 60 || total != kinds {
		t.Errorf("%d attempts in %d entries", total, told)
	}
}

// The first organization is made by a server's start, or by a command on the data folder: the record says which.
func TestTheFirstEntry(t *testing.T) {
	for want, begin := range map[string]func(*tenant.Service) error{
		satchel.AddressLocal:  func(s *tenant.Service) error { return s.Prepare(t.Context()) },
		satchel.AddressServer: func(s *tenant.Service) error { _, err := s.Bootstrap(t.Context()); return err },
	} {
		s := tenant.New(tenant.Config{Store: newStore(t)})
		t.Cleanup(s.Close)
		if err := begin(s); err != nil {
			t.Fatal(err)
		}
		entries, err := s.Audit(t.Context(), s.Root(), everything(""))
		if err != nil || len(entries) == 0 {
			t.Fatalf("%s: %v, %v", want, entries, err)
		}
		for _, e := range entries {
			if e.Address != want || e.User != "" {
				t.Errorf("%s: %+v", want, e)
			}
		}
	}
}

// Whoever closes does not wait for ever for a store that takes nothing.
func TestCloseDoesNotWaitForTheStore(t *testing.T) {
	t.Parallel()
	s := newTeam(t)
	began, closed, over := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		over <- s.store.InTx(t.Context(), func(context.Context, meta.Tx) error {
			close(began)
			<-closed
			return nil
		})
	}()
	<-began
	s.Refused(satchel.Caller{Origin: satchel.Origin{Address: "192.0.2.7"}}, "listFiles", satchel.CodeMissingToken)
	s.Close() // would stand still here
	close(closed)
	if err := <-over; err != nil {
		t.Error(err)
	}
}

func TestRefusalsAreWrittenInTheEnd(t *testing.T) {
	s := newTeam(t)
	s.Refused(satchel.Caller{Origin: satchel.Origin{Address: "2001:db8::7"}}, "listFiles", satchel.CodeMissingToken)
	s.Refused(satchel.Caller{Origin: satchel.Origin{Address: "2001:db8::8"}}, "listFiles", satchel.CodeMissingToken)
	s.Close()
	entries, err := s.store.Audit(t.Context(), "", satchel.AuditQuery{Limit: 10})
	if err != nil || len(entries) != 1 || entries[0].Count != 2 || entries[0].Address != "2001:db8::/64" {
		t.Errorf("recorded is %+v, %v", entries, err)
	}
}
