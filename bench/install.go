//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// programs are the paths of what a run starts.
type programs struct {
	satchel, limit, open    string
	versitygw               string
	nginx, pocketbase, tusd string // empty without peers
	nginxVersion            string
}

// The peers, pinned. PocketBase is the newest that the Go of go.mod builds. nginx is the one of the distribution,
// versitygw that of the tests, at the same version, where they have run.
const (
	pocketbaseVersion = "v0.39.5"
	versitygwVersion  = "v1.8.0"
	tusdVersion       = "v2.9.1"
)

// install builds our own programs from the tree and the peers from the Go module proxy; nginx comes from Debian.
func (b *bench) install(ctx context.Context) (p programs, err error) {
	b.say("building")
	if p.satchel, err = b.build(ctx, "./cmd/satchel"); err != nil {
		return p, err
	}
	if p.open, err = b.build(ctx, "./bench/open"); err != nil {
		return p, err
	}
	if p.limit, err = b.build(ctx, "./bench/limit"); err != nil {
		return p, err
	}
	if p.versitygw, err = b.findGateway(ctx); err != nil || !b.peers {
		return p, err
	}
	if p.pocketbase, err = b.fetch(ctx, "github.com/pocketbase/pocketbase/examples/base", pocketbaseVersion); err != nil {
		return p, err
	}
	if p.tusd, err = b.fetch(ctx, "github.com/tus/tusd/v2/cmd/tusd", tusdVersion); err != nil {
		return p, err
	}
	p.nginx, p.nginxVersion, err = b.findNginx(ctx)
	return p, err
}

// build compiles a program of this repository, as it is delivered.
func (b *bench) build(ctx context.Context, pkg string) (string, error) {
	target := filepath.Join(b.dir, "bin", filepath.Base(pkg))
	return target, b.command(ctx, b.root, []string{"CGO_ENABLED=0"}, "go", "build", "-o", target, pkg)
}

// fetch installs a program at one version, once.
func (b *bench) fetch(ctx context.Context, pkg, version string) (string, error) {
	dir := filepath.Join(b.cache, "bin", filepath.Base(pkg)+"-"+version)
	target := filepath.Join(dir, filepath.Base(pkg))
	if _, err := os.Stat(target); err == nil {
		return target, nil
	}
	b.say("installing %s %s", pkg, version)
	return target, b.command(ctx, b.cache, []string{"CGO_ENABLED=0", "GOBIN=" + dir}, "go", "install", pkg+"@"+version)
}

// findGateway takes the S3 server of the tests, if it is there.
func (b *bench) findGateway(ctx context.Context) (string, error) {
	path := filepath.Join(b.root, ".cache", "bin", "versitygw")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return b.fetch(ctx, "github.com/versity/versitygw/cmd/versitygw", versitygwVersion)
}

// findNginx takes the installed nginx, or unpacks Debian's package without installing it, so that no service starts.
func (b *bench) findNginx(ctx context.Context) (path, version string, err error) {
	path, err = exec.LookPath("nginx")
	if err != nil {
		dir := filepath.Join(b.cache, "bin", "nginx")
		path = filepath.Join(dir, "usr", "sbin", "nginx")
		if _, err := os.Stat(path); err != nil {
			if err := b.unpackNginx(ctx, dir); err != nil {
				return "", "", err
			}
		}
	}
	out, err := exec.CommandContext(ctx, path, "-v").CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("nginx: %w: %s", err, out)
	}
	_, version, _ = strings.Cut(strings.TrimSpace(string(out)), "nginx/")
	return path, version, nil
}

func (b *bench) unpackNginx(ctx context.Context, dir string) error {
	b.say("unpacking nginx")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := b.command(ctx, dir, nil, "apt-get", "download", "-q", "nginx"); err != nil {
		if err := b.command(ctx, dir, nil, "apt-get", "update", "-q"); err != nil {
			return err
		}
		if err := b.command(ctx, dir, nil, "apt-get", "download", "-q", "nginx"); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(dir, "nginx_*.deb"))
	if err != nil || len(packages) == 0 {
		return fmt.Errorf("no package of nginx was downloaded: %w", err)
	}
	return b.command(ctx, dir, nil, "dpkg-deb", "-x", packages[len(packages)-1], dir)
}

// command runs a program to its end; its output is shown only if it fails.
func (b *bench) command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &out
	cmd.Env = append(os.Environ(), env...)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, &out)
	}
	return nil
}
