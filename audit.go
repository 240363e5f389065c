package satchel

import (
	"encoding/json"
	"net/netip"
	"time"
)

// Places that changes come from without a request over the network.
const (
	AddressLocal  = "local"  // a command that works on the data folder itself
	AddressServer = "server" // the server by itself: an expiry, say
)

// MaxAuditDetails bounds the details of an AuditEntry, in bytes.
const MaxAuditDetails = 1 << 10

// Origin is where a call comes from, for the audit. It gives no rights.
type Origin struct {
	Address string // an IP address, AddressLocal or AddressServer
	Request string // the request's id; empty: there was none
}

// Network gives what attempts of somebody unknown are summed by: the address, of IPv6 its first 64 bits, which are one customer's.
func (o Origin) Network() string {
	addr, err := netip.ParseAddr(o.Address)
	if err != nil || addr.Is4() {
		return o.Address
	}
	network, err := addr.WithZone("").Prefix(64)
	if err != nil {
		return o.Address
	}
	return network.String()
}

// AuditID is "aud-" and 25 characters that sort by the time when the entry was written.
type AuditID string

const auditPrefix = "aud-"

// AuditEntry is one line of the record of who did what: a change, written in the transaction that made it, or refused attempts of one kind, summed.
// It has neither secrets nor values of metadata.
type AuditEntry struct {
	ID        AuditID
	Org       OrgID  // in whose record it stands; empty: in the installation's, which operators read
	User      UserID // who it was; empty: nobody knows, or the server by itself
	Token     TokenID
	Address   string // see Origin; for refused attempts without a user the network that they came from
	Request   string // of refused attempts, of one of them
	Action    string // the id of the operation in the API, such as deleteFile
	Object    string // the id of what was changed; empty: it has none. Of an upload the first file
	Last      string // of an upload of several files the last one: their ids, and no others, lie between
	Workspace WorkspaceID
	Code      Code      // empty: it was done; else why it was refused
	Count     int64     // 1, and for refused attempts how many
	FirstAt   time.Time // of refused attempts; zero: it was a change
	LastAt    time.Time
	Details   string // a JSON object of ids, words and numbers, at most MaxAuditDetails long; empty: nothing to add
}

// At is when the entry was written.
func (e *AuditEntry) At() time.Time { return e.ID.Time() }

// Time is the moment in which the id was minted, to the millisecond; zero for a malformed id.
func (id AuditID) Time() time.Time { return idTime(trimmed(string(id), auditPrefix)) }

// ParseAuditID gives the id that s spells; ok is false when it spells none.
func ParseAuditID(s string) (id AuditID, ok bool) {
	_, ok = decodeHigh(trimmed(s, auditPrefix))
	return AuditID(s), ok
}

const maxMillis = 1<<48 - 1 // that an id has room for

// AuditIDAt gives an id before which all entries of before a moment stand, and behind which those of then and later; "" for the zero moment.
func AuditIDAt(at time.Time) AuditID {
	if at.IsZero() || at.UnixMilli() < 0 {
		return ""
	}
	return AuditID(auditPrefix + encodeID(min(uint64(at.UnixMilli()), maxMillis)<<counterBits, 0))
}

// AuditIDs mints ids of entries, which rise strictly. It is safe for concurrent use; the zero value is ready.
type AuditIDs struct{ idSequence }

// Next mints the id of an entry that is written at the moment now.
func (m *AuditIDs) Next(now time.Time) AuditID { return AuditID(auditPrefix + m.next(now)) }

// AuditQuery says which entries of an organization's record are wanted, newest first. What is empty or zero is no condition.
type AuditQuery struct {
	User   UserID
	Action string
	Object string    // an upload has all its files
	Since  time.Time // this moment or later
	Until  time.Time // before this moment
	Before AuditID   // older than this one, which need not exist
	Limit  int
}

// Did gives the entry for what was done in a scope. Details that would be too long are left out, and that is said.
func (s Scope) Did(action, object string, details map[string]any) AuditEntry {
	return AuditEntry{
		Org: s.Org, User: s.User, Token: s.Token, Address: s.Origin.Address, Request: s.Origin.Request,
		Action: action, Object: object, Workspace: s.Workspace, Count: 1, Details: encodeDetails(details),
	}
}

// Did gives the entry for what a caller did in its organization.
func (c Caller) Did(action, object string, details map[string]any) AuditEntry {
	return AuditEntry{
		Org: c.Org, User: c.User, Token: c.Token, Address: c.Origin.Address, Request: c.Origin.Request,
		Action: action, Object: object, Count: 1, Details: encodeDetails(details),
	}
}

func encodeDetails(details map[string]any) string {
	if len(details) == 0 {
		return ""
	}
	text, err := json.Marshal(details)
	if err != nil || len(text) > MaxAuditDetails {
		return `{"cut":true}`
	}
	return string(text)
}

// auditKeys bounds the bytes that names of metadata keys take in the details.
const auditKeys = 700

// AuditKeys adds the names of metadata keys that were changed to details, as many as there is room for.
func AuditKeys(details map[string]any, keys []string) {
	room := auditKeys
	for i, key := range keys {
		text, err := json.Marshal(key)
		if room -= len(text) + 1; err != nil || room < 0 {
			details["keys"], details["more_keys"] = keys[:i], len(keys)-i
			return
		}
	}
	details["keys"] = keys
}
