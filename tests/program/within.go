package program

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// Patience is for what takes moments; whoever waits longer has found a fault.
const Patience = 2 * time.Minute

// Within asks until the answer is yes.
func Within(t testing.TB, what string, yes func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !yes() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still not so after %s: %s", Patience, what)
		}
	}
}

// Must ends the test if there is an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Number reads a number out of an environment variable that need not be set.
func Number(t testing.TB, variable string, otherwise int) int {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	Must(t, err)
	return n
}

// Walk gives the files below a folder that still stand when their turn comes, with their sizes.
func Walk(t testing.TB, folder string) map[string]int64 {
	t.Helper()
	found := map[string]int64{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) || err == nil && entry.IsDir() {
			return nil
		}
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			found[path] = info.Size()
		} else if !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	})
	Must(t, err)
	return found
}
