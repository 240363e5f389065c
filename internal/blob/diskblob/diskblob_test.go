package diskblob_test

import (
	"testing"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
)

func TestConformance(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blob.Store { return open(t, t.TempDir()) })
}

func open(t testing.TB, dir string) *diskblob.Store {
	t.Helper()
	store, err := diskblob.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
