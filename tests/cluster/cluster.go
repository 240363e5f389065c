// Package cluster runs a whole Satchel installation on one machine: PostgreSQL, an S3 server, nginx as load balancer, two servers and two workers, all of
// them real processes on loopback. Only the database and the bucket are shared: every process has a data folder of its own.
//
// The tests of this package use it, kill its parts and look at what is left; run shows it to people.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/satchel-files/satchel/internal/blob/s3test"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/tests/program"
)

const (
	database = "satchel"
	prefix   = "files/of/satchel" // of the bucket's keys
	patience = time.Minute        // for something to start
)

// Options say how a cluster is started.
type Options struct {
	Program string // satchel
	Folder  string // an empty one for all that the processes keep, but for PostgreSQL, which has one of its own
	Host    string // the address on which all of them listen. A port must stay free while its process does not run
	Proxy   string // the load balancer's address; empty: a free port
	Rows    string // the folder of PostgreSQL, which the user can reach as whom it runs, and which Stop removes; empty: a new one
	Token   string // the operator's
	Env     []string

	Prepare func(name string, command *exec.Cmd) // is called before every start of a process, for its output

	// Between, if set, has something stand between Satchel and its database ("postgres") and its bucket ("s3"): it is given the address of the one, and
	// gives that on which Satchel is to ask for it.
	Between func(name, address string) (string, error)
}

// Cluster is what was started. Stop stops it.
type Cluster struct {
	Postgres *program.Process
	Bucket   *program.Process
	Servers  []*program.Process
	Workers  []*program.Process
	Proxy    *program.Process

	Database string // its URL, with nothing between
	Blobs    string // the URL of the place in the bucket, as Satchel is told
	Objects  string // the folder in which the S3 server keeps what lies in the bucket

	o        Options
	postgres string // the folder of PostgreSQL
	told     string // the URL of the database that Satchel is told
}

// Start starts a cluster on an empty database and an empty bucket, and waits until it is ready. All servers and workers start at the same moment.
func Start(ctx context.Context, o Options) (_ *Cluster, err error) {
	c := &Cluster{o: o}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Stop())
		}
	}()
	for _, start := range []func(context.Context) error{c.startPostgres, c.startBucket, c.startSatchel, c.startProxy} {
		if err := start(ctx); err != nil {
			return nil, err
		}
	}
	return c, c.WaitReady(ctx)
}

// URL is where the load balancer listens.
func (c *Cluster) URL() string { return c.Proxy.URL }

// process is a program whose output goes where the options say.
func (c *Cluster) process(name, url string, command func() (*exec.Cmd, error)) *program.Process {
	return &program.Process{Name: name, URL: url, Command: func() (*exec.Cmd, error) {
		cmd, err := command()
		if err != nil {
			return nil, err
		}
		cmd.WaitDelay = patience // for what a killed program has started, and what holds its output open
		if c.o.Prepare != nil {
			c.o.Prepare(name, cmd)
		}
		return cmd, nil
	}}
}

// startPostgres makes a PostgreSQL server and an empty database. Its folder lies where the user can go as whom it runs.
func (c *Cluster) startPostgres(ctx context.Context) (err error) {
	if c.postgres = c.o.Rows; c.postgres == "" {
		if c.postgres, err = os.MkdirTemp("", "satchel-pg-"); err != nil {
			return err
		}
	}
	if err := postgrestest.Prepare(ctx, c.postgres); err != nil {
		return err
	}
	c.Database = postgrestest.URL(c.postgres, database)
	settings, err := c.reachPostgres(ctx)
	if err != nil {
		return err
	}
	c.Postgres = c.process("postgres", c.Database, func() (*exec.Cmd, error) { return postgrestest.Command(c.postgres, settings...) })
	if err := c.Postgres.Start(); err != nil {
		return err
	}
	if err := c.WaitPostgres(ctx); err != nil {
		return err
	}
	return postgrestest.Do(ctx, c.administration(), "CREATE DATABASE "+database+" TEMPLATE template0 ENCODING 'UTF8'")
}

// reachPostgres has Satchel reach the database by its socket or, if something is to stand between, through that; the settings have PostgreSQL listen for it.
func (c *Cluster) reachPostgres(ctx context.Context) (settings []string, err error) {
	if c.o.Between == nil {
		c.told = c.Database
		return nil, nil
	}
	address, err := c.freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	between, err := c.o.Between("postgres", address)
	if err != nil {
		return nil, err
	}
	c.told = "postgres://postgres@" + between + "/" + database + "?sslmode=disable"
	host, port, err := net.SplitHostPort(address)
	c.Database = postgrestest.URL(c.postgres, database) + "&port=" + port
	return []string{
		"listen_addresses=" + host, "port=" + port,
		"max_connections=70", // hardly more than are needed, so that they can all be taken
		"min_wal_size=32MB", "max_wal_size=64MB",
	}, err
}

// administration is the URL of the database that every PostgreSQL server has.
func (c *Cluster) administration() string {
	return strings.Replace(c.Database, "/"+database+"?", "/postgres?", 1)
}

// WaitPostgres waits until PostgreSQL answers.
func (c *Cluster) WaitPostgres(ctx context.Context) error {
	return await(ctx, "PostgreSQL answers", func() error {
		return postgrestest.Do(ctx, c.administration(), "SELECT 1")
	})
}

func (c *Cluster) startBucket(ctx context.Context) error {
	address, err := c.freeAddress(ctx)
	if err != nil {
		return err
	}
	server, err := s3test.New(filepath.Join(c.o.Folder, "s3"), address)
	if err != nil {
		return err
	}
	c.Objects = server.Folder
	c.Bucket = c.process("s3", server.Endpoint, server.Command)
	reached := *server
	if c.o.Between != nil {
		if address, err = c.o.Between("s3", address); err != nil {
			return err
		}
		reached.Endpoint = "http://" + address
	}
	c.Blobs = reached.URL(prefix)
	if err := c.Bucket.Start(); err != nil {
		return err
	}
	return c.WaitBucket(ctx)
}

// WaitBucket waits until the S3 server answers: that there is no signature is an answer.
func (c *Cluster) WaitBucket(ctx context.Context) error {
	return await(ctx, "the S3 server answers", func() error {
		_, err := statusOf(ctx, c.Bucket.URL)
		return err
	})
}

// startSatchel starts all servers and workers.
func (c *Cluster) startSatchel(ctx context.Context) error {
	for _, name := range []string{"server-1", "server-2"} {
		p, err := c.satchel(ctx, name, "serve", "--workers", "0")
		if err != nil {
			return err
		}
		c.Servers = append(c.Servers, p)
	}
	for _, name := range []string{"worker-1", "worker-2"} {
		p, err := c.satchel(ctx, name, "work", "--workers", "2")
		if err != nil {
			return err
		}
		c.Workers = append(c.Workers, p)
	}
	for _, p := range c.Satchels() {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return nil
}

// Satchels are all servers and workers.
func (c *Cluster) Satchels() []*program.Process {
	return append(append([]*program.Process(nil), c.Servers...), c.Workers...)
}

// satchel prepares a process with an address and a folder of its own.
func (c *Cluster) satchel(ctx context.Context, name string, args ...string) (*program.Process, error) {
	address, err := c.freeAddress(ctx)
	if err != nil {
		return nil, err
	}
	args = append(args, "--listen", address)
	return c.process(name, "http://"+address, func() (*exec.Cmd, error) { return c.Command(name, args...), nil }), nil
}

// Command is a command line of Satchel on the cluster's database and bucket, with the data folder of this name.
func (c *Cluster) Command(name string, args ...string) *exec.Cmd {
	folder := filepath.Join(c.o.Folder, name)
	cmd := exec.Command(c.o.Program, append(args, "--data", filepath.Join(folder, "data"))...) //nolint:gosec,noctx // to run the program is the purpose; it lives until it is signalled
	cmd.Env = append([]string{
		"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "SATCHEL_ROOT_TOKEN=" + c.o.Token, "SATCHEL_MIN_FREE_BYTES=0", "SATCHEL_TRUSTED_PROXIES=127.0.0.1",
		"SATCHEL_DATABASE=" + c.told, "SATCHEL_BLOBS=" + c.Blobs,
		"AWS_ACCESS_KEY_ID=" + s3test.AccessKey, "AWS_SECRET_ACCESS_KEY=" + s3test.SecretKey,
	}, c.o.Env...)
	return cmd
}

func (c *Cluster) startProxy(ctx context.Context) (err error) {
	if c.o.Proxy == "" {
		if c.o.Proxy, err = c.freeAddress(ctx); err != nil {
			return err
		}
	}
	c.Proxy = c.process("nginx", "http://"+c.o.Proxy, c.nginx)
	return c.Proxy.Start()
}

// WaitReady waits until every server and worker, and the way through the load balancer, is ready.
func (c *Cluster) WaitReady(ctx context.Context) error {
	for _, p := range append(c.Satchels(), c.Proxy) {
		err := await(ctx, p.Name+" is ready", func() error {
			if !p.Running() {
				return fmt.Errorf("%w: %s", errEnded, p.Name)
			}
			status, err := statusOf(ctx, p.URL+"/ready")
			if err == nil && status != http.StatusOK {
				err = fmt.Errorf("%s answers with %d", p.Name, status)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Stop stops everything, in the order in which one needs the other, and says what did not end as it should.
func (c *Cluster) Stop() error {
	var errs []error
	end := func(p *program.Process, sig syscall.Signal) {
		if p == nil || !p.Running() {
			return
		}
		if status, err := p.End(sig); err != nil || status != 0 {
			errs = append(errs, fmt.Errorf("%s ended with status %d (%w)", p.Name, status, err))
		}
	}
	end(c.Proxy, syscall.SIGTERM)
	for _, p := range c.Satchels() {
		end(p, syscall.SIGTERM)
	}
	if c.Bucket != nil {
		_, err := c.Bucket.End(syscall.SIGKILL)
		errs = append(errs, err)
	}
	end(c.Postgres, syscall.SIGINT) // its fast shutdown
	if c.postgres != "" {
		errs = append(errs, os.RemoveAll(c.postgres))
	}
	return errors.Join(errs...)
}

// freeAddress gives an address on which nobody listens.
func (c *Cluster) freeAddress(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(c.o.Host, "0"))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	return listener.Addr().String(), nil
}

// statusOf asks for a page and gives the status of the answer.
func statusOf(ctx context.Context, url string) (int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}

// errEnded says that there is nothing to wait for.
var errEnded = errors.New("it has ended")

// await asks until there is no error.
func await(ctx context.Context, what string, ask func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask()
		if err == nil {
			return nil
		}
		if errors.Is(err, errEnded) {
			return fmt.Errorf("%s: %w", what, err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("still not so: %s: %w", what, err)
		case <-tick.C:
		}
	}
}
