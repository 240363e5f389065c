package daemon_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/daemon"
)

// TestMain lets the test binary be the program that servers start to read documents.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == daemon.ExtractCommand {
		if err := readDocuments(os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func readDocuments(args []string) error {
	flags := flag.NewFlagSet(daemon.ExtractCommand, flag.ContinueOnError)
	cache, prepare := flags.String("cache", "", ""), flags.Bool("prepare", false, "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *prepare {
		return daemon.PrepareExtract(context.Background(), *cache)
	}
	return daemon.ServeExtract(context.Background(), *cache)
}

// A server reads what was uploaded while it had no workers, and stops with its context, whatever its workers are at.
func TestWorkersReadWhatIsThere(t *testing.T) {
	c := config(t)
	c.ShutdownTimeout = time.Second
	idle := open(t, c)
	token := idle.FirstToken()
	file := upload(t, idle, token)
	if file.Status != "uploaded" || file.Document != nil {
		t.Errorf("a server without workers made of it: %+v", file)
	}
	if err := idle.Close(); err != nil {
		t.Fatal(err)
	}

	c.Workers = 1
	busy := open(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- busy.Run(ctx) }()
	started, err := client.New(busy.URL(), token).Process(t.Context(), file.ID, api.ProcessRequest{}, client.MaxWait)
	if err != nil {
		t.Fatal(err)
	}
	if got := started.File; got.Status != "processed" || got.Document == nil || got.Document.Pages != 1 {
		t.Errorf("got %+v", got)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}

// upload puts a note into a server that is not otherwise in use.
func upload(t *testing.T, d *daemon.Daemon, token string) *api.File {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx) }()
	files, err := client.New(d.URL(), token).Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "note.txt", Body: strings.NewReader("A note."), Size: 7}}})
	cancel()
	if end := <-ended; err != nil || end != nil {
		t.Fatal(err, end)
	}
	return files[0]
}
