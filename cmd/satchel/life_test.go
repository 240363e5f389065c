package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestLifeOfAFile(t *testing.T) {
	c := newCLI(t)
	c.work()
	c.write("logic.txt", "Science of Logic\n")
	c.write("empty", "")
	c.ok("put", "logic.txt", "--metadata", "author=hegel", "-m", "year:=1812", "--purpose", "assistants", "--expires", "30d", "--wait")
	c.ok("put", "empty", "--wait")
	if code, _, err := c.pipe(strings.NewReader("a tune"), "put", "-", "--name", "مرحبا 🎒.txt", "--json", "--wait"); code != exitOK {
		t.Fatal(err)
	}
	c.ok("ls")
	c.ok("ls", "--order", "asc", "--limit", "1", "--json")
	c.ok("ls", "-m", "year=1812", "-m", "author:=\"hegel\"")
	c.ok("ls", "--name", "nothing")
	c.ok("info", "logic.txt")
	c.ok("meta", "logic.txt", "author=", "title=Science of Logic", `pub:={"city":"Nürnberg"}`, "html=<b>&</b>")
	c.ok("meta", "logic.txt", `pub:={"year":1812.50}`)
	c.ok("meta", "logic.txt")
	c.ok("ls", "-m", "pub[city]=Nürnberg")
	c.ok("get", "logic.txt", "-o", "copy.txt")
	c.ok("get", "logic.txt", "-o", "-")
	c.ok("get", "empty", "-o", "nothing")
	c.ok("rm", "logic.txt", "empty")
	c.ok("ls")
	c.golden("life.txt")
	if c.read("copy.txt") != "Science of Logic\n" || c.read("nothing") != "" {
		t.Error("the downloads differ from what was uploaded")
	}
}

func TestWhatGoesWrong(t *testing.T) {
	c := newCLI(t)
	c.fails(exitForbidden, "ls")
	c.start()
	c.write("a/one", "1")
	c.write("a/b/two", "2")
	c.write("twin", "3")
	c.fails(exitUsage, "put")
	c.fails(exitUsage, "bogus")
	c.fails(exitUsage, "token")
	c.fails(exitUsage, "put", "a")
	c.fails(exitUsage, "put", "-")
	c.fails(exitUsage, "put", "twin", "--name")
	c.fails(exitUsage, "put", "twin", "twin", "--name", "x")
	c.fails(exitUsage, "put", "twin", "-m", "author")
	c.fails(exitUsage, "put", "twin", "-m", "year:=18 12")
	c.fails(exitUsage, "put", "twin", "-m", "a=1", "-m", "a=2")
	c.fails(exitUsage, "put", "twin", "--metadata-json", "[]")
	c.fails(exitUsage, "put", "twin", "--expires", "soon")
	c.fails(exitUsage, "text", "twin", "--page", "x")
	c.fails(exitUsage, "ls", "-n", "99999999999999999999")
	c.fails(exitUsage, "meta", "twin", "--revert", "v2")
	c.fails(exitUsage, "token", "create", "--role", "king")
	c.fails(exitInvalid, "put", "twin", "--purpose", "fun", "--expires", "5m")
	c.fails(exitFailed, "put", "missing")
	c.fails(exitMixed, "put", "missing", "twin", "twin", "--parallel", "1")
	c.fails(exitUsage, "info", "twin")
	c.fails(exitUsage, "rm", "file-0")
	c.fails(exitNotFound, "info", "nothing")
	c.fails(exitNotFound, "info", "null") // an optional parameter of that value counts as absent
	c.fails(exitNotFound, "info", "file-0000000000000000000000000")
	c.fails(exitNotFound, "token", "rm", "tok-1")
	c.fails(exitInvalid, "ls", "--purpose", "fun")
	c.fails(exitInvalid, "ls", "-w", "No Workspace")
	c.ok("ls", "-w", "empty")
	c.ok("put", "-r", "a", "--parallel", "1", "-w", "folder")
	c.fails(exitFailed, "get", "two", "-w", "folder", "-o", "twin")
	c.ok("get", "two", "-w", "folder", "-o", "twin", "--force")
	c.setenv("SATCHEL_TOKEN", "sat_wrong")
	c.fails(exitForbidden, "ls")
	c.setenv("SATCHEL_URL", "ftp://example.org")
	c.fails(exitUsage, "ls")
	c.setenv("SATCHEL_URL", "http://127.0.0.1:1")
	c.fails(exitServer, "ls")
	c.golden("wrong.txt")
}

func TestTokens(t *testing.T) {
	c := newCLI(t)
	c.start()
	data := filepath.Join(os.Getenv("XDG_DATA_HOME"), "satchel")
	writer := strings.TrimSpace(c.ok("token", "create", "--user", "ada", "--role", "writer", "--workspace", "papers"))
	c.ok("token", "create", "--user", "bob", "--role", "owner", "--org", "acme")
	c.ok("token", "create", "--data", data, "--user", "eve", "--role", "viewer")
	c.ok("token", "ls")
	c.ok("token", "ls", "--data", data, "--org", "acme")
	id := lastField(t, c.ok("token", "ls", "--json"), "ada", "id")
	c.fails(exitUsage, "token", "ls", "--data", data, "--url", "http://127.0.0.1:1")
	c.fails(exitNotFound, "token", "rm", "--data", data, "tok-0000000000000000000000000")

	c.write("note", "n")
	c.setenv("SATCHEL_URL", lastURL(t))
	c.setenv("SATCHEL_TOKEN", writer)
	c.ok("put", "note", "-w", "papers")
	c.fails(exitForbidden, "put", "note")
	c.fails(exitForbidden, "token", "ls")
	c.setenv("SATCHEL_TOKEN", "")
	c.setenv("SATCHEL_URL", "")
	c.ok("token", "rm", id)
	c.setenv("SATCHEL_TOKEN", writer)
	c.fails(exitForbidden, "ls", "-w", "papers")
	c.golden("tokens.txt")
}

// lastField gives a field of the last JSON line that contains a text.
func lastField(t testing.TB, lines, text, field string) string {
	t.Helper()
	found := ""
	for line := range strings.Lines(lines) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(line, text) {
			found, _ = object[field].(string)
		}
	}
	return found
}

// lastURL is the one in the credentials file.
func lastURL(t testing.TB) string {
	t.Helper()
	saved, err := (&program{}).readCredentials()
	if err != nil || saved.URL == "" {
		t.Fatalf("%+v, %v", saved, err)
	}
	return saved.URL
}

func TestTokensByURLOrByFolder(t *testing.T) {
	c := newCLI(t)
	data := filepath.Join(c.dir, "data")
	c.setenv("SATCHEL_DATA", data)
	out := c.ok("token", "create", "--user", "ada", "--role", "owner")
	if !strings.HasPrefix(out, "sat_") || strings.Count(out, "\n") != 1 {
		t.Errorf("printed %q, want the token alone", out)
	}
	c.setenv("SATCHEL_URL", c.start())
	c.setenv("SATCHEL_TOKEN", strings.TrimSpace(out))
	if out := c.ok("audit", "--action", "createToken"); !strings.Contains(out, "  local  ") {
		t.Errorf("recorded is %q, want a token that was made on the folder", out)
	}
	c.setenv("SATCHEL_URL", "http://127.0.0.1:1")
	c.setenv("SATCHEL_TOKEN", "x")
	c.fails(exitServer, "token", "ls") // SATCHEL_URL goes before SATCHEL_DATA
	if out := c.ok("token", "ls", "--data", data); !strings.Contains(out, "ada") {
		t.Errorf("printed %q", out)
	}
}

func TestMaintenance(t *testing.T) {
	c := newCLI(t)
	c.start()
	c.write("one", "1")
	c.ok("put", "one")
	data := filepath.Join(os.Getenv("XDG_DATA_HOME"), "satchel")
	c.ok("fsck")
	c.ok("backup", "copy")
	c.ok("restore", "copy", "--data", "again")
	c.ok("fsck", "--data", "again", "--deep")
	damage(t, filepath.Join(c.dir, "again", "blobs"))
	c.fails(exitFailed, "fsck", "--data", "again")
	c.fails(exitFailed, "fsck", "--data", data, "--repair") // a server runs
	c.fails(exitFailed, "fsck", "--data", "nowhere")
	c.fails(exitFailed, "restore", "nowhere", "--data", "other")
	c.names[blobKey(t, filepath.Join(c.dir, "again", "blobs"))] = "BLOB"
	c.golden("maintenance.txt")
}

// damage makes the bytes of the first object one longer.
func damage(t testing.TB, folder string) {
	t.Helper()
	path := filepath.Join(folder, filepath.FromSlash(blobKey(t, folder)))
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = file.WriteString("x")
	if err = errors.Join(err, file.Close()); err != nil {
		t.Fatal(err)
	}
}

// blobKey gives the first object below a folder.
func blobKey(t testing.TB, folder string) string {
	t.Helper()
	key := ""
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && key == "" && entry.Type().IsRegular() {
			key, err = filepath.Rel(folder, path)
		}
		return err
	})
	if err != nil || key == "" {
		t.Fatalf("no object in %s: %v", folder, err)
	}
	return filepath.ToSlash(key)
}

func TestTeams(t *testing.T) {
	c := newCLI(t)
	c.write("keys.json", `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"O2onvM62pC1io6jQKm8Nc2UyFXcd4kOmOsBIoYtZ2ik"}]}`)
	c.setenv("SATCHEL_JWT_JWKS_FILE", filepath.Join(c.dir, "keys.json"))
	c.setenv("SATCHEL_JWT_ISSUER", "https://id.example.com")
	c.setenv("SATCHEL_JWT_AUDIENCE", "https://files.example.com")
	c.start()
	c.write("note", "x")
	c.ok("user", "whoami")
	c.ok("user", "create", "ada")
	c.ok("user", "create", "vic", "--confined")
	c.fails(exitInvalid, "user", "create", "ada")
	c.fails(exitInvalid, "user", "create", "eve", "--role", "emperor")
	c.fails(exitUsage, "user", "set", "ada")
	c.ok("user", "set", "ada", "--role", "admin", "--name", "ada l")
	c.ok("user", "create", "bo", "--external-id", "f3a1")
	c.fails(exitInvalid, "user", "set", "vic", "--external-id", "f3a1")
	c.ok("user", "set", "bo", "--external-id", "")
	c.ok("user", "ls")
	c.ok("workspace", "create", "papers", "--name", "All papers")
	c.ok("workspace", "rename", "papers", "Old papers")
	c.ok("workspace", "grant", "papers", "vic", "viewer")
	c.fails(exitUsage, "workspace", "grant", "papers", "vic", "king")
	c.ok("workspace", "users", "papers")
	c.ok("workspace", "ls")
	c.ok("token", "create", "--user", "vic", "--role", "member", "-w", "papers", "--read-only", "--expires", "30d")
	c.ok("put", "note", "-w", "papers")
	c.fails(exitInvalid, "workspace", "rm", "papers")
	c.ok("workspace", "revoke", "papers", "vic")
	c.fails(exitNotFound, "workspace", "revoke", "papers", "vic")
	c.ok("workspace", "rm", "papers", "--force")
	c.ok("workspace", "create", "empty")
	c.ok("workspace", "rm", "empty")
	c.ok("user", "rm", "vic")
	c.ok("org", "create", "acme", "--owner", "grace")
	c.ok("org", "rename", "acme", "acme works")
	c.ok("org", "link", "acme works", "7d1f")
	c.ok("org", "link", "acme works")
	c.ok("org", "ls")
	c.ok("user", "ls", "--org", "acme works")
	c.ok("org", "rm", "acme works")
	c.fails(exitNotFound, "org", "rm", "acme works")
	c.ok("audit", "--user", "owner", "--since", "1h")
	c.ok("audit", "--action", "deleteWorkspace", "-n", "1", "--json")
	c.ok("audit", "--installation", "--action", "deleteOrganization")
	c.ok("audit", "--until", "2020-01-31")
	c.fails(exitUsage, "audit", "--since", "yesterday")
	c.fails(exitNotFound, "audit", "--user", "nobody")
	c.fails(exitInvalid, "audit", "--action", "bogus")
	c.golden("teams.txt")
}

// TestWrongCommandsOfTeams says what is missing, what is too much, and what would be done elsewhere than it reads.
func TestWrongCommandsOfTeams(t *testing.T) {
	c := newCLI(t)
	c.start()
	c.write("note", "x")
	for _, missing := range []string{"workspace create", "user create", "workspace grant papers ada", "workspace grant", "org link", "token rm", "org rename acme Acme Works"} {
		c.fails(exitUsage, strings.Fields(missing)...)
	}
	c.ok("user", "create", "ada", "--confined")
	c.fails(exitUsage, "user", "set", "ada", "--confined=maybe")
	c.ok("token", "create", "--user", "ada", "--role", "owner")
	c.ok("token", "create", "--user", "ada", "--role", "admin")
	c.fails(exitInvalid, "org", "create", "null", "--owner", "n")
	c.fails(exitInvalid, "user", "create", "Null")
	c.fails(exitInvalid, "workspace", "create", "null")
	c.fails(exitUsage, "user", "rm", "ada", "--org", "null")
	c.fails(exitUsage, "audit", "--user", "null")
	c.fails(exitUsage, "put", "note", "--workspace", "null")
	c.fails(exitUsage, "token", "create", "--user", "ada", "--role", "viewer", "-w", "papers,null")
	c.setenv("SATCHEL_WORKSPACE", "null")
	c.fails(exitUsage, "put", "note")
	c.golden("wrongteams.txt")
}

func TestHelp(t *testing.T) {
	c := newCLI(t)
	for _, command := range []string{"", "serve", "work", "put", "ls", "info", "meta", "text", "process", "cancel", "get", "doctor", "rm", "workspace", "workspace ls", "workspace create", "workspace rename", "workspace rm", "workspace users", "workspace grant", "workspace revoke", "user", "user ls", "user create", "user set", "user rm", "user whoami", "org", "org ls", "org create", "org rename", "org rm", "token", "token create", "token ls", "token rm", "audit", "fsck", "backup", "restore", "migrate", "openapi", "version"} {
		c.ok(append(strings.Fields(command), "--help")...)
	}
	for line := range strings.Lines(c.transcript.String()) {
		if columns(strings.TrimRight(line, "\n")) > 102 {
			t.Errorf("a line is too long: %s", line)
		}
	}
	c.golden("help.txt")
}

func TestVersionAndOpenAPI(t *testing.T) {
	c := newCLI(t)
	if out := c.ok("version"); !strings.HasPrefix(out, "satchel ") || !strings.Contains(out, runtime.Version()) {
		t.Errorf("version printed %q", out)
	}
	if out := c.ok("openapi"); !strings.Contains(out, "openapi: 3.1") || !strings.Contains(out, "/files/{file_id}/content") {
		t.Errorf("openapi printed %d bytes: %.100s", len(out), out)
	}
}

func TestInterrupted(t *testing.T) {
	newCLI(t).start()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, messages strings.Builder
	if code := run(ctx, []string{"ls"}, strings.NewReader(""), &out, &messages); code != exitInterrupted || messages.String() != "satchel: interrupted\n" {
		t.Errorf("exit %d: %s", code, messages.String())
	}
}

// TestLimits sets what holds in a workspace and what an organization may use, and shows what is used.
func TestLimits(t *testing.T) {
	c := newCLI(t)
	c.setenv("SATCHEL_SWEEP_INTERVAL", "50ms")
	c.start()
	c.write("schema.json", `{"type":"object"}`)
	c.write("note.txt", "a note")
	c.write("long.txt", strings.Repeat("x", 2000))
	c.ok("workspace", "create", "legal", "--name", "Legal")
	c.ok("workspace", "set", "legal", "--ai=off", "--instructions", "find the parties", "--schema", "schema.json", "--expires", "30d",
		"--max-bytes", "2kB", "--max-files", "10", "--max-file-bytes", "none", "--max-tokens-per-day", "1000")
	c.ok("workspace", "info", "legal")
	c.ok("put", "note.txt", "-w", "legal", "--purpose", "batch")
	c.fails(exitForbidden, "put", "long.txt", "-w", "legal")
	c.ok("org", "set", "default", "--max-bytes", "1GiB", "--max-tokens-per-day", "1000000")
	c.ok("usage")
	c.ok("usage", "--json", "--days", "1")
	c.ok("workspace", "set", "legal", "--ai=on", "--instructions", "", "--schema", "", "--expires", "never", "--max-bytes", "none", "--max-files", "none", "--max-tokens-per-day", "none")
	c.ok("org", "set", "default", "--max-bytes", "none", "--max-tokens-per-day", "none")
	for _, wrong := range [][]string{{}, {"--ai=maybe"}, {"--schema", "missing.json"}, {"--expires", "soon"}, {"--max-bytes", "many"}, {"--max-files", "-1"}} {
		c.fails(exitUsage, append([]string{"workspace", "set", "legal"}, wrong...)...)
	}
	c.fails(exitUsage, "org", "set", "default")
	c.fails(exitInvalid, "workspace", "set", "legal", "--expires", "1h30m", "--name", strings.Repeat("x", 200))
	c.fails(exitInvalid, "usage", "--days", "0")
	c.fails(exitInvalid, "workspace", "rm", "legal", "--wait")
	c.ok("workspace", "rm", "legal", "--force", "--wait")
	c.fails(exitNotFound, "workspace", "info", "legal")
	c.golden("limits.txt")
}
