package s3blob_test

import (
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
)

// TestListOfManyPages: nothing is missed between two pages. Of unfinished uploads of one key, an entry is for all.
func TestListOfManyPages(t *testing.T) {
	const objects, uploads, page = 45, 43, 10
	server := s3test.Start(t)
	store := open(t, server.URL("pages"), s3blob.Options{})
	store.SetPage(page)
	core, err := minio.NewCore(strings.TrimPrefix(server.Endpoint, "http://"), &minio.Options{
		Creds: credentials.NewStaticV4(s3test.AccessKey, s3test.SecretKey, ""), Region: "us-east-1",
	})
	must(t, err)
	hour := time.Now().Add(-time.Hour)
	var group errgroup.Group
	group.SetLimit(8)
	begin := func(key string) {
		group.Go(func() error {
			_, err := core.NewMultipartUpload(t.Context(), server.Bucket, "pages/"+key, minio.PutObjectOptions{})
			return err
		})
	}
	for range objects {
		group.Go(func() error { return write(t.Context(), store, 10) })
	}
	for range uploads {
		begin(blob.Key(satchel.NewBlobID(hour)))
	}
	twice := blob.Key(satchel.NewBlobID(hour))
	begin(twice)
	begin(twice)
	begin("what is no key")
	_, err = core.PutObject(t.Context(), server.Bucket, "pages/what is no key", strings.NewReader("x"), 1, "", "", minio.PutObjectOptions{})
	must(t, err)
	must(t, group.Wait())
	for prefix, want := range map[string][2]int{"": {objects, uploads + 1}, blob.Hour(hour.Add(-time.Hour)) + "/": {}} {
		seen := map[string]bool{}
		var found [2]int
		must(t, store.List(t.Context(), prefix, func(e blob.Entry) error {
			if seen[e.Key] {
				t.Errorf("%s is listed twice", e.Key)
			}
			seen[e.Key] = true
			if found[0]++; e.Partial {
				found[0]--
				found[1]++
			}
			return nil
		}))
		if found != want {
			t.Errorf("%q: %d objects and %d unfinished ones are listed, want %d", prefix, found[0], found[1], want)
		}
	}
	must(t, store.Delete(t.Context(), twice))
	must(t, store.List(t.Context(), twice[:strings.LastIndexByte(twice, '/')+1], func(e blob.Entry) error {
		if e.Key == twice {
			t.Error("an upload of the key is left")
		}
		return nil
	}))
}

// TestAnUploadIsListedWithAllOfItsParts, whose list comes in pages, too.
func TestAnUploadIsListedWithAllOfItsParts(t *testing.T) {
	store := open(t, s3test.Start(t).URL(""), s3blob.Options{})
	store.SetPage(2)
	w, err := store.Create(t.Context(), newKey())
	must(t, err)
	_, err = w.Write(blobtest.Bytes(1, 26<<20))
	must(t, err)
	began := time.Now().Add(-time.Minute)
	for size := int64(0); size < 25<<20; { // parts are sent while others are filled
		must(t, store.List(t.Context(), "", func(e blob.Entry) error {
			if size = e.Size; !e.Partial || e.Modified.Before(began) || size > 25<<20 {
				t.Fatalf("listed as %+v", e)
			}
			return nil
		}))
	}
	must(t, w.Abort())
	if keys := blobtest.Keys(t, store); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
}
