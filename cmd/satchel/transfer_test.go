package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
)

const someID = "file-06dvm5k8qg0021h7r5d9o4p2t"

// fileOf makes the File of some content.
func fileOf(name string, content []byte) *api.File {
	sum := sha256.Sum256(content)
	return &api.File{ID: someID, Object: "file", Filename: name, Bytes: int64(len(content)), SHA256: hex.EncodeToString(sum[:]),
		Status: "processed", Metadata: json.RawMessage(`{}`)}
}

func reply(t testing.TB, w http.ResponseWriter, value any) {
	t.Helper()
	if err := json.NewEncoder(w).Encode(value); err != nil {
		t.Error(err)
	}
}

// flaky serves one file, and breaks the connection after so many bytes of an answer as often as it is told to.
type flaky struct {
	t       testing.TB
	content []byte
	chunk   int // bytes before the connection breaks
	breaks  int // how often it does
	ranges  []string
}

func (s *flaky) serve(w http.ResponseWriter, r *http.Request) {
	if !strings.HasSuffix(r.URL.Path, "/content") {
		reply(s.t, w, fileOf("a.bin", s.content))
		return
	}
	s.ranges = append(s.ranges, r.Header.Get("Range")+r.Header.Get("If-Range"))
	w.Header().Set("ETag", `"e"`)
	if s.breaks > 0 {
		s.breaks--
		http.ServeContent(&breaking{w, s.chunk}, r, "", time.Time{}, bytes.NewReader(s.content))
		panic(http.ErrAbortHandler)
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(s.content))
}

// breaking passes on so many bytes and no more.
type breaking struct {
	http.ResponseWriter
	left int
}

func (b *breaking) Write(p []byte) (int, error) {
	n, err := b.ResponseWriter.Write(p[:min(b.left, len(p))])
	b.left -= n
	if flusher, ok := b.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}

func TestGetGoesOnWhereItStopped(t *testing.T) {
	content := []byte(strings.Repeat("0123456789", 1000))
	tests := []struct {
		name, part string // what an earlier download left; "": nothing
		breaks     int
		ranges     []string
	}{
		{"at once", "", 0, []string{""}},
		{"the connection breaks twice", "", 2, []string{"", `bytes=4000-"e"`, `bytes=8000-"e"`}},
		{"a partial file", string(content[:2500]), 0, []string{"bytes=2500-"}},
		{"a partial file, and the connection breaks", string(content[:2500]), 1, []string{"bytes=2500-", `bytes=6500-"e"`}},
		{"a partial file that is whole", string(content), 0, nil},
		{"a partial file of something else", "something else", 0, []string{"bytes=14-", ""}},
		{"a partial file that is too long", string(content) + "more", 0, []string{""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newCLI(t)
			server := &flaky{t: t, content: content, chunk: 4000, breaks: test.breaks}
			c.fake(server.serve)
			if test.part != "" {
				c.write("a.bin.part", test.part)
			}
			c.ok("get", someID)
			if c.read("a.bin") != string(content) {
				t.Error("the download differs")
			}
			if _, err := os.Stat("a.bin.part"); err == nil {
				t.Error("the partial file is still there")
			}
			if !reflect.DeepEqual(server.ranges, test.ranges) {
				t.Errorf("asked for %q, want %q", server.ranges, test.ranges)
			}
		})
	}
}

func TestGetGivesUp(t *testing.T) {
	c := newCLI(t)
	server := &flaky{t: t, content: []byte("0123456789"), chunk: 0, breaks: 99}
	c.fake(server.serve)
	c.fails(exitServer, "get", someID)
	if len(server.ranges) != maxBreaks {
		t.Errorf("%d attempts", len(server.ranges))
	}
}

func TestGetNoticesDamage(t *testing.T) {
	c := newCLI(t)
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/content") {
			_, _ = io.WriteString(w, "damaged content")
			return
		}
		reply(t, w, fileOf("a.bin", []byte("correct content")))
	})
	if message := c.fails(exitFailed, "get", someID); !strings.Contains(message, "the download is damaged") {
		t.Error(message)
	}
	if message := c.fails(exitFailed, "get", someID, "-o", "-"); !strings.Contains(message, "the download is damaged") {
		t.Error(message)
	}
	if _, err := os.Stat("a.bin"); err == nil {
		t.Error("the damaged file got its name")
	}
}

func TestGetKeepsWhatArrivedWhenInterrupted(t *testing.T) {
	c := newCLI(t)
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/content") {
			reply(t, w, fileOf("a.bin", []byte("0123456789")))
			return
		}
		w.Header().Set("Content-Length", "10")
		_, _ = io.WriteString(w, "01234")
		_ = http.NewResponseController(w).Flush()
		for content := ""; content != "01234" && r.Context().Err() == nil; {
			arrived, _ := os.ReadFile("a.bin.part")
			content = string(arrived)
		}
		interrupt()
		<-r.Context().Done()
	})
	var out, messages bytes.Buffer
	if code := run(ctx, []string{"get", someID}, nil, &out, &messages); code != exitInterrupted {
		t.Errorf("exit %d: %s", code, messages.String())
	}
	if c.read("a.bin.part") != "01234" || !strings.Contains(messages.String(), "goes on from there") {
		t.Errorf("partial file %q, message %q", c.read("a.bin.part"), messages.String())
	}
}

func TestPutRepeatsWithTheSameKey(t *testing.T) {
	c := newCLI(t)
	c.write("one", "1")
	c.write("two", "2")
	keys := map[string][]string{}
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		name := "one"
		if bytes.Contains(body, []byte(`filename="two"`)) {
			name = "two"
		}
		keys[name] = append(keys[name], r.Header.Get("Idempotency-Key"))
		if len(keys[name]) == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		reply(t, w, fileOf(name, []byte("1")))
	})
	c.ok("put", "one", "two", "--parallel", "1")
	if one, two := keys["one"], keys["two"]; len(one) != 2 || one[0] != one[1] || len(two) != 2 || two[0] != two[1] || one[0] == two[0] || one[0] == "" {
		t.Errorf("keys %q", keys)
	}
}

func TestPutSkipsWhatIsThere(t *testing.T) {
	c := newCLI(t)
	c.start()
	c.write("one", "1")
	c.write("same", "1")
	c.write("two", "2")
	c.ok("put", "one")
	_, out, messages := c.run("put", "same", "two", "--skip-existing", "--parallel", "1")
	if !strings.Contains(out, "one  (already there; same was not sent)") || !strings.Contains(out, "two\n") || messages != "1 file sent, 1 B; 1 already there\n" {
		t.Errorf("printed %s%s", out, messages)
	}
	if n := strings.Count(c.ok("ls", "--json"), "\n"); n != 2 {
		t.Errorf("%d files", n)
	}
}

func TestPutWaits(t *testing.T) {
	tests := []struct {
		end  string
		code int
		want string
	}{
		{"processed", exitOK, "a.txt: uploaded\na.txt: reading page 2\na.txt: It is a scan.\n"},
		{"error", exitFailed, "a.txt: uploaded\na.txt: reading page 2\n" +
			"satchel: a.txt: it is stored as " + someID + ", but processing failed: it is encrypted\n"},
	}
	for _, test := range tests {
		t.Run(test.end, func(t *testing.T) {
			c := newCLI(t)
			c.write("a.txt", "a")
			looks := 0
			c.fake(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				f := fileOf("a.txt", []byte("a"))
				looks++
				state := fmt.Sprintf("reading page %d", looks)
				f.Status, f.StatusDetails = "processing", &state
				switch looks {
				case 1:
					f.Status, f.StatusDetails = "uploaded", nil
				case 3:
					f.Status, state = test.end, "It is a scan."
				}
				if f.Status == "error" {
					f.Error = &api.FileError{Code: "document_encrypted", Message: "it is encrypted"}
				}
				reply(t, w, f)
			})
			code, _, messages := c.run("put", "a.txt", "--wait")
			if code != test.code || messages != test.want {
				t.Errorf("exit %d: %s", code, messages)
			}
		})
	}
}

func TestPutFollowsFoldersAndLinks(t *testing.T) {
	c := newCLI(t)
	c.start()
	c.write("folder/a", "1")
	c.write("folder/.hidden", "2")
	c.write("elsewhere", "3")
	for link, to := range map[string]string{"folder/link": "../elsewhere", "folder/nowhere": "nowhere at all", "folder/loop": "."} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	messages := c.fails(exitMixed, "put", "-r", "folder")
	for _, want := range []string{
		"satchel: folder/loop is left out: it is a link to a folder\n",
		"satchel: folder/nowhere: it is a link to something that is not there\n",
		"satchel: 1 of 4 files failed\n",
	} {
		if !strings.Contains(messages, want) {
			t.Errorf("no %q in %s", want, messages)
		}
	}
	names := map[string]bool{}
	for line := range strings.Lines(c.ok("ls", "--json")) {
		var f api.File
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatal(err)
		}
		names[f.Filename] = true
	}
	if want := map[string]bool{"a": true, ".hidden": true, "link": true}; !reflect.DeepEqual(names, want) {
		t.Errorf("uploaded %v", names)
	}
	if err := os.Mkdir("void", 0o700); err != nil {
		t.Fatal(err)
	}
	c.fails(exitUsage, "put", "-r", "void")
	c.write("target/b", "4")
	if err := os.Symlink("target", "way"); err != nil {
		t.Fatal(err)
	}
	c.ok("put", "-r", "way") // named, it is followed
}

func TestLocalName(t *testing.T) {
	long := strings.Repeat("ü", 300)
	tests := []struct{ name, want string }{
		{"a.txt", "a.txt"},
		{"مرحبا 🎒.txt", "مرحبا 🎒.txt"},
		{"/etc/passwd", "passwd"},
		{`C:\x\y.txt`, "y.txt"},
		{"..", someID},
		{"", someID},
		{"a/", someID},
		{"red\x1b[31m\u202etxt.exe", "red_[31m_txt.exe"},
		{long + ".pdf", strings.Repeat("ü", 118) + ".pdf"},
		{"a." + long, ("a." + strings.Repeat("ü", 119))},
	}
	for _, test := range tests {
		if got := localName(&api.File{ID: someID, Filename: test.name}); got != test.want {
			t.Errorf("%q gives %q, want %q", test.name, got, test.want)
		}
	}
	if got := target(t.TempDir(), &api.File{Filename: "a"}); filepath.Base(got) != "a" {
		t.Errorf("in a folder: %s", got)
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestOutputThatCannotBeWrittenIsAFailure(t *testing.T) {
	c := newCLI(t)
	c.start()
	c.write("a", "1")
	c.ok("put", "a")
	for _, command := range []string{"ls", "ls --json", "info a", "meta a", "get a -o -", "get a -o b", "version", "--help"} {
		var messages bytes.Buffer
		if code := run(t.Context(), strings.Fields(command), nil, full{}, &messages); code != exitFailed {
			t.Errorf("%s: exit %d: %s", command, code, messages.String())
		}
	}
}
