package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/satchel-files/satchel/internal/tenant"
)

const (
	maxJWKS      = 1 << 20 // bytes
	jwksTimeout  = 5 * time.Second
	maxRedirects = 3
)

// on reports whether there is an issuer, or was meant to be.
func (j JWT) on() bool {
	return j.JWKSURL != "" || j.JWKSFile != "" || j.Issuer != "" || j.Audience != ""
}

// issuer is nil where there is none.
func (j JWT) issuer() *tenant.Issuer {
	if !j.on() {
		return nil
	}
	keys := func(context.Context) ([]byte, error) { return readJWKS(j.JWKSFile) }
	if j.JWKSURL != "" {
		client := &http.Client{Timeout: jwksTimeout, CheckRedirect: checkJWKSRedirect}
		keys = func(ctx context.Context) ([]byte, error) { return fetchJWKS(ctx, client, j.JWKSURL) }
	}
	return &tenant.Issuer{
		Name: j.Issuer, Audience: j.Audience, UserClaim: j.UserClaim, OrgClaim: j.OrgClaim, Newcomers: tenant.Newcomers(j.New), Keys: keys,
	}
}

func (j JWT) check() error {
	if !j.on() {
		if j != DefaultConfig().JWT {
			return errors.New("JWT: claims or what is done with newcomers are set, but no issuer; set SATCHEL_JWT_ISSUER, SATCHEL_JWT_AUDIENCE and SATCHEL_JWT_JWKS_URL")
		}
		return nil
	}
	return errors.Join(j.issuer().Check(), j.checkKeys())
}

// checkKeys looks at where the keys come from. A file must be right; an issuer that cannot be reached now may be later.
func (j JWT) checkKeys() error {
	switch {
	case j.JWKSURL == "" && j.JWKSFile == "":
		return errors.New("JWT keys: set SATCHEL_JWT_JWKS_URL, or else SATCHEL_JWT_JWKS_FILE")
	case j.JWKSURL != "" && j.JWKSFile != "":
		return errors.New("JWT keys: SATCHEL_JWT_JWKS_URL and SATCHEL_JWT_JWKS_FILE are both set; leave one out")
	case j.JWKSURL != "":
		u, err := url.Parse(j.JWKSURL)
		if err != nil || !isSafeForKeys(u) {
			return fmt.Errorf("JWT keys: %q is not where keys can come from: write https://id.example.com/jwks, or http on this machine", j.JWKSURL)
		}
		return nil
	}
	text, err := readJWKS(j.JWKSFile)
	if err == nil {
		err = tenant.CheckKeys(text)
	}
	if err != nil {
		return fmt.Errorf("JWT keys: %w", err)
	}
	return nil
}

// isSafeForKeys reports whether nobody between here and there can put keys of its own in the place of the issuer's.
func isSafeForKeys(u *url.URL) bool {
	host := u.Hostname()
	ip := net.ParseIP(host)
	loopback := strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
	return host != "" && u.User == nil && (u.Scheme == "https" || u.Scheme == "http" && loopback)
}

func checkJWKSRedirect(request *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if !isSafeForKeys(request.URL) || via[0].URL.Scheme == "https" && request.URL.Scheme != "https" { // what is on loopback is not the issuer's
		return fmt.Errorf("a redirect to %s, where keys cannot come from", request.URL.Redacted())
	}
	return nil
}

func fetchJWKS(ctx context.Context, client *http.Client, address string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", address, response.StatusCode)
	}
	return readBounded(response.Body, address)
}

func readJWKS(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // of what was only read
	return readBounded(file, name)
}

func readBounded(r io.Reader, name string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxJWKS+1))
	if err == nil && len(text) > maxJWKS {
		err = fmt.Errorf("%s has more than %d bytes", name, maxJWKS)
	}
	return text, err
}
