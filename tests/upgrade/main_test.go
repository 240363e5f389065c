// Package upgrade_test exchanges the servers and workers of a cluster, one after the other, for those of a newer version, while customers use all of them.
package upgrade_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// before is the commit whose program the cluster is made of in the beginning: the last one before the rule of docs/operations.md about upgrades. When a
// version is released, its commit takes this place: a cluster of the last release must be upgraded to the next one without a stop.
const before = "91515aeacdee2073073fa88442bc785956426bbc"

// The programs.
const (
	older = "older"
	newer = "newer"
)

// TestMain builds both programs.
func TestMain(m *testing.M) {
	program.Main(m, func(ctx context.Context, folder string) error {
		return errors.Join(program.Build(ctx, filepath.Join(folder, newer)), buildOlder(ctx, folder))
	})
}

// buildOlder builds the program of the commit before, out of the repository's history.
func buildOlder(ctx context.Context, folder string) error {
	const script = `mkdir "$1/source" && git -C ../.. archive "$2" | tar --extract --directory "$1/source" &&
		cd "$1/source" && go build -buildvcs=false -o "$1/older" ./cmd/satchel`
	cmd := exec.CommandContext(ctx, "bash", "-euo", "pipefail", "-c", script, "build", folder, before)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the program of %s; a clone without its history has no such commit (git fetch --unshallow): %w\n%s", before, err, out)
	}
	return nil
}
