package daemon_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

func config(t *testing.T) daemon.Config {
	t.Helper()
	c := daemon.DefaultConfig()
	c.Listen, c.Data = "127.0.0.1:0", filepath.Join(t.TempDir(), "data")
	c.Workers = 0 // a test that is about workers says so
	return c
}

func open(t *testing.T, c daemon.Config) *daemon.Daemon {
	t.Helper()
	d, err := daemon.Open(t.Context(), c, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// A start that fails must not use up the first token: nobody has seen it.
func TestAFailedFirstStartKeepsTheFirstToken(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := config(t)
	for _, set := range []func(*daemon.Config, string){
		func(c *daemon.Config, address string) { c.Listen = address },
		func(c *daemon.Config, address string) { c.PprofListen = address },
	} {
		failing := c
		set(&failing, taken.Addr().String())
		if _, err := daemon.Open(t.Context(), failing, io.Discard); err == nil {
			t.Fatal("a server opened on an address that is taken")
		}
	}
	if d := open(t, c); d.FirstToken() == "" {
		t.Error("the first start that succeeded made no token")
	}
}

func TestASecondServerIsRefused(t *testing.T) {
	c := config(t)
	open(t, c)
	if _, err := daemon.Open(t.Context(), c, io.Discard); !errors.Is(err, daemon.ErrInUse) || !strings.Contains(err.Error(), c.Data) {
		t.Errorf("%v", err)
	}
}

// Only whoever makes a first token makes an installation: a mistyped folder must not become one.
// Room that uploads held when their server ended, by whatever, is free when it starts again.
func TestRoomIsNotHeldByUploadsOfAnEndedServer(t *testing.T) {
	c := config(t)
	if err := open(t, c).Close(); err != nil {
		t.Fatal(err)
	}
	left := func(do func(s *sqlstore.SQLite) error) {
		t.Helper()
		s, err := sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: filepath.Join(c.Data, "satchel.db")})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(do(s), s.Close()); err != nil {
			t.Fatal(err)
		}
	}
	ends := time.Now().Add(files.ReservationTime)
	held := meta.Reservation{ID: satchel.NewReservationID(time.Now()), Org: "org_1", Amount: satchel.Amount{Bytes: 1 << 40}, ExpiresAt: ends}
	left(func(s *sqlstore.SQLite) error {
		return s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.PutReservation(ctx, held) })
	})
	if err := open(t, c).Close(); err != nil {
		t.Fatal(err)
	}
	left(func(s *sqlstore.SQLite) error {
		n, err := s.ForgetReservations(t.Context(), ends.Add(time.Hour))
		if n != 0 {
			t.Errorf("%d uploads still hold room", n)
		}
		return err
	})
}

func TestOfflineNeedsAnInstallation(t *testing.T) {
	c := config(t)
	if _, err := daemon.OpenOffline(t.Context(), c); err == nil {
		t.Fatal("a folder that is not there was opened")
	}
	if _, err := os.Stat(c.Data); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder was made: %v", err)
	}
	offline, err := daemon.MakeOffline(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer offline.Close()
	token, err := offline.CreateToken(t.Context(), api.TokenRequest{User: "ada", Role: "owner"})
	if err != nil || token.Secret == "" {
		t.Fatalf("%+v, %v", token, err)
	}
	if tokens, err := offline.Tokens(t.Context(), ""); err != nil || len(tokens) != 1 || tokens[0].Secret != "" {
		t.Errorf("%+v, %v", tokens, err)
	}
	if err := offline.DeleteToken(t.Context(), "tok-none"); !daemon.IsNotFound(err) {
		t.Errorf("%v", err)
	}
}

func TestFsckBesideAServer(t *testing.T) {
	c := config(t)
	d := open(t, c)
	report, err := daemon.Fsck(t.Context(), c, daemon.FsckOptions{Deep: true})
	if err != nil || !report.Clean() {
		t.Errorf("%+v, %v", report, err)
	}
	if _, err := daemon.Fsck(t.Context(), c, daemon.FsckOptions{Repair: true}); !errors.Is(err, daemon.ErrInUse) {
		t.Errorf("a repair beside a server: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := daemon.Fsck(t.Context(), c, daemon.FsckOptions{Repair: true}); err != nil {
		t.Errorf("a repair without a server: %v", err)
	}
}

func TestRunEndsCleanlyWithItsContext(t *testing.T) {
	d := open(t, config(t))
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx) }()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("%v", err)
	}
}

func TestCheckFindsEveryFault(t *testing.T) {
	c := daemon.Config{
		Listen: "nowhere", PprofListen: "127.0.0.1:66000", Data: "", RootToken: "short", LogFormat: "xml", LogLevel: "loud",
		TLSCert: "only.pem", PublicURL: "files.example.com", Origins: []string{"https://app.example.com/path"}, TrustedProxies: []string{"10.0.0.0/99"},
		IdleTimeout: -1, ShutdownTimeout: 0, SweepInterval: 0, Workers: -1, OTLPEndpoint: "collector:4318", TraceRatio: 2, ExtractMemory: 1 << 20, ExtractTimeout: -1,
		LLM: daemon.LLM{URL: "ftp://user:passw0rd@example.org", Key: "a secret", Timeout: 0, Requests: 0, Context: 1000, TokensPerFile: 0},
	}
	err := c.Check()
	if err == nil {
		t.Fatal("it was accepted")
	}
	for _, part := range []string{
		"nowhere", "66000", "data folder", "root token", "xml", "loud", "idle timeout", "shutdown timeout", "sweep interval",
		"a certificate goes with its key", "public URL", "app.example.com/path", "10.0.0.0/99", "workers -1", "OTLP endpoint", "trace ratio", "extract memory 1048576", "extract timeout", "SATCHEL_LLM_URL:", "SATCHEL_LLM_MODEL:", "SATCHEL_LLM_KEY:", "LLM timeout", "LLM requests 0", "LLM context 1000", "LLM tokens per file 0",
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("nothing is said of %s:\n%v", part, err)
		}
	}
	for _, secret := range []string{"short", "passw0rd", "a secret"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("a secret is shown:\n%v", err)
		}
	}
}

// A model is configured by its address; what else is set for it without one is a mistake that is named.
func TestModelWithoutAnAddress(t *testing.T) {
	for name, set := range map[string]func(*daemon.LLM){
		"model":  func(l *daemon.LLM) { l.Model = "local" },
		"key":    func(l *daemon.LLM) { l.Key = "secret" },
		"vision": func(l *daemon.LLM) { l.Vision = true },
	} {
		c := config(t)
		set(&c.LLM)
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "SATCHEL_LLM_URL") {
			t.Errorf("a %s alone: %v", name, err)
		}
	}
	c := config(t)
	if err := c.Check(); err != nil || c.LLM.Configured() {
		t.Errorf("no model at all: %v", err)
	}
	if _, err := daemon.ExamineModel(t.Context(), c); !errors.Is(err, daemon.ErrNoModel) {
		t.Errorf("%v", err)
	}
}

// Faults of the model's variables name them as people wrote them.
func TestVariablesOfTheModel(t *testing.T) {
	c, err := daemon.ConfigFromEnv([]string{
		"SATCHEL_LLM_URL=http://127.0.0.1:1/v1", "SATCHEL_LLM_MODEL=local", "SATCHEL_LLM_KEY=secret", "SATCHEL_LLM_TIMEOUT=7s", "SATCHEL_LLM_REQUESTS=3",
		"SATCHEL_LLM_CONTEXT=4096", "SATCHEL_LLM_TOKENS_PER_FILE=9", "SATCHEL_LLM_VISION=true", "SATCHEL_WORKERS=1", "SATCHEL_EXTRACT_MEMORY=1GiB",
	})
	want := daemon.LLM{
		URL: "http://127.0.0.1:1/v1", Model: "local", Key: "secret", Timeout: 7 * time.Second, Requests: 3, Context: 4096, TokensPerFile: 9, Vision: true,
	}
	if err != nil || c.LLM != want || c.Workers != 1 || c.ExtractMemory != 1<<30 {
		t.Errorf("%+v, %v", c, err)
	}
	_, err = daemon.ConfigFromEnv([]string{"SATCHEL_LLM_TIMEOUT=soon", "SATCHEL_LLM_VISION=perhaps", "SATCHEL_EXTRACT_MEMORY=much", "SATCHEL_WORKERS=many"})
	for _, name := range []string{"SATCHEL_LLM_TIMEOUT", "SATCHEL_LLM_VISION", "SATCHEL_EXTRACT_MEMORY", "SATCHEL_WORKERS"} {
		if err == nil || !strings.Contains(err.Error(), name+":") {
			t.Errorf("nothing is said of %s: %v", name, err)
		}
	}
}

func TestSecretsAreNotShown(t *testing.T) {
	c := daemon.Config{RootToken: "0123456789-0123456789-0123456789", LLM: daemon.LLM{Key: "0123456789"}}
	for _, shown := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c)} {
		if strings.Contains(shown, "0123456789") {
			t.Errorf("%s", shown)
		}
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]daemon.Bytes{"0": 0, "1048576": 1 << 20, "256MiB": 256 << 20, "5 GiB": 5 << 30, "300MB": 300e6} {
		var b daemon.Bytes
		if err := b.Set(text); err != nil || b != want {
			t.Errorf("%q is %d, %v", text, b, err)
		}
	}
	for _, text := range []string{"", "many", "-1", "1QB"} {
		if err := new(daemon.Bytes).Set(text); err == nil {
			t.Errorf("%q is a size", text)
		}
	}
	if got := daemon.Bytes(256 << 20).String(); got != "256MiB" {
		t.Errorf("%s", got)
	}
}
