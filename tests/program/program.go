// Package program runs the real program as a process of its own, for tests that kill it.
package program

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// RootToken is the token with which a server of these tests can be asked for everything.
const RootToken = "the-root-token-of-the-servers-of-these-tests"

// Build makes the program, static, at a path. args are further ones for go build.
func Build(ctx context.Context, path string, args ...string) error {
	args = append(append([]string{"build", "-buildvcs=false"}, args...), "-o", path, "github.com/satchel-files/satchel/cmd/satchel")
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return nil
}

// NoteSources reads the folders of the program, so that the go command knows that a result in its cache depends on them. It is for packages right
// below tests, and must be called by a test: of what is read before TestMain runs the tests, the go command learns nothing.
func NoteSources() error {
	for _, room := range []string{"../../cmd", "../../internal", "../../api", "../../client"} {
		err := filepath.WalkDir(room, func(_ string, _ fs.DirEntry, err error) error { return err })
		if err != nil {
			return err
		}
	}
	nouns, err := filepath.Glob("../../*.go")
	if err != nil {
		return err
	}
	for _, name := range append(nouns, "../../go.mod", "../../go.sum") {
		if _, err := os.Stat(name); err != nil {
			return err
		}
	}
	return nil
}

// Settings say which program is started, and how.
type Settings struct {
	Program string   // the path of what Build made
	Env     []string // variables, over the default ones: the server sweeps all the time and takes any disk
}

// Serve is the command line that serves a data folder, on a free port.
func (how Settings) Serve(ctx context.Context, t testing.TB, data string) *exec.Cmd {
	t.Helper()
	return how.Command(ctx, t, "serve", "--listen", "127.0.0.1:0", "--data", data)
}

// Command is a command line of the program, with all that it knows of the machine.
func (how Settings) Command(ctx context.Context, t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(ctx, how.Program, args...)
	cmd.Env = append([]string{
		"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH"), "SATCHEL_ROOT_TOKEN=" + RootToken,
		"SATCHEL_MIN_FREE_BYTES=0", "SATCHEL_SWEEP_INTERVAL=50ms",
	}, how.Env...)
	cmd.WaitDelay = Patience
	return cmd
}

// Fsck has the program at a path check a data folder that no server has: nothing may be wrong, not even bytes that nobody names.
func Fsck(t testing.TB, path, data string) {
	t.Helper()
	Settings{Program: path}.Fsck(t, data)
}

// Fsck checks an installation as the function of that name does, wherever its bytes are.
func (how Settings) Fsck(t testing.TB, data string) {
	t.Helper()
	if out, err := how.Run(t, "fsck", "--deep", "--data", data); err != nil {
		t.Errorf("fsck --deep: %v\n%s", err, out)
	}
}

// Run runs a command line of the program to its end, and gives what it wrote.
func (how Settings) Run(t testing.TB, args ...string) (out []byte, err error) {
	t.Helper()
	return how.Command(t.Context(), t, args...).CombinedOutput()
}
