//go:build linux

package durability_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// server is the program, serving a data folder as a process of its own.
type server struct {
	*program.Server
	t testing.TB
}

// start starts the program under test; env are further variables.
func start(t testing.TB, data string, env ...string) *server {
	t.Helper()
	return startProgram(t, underTest(), data, env...)
}

// startProgram starts the program at a path.
func startProgram(t testing.TB, path, data string, env ...string) *server {
	t.Helper()
	return &server{program.Start(t, data, settings(path, env...)), t}
}

// settings are those of a server without workers: what workers write is for tests/processing.
func settings(path string, env ...string) program.Settings {
	return program.Settings{Program: path, Env: append([]string{"SATCHEL_WORKERS=0"}, env...)}
}

// firstSweep waits for the end of the sweep with which every server begins.
func (s *server) firstSweep() {
	s.t.Helper()
	program.Within(s.t, "the first sweep ends", func() bool { return s.Sweeps() > 0 })
}

// refused starts a server where it must not start, and gives its words and its exit status.
func refused(t testing.TB, data string) (out string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), program.Patience)
	defer cancel()
	cmd := settings(underTest()).Serve(ctx, t, data)
	text, err := cmd.CombinedOutput()
	if err == nil || ctx.Err() != nil {
		t.Fatalf("the server started:\n%s", text)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// fsck checks a data folder that no server has.
func fsck(t testing.TB, data string) {
	t.Helper()
	program.Fsck(t, underTest(), data)
}

// check is for goroutines: they may not end the test.
func check(t testing.TB, err error) bool {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
	return err == nil
}

func quoted(text []byte) string { return fmt.Sprintf("%.400q", text) }
