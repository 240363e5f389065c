// Package bucket proves that an installation whose bytes lie in an S3 bucket keeps all that it acknowledges and leaves nothing behind: it runs the
// real program against a real S3 server, kills it, takes the server away, and looks into the bucket.
package bucket_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/s3blob"
	"github.com/satchel-files/satchel/internal/blob/s3test"
	"github.com/satchel-files/satchel/tests/program"
)

// TestMain builds the program.
func TestMain(m *testing.M) { program.Main(m, program.BuildIn) }

// installation is a data folder and a bucket.
type installation struct {
	t      testing.TB
	bucket *s3test.Server
	store  *s3blob.Store // a look into the bucket that is not the program's
	data   string
	how    program.Settings
}

func install(t testing.TB, env ...string) *installation {
	t.Helper()
	bucket := s3test.Start(t)
	place, err := s3blob.ParsePlace(bucket.URL("files/of/satchel"))
	program.Must(t, err)
	store, err := s3blob.Open(t.Context(), s3blob.Options{Place: place})
	program.Must(t, err)
	how := program.Settings{Program: program.UnderTest(), Env: append([]string{
		"SATCHEL_BLOBS=" + bucket.URL("files/of/satchel"), "SATCHEL_WORKERS=0",
		"AWS_ACCESS_KEY_ID=" + s3test.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3test.SecretKey,
	}, env...)}
	return &installation{t, bucket, store, filepath.Join(t.TempDir(), "data"), how}
}

// start starts the program, and gives a client that tries everything once.
func (i *installation) start() (*program.Server, *client.Client) {
	i.t.Helper()
	s := program.Start(i.t, i.data, i.how)
	return s, client.New(s.URL, program.RootToken, client.WithRetries(0, 0))
}

// inBucket gives how many objects lie in the bucket, and how many uploads are unfinished there.
func (i *installation) inBucket() (objects, partials int) {
	i.t.Helper()
	program.Must(i.t, i.store.List(i.t.Context(), "", func(e blob.Entry) error {
		if e.Partial {
			partials++
		} else {
			objects++
		}
		return nil
	}))
	return objects, partials
}

// settles waits until so many objects lie in the bucket, and no unfinished upload.
func (i *installation) settles(objects int) {
	i.t.Helper()
	program.Within(i.t, "the bucket holds what the rows name", func() bool {
		found, partials := i.inBucket()
		return found == objects && partials == 0
	})
}

// bytesOf gives bytes of chance, the same for the same seed.
func bytesOf(seed byte, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{seed}).Read(b) // never fails
	return b
}

// upload stores files, all in one request.
func (i *installation) upload(c *client.Client, contents ...[]byte) (ids []string) {
	i.t.Helper()
	files, err := tryUpload(i.t.Context(), c, contents...)
	program.Must(i.t, err)
	for _, file := range files {
		ids = append(ids, file.ID)
	}
	return ids
}

func tryUpload(ctx context.Context, c *client.Client, contents ...[]byte) ([]*api.File, error) {
	var sources []client.Source
	for _, content := range contents {
		sources = append(sources, client.Source{Name: "report.txt", Body: bytes.NewReader(content), Size: int64(len(content))})
	}
	return c.Upload(ctx, client.Upload{Sources: sources})
}

// has checks a file's bytes, as a whole and in part.
func (i *installation) has(c *client.Client, id string, want []byte) {
	i.t.Helper()
	size := int64(len(want))
	for _, o := range []client.ContentOptions{{}, {Offset: size / 3, Length: size / 5}, {Offset: size - size/7}, {Offset: size / 2, Length: 10}} {
		if o != (client.ContentOptions{}) && size < 100 {
			continue
		}
		end := size
		if o.Length > 0 {
			end = o.Offset + o.Length
		}
		content, err := c.Content(i.t.Context(), id, o)
		program.Must(i.t, err)
		got, err := io.ReadAll(content.Body)
		if err = errors.Join(err, content.Body.Close()); err != nil || content.Offset != o.Offset || !bytes.Equal(got, want[o.Offset:end]) {
			i.t.Errorf("%s from %d, %d bytes: got %d from %d, or other ones; %v", id, o.Offset, o.Length, len(got), content.Offset, err)
		}
	}
}

// TestLife takes files of all sizes through their life, over restarts.
func TestLife(t *testing.T) {
	i := install(t)
	s, c := i.start()
	contents := [][]byte{{}, []byte("small"), bytesOf(1, 300<<10), bytesOf(2, 5<<20), bytesOf(3, 8<<20), bytesOf(4, 8<<20+1), bytesOf(5, 50<<20)}
	files := map[string][]byte{}
	for n, id := range i.upload(c, contents...) {
		files[id] = contents[n]
	}
	for id, content := range files {
		i.has(c, id, content)
	}
	if objects, partials := i.inBucket(); objects != len(files) || partials != 0 {
		t.Errorf("the bucket has %d objects and %d unfinished uploads", objects, partials)
	}
	if left := program.Walk(t, filepath.Join(i.data, "blobs")); len(left) > 0 {
		t.Errorf("bytes lie in the data folder: %v", left)
	}
	s.Stop()
	i.how.Fsck(t, i.data)
	s, c = i.start()
	for id, content := range files {
		i.has(c, id, content)
	}
	gone := slices.Sorted(maps.Keys(files))[:3]
	for _, id := range gone {
		program.Must(t, c.Delete(t.Context(), id))
		delete(files, id)
	}
	i.settles(len(files))
	i.backsUp(c, files)
	s.Stop()
	i.how.Fsck(t, i.data)
}

// backsUp makes a backup while the server runs, restores it, and serves what came back without the bucket.
func (i *installation) backsUp(c *client.Client, files map[string][]byte) {
	i.t.Helper()
	copied, again := filepath.Join(i.t.TempDir(), "copy"), filepath.Join(i.t.TempDir(), "again")
	if out, err := i.how.Run(i.t, "backup", copied, "--data", i.data); err != nil {
		i.t.Fatalf("backup: %v\n%s", err, out)
	}
	alone := program.Settings{Program: i.how.Program, Env: []string{"SATCHEL_WORKERS=0"}}
	if out, err := alone.Run(i.t, "restore", copied, "--data", again); err != nil {
		i.t.Fatalf("restore: %v\n%s", err, out)
	}
	alone.Fsck(i.t, again)
	restored := program.Start(i.t, again, alone)
	other := client.New(restored.URL, program.RootToken)
	for id, content := range files {
		i.has(other, id, content)
	}
	restored.Stop()
	if out, err := i.how.Run(i.t, "serve", "--listen", "127.0.0.1:0", "--data", again); err == nil || !strings.Contains(string(out), "belongs to another installation") {
		i.t.Errorf("a restored copy started on the bucket of the original: %v\n%s", err, out)
	}
	for id, content := range files {
		i.has(c, id, content)
	}
}

// TestDocuments are read out of the bucket, and their text goes into it.
func TestDocuments(t *testing.T) {
	i := install(t, "SATCHEL_WORKERS=1")
	s, c := i.start()
	text := strings.Repeat("Nothing of a document is lost on its way. ", 40_000)
	id := i.upload(c, []byte(text))[0]
	file, err := c.WaitForProcessing(t.Context(), id)
	program.Must(t, err)
	if file.Status != "processed" {
		t.Errorf("%+v", file)
	}
	content, err := c.Text(t.Context(), id, client.ContentOptions{})
	program.Must(t, err)
	got, err := io.ReadAll(content.Body)
	program.Must(t, errors.Join(err, content.Body.Close()))
	if !slices.Equal(strings.Fields(string(got)), strings.Fields(text)) {
		t.Errorf("read %d bytes of text, or other ones; want %d", len(got), len(text))
	}
	i.settles(2)
	program.Must(t, c.Delete(t.Context(), id))
	i.settles(0)
	s.Stop()
	i.how.Fsck(t, i.data)
}

// TestKilledInAnUpload: what was acknowledged stays, and what was not is swept out of the bucket, finished or not.
func TestKilledInAnUpload(t *testing.T) {
	i := install(t)
	s, c := i.start()
	kept := bytesOf(1, 20<<20)
	id := i.upload(c, kept)[0]
	reader, writer := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		_, err := c.Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "half", Body: reader, Size: 100 << 20}}})
		ended <- err
	}()
	for _, err := writer.Write(bytesOf(2, 30<<20)); err != nil; {
		t.Fatal(err)
	}
	program.Within(t, "the upload is in the bucket, unfinished", func() bool { _, partials := i.inBucket(); return partials == 1 })
	s.Kill()
	orphan, err := i.store.Create(t.Context(), blob.Key(satchel.NewBlobID(time.Now())))
	program.Must(t, err)
	_, err = orphan.Write([]byte("its row was never committed"))
	program.Must(t, errors.Join(err, orphan.Commit(t.Context())))
	if objects, _ := i.inBucket(); objects != 2 {
		t.Errorf("%d objects are in the bucket", objects)
	}
	_ = writer.CloseWithError(io.ErrClosedPipe) // it gives no other error
	if err := <-ended; err == nil {
		t.Error("the upload was acknowledged")
	}
	s, c = i.start()
	i.settles(1)
	i.has(c, id, kept)
	s.Stop()
	i.how.Fsck(t, i.data)
}

// TestTheBucketGoesAway: nobody waits for it, nothing is acknowledged, and the program stays.
func TestTheBucketGoesAway(t *testing.T) {
	i := install(t)
	s, c := i.start()
	id := i.upload(c, []byte("content"))[0]
	i.bucket.Stop()
	for what, err := range map[string]error{
		"small upload": second(tryUpload(t.Context(), c, []byte("more"))),
		"large upload": second(tryUpload(t.Context(), c, bytesOf(1, 20<<20))),
		"download":     second(c.Content(t.Context(), id, client.ContentOptions{})),
	} {
		var refused *client.Error
		if !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || refused.Code != "unavailable" {
			t.Errorf("%s: %v", what, err)
		}
	}
	for path, want := range map[string]int{"/health": http.StatusOK, "/ready": http.StatusServiceUnavailable, "/files/" + id: http.StatusOK, "/files/" + id + "/content": http.StatusServiceUnavailable} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+path, nil)
		program.Must(t, err)
		status, header, _, err := s.Exchange(request)
		program.Must(t, err)
		if status != want || (status == http.StatusServiceUnavailable) != (header.Get("Retry-After") != "") {
			t.Errorf("%s: %d, retry-after %q", path, status, header.Get("Retry-After"))
		}
	}
	s.Stop()
	if out, err := i.how.Run(t, "serve", "--listen", "127.0.0.1:0", "--data", i.data); err == nil || !strings.Contains(string(out), "is it right, and running?") {
		t.Errorf("a start without the bucket: %v\n%s", err, out)
	}
	if out, err := i.how.Run(t, "token", "create", "--user", "ada", "--role", "owner", "--data", i.data); err != nil {
		t.Errorf("a token is made of rows alone: %v\n%s", err, out)
	}
	for name, text := range map[string]string{"log": s.Log.String()} {
		if strings.Contains(text, s3test.SecretKey) {
			t.Errorf("the %s shows the secret key", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestMovingUp takes an installation whose bytes are in its data folder to a bucket: not before they were copied.
func TestMovingUp(t *testing.T) {
	i := install(t)
	before := program.Settings{Program: i.how.Program, Env: []string{"SATCHEL_WORKERS=0"}}
	s := program.Start(t, i.data, before)
	c := client.New(s.URL, program.RootToken)
	content := bytesOf(1, 100_000)
	id := i.upload(c, content)[0]
	s.Stop()
	if out, err := i.how.Run(t, "serve", "--listen", "127.0.0.1:0", "--data", i.data); err == nil || !strings.Contains(string(out), "copy everything") {
		t.Errorf("it started without its bytes: %v\n%s", err, out)
	}
	for path := range program.Walk(t, filepath.Join(i.data, "blobs")) {
		key, err := filepath.Rel(filepath.Join(i.data, "blobs"), path)
		program.Must(t, err)
		w, err := i.store.Create(t.Context(), filepath.ToSlash(key))
		program.Must(t, err)
		object, err := os.ReadFile(path)
		program.Must(t, err)
		_, err = w.Write(object)
		program.Must(t, errors.Join(err, w.Commit(t.Context()), os.Remove(path)))
	}
	s, c = i.start()
	i.has(c, id, content)
	s.Stop()
	i.how.Fsck(t, i.data)
}

// TestDownloadsFromTheBucket: the server sends clients to the bucket, with the right name and type, and answers conditions itself.
func TestDownloadsFromTheBucket(t *testing.T) {
	i := install(t, "SATCHEL_DOWNLOADS=redirect")
	s, c := i.start()
	content := bytesOf(1, 6<<20)
	files, err := c.Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: `Über "alles".csv`, Body: bytes.NewReader(content), Size: int64(len(content))}}})
	program.Must(t, err)
	id := files[0].ID
	i.has(c, id, content) // the client follows
	s.HTTP.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	ask := func(method, name, value string) (int, http.Header) {
		request, err := http.NewRequestWithContext(t.Context(), method, s.URL+"/files/"+id+"/content", nil)
		program.Must(t, err)
		if name != "" {
			request.Header.Set(name, value)
		}
		status, header, _, err := s.Exchange(request)
		program.Must(t, err)
		return status, header
	}
	_, own := ask(http.MethodHead, "", "")
	for _, test := range []struct {
		method, name, value string
		status              int
	}{
		{http.MethodHead, "", "", http.StatusOK},
		{http.MethodGet, "If-None-Match", own.Get("ETag"), http.StatusNotModified},
		{http.MethodGet, "If-Match", `"another"`, http.StatusPreconditionFailed},
		{http.MethodGet, "If-Range", own.Get("ETag"), http.StatusOK},
		{http.MethodGet, "Range", "bytes=5-9", http.StatusTemporaryRedirect},
		{http.MethodGet, "", "", http.StatusTemporaryRedirect},
	} {
		if status, header := ask(test.method, test.name, test.value); status != test.status || (header.Get("Location") != "") != (status == http.StatusTemporaryRedirect) {
			t.Errorf("%s with %s %s: %d, to %q", test.method, test.name, test.value, status, header.Get("Location"))
		}
	}
	_, header := ask(http.MethodGet, "", "")
	if header.Get("Cache-Control") != "private, no-store" {
		t.Errorf("the answer may be kept: %v", header)
	}
	i.fetches(header.Get("Location"), own, content)
	if strings.Contains(s.Log.String(), "X-Amz-Signature") {
		t.Error("the log has a signature, with which bytes can be fetched")
	}
	s.Stop()
}

// fetches gets bytes from the bucket, without a token, and compares what comes with them with what the server says itself.
func (i *installation) fetches(location string, own http.Header, want []byte) {
	i.t.Helper()
	for part, expected := range map[string][]byte{"": want, "bytes=100-199": want[100:200]} {
		request, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, location, nil)
		program.Must(i.t, err)
		if part != "" {
			request.Header.Set("Range", part)
		}
		response, err := http.DefaultClient.Do(request)
		program.Must(i.t, err)
		got, err := io.ReadAll(response.Body)
		program.Must(i.t, errors.Join(err, response.Body.Close()))
		if !bytes.Equal(got, expected) {
			i.t.Errorf("%q: %s, %d bytes", part, response.Status, len(got))
		}
		for _, name := range []string{"Content-Type", "Content-Disposition", "Cache-Control"} {
			if response.Header.Get(name) != own.Get(name) {
				i.t.Errorf("%s: %q from the bucket, %q from the server", name, response.Header.Get(name), own.Get(name))
			}
		}
	}
	request, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, strings.Replace(location, "attachment", "inline", 1), nil)
	program.Must(i.t, err)
	response, err := http.DefaultClient.Do(request)
	program.Must(i.t, err)
	program.Must(i.t, response.Body.Close())
	if response.StatusCode != http.StatusForbidden {
		i.t.Errorf("another disposition than was signed: %s", response.Status)
	}
}
