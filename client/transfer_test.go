package client_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/client"
)

// readForm gives the parts of a multipart request in their order, as name, file name and content.
func readForm(t testing.TB, r *http.Request) []string {
	t.Helper()
	reader, err := r.MultipartReader()
	if err != nil {
		t.Error(err)
		return nil
	}
	var parts []string
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return parts
		}
		if err != nil {
			t.Error(err)
			return parts
		}
		content, _ := io.ReadAll(part)
		head := part.FormName()
		if _, file, ok := strings.Cut(part.Header.Get("Content-Disposition"), "; filename="); ok {
			head += " " + file
		}
		parts = append(parts, head+" "+string(content))
	}
}

func TestUploadOnTheWire(t *testing.T) {
	var parts []string
	var length int64
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		parts, length = readForm(t, r), r.ContentLength
		_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"file-1"},{"id":"file-2"}]}`))
	})
	upload := client.Upload{
		Purpose: "batch", Metadata: []byte(`{"a":1}`), Instructions: "find the author", MetadataSchema: []byte(`{}`), ExpiresAfter: 2 * time.Hour,
		Sources: []client.Source{
			{Name: "a \"b\"\r\n\x1b\xff.txt", Body: strings.NewReader("one"), Size: 3},
			{Name: "مرحبا 🎒.txt", Body: strings.NewReader("two"), Size: 3},
		},
	}
	files, err := c.Upload(t.Context(), upload)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"purpose batch", `metadata {"a":1}`, "instructions find the author", "metadata_schema {}",
		"expires_after[anchor] created_at", "expires_after[seconds] 7200",
		`file "a %22b%22�.txt" one`, `file "مرحبا 🎒.txt" two`,
	}
	if !reflect.DeepEqual(parts, want) {
		t.Errorf("got  %q\nwant %q", parts, want)
	}
	if length < 100 || len(files) != 2 || files[1].ID != "file-2" {
		t.Errorf("Content-Length %d, files %v", length, files)
	}

	upload.Sources[0].Body, upload.Sources[0].Size = strings.NewReader("three"), -1
	upload.Sources[1].Body = strings.NewReader("two")
	if _, err := c.Upload(t.Context(), upload); err != nil {
		t.Fatal(err)
	}
	if length != -1 || parts[6] != `file "a %22b%22�.txt" three` {
		t.Errorf("unknown size: Content-Length %d, part %q", length, parts[6])
	}
}

func TestUploadOfOneFileGivesTheFile(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		readForm(t, r)
		_, _ = w.Write([]byte(`{"id":"file-1","object":"file","filename":"empty","metadata":{"n":1.50}}`))
	})
	files, err := c.Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "empty", Body: strings.NewReader("")}}})
	if err != nil {
		t.Fatal(err)
	}
	if f := files[0]; f.ID != "file-1" || f.Object != "file" || f.Filename != "empty" || string(f.Metadata) != `{"n":1.50}` {
		t.Errorf("got %+v", f)
	}
}

func TestUploadWithoutFiles(t *testing.T) {
	if _, err := client.New("http://127.0.0.1:1", "").Upload(t.Context(), client.Upload{}); err == nil {
		t.Error("no error")
	}
}

// zeros gives that many bytes.
func zeros(n int64) io.Reader { return io.LimitReader(zeroReader{}, n) }

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestUploadStreamsInConstantMemory(t *testing.T) {
	const size = 256 << 20
	for _, announced := range []int64{size, -1} {
		t.Run(fmt.Sprint("announced ", announced), func(t *testing.T) {
			var got int64
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got, _ = io.Copy(io.Discard, r.Body)
				_, _ = w.Write([]byte(`{"id":"file-1","object":"file"}`))
			})
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			if _, err := c.Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "big", Body: zeros(size), Size: announced}}}); err != nil {
				t.Fatal(err)
			}
			runtime.ReadMemStats(&after)
			if allocated := after.TotalAlloc - before.TotalAlloc; got < size || allocated > 8<<20 {
				t.Errorf("%d bytes arrived; %d bytes of memory were allocated", got, allocated)
			}
		})
	}
}

func TestContent(t *testing.T) {
	content := []byte("0123456789")
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		http.ServeContent(w, r, "a.txt", time.Time{}, bytes.NewReader(content))
	})
	tests := []struct {
		name    string
		options client.ContentOptions
		want    string
		offset  int64
	}{
		{"all", client.ContentOptions{}, "0123456789", 0},
		{"the rest", client.ContentOptions{Offset: 7}, "789", 7},
		{"a part", client.ContentOptions{Offset: 2, Length: 3}, "234", 2},
		{"the beginning", client.ContentOptions{Length: 2}, "01", 0},
		{"the rest of the same", client.ContentOptions{Offset: 7, IfETag: `"v1"`}, "789", 7},
		{"the rest of another", client.ContentOptions{Offset: 7, IfETag: `"v2"`}, "0123456789", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := c.Content(t.Context(), "file-1", test.options)
			if err != nil {
				t.Fatal(err)
			}
			defer got.Body.Close()
			text, err := io.ReadAll(got.Body)
			if err != nil || string(text) != test.want || got.Offset != test.offset || got.Length != int64(len(test.want)) || got.ETag != `"v1"` {
				t.Errorf("%q at %d of %d, ETag %s, error %v", text, got.Offset, got.Length, got.ETag, err)
			}
		})
	}
	_, err := c.Content(t.Context(), "file-1", client.ContentOptions{Offset: 11})
	if refusal, ok := err.(*client.Error); !ok || refusal.Status != http.StatusRequestedRangeNotSatisfiable { //nolint:errorlint // not wrapped
		t.Errorf("behind the end: %v", err)
	}
}
