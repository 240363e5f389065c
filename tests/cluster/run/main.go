// Command run starts a whole cluster on this machine, shows what its processes say, and stops it on Ctrl-C: make cluster. With a command line as
// arguments it runs that beside the cluster, with SATCHEL_URL and SATCHEL_TOKEN, and stops when it ends.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/satchel-files/satchel/tests/cluster"
)

// address is where the load balancer listens, if nobody else does.
const address = "127.0.0.1:8484"

func main() {
	program := flag.String("program", "bin/satchel", "the `path` of satchel")
	once := flag.Bool("once", false, "stop as soon as everything is ready")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *program, *once, flag.Args(), os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		defer os.Exit(1) //nolint:forbidigo // main alone ends the process, after its other deferred calls
	}
}

// run starts a cluster that keeps nothing, and stops it when ctx ends, or the command, if there is one, does.
func run(ctx context.Context, program string, once bool, command []string, out io.Writer) (err error) {
	program, err = filepath.Abs(program)
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "satchel-cluster-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	token := "root-" + rand.Text() + rand.Text()
	log := &stream{out: out}
	c, err := cluster.Start(ctx, cluster.Options{
		Program: program, Folder: folder, Host: "127.0.0.1", Proxy: free(ctx), Token: token, Env: settings(), Prepare: log.prepare,
	})
	if err != nil {
		return err
	}
	switch {
	case len(command) > 0:
		err = use(ctx, c.URL(), token, command)
	case !once:
		log.say(invitation(c, token))
		<-ctx.Done()
	default:
		log.say(invitation(c, token))
	}
	log.say("\nStopping.\n")
	return errors.Join(err, c.Stop())
}

// use runs a command that finds the cluster, and what it may do there, in its environment.
func use(ctx context.Context, url, token string, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...) //nolint:gosec // to run the command is the purpose
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), "SATCHEL_URL="+url, "SATCHEL_TOKEN="+token)
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w", strings.Join(command, " "), err)
	}
	return nil
}

// settings are the variables of a language model and the limit of a file, which a person may have set. Those of another server are not for this one.
func settings() (env []string) {
	for _, name := range []string{"SATCHEL_MAX_FILE_BYTES", "SATCHEL_LLM_URL", "SATCHEL_LLM_MODEL", "SATCHEL_LLM_KEY", "SATCHEL_LLM_CONTEXT"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	return env
}

// free gives the wanted address, or nothing where somebody listens on it.
func free(ctx context.Context) string {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return ""
	}
	_ = listener.Close() // nobody has connected
	return address
}

// invitation says what there is, and what to try.
func invitation(c *cluster.Cluster, token string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "\nThe cluster is ready: %s\n\n", c.URL())
	for _, p := range append(c.Satchels(), c.Proxy, c.Bucket, c.Postgres) {
		fmt.Fprintf(&text, "  %-9s  process %d  %s\n", p.Name, p.PID(), p.URL)
	}
	fmt.Fprintf(&text, `
In another terminal, in this folder:

  export SATCHEL_URL=%s SATCHEL_TOKEN=%s PATH=$PWD/bin:$PATH

  satchel put examples/minutes.md --wait
  kill -9 %d; satchel ls       # one server is gone, the other one answers
  curl -H "Authorization: Bearer $SATCHEL_TOKEN" $SATCHEL_URL/v1/files

Everything goes when it stops. Ctrl-C stops it.

`, c.URL(), token, c.Servers[0].PID())
	return text.String()
}

// stream is one log of several processes.
type stream struct {
	mu  sync.Mutex
	out io.Writer
}

// say writes to people.
func (s *stream) say(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, text) // a terminal that is gone takes nothing
}

// prepare has a process write to the stream, each line behind the process' name, and keeps Ctrl-C from it: the processes are stopped in order.
func (s *stream) prepare(name string, cmd *exec.Cmd) {
	reader, writer := io.Pipe()
	cmd.Stdout, cmd.Stderr = writer, writer
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Setpgid = true
	go func() {
		lines := bufio.NewReader(reader)
		for {
			line, err := lines.ReadString('\n')
			if line != "" {
				s.say(fmt.Sprintf("%-9s | %s", name, line))
			}
			if err != nil {
				return
			}
		}
	}()
}
