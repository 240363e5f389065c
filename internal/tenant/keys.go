package tenant

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"github.com/satchel-files/satchel"
)

const (
	keysAskedEvery  = 10 * time.Second // at most so often the issuer is asked for its keys, whatever tokens come
	keysFreshFor    = 5 * time.Minute  // after which they are loaded again: a key that the issuer withdrew is refused from then on
	keysRetryAfter  = 30 * time.Second // when they could not be loaded
	keysLoadTimeout = 5 * time.Second
	maxKeys         = 64   // of one issuer
	minRSA          = 2048 // bits
)

// keySet is the public keys of an issuer. They are loaded beside the requests: one whose key is known never waits, and whoever ends its request
// early stops no load that others wait for. Keys stay known while the issuer cannot be reached.
//
// jwkset has a store that loads keys by itself. It is not used: a load of that belongs to the request that set it off, its answer may be of any
// size, one broken key spoils the whole set, and it makes the start wait for the issuer.
type keySet struct {
	load   func(ctx context.Context) ([]byte, error)
	now    func() time.Time
	logger *slog.Logger
	stop   context.CancelFunc // of loads
	begin  func()             // begins a load; called under mu
	loads  sync.WaitGroup

	mu      sync.RWMutex
	keys    []publicKey
	loaded  bool          // at least once
	failed  bool          // the last load
	asked   time.Time     // when the last load began
	loading chan struct{} // closed when the load that is under way has ended; nil: none is
}

// publicKey is a key with what its owner says that it is for.
type publicKey struct {
	id        string
	algorithm string
	key       any // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

func newKeySet(load func(ctx context.Context) ([]byte, error), now func() time.Time, logger *slog.Logger) *keySet {
	k := &keySet{load: load, now: now, logger: logger}
	ctx, stop := context.WithCancel(context.Background())
	k.stop = stop
	k.begin = func() {
		k.asked, k.loading = k.now(), make(chan struct{})
		k.loads.Go(func() { k.reload(ctx) })
	}
	return k
}

// close ends a load that is under way, and waits for its end.
func (k *keySet) close() {
	k.stop()
	k.loads.Wait()
}

// find gives the keys that a token's header can mean. For one that is not known the issuer is asked, if it was not asked just before.
// CodeUnavailable says that no keys could be loaded yet.
func (k *keySet) find(ctx context.Context, algorithm, id string) (jwt.VerificationKeySet, error) {
	found := k.known(algorithm, id)
	if len(found.Keys) > 0 {
		return found, nil
	}
	if loading := k.refresh(); loading != nil {
		select {
		case <-loading:
		case <-ctx.Done():
			return found, ctx.Err()
		}
	}
	found = k.known(algorithm, id) // even if no load is under way: one may have ended since the first look
	k.mu.RLock()
	defer k.mu.RUnlock()
	switch {
	case len(found.Keys) > 0:
		return found, nil
	case !k.loaded:
		return found, satchel.Errorf(satchel.CodeUnavailable, "the keys of the token's issuer could not be loaded yet; try again")
	}
	return found, refusedJWT("its issuer has no such key", nil)
}

// known gives the loaded keys that fit. A token that names no key may be signed with any.
func (k *keySet) known(algorithm, id string) jwt.VerificationKeySet {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var found jwt.VerificationKeySet
	for _, key := range k.keys {
		if key.algorithm == algorithm && (key.id == id || id == "") {
			found.Keys = append(found.Keys, key.key)
		}
	}
	return found
}

// refresh begins to load the keys anew, unless that was begun just before, and gives what ends with the load that is under way; nil: none is.
func (k *keySet) refresh() <-chan struct{} {
	k.mu.Lock()
	defer k.mu.Unlock()
	if since := k.now().Sub(k.asked); k.loading == nil && (since >= keysAskedEvery || since < 0) {
		k.begin()
	}
	return k.loading
}

func (k *keySet) reload(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, keysLoadTimeout)
	defer cancel()
	keys, err := k.fetch(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.failed = err != nil; k.failed {
		k.logger.WarnContext(ctx, "the keys of the tokens' issuer could not be loaded; those that are known stay", "known", len(k.keys), "err", err)
	} else {
		k.keys, k.loaded = keys, true
	}
	close(k.loading)
	k.loading = nil
}

func (k *keySet) fetch(ctx context.Context) ([]publicKey, error) {
	text, err := k.load(ctx)
	if err != nil {
		return nil, err
	}
	return parseKeys(text)
}

// keep loads the keys now and then until ctx ends.
func (k *keySet) keep(ctx context.Context) {
	for {
		if loading := k.refresh(); loading != nil {
			select {
			case <-loading:
			case <-ctx.Done():
				return
			}
		}
		timer := time.NewTimer(k.pause())
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

func (k *keySet) pause() time.Duration {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.failed {
		return keysRetryAfter
	}
	return keysFreshFor
}

// parseKeys reads a JWK Set (RFC 7517). Keys that are for something else are left out; a set without one that can be used is an error.
func parseKeys(text []byte) ([]publicKey, error) {
	var set jwkset.JWKSMarshal
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("this is no JWK Set: %w", err)
	}
	if len(set.Keys) > maxKeys {
		return nil, fmt.Errorf("the JWK Set has %d keys, and %d are the most", len(set.Keys), maxKeys)
	}
	var keys []publicKey
	var wrong []error
	for _, raw := range set.Keys {
		key, err := parseKey(raw)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("key %.64q: %w", raw.KID, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, errors.Join(append([]error{errors.New("there is no key for RS256, ES256 or EdDSA in the JWK Set")}, wrong...)...)
	}
	return keys, nil
}

func parseKey(raw jwkset.JWKMarshal) (publicKey, error) {
	if raw.USE != "" && raw.USE != jwkset.UseSig {
		return publicKey{}, fmt.Errorf("it is not for signatures, but for %.64q", raw.USE)
	}
	if len(raw.KEYOPS) > 0 && !slices.Contains(raw.KEYOPS, jwkset.KeyOpsVerify) {
		return publicKey{}, fmt.Errorf("it does not verify, but is for %.64q", raw.KEYOPS)
	}
	raw.KEYOPS, raw.X5U, raw.X5C, raw.X5T, raw.X5TS256 = nil, "", nil, "", "" // the key itself is what is believed
	parsed, err := jwkset.NewJWKFromMarshal(raw, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		return publicKey{}, err
	}
	key := publicKey{id: raw.KID, key: parsed.Key()}
	switch k := key.key.(type) {
	case *rsa.PublicKey:
		if k.N.BitLen() < minRSA {
			return publicKey{}, fmt.Errorf("an RSA key of %d bits can be broken", k.N.BitLen())
		}
		key.algorithm = jwt.SigningMethodRS256.Alg()
	case *ecdsa.PublicKey:
		if k.Curve != elliptic.P256() {
			return publicKey{}, errors.New("its curve is not P-256")
		}
		key.algorithm = jwt.SigningMethodES256.Alg()
	case ed25519.PublicKey:
		key.algorithm = jwt.SigningMethodEdDSA.Alg()
	default:
		return publicKey{}, fmt.Errorf("a key of type %.64q signs nothing here", raw.KTY)
	}
	if alg := string(raw.ALG); alg != "" && alg != key.algorithm {
		return publicKey{}, fmt.Errorf("it is for %.64q, and %s is what is taken of such keys", alg, key.algorithm)
	}
	return key, nil
}
