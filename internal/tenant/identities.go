package tenant

import (
	"context"
	"crypto/sha256"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Identities are an organization's own, like the names of its users: what one says about an identity changes nothing in another, and shows nothing
// of it. Organizations are linked with an issuer's by operators alone, since whoever could choose that would catch the users of others.

// OrgChoice is which organization a request names.
type OrgChoice struct {
	Strict string         // the header X-Activeloop-Org-Id: id, id at the issuer, or name
	Hint   string         // the header OpenAI-Organization, which SDKs send from the environment: it counts if it is the id of one of the caller's
	Origin satchel.Origin // where the request comes from, for the audit of newcomers
}

// Identify finds who a bearer token speaks for, also where it fails over the organization, in the organization that the request names: Authenticate and SelectOrg for our own tokens; an
// issuer's token speaks for a user who may have a place in several organizations.
func (s *Service) Identify(ctx context.Context, bearer string, choice OrgChoice) (satchel.Caller, error) {
	if s.issuer != nil && isJWT(bearer) && !s.isRoot(HashSecret(bearer)) {
		return s.signIn(ctx, bearer, choice)
	}
	caller, err := s.Authenticate(ctx, bearer)
	if err != nil {
		return satchel.Caller{}, err
	}
	chosen, err := s.SelectOrg(ctx, caller, choice.Strict)
	if err != nil {
		return caller, err // whose token it is, is known all the same
	}
	return chosen, nil
}

// signIn identifies by a token of the issuer. What it finds is remembered as long as for our own tokens, and not beyond the token's end.
func (s *Service) signIn(ctx context.Context, bearer string, choice OrgChoice) (satchel.Caller, error) {
	hash := sha256.Sum256([]byte(bearer + "\x00" + choice.Strict + "\x00" + choice.Hint))
	if caller, ok := s.known.get(hash); ok {
		return caller, nil
	}
	age := s.known.seen()
	p, err := s.issuer.verify(ctx, bearer)
	if err != nil {
		return satchel.Caller{}, err
	}
	p.origin = choice.Origin
	m, err := s.placeOf(ctx, p, choice)
	if err != nil {
		return satchel.Caller{}, err
	}
	caller := satchel.Caller{Org: m.Org, User: m.User, Issuer: p.user.Issuer, Subject: p.user.ID, Role: m.Role, Confined: m.Confined}
	s.known.put(hash, caller, p.until, age)
	return caller, nil
}

// placeOf gives a person's place in the organization that the request names, or else the token, or else in the only one that there is.
func (s *Service) placeOf(ctx context.Context, p person, choice OrgChoice) (*satchel.Member, error) {
	if choice.Strict != "" {
		return s.chosenPlace(ctx, p, choice.Strict)
	}
	if choice.Hint != "" {
		m, err := s.store.MemberByIdentity(ctx, satchel.OrgID(choice.Hint), p.user)
		if satchel.CodeOf(err) != satchel.CodeNotFound {
			return m, err
		}
	}
	if p.org.ID != "" {
		return s.claimedPlace(ctx, p)
	}
	places, err := s.store.MembersByIdentity(ctx, p.user, 2)
	switch {
	case err != nil:
		return nil, err
	case len(places) == 0:
		return nil, noPlace()
	case len(places) > 1:
		return nil, &satchel.Error{
			Code: satchel.CodeMissing, In: satchel.InHeader, Param: "X-Activeloop-Org-Id",
			Message: "you belong to several organizations: say which in the header X-Activeloop-Org-Id",
		}
	}
	return &places[0], nil
}

// chosenPlace gives a person's place in an organization that the request insists on. One that is not the person's is as if it did not exist.
func (s *Service) chosenPlace(ctx context.Context, p person, name string) (*satchel.Member, error) {
	m, err := s.namedPlace(ctx, p, name)
	if code := satchel.CodeOf(err); code == satchel.CodeNotFound || code == satchel.CodeForbidden {
		err = place{satchel.InHeader, "X-Activeloop-Org-Id"}.notFound("Organization", name)
	}
	return m, err
}

// namedPlace is chosenPlace, but for how it says no. What the token says of its organization goes before what others may have called theirs.
func (s *Service) namedPlace(ctx context.Context, p person, name string) (*satchel.Member, error) {
	if name == p.org.ID {
		return s.claimedPlace(ctx, p)
	}
	org, err := s.findOrg(ctx, name)
	if err != nil {
		return nil, err
	}
	if p.org.ID != "" && org.Identity == p.org {
		return s.claimedPlace(ctx, p)
	}
	return s.store.MemberByIdentity(ctx, org.ID, p.user)
}

// findOrg finds an organization by its id, by its id at the issuer, and last by its name, which its owner chose.
func (s *Service) findOrg(ctx context.Context, name string) (*satchel.Org, error) {
	org, err := orgCalled(ctx, s.store, name)
	if err == nil && string(org.ID) == name {
		return org, nil
	}
	linked, errLinked := s.store.OrgByIdentity(ctx, s.identity(name))
	if satchel.CodeOf(errLinked) == satchel.CodeNotFound {
		return org, err
	}
	return linked, errLinked
}

// claimedPlace gives a person's place in the organization that the token names, and makes what newcomers may be given.
func (s *Service) claimedPlace(ctx context.Context, p person) (*satchel.Member, error) {
	org, err := s.store.OrgByIdentity(ctx, p.org)
	if err == nil {
		var m *satchel.Member
		if m, err = s.store.MemberByIdentity(ctx, org.ID, p.user); err == nil {
			return m, nil
		}
	}
	if satchel.CodeOf(err) != satchel.CodeNotFound {
		return nil, err
	}
	may := s.issuer.Newcomers == MakeAll || s.issuer.Newcomers == MakeUsers && org != nil
	if !may {
		return nil, noPlace()
	}
	return s.join(ctx, p)
}

func noPlace() error {
	return satchel.Errorf(satchel.CodeForbidden, "the token is valid, but its user has no place in its organization on this server; an admin gives one by external_id, once the operator has linked the organization in the same way")
}

// joinTries is how often a newcomer's place is sought when others take its name at the same moment.
const joinTries = 3

// join gives a newcomer a place. Of several first requests of the same person at once, each finds what the first one made.
func (s *Service) join(ctx context.Context, p person) (joined *satchel.Member, err error) {
	for range joinTries {
		err = s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
			joined, err = s.joinInTx(ctx, tx, p)
			return err
		})
		if code := satchel.CodeOf(err); code != satchel.CodeConflict && code != satchel.CodeExists {
			return joined, err
		}
	}
	return nil, &satchel.Error{Code: satchel.CodeUnavailable, Message: "others signed in for the first time at the same moment; try again", Err: err}
}

func (s *Service) joinInTx(ctx context.Context, tx meta.Tx, p person) (*satchel.Member, error) {
	role := satchel.RoleMember
	if err := tx.Alone(ctx); err != nil {
		return nil, err
	}
	org, err := tx.OrgByIdentity(ctx, p.org)
	if satchel.CodeOf(err) == satchel.CodeNotFound && s.issuer.Newcomers == MakeAll {
		org, err = s.makeClaimedOrg(ctx, tx, p)
		role = satchel.RoleOwner
	}
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		err = noPlace() // it was there a moment ago
	}
	if err != nil {
		return nil, err
	}
	m, err := tx.MemberByIdentity(ctx, org.ID, p.user)
	if satchel.CodeOf(err) != satchel.CodeNotFound {
		return m, err
	}
	departed, err := tx.Departed(ctx, org.ID, p.user)
	if err != nil {
		return nil, err
	}
	if departed {
		return nil, noPlace()
	}
	m = &satchel.Member{Org: org.ID, User: satchel.NewUserID(s.now()), Role: role, Identity: p.user, CreatedAt: s.now()}
	m.Name, err = freeName(append(p.names, p.user.ID), string(m.User), func(name string) error {
		_, err := tx.Member(ctx, org.ID, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := tx.InsertMember(ctx, *m); err != nil {
		return nil, err
	}
	by := p.in(m)
	if role == satchel.RoleOwner {
		if err := tx.InsertAudit(ctx, by.Did("createOrganization", string(org.ID), map[string]any{"external_id": true})); err != nil {
			return nil, err
		}
	}
	return m, tx.InsertAudit(ctx, userMade(by, *m))
}

// in gives the caller that the person is as a member, for the audit.
func (p person) in(m *satchel.Member) satchel.Caller {
	return satchel.Caller{Org: m.Org, User: m.User, Issuer: p.user.Issuer, Subject: p.user.ID, Role: m.Role, Origin: p.origin}
}

func (s *Service) makeClaimedOrg(ctx context.Context, tx meta.Tx, p person) (*satchel.Org, error) {
	name, err := freeName([]string{p.orgName, p.org.ID}, string(satchel.NewOrgID(s.now())), func(name string) error {
		_, err := tx.Org(ctx, name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.makeOrg(ctx, tx, name, p.org)
}

// suffixLength is how many characters of an id tell two of the same name apart.
const suffixLength = 6

// freeName gives the first of the wishes that can be a name and that find does not find, or else the last one with a piece of an id, or that alone.
func freeName(wishes []string, id string, find func(name string) error) (string, error) {
	for _, wish := range wishes {
		name, err := userName("name", wish)
		if err != nil {
			continue
		}
		if err := find(name); err != nil {
			if satchel.CodeOf(err) == satchel.CodeNotFound {
				err = nil
			}
			return name, err
		}
	}
	suffix := id[len(id)-suffixLength:]
	last := withPlainSpaces(wishes[len(wishes)-1])
	last = strings.ToValidUTF8(last[:min(len(last), maxName-len(suffix)-1)], "")
	last = strings.Map(func(r rune) rune {
		if isInvisible(r) {
			return -1
		}
		return r
	}, last)
	if name, err := userName("name", last+"-"+suffix); err == nil {
		return name, nil
	}
	return suffix, nil
}

// identity is what the issuer calls somebody.
func (s *Service) identity(id string) satchel.Identity {
	if s.issuer == nil || id == "" {
		return satchel.Identity{}
	}
	return satchel.Identity{Issuer: s.issuer.Name, ID: id}
}

// checkExternalID finds what is wrong with an id at the issuer; nil and "" are none.
func (s *Service) checkExternalID(id *string) error {
	const param = "external_id"
	switch {
	case id == nil || *id == "":
		return nil
	case s.issuer == nil:
		return satchel.BodyFault(satchel.CodeInvalidValue, param, nil, "external_id is an id at an issuer of tokens, and this server has none (SATCHEL_JWT_ISSUER)")
	case len(*id) > maxExternalID:
		return satchel.BodyFault(satchel.CodeTooLong, param, nil, "external_id must be at most %d bytes", maxExternalID)
	case !isExternalID(*id):
		return satchel.BodyFault(satchel.CodeInvalidValue, param, nil, "external_id must be UTF-8 without control characters")
	}
	return nil
}

// link notes in a transaction that a member's identity becomes another one: the former one is not let in by itself any more, the new one is.
func (s *Service) link(ctx context.Context, tx meta.Tx, m satchel.Member, former satchel.Identity) error {
	if m.Identity == former {
		return nil
	}
	if former != (satchel.Identity{}) {
		if err := tx.InsertDeparture(ctx, m.Org, former, s.now()); err != nil {
			return err
		}
	}
	if m.Identity == (satchel.Identity{}) {
		return nil
	}
	_, err := tx.MemberByIdentity(ctx, m.Org, m.Identity)
	if err := free(err, "the organization has a user with this external_id already"); err != nil {
		return err
	}
	return tx.DeleteDeparture(ctx, m.Org, m.Identity)
}

// linkOrg makes sure in a transaction that no other organization has the identity.
func (s *Service) linkOrg(ctx context.Context, tx meta.Tx, id satchel.OrgID, identity satchel.Identity) error {
	if identity == (satchel.Identity{}) {
		return nil
	}
	org, err := tx.OrgByIdentity(ctx, identity)
	if err == nil && org.ID == id {
		return nil
	}
	return free(err, "an organization with this external_id exists already")
}

// free is about the search for an external_id that nobody may have.
func free(err error, message string) error {
	switch {
	case err == nil:
		return &satchel.Error{Code: satchel.CodeExists, Message: message, In: satchel.InBody, Param: "external_id"}
	case satchel.CodeOf(err) == satchel.CodeNotFound:
		return nil
	}
	return err
}

// KeepKeys loads the issuer's keys now and from time to time until ctx ends. Without it they are loaded when a token needs them.
func (s *Service) KeepKeys(ctx context.Context) {
	if s.issuer != nil {
		s.issuer.keys.keep(ctx)
	}
}
