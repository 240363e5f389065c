//go:build !unix

package pdf

// reserve has no memory outside Go's heap to give.
func reserve(uint64) []byte { return nil }

func release([]byte) {}
