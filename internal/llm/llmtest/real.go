package llmtest

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Endpoint is where a real model is.
type Endpoint struct {
	URL   string
	Key   string // empty: none is needed
	Model string
}

// Real gives a real model: the one that SATCHEL_TEST_LLM_URL, SATCHEL_TEST_LLM_MODEL and SATCHEL_TEST_LLM_KEY name, or else the small one
// that `scripts/local-model install` puts below .cache. The small one is started if it does not run; it serves all tests of the machine,
// one request after the other, and ends by itself some time after the last. It reads and writes some ten tokens a second: ask it little,
// and wait long. The test fails if there is no model: what is not tested must not look as if it were.
func Real(t testing.TB) Endpoint {
	t.Helper()
	if url := os.Getenv("SATCHEL_TEST_LLM_URL"); url != "" {
		return Endpoint{URL: url, Key: os.Getenv("SATCHEL_TEST_LLM_KEY"), Model: os.Getenv("SATCHEL_TEST_LLM_MODEL")}
	}
	var failure bytes.Buffer
	start := exec.CommandContext(t.Context(), filepath.Join(moduleRoot(t), "scripts", "local-model"), "start", "--idle", "15")
	start.Stderr = &failure
	out, err := start.Output()
	if err != nil {
		t.Fatalf("the real language model is not to be had (%v); `scripts/local-model install` installs it:\n%s", err, failure.String())
	}
	return readEndpoint(t, out)
}

// readEndpoint reads what `scripts/local-model start` prints.
func readEndpoint(t testing.TB, out []byte) Endpoint {
	t.Helper()
	var e Endpoint
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), "=")
		switch name {
		case "SATCHEL_LLM_URL":
			e.URL = value
		case "SATCHEL_LLM_MODEL":
			e.Model = value
		case "SATCHEL_LLM_KEY_FILE":
			key, err := os.ReadFile(value)
			if err != nil {
				t.Fatal(err)
			}
			e.Key = strings.TrimSpace(string(key))
		}
	}
	if e.URL == "" || e.Model == "" || e.Key == "" {
		t.Fatalf("scripts/local-model start printed %q", out)
	}
	return e
}

// moduleRoot is the folder with go.mod above the test's.
func moduleRoot(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Fatal("no go.mod above the test's folder")
		}
		folder = parent
	}
}
