package extract

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
)

// outcome takes the pages of a document; page, if set, gets them first.
type outcome struct {
	expected int
	pages    []Page
	page     func(Page) error
}

func (o *outcome) Expect(pages int) error {
	o.expected = pages
	return nil
}

func (o *outcome) Page(p Page) error {
	o.pages = append(o.pages, p)
	if o.page == nil {
		return nil
	}
	return o.page(p)
}

func newPool(t testing.TB, config PoolConfig) *Pool {
	t.Helper()
	if config.Args == nil {
		config.Args = []string{"serve"}
	}
	pool, err := NewPool(config)
	if err != nil {
		t.Fatal(err)
	}
	if raceDetector {
		pool.limits.Mapped = 0
	}
	t.Cleanup(func() {
		if err := pool.Close(); err != nil {
			t.Error(err)
		}
	})
	return pool
}

// pids gives the processes of all children, in their order.
func (p *Pool) pids() []int {
	p.mu.Lock()
	defer p.mu.Unlock()
	var pids []int
	for c := range maps.Keys(p.all) {
		pids = append(pids, c.cmd.Process.Pid)
	}
	slices.Sort(pids)
	return pids
}

// waitUntil waits until something is true of the pool. The test's time-out ends it otherwise.
func (p *Pool) waitUntil(is func() bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !is() {
		p.changed.Wait()
	}
}

func (p *Pool) hasWaiting() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.waiting > 0
}

// extract has a document read of which a test expects that it can be read.
func extract(t testing.TB, pool *Pool, content string) (Result, *outcome) {
	t.Helper()
	out := &outcome{}
	result, err := pool.Extract(t.Context(), strings.NewReader(content), "a.test", out)
	if err != nil {
		t.Fatalf("Extract(%.40q): %v", content, err)
	}
	return result, out
}

func pid(r Result) string { return r.Document.Properties["pid"] }

func TestExtract(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	result, out := extract(t, pool, "pages 3")
	if out.expected != 3 || len(out.pages) != 3 || out.pages[1] != (Page{Label: "no. 2", Text: "page 2"}) {
		t.Errorf("got %d of %d pages: %v", len(out.pages), out.expected, out.pages)
	}
	d := result.Document
	if result.Type != "test/pages; of=tests" || d.Pages != 3 || d.Characters != 18 || d.Format != "pages" || d.Properties["filename"] != "a.test" {
		t.Errorf("got %+v", result)
	}
}

func TestFormatsStartBeforeTheDoorsAreShut(t *testing.T) {
	log := &logged{}
	pool := newPool(t, PoolConfig{Logger: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if result, _ := extract(t, pool, "pages 1"); result.Document.Properties["started"] != "<nil>" {
		t.Errorf("got %v", result.Document.Properties)
	}
	if err := pool.Close(); err != nil { // then all is in the log
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "start a format: started, more or less") {
		t.Errorf("logged %q", log)
	}
}

// logged is what was logged.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func TestTextIsNormalized(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	result, out := extract(t, pool, "text\nGrüße \r\nvon\x00 \xff\r\n\n\n\n\n\nmir\n\n")
	if want := "Grüße\nvon \uFFFD\n\n\nmir\n"; out.pages[0].Text != want {
		t.Errorf("got %q, want %q", out.pages[0].Text, want)
	}
	if got, want := result.Document.Characters, int64(18); got != want {
		t.Errorf("%d characters, want %d", got, want)
	}
}

func TestWhatADocumentSaysOfItselfIsBounded(t *testing.T) {
	result, _ := extract(t, newPool(t, PoolConfig{}), "about")
	d := result.Document
	if d.Pages != 0 || d.Characters != 0 || d.Format != "trick" || d.Title != "A title" || d.Width != 0 {
		t.Errorf("got %+v", d)
	}
	if _, ok := d.Properties[""]; ok || len(d.Properties["long"]) != maxProperty {
		t.Errorf("got properties %q", d.Properties)
	}
}

// streamed is an outcome that is a Streamer.
type streamed struct {
	outcome
	bytes int64
	read  int64 // at most; 0: all
}

func (s *streamed) Stream(_ string, text io.Reader) (err error) {
	if s.read > 0 {
		text = io.LimitReader(text, s.read)
	}
	n, err := io.Copy(io.Discard, text)
	s.bytes += n
	return err
}

func TestStreams(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	content := "text\n" + strings.Repeat("0123456789abcde\n", 1<<16)
	for _, read := range []int64{0, 10} {
		out := &streamed{read: read}
		result, err := pool.Extract(t.Context(), strings.NewReader(content), "", out)
		if err != nil {
			t.Fatal(err)
		}
		want := int64(1 << 20)
		if result.Document.Characters != want || out.pages != nil {
			t.Errorf("%d characters and pages %v, want %d and none", result.Document.Characters, out.pages, want)
		}
		if read > 0 {
			want = read
		}
		if out.bytes != want {
			t.Errorf("%d bytes streamed, want %d", out.bytes, want)
		}
	}
}

func TestContentIsAFile(t *testing.T) {
	pool := newPool(t, PoolConfig{TempDir: filepath.Join(t.TempDir(), "is not there")}) // so that nothing can be copied
	path := filepath.Join(t.TempDir(), "document")
	if err := os.WriteFile(path, []byte("text\nhello"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.Seek(7, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		out := &outcome{}
		if _, err := pool.Extract(t.Context(), file, "", out); err != nil {
			t.Fatal(err)
		}
		if out.pages[0].Text != "hello" {
			t.Errorf("got %q", out.pages)
		}
	}
	if at, err := file.Seek(0, io.SeekCurrent); err != nil || at != 7 {
		t.Errorf("the offset is %d, %v; want 7", at, err)
	}
	if _, err := pool.Extract(t.Context(), strings.NewReader("text"), "", &outcome{}); err == nil || satchel.CodeOf(err) != satchel.CodeInternal {
		t.Errorf("a copy into a folder that is not there: %v", err)
	}
}

func TestNothingIsLeftOfCopies(t *testing.T) {
	dir := t.TempDir()
	pool := newPool(t, PoolConfig{TempDir: dir})
	look := &outcome{page: func(Page) error {
		left, err := os.ReadDir(dir)
		if len(left) > 0 {
			t.Errorf("found %v", left)
		}
		return err
	}}
	if _, err := pool.Extract(t.Context(), bytes.NewReader([]byte("text\nhello")), "", look); err != nil {
		t.Fatal(err)
	}
	if len(look.pages) != 1 {
		t.Errorf("got %v", look.pages)
	}
}

func TestUnsupported(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	result, err := pool.Extract(t.Context(), strings.NewReader("sculpture"), "", &outcome{})
	if !errors.Is(err, ErrUnsupported) || result.Type != "test/sculpture; of=tests" {
		t.Errorf("got %+v, %v", result, err)
	}
	before := pool.pids()
	if extract(t, pool, "pages 1"); !slices.Equal(before, pool.pids()) {
		t.Error("the child was replaced")
	}
}

// TestFailures has every kind of bad document read, and a good one after it.
func TestFailures(t *testing.T) {
	const memory = 192 << 20
	tests := []struct {
		content string
		config  PoolConfig
		code    satchel.Code
		says    string
	}{
		{"fail document_encrypted\nIt needs a password.", PoolConfig{}, satchel.CodeDocumentEncrypted, "It needs a password.: the cause"},
		{"fail forbidden\nYou may not.", PoolConfig{}, satchel.CodeExtractionFailed, unreadable + ": the cause"},
		{"fail", PoolConfig{}, satchel.CodeExtractionFailed, unreadable + ": a plain error"},
		{"", PoolConfig{}, satchel.CodeExtractionFailed, "find the content type: EOF"},
		{"panic", PoolConfig{}, satchel.CodeExtractionFailed, "as I was told"},
		{"exit", PoolConfig{}, satchel.CodeExtractionFailed, "broke down over this one; processing it again may help: the child died: exit status 3"},
		{"deep", PoolConfig{}, satchel.CodeDocumentTooComplex, "nested too deeply"},
		{"loop", PoolConfig{Time: 200 * time.Millisecond}, satchel.CodeDocumentTooComplex, "takes longer than 200ms"},
		{"hang", PoolConfig{Time: 200 * time.Millisecond}, satchel.CodeDocumentTooComplex, "takes longer than 200ms"},
		{"endless", PoolConfig{MaxPages: 100}, satchel.CodeDocumentTooComplex, "more than 100 pages"},
		{"endless", PoolConfig{MaxText: 1000}, satchel.CodeDocumentTooComplex, "more than 1000 B of text"},
		{"promise", PoolConfig{}, satchel.CodeDocumentTooComplex, "more than 100000 pages"},
		{"wide", PoolConfig{MaxText: 1 << 20}, satchel.CodeDocumentTooComplex, "more than 1.0 MiB of text"},
		{"eat 4000", PoolConfig{Memory: memory}, satchel.CodeDocumentTooComplex, "more than 192 MiB of memory"},
		{"gulp 2000", PoolConfig{Memory: memory}, satchel.CodeDocumentTooComplex, "more than 192 MiB of memory"},
	}
	for _, test := range tests {
		t.Run(strings.Fields(test.content + " empty")[0], func(t *testing.T) {
			test.config.Size = 1
			pool := newPool(t, test.config)
			_, err := pool.Extract(t.Context(), strings.NewReader(test.content), "", &outcome{})
			if satchel.CodeOf(err) != test.code || !strings.Contains(err.Error(), test.says) {
				t.Errorf("got %s %v\nwant %s … %s", satchel.CodeOf(err), err, test.code, test.says)
			}
			extract(t, pool, "pages 1")
		})
	}
}

func TestGarbageIsNoReason(t *testing.T) {
	result, _ := extract(t, newPool(t, PoolConfig{Memory: 400 << 20}), "litter 640")
	if result.Document.Width != 640 {
		t.Errorf("got %+v", result)
	}
}

// TestChildLooksAfterItself stays below the kernel's limit, and the Pool does not look.
func TestChildLooksAfterItself(t *testing.T) {
	pool := newPool(t, PoolConfig{Memory: 100 << 20})
	c, err := pool.take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	blind := pool.config
	blind.Memory = 1 << 40
	d, err := pool.open(t.Context(), strings.NewReader("eat 110"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	err = c.ask(t.Context(), request{Size: d.size}, d, &blind, &answer{out: &outcome{}, bounds: bounds{1, 1}})
	if satchel.CodeOf(err) != satchel.CodeDocumentTooComplex {
		t.Errorf("got %v", err)
	}
	if said, memory, _ := c.notes.words(t.Context()); !memory || c.cmd.ProcessState.ExitCode() != 1 { // 2 is how the runtime ends
		t.Errorf("it said %q and ended with %s", said, c.cmd.ProcessState)
	}
}

func TestKilledFromOutside(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	out := &outcome{page: func(Page) error { return unix.Kill(pool.pids()[0], unix.SIGKILL) }}
	_, err := pool.Extract(t.Context(), strings.NewReader("hang"), "", out)
	if satchel.CodeOf(err) != satchel.CodeExtractionFailed || !strings.Contains(err.Error(), "killed") {
		t.Errorf("got %v", err)
	}
	if len(out.pages) != 1 {
		t.Errorf("it was read again after something had come: %v", out.pages)
	}
	extract(t, pool, "pages 1")
}

func TestSignalsThatAskAreIgnored(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1})
	before, _ := extract(t, pool, "pages 1")
	for _, signal := range []unix.Signal{unix.SIGTERM, unix.SIGINT, unix.SIGHUP} {
		if err := unix.Kill(pool.pids()[0], signal); err != nil {
			t.Fatal(err)
		}
	}
	if after, _ := extract(t, pool, "pages 1"); pid(before) != pid(after) {
		t.Error("the child was replaced")
	}
}

func TestDiesBeforeItSaysAnything(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1})
	result, out := extract(t, pool, "dies\nbut not twice")
	if out.pages[0].Text != "but not twice" {
		t.Errorf("got %v, %v", result, out.pages)
	}
}

func TestDiesIdle(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1})
	before, _ := extract(t, pool, "pages 1")
	victim := pool.pids()[0]
	if err := unix.Kill(victim, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	pool.waitUntil(func() bool { return len(pool.idle) == 1 && pool.idle[0].cmd.Process.Pid != victim })
	if after, _ := extract(t, pool, "pages 1"); pid(before) == pid(after) {
		t.Error("a dead child has answered")
	}
}

func TestContextEnds(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1})
	for _, content := range []string{"hang", "endless"} {
		ctx, cancel := context.WithCancel(t.Context())
		out := &outcome{page: func(Page) error { cancel(); return nil }}
		if _, err := pool.Extract(ctx, strings.NewReader(content), "", out); !errors.Is(err, context.Canceled) || satchel.CodeOf(err) != satchel.CodeInternal {
			t.Errorf("%s: got %v", content, err)
		}
		extract(t, pool, "pages 1")
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pool.Extract(ended, strings.NewReader("pages 1"), "", &outcome{}); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestWaitingForAChildEndsWithTheContext(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1})
	out := &outcome{page: func(Page) error {
		ctx, cancel := context.WithCancel(t.Context())
		go func() {
			for !pool.hasWaiting() {
				runtime.Gosched()
			}
			cancel()
		}()
		if _, err := pool.Extract(ctx, strings.NewReader("pages 1"), "", &outcome{}); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		return nil
	}}
	if _, err := pool.Extract(t.Context(), strings.NewReader("pages 1"), "", out); err != nil {
		t.Fatal(err)
	}
}

func TestOutputFails(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1})
	full := errors.New("the disk is full")
	_, err := pool.Extract(t.Context(), strings.NewReader("endless"), "", &outcome{page: func(Page) error { return full }})
	if err != full { //nolint:errorlint // as it is
		t.Errorf("got %v", err)
	}
	extract(t, pool, "pages 1")
}

func TestRender(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	for _, bytes := range []int{10, 100_000, maxImage} {
		image, err := pool.Render(t.Context(), strings.NewReader(fmt.Sprintf("draw %d", bytes)), "", 7, 800)
		if err != nil || len(image) != bytes || string(image[:6]) != "7/800;" {
			t.Errorf("%d bytes: got %d, %v", bytes, len(image), err)
		}
	}
	tests := map[string]satchel.Code{
		fmt.Sprintf("draw %d", maxImage+1): satchel.CodeDocumentTooComplex,
		"draw 0":                           satchel.CodeExtractionFailed,
		"draw nothing":                     satchel.CodeDocumentBroken,
	}
	for content, code := range tests {
		if image, err := pool.Render(t.Context(), strings.NewReader(content), "", 1, 1); satchel.CodeOf(err) != code || image != nil {
			t.Errorf("%s: got %d bytes, %v", content, len(image), err)
		}
	}
	if _, err := pool.Render(t.Context(), strings.NewReader("sculpture"), "", 1, 1); !errors.Is(err, ErrUnsupported) {
		t.Errorf("got %v", err)
	}
}

func TestReplacedAfterReuseCount(t *testing.T) {
	for _, size := range []int{1, 2} {
		pool := newPool(t, PoolConfig{Size: size, ReuseCount: 3})
		counts := map[string]int{}
		for range 12 {
			result, _ := extract(t, pool, "pages 1")
			counts[pid(result)]++
		}
		for child, n := range counts {
			if n > 3 {
				t.Errorf("size %d: child %s has read %d documents", size, child, n)
			}
		}
	}
}

func TestReplacedWhenItKeepsMemory(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 1, Memory: 640 << 20})
	first, _ := extract(t, pool, "keep 40")
	for same := true; same; { // or else it would be killed in the end
		next, _ := extract(t, pool, "keep 40")
		same = pid(first) == pid(next)
	}
	if raceDetector {
		return // what it knows of memory that was given back stays
	}
	before, _ := extract(t, pool, "gulp 400")
	if after, _ := extract(t, pool, "pages 1"); pid(before) != pid(after) {
		t.Error("a child that had given its memory back was replaced")
	}
}

func TestIdleChildrenEnd(t *testing.T) {
	pool := newPool(t, PoolConfig{MaxIdle: time.Millisecond})
	both := &outcome{page: func(Page) error { // the second document comes while the first one is read
		extract(t, pool, "pages 1")
		return nil
	}}
	if _, err := pool.Extract(t.Context(), strings.NewReader("pages 1"), "", both); err != nil {
		t.Fatal(err)
	}
	pool.waitUntil(func() bool { return len(pool.idle) == 1 && pool.places == 1 && len(pool.all) == 1 })
	extract(t, pool, "pages 1")
}

func TestManyAtOnce(t *testing.T) {
	pool := newPool(t, PoolConfig{Size: 3, ReuseCount: 20})
	var tasks sync.WaitGroup
	for worker := range 8 {
		tasks.Go(func() {
			for i := range 25 {
				many(t, pool, worker*100+i)
			}
		})
	}
	tasks.Wait()
	if n := len(pool.pids()); n > 3 {
		t.Errorf("%d children", n)
	}
}

// many reads one of many documents, of which some break their child.
func many(t *testing.T, pool *Pool, i int) {
	out := &outcome{}
	if i%10 == 7 {
		_, err := pool.Extract(t.Context(), strings.NewReader("exit"), "", out)
		if satchel.CodeOf(err) != satchel.CodeExtractionFailed {
			t.Errorf("%d: %v", i, err)
		}
		return
	}
	want := fmt.Sprintf("document %d", i)
	_, err := pool.Extract(t.Context(), strings.NewReader("text\n"+want), "", out)
	if err != nil || len(out.pages) != 1 || out.pages[0].Text != want {
		t.Errorf("%d: %v, %v", i, out.pages, err)
	}
}

func TestClose(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	out := &outcome{page: func(Page) error { return pool.Close() }}
	if _, err := pool.Extract(t.Context(), strings.NewReader("hang"), "", out); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if _, err := pool.Extract(t.Context(), strings.NewReader("pages 1"), "", &outcome{}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
	if err := pool.Warm(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v", err)
	}
}

func TestWarm(t *testing.T) {
	pool := newPool(t, PoolConfig{})
	for range 2 {
		if err := pool.Warm(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(pool.pids()); n != 1 {
			t.Errorf("%d children", n)
		}
	}
}

// TestCannotStart is about the server, and no document's fault.
func TestCannotStart(t *testing.T) {
	tests := []struct {
		config PoolConfig
		says   string
	}{
		{PoolConfig{Path: "/nowhere/satchel"}, "no such file"},
		{PoolConfig{Args: []string{"stumble"}}, "no formats here"},
		{PoolConfig{Args: []string{"unrelated"}}, "exit status 0"},
		{PoolConfig{Args: []string{"stranger"}}, "has the program been replaced?"},
	}
	for _, test := range tests {
		pool := newPool(t, test.config)
		_, err := pool.Extract(t.Context(), strings.NewReader("pages 1"), "", &outcome{})
		if err == nil || satchel.CodeOf(err) != satchel.CodeInternal || !strings.Contains(err.Error(), test.says) {
			t.Errorf("got %v, want … %s", err, test.says)
		}
	}
}

func TestChildThatWasTakenOver(t *testing.T) {
	pool := newPool(t, PoolConfig{Args: []string{"babble"}})
	_, err := pool.Extract(t.Context(), strings.NewReader("pages 1"), "", &outcome{})
	if satchel.CodeOf(err) != satchel.CodeExtractionFailed || !errors.Is(err, errCrashed) {
		t.Errorf("got %v", err)
	}
}

// TestConnectionEnds leaves a child alone in the middle of a document.
func TestConnectionEnds(t *testing.T) {
	for _, content := range []string{"hang", "loop", ""} {
		pool := newPool(t, PoolConfig{})
		c, err := pool.take(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		if content != "" {
			begin(t, pool, c, content)
			want = 1
		}
		if err := c.conn.Close(); err != nil {
			t.Fatal(err)
		}
		<-c.dead
		if got := c.cmd.ProcessState.ExitCode(); got != want {
			t.Errorf("%q: it ended with %s", content, c.cmd.ProcessState)
		}
	}
}

// begin sends a document to a child and returns when it is being read.
func begin(t *testing.T, pool *Pool, c *child, content string) {
	t.Helper()
	d, err := pool.open(t.Context(), strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	if err := sendRequest(c.conn, request{Size: d.size}, d.file); err != nil {
		t.Fatal(err)
	}
	if k, _, err := newFrameReader(c.conn).next(); k != kindType || err != nil {
		t.Fatalf("got %q, %v", k, err)
	}
}

func BenchmarkWarm(b *testing.B) {
	pool := newPool(b, PoolConfig{ReuseCount: 1 << 30})
	path := filepath.Join(b.TempDir(), "document")
	if err := os.WriteFile(path, []byte("text\n"+strings.Repeat("0123456789abcde\n", 64)), 0o600); err != nil {
		b.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if err := pool.Warm(b.Context()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := pool.Extract(b.Context(), file, "", &outcome{}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(pool.idle[0].meter.resident())/(1<<20), "MiB/child")
}

func BenchmarkCold(b *testing.B) {
	for b.Loop() {
		pool := newPool(b, PoolConfig{})
		extract(b, pool, "pages 1")
		if err := pool.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLongText(b *testing.B) {
	pool := newPool(b, PoolConfig{ReuseCount: 1 << 30})
	content := "text\n" + strings.Repeat("0123456789 äbcde\n", 1<<20)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		extract(b, pool, content)
	}
}
