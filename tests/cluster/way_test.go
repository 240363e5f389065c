package cluster_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

// TestTheWayThrough takes files through a cluster whose processes were all started at the same moment: what one server has done the other one knows.
func TestTheWayThrough(t *testing.T) {
	i := install(t)
	seed := seed(t)
	i.startedOnce()
	one, two, balanced := i.client(i.Servers[0].URL), i.client(i.Servers[1].URL), i.client(i.URL())
	contents := [][]byte{[]byte("small"), content(seed, 18<<20, false), content(seed+1, 20_000, true)}
	var ids []string
	for n, c := range []*client.Client{one, two, balanced} {
		ids = append(ids, i.put(c, []string{"small.txt", "large.bin", "words.txt"}[n], contents[n]))
	}
	for n, id := range ids {
		for _, c := range []*client.Client{one, two, balanced} {
			i.has(c, id, contents[n])
		}
	}
	i.sees(one, two, ids)
	for _, id := range ids {
		file, err := balanced.WaitForProcessing(t.Context(), id)
		program.Must(t, err)
		if id != ids[1] && file.Status != "processed" {
			t.Errorf("%s was processed: %+v", id, file)
		}
	}
	text, err := two.Text(t.Context(), ids[2], client.ContentOptions{})
	program.Must(t, err)
	words, err := io.ReadAll(text.Body)
	program.Must(t, errors.Join(err, text.Body.Close()))
	if !bytes.Equal(bytes.TrimSpace(words), bytes.TrimSpace(contents[2])) {
		t.Errorf("of %d bytes of words %d were read, or other ones", len(contents[2]), len(words))
	}
	i.redirects(ids[0])
	i.usageIsRight(one)
	i.likeOpenAI()
	for _, id := range ids {
		program.Must(t, balanced.Delete(t.Context(), id))
		if _, err := one.Get(t.Context(), id); !isStatus(err, http.StatusNotFound) {
			t.Errorf("%s is deleted: %v", id, err)
		}
	}
	program.Within(t, "the sweep has emptied the bucket", func() bool { return i.stored() == 0 })
	i.usageIsRight(two)
	if report, clean := i.fsck(); !clean {
		t.Errorf("fsck: %s", report)
	}
}

// startedOnce: the schema was made once, and the bucket was claimed once.
func (i *installation) startedOnce() {
	i.t.Helper()
	if n := i.number("SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version"); n != 0 {
		i.t.Errorf("%d migrations were made again", n)
	}
	if n := i.number("SELECT count(*) FROM workspaces"); n != 1 {
		i.t.Errorf("there are %d default workspaces", n)
	}
	for name, log := range i.logs {
		if bytes.Contains([]byte(log.String()), []byte("level=ERROR")) {
			i.t.Errorf("%s has errors in its log", name)
		}
	}
}

// put uploads a file.
func (i *installation) put(c *client.Client, name string, content []byte) string {
	i.t.Helper()
	files, err := c.Upload(i.t.Context(), client.Upload{Sources: []client.Source{{Name: name, Body: bytes.NewReader(content), Size: int64(len(content))}}})
	program.Must(i.t, err)
	return files[0].ID
}

// has checks a file's bytes, as a whole and in part.
func (i *installation) has(c *client.Client, id string, want []byte) {
	i.t.Helper()
	size := int64(len(want))
	for _, o := range []client.ContentOptions{{}, {Offset: size / 3, Length: 1 + size/5}} {
		end := size
		if o.Length > 0 {
			end = o.Offset + o.Length
		}
		found, err := c.Content(i.t.Context(), id, o)
		program.Must(i.t, err)
		got, err := io.ReadAll(found.Body)
		if err = errors.Join(err, found.Body.Close()); err != nil || !bytes.Equal(got, want[o.Offset:end]) {
			i.t.Errorf("%s from %d, %d bytes: got %d, or other ones; %v", id, o.Offset, o.Length, len(got), err)
		}
	}
}

// sees changes metadata through one server and expects to find them through the other at once, in the file and in lists.
func (i *installation) sees(one, two *client.Client, ids []string) {
	i.t.Helper()
	for n := range 20 {
		a, b := one, two
		if n%2 == 1 {
			a, b = two, one
		}
		id := ids[n%len(ids)]
		patch, err := json.Marshal(map[string]int{"n": n})
		program.Must(i.t, err)
		_, err = a.PatchMetadata(i.t.Context(), id, patch)
		program.Must(i.t, err)
		file, err := b.Get(i.t.Context(), id)
		program.Must(i.t, err)
		page, err := b.List(i.t.Context(), client.ListOptions{Metadata: patch})
		program.Must(i.t, err)
		if string(file.Metadata) != string(patch) || len(page.Data) != 1 || page.Data[0].ID != id {
			i.t.Errorf("the other server says %s and finds %d files, want %s", file.Metadata, len(page.Data), patch)
		}
	}
}

// redirects expects that the first server gives a file's bytes itself, and that the second one sends the client to the bucket.
func (i *installation) redirects(id string) {
	i.t.Helper()
	direct := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for n, want := range []int{http.StatusOK, http.StatusTemporaryRedirect} {
		request, err := http.NewRequestWithContext(i.t.Context(), http.MethodGet, i.Servers[n].URL+"/files/"+id+"/content", nil)
		program.Must(i.t, err)
		request.Header.Set("Authorization", "Bearer "+program.RootToken)
		response, err := direct.Do(request)
		program.Must(i.t, err)
		program.Must(i.t, response.Body.Close())
		if response.StatusCode != want {
			i.t.Errorf("%s: %s, want %d", i.Servers[n].Name, response.Status, want)
		}
	}
}

// usageIsRight compares what is counted with the list.
func (i *installation) usageIsRight(c *client.Client) {
	i.t.Helper()
	files, bytes := int64(0), int64(0)
	for file, err := range c.Files(i.t.Context(), client.ListOptions{Limit: 500}) {
		program.Must(i.t, err)
		files++
		bytes += file.Bytes
	}
	var usage *api.OrganizationUsage
	program.Within(i.t, "what is used is what is there", func() bool { // bytes count until they are removed
		var err error
		usage, err = c.Usage(i.t.Context(), "", 1)
		program.Must(i.t, err)
		return usage.Files == files && usage.Bytes == bytes
	})
}

// likeOpenAI uploads, lists and deletes through the load balancer as OpenAI's clients do.
func (i *installation) likeOpenAI() {
	i.t.Helper()
	var form bytes.Buffer
	m := multipart.NewWriter(&form)
	program.Must(i.t, m.WriteField("purpose", "assistants"))
	part, err := m.CreateFormFile("file", "openai.txt")
	program.Must(i.t, err)
	_, err = part.Write([]byte("like OpenAI's"))
	program.Must(i.t, errors.Join(err, m.Close()))
	var made, found api.File
	var page api.FileList
	var deleted struct{ Deleted bool }
	i.ask(http.MethodPost, "/v1/files", m.FormDataContentType(), &form, &made)
	i.ask(http.MethodGet, "/v1/files/"+made.ID, "", nil, &found)
	i.ask(http.MethodGet, "/v1/files?purpose=assistants", "", nil, &page)
	i.ask(http.MethodDelete, "/v1/files/"+made.ID, "", nil, &deleted)
	if found.ID != made.ID || found.Filename != "openai.txt" || len(page.Data) != 1 || !deleted.Deleted {
		i.t.Errorf("made %+v, found %+v, %d in the list, deleted: %v", made, found, len(page.Data), deleted.Deleted)
	}
}

// ask asks the load balancer for JSON.
func (i *installation) ask(method, path, contentType string, body io.Reader, into any) {
	i.t.Helper()
	request, err := http.NewRequestWithContext(i.t.Context(), method, i.URL()+path, body)
	program.Must(i.t, err)
	request.Header.Set("Authorization", "Bearer "+program.RootToken)
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	program.Must(i.t, err)
	text, err := io.ReadAll(response.Body)
	program.Must(i.t, errors.Join(err, response.Body.Close()))
	if err := json.Unmarshal(text, into); err != nil || response.StatusCode != http.StatusOK {
		i.t.Fatalf("%s %s: %s %s (%v)", method, path, response.Status, text, err)
	}
}

func isStatus(err error, status int) bool {
	refused, ok := errors.AsType[*client.Error](err)
	return ok && refused.Status == status
}
