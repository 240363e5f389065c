package tenant

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/golang-jwt/jwt/v5"

	"github.com/satchel-files/satchel"
)

const (
	maxJWT        = 16 << 10         // bytes of a token that are read
	maxExternalID = 255              // bytes of a user's or an organization's id at its issuer
	jwtLeeway     = 30 * time.Second // by which clocks may differ
	maxJWTTime    = 253402300799     // the end of the year 9999, in Unix seconds
)

// Newcomers says what is done with users and organizations whom the issuer names and nobody has seen before.
type Newcomers string

// What is done with newcomers.
const (
	RefuseNewcomers Newcomers = "refuse"
	MakeUsers       Newcomers = "users" // users are made, in organizations that are known
	MakeAll         Newcomers = "all"   // organizations too
)

// Issuer is somebody else whose signed tokens (JWT, RFC 7519) are believed beside our own.
type Issuer struct {
	Name      string // what the claim iss must be, exactly
	Audience  string // what the claim aud must be or hold, exactly
	UserClaim string // names the user; empty: id, or else sub
	OrgClaim  string // names the organization
	Newcomers Newcomers
	// Keys gives the issuer's public keys as they now are, as a JWK Set. It bounds what it reads.
	Keys func(ctx context.Context) ([]byte, error)
}

// Check finds everything that is wrong with an issuer's description.
func (i Issuer) Check() error {
	var all []error
	for _, c := range []struct{ name, text, example string }{
		{"JWT issuer", i.Name, "https://id.example.com/"}, {"JWT audience", i.Audience, "https://files.example.com"}, {"JWT organization claim", i.OrgClaim, "org_id"},
	} {
		switch {
		case c.text == "":
			all = append(all, fmt.Errorf("%s: none is set; it is text such as %s", c.name, c.example))
		case !isExternalID(c.text):
			all = append(all, fmt.Errorf("%s %q: it must be at most %d bytes of UTF-8 without control characters", c.name, c.text, maxExternalID))
		}
	}
	if i.UserClaim != "" && i.UserClaim == i.OrgClaim {
		all = append(all, fmt.Errorf("JWT claims: user and organization cannot both be in %q", i.UserClaim))
	}
	switch i.Newcomers {
	case RefuseNewcomers, MakeUsers, MakeAll:
	default:
		all = append(all, fmt.Errorf("JWT newcomers %q: it must be one of refuse, users, all", i.Newcomers))
	}
	return errors.Join(all...)
}

// CheckKeys reports whether text is a JWK Set with at least one key that can be used.
func CheckKeys(text []byte) error {
	_, err := parseKeys(text)
	return err
}

// issuer verifies the tokens of an Issuer.
type issuer struct {
	Issuer
	keys   *keySet
	parser *jwt.Parser
}

func newIssuer(i Issuer, now func() time.Time, logger *slog.Logger) *issuer {
	return &issuer{Issuer: i, keys: newKeySet(i.Keys, now, logger), parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodRS256.Alg(), jwt.SigningMethodES256.Alg(), jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(jwtLeeway), jwt.WithTimeFunc(now),
		jwt.WithIssuer(i.Name), jwt.WithAudience(i.Audience), jwt.WithStrictDecoding(),
	)}
}

// isJWT reports whether a bearer token can be a JWT: ours have no dots.
func isJWT(bearer string) bool { return strings.Count(bearer, ".") == 2 }

// person is whom a token of the issuer speaks for.
type person struct {
	user    satchel.Identity
	org     satchel.Identity // zero: the token names none
	names   []string         // what the user may be called, best first
	orgName string           // what the organization may be called; may be empty
	until   time.Time        // the token's end
	origin  satchel.Origin   // where the request comes from
}

// verify gives whom a token speaks for, or CodeInvalidToken: nothing in it is believed before its signature is.
func (i *issuer) verify(ctx context.Context, bearer string) (person, error) {
	if len(bearer) > maxJWT {
		return person{}, refusedJWT(fmt.Sprintf("a JWT must be at most %d bytes", maxJWT), nil)
	}
	claims := jwt.MapClaims{}
	_, err := i.parser.ParseWithClaims(bearer, claims, func(token *jwt.Token) (any, error) {
		id, err := checkJWTHeader(token.Header)
		if err != nil {
			return nil, err
		}
		return i.keys.find(ctx, token.Method.Alg(), id)
	})
	if err != nil {
		return person{}, i.refusal(err)
	}
	return i.person(claims)
}

// checkJWTHeader gives the id of the key that a token names. Where the key can be found, and the key itself, the header may say, too: that is
// what a forger would have it say, and nobody reads it.
func checkJWTHeader(header map[string]any) (keyID string, err error) {
	if _, critical := header["crit"]; critical {
		return "", refusedJWT("its header demands extensions that are not known here (crit)", nil)
	}
	if kind, there := header["typ"]; there && !isAccessToken(kind) {
		return "", refusedJWT("it is a token of another kind (typ)", nil)
	}
	id, there := header["kid"]
	if !there {
		return "", nil
	}
	keyID, isText := id.(string)
	if !isText || keyID == "" {
		return "", refusedJWT("its header names no proper key (kid)", nil)
	}
	return keyID, nil
}

// isAccessToken reports whether a type of token is that of plain JWTs or of access tokens (RFC 9068). Others of the same issuer, with the same
// signature, mean something else: that somebody has logged out, say.
func isAccessToken(kind any) bool {
	text, _ := kind.(string)
	switch strings.TrimPrefix(strings.ToLower(text), "application/") {
	case "jwt", "at+jwt":
		return true
	}
	return false
}

// refusal puts the parser's error into words that help whoever holds the token and tell a forger nothing.
func (i *issuer) refusal(err error) error {
	if known, ok := errors.AsType[*satchel.Error](err); ok {
		return known
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	for _, c := range []struct {
		kind   error
		reason string
	}{
		{jwt.ErrTokenMalformed, "it is no well-formed JWT"},
		{jwt.ErrTokenUnverifiable, "it is not signed with RS256, ES256 or EdDSA"},
		{jwt.ErrTokenSignatureInvalid, "its signature is wrong, or not made with RS256, ES256 or EdDSA"},
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenNotValidYet, "it is not valid yet (nbf)"},
		{jwt.ErrTokenUsedBeforeIssued, "it was issued in the future (iat)"},
		{jwt.ErrTokenInvalidIssuer, "it comes from another issuer (iss)"},
		{jwt.ErrTokenInvalidAudience, "it is meant for another audience (aud)"},
		{jwt.ErrTokenRequiredClaimMissing, "it must have the claims exp, iss and aud"},
	} {
		if errors.Is(err, c.kind) {
			return refusedJWT(c.reason, err)
		}
	}
	return refusedJWT("its claims have wrong types", err)
}

func refusedJWT(reason string, cause error) error {
	return &satchel.Error{Code: satchel.CodeInvalidToken, Message: "the token is not valid: " + reason, Err: cause}
}

// person reads the claims of a token whose signature is right.
func (i *issuer) person(claims jwt.MapClaims) (person, error) {
	for _, name := range []string{"exp", "nbf", "iat"} {
		if seconds, there := claims[name].(float64); there && (seconds < 0 || seconds > maxJWTTime) {
			return person{}, refusedJWT("its claim "+name+" is no moment", nil)
		}
	}
	if _, bound := claims["cnf"]; bound {
		return person{}, refusedJWT("it is bound to a key of its holder (cnf), and cannot be used as a bearer token", nil)
	}
	user, err := i.identity(claims, i.userClaim(claims))
	if err == nil && user.ID == "" {
		err = refusedJWT("it names no user", nil)
	}
	if err != nil {
		return person{}, err
	}
	org, err := i.identity(claims, i.OrgClaim)
	if err != nil {
		return person{}, err
	}
	end, err := claims.GetExpirationTime()
	if err != nil || end == nil {
		return person{}, refusedJWT("it must have the claim exp", err)
	}
	p := person{user: user, org: org, until: end.Add(jwtLeeway), orgName: textClaim(claims, "org_name")}
	for _, name := range []string{"name", "preferred_username", "email"} {
		p.names = append(p.names, textClaim(claims, name))
	}
	return p, nil
}

func (i *issuer) userClaim(claims jwt.MapClaims) string {
	_, there := claims["id"]
	switch {
	case i.UserClaim != "":
		return i.UserClaim
	case there:
		return "id"
	}
	return "sub"
}

// identity gives whom a claim names, the zero value if it is not there.
func (i *issuer) identity(claims jwt.MapClaims, claim string) (satchel.Identity, error) {
	value, there := claims[claim]
	if !there {
		return satchel.Identity{}, nil
	}
	id, isText := value.(string)
	if !isText || id == "" || !isExternalID(id) {
		reason := fmt.Sprintf("its claim %s must be a string of 1 to %d bytes without control characters", claim, maxExternalID)
		return satchel.Identity{}, refusedJWT(reason, nil)
	}
	return satchel.Identity{Issuer: i.Name, ID: id}, nil
}

// textClaim gives a claim that only decorates; "" if it is no string.
func textClaim(claims jwt.MapClaims, name string) string {
	text, _ := claims[name].(string)
	return text
}

// isExternalID reports whether text is "", or can be an id at an issuer.
func isExternalID(text string) bool {
	return len(text) <= maxExternalID && utf8.ValidString(text) && !strings.ContainsFunc(text, isControl)
}
