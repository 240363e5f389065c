package main

import (
	"context"
	"os"
	"testing"

	"github.com/satchel-files/satchel/internal/daemon"
)

// TestMain lets the test binary be the program that its servers start to read documents.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == daemon.ExtractCommand {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
