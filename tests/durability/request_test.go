//go:build linux

package durability_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/tests/program"
)

// content is a file that is made while it is read: so large files need no memory.
type content struct {
	name string
	head string // what it begins with, if it is long enough
	seed uint64
	size int64
}

// reader gives the bytes.
func (c content) reader() io.Reader {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], c.seed)
	return io.LimitReader(io.MultiReader(strings.NewReader(c.head), rand.NewChaCha8(seed)), c.size)
}

func (c content) sha256() string {
	hash := sha256.New()
	_, _ = io.Copy(hash, c.reader()) // neither of the two can fail
	return hex.EncodeToString(hash.Sum(nil))
}

// upload is a request that makes files.
type upload struct {
	files    []content
	metadata map[string]string
	key      string      // Idempotency-Key
	chunked  bool        // the client does not say how long the body is
	watch    func(n int) // told of every piece that was sent
}

const boundary = "-=durability=-"

// body is the multipart form.
func (u upload) body() (body io.Reader, size int64) {
	var parts []io.Reader
	text := func(format string, args ...any) {
		part := fmt.Sprintf(format, args...)
		size += int64(len(part))
		parts = append(parts, strings.NewReader(part))
	}
	if u.metadata != nil {
		text("--%s\r\nContent-Disposition: form-data; name=\"metadata\"\r\n\r\n%s\r\n", boundary, encode(u.metadata))
	}
	for _, f := range u.files {
		text("--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=%q\r\n\r\n", boundary, f.name)
		parts = append(parts, f.reader())
		size += f.size
		text("\r\n")
	}
	text("--%s--\r\n", boundary)
	body = io.MultiReader(parts...)
	if u.watch != nil {
		body = &watched{body, u.watch}
	}
	return body, size
}

type watched struct {
	r     io.Reader
	watch func(n int)
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	w.watch(n)
	return n, err
}

func encode(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err) // the tests send nothing that has no JSON
	}
	return text
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a answer) acknowledged() bool { return a.status == http.StatusOK }

func (a answer) String() string { return fmt.Sprintf("%d %s", a.status, quoted(a.body)) }

// ask sends a request and reads the answer. The error says that there is none, or not a whole one.
func (s *server) ask(ctx context.Context, method, path string, body io.Reader, header http.Header, size int64) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, method, s.URL+path, body)
	if err != nil {
		return answer{}, err
	}
	request.Header = header.Clone()
	if request.Header == nil {
		request.Header = http.Header{}
	}
	if body != nil {
		request.ContentLength = size
	}
	var a answer
	a.status, a.header, a.body, err = s.Exchange(request)
	return a, err
}

// get asks for something that can be asked for in vain.
func (s *server) get(path string) answer {
	s.t.Helper()
	a, err := s.ask(s.t.Context(), http.MethodGet, path, nil, nil, 0)
	program.Must(s.t, err)
	return a
}

// send sends an upload.
func (s *server) send(ctx context.Context, u upload) ([]*api.File, answer, error) {
	body, size := u.body()
	if u.chunked {
		size = -1
	}
	header := http.Header{"Content-Type": {`multipart/form-data; boundary="` + boundary + `"`}}
	if u.key != "" {
		header.Set("Idempotency-Key", u.key)
	}
	a, err := s.ask(ctx, http.MethodPost, "/files", body, header, size)
	if err != nil || !a.acknowledged() {
		return nil, a, err
	}
	if len(u.files) == 1 {
		file := new(api.File)
		return []*api.File{file}, a, json.Unmarshal(a.body, file)
	}
	var list api.FileList
	err = json.Unmarshal(a.body, &list)
	return list.Data, a, err
}

// put is an upload of one file that must succeed.
func (s *server) put(f content, metadata map[string]string) *api.File {
	s.t.Helper()
	files, a, err := s.send(s.t.Context(), upload{files: []content{f}, metadata: metadata})
	program.Must(s.t, err)
	if !a.acknowledged() {
		s.t.Fatalf("upload of %s: %s", f.name, a)
	}
	return files[0]
}

// patch merges metadata into those of a file.
func (s *server) patch(ctx context.Context, id string, metadata map[string]string) (answer, error) {
	text := encode(metadata)
	header := http.Header{"Content-Type": {"application/json"}}
	return s.ask(ctx, http.MethodPatch, "/files/"+id+"/metadata", bytes.NewReader(text), header, int64(len(text)))
}

func (s *server) remove(ctx context.Context, id string) (answer, error) {
	return s.ask(ctx, http.MethodDelete, "/files/"+id, nil, nil, 0)
}

// makeToken makes a token for a user of the default organization.
func (s *server) makeToken(ctx context.Context, user string) (answer, error) {
	text := encode(api.TokenRequest{User: user, Role: "member"})
	header := http.Header{"Content-Type": {"application/json"}}
	return s.ask(ctx, http.MethodPost, "/tokens", bytes.NewReader(text), header, int64(len(text)))
}

// list gives all files, page by page.
func (s *server) list(pageSize int) []*api.File {
	s.t.Helper()
	var all []*api.File
	after := ""
	for {
		a := s.get("/files?order=asc&limit=" + strconv.Itoa(pageSize) + "&after=" + after)
		if !a.acknowledged() {
			s.t.Fatalf("list: %s", a)
		}
		var page api.FileList
		program.Must(s.t, json.Unmarshal(a.body, &page))
		all = append(all, page.Data...)
		if !page.HasMore {
			return all
		}
		after = *page.LastID
	}
}

// download reads a file's content and compares it with what was sent.
func (s *server) download(ctx context.Context, id string, want content) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/files/"+id+"/content", nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+program.RootToken)
	response, err := s.HTTP.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("content of %s: %s", id, response.Status)
	}
	return same(id, response.Body, want.reader())
}

// same compares two streams to their ends.
func same(what string, got, want io.Reader) error {
	a, b := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := int64(0); ; {
		n, err := io.ReadFull(got, a)
		m, _ := io.ReadFull(want, b) // made by the test; it ends, and does not fail
		if n != m || !bytes.Equal(a[:n], b[:m]) {
			return fmt.Errorf("content of %s differs from what was sent, or ends too early, behind byte %d (%w)", what, at, orEnd(err))
		}
		at += int64(n)
		if n < len(a) {
			return nil
		}
	}
}

func orEnd(err error) error {
	if err == nil {
		return io.EOF
	}
	return err
}

// metadataOf reads the metadata of a file whose values are all strings.
func metadataOf(t testing.TB, file *api.File) map[string]string {
	t.Helper()
	var metadata map[string]string
	program.Must(t, json.Unmarshal(file.Metadata, &metadata))
	return metadata
}

// update changes what is not metadata.
func (s *server) update(ctx context.Context, id string, change api.FileUpdate) (answer, error) {
	text := encode(change)
	header := http.Header{"Content-Type": {"application/json"}}
	return s.ask(ctx, http.MethodPost, "/files/"+id, bytes.NewReader(text), header, int64(len(text)))
}
