package cluster

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// sentence is what stands before the load balancer's configuration in docs/operations.md.
const sentence = "nginx as load balancer of two servers:"

// nginx is the command line of nginx with the documented configuration, on this cluster's addresses and without TLS.
func (c *Cluster) nginx() (*exec.Cmd, error) {
	root, err := moduleRoot()
	if err != nil {
		return nil, err
	}
	path, err := nginxProgram(root)
	if err != nil {
		return nil, err
	}
	config, err := c.nginxConfig(root)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(c.o.Folder, "nginx")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	file := filepath.Join(folder, "nginx.conf")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		return nil, err
	}
	return exec.Command(path, "-c", file, "-e", "/dev/stderr"), nil //nolint:gosec,noctx // the path is the one of an installation; it lives until it is signalled
}

// nginxConfig is the documented configuration, in the frame that a whole one has.
func (c *Cluster) nginxConfig(root string) (string, error) {
	text, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	if err != nil {
		return "", err
	}
	_, rest, found := strings.Cut(string(text), "\n"+sentence+"\n\n```\n")
	documented, _, ended := strings.Cut(rest, "\n```\n")
	if !found || !ended {
		return "", fmt.Errorf("docs/operations.md has no configuration behind %q", sentence)
	}
	for was, is := range map[string]string{
		"listen 443 ssl;": "listen " + c.o.Proxy + ";",
		"    ssl_certificate     /etc/ssl/files.crt;\n    ssl_certificate_key /etc/ssl/files.key;\n": "",
		"server 10.0.0.11:8484": "server " + strings.TrimPrefix(c.Servers[0].URL, "http://"),
		"server 10.0.0.12:8484": "server " + strings.TrimPrefix(c.Servers[1].URL, "http://"),
	} {
		if strings.Count(documented, was) != 1 {
			return "", fmt.Errorf("the documented configuration has %q %d times", was, strings.Count(documented, was))
		}
		documented = strings.Replace(documented, was, is, 1)
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;"
	}
	return fmt.Sprintf(`%[1]s daemon off; pid %[2]s/pid; error_log /dev/stderr warn;
events {}
http {
	access_log off; client_body_temp_path %[2]s/body; proxy_temp_path %[2]s/proxy; fastcgi_temp_path %[2]s/f; uwsgi_temp_path %[2]s/u; scgi_temp_path %[2]s/s;
	%[3]s
}
`, user, filepath.Join(c.o.Folder, "nginx"), documented), nil
}

// nginxProgram finds nginx: the machine's own, or the one that scripts/setup has unpacked.
func nginxProgram(root string) (string, error) {
	if path, err := exec.LookPath("nginx"); err == nil {
		return path, nil
	}
	path := filepath.Join(root, ".cache", "nginx", "usr", "sbin", "nginx")
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("there is no nginx: run scripts/setup (%w)", err)
	}
	return path, nil
}

// moduleRoot is the folder of the project.
func moduleRoot() (string, error) {
	folder, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; folder != filepath.Dir(folder); folder = filepath.Dir(folder) {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("this does not run inside the project")
}
