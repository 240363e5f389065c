//go:build linux

// Package durability proves that nothing acknowledged is ever lost: it runs the real program as a process and kills it, cuts its disk
// short, takes its folder away and lets its fsyncs fail.
//
// The tests mount file systems, in a mount namespace of their own, and watch system calls with strace (a Debian package). They run
// as root, or as any user whom the kernel lets have a user namespace.
//
// What is random is made of a seed, which is printed. Environment variables change a run:
//
//	DURABILITY_SEED=N    the seed; what the kernel schedules stays random all the same
//	DURABILITY_ROUNDS=N  how often the program is killed
package durability_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// programVariable names the program under test to the tests. It also says that the process is in its own namespace already.
const programVariable = "DURABILITY_PROGRAM"

// TestMain builds the program and starts the tests once more, in a mount namespace: whatever they mount goes with them.
func TestMain(m *testing.M) {
	if built := os.Getenv(programVariable); built != "" {
		m.Run() // its result is the exit status once this function returns
		_ = os.RemoveAll(filepath.Dir(built))
		return
	}
	panic(enterNamespace()) // it returns only when it fails
}

func enterNamespace() error {
	folder, err := os.MkdirTemp("", "satchel-durability-")
	if err != nil {
		return err
	}
	built := filepath.Join(folder, "satchel")
	if err := program.Build(context.Background(), built); err != nil {
		return errors.Join(err, os.RemoveAll(folder))
	}
	unshare, err := exec.LookPath("unshare")
	if err != nil {
		return err
	}
	args := []string{unshare, "--mount"}
	if os.Getuid() != 0 {
		args = append(args, "--map-root-user")
	}
	args = append(append(args, "--"), os.Args...)
	return syscall.Exec(unshare, args, append(os.Environ(), programVariable+"="+built))
}

// underTest is the path of the program under test.
func underTest() string { return os.Getenv(programVariable) }

// lines joins lines for messages, the first ones if they are many.
func lines(all []string) string {
	if len(all) > 20 {
		all = append(all[:20:20], fmt.Sprintf("and %d more", len(all)-20))
	}
	return strings.Join(all, "\n")
}
