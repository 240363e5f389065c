package deploy_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// TestRelease makes a release for this machine twice: the same bytes, with right checksums, a program that runs, and a list of what it is made of.
func TestRelease(t *testing.T) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	first, second := release(t, platform), release(t, platform)
	sums, err := os.ReadFile(filepath.Join(first, "SHA256SUMS"))
	program.Must(t, err)
	again, err := os.ReadFile(filepath.Join(second, "SHA256SUMS"))
	program.Must(t, err)
	if string(sums) != string(again) || strings.Count(string(sums), "\n") != 2 {
		t.Errorf("twice the same release:\n%s\n%s", sums, again)
	}
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "SHA256SUMS")
	check.Dir = first
	out, err := check.CombinedOutput()
	if err != nil {
		t.Errorf("sha256sum: %v\n%s", err, out)
	}
	checkArchive(t, one(t, filepath.Join(first, "*.tar.gz")))
	checkSBOM(t, one(t, filepath.Join(first, "*.cdx.json")))
}

func release(t *testing.T, platforms string) (folder string) {
	t.Helper()
	folder = t.TempDir()
	cmd := exec.CommandContext(t.Context(), "../../scripts/release", folder)
	cmd.Env = append(os.Environ(), "PLATFORMS="+platforms)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return folder
}

// one gives the only file of a pattern.
func one(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	program.Must(t, err)
	if len(found) != 1 {
		t.Fatalf("%s: %v", pattern, found)
	}
	return found[0]
}

func checkArchive(t *testing.T, archive string) {
	t.Helper()
	folder := t.TempDir()
	out, err := exec.CommandContext(t.Context(), "tar", "--extract", "--gzip", "--file", archive, "--directory", folder).CombinedOutput()
	if err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	inside := filepath.Join(folder, strings.TrimSuffix(filepath.Base(archive), ".tar.gz"))
	for _, name := range []string{"README.md", "LICENSE", "CHANGELOG.md", "docs/operations.md", "deploy/systemd/satchel.service"} {
		if _, err := os.Stat(filepath.Join(inside, name)); err != nil {
			t.Error(err)
		}
	}
	said, err := exec.CommandContext(t.Context(), filepath.Join(inside, "satchel"), "version").Output()
	if err != nil || !strings.HasPrefix(string(said), "satchel v") || !strings.Contains(string(said), runtime.GOOS+"/"+runtime.GOARCH) {
		t.Errorf("the program says %q, %v", said, err)
	}
}

func checkSBOM(t *testing.T, path string) {
	t.Helper()
	text, err := os.ReadFile(path)
	program.Must(t, err)
	var bill struct {
		BOMFormat  string `json:"bomFormat"`
		Components []struct{ Name, Version string }
	}
	program.Must(t, json.Unmarshal(text, &bill))
	var names []string
	for _, c := range bill.Components {
		if c.Version == "" {
			t.Errorf("%s has no version", c.Name)
		}
		names = append(names, c.Name)
	}
	for _, name := range []string{"std", "modernc.org/sqlite", "github.com/danielgtaylor/huma/v2"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is not among what the program is made of: %v", name, names)
		}
	}
	if bill.BOMFormat != "CycloneDX" || slices.Contains(names, "gotest.tools/gotestsum") {
		t.Errorf("%s lists %v", bill.BOMFormat, names)
	}
}
