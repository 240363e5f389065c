package cluster_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/cluster"
	"github.com/satchel-files/satchel/tests/program"
)

// host is an address from which nobody makes connections, so that a port of it stays free while its process is dead.
const host = "127.77.0.2"

// installation is a cluster under test.
type installation struct {
	*cluster.Cluster
	t       testing.TB
	logs    map[string]*program.Record
	network *network         // nil: nothing stands between its parts
	clocks  map[string]clock // of Satchel's processes; empty: they have that of the machine

	rows, objects *volume // on which PostgreSQL and the S3 server keep what they have; nil: on the machine's
}

// install starts a cluster that ends with the test, and gives the logs of its processes when the test has failed. The second server sends downloads to
// the bucket.
func install(t testing.TB) *installation {
	t.Helper()
	return prepare(t).start(cluster.Options{Folder: t.TempDir()})
}

// installToBreak does so with a network between its parts and disks below them that can be broken.
func installToBreak(t testing.TB) *installation {
	t.Helper()
	const size = 4 << 30 // of which is taken what is used
	i := prepare(t)
	i.network = startNetwork(t, i.logs["toxiproxy"])
	rows, err := os.MkdirTemp("", "satchel-pg-") //nolint:usetesting // into a folder of the test nobody could go as whom PostgreSQL runs
	program.Must(t, err)
	t.Cleanup(func() { program.Must(t, os.Remove(rows)) })
	i.rows = mount(t, rows, size)
	o := cluster.Options{Between: i.network.between, Folder: t.TempDir(), Rows: filepath.Join(rows, "postgres")}
	program.Must(t, os.Mkdir(o.Rows, 0o700))
	if os.Getenv(tortureVariable) != "" {
		i.clocks = newClocks(t, o.Folder)
	}
	bucket := filepath.Join(o.Folder, "s3")
	program.Must(t, os.Mkdir(bucket, 0o700))
	i.objects = mount(t, bucket, size)
	return i.start(o)
}

func prepare(t testing.TB) *installation {
	t.Helper()
	program.Must(t, program.NoteSources())
	i := &installation{t: t, logs: map[string]*program.Record{}}
	for _, name := range []string{"toxiproxy", "postgres", "s3", "server-1", "server-2", "worker-1", "worker-2", "nginx"} {
		i.logs[name] = &program.Record{}
	}
	t.Cleanup(i.showLogs)
	return i
}

// start starts the cluster, which has these options besides those that all have.
func (i *installation) start(o cluster.Options) *installation {
	i.t.Helper()
	o.Program, o.Host, o.Token = program.UnderTest(), host, program.RootToken
	o.Env = []string{"SATCHEL_SWEEP_INTERVAL=200ms"}
	o.Prepare = func(name string, cmd *exec.Cmd) {
		cmd.Stdout, cmd.Stderr = i.logs[name], i.logs[name]
		if c, set := i.clocks[name]; set {
			cmd.Env = append(cmd.Env, clockVariable+"="+c.file.Name())
		}
		if name == "server-2" {
			cmd.Env = append(cmd.Env, "SATCHEL_DOWNLOADS=redirect")
		}
	}
	c, err := cluster.Start(context.WithoutCancel(i.t.Context()), o)
	program.Must(i.t, err)
	i.Cluster = c
	i.t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			i.t.Error(err)
		}
	})
	return i
}

func (i *installation) showLogs() {
	if !i.t.Failed() {
		return
	}
	for name, log := range i.logs {
		i.t.Logf("the log of %s:\n%s", name, log.Tail())
	}
}

// client gives a client of a server, or of the load balancer, that tries everything once.
func (i *installation) client(url string) *client.Client {
	return client.New(url, program.RootToken, client.WithRetries(0, 0))
}

// fsck checks rows and bytes against each other, and says what it found.
func (i *installation) fsck() (report string, clean bool) {
	i.t.Helper()
	out, err := i.Command("fsck", "fsck", "--deep").CombinedOutput()
	return string(out), err == nil
}

// stored gives how many objects lie in the bucket, without the sign of whose it is.
func (i *installation) stored() int {
	i.t.Helper()
	n := 0
	for path := range program.Walk(i.t, filepath.Join(i.Objects, "files", "files", "of", "satchel")) {
		if filepath.Base(path) != "owner" {
			n++
		}
	}
	return n
}

// age makes everything in the bucket older: so a day passes at once. An object's time is that of its file.
func (i *installation) age(by time.Duration) {
	i.t.Helper()
	program.Must(i.t, filepath.WalkDir(i.Objects, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		then := info.ModTime().Add(-by)
		return os.Chtimes(path, then, then)
	}))
}

// number reads one number out of the database.
func (i *installation) number(sql string) (n int64) {
	i.t.Helper()
	conn, err := pgx.Connect(i.t.Context(), i.Database)
	program.Must(i.t, err)
	defer func() { _ = conn.Close(i.t.Context()) }()
	program.Must(i.t, conn.QueryRow(i.t.Context(), sql).Scan(&n))
	return n
}

// content gives bytes of chance, the same for the same seed; with text they are words.
func content(seed uint64, size int, text bool) []byte {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	b := make([]byte, size)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	if text {
		words := hex.EncodeToString(b)
		return []byte(strings.Join(strings.SplitAfter(words, "7"), " "))
	}
	return b
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// seed gives the run's seed.
func seed(t testing.TB) uint64 {
	n := program.Number(t, "CLUSTER_SEED", int(time.Now().UnixNano()%1_000_000))
	t.Logf("CLUSTER_SEED=%d; what the machine schedules stays random all the same", n)
	return uint64(n)
}
