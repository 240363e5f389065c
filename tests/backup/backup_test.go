package backup_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/blob/s3test"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/tests/cluster"
	"github.com/satchel-files/satchel/tests/program"
)

const host = "127.77.0.3" // of this package alone

// place is an installation as the programs of deploy/backup are told of it.
type place struct{ database, blobs string }

// installation is a cluster in use, and what is needed to take backups of it.
type installation struct {
	*cluster.Cluster
	t    *testing.T
	path string // of programs
	home string
}

// install starts a cluster. Whoever names a way to prepare its processes changes their commands.
func install(t *testing.T, prepare ...func(name string, cmd *exec.Cmd)) *installation {
	t.Helper()
	program.Must(t, program.NoteSources())
	log := &program.Record{}
	c, err := cluster.Start(context.WithoutCancel(t.Context()), cluster.Options{
		Program: program.UnderTest(), Folder: t.TempDir(), Host: host, Token: program.RootToken,
		Env: []string{"SATCHEL_SWEEP_INTERVAL=100ms"},
		Prepare: func(name string, cmd *exec.Cmd) {
			cmd.Stdout, cmd.Stderr = log, log
			for _, do := range prepare {
				do(name, cmd)
			}
		},
	})
	program.Must(t, err)
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the logs:\n%s", log.Tail())
		}
	})
	bin, err := postgrestest.Client()
	program.Must(t, err)
	rclone, err := filepath.Abs("../../.cache/rclone/usr/bin")
	program.Must(t, err)
	return &installation{Cluster: c, t: t, path: strings.Join([]string{program.Folder(), bin, os.Getenv("PATH"), rclone}, ":"), home: t.TempDir()}
}

// itself is the place of the cluster. The URL has what Satchel understands and PostgreSQL's own programs do not, and a password, which nobody asks for.
func (i *installation) itself() place {
	return place{strings.Replace(i.Database, "postgres@", "postgres:s%2Fcret@", 1) + "&pool_max_conns=5", i.Blobs}
}

// empty makes an empty database of this name, beside the cluster's.
func (i *installation) empty(name, blobs string) place {
	i.t.Helper()
	program.Must(i.t, postgrestest.Do(i.t.Context(), i.Database, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"))
	return place{strings.Replace(i.Database, "/satchel?", "/"+name+"?", 1), blobs}
}

// bucket makes an empty bucket.
func (i *installation) bucket(name string) {
	i.t.Helper()
	program.Must(i.t, os.Mkdir(filepath.Join(i.Objects, name), 0o700))
}

func (i *installation) environ(at place) []string {
	return []string{
		"SATCHEL_DATABASE=" + at.database, "SATCHEL_BLOBS=" + at.blobs, "PATH=" + i.path, "HOME=" + i.home, "TMPDIR=" + i.t.TempDir(),
		"AWS_ACCESS_KEY_ID=" + s3test.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3test.SecretKey,
		// A place of rclone for backups, as its user would have it in a file.
		"RCLONE_CONFIG_ATTIC_TYPE=s3", "RCLONE_CONFIG_ATTIC_PROVIDER=Other", "RCLONE_CONFIG_ATTIC_ENV_AUTH=true", "RCLONE_CONFIG_ATTIC_ENDPOINT=" + i.Bucket.URL,
	}
}

// run runs a program of deploy/backup, and gives what it printed, and what it told meanwhile.
func (i *installation) run(at place, name string, args ...string) (out, told string, err error) {
	i.t.Helper()
	var says, tells strings.Builder
	ctx, cancel := context.WithTimeout(i.t.Context(), program.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "../../deploy/backup/"+name, args...)
	cmd.Env, cmd.Stdout, cmd.Stderr, cmd.WaitDelay = i.environ(at), &says, &tells, time.Second
	err = cmd.Run()
	return strings.TrimSpace(says.String()), tells.String(), err
}

// must runs a program that must do its work.
func (i *installation) must(at place, name string, args ...string) string {
	i.t.Helper()
	out, told, err := i.run(at, name, args...)
	if err != nil {
		i.t.Fatalf("%s: %v\n%s\n%s", name, err, out, told)
	}
	i.t.Logf("%s:\n%s%s", name, told, out)
	return out
}

// refuses runs a program that must say why it does not.
func (i *installation) refuses(why string, at place, name string, args ...string) {
	i.t.Helper()
	out, told, err := i.run(at, name, args...)
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() < 1 || !strings.Contains(out+told, why) {
		i.t.Errorf("%s: %v, want %q:\n%s%s", name, err, why, out, told)
	}
}

// backup takes a backup, and gives its name and when it was taken.
func (i *installation) backup(dest string) (name string, taken span) {
	i.t.Helper()
	taken.asked = time.Now()
	name = i.must(i.itself(), "backup", dest)
	taken.acknowledged = time.Now()
	return name, taken
}

// serve starts a server with workers on a place. It ends with the test, or with stop.
func (i *installation) serve(at place) *program.Server {
	i.t.Helper()
	return program.Start(i.t, i.t.TempDir(), program.Settings{Program: program.UnderTest(), Env: i.environ(at)})
}

// TestBackup takes backups of a cluster in use and brings them back, to a bucket and to a folder.
func TestBackup(t *testing.T) {
	i := install(t)
	customers, stop := i.busy(4)
	i.until(60)
	attic := filepath.Join(t.TempDir(), "attic")
	first, _ := i.backup(attic)
	i.until(120)
	second, taken := i.backup(attic)
	i.until(150)
	stop()

	i.bucket("again")
	again := i.empty("again", "s3://again/some/where?endpoint="+i.Bucket.URL)
	i.must(again, "restore", attic)
	i.refuses("the database is not empty", again, "restore", attic)
	i.refuses("something in", i.empty("other", again.blobs), "restore", attic)
	i.refuses("no finished backup 1999", again, "restore", attic, "1999")
	i.same(again, customers, taken)

	i.must(i.itself(), "forget", attic, first)
	i.refuses("no finished backup "+first, i.itself(), "forget", attic, first)
	i.damage(attic)
	i.refuses("the result is not whole", i.empty("damaged", "file://"+t.TempDir()+"/blobs"), "restore", attic, second)

	i.bucket("attic")
	third, taken := i.backup("attic:attic/of/satchel")
	blobs := filepath.Join(t.TempDir(), "b lobs")
	folder := i.empty("folder", "file://"+strings.ReplaceAll(blobs, " ", "%20"))
	i.brokenOff(blobs, third)
	i.must(folder, "restore", "attic:attic/of/satchel")
	i.same(folder, customers, taken)
	i.lose()
	i.refuses("are not where they should be", i.itself(), "backup", filepath.Join(t.TempDir(), "new"))
}

// busy has customers use the cluster until stop is called.
func (i *installation) busy(n int) (customers []*customer, stop func()) {
	quit := make(chan struct{})
	var working sync.WaitGroup
	for number := range n {
		c := newCustomer(i.t, number, i.URL())
		customers = append(customers, c)
		working.Go(func() { c.work(quit) })
	}
	return customers, sync.OnceFunc(func() {
		close(quit)
		working.Wait()
	})
}

// until waits until the customers have so many files, or have failed.
func (i *installation) until(files int) {
	i.t.Helper()
	c := client.New(i.URL(), program.RootToken)
	program.Within(i.t, "the customers have uploaded", func() bool {
		usage, err := c.Usage(i.t.Context(), "", 1)
		program.Must(i.t, err)
		return usage.Files >= int64(files) || i.t.Failed()
	})
}

// same compares what a restored installation has with what the customers know.
func (i *installation) same(at place, customers []*customer, taken span) {
	i.t.Helper()
	s := i.serve(at)
	c := client.New(s.URL, program.RootToken)
	found := map[string]*api.File{}
	for file, err := range c.Files(i.t.Context(), client.ListOptions{Limit: 1000}) {
		program.Must(i.t, err)
		found[file.ID] = file
	}
	i.t.Logf("%d files are back", len(found))
	for _, customer := range customers {
		for _, h := range customer.files {
			i.compare(c, h, found[h.id], taken)
			delete(found, h.id)
		}
	}
	for id, file := range found {
		i.t.Errorf("%s (%s) was never uploaded", id, file.Filename)
	}
	s.Swept(2)
	s.Stop()
	cmd := exec.CommandContext(i.t.Context(), program.UnderTest(), "fsck", "--deep", "--data", i.t.TempDir())
	cmd.Env = i.environ(at)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "wait for the sweeper") {
		i.t.Errorf("fsck after the sweep: %v\n%s", err, out)
	}
}

// compare holds one file against what its user knows.
func (i *installation) compare(c *client.Client, h *history, file *api.File, taken span) {
	i.t.Helper()
	must, may := h.must(taken)
	switch {
	case file == nil && must:
		i.t.Errorf("%s is lost", h.name)
	case file == nil:
	case !may:
		i.t.Errorf("%s is back: it was deleted before, or uploaded after", h.name)
	case file.Filename != h.name || !slices.Contains(h.values(taken), valueOf(file)):
		i.t.Errorf("%s is %s with %s; may have %v", h.name, file.Filename, file.Metadata, h.values(taken))
	default:
		content, err := c.Content(i.t.Context(), h.id, client.ContentOptions{})
		program.Must(i.t, err)
		hash := sha256.New()
		_, err = io.Copy(hash, content.Body)
		program.Must(i.t, errors.Join(err, content.Body.Close()))
		if got := hex.EncodeToString(hash.Sum(nil)); got != h.hash {
			i.t.Errorf("%s has other bytes", h.name)
		}
	}
}

// damage changes a byte of an object of a backup.
func (i *installation) damage(attic string) {
	i.t.Helper()
	for path, size := range program.Walk(i.t, filepath.Join(attic, "objects")) {
		if size == 0 {
			continue
		}
		content, err := os.ReadFile(path)
		program.Must(i.t, err)
		content[0]++
		program.Must(i.t, os.WriteFile(path, content, 0o600))
		return
	}
}

// brokenOff leaves in a folder what a restore leaves there that was killed in the middle of an object.
func (i *installation) brokenOff(blobs, name string) {
	i.t.Helper()
	objects := filepath.Join(i.Objects, "attic", "of", "satchel", "objects")
	for path, size := range program.Walk(i.t, objects) {
		inside, err := filepath.Rel(objects, path)
		program.Must(i.t, err)
		half := filepath.Join(blobs, inside)
		program.Must(i.t, errors.Join(os.MkdirAll(filepath.Dir(half), 0o700), os.WriteFile(half, make([]byte, size/2), 0o600)))
		break
	}
	program.Must(i.t, os.WriteFile(filepath.Join(blobs, "owner"), []byte("restoring-"+name+"-0123456789abcdef"), 0o600))
}

// lose removes an object from the cluster's bucket.
func (i *installation) lose() {
	i.t.Helper()
	for path := range program.Walk(i.t, filepath.Join(i.Objects, "files", "files", "of", "satchel")) {
		if filepath.Base(path) != "owner" {
			program.Must(i.t, os.Remove(path))
			return
		}
	}
}
