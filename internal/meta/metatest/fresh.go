package metatest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// template is a database as the migrations leave a new one: they are run once for a process of tests, and not for each of hundreds of stores.
//
//nolint:gochecknoglobals // it belongs to the process
var template struct {
	once sync.Once
	data []byte
	err  error
}

// Fresh gives the path of a new, empty database, a copy of one that create has made at a path, once for all tests of the process. create leaves the
// database closed, with all of it in the one file.
func Fresh(tb testing.TB, create func(ctx context.Context, path string) error) (path string) {
	tb.Helper()
	template.once.Do(func() { template.data, template.err = makeTemplate(create) })
	if template.err != nil {
		tb.Fatal(template.err)
	}
	path = filepath.Join(tb.TempDir(), "satchel.db")
	if err := os.WriteFile(path, template.data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

func makeTemplate(create func(ctx context.Context, path string) error) (data []byte, err error) {
	folder, err := os.MkdirTemp("", "satchel-template-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	path := filepath.Join(folder, "satchel.db")
	if err := create(context.Background(), path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}
