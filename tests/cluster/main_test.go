package cluster_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// programVariable names the program under test to the tests.
const programVariable = "CLUSTER_PROGRAM"

// TestMain builds the program; where there is time for it with a clock that tests can set, for which all packages are compiled anew.
func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "satchel-cluster-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	built := filepath.Join(folder, "satchel")
	if err := errors.Join(build(context.Background(), folder, built), os.Setenv(programVariable, built)); err != nil {
		panic(err)
	}
	m.Run() // its result is the exit status once this function returns
}

func build(ctx context.Context, folder, built string) error {
	if os.Getenv(tortureVariable) != "" {
		return buildWithClock(ctx, folder, built)
	}
	return program.Build(ctx, built)
}
