package readme_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

// installation is a built program, and an environment in which nothing of the user who runs the tests can be seen.
type installation struct {
	program string
	environ []string
}

// install builds the program.
func install(t testing.TB) *installation {
	t.Helper()
	bin := t.TempDir()
	in := &installation{program: filepath.Join(bin, "satchel")}
	program.Must(t, program.NoteSources())
	program.Must(t, program.Build(t.Context(), in.program))
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "SATCHEL_") && !strings.HasPrefix(name, "XDG_") && name != "HOME" && name != "PATH" {
			in.environ = append(in.environ, entry)
		}
	}
	in.environ = append(in.environ, "HOME="+t.TempDir(), "PATH="+bin+":"+os.Getenv("PATH"))
	return in
}

// serve starts the server as a newcomer would, in a new home and on a free port, with a small language model. It gives the environment in which
// the documents' blocks run.
func (in *installation) serve(t testing.TB) []string {
	t.Helper()
	home := t.TempDir()
	environ := append(slices.Clone(in.environ), "HOME="+home)
	model := llmtest.Real(t)
	server := exec.Command(in.program, "serve", "--listen", "127.0.0.1:0") // without t.Context, which ends before the server is stopped in order
	server.Env = append(environ, "SATCHEL_LLM_URL="+model.URL, "SATCHEL_LLM_MODEL="+model.Model, "SATCHEL_LLM_KEY="+model.Key)
	server.Stderr = t.Output()
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Process.Signal(syscall.SIGTERM); err != nil {
			t.Errorf("stop the server: %v", err)
		}
		if err := server.Wait(); err != nil {
			t.Errorf("the server ended with %v after SIGTERM, want exit code 0", err)
		}
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if strings.Contains(lines.Text(), "satchel put") { // the last line of the greeting: the credentials are written
			break
		}
	}
	go func() {
		for lines.Scan() { // an unread pipe would block the server
		}
	}()
	url, token := credentials(t, home)
	return append(environ, "SATCHEL_URL="+url, "SATCHEL_TOKEN="+token)
}

// credentials reads what the first start wrote for the CLI of the same machine.
func credentials(t testing.TB, home string) (url, token string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(home, ".config", "satchel", "credentials.json"))
	if err != nil {
		t.Fatal(err)
	}
	var saved struct{ URL, Token string }
	if err := json.Unmarshal(text, &saved); err != nil || saved.URL == "" || saved.Token == "" {
		t.Fatalf("credentials file: %v: %s", err, text)
	}
	return saved.URL, saved.Token
}

// folder makes a working folder that looks like a clone to the documents' blocks.
func folder(t testing.TB) string {
	t.Helper()
	clone := t.TempDir()
	if err := os.CopyFS(filepath.Join(clone, "examples"), os.DirFS(filepath.Join(root, "examples"))); err != nil {
		t.Fatal(err)
	}
	return clone
}
