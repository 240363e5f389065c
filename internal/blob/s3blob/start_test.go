package s3blob_test

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
)

// TestOpenSaysWhatToDo: whoever configured something wrong learns at the start what it is.
func TestOpenSaysWhatToDo(t *testing.T) {
	server := s3test.Start(t)
	for name, test := range map[string]struct{ key, secret, url, want string }{
		"no bucket":    {s3test.AccessKey, s3test.SecretKey, strings.Replace(server.URL(""), "s3://files", "s3://others", 1), "make it first"},
		"unknown key":  {"nobody", s3test.SecretKey, server.URL(""), "AWS_ACCESS_KEY_ID"},
		"wrong secret": {s3test.AccessKey, "wrong", server.URL(""), "AWS_SECRET_ACCESS_KEY"},
		"half a key":   {s3test.AccessKey, "", server.URL(""), "there are no keys"},
		"no server":    {s3test.AccessKey, s3test.SecretKey, "s3://files?endpoint=http://127.0.0.1:1", "is it right, and running?"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("AWS_ACCESS_KEY_ID", test.key)
			t.Setenv("AWS_SECRET_ACCESS_KEY", test.secret)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
			place, err := s3blob.ParsePlace(test.url)
			must(t, err)
			_, err = s3blob.Open(t.Context(), s3blob.Options{Place: place})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v; it should say %q", err, test.want)
			} else if test.secret != "" && strings.Contains(err.Error(), test.secret) && test.secret != "wrong" {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

func TestAVanishedBucketIsNoMissingObject(t *testing.T) {
	b := intercept(t)
	store := open(t, b.URL, s3blob.Options{})
	b.Bucket = "gone"
	b.whenever(everything, says(404, "NoSuchBucket"))
	_, err := store.Open(t.Context(), newKey())
	wantUnavailable(t, "Open", err)
	wantUnavailable(t, "Delete", store.Delete(t.Context(), newKey()))
}

// TestPresigned: whoever has the URL gets the object, as was said, and nothing else.
func TestPresigned(t *testing.T) {
	store := open(t, s3test.Start(t).URL("a/b"), s3blob.Options{})
	object, err := store.Open(t.Context(), put(t, store, []byte("content")))
	must(t, err)
	defer object.Close()
	presigner, ok := object.(blob.Presigner)
	if !ok {
		t.Fatal("an object of the store is no blob.Presigner")
	}
	location, err := presigner.Presign(t.Context(), "text/plain; charset=utf-8", `attachment; filename="a b.txt"`)
	must(t, err)
	for url, want := range map[string]int{location: http.StatusOK, strings.Replace(location, "text", "html", 1): http.StatusForbidden} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		must(t, err)
		response, err := http.DefaultClient.Do(request)
		must(t, err)
		text, err := io.ReadAll(response.Body)
		must(t, errors.Join(err, response.Body.Close()))
		if response.StatusCode != want || (want == http.StatusOK) != (string(text) == "content") {
			t.Errorf("%s, %q", response.Status, text)
		}
	}
	if strings.Contains(location, s3test.SecretKey) {
		t.Error("the URL has the secret")
	}
}
