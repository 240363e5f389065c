package main

import (
	"context"
	"os"
	"testing"

	"github.com/satchel-files/satchel/internal/daemon"
)

// TestMain makes the test program what servers start to read documents, too.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == daemon.ExtractCommand {
		os.Exit(run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}
