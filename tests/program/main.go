package program

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// folderVariable names the folder of the programs under test to the tests of a package.
const folderVariable = "PROGRAMS_UNDER_TEST"

// Main has build make programs in a folder of their own, and runs the tests of a package with them. It is for TestMain: what the tests come to is the
// exit status once that returns.
func Main(m *testing.M, build func(ctx context.Context, folder string) error) {
	folder, err := os.MkdirTemp("", "satchel-tests-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if err := errors.Join(build(context.Background(), folder), os.Setenv(folderVariable, folder)); err != nil {
		panic(err)
	}
	m.Run()
}

// BuildIn is Build for where UnderTest looks.
func BuildIn(ctx context.Context, folder string) error { return BuildWith(ctx, folder) }

// BuildWith is BuildIn with further arguments for go build.
func BuildWith(ctx context.Context, folder string, args ...string) error {
	return Build(ctx, in(folder), args...)
}

func in(folder string) string { return filepath.Join(folder, "satchel") }

// Folder gives the folder in which Main has had programs made.
func Folder() string { return os.Getenv(folderVariable) }

// UnderTest gives the path of the program that BuildIn has made there.
func UnderTest() string { return in(Folder()) }
