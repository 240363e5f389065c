package extract

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
)

// TestMain runs the tests, or what they start this program again for.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if run, ok := programs()[os.Args[1]]; ok {
			os.Exit(exitStatus(run()))
		}
	}
	os.Exit(m.Run())
}

func exitStatus(err error) int {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// programs are what this program can be by its first argument.
func programs() map[string]func() error {
	return map[string]func() error{
		"serve":     serveTricks,
		"parent":    beParent,
		"stumble":   func() error { return errors.New("no formats here") },
		"stranger":  beStranger,
		"babble":    babble,
		"unrelated": func() error { return nil },
	}
}

// serveTricks is a child whose documents say what it is to do.
func serveTricks() error {
	conn, err := Inherited()
	if err != nil {
		return err
	}
	return Serve(context.Background(), ServeConfig{Formats: []Format{&tricks{}}, Detect: detectTrick}, conn)
}

// detectTrick makes the type "test/panic" of a document that begins with the line "panic".
func detectTrick(in *io.SectionReader, _ string) (string, error) {
	line, _, err := bufio.NewReader(in).ReadLine()
	if err != nil {
		return "", err
	}
	name, _, _ := strings.Cut(string(line), " ")
	if name == "dies" {
		dieOnce(in)
	}
	return "test/" + name + "; of=tests", nil
}

// dieOnce ends the process, but only the first that gets this document: the processes share the offset of the file.
func dieOnce(in *io.SectionReader) {
	under, _, _ := in.Outer()
	file := under.(*os.File)
	if at, _ := file.Seek(0, io.SeekCurrent); at == 0 {
		_, _ = file.Seek(1, io.SeekStart)
		os.Exit(3)
	}
}

// trick is something that a Format may do, with the words behind its name and the rest of the document.
type trick func(words []string, rest string, out Output) (satchel.Document, error)

// tricks is a Format that does what the document says.
type tricks struct {
	started string
	kept    kept
}

// Start needs a file, and fails.
func (f *tricks) Start(context.Context) error {
	_, err := os.ReadFile("/dev/null")
	f.started = fmt.Sprint(err)
	return errors.New("started, more or less")
}

func (f *tricks) Types() []string {
	var types []string
	for name := range f.all() {
		types = append(types, "test/"+name)
	}
	return types
}

func (f *tricks) Extract(_ context.Context, in Input, out Output) (satchel.Document, error) {
	all, err := io.ReadAll(in)
	if err != nil {
		return satchel.Document{}, err
	}
	line, rest, _ := strings.Cut(string(all), "\n")
	words := strings.Fields(line)
	doc, err := f.all()[words[0]](words[1:], rest, out)
	if doc.Properties == nil {
		doc.Properties = map[string]string{}
	}
	doc.Properties["pid"] = strconv.Itoa(os.Getpid())
	doc.Properties["filename"] = in.Filename
	doc.Properties["started"] = f.started
	return doc, err
}

// Render gives as many bytes as the document says.
func (*tricks) Render(_ context.Context, in Input, n, side int) ([]byte, error) {
	var bytes int
	if _, err := fmt.Fscanf(in, "draw %d", &bytes); err != nil {
		return nil, &satchel.Error{Code: satchel.CodeDocumentBroken, Message: "nothing to draw", Err: err}
	}
	return []byte(strings.Repeat(fmt.Sprintf("%d/%d;", n, side), bytes)[:bytes]), nil
}

func (f *tricks) all() map[string]trick {
	tricks := map[string]trick{
		"text": func(_ []string, rest string, out Output) (satchel.Document, error) {
			return satchel.Document{}, out.Page(Page{Text: rest})
		},
		"dies": func(_ []string, rest string, out Output) (satchel.Document, error) {
			return satchel.Document{}, out.Page(Page{Text: rest})
		},
		"draw":  func([]string, string, Output) (satchel.Document, error) { return satchel.Document{}, nil },
		"pages": pagesTrick,
		"about": func([]string, string, Output) (satchel.Document, error) {
			return satchel.Document{
				Pages: 77, Characters: 77, Format: "trick", Title: " A\ttitle\x00 ", Width: -3,
				Properties: map[string]string{"long": strings.Repeat("é", 5000), "": "nameless"},
			}, nil
		},
		"panic": func([]string, string, Output) (satchel.Document, error) { panic("as I was told") },
		"exit":  func([]string, string, Output) (satchel.Document, error) { os.Exit(3); return satchel.Document{}, nil },
		"hang":  hangTrick,
		"loop": func([]string, string, Output) (satchel.Document, error) {
			for n := uint8(0); ; n++ {
				if int(n) > 1<<8 {
					return satchel.Document{}, nil
				}
			}
		},
		"endless": func(_ []string, _ string, out Output) (satchel.Document, error) {
			for {
				if err := out.Page(Page{Text: "and on"}); err != nil {
					return satchel.Document{}, err
				}
			}
		},
		"wide": func(_ []string, _ string, out Output) (satchel.Document, error) {
			return satchel.Document{}, out.(Streamer).Stream("wide", endless{})
		},
		"promise": func(_ []string, _ string, out Output) (satchel.Document, error) {
			return satchel.Document{}, out.Expect(1 << 40)
		},
		"deep": func([]string, string, Output) (satchel.Document, error) {
			return satchel.Document{Width: deeper(1)}, nil
		},
		"fail": failTrick,
	}
	maps.Copy(tricks, f.kept.tricks())
	maps.Copy(tricks, platformTricks())
	return tricks
}

// endless is a text without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

func deeper(n int) int {
	if n < 0 {
		return 0
	}
	var ballast [1 << 10]int
	ballast[n%len(ballast)] = deeper(n + 1)
	return ballast[n%7]
}

// pagesTrick gives as many pages as the document says.
func pagesTrick(words []string, _ string, out Output) (satchel.Document, error) {
	n, err := strconv.Atoi(words[0])
	if err != nil {
		return satchel.Document{}, err
	}
	if err := out.Expect(n); err != nil {
		return satchel.Document{}, err
	}
	for i := range n {
		if err := out.Page(Page{Label: "no. " + strconv.Itoa(i+1), Text: "page " + strconv.Itoa(i+1)}); err != nil {
			return satchel.Document{}, err
		}
	}
	return satchel.Document{}, nil
}

// hangTrick gives a page and then nothing any more.
func hangTrick(_ []string, _ string, out Output) (satchel.Document, error) {
	if err := out.Page(Page{Text: "the only one"}); err != nil {
		return satchel.Document{}, err
	}
	<-make(chan struct{})
	return satchel.Document{}, nil
}

// failTrick fails with the code and the message that the document says.
func failTrick(words []string, rest string, _ Output) (satchel.Document, error) {
	if len(words) == 0 {
		return satchel.Document{}, errors.New("a plain error")
	}
	return satchel.Document{}, &satchel.Error{Code: satchel.Code(words[0]), Message: rest, Err: errors.New("the cause")}
}

// kept is what a Format must not do: it keeps something of a document.
type kept struct{ bytes [][]byte }

func (k *kept) tricks() map[string]trick {
	megabytes := func(words []string) int {
		n, _ := strconv.Atoi(words[0])
		return n << 20
	}
	return map[string]trick{
		// eat takes so many megabytes one after the other, and stays.
		"eat": func(words []string, _ string, _ Output) (satchel.Document, error) {
			var all [][]byte
			for range megabytes(words) >> 20 {
				all = append(all, touched(1<<20))
			}
			<-make(chan struct{})
			return satchel.Document{Width: len(all)}, nil
		},
		"gulp": func(words []string, _ string, _ Output) (satchel.Document, error) {
			return satchel.Document{Width: len(touched(megabytes(words)))}, nil
		},
		// litter uses 16 MiB at a time.
		"litter": func(words []string, _ string, _ Output) (satchel.Document, error) {
			total := 0
			for total < megabytes(words) {
				total += len(touched(16 << 20))
			}
			return satchel.Document{Width: total >> 20}, nil
		},
		// keep takes so many megabytes more each time.
		"keep": func(words []string, _ string, _ Output) (satchel.Document, error) {
			k.bytes = append(k.bytes, touched(megabytes(words)))
			return satchel.Document{}, nil
		},
	}
}

// touched gives memory that is really there.
func touched(n int) []byte {
	b := make([]byte, n)
	for i := 0; i < n; i += 4 << 10 {
		b[i] = 1
	}
	return b
}

// beStranger is a child of another version.
func beStranger() error {
	conn, err := Inherited()
	if err != nil {
		return err
	}
	out := newFrameWriter(conn)
	if err := out.send(kindHello, []byte{protocol + 1}); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, conn)
	return err
}

// babble is a child that somebody has taken over: it answers the first request with a frame without an end.
func babble() error {
	conn, err := Inherited()
	if err != nil {
		return err
	}
	out := newFrameWriter(conn)
	if err := out.send(kindHello, []byte{protocol}); err != nil {
		return err
	}
	if err := out.send(kindType, []byte("text/plain")); err != nil {
		return err
	}
	if _, err := out.WriteString("X\xff\xff\xff\xff"); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err = io.Copy(conn, endless{})
	return err
}

// beParent is a server that dies: it has a child hang over a document, prints the child's id, and waits for its end.
func beParent() error {
	pool, err := NewPool(PoolConfig{Args: []string{"serve"}})
	if err != nil {
		return err
	}
	out := &outcome{page: func(Page) error {
		_, err := fmt.Println(pool.pids()[0])
		return err
	}}
	_, err = pool.Extract(context.Background(), strings.NewReader("hang"), "", out)
	return err
}
