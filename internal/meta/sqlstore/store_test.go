package sqlstore

import (
	"path/filepath"
	"testing"

	"github.com/satchel-files/satchel/internal/meta/metatest"
)

// openTest gives a store in a folder of its own.
func openTest(tb testing.TB, options Options) *Store {
	tb.Helper()
	if options.Path == "" {
		options.Path = filepath.Join(tb.TempDir(), "satchel.db")
	}
	s, err := OpenSQLite(tb.Context(), options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.Close(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	metatest.Run(t, func(t *testing.T) metatest.Opened {
		s := openTest(t, Options{})
		return metatest.Opened{Store: s, System: s, Mark: s}
	})
}
