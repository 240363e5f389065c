package pdf_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/satchel-files/satchel/internal/extract/pdf"
)

// prepareFolder is the variable that makes this program prepare a folder, and do nothing else.
const prepareFolder = "SATCHEL_TEST_PREPARE"

func prepareAlone(root string) int {
	if err := pdf.New(pdf.Config{CacheDir: root}).Prepare(context.Background()); err != nil {
		_, _ = os.Stderr.WriteString(err.Error())
		return 1
	}
	return 0
}

// files gives the files below a folder by name, but for locks.
func files(t *testing.T, root string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	paths, err := filepath.Glob(filepath.Join(root, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	deeper, err := filepath.Glob(filepath.Join(root, "*", "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(paths, deeper...) {
		if content, err := os.ReadFile(path); err == nil {
			all[path[len(root):]] = content
		}
	}
	return all
}

// differing names a file that is not the same in both.
func differing(a, b map[string][]byte) string {
	for name := range a {
		if !bytes.Equal(a[name], b[name]) {
			return name
		}
	}
	for name := range b {
		if a[name] == nil {
			return name
		}
	}
	return ""
}

// Damaged code never runs. Documents are read without it, until some process makes it anew; several that want to do so at once do it once.
func TestDamagedCode(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(folder())); err != nil {
		t.Fatal(err)
	}
	whole := files(t, root)
	if len(whole) != 2 {
		t.Fatalf("%d files, want the code and its seal", len(whole))
	}
	damage(t, root)
	damaged := files(t, root)
	if _, out := read(t, open(t, pdf.Config{CacheDir: root}), plain("x")); out.Pages[0].Text != "x" {
		t.Errorf("%q", out.Texts())
	}
	if diff := differing(damaged, files(t, root)); diff != "" {
		t.Errorf("reading a document has changed %s", diff)
	}
	var group errgroup.Group
	for range 2 {
		group.Go(func() error {
			child := exec.CommandContext(t.Context(), os.Args[0])
			child.Env = append(os.Environ(), prepareFolder+"="+root)
			if out, err := child.CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			return nil
		})
	}
	_ = group.Wait()
	if diff := differing(whole, files(t, root)); diff != "" {
		t.Errorf("%s is not as it was", diff)
	}
	if _, out := read(t, open(t, pdf.Config{CacheDir: root}), plain("x")); out.Pages[0].Text != "x" {
		t.Errorf("%q", out.Texts())
	}
}

// damage turns a bit of the code around.
func damage(t *testing.T, root string) {
	t.Helper()
	for name, content := range files(t, root) {
		if len(content) < 1<<20 {
			continue
		}
		content[len(content)/2] ^= 1
		if err := os.WriteFile(filepath.Join(root, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPrepareWithoutAFolder(t *testing.T) {
	if err := pdf.New(pdf.Config{}).Prepare(t.Context()); err != nil {
		t.Error(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := pdf.New(pdf.Config{CacheDir: file}).Prepare(t.Context()); err == nil {
		t.Error("a file was taken for a folder")
	}
}

func TestStart(t *testing.T) {
	root := t.TempDir()
	if err := os.CopyFS(root, os.DirFS(folder())); err != nil {
		t.Fatal(err)
	}
	f := open(t, pdf.Config{CacheDir: root})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, out := read(t, f, plain("x")); out.Pages[0].Text != "x" {
		t.Errorf("%q", out.Texts())
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 16<<20 { // compiling takes ten times that
		t.Errorf("the first document took %d MiB after the start", took>>20)
	}
	for _, missing := range []string{"", filepath.Join(root, "not there")} {
		if err := pdf.New(pdf.Config{CacheDir: missing}).Start(t.Context()); err != nil {
			t.Errorf("%q: %v", missing, err)
		}
	}
}

func TestCloseAndGoOn(t *testing.T) {
	f := open(t, pdf.Config{})
	for range 2 {
		if _, out := read(t, f, plain("x")); out.Pages[0].Text != "x" {
			t.Errorf("%q", out.Texts())
		}
		for range 2 {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
