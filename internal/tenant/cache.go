package tenant

import (
	"sync"
	"time"

	"github.com/satchel-files/satchel"
)

// A caller is believed for so long without another look at its token: revoking works within a second everywhere.
const (
	cacheTime = 500 * time.Millisecond
	cacheSize = 10_000
)

// tokenCache remembers for a moment who a token speaks for, so that a busy client costs one look-up and not thousands.
type tokenCache struct {
	now     func() time.Time
	mu      sync.RWMutex
	callers map[[32]byte]cachedCaller
	age     int // how often everything was forgotten
}

type cachedCaller struct {
	satchel.Caller
	until time.Time
}

func newTokenCache(now func() time.Time) *tokenCache {
	return &tokenCache{now: now, callers: map[[32]byte]cachedCaller{}}
}

func (c *tokenCache) get(hash [32]byte) (satchel.Caller, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	entry, ok := c.callers[hash]
	return entry.Caller, ok && c.now().Before(entry.until)
}

// seen is to be asked before a token is looked up, and given to put with what was found.
func (c *tokenCache) seen() (age int) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.age
}

// put keeps a caller, but not for longer than its token is valid (zero: that has no end), and not if it may have been revoked since it was looked up.
func (c *tokenCache) put(hash [32]byte, caller satchel.Caller, end time.Time, age int) {
	until := c.now().Add(cacheTime)
	if !end.IsZero() && end.Before(until) {
		until = end
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if age != c.age {
		return
	}
	if len(c.callers) >= cacheSize {
		clear(c.callers)
	}
	c.callers[hash] = cachedCaller{caller, until}
}

// forget makes the next use of any token look it up again.
func (c *tokenCache) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.callers)
	c.age++
}
