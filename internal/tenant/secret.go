package tenant

import (
	"crypto/rand"
	"crypto/sha256"
	"hash/crc32"
	"math/big"
	"strings"
)

// A secret is "sat_", 32 characters of chance (190 bits), and 6 characters that check them (CRC-32), so that a scanner for leaked
// secrets knows one when it sees it and a mistyped one is refused without a look into the database.
const (
	secretPrefix   = "sat_"
	secretChance   = 32
	secretChecksum = 6
	base62         = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func newSecret() string {
	var b strings.Builder
	b.WriteString(secretPrefix)
	size := big.NewInt(int64(len(base62)))
	for range secretChance {
		digit, err := rand.Int(rand.Reader, size)
		if err != nil {
			panic("crypto/rand failed: " + err.Error()) // it never does (crypto/rand)
		}
		b.WriteByte(base62[digit.Int64()])
	}
	return b.String() + checksum(b.String())
}

func checksum(text string) string {
	sum := crc32.ChecksumIEEE([]byte(text))
	var b [secretChecksum]byte
	for i := range b {
		b[secretChecksum-1-i] = base62[sum%uint32(len(base62))]
		sum /= uint32(len(base62))
	}
	return string(b[:])
}

// wellFormed reports whether text can be a secret that newSecret made.
func wellFormed(text string) bool {
	body := len(secretPrefix) + secretChance
	return len(text) == body+secretChecksum && strings.HasPrefix(text, secretPrefix) && checksum(text[:body]) == text[body:]
}

// HashSecret is what is stored of a secret, and compared.
func HashSecret(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }
