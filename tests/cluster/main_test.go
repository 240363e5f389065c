package cluster_test

import (
	"context"
	"os"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// TestMain builds the program; where there is time for it with a clock that tests can set, for which all packages are compiled anew.
func TestMain(m *testing.M) { program.Main(m, build) }

func build(ctx context.Context, folder string) error {
	if os.Getenv(tortureVariable) != "" {
		return buildWithClock(ctx, folder)
	}
	return program.BuildIn(ctx, folder)
}
