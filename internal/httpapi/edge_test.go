package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestClientOf(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		name, peer string
		forwarded  []string
		want       string
	}{
		{"nobody in between", "203.0.113.9:4711", nil, "203.0.113.9:4711"},
		{"a stranger who claims to be a proxy", "203.0.113.9:4711", []string{"198.51.100.1"}, "203.0.113.9:4711"},
		{"a proxy", "10.0.0.1:80", []string{"198.51.100.1"}, "198.51.100.1"},
		{"a proxy that says nothing", "10.0.0.1:80", nil, "10.0.0.1"},
		{"two proxies", "10.0.0.1:80", []string{"198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"in two headers", "10.0.0.1:80", []string{"198.51.100.1", "10.0.0.2"}, "198.51.100.1"},
		{"what a client wrote itself", "10.0.0.1:80", []string{"127.0.0.1, 198.51.100.1"}, "198.51.100.1"},
		{"nonsense", "10.0.0.1:80", []string{"198.51.100.1, unknown"}, "10.0.0.1"},
		{"nonsense behind a proxy", "10.0.0.1:80", []string{"x, 10.0.0.2"}, "10.0.0.2"},
		{"with a port", "10.0.0.1:80", []string{"198.51.100.1:443"}, "198.51.100.1"},
		{"IPv6 with a port", "10.0.0.1:80", []string{"[2001:db8::7]:443"}, "2001:db8::7"},
		{"IPv6", "[::1]:80", []string{"2001:db8::7"}, "2001:db8::7"},
		{"IPv4 as IPv6", "[::ffff:10.0.0.1]:80", []string{"::ffff:198.51.100.1"}, "198.51.100.1"},
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.RemoteAddr = c.peer
		for _, value := range c.forwarded {
			r.Header.Add("X-Forwarded-For", value)
		}
		if got := clientOf(r, trusted); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if got := addressOf(r, trusted); strings.TrimSuffix(c.want, ":4711") != got {
			t.Errorf("%s: the address is %s", c.name, got)
		}
	}
}

func TestOrigins(t *testing.T) {
	answer := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }
	for _, c := range []struct {
		name, origin string
		allowed      []string
		want         string // Access-Control-Allow-Origin
	}{
		{"off by default", "https://app.example", nil, ""},
		{"one that is allowed", "https://app.example", []string{"https://app.example"}, "https://app.example"},
		{"one that only looks so", "https://app.example.evil.test", []string{"https://app.example"}, ""},
		{"before it", "https://evil-app.example", []string{"https://app.example"}, ""},
		{"by another scheme", "http://app.example", []string{"https://app.example"}, ""},
		{"at another port", "https://app.example:8443", []string{"https://app.example"}, ""},
		{"a page of nowhere", "null", []string{"https://app.example"}, ""},
		{"below it", "https://x.app.example", []string{"https://app.example"}, ""},
		{"above it", "https://example", []string{"https://app.example"}, ""},
		{"with a dot behind it", "https://app.example.", []string{"https://app.example"}, ""},
		{"with its port", "https://app.example:443", []string{"https://app.example"}, ""},
		{"with a path", "https://app.example/", []string{"https://app.example"}, ""},
		{"as a user", "https://app.example@evil.test", []string{"https://app.example"}, ""},
		{"with a user", "https://evil@app.example", []string{"https://app.example"}, ""},
		{"two of them", "https://app.example https://evil.test", []string{"https://app.example"}, ""},
		{"in letters that look the same", "https://\u0430pp.example", []string{"https://app.example"}, ""},
		{"without a scheme", "app.example", []string{"https://app.example"}, ""},
		{"in capitals, which are the same origin", "HTTPS://APP.example", []string{"https://app.example"}, "HTTPS://APP.example"},
		{"any", "https://app.example", []string{"*"}, "*"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			r := httptest.NewRequestWithContext(t.Context(), method, "/files", nil)
			r.Header.Set("Origin", c.origin)
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", http.MethodPost)
				r.Header.Set("Access-Control-Request-Headers", "authorization,content-type,idempotency-key,x-stainless-os")
			}
			w := httptest.NewRecorder()
			acrossOrigins(c.allowed, answer)(w, r)
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != c.want {
				t.Errorf("%s, %s: allowed %q, want %q", c.name, method, got, c.want)
			}
			if w.Header().Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: credentials are allowed", c.name)
			}
			if method == http.MethodGet && w.Code != http.StatusTeapot {
				t.Errorf("%s: %d", c.name, w.Code)
			}
		}
	}
}
