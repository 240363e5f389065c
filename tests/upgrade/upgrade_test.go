package upgrade_test

import (
	"context"
	"errors"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/tests/cluster"
	"github.com/satchel-files/satchel/tests/program"
)

const host = "127.77.0.4" // of this package alone

// installation is a cluster whose processes are of one version or of the other.
type installation struct {
	*cluster.Cluster
	t *testing.T

	mu      sync.Mutex
	version map[string]string // by the name of a process; else it is the older one
}

func install(t *testing.T) *installation {
	t.Helper()
	program.Must(t, program.NoteSources())
	i := &installation{t: t, version: map[string]string{}}
	log := &program.Record{}
	c, err := cluster.Start(context.WithoutCancel(t.Context()), cluster.Options{
		Program: path(older), Folder: t.TempDir(), Host: host, Token: program.RootToken, Env: []string{"SATCHEL_SWEEP_INTERVAL=200ms"},
		Prepare: func(name string, cmd *exec.Cmd) {
			cmd.Stdout, cmd.Stderr = log, log
			if version := i.versionOf(name); version != "" {
				cmd.Path = path(version)
			}
		},
	})
	program.Must(t, err)
	i.Cluster = c
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the logs:\n%s", log.Tail())
		}
	})
	return i
}

func path(version string) string { return filepath.Join(program.Folder(), version) }

func (i *installation) versionOf(name string) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.version[name]
}

// exchange ends a process in order and starts it anew, as the newer version.
func (i *installation) exchange(p *program.Process) {
	i.t.Helper()
	status, err := p.End(syscall.SIGTERM)
	program.Must(i.t, err)
	if status != 0 {
		i.t.Errorf("after SIGTERM %s ended with %d", p.Name, status)
	}
	i.mu.Lock()
	i.version[p.Name] = newer
	i.mu.Unlock()
	program.Must(i.t, p.Start())
	program.Must(i.t, i.WaitReady(i.t.Context()))
}

// TestRollingUpgrade exchanges one process after the other. Nothing fails meanwhile but requests to a process that is down, and nothing is lost.
func TestRollingUpgrade(t *testing.T) {
	i := install(t)
	var customers []*customer
	var working sync.WaitGroup
	quit := make(chan struct{})
	for number := range 3 {
		c := newCustomer(t, number, i.Servers[0].URL, i.Servers[1].URL, i.URL())
		customers = append(customers, c)
		working.Go(func() { c.work(quit) })
	}
	stop := sync.OnceFunc(func() {
		close(quit)
		working.Wait()
	})
	defer stop()
	i.goesOn(customers)
	for n, p := range []*program.Process{i.Servers[0], i.Workers[0], i.Servers[1], i.Workers[1]} {
		i.exchange(p)
		i.across(100 * (n + 1))
		i.goesOn(customers)
	}
	stop()
	for _, c := range customers {
		t.Logf("%s: %v, %d files, %d deleted", c.name, c.outcomes, len(c.files), len(c.gone))
	}
	i.settle(customers)
	i.refusesTooOld()
}

// goesOn waits until every customer has done some more.
func (i *installation) goesOn(customers []*customer) {
	i.t.Helper()
	const more = 25
	for _, c := range customers {
		was := c.done()
		program.Within(i.t, c.name+" goes on", func() bool { return c.done() >= was+more || i.t.Failed() })
	}
}

// across has each server take a document that the other one then shows, changes and deletes, and any of the workers read it. Customers of the same number
// would ask for the same again.
func (i *installation) across(number int) {
	i.t.Helper()
	for n := range i.Servers {
		one, two := newCustomer(i.t, number+n, i.Servers[n].URL), newCustomer(i.t, number+50+n, i.Servers[1-n].URL)
		one.made = 2 // the next is of words
		program.Must(i.t, one.upload())
		f := one.files[0]
		program.Must(i.t, errors.Join(two.read(f), two.change(f), one.read(f)))
		found, err := two.doors[0].WaitForProcessing(i.t.Context(), f.id)
		program.Must(i.t, err)
		if found.Status != "processed" {
			i.t.Errorf("%s is %s: %+v", f.name, found.Status, found.Error)
		}
		two.files = one.files
		program.Must(i.t, two.remove(f))
		_, err = one.doors[0].Get(i.t.Context(), f.id)
		if refused, ok := errors.AsType[*client.Error](err); !ok || refused.Status != http.StatusNotFound {
			i.t.Errorf("%s was deleted at the other server: %v", f.name, err)
		}
	}
}

// settle compares what is there with what was acknowledged.
func (i *installation) settle(customers []*customer) {
	i.t.Helper()
	c := client.New(i.URL(), program.RootToken)
	want := map[string]*file{}
	for _, customer := range customers {
		for _, f := range customer.files {
			want[f.id] = f
			program.Must(i.t, customer.read(f))
		}
	}
	found := map[string]*api.File{}
	for file, err := range c.Files(i.t.Context(), client.ListOptions{Limit: 1000}) {
		program.Must(i.t, err)
		found[file.ID] = file
		if want[file.ID] == nil {
			i.t.Errorf("%s (%s) is there: its deletion was acknowledged", file.ID, file.Filename)
		}
	}
	for id, f := range want {
		if found[id] == nil {
			i.t.Errorf("%s is lost", f.name)
			continue
		}
		file, err := c.WaitForProcessing(i.t.Context(), id)
		program.Must(i.t, err)
		if f.words && file.Status != "processed" {
			i.t.Errorf("%s is %s: %+v", f.name, file.Status, file.Error)
		}
	}
	i.sound()
}

// equal reads of a report that there are as many objects as rows.
var equal = regexp.MustCompile(`(?m)^([0-9,]+) files with bytes, ([0-9,]+) objects`)

// sound waits for the sweep, after which rows and bytes must be the same.
func (i *installation) sound() {
	i.t.Helper()
	var report []byte
	program.Within(i.t, "fsck is clean, and nothing is left over", func() bool {
		cmd := i.Command("fsck", "fsck", "--deep")
		cmd.Path = path(newer)
		var err error
		report, err = cmd.CombinedOutput()
		numbers := equal.FindSubmatch(report)
		if err != nil {
			i.t.Fatalf("fsck: %v\n%s", err, report)
		}
		return numbers != nil && string(numbers[1]) == string(numbers[2])
	})
	i.t.Logf("%s", report)
}

// refusesTooOld: neither version starts on a schema that is not for it, and those that run are not ready any more.
func (i *installation) refusesTooOld() {
	i.t.Helper()
	for _, sql := range []string{
		`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)`, `COMMENT ON TABLE goose_db_version IS 'compatible from 99999'`,
	} {
		program.Must(i.t, postgrestest.Do(i.t.Context(), i.Database, sql))
	}
	for _, version := range []string{older, newer} {
		cmd := i.Command("refused", "serve", "--listen", "127.0.0.1:0")
		cmd.Path = path(version)
		out, err := cmd.CombinedOutput()
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(string(out), "the database was written by a newer version of satchel") {
			i.t.Errorf("the %s version: %v\n%s", version, err, out)
		}
	}
	for _, p := range i.Satchels() {
		err := client.New(p.URL, program.RootToken, client.WithRetries(0, 0)).Ready(i.t.Context())
		if err == nil {
			i.t.Errorf("%s says that it is ready", p.Name)
		}
	}
}
