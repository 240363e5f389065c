package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestFirstStart(t *testing.T) {
	c := newCLI(t)
	serveOnce(t, c)
	saved, err := (&program{}).readCredentials()
	if err != nil || !strings.HasPrefix(saved.Token, "sat_") {
		t.Fatalf("%+v, %v", saved, err)
	}
	file, err := credentialsFile()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]os.FileMode{file: 0o600, filepath.Dir(file): 0o700 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	serveOnce(t, c) // on another port: the token stays, the address follows
	again, err := (&program{}).readCredentials()
	if err != nil || again.Token != saved.Token || again.URL == saved.URL {
		t.Errorf("%+v, then %+v, %v", saved, again, err)
	}
	c.setenv("SATCHEL_DATA", filepath.Join(c.dir, "second"))
	serveOnce(t, c) // another installation does not take the file
	if last, err := (&program{}).readCredentials(); err != nil || last != again {
		t.Errorf("%+v, %v", last, err)
	}
	c.setenv("SATCHEL_DATA", filepath.Join(c.dir, "third"))
	c.setenv("SATCHEL_ROOT_TOKEN", strings.Repeat("r", 32))
	serveOnce(t, c)
	c.golden("serve.txt")
}

// serveOnce starts a server, stops it as soon as it has said where it is, and notes what it printed.
func serveOnce(t *testing.T, c *cli) {
	t.Helper()
	inner := &cli{dir: c.dir, names: c.names}
	t.Run("serve", func(t *testing.T) {
		inner.t = t
		inner.start()
	})
	c.transcript.WriteString("$ satchel serve\n" + inner.greeting() + "\n")
}

func TestBadConfiguration(t *testing.T) {
	c := newCLI(t)
	c.setenv("SATCHEL_MAX_FILE_BYTES", "huge")
	c.setenv("SATCHEL_LOG_FORMAT", "xml")
	c.setenv("SATCHEL_ROOT_TOKEN", "short")
	c.setenv("SATCHEL_BLOBS", "s3://key:secret@FILES?acl=public&endpoint=127.0.0.1:9000")
	c.setenv("SATCHEL_JWT_NEW", "some")
	c.setenv("SATCHEL_DATABASE", "mysql://ann:opensesame@db/satchel")
	c.setenv("SATCHEL_JWT_JWKS_URL", "http://id.example.com/jwks")
	c.setenv("SATCHEL_LISTN", "127.0.0.1:1")
	c.setenv("SATCHEL_PUT_PARALLELS", "1")
	c.fails(exitUsage, "serve", "--listen", "nowhere", "--idle-timeout", "0s")
	if _, err := os.Stat(filepath.Join(os.Getenv("XDG_DATA_HOME"), "satchel")); err == nil {
		t.Error("something was started")
	}
	c.setenv("SATCHEL_DATABASE", "postgres://ann:opensesame@db:port/satchel")
	c.fails(exitUsage, "fsck")
	c.setenv("SATCHEL_DATABASE", "")
	c.fails(exitUsage, "work", "--workers", "0")
	if strings.Contains(c.transcript.String(), "opensesame") {
		t.Error("the password of the database is shown")
	}
	c.setenv("SATCHEL_LS_LIMIT", "ten")
	c.setenv("SATCHEL_LS_JSON", "perhaps")
	c.fails(exitUsage, "ls")
	for _, name := range []string{"SATCHEL_LISTN", "SATCHEL_PUT_PARALLELS", "SATCHEL_LOG_FORMAT", "SATCHEL_ROOT_TOKEN", "SATCHEL_BLOBS", "SATCHEL_JWT_NEW", "SATCHEL_JWT_JWKS_URL"} {
		c.setenv(name, "")
		_ = os.Unsetenv(name)
	}
	c.setenv("SATCHEL_IDLE_TIMEOUT", "zz") // each of these is one fault
	c.fails(exitUsage, "serve", "--shutdown-timeout", "yy", "--data", "", "--nope", "--log-level", "loud")
	c.setenv("SATCHEL_MAX_FILE_BYTES", "")
	c.setenv("SATCHEL_IDLE_TIMEOUT", "")
	c.fails(exitUsage, "fsck", "--data", "")
	c.fails(exitUsage, "serve", "--blobs", "/srv/blobs", "--s3-memory", "1MiB")
	c.setenv("SATCHEL_BLOBS", "file:///srv/blobs")
	c.fails(exitUsage, "restore", "copy", "--data", "again")
	c.golden("config.txt")
}

func TestMaintenanceReadsWhatItUses(t *testing.T) {
	c := newCLI(t)
	c.setenv("SATCHEL_DATA", filepath.Join(c.dir, "data"))
	c.setenv("SATCHEL_LISTEN", "bad")
	c.setenv("SATCHEL_SWEEP_INTERVAL", "bad")
	c.setenv("SATCHEL_ROOT_TOKEN", "bad")
	c.ok("token", "create", "--user", "ada", "--role", "owner")
	c.ok("fsck")
	c.ok("backup", "copy")
	c.ok("restore", "copy", "--data", "again")
	c.fails(exitUsage, "serve")
	c.setenv("SATCHEL_SWEEP_INTERVAL", "")
	c.setenv("SATCHEL_ROOT_TOKEN", "")
	if message := c.fails(exitUsage, "serve", "--listen", "worse"); strings.Contains(message, "bad") {
		t.Errorf("the flag does not go before the variable: %s", message)
	}
}

func TestPasswordsAreNotShown(t *testing.T) {
	c := newCLI(t)
	c.fake(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"data":[],"has_more":false}`)) })
	host := strings.TrimPrefix(os.Getenv("SATCHEL_URL"), "http://")
	c.setenv("SATCHEL_URL", "http://user:passw0rd@"+host)
	c.ok("ls", "-v")
	c.setenv("SATCHEL_TOKEN", "")
	c.fails(exitForbidden, "ls")
	c.setenv("SATCHEL_TOKEN", "secret")
	c.setenv("SATCHEL_URL", "http://user:passw0rd@127.0.0.1:1")
	c.fails(exitServer, "ls")
	for _, address := range []string{"ftp://user:passw0rd@host", "user:passw0rd@host", "http://user:pass w0rd@ho st", "http://user:passw0rd@host:port"} {
		c.setenv("SATCHEL_URL", address)
		c.fails(exitUsage, "ls")
	}
	if text := c.transcript.String(); strings.Contains(text, "w0rd") || strings.Count(text, "@") < 4 {
		t.Error(text)
	}
}

func TestATokenIsOneWord(t *testing.T) {
	c := newCLI(t)
	c.fake(func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for _, token := range []string{"sat_1\nsat_2", "sat_1 sat_2", "sat_\x7f", "sat_ü"} {
		c.setenv("SATCHEL_TOKEN", token)
		if message := c.fails(exitUsage, "ls"); !strings.Contains(message, "white space") || strings.Contains(message, token) {
			t.Error(message)
		}
	}
	c.write("token", "sat_1\nsat_2\n")
	c.fails(exitUsage, "ls", "--token-file", "token")
}

func TestCallable(t *testing.T) {
	for started, want := range map[string]string{
		"satchel": "satchel", "bin/satchel": "bin/satchel", "/opt/x_1/satchel": "/opt/x_1/satchel",
		"/my tools/satchel": "'/my tools/satchel'", "/it's/$HOME/satchel": `'/it'\''s/$HOME/satchel'`,
	} {
		if got := callable(started); got != want {
			t.Errorf("%s: %s, want %s", started, got, want)
		}
	}
}

func TestEveryFlagHasAVariable(t *testing.T) {
	c := newCLI(t)
	var queries []string
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		queries = append(queries, r.URL.RawQuery)
		_, _ = w.Write([]byte(`{"data":[],"has_more":false}`))
	})
	c.setenv("SATCHEL_WORKSPACE", "red")
	c.setenv("SATCHEL_LS_PURPOSE", "batch")
	c.setenv("SATCHEL_LS_LIMIT", "5")
	c.setenv("SATCHEL_LS_METADATA", "author=hegel")
	c.ok("ls")
	c.ok("ls", "--limit", "7", "-w", "blue")
	want := []string{
		"limit=5&metadata%5Bauthor%5D=hegel&order=desc&purpose=batch&workspace=red",
		"limit=7&metadata%5Bauthor%5D=hegel&order=desc&purpose=batch&workspace=blue",
	}
	if strings.Join(queries, "\n") != strings.Join(want, "\n") {
		t.Errorf("asked for %q", queries)
	}
}

func TestTheSavedTokenGoesToItsOwnServerAlone(t *testing.T) {
	c := newCLI(t)
	var tokens []string
	c.fake(func(w http.ResponseWriter, r *http.Request) {
		tokens = append(tokens, r.Header.Get("Authorization"))
		_, _ = w.Write([]byte(`{"data":[],"has_more":false}`))
	})
	url := os.Getenv("SATCHEL_URL")
	c.setenv("SATCHEL_TOKEN", "")
	if err := (credentials{URL: "http://127.0.0.1:1", Token: "saved"}).write(); err != nil {
		t.Fatal(err)
	}
	c.fails(exitForbidden, "ls") // of another server
	if err := (credentials{URL: url + "/", Token: "saved"}).write(); err != nil {
		t.Fatal(err)
	}
	c.ok("ls")
	c.setenv("SATCHEL_URL", "")
	c.ok("ls")
	c.setenv("SATCHEL_TOKEN", "mine")
	c.ok("ls")
	c.write("token", "filed\n")
	c.ok("ls", "--token-file", "token")
	if got := strings.Join(tokens, ", "); got != "Bearer saved, Bearer saved, Bearer mine, Bearer filed" {
		t.Error(got)
	}
}

func TestUnknownVariables(t *testing.T) {
	known := []string{"SATCHEL_DATA", "SATCHEL_LISTEN", "SATCHEL_URL"}
	got := unknownVariables([]string{"PATH=x", "SATCHEL_DATA=x", "SATCHEL_DATE=x", "SATCHEL_LISTENING=x", "SATCHELS=x"}, known)
	want := []string{
		"the environment variable SATCHEL_DATE means nothing to satchel; is it SATCHEL_DATA?",
		"the environment variable SATCHEL_LISTENING means nothing to satchel; is it SATCHEL_LISTEN?",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q", got)
	}
}

func TestExpiry(t *testing.T) {
	for text, want := range map[string]time.Duration{"72h": 72 * time.Hour, "30d": 720 * time.Hour, "90m": 90 * time.Minute} {
		var e expiry
		if err := e.Set(text); err != nil || time.Duration(e) != want {
			t.Errorf("%s: %v, %v", text, time.Duration(e), err)
		}
	}
	for _, text := range []string{"", "d", "-1h", "-3d", "0", "0s", "0d", "00d", "65536d", "soon", "1.5d"} {
		if err := new(expiry).Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestEnding(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"72h": now.Add(72 * time.Hour), "30d": now.AddDate(0, 0, 30), "2026-11-26": now.Add(12 * time.Hour), "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0, time.UTC),
	} {
		e := ending{now: func() time.Time { return now }}
		if err := e.Set(text); err != nil || e.unix != want.Unix() || e.String() != text {
			t.Errorf("%s: %d, %v", text, e.unix, err)
		}
	}
	for _, text := range []string{"", "soon", "-1h", "2026-11-25", "2020-01-01", "2027-02-30", "31.1.2027"} {
		e := ending{now: func() time.Time { return now }}
		if err := e.Set(text); err == nil {
			t.Errorf("%q was taken", text)
		}
	}
}

func TestProgressWithoutATerminal(t *testing.T) {
	var out bytes.Buffer
	g := (&program{err: &out}).newProgress("a", 1)
	g.add(1)
	g.print(&out, true, "line\n")
	g.finish()
	if out.String() != "line\n" {
		t.Errorf("got %q", out.String())
	}
}

func TestProgressOnATerminal(t *testing.T) {
	var out bytes.Buffer
	p := &program{err: &out, errTerminal: true}
	for _, total := range []int64{0, 2000} {
		g := p.newProgress("many files", total)
		g.add(1500)
		g.add(-500)
		g.print(&out, true, "a line\n")
		g.finish()
	}
	if strings.Count(out.String(), "a line\n") != 2 {
		t.Errorf("got %q", out.String())
	}
}
