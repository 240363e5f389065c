package tenant_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/tenant"
)

// TestHonestNames: what people call themselves is a name, whatever they write it with, and stays as they wrote it, but for spaces.
func TestHonestNames(t *testing.T) {
	s := newTeam(t)
	for typed, kept := range map[string]string{
		"Ada Lovelace": "", "O'Neill-Ångström": "", "e\u0301ric": "", "Team · Ops": "", "東京チーム": "", "مریم": "", "Σωκράτης": "",
		"Team ❤\ufe0f":           "", // a sign in colours
		"1\ufe0f\u20e3 first":    "", // a keycap
		"\u00a9\ufe0e":           "", // a sign in black and white
		"👩\u200d🚀":               "", // two signs that make one
		"👩🏽\u200d🚀":              "",
		"❤\ufe0f\u200d🔥":         "",
		"👨\u200d👩\u200d👧\u200d👦": "",
		"🏃🏽\u200d♀\ufe0f team":   "",
		"🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f": "", // England's flag
		"葛\U000e0100城":            "", // the form of a character that a family has
		"ᠠ\u180bᠢ":                "", // a form of a letter
		"می\u200cخواهم":           "", // letters that are not joined
		"ක\u0dca\u200dෂ":          "", // letters that are
		"മോഹന്\u200d":             "", // a letter that ends a word, and is written so
		"രാജന്\u200d നായര്\u200d": "",
		"র\u200d্যাচেল":           "", // a letter that is not drawn above the next one
		"ᠦᠨ\u180eᠡ":               "", // a vowel that stands apart
		"山田\u3000太郎":              "山田 太郎",
		"Jean\u00a0Luc":           "Jean Luc",
		"  Jean \u2009 Marc ":     "Jean Marc",
	} {
		made, err := s.CreateUser(t.Context(), s.owner, tenant.UserRequest{Name: &typed})
		if kept == "" {
			kept = typed
		}
		if err != nil || made.Name != kept {
			t.Errorf("%+q: %+q, %v", typed, made.Name, err)
			continue
		}
		for _, name := range []string{kept, typed} {
			if found, err := s.User(t.Context(), s.owner, "", name); err != nil || found.User != made.User {
				t.Errorf("%+q is not found: %v", name, err)
			}
		}
	}
}

// TestNamesThatLookAlike: what is not seen makes no second name of one.
func TestNamesThatLookAlike(t *testing.T) {
	s := newTeam(t)
	for name, want := range map[string]string{
		"ad\u200ca":                       "U+200C at character 3",
		"ada\u200d":                       "U+200D at character 4",
		"\u200dada":                       "U+200D at character 1",
		"ada\u200c\u200c":                 "U+200C at character 4",
		"می\u200c\u200cخو":                "U+200C at character 3",
		"می\u200c خواهم":                  "U+200C at character 3",
		"👩\u200d\u200d🚀":                  "U+200D at character 2",
		"👩\u200d":                         "U+200D at character 2",
		"a\u200d🚀":                        "U+200D at character 2",
		"ada\ufe0f":                       "U+FE0F at character 4",
		"1\ufe0f":                         "U+FE0F at character 2",
		"❤\ufe0f\ufe0f":                   "U+FE0F at character 3",
		"葛\u180b":                         "U+180B at character 2",
		"葛\ufe05":                         "U+FE05 at character 2",
		"葛\U000e0100\U000e0101":           "U+E0101 at character 3",
		"ada\U000e0100":                   "U+E0100 at character 4",
		"🏴\U000e0067\U000e0062\U000e007f": "U+E0067 at character 2",
		"ada\U000e0067":                   "U+E0067 at character 4",
		"ada\u2065":                       "U+2065 at character 4",
		"ada\ufff0":                       "U+FFF0 at character 4",
		"ada\U000e0080":                   "U+E0080 at character 4",
		"ada\U000e0fff":                   "U+E0FFF at character 4",
		"ada\U0001d159":                   "U+1D159 at character 4",
		"ada\U00016fe4":                   "U+16FE4 at character 4",
		"a\u00adda":                       "U+00AD at character 2",
		"ada\u3164":                       "U+3164 at character 4",
		"ada\u2800":                       "U+2800 at character 4",
		"ada\U00013441":                   "U+13441 at character 4",
		"ᠦᠨ\u180e":                        "U+180E at character 3",
		"ada\u180eb":                      "U+180E at character 4",
		"র\u200dচ":                        "U+200D at character 2",
		"\u202eada":                       "U+202E at character 1",
		"\u0301":                          "must show something",
		"ada\u2028":                       "control characters",
		"me":                              "whoever asks", "ME": "whoever asks", "ｍｅ": "whoever asks", "me\u200c": "whoever asks", " me\u00a0": "whoever asks",
		"null": "nothing is given", "Null": "nothing is given", " null": "nothing is given",
		"USER-06h2vj5cc74autjlc6a2if7qb":       "like an id",
		"user\u201006h2vj5cc74autjlc6a2if7qb":  "like an id",
		"tok\u221206h2vj5cc74autjlc6a2if7qb":   "like an id",
		"user-06h2vj5cc74autjlc6a2if7qb\u00a0": "like an id",
		"us\u200cer-06h2vj5cc74autjlc6a2if7qb": "U+200C at character 3",
		"user-06h2vj5cc74autjlc6a2if7qb\u200c": "U+200C at character 31",
		"..":                                   "no path",
		"\u00a0":                               "missing",
	} {
		_, err := s.CreateUser(t.Context(), s.owner, tenant.UserRequest{Name: &name})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+q: %v, want %q", name, err, want)
		}
		_, _, err = s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: name, Role: "member"})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("a token of %+q: %v, want %q", name, err, want)
		}
	}
}

// TestOtherNamesThatAreNone: the same holds for organizations and their owners.
func TestOtherNamesThatAreNone(t *testing.T) {
	s := newTeam(t)
	for what, do := range map[string]func(name string) error{
		"an organization": func(name string) error { _, err := s.CreateOrg(t.Context(), s.operator, named(name)); return err },
		"its owner": func(name string) error {
			_, err := s.CreateOrg(t.Context(), s.operator, tenant.OrgRequest{Name: text("new"), Owner: name})
			return err
		},
		"its new name": func(name string) error { _, err := s.UpdateOrg(t.Context(), s.owner, "acme", named(name)); return err },
		"an organization by its first token": func(name string) error {
			_, _, err := s.CreateToken(t.Context(), s.operator, tenant.TokenRequest{Org: name, User: "ada", Role: "owner"})
			return err
		},
	} {
		for _, name := range []string{"null", "NULL", "acme\u200d"} {
			if err := do(name); satchel.CodeOf(err) != satchel.CodeInvalidValue {
				t.Errorf("%s called %+q: %v", what, name, err)
			}
		}
	}
	org, err := s.CreateOrg(t.Context(), s.operator, tenant.OrgRequest{Name: text(" new\u3000works"), Owner: "grace  h"})
	if err != nil || org.Name != "new works" {
		t.Fatalf("%+v, %v", org, err)
	}
	for _, name := range []string{"new works", "new\u3000works"} {
		if _, err := s.User(t.Context(), s.operator, name, "grace\u00a0h"); err != nil {
			t.Errorf("in %+q: %v", name, err)
		}
	}
}

// TestNamesFromBefore: a rule that is younger than a name does not keep anybody from managing who has it.
func TestNamesFromBefore(t *testing.T) {
	s := newTeam(t)
	member, yes, no := "member", true, false
	quota := satchel.QuotaPatch{Files: satchel.LimitPatch{Set: true}}
	for _, name := range []string{"ada\u200b", "Jean  Luc", " lead", "me\u200c", "null", "me"} {
		old := satchel.Member{Org: s.owner.Org, User: satchel.NewUserID(s.clock.Now()), Name: name, Role: satchel.RoleMember, CreatedAt: s.clock.Now()}
		firm := satchel.Org{ID: satchel.NewOrgID(s.clock.Now()), Name: name, CreatedAt: s.clock.Now()}
		err := s.store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			if err := tx.InsertOrg(ctx, firm); err != nil {
				return err
			}
			return tx.InsertMember(ctx, old)
		})
		if err != nil {
			t.Fatal(err)
		}
		for what, do := range map[string]func() error{
			"confine": func() error {
				_, err := s.UpdateUser(t.Context(), s.owner, string(old.User), tenant.UserRequest{Confined: &yes})
				return err
			},
			"free, with its name": func() error {
				_, err := s.UpdateUser(t.Context(), s.owner, string(old.User), tenant.UserRequest{Name: &name, Confined: &no})
				return err
			},
			"its role": func() error {
				_, err := s.UpdateUser(t.Context(), s.owner, string(old.User), tenant.UserRequest{Role: &member})
				return err
			},
			"a token by id": func() error {
				_, _, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: string(old.User), Role: "member"})
				return err
			},
			"a token by name": func() error {
				made, _, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: name, Role: "member"})
				if err == nil && made.User != old.User {
					t.Errorf("%+q has become somebody else", name)
				}
				return err
			},
			"a quota": func() error {
				_, err := s.UpdateOrg(t.Context(), s.operator, string(firm.ID), tenant.OrgRequest{Quota: quota})
				return err
			},
			"an owner by name": func() error {
				made, _, err := s.CreateToken(t.Context(), s.operator, tenant.TokenRequest{Org: name, User: "ada", Role: "owner"})
				if err == nil && made.Org != firm.ID {
					t.Errorf("%+q has become another organization", name)
				}
				return err
			},
		} {
			if err := do(); err != nil {
				t.Errorf("%s %+q: %v", what, name, err)
			}
		}
		worse := name + "\u200b"
		_, err = s.UpdateUser(t.Context(), s.owner, string(old.User), tenant.UserRequest{Name: &worse})
		wantCode(t, err, satchel.CodeInvalidValue)
		if _, err := s.DeleteUser(t.Context(), s.owner, "", string(old.User)); err != nil {
			t.Error(err)
		}
	}
}

// TestATokenOfSomebodyByAnotherSpelling: who types other spaces means the same person.
func TestATokenOfSomebodyByAnotherSpelling(t *testing.T) {
	s := newTeam(t)
	made, err := s.CreateUser(t.Context(), s.owner, tenant.UserRequest{Name: text("Jean Luc")})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: "Jean\u00a0 Luc", Role: "member"})
	if err != nil || token.User != made.User {
		t.Errorf("%+v, %v", token, err)
	}
}

// TestNamesOfWorkspaces: a workspace is known by its id, so its name may look like anything but what turns the text around it; and nobody makes one that
// no query can name.
func TestNamesOfWorkspaces(t *testing.T) {
	s := newTeam(t)
	for _, name := range []string{"ada\u200d", "null", "me", "user-06h2vj5cc74autjlc6a2if7qb", "Team ❤\ufe0f", "葛\U000e0100"} {
		w, err := s.UpdateWorkspace(t.Context(), s.owner, "lab", tenant.WorkspaceRequest{Name: &name})
		if err != nil || w.Name != name {
			t.Errorf("%+q: %v", name, err)
		}
	}
	for _, name := range []string{"\u202eada", "a\u2067", "a\u0007", "a\u2028", strings.Repeat("x", 129)} {
		if _, err := s.UpdateWorkspace(t.Context(), s.owner, "lab", tenant.WorkspaceRequest{Name: &name}); err == nil {
			t.Errorf("%+q is accepted", name)
		}
	}
	_, err := s.CreateWorkspace(t.Context(), s.owner, "null", tenant.WorkspaceRequest{})
	wantCode(t, err, satchel.CodeInvalidValue)
	into := tenant.TokenRequest{User: "vera", Role: "viewer", Workspaces: []string{"lab", "null"}}
	_, _, err = s.CreateToken(t.Context(), s.owner, into)
	wantCode(t, err, satchel.CodeInvalidValue)
	err = s.store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		_, err := tx.InsertWorkspace(ctx, s.owner.Org, "null", s.clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	token, _, err := s.CreateToken(t.Context(), s.owner, into)
	if err != nil || !slices.Contains(token.Workspaces, "null") {
		t.Errorf("one that is there: %v, %v", token.Workspaces, err)
	}
}
