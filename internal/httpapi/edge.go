package httpapi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/rs/cors"
)

// preflightAge is how many seconds a browser may remember what it was allowed.
const preflightAge = 600

// acrossOrigins lets pages of the given origins use the API from a browser; without any, none. Tokens come in a header that a page must set itself, so
// no cookie can be ridden on, and any header may be sent: the SDKs have many.
func acrossOrigins(origins []string, next http.HandlerFunc) http.HandlerFunc {
	if len(origins) == 0 {
		return next
	}
	policy := cors.New(cors.Options{
		AllowedOrigins: origins, AllowedHeaders: []string{"*"}, MaxAge: preflightAge,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		ExposedHeaders: []string{
			"X-Request-Id", "X-Satchel-Run", "X-Satchel-Ignored", "X-Satchel-Left", "X-Should-Retry", "Preference-Applied", "Retry-After",
			"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests",
			"ETag", "Content-Range", "Accept-Ranges", "Content-Disposition", "Content-Length",
		},
	})
	return policy.Handler(next).ServeHTTP
}

// clientOf gives the address from which a request comes. A proxy that is trusted is believed about whom it speaks for, and so on along the chain that
// X-Forwarded-For has; what stands before the first address that is not trusted, anybody can have written.
func clientOf(r *http.Request, trusted []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !within(peer.Addr(), trusted) {
		return r.RemoteAddr
	}
	client := peer.Addr()
	chain := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(chain) {
		addr, err := addressIn(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		if client = addr.Unmap(); !within(client, trusted) {
			break
		}
	}
	return client.String()
}

// addressIn reads an address of X-Forwarded-For, to which some proxies add the port.
func addressIn(hop string) (netip.Addr, error) {
	if addr, err := netip.ParseAddrPort(hop); err == nil {
		return addr.Addr(), nil
	}
	return netip.ParseAddr(hop)
}

func within(addr netip.Addr, networks []netip.Prefix) bool {
	return slices.ContainsFunc(networks, func(n netip.Prefix) bool { return n.Contains(addr.Unmap()) })
}
