package daemon

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// Keys are followed to where they may come from, and not from a protected way to an unprotected one.
func TestRedirectsOfKeys(t *testing.T) {
	for _, c := range []struct {
		from, to string
		ok       bool
	}{
		{"https://id.example.com/jwks", "https://keys.example.com/jwks", true},
		{"http://127.0.0.1:4000/jwks", "http://127.0.0.1:4001/jwks", true},
		{"http://127.0.0.1:4000/jwks", "https://id.example.com/jwks", true},
		{"https://id.example.com/jwks", "http://127.0.0.1:4000/jwks", false},
		{"https://id.example.com/jwks", "http://keys.example.com/jwks", false},
		{"https://id.example.com/jwks", "https://user@keys.example.com/jwks", false},
		{"http://localhost:4000/jwks", "ftp://localhost/jwks", false},
	} {
		request := func(address string) *http.Request {
			return httptest.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		}
		if err := checkJWKSRedirect(request(c.to), []*http.Request{request(c.from)}); (err == nil) != c.ok {
			t.Errorf("from %s to %s: %v", c.from, c.to, err)
		}
	}
	if err := checkJWKSRedirect(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "https://id.example.com", nil), make([]*http.Request, maxRedirects+1)); err == nil {
		t.Error("it goes on for ever")
	}
}
