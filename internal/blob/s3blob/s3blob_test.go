package s3blob_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
)

// TestMain shortens the pauses of the client between two tries: many of these tests wait for the last of them.
func TestMain(m *testing.M) {
	minio.DefaultRetryUnit = 20 * time.Millisecond
	m.Run() // its result is the exit status once this function returns
}

func TestConformance(t *testing.T) {
	server := s3test.Start(t)
	var n atomic.Int64
	blobtest.Run(t, func(t *testing.T) blob.Store {
		return open(t, server.URL("conformance/"+strconv.FormatInt(n.Add(1), 10)), s3blob.Options{})
	})
}

func open(t testing.TB, url string, o s3blob.Options) *s3blob.Store {
	t.Helper()
	place, err := s3blob.ParsePlace(url)
	if err != nil {
		t.Fatal(err)
	}
	o.Place = place
	store, err := s3blob.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return store
}
