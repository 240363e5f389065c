// Package deploy_test tries what deploy/ gives to those who run Satchel: the image, in a container, and the units of systemd.
package deploy_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

const (
	image  = "satchel:of-the-tests"
	nobody = 65532 // whom the image runs as
)

// engine is buildah with a store of its own.
type engine struct {
	t   *testing.T
	env []string
}

func newEngine(t *testing.T) *engine {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		t.Fatal("there is no buildah: run scripts/setup")
	}
	folder := t.TempDir()
	storage := filepath.Join(folder, "storage.conf")
	program.Must(t, os.WriteFile(storage, fmt.Appendf(nil, "[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", folder+"/store", folder+"/run"), 0o600))
	e := &engine{t: t, env: append(os.Environ(), "CONTAINERS_STORAGE_CONF="+storage, "BUILDAH_ISOLATION=chroot", "ENGINE=buildah", "VCS=false")}
	t.Cleanup(func() { _ = e.command("buildah", "rm", "--all").Run() })
	return e
}

func (e *engine) command(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(context.WithoutCancel(e.t.Context()), name, args...)
	cmd.Env = e.env
	return cmd
}

// ok runs a command and gives what it printed.
func (e *engine) ok(name string, args ...string) string {
	e.t.Helper()
	cmd := e.command(name, args...)
	out, err := cmd.Output()
	if failed, isExit := err.(*exec.ExitError); isExit { //nolint:errorlint // Output gives it as it is
		e.t.Fatalf("%s: %v\n%s%s", cmd, err, out, failed.Stderr)
	}
	program.Must(e.t, err)
	return strings.TrimSpace(string(out))
}

// container is one that serves.
type container struct {
	cmd *exec.Cmd
	log *program.Record
	url string
}

var (
	listening  = regexp.MustCompile(`msg=serving url=(http://\S+)`)
	firstToken = regexp.MustCompile(`(?m)^ +(sat_\w+)$`)
)

// serve starts a container of the image on a volume, and waits until it listens.
func (e *engine) serve(name, volume string) *container {
	e.t.Helper()
	c := &container{log: &program.Record{}}
	c.cmd = e.command("buildah", "run", "--volume", volume+":/data", "--env", "SATCHEL_LISTEN=127.0.0.1:0", name, "--", "/satchel", "serve")
	c.cmd.Stdout, c.cmd.Stderr = c.log, c.log
	program.Must(e.t, c.cmd.Start())
	e.t.Cleanup(func() {
		if e.t.Failed() {
			e.t.Logf("the container said:\n%s", c.log.Tail())
		}
	})
	program.Within(e.t, "the container listens", func() bool {
		if found := listening.FindStringSubmatch(c.log.String()); found != nil {
			c.url = found[1]
		}
		return c.url != ""
	})
	return c
}

// process finds the server below the engine.
func (c *container) process(t *testing.T) int {
	t.Helper()
	open := []int{c.cmd.Process.Pid}
	for len(open) > 0 {
		pid := open[0]
		open = open[1:]
		line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)) // it may be gone
		if strings.HasPrefix(string(line), "/satchel\x00serve") {
			return pid
		}
		tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
		for _, task := range tasks {
			children, _ := os.ReadFile(task)
			for child := range strings.FieldsSeq(string(children)) {
				n, err := strconv.Atoi(child)
				program.Must(t, err)
				open = append(open, n)
			}
		}
	}
	t.Fatal("no process of the container serves")
	return 0
}

// stop ends the container as an engine does: by the signal to its first process.
func (c *container) stop(t *testing.T) {
	t.Helper()
	program.Must(t, syscall.Kill(c.process(t), syscall.SIGTERM))
	if err := c.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM the container ended with %v", err)
	}
}

// TestImage builds the image, and has a container of it read a document, as a user without rights, end in order, and know the document again.
func TestImage(t *testing.T) {
	e := newEngine(t)
	e.ok("../../scripts/image", image)
	e.checkImage()
	name := e.ok("buildah", "from", "--pull-never", image)
	volume := t.TempDir()
	program.Must(t, os.Chmod(volume, 0o777)) // whoever the user of the container is here
	server := e.serve(name, volume)
	if owner := ownerOf(t, server.process(t)); os.Getuid() == 0 && owner != nobody {
		t.Errorf("the server runs as user %d", owner)
	}
	if said := e.ok("buildah", "run", name, "--", "/satchel", "ready", "--url", server.url); said != "ready" {
		t.Errorf("the health check says %q", said)
	}
	token := firstToken.FindStringSubmatch(server.log.String())
	if token == nil {
		t.Fatal("the first start shows no token")
	}
	if said := e.ok("buildah", "run", "--volume", volume+":/data", name, "--", "/satchel", "usage", "--url", server.url); !strings.HasPrefix(said, "WORKSPACE") {
		t.Errorf("a command in the container finds its token, and says %q", said)
	}
	document, err := os.Open("../../examples/invoice.pdf")
	program.Must(t, err)
	defer func() { _ = document.Close() }()
	c := client.New(server.url, token[1])
	made, err := c.Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "invoice.pdf", Body: document, Size: -1}}})
	program.Must(t, err)
	file := processed(t, c, made[0].ID)
	if file.Status != "processed" || file.Document == nil || file.Document.Pages != 1 {
		t.Errorf("the document is %s, %v", file.Status, file.Document)
	}
	server.stop(t)

	server = e.serve(name, volume)
	again, err := client.New(server.url, token[1]).Get(t.Context(), file.ID)
	program.Must(t, err)
	if again.SHA256 != file.SHA256 {
		t.Errorf("after a restart the file is %v", again)
	}
	server.stop(t)
}

func processed(t *testing.T, c *client.Client, id string) *api.File {
	t.Helper()
	file, err := c.WaitForProcessing(t.Context(), id)
	program.Must(t, err)
	return file
}

func ownerOf(t *testing.T, pid int) uint32 {
	t.Helper()
	info, err := os.Stat(fmt.Sprintf("/proc/%d", pid))
	program.Must(t, err)
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		t.Fatal("there are no owners of processes here")
	}
	return stat.Uid
}

// checkImage looks at what the image says of itself, and at what is in it.
func (e *engine) checkImage() {
	e.t.Helper()
	var about struct {
		Docker struct {
			Config struct {
				User        string
				Healthcheck *struct{ Test []string }
			} `json:"config"`
		}
	}
	program.Must(e.t, json.Unmarshal([]byte(e.ok("buildah", "inspect", "--type", "image", image)), &about))
	config := about.Docker.Config
	if config.User != "65532:65532" || config.Healthcheck == nil {
		e.t.Errorf("the image is to run as %q, and to be healthy by %v", config.User, config.Healthcheck)
	}
	name := e.ok("buildah", "from", "--pull-never", image)
	entries, err := os.ReadDir(e.ok("buildah", "mount", name))
	program.Must(e.t, err)
	for _, entry := range entries {
		if entry.Name() != "satchel" && entry.Name() != "data" {
			e.t.Errorf("the image holds %s", entry.Name())
		}
	}
}
