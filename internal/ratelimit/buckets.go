package ratelimit

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

// remembered is how many keys are told apart: about 10 MB at most.
const remembered = 50_000

// State is what is left for a key.
type State struct {
	Limit     int           // at once
	Remaining int           // now
	Reset     time.Duration // until it is Limit again, if nothing happens
	Retry     time.Duration // until one more is allowed; 0: now
}

// Buckets count by keys. They are safe for concurrent use.
type Buckets struct {
	rate Rate
	now  func() time.Time
	mu   sync.Mutex
	keys *simplelru.LRU[string, *rate.Limiter]
}

// NewBuckets makes buckets that are full; now is the time, nil: time.Now.
func NewBuckets(r Rate, now func() time.Time) *Buckets {
	if now == nil {
		now = time.Now
	}
	return &Buckets{rate: r, now: now, keys: newLRU[string, *rate.Limiter](remembered)}
}

// newLRU makes a memory of a size that is known to be right.
func newLRU[K comparable, V any](size int) *simplelru.LRU[K, V] {
	lru, err := simplelru.NewLRU[K, V](size, nil)
	if err != nil {
		panic("ratelimit: " + err.Error()) // the size is a constant above 0
	}
	return lru
}

// Take counts one for the key, unless it has had its share: then ok is false, and nothing is counted.
func (b *Buckets) Take(key string) (state State, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	bucket, known := b.keys.Get(key)
	if !known {
		bucket = rate.NewLimiter(rate.Limit(float64(b.rate.Times)/b.rate.Per.Seconds()), b.rate.Times)
		b.keys.Add(key, bucket)
	}
	now := b.now()
	ok = bucket.AllowN(now, 1)
	return b.stateOf(bucket, now), ok
}

// State tells what is left for the key.
func (b *Buckets) State(key string) State {
	b.mu.Lock()
	defer b.mu.Unlock()
	if bucket, known := b.keys.Get(key); known {
		return b.stateOf(bucket, b.now())
	}
	return State{Limit: b.rate.Times, Remaining: b.rate.Times}
}

func (b *Buckets) stateOf(bucket *rate.Limiter, now time.Time) State {
	left := min(max(bucket.TokensAt(now), 0), float64(b.rate.Times))
	each := float64(b.rate.Per) / float64(b.rate.Times)
	s := State{Limit: b.rate.Times, Remaining: int(left), Reset: time.Duration((float64(b.rate.Times) - left) * each)}
	if left < 1 {
		s.Retry = time.Duration((1 - left) * each)
	}
	return s
}

// rememberedSecrets is how many wrong secrets a Guard knows, and for how long.
const (
	rememberedSecrets = 10_000
	rememberedFor     = time.Minute
)

// Guard slows down whoever guesses secrets. Only failures count, and a right secret always passes: others may come from the same address. Where an
// address has had its share of failures, a secret that was wrong before is refused unseen. It is safe for concurrent use.
type Guard struct {
	failures *Buckets
	mu       sync.Mutex
	wrong    *simplelru.LRU[[32]byte, time.Time]
}

// NewGuard makes a Guard that lets so many failures pass; now is the time, nil: time.Now.
func NewGuard(r Rate, now func() time.Time) *Guard {
	return &Guard{failures: NewBuckets(r, now), wrong: newLRU[[32]byte, time.Time](rememberedSecrets)}
}

// Refuses reports whether a secret needs no look: it was wrong lately, and the address has failed too often.
func (g *Guard) Refuses(address, secret string) (State, bool) {
	state := g.failures.State(address)
	if state.Retry == 0 {
		return state, false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	until, known := g.wrong.Get(sha256.Sum256([]byte(secret)))
	return state, known && g.failures.now().Before(until)
}

// Failed counts a wrong secret; ok is false if the address has failed too often.
func (g *Guard) Failed(address, secret string) (state State, ok bool) {
	g.mu.Lock()
	g.wrong.Add(sha256.Sum256([]byte(secret)), g.failures.now().Add(rememberedFor))
	g.mu.Unlock()
	return g.failures.Take(address)
}
