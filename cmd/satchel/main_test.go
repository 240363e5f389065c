package main

import (
	"context"
	"os"
	"slices"
	"testing"

	"github.com/satchel-files/satchel/internal/daemon"
)

// TestMain lets the test binary be the program that its servers start to read documents.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == daemon.ExtractCommand {
		if slices.Contains(os.Args, "--prepare") {
			os.Exit(0) // these tests have no PDFs, and preparing for them takes minutes under the race detector
		}
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
