package satchel

import (
	"crypto/rand"
	"encoding/binary"
	"strings"
	"sync"
	"time"
)

// Ids of our own making: opaque to clients, unique without coordination, and never reused.
type (
	// FileID is "file-" and 25 characters that sort by the time of creation.
	FileID string
	// BlobID names one stored object: 25 characters, the first of which are the time when staging started.
	BlobID string
	// OrgID is "org-" and 25 characters. It never changes, whatever the organization is called.
	OrgID string
	// UserID is "user-" and 25 characters.
	UserID string
	// TokenID is "tok-" and 25 characters. It names a token without being its secret.
	TokenID string
	// ReservationID names room that an upload holds while it streams.
	ReservationID string
)

// WorkspaceID is the name that people gave a workspace; ParseWorkspaceID has its form.
type WorkspaceID string

// The alphabet of base32hex (RFC 4648) in lower case: its order in ASCII is the order of its digits, so encoded ids sort like numbers.
const idAlphabet = "0123456789abcdefghijklmnopqrstuv"

const (
	idLength    = 25 // characters of 5 bits: 48 bits of milliseconds, 13 of a counter or chance, 64 of chance
	counterBits = 13
	microBits   = 10 // of them, where there is no counter: the microsecond in its millisecond
	filePrefix  = "file-"
)

// encodeID writes the low 61 bits of hi and all of lo as 25 characters.
func encodeID(hi, lo uint64) string {
	var b [idLength]byte
	for i := idLength - 1; i >= 0; i-- {
		b[i] = idAlphabet[lo&31]
		lo = lo>>5 | hi<<59
		hi >>= 5
	}
	return string(b[:])
}

// decodeHigh reads back the 61 high bits of an encoded id; ok is false when s is no such id.
func decodeHigh(s string) (hi uint64, ok bool) {
	if len(s) != idLength {
		return 0, false
	}
	for i := range idLength {
		digit := strings.IndexByte(idAlphabet, s[i])
		if digit < 0 {
			return 0, false
		}
		switch {
		case i < 12: // 60 bits
			hi = hi<<5 | uint64(digit)
		case i == 12: // the last of the 61 is the first of this digit's five
			hi = hi<<1 | uint64(digit>>4)
		}
	}
	return hi, true
}

// LooksLikeID reports whether text has the form of an id of ours that names a user, an organization, a token or a file: a word, a hyphen and 25 characters. No
// name may, or it could be taken for somebody else.
func LooksLikeID(text string) bool {
	for _, prefix := range []string{"org-", "user-", "tok-", filePrefix} {
		if rest, ok := strings.CutPrefix(text, prefix); ok {
			_, ok = decodeHigh(rest)
			return ok
		}
	}
	return false
}

func randomUint64() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint64(b[:])
}

// newID mints an id that sorts by its microsecond, so that what one caller makes after another is listed in this order (RFC 9562 §6.2, method 3).
func newID(now time.Time) string {
	micros := uint64(now.UnixMicro())
	chance := randomUint64() & (1<<(counterBits-microBits) - 1)
	return encodeID(micros/1000<<counterBits|micros%1000<<(counterBits-microBits)|chance, randomUint64())
}

// NewBlobID mints the id of an object whose staging starts now.
func NewBlobID(now time.Time) BlobID { return BlobID(newID(now)) }

// NewOrgID mints an organization's id.
func NewOrgID(now time.Time) OrgID { return OrgID("org-" + newID(now)) }

// NewUserID mints a user's id.
func NewUserID(now time.Time) UserID { return UserID("user-" + newID(now)) }

// NewTokenID mints a token's id.
func NewTokenID(now time.Time) TokenID { return TokenID("tok-" + newID(now)) }

// NewReservationID mints a reservation's id.
func NewReservationID(now time.Time) ReservationID { return ReservationID(newID(now)) }

// ParseBlobID gives the id that s spells; ok is false when it spells none.
func ParseBlobID(s string) (id BlobID, ok bool) {
	_, ok = decodeHigh(s)
	return BlobID(s), ok
}

// Time is the moment in which the object's staging started, to the millisecond.
func (id BlobID) Time() time.Time { return idTime(string(id)) }

// ParseFileID gives the id that s spells; ok is false when it spells none. It says nothing about whether such a file exists.
func ParseFileID(s string) (id FileID, ok bool) {
	rest, found := strings.CutPrefix(s, filePrefix)
	if !found {
		return "", false
	}
	_, ok = decodeHigh(rest)
	return FileID(s), ok
}

// Time is the moment in which the id was minted, to the millisecond; zero for a malformed id.
func (id FileID) Time() time.Time { return idTime(strings.TrimPrefix(string(id), filePrefix)) }

func idTime(s string) time.Time {
	hi, ok := decodeHigh(s)
	if !ok {
		return time.Time{}
	}
	return time.UnixMilli(int64(hi >> counterBits)).UTC()
}

// idSequence mints the part of ids that rises strictly, also within a millisecond and when the clock steps back.
type idSequence struct {
	mu   sync.Mutex
	last uint64
}

func (m *idSequence) next(now time.Time) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = max(m.last+1, uint64(now.UnixMilli())<<counterBits)
	return encodeID(m.last, randomUint64())
}

func (m *idSequence) startAfter(id string) {
	hi, ok := decodeHigh(id)
	if !ok {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.last = max(m.last, hi)
}

// trimmed gives what stands behind a prefix, and "" for text without it.
func trimmed(s, prefix string) string {
	rest, _ := strings.CutPrefix(s, prefix)
	if len(rest) == len(s) {
		return ""
	}
	return rest
}

// FileIDs mints file ids that rise strictly, also within a millisecond and when the clock steps back.
// It is safe for concurrent use; the zero value is ready.
type FileIDs struct{ idSequence }

// Next mints the id of a file that is created at the moment now.
func (m *FileIDs) Next(now time.Time) FileID { return FileID(filePrefix + m.next(now)) }

// StartAfter makes every id minted from now on sort behind id. A malformed id changes nothing.
func (m *FileIDs) StartAfter(id FileID) { m.startAfter(strings.TrimPrefix(string(id), filePrefix)) }
