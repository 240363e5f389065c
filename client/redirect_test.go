package client_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/satchel-files/satchel/client"
)

// TestRedirectsDoNotGetTheToken: the bytes may be in a bucket, which is another's, also on the same host.
func TestRedirectsDoNotGetTheToken(t *testing.T) {
	bucket := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if token := r.Header.Get("Authorization"); token != "" {
			t.Errorf("the bucket was told %q", token)
		}
		if want := "bytes=10-19"; r.Header.Get("Range") != want {
			t.Errorf("asked for %q, want %q", r.Header.Get("Range"), want)
		}
		w.Header().Set("Content-Range", "bytes 10-19/20")
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, "0123456789")
	}))
	defer bucket.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer token" {
			t.Errorf("the server was told %q", r.Header.Get("Authorization"))
		}
		http.Redirect(w, r, bucket.URL+"/object", http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	content, err := client.New(server.URL, "token").Content(t.Context(), "file-1", client.ContentOptions{Offset: 10, Length: 10})
	if err != nil {
		t.Fatal(err)
	}
	defer content.Body.Close()
	if got, err := io.ReadAll(content.Body); err != nil || string(got) != "0123456789" || content.Offset != 10 {
		t.Errorf("%q from %d, %v", got, content.Offset, err)
	}
}
