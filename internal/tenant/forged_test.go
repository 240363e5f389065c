package tenant_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

// signIn gives what a token of the provider leads to.
func (i *identityTeam) signIn(t testing.TB, token string) (satchel.Caller, error) {
	t.Helper()
	return i.Identify(t.Context(), token, tenant.OrgChoice{})
}

// believed is every kind of token that is right.
func TestTokensThatAreRight(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	ada := i.link(t, i.owner, "ada", "sub-ada")
	now := i.clock.Now()
	with := func(changes object) object { return claims(now, changes) }
	tokens := map[string]string{
		"RS256":       signed(t, object{"alg": "RS256", "kid": "rsa-1", "typ": "JWT"}, with(nil), i.idp.signRS256),
		"ES256":       i.idp.es256(t, with(nil)),
		"EdDSA":       signed(t, object{"alg": "EdDSA", "kid": "ed-1"}, with(nil), i.idp.signEdDSA),
		"no key id":   signed(t, object{"alg": "RS256"}, with(nil), i.idp.signRS256),
		"RFC 9068":    signed(t, object{"alg": "ES256", "kid": "ec-1", "typ": "at+jwt"}, with(nil), i.idp.signES256),
		"media type":  signed(t, object{"alg": "ES256", "kid": "ec-1", "typ": "application/AT+JWT"}, with(nil), i.idp.signES256),
		"id":          i.idp.es256(t, with(object{"id": "sub-ada", "sub": "somebody else"})),
		"audiences":   i.idp.es256(t, with(object{"aud": []string{"https://other.example", audience}})),
		"clocks":      i.idp.es256(t, with(object{"exp": now.Add(-20 * time.Second).Unix(), "iat": now.Add(20 * time.Second).Unix(), "nbf": now.Add(20 * time.Second).Unix()})),
		"no iat":      i.idp.es256(t, with(object{"iat": nil})),
		"fractions":   i.idp.es256(t, with(object{"exp": float64(now.Unix()) + 60.5})),
		"other claim": i.idp.es256(t, with(object{"groups": []string{"a"}, "org_name": 7, "name": nil, "email": "a@example.com"})),
	}
	for name, token := range tokens {
		caller, err := i.signIn(t, token)
		if err != nil || caller.User != ada.User || caller.Org != i.owner.Org || caller.Issuer != issuerName || caller.Operator || caller.Token != "" {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
	}
}

// Every known way to forge a token, and every way in which one that is signed by the issuer can be wrong.
func TestTokensThatAreWrong(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll) // which would make whoever got through
	all := map[string]string{}
	for _, more := range []map[string]string{i.algorithms(t), i.headers(t), i.signatures(t), i.wrongClaims(t), i.shapes(t)} {
		maps.Copy(all, more)
	}
	if len(all) < 100 {
		t.Errorf("only %d forged tokens", len(all))
	}
	for name, token := range all {
		caller, err := i.signIn(t, token)
		if satchel.CodeOf(err) != satchel.CodeInvalidToken || caller.User != "" {
			t.Errorf("%s: %+v, %v", name, caller, err)
		}
		if strings.Contains(err.Error(), "sub-ada") {
			t.Errorf("%s: the refusal tells what is in the token: %v", name, err)
		}
	}
	if orgs, err := i.Orgs(t.Context(), i.operator, satchel.Slice{Limit: 100}); err != nil || len(orgs) != 3 {
		t.Errorf("organizations: %+v, %v", orgs, err)
	}
	if users, err := i.Users(t.Context(), i.owner, "", satchel.Slice{Limit: 100}); err != nil || len(users) != 4 {
		t.Errorf("users: %+v, %v", users, err)
	}
	if n := i.idp.timesAsked(); n != 1 {
		t.Errorf("the issuer was asked %d times, in no time", n)
	}
	if _, err := i.signIn(t, i.idp.es256(t, claims(i.clock.Now(), nil))); err != nil { // and the right one among them gets through
		t.Error(err)
	}
}

// algorithms are tokens that would be right under another algorithm than their key is for.
func (i *identityTeam) algorithms(t testing.TB) map[string]string {
	t.Helper()
	right := claims(i.clock.Now(), nil)
	tokens := map[string]string{}
	for _, none := range []string{"none", "None", "NONE", "nOnE", "", " none", "none\x00"} {
		tokens["alg "+none] = signed(t, object{"alg": none}, right, unsigned)
		tokens["alg with a key id "+none] = signed(t, object{"alg": none, "kid": "rsa-1"}, right, unsigned)
		tokens["alg and a signature "+none] = signed(t, object{"alg": none, "kid": "rsa-1"}, right, i.idp.signRS256)
	}
	der, err := x509.MarshalPKIXPublicKey(&i.idp.rsa.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	jwk, err := json.Marshal(i.idp.keys[0])
	if err != nil {
		t.Fatal(err)
	}
	block := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	pkcs1 := x509.MarshalPKCS1PublicKey(&i.idp.rsa.PublicKey)
	secrets := map[string][]byte{
		"PEM": block, "PEM without its last line end": []byte(strings.TrimSpace(string(block))), "DER": der, "PKCS 1": pkcs1,
		"PKCS 1 PEM": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}), "JWK": jwk, "modulus": i.idp.rsa.N.Bytes(), "nothing": nil,
	}
	for name, secret := range secrets {
		for _, id := range []string{"rsa-1", "ec-1", "ed-1"} {
			tokens["HS256 with the public key as "+name+", "+id] = signed(t, object{"alg": "HS256", "kid": id}, right, signHS256(secret))
		}
		tokens["RS256 by HMAC with the public key as "+name] = signed(t, object{"alg": "RS256", "kid": "rsa-1"}, right, signHS256(secret))
	}
	for alg, sign := range map[string]func([]byte) []byte{
		"PS256": i.idp.signPS256, "RS384": signRS(i.idp.rsa, crypto.SHA384), "RS512": signRS(i.idp.rsa, crypto.SHA512), "HS512": signHS256(der),
		"ES384": i.idp.signES256, "ES512": i.idp.signES256, "Ed25519": i.idp.signEdDSA, "EDDSA": i.idp.signEdDSA, "rs256": i.idp.signRS256, "foo": unsigned,
	} {
		for _, id := range []string{"rsa-1", "ec-1", "ed-1"} {
			tokens[alg+" with "+id] = signed(t, object{"alg": alg, "kid": id}, right, sign)
		}
	}
	tokens["alg is a number"] = signed(t, object{"alg": 256, "kid": "rsa-1"}, right, i.idp.signRS256)
	tokens["alg is a list"] = signed(t, object{"alg": []string{"RS256"}, "kid": "rsa-1"}, right, i.idp.signRS256)
	tokens["no alg"] = signed(t, object{"kid": "rsa-1"}, right, i.idp.signRS256)
	tokens["PSS under RS256"] = signed(t, object{"alg": "RS256", "kid": "rsa-1"}, right, i.idp.signPS256)
	tokens["the RSA key for ES256"] = signed(t, object{"alg": "ES256", "kid": "rsa-1"}, right, i.idp.signRS256)
	tokens["the elliptic key for RS256"] = signed(t, object{"alg": "RS256", "kid": "ec-1"}, right, i.idp.signES256)
	tokens["the elliptic key for EdDSA"] = signed(t, object{"alg": "EdDSA", "kid": "ec-1"}, right, i.idp.signES256)
	return tokens
}

// headers are tokens of a forger, who signs with a key of its own and says in the header where to find it, and such as demand what is not done here.
func (i *identityTeam) headers(t testing.TB) map[string]string {
	t.Helper()
	right := claims(i.clock.Now(), nil)
	forger := newProvider(t)
	tokens := map[string]string{}
	for name, more := range map[string]object{
		"nothing": {}, "jwk": {"jwk": ecKey("ec-1", &forger.ec.PublicKey)}, "jku": {"jku": "http://127.0.0.1:9/jwks"}, "x5u": {"x5u": "http://127.0.0.1:9/cert"},
		"x5c": {"x5c": []string{"AAAA"}}, "all": {"jwk": ecKey("ec-1", &forger.ec.PublicKey), "jku": "https://evil.example/jwks", "x5u": "https://evil.example"},
	} {
		for _, id := range []any{
			"ec-1", nil, "", "forger", "../../../../dev/null", "/dev/null", "' OR '1'='1", "x' UNION SELECT 'AA' --", "ec-1\x00", "EC-1", " ec-1", "|id",
			7, true, []string{"ec-1"}, object{"a": 1}, strings.Repeat("k", 10_000),
		} {
			header := object{"alg": "ES256"}
			maps.Copy(header, more)
			if header["kid"] = id; id == nil {
				delete(header, "kid")
			}
			text, _ := json.Marshal(id) // ids are of types that have JSON
			tokens["a forger's key, found by "+name+", named "+string(text)] = signed(t, header, right, forger.signES256)
		}
	}
	for name, header := range map[string]object{
		"crit": {"crit": []string{"exp"}}, "crit b64": {"crit": []string{"b64"}, "b64": false}, "crit nothing": {"crit": []string{}}, "crit null": {"crit": nil},
		"a logout token": {"typ": "logout+jwt"}, "a DPoP proof": {"typ": "dpop+jwt"}, "typ is a number": {"typ": 1}, "typ is empty": {"typ": ""}, "typ null": {"typ": nil},
		"kid is a number": {"kid": 1}, "kid is empty": {"kid": ""}, "kid null": {"kid": nil}, "kid of another case": {"kid": "EC-1"},
	} {
		full := object{"alg": "ES256", "kid": "ec-1"}
		maps.Copy(full, header)
		tokens[name] = signed(t, full, right, i.idp.signES256)
	}
	return tokens
}

// signatures are tokens whose signature is not the issuer's, or not whole.
func (i *identityTeam) signatures(t testing.TB) map[string]string {
	t.Helper()
	right := claims(i.clock.Now(), nil)
	forger := newProvider(t)
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tokens := map[string]string{
		"a forger's RS256": signed(t, object{"alg": "RS256", "kid": "rsa-1"}, right, forger.signRS256),
		"a forger's ES256": signed(t, object{"alg": "ES256", "kid": "ec-1"}, right, forger.signES256),
		"a forger's EdDSA": signed(t, object{"alg": "EdDSA", "kid": "ed-1"}, right, forger.signEdDSA),
	}
	head := segment(t, object{"alg": "ES256", "kid": "ec-1"}) + "." + segment(t, right) + "."
	order := elliptic.P256().Params().N
	for name, pair := range map[string][2]*big.Int{
		"0 and 0": {new(big.Int), new(big.Int)}, "0 and 1": {new(big.Int), big.NewInt(1)}, "1 and 0": {big.NewInt(1), new(big.Int)}, "1 and 1": {big.NewInt(1), big.NewInt(1)},
		"n and n": {order, order}, "0 and n": {new(big.Int), order}, "n+1 and 1": {new(big.Int).Add(order, big.NewInt(1)), big.NewInt(1)},
	} {
		tokens["r and s are "+name] = head + b64(append(pair[0].FillBytes(make([]byte, 32)), pair[1].FillBytes(make([]byte, 32))...))
	}
	whole := i.idp.signES256([]byte(strings.TrimSuffix(head, ".")))
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(whole[:32]), new(big.Int).SetBytes(whole[32:])})
	if err != nil {
		t.Fatal(err)
	}
	for name, signature := range map[string][]byte{
		"none": nil, "one byte": {0}, "half": whole[:32], "one byte less": whole[:63], "one byte more": append(whole[:64:64], 0), "twice": append(whole[:64:64], whole...),
		"DER": der, "of P-384": signES256(p384)([]byte(strings.TrimSuffix(head, "."))), "zeros as long as of P-384": make([]byte, 96),
	} {
		tokens["the signature is "+name] = head + b64(signature)
	}
	good := i.idp.es256(t, right)
	cut := strings.LastIndexByte(good, '.')
	parts := strings.Split(good, ".")
	tokens["other claims under the signature"] = parts[0] + "." + segment(t, claims(i.clock.Now(), object{"sub": "root"})) + "." + parts[2]
	tokens["another header under the signature"] = segment(t, object{"kid": "ec-1", "alg": "ES256"}) + "x." + parts[1] + "." + parts[2]
	tokens["a signature of other bytes"] = good[:cut+1] + b64(i.idp.signES256([]byte("something else")))
	tokens["EdDSA zeros"] = segment(t, object{"alg": "EdDSA", "kid": "ed-1"}) + "." + parts[1] + "." + b64(make([]byte, ed25519.SignatureSize))
	tokens["RS256 zeros"] = segment(t, object{"alg": "RS256", "kid": "rsa-1"}) + "." + parts[1] + "." + b64(make([]byte, i.idp.rsa.Size()))
	return tokens
}

// wrongClaims are tokens that the issuer has signed, and that are not for this server, this moment, or anybody.
func (i *identityTeam) wrongClaims(t testing.TB) map[string]string {
	t.Helper()
	now := i.clock.Now()
	tokens := map[string]string{}
	for name, change := range map[string]object{
		"expired": {"exp": now.Add(-31 * time.Second).Unix()}, "expired long ago": {"exp": 1}, "exp 0": {"exp": 0}, "exp below 0": {"exp": -1}, "no exp": {"exp": nil},
		"exp is text": {"exp": "9999999999"}, "exp null": {"exp": null()}, "exp is a list": {"exp": []int{1}}, "exp is beyond all time": {"exp": 1e300}, "exp true": {"exp": true},
		"not yet valid": {"nbf": now.Add(31 * time.Second).Unix()}, "nbf is text": {"nbf": "1"}, "nbf is beyond all time": {"nbf": 1e300},
		"issued in the future": {"iat": now.Add(31 * time.Second).Unix()}, "iat is text": {"iat": "1"}, "iat below all time": {"iat": -1e300},
		"another audience": {"aud": "https://other.example"}, "other audiences": {"aud": []string{"https://other.example", audience + "/"}}, "no aud": {"aud": nil},
		"aud empty": {"aud": ""}, "aud an empty list": {"aud": []string{}}, "aud null": {"aud": null()}, "aud a number": {"aud": 7}, "aud a list with a number": {"aud": []any{7, audience}},
		"aud an object": {"aud": object{audience: true}}, "aud in capitals": {"aud": strings.ToUpper(audience)}, "aud with a space": {"aud": audience + " "}, "aud in a longer one": {"aud": audience + ".evil.example"},
		"another issuer": {"iss": "https://evil.example"}, "no iss": {"iss": nil}, "iss with a slash": {"iss": issuerName + "/"}, "iss in a longer one": {"iss": issuerName + ".evil.example"},
		"iss a list": {"iss": []string{issuerName}}, "iss null": {"iss": null()}, "iss empty": {"iss": ""}, "iss under another name": {"iss": nil, "ISS": issuerName},
		"no user": {"sub": nil}, "sub empty": {"sub": ""}, "sub a number": {"sub": 7}, "sub null": {"sub": null()}, "sub a list": {"sub": []string{"sub-ada"}}, "sub too long": {"sub": strings.Repeat("s", 256)},
		"sub with a line end": {"sub": "sub\nada"}, "sub with NUL": {"sub": "sub\x00ada"}, "sub with DEL": {"sub": "a\x7f"}, "id a number beside a sub": {"id": 7}, "id empty beside a sub": {"id": ""}, "id null beside a sub": {"id": null()},
		"org a number": {"org_id": 7}, "org empty": {"org_id": ""}, "org null": {"org_id": null()}, "org a list": {"org_id": []string{"A1"}}, "org too long": {"org_id": strings.Repeat("o", 256)},
		"org with a line end": {"org_id": "A1\r\nX: y"}, "bound to a key": {"cnf": object{"jkt": "x"}}, "bound to nothing": {"cnf": null()},
	} {
		tokens[name] = i.idp.es256(t, claims(now, change))
	}
	return tokens
}

// shapes are texts that are no JWT, or nearly one.
func (i *identityTeam) shapes(t testing.TB) map[string]string {
	t.Helper()
	good := i.idp.es256(t, claims(i.clock.Now(), nil))
	parts := strings.Split(good, ".")
	header := segment(t, object{"alg": "ES256", "kid": "ec-1"})
	tokens := map[string]string{
		"two parts": parts[0] + "." + parts[1], "four parts": good + "." + parts[2], "an end": good + ".", "a beginning": "." + good, "five parts": good + ".." + parts[2],
		"dots": "..", "an empty middle": parts[0] + ".." + parts[2], "no signature": parts[0] + "." + parts[1] + ".", "no header": "." + parts[1] + "." + parts[2],
		"padded": parts[0] + "=." + parts[1] + "." + parts[2], "a padded signature": good + "==", "a space": parts[0] + ". " + parts[1] + "." + parts[2], "a line end": parts[0] + "." + parts[1] + "\n." + parts[2],
		"standard base64": parts[0] + "." + parts[1] + "." + strings.Repeat("+/", 43), "not base64": "a!.b!.c!", "bits that nobody reads": parts[0] + "." + parts[1] + "." + otherLastBits(parts[2]),
		"sat_": "sat_." + parts[1] + "." + parts[2], "huge": parts[0] + "." + strings.Repeat("A", 20<<10) + "." + parts[2],
		"huge, and signed": i.idp.es256(t, claims(i.clock.Now(), object{"padding": strings.Repeat("p", 16<<10)})),
	}
	for name, text := range map[string]string{
		"null": "null", "a list": "[]", "text": `"x"`, "a number": "7", "nothing": "", "two objects": "{}{}", "broken": `{"alg":`, "deep": strings.Repeat("[", 8000),
	} {
		tokens["claims are "+name] = signed(t, object{"alg": "ES256", "kid": "ec-1"}, text, i.idp.signES256)
		tokens["the header is "+name] = b64([]byte(text)) + "." + parts[1] + "." + parts[2]
	}
	tokens["claims are two objects, both right"] = signed(t, object{"alg": "ES256", "kid": "ec-1"}, `{"sub":"a"}`+`{"sub":"b"}`, i.idp.signES256)
	tokens["claims are behind the signature"] = header + "." + parts[2] + "." + parts[1]
	return tokens
}

// otherLastBits gives base64 of the same bytes with other bits behind the last one.
func otherLastBits(text string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(digits, text[len(text)-1])
	return text[:len(text)-1] + string(digits[last^1])
}

// An issuer may publish keys that are not for signatures, or that nobody should use: no token is right by them.
func TestKeysThatAreNotBelieved(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	with := func(key object, name string, value any) object {
		key = maps.Clone(key)
		key[name] = value
		return key
	}
	secret := []byte("a secret that somebody published")
	i.idp.keys = append(i.idp.keys,
		object{"kty": "oct", "kid": "oct", "k": b64(secret), "alg": "HS256"}, rsaKey("weak", &weak.PublicKey), ecKey("p384", &p384.PublicKey),
		with(ecKey("enc", &i.idp.ec.PublicKey), "use", "enc"), with(ecKey("other", &i.idp.ec.PublicKey), "alg", "ECDH-ES"), with(rsaKey("pss", &i.idp.rsa.PublicKey), "alg", "PS256"),
		with(ecKey("wrap", &i.idp.ec.PublicKey), "key_ops", []string{"deriveKey"}), object{"kty": "EC", "kid": "broken", "crv": "P-256", "x": "AA", "y": "AA"}, object{"kid": "nothing"})
	right := claims(i.clock.Now(), nil)
	for id, c := range map[string]struct {
		alg  string
		sign func([]byte) []byte
	}{
		"oct": {"HS256", signHS256(secret)}, "weak": {"RS256", signRS(weak, crypto.SHA256)}, "p384": {"ES256", signES256(p384)}, "enc": {"ES256", i.idp.signES256},
		"other": {"ES256", i.idp.signES256}, "pss": {"RS256", i.idp.signRS256}, "wrap": {"ES256", i.idp.signES256}, "broken": {"ES256", i.idp.signES256}, "nothing": {"ES256", i.idp.signES256},
	} {
		if _, err := i.signIn(t, signed(t, object{"alg": c.alg, "kid": id}, right, c.sign)); satchel.CodeOf(err) != satchel.CodeInvalidToken {
			t.Errorf("the key %s: %v", id, err)
		}
	}
	if _, err := i.signIn(t, i.idp.es256(t, right)); err != nil {
		t.Errorf("a good key beside them: %v", err)
	}
}

func FuzzJWT(f *testing.F) {
	i := newIdentityTeam(f, tenant.MakeAll)
	for _, token := range i.shapes(f) { // few, because a seed costs a signature to verify, many times over in a program that is watched
		if len(token) < 1<<10 {
			f.Add(token)
		}
	}
	for name, token := range i.algorithms(f) {
		if strings.HasPrefix(name, "alg") {
			f.Add(token)
		}
	}
	// Nobody but the issuer can sign, and what it signed is not among the seeds.
	f.Fuzz(func(t *testing.T, token string) {
		caller, err := i.Identify(t.Context(), token, tenant.OrgChoice{Strict: token, Hint: token})
		if code := satchel.CodeOf(err); code != satchel.CodeInvalidToken && code != satchel.CodeMissingToken || caller.User != "" {
			t.Fatalf("%q: %+v, %v", token, caller, err)
		}
	})
}

func FuzzSecret(f *testing.F) {
	s, _, secret := newService(f, newStore(f), rootToken)
	if secret != "" {
		f.Fatal("a secret beside the root token")
	}
	for _, seed := range []string{"", "sat_", "sat_" + strings.Repeat("0", 38), "sat_" + strings.Repeat("z", 32) + "000000", "Bearer x", "a.b.c", rootToken[1:], rootToken + "0", "\xff", "sat_\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, secret string) {
		if secret == rootToken {
			return
		}
		caller, err := s.Authenticate(t.Context(), secret)
		if code := satchel.CodeOf(err); code != satchel.CodeInvalidToken && code != satchel.CodeMissingToken || caller.User != "" {
			t.Fatalf("%q: %+v, %v", secret, caller, err)
		}
	})
}
