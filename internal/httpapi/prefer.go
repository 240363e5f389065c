package httpapi

import (
	"strconv"
	"strings"
	"time"
)

const (
	maxWait    = 120 * time.Second // that a client may ask for
	updateWait = 30 * time.Second  // for the AI, in a metadata update that does not say how long
)

// preferences is what a Prefer header (RFC 7240) asks for; what we do not know or cannot read is left out, as the RFC wants.
type preferences struct {
	strict bool
	async  bool           // respond-async: do not wait
	wait   *time.Duration // at most maxWait; nil: it does not say
}

func parsePrefer(headers []string) preferences {
	var p preferences
	seen := map[string]bool{} // the first of several instances counts
	for _, header := range headers {
		for preference := range strings.SplitSeq(header, ",") {
			preference, _, _ = strings.Cut(preference, ";")
			name, value, _ := strings.Cut(preference, "=")
			name = strings.ToLower(strings.TrimSpace(name))
			if !seen[name] {
				seen[name] = true
				p.set(name, strings.Trim(strings.TrimSpace(value), `"`))
			}
		}
	}
	return p
}

func (p *preferences) set(name, value string) {
	switch name {
	case "handling":
		p.strict = strings.EqualFold(value, "strict")
	case "respond-async":
		p.async = true
	case "wait":
		if seconds, err := strconv.ParseUint(value, 10, 32); err == nil {
			wait := min(time.Duration(seconds)*time.Second, maxWait)
			p.wait = &wait
		}
	}
}

// waiting gives how long an operation that starts a run waits for its end; def is for clients that do not say. What was followed is noted in
// the call.
func (c *call) waiting(def time.Duration) time.Duration {
	switch {
	case c.prefer.wait != nil: // with respond-async as well: how long to wait before not waiting any more
		c.applied = append(c.applied, "wait="+strconv.Itoa(int(*c.prefer.wait/time.Second)))
		return *c.prefer.wait
	case c.prefer.async:
		c.applied = append(c.applied, "respond-async")
		return 0
	}
	return def
}
