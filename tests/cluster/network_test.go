package cluster_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	toxiproxy "github.com/Shopify/toxiproxy/v2/client"
	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

// The ends of a connection, as Toxiproxy names them: what Satchel sends goes up, and what comes back goes down.
const (
	upstream   = "upstream"
	downstream = "downstream"
)

// network is what stands between Satchel's processes and PostgreSQL and the S3 server: Toxiproxy before both, and the tests' own proxy before the S3
// server.
type network struct {
	t        testing.TB
	control  *toxiproxy.Client
	postgres *toxiproxy.Proxy
	bucket   *toxiproxy.Proxy
	s3       *s3Proxy
}

// startNetwork starts Toxiproxy, which ends with the test.
func startNetwork(t testing.TB, log *program.Record) *network {
	t.Helper()
	address := freeAddress(t)
	_, port, err := net.SplitHostPort(address)
	program.Must(t, err)
	path, err := filepath.Abs("../../.cache/bin/toxiproxy")
	program.Must(t, err)
	p := &program.Process{Name: "toxiproxy", URL: "http://" + address, Command: func() (*exec.Cmd, error) {
		cmd := exec.Command(path, "-host", host, "-port", port)
		cmd.Env = []string{"LOG_LEVEL=warn"}
		cmd.Stdout, cmd.Stderr = log, log
		return cmd, nil
	}}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("there is no Toxiproxy: run scripts/setup (%v)", err)
	}
	program.Must(t, p.Start())
	t.Cleanup(func() { _, _ = p.End(syscall.SIGKILL) }) // how it ended is no matter
	n := &network{t: t, control: toxiproxy.NewClient(p.URL)}
	program.Within(t, "Toxiproxy answers", func() bool {
		if !p.Running() {
			t.Fatalf("Toxiproxy ended:\n%s", log)
		}
		_, err := n.control.Proxies()
		return err == nil
	})
	return n
}

// between stands between Satchel and what is at an address.
func (n *network) between(name, address string) (string, error) {
	if name == "s3" {
		n.s3 = startS3Proxy(n.t, address)
		address = n.s3.address
	}
	proxy, err := n.control.CreateProxy(name, net.JoinHostPort(host, "0"), address)
	if err != nil {
		return "", err
	}
	if name == "s3" {
		n.bucket = proxy
	} else {
		n.postgres = proxy
	}
	return proxy.Listen, nil
}

// toxic is a fault of a connection. Connections that exist have it at once.
type toxic struct {
	kind, stream string
	attributes   toxiproxy.Attributes
}

// while has connections be faulty for as long as do runs.
func (n *network) while(proxy *toxiproxy.Proxy, toxics []toxic, do func()) {
	n.t.Helper()
	for _, x := range toxics {
		_, err := proxy.AddToxic(name(x), x.kind, x.stream, 1, x.attributes)
		program.Must(n.t, err)
	}
	do()
	for _, x := range toxics {
		program.Must(n.t, proxy.RemoveToxic(name(x)))
	}
}

func name(x toxic) string { return x.kind + "-" + x.stream }

// latency has every piece of what is sent take a while more or less.
func latency(stream string, milliseconds int) toxic {
	return toxic{"latency", stream, toxiproxy.Attributes{"latency": milliseconds, "jitter": milliseconds / 2}}
}

// silence has nothing come through any more, on connections that stay open. They are closed when it ends.
func silence(stream string) toxic {
	return toxic{"timeout", stream, toxiproxy.Attributes{"timeout": 0}}
}

// limit cuts every connection after so many bytes.
func limit(stream string, bytes int) toxic {
	return toxic{"limit_data", stream, toxiproxy.Attributes{"bytes": bytes}}
}

// reset has every connection on which anything is sent be reset a little later.
func reset(stream string, milliseconds int) toxic {
	return toxic{"reset_peer", stream, toxiproxy.Attributes{"timeout": milliseconds}}
}

// bandwidth lets so many kilobytes a second through.
func bandwidth(stream string, kilobytes int) toxic {
	return toxic{"bandwidth", stream, toxiproxy.Attributes{"rate": kilobytes}}
}

// some is a while of chance, up to twice the duration.
func (b *breaker) some(d time.Duration) time.Duration {
	return d/2 + time.Duration(b.rng.Int64N(int64(d)))
}

// lasts does what takes as long as the longest patience of a server where there is time for it.
func (b *breaker) lasts(do func()) {
	if b.thorough {
		do()
	}
}

// slowDatabase has every answer of the database take long.
func (b *breaker) slowDatabase() {
	b.t.Helper()
	b.network.while(b.network.postgres, []toxic{latency(downstream, 50+b.rng.IntN(100))}, func() { b.peace(b.some(2 * time.Second)) })
}

// slowBucket has the S3 server answer late, and take and give little at a time.
func (b *breaker) slowBucket() {
	b.t.Helper()
	toxics := []toxic{latency(downstream, 100+b.rng.IntN(300)), bandwidth(upstream, 2000), bandwidth(downstream, 2000)}
	b.network.while(b.network.bucket, toxics, func() { b.peace(b.some(2 * time.Second)) })
}

// silentDatabase has connections to the database stay open, on which nothing comes through.
func (b *breaker) silentDatabase() {
	b.t.Helper()
	b.network.while(b.network.postgres, []toxic{silence([]string{upstream, downstream}[b.rng.IntN(2)])}, func() {
		b.nobodyIsReady("the database is silent")
		b.lasts(func() { b.failsSoon("an upload while the database is silent", 1000) })
	})
}

// silentBucket does so to the S3 server.
func (b *breaker) silentBucket() {
	b.t.Helper()
	b.network.while(b.network.bucket, []toxic{silence([]string{upstream, downstream}[b.rng.IntN(2)])}, func() {
		b.nobodyIsReady("the bucket is silent")
		b.lasts(func() { b.failsSoon("an upload while the bucket is silent", b.rng.IntN(2)*largeSize+1000) })
	})
}

// cutDatabase cuts connections to the database after some bytes of its answers, wherever that is: before a COMMIT, behind it, or in between.
func (b *breaker) cutDatabase() {
	b.t.Helper()
	for range 3 {
		b.network.while(b.network.postgres, []toxic{limit(downstream, 1000+b.rng.IntN(30_000))}, func() { b.peace(b.some(500 * time.Millisecond)) })
	}
	b.network.while(b.network.postgres, []toxic{reset(upstream, b.rng.IntN(50))}, func() { b.peace(b.some(500 * time.Millisecond)) })
}

// cutBucket cuts connections to the S3 server in the middle of a part, on its way up and down.
func (b *breaker) cutBucket() {
	b.t.Helper()
	b.network.while(b.network.bucket, []toxic{limit(upstream, 100_000+b.rng.IntN(4<<20))}, func() { b.failsSoon("an upload whose parts are cut", largeSize) })
	b.network.while(b.network.bucket, []toxic{limit(downstream, 1000+b.rng.IntN(50_000))}, func() { b.peace(b.some(500 * time.Millisecond)) })
	b.network.while(b.network.bucket, []toxic{reset(upstream, b.rng.IntN(50))}, func() { b.peace(b.some(500 * time.Millisecond)) })
}

// largeSize is that of a file that is sent to the bucket in parts.
const largeSize = 11 << 20

// failsSoon expects of an upload that it is refused soon, by 503 with the advice when to try again, or by another status that may be.
func (b *breaker) failsSoon(what string, size int, others ...int) {
	b.t.Helper()
	p := b.Servers[b.rng.IntN(2)]
	asked, header := time.Now(), http.Header{}
	c := client.New(p.URL, program.RootToken, client.WithRetries(0, 0), client.WithOnResponse(func(r *http.Response) { header = r.Header }))
	_, err := c.Upload(b.t.Context(), client.Upload{Sources: []client.Source{{Name: half, Body: bytes.NewReader(content(1, size, false)), Size: int64(size)}}})
	took := time.Since(asked)
	advised := isStatus(err, http.StatusServiceUnavailable) && header.Get("Retry-After") != ""
	other := slices.ContainsFunc(others, func(status int) bool { return isStatus(err, status) })
	if !advised && !other || took > slowest {
		b.t.Errorf("%s: %v with %v after %s, want 503 with retry-after, or one of %v", what, err, header, took, others)
	}
	b.t.Logf("%s: %v after %s", what, err, took)
}

// noConnections has another client of the database take all of its connections, those that Satchel had as well.
func (b *breaker) noConnections() {
	b.t.Helper()
	var taken []*pgx.Conn
	defer func() {
		for _, conn := range taken {
			_ = conn.Close(b.t.Context()) // nothing is under way on it
		}
	}()
	program.Within(b.t, "another client has all connections", func() bool {
		taken = b.takeConnections(taken)
		return b.endOthers(taken) == 0
	})
	b.nobodyIsReady("the database is out of connections")
	b.peace(b.some(time.Second))
}

// takeConnections takes all connections that are free.
func (b *breaker) takeConnections(taken []*pgx.Conn) []*pgx.Conn {
	b.t.Helper()
	config, err := pgx.ParseConfig(b.Database)
	program.Must(b.t, err)
	config.RuntimeParams["application_name"] = taker
	for {
		conn, err := pgx.ConnectConfig(b.t.Context(), config)
		if err != nil {
			return taken
		}
		taken = append(taken, conn)
	}
}

// taker is how the client calls itself that takes all connections.
const taker = "taker"

// endOthers ends connections that were not taken, and says how many there were.
func (b *breaker) endOthers(taken []*pgx.Conn) (n int) {
	b.t.Helper()
	const others = `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> $1`
	program.Must(b.t, taken[0].QueryRow(b.t.Context(), others, taker).Scan(&n))
	return n
}

// The COMMIT of an upload of this name waits for whoever holds a lock.
const (
	uncertain    = "uncertain"
	holdsCommits = `CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4711); RETURN NULL; END $$;
		CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON files DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.filename = '` + uncertain + `') EXECUTE FUNCTION hold()`
	heldCommits = `SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = 4711 AND NOT granted`

	madeUncertain = `SELECT count(*) FROM files WHERE filename = '` + uncertain + `'`
)

// loseAnswer lets an upload be committed, and its answer be lost. The client sends it again with the same Idempotency-Key, and has made one file.
func (b *breaker) loseAnswer() {
	b.t.Helper()
	conn, err := pgx.Connect(b.t.Context(), b.Database)
	program.Must(b.t, err)
	defer func() { _ = conn.Close(b.t.Context()) }()
	b.exec(conn, `SELECT pg_advisory_lock(4711)`)
	key, ended := fmt.Sprintf("%s-%d", uncertain, b.rng.Uint64()), make(chan error, 1)
	go func() {
		_, err := b.sendUncertain(key)
		ended <- err
	}()
	program.Within(b.t, "a commit waits", func() bool { return b.number(heldCommits) > 0 })
	b.network.while(b.network.postgres, []toxic{silence(downstream)}, func() {
		b.exec(conn, `SELECT pg_advisory_unlock(4711)`)
		program.Within(b.t, "it is done", func() bool { return b.number(madeUncertain) == 1 })
	})
	if err := <-ended; !isStatus(err, http.StatusServiceUnavailable) {
		b.t.Errorf("a change that may have been made: %v, want 503", err)
	}
	var id string
	program.Within(b.t, "it is acknowledged", func() bool { id, err = b.sendUncertain(key); return err == nil })
	if n := b.number(madeUncertain); n != 1 {
		b.t.Errorf("%d files were made by one upload, and its repetition", n)
	}
	program.Within(b.t, "it is deleted", func() bool {
		err := b.client(b.Servers[0].URL).Delete(b.t.Context(), id)
		return err == nil || isStatus(err, http.StatusNotFound)
	})
}

// sendUncertain uploads the file whose commits can be held.
func (b *breaker) sendUncertain(key string) (id string, err error) {
	files, err := b.client(b.URL()).Upload(b.t.Context(), client.Upload{
		Sources: []client.Source{{Name: uncertain, Body: strings.NewReader(uncertain), Size: int64(len(uncertain))}}, Purpose: "batch", IdempotencyKey: key,
	})
	if err != nil {
		return "", err
	}
	return files[0].ID, nil
}

func (b *breaker) exec(conn *pgx.Conn, sql string) {
	b.t.Helper()
	_, err := conn.Exec(b.t.Context(), sql)
	program.Must(b.t, err)
}

func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", net.JoinHostPort(host, "0"))
	program.Must(t, err)
	defer listener.Close()
	return listener.Addr().String()
}
