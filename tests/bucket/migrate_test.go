package bucket_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/tests/program"
)

// TestKillMigrate kills the program again and again while it moves an installation. Whoever runs it once more finishes it, and everything is there.
func TestKillMigrate(t *testing.T) {
	i := install(t, "SATCHEL_DATABASE="+postgrestest.Fresh(t, sqlstore.CreatePostgres))
	source := filepath.Join(t.TempDir(), "source")
	contents := fillFolder(t, source)
	seed := uint64(time.Now().UnixNano())
	t.Logf("the seed is %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))

	const kills = 25
	for round := 1; round <= kills; round++ {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(rng.IntN(round*40))*time.Millisecond)
		err := i.how.Command(ctx, t, "migrate", "--from", source, "--data", i.data).Run()
		cancel()
		if err == nil {
			t.Logf("it was finished after %d kills", round-1)
			break
		}
	}
	var out []byte
	program.Within(t, "a migration that is not killed comes to its end", func() bool { // once the database has seen that the killed one is gone
		var err error
		out, err = i.how.Run(t, "migrate", "--from", source, "--data", i.data)
		return err == nil || strings.Contains(string(out), "nothing to do")
	})
	t.Logf("%s", out)
	i.how.Fsck(t, i.data)
	s, c := i.start()
	if objects, partials := i.inBucket(); objects != len(contents) || partials != 0 {
		t.Errorf("in the bucket are %d objects and %d unfinished ones, want %d", objects, partials, len(contents))
	}
	if got := read(t, c); !maps.Equal(got, contents) {
		t.Errorf("%d files are there, not the %d of before", len(got), len(contents))
	}
	s.Stop()
}

// fillFolder makes an installation in a data folder, and gives the contents of its files by their ids.
func fillFolder(t *testing.T, folder string) map[string]string {
	t.Helper()
	s := program.Start(t, folder, program.Settings{Program: program.UnderTest(), Env: []string{"SATCHEL_WORKERS=0"}})
	c := client.New(s.URL, program.RootToken)
	for n := range 4 {
		u := client.Upload{Metadata: []byte(`{"batch":` + fmt.Sprint(n) + `}`)}
		for k := range 75 {
			body := bytesOf(byte(n), 1+k*k*k/4)
			u.Sources = append(u.Sources, client.Source{Name: fmt.Sprintf("%d-%d.bin", n, k), Body: bytes.NewReader(body), Size: int64(len(body))})
		}
		_, err := c.Upload(t.Context(), u)
		program.Must(t, err)
	}
	contents := read(t, c)
	s.Stop()
	return contents
}

// read gives the contents of all files by their ids.
func read(t *testing.T, c *client.Client) map[string]string {
	t.Helper()
	contents := map[string]string{}
	for file, err := range c.Files(t.Context(), client.ListOptions{}) {
		program.Must(t, err)
		content, err := c.Content(t.Context(), file.ID, client.ContentOptions{})
		program.Must(t, err)
		body, err := io.ReadAll(content.Body)
		program.Must(t, err)
		program.Must(t, content.Body.Close())
		contents[file.ID] = string(body)
	}
	return contents
}
