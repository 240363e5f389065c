//go:build linux

// Package processing proves what is said of the processing of files: it runs the real program as a process, with real documents and a scripted
// language model (llmtest), kills it at every step, stops and kills the processes that read documents, lets the model's server fail in every
// way, and looks at what comes of it over HTTP.
//
// The points at which something is killed are found by signals: a request that has reached the model's server, the state of a run, a file that
// grows. What is random is made of a seed, which is printed; PROCESSING_SEED=N sets it, and PROCESSING_ROUNDS=N how often the program is killed
// at random moments.
package processing_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// folderVariable names the folder of a test run, with the program and what all of its servers share.
const folderVariable = "PROCESSING_FOLDER"

// atOnce is how many tests run at the same time, unless somebody says otherwise: they wait most of their time.
const atOnce = "6"

// TestMain builds the program, and has it make what its processes need for PDFs: it takes some seconds, and would in every data folder.
func TestMain(m *testing.M) {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		_ = parallel.Value.Set(atOnce) // it is a number
	}
	folder, err := os.MkdirTemp("", "satchel-processing-")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	prepared, err := prepare(ctx, folder)
	if err != nil {
		panic(err)
	}
	m.Run() // its result is the exit status once this function returns
	cancel()
	<-prepared
}

// prepare builds the program, and starts what shall be shared; prepared is closed when that is over.
func prepare(ctx context.Context, folder string) (prepared <-chan struct{}, err error) {
	if err := os.Setenv(folderVariable, folder); err != nil {
		return nil, err
	}
	if err := program.Build(ctx, underTest()); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, underTest(), "extract", "--cache", sharedCache(), "--prepare")
	cmd.Env, cmd.Stderr = []string{}, os.Stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = cmd.Wait() // whoever needs what it makes looks for that
	}()
	return over, nil
}

// underTest is the path of the program under test.
func underTest() string { return filepath.Join(os.Getenv(folderVariable), "satchel") }

// sharedCache is the cache folder that is the part of every data folder that needs no test.
func sharedCache() string { return filepath.Join(os.Getenv(folderVariable), "cache") }
