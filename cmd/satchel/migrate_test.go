package main

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/meta/postgrestest"
)

func TestMigrate(t *testing.T) {
	c := newCLI(t)
	c.fails(exitUsage, "migrate")
	c.fails(exitUsage, "migrate", "--from", "nowhere", "--from-blobs", "nowhere", "--blobs", "s3://Files", "--database", "mysql://db")
	c.fails(exitUsage, "migrate", "--from", "nowhere", "--blobs", "file:///srv/satchel")
	c.start()
	c.write("one", "1")
	c.ok("put", "one")
	c.ok("backup", "copy") // a data folder that no server has
	c.database()
	c.fails(exitFailed, "migrate", "--from", filepath.Join(c.dir, "..", "share", "satchel"), "--data", "new")
	c.ok("migrate", "--from", "copy", "--data", "new")
	c.ok("fsck", "--data", "new", "--deep")
	c.fails(exitFailed, "migrate", "--from", "copy", "--data", "new")

	damage(t, filepath.Join(c.dir, "copy", "blobs"))
	c.names[blobKey(t, filepath.Join(c.dir, "copy", "blobs"))] = "BLOB"
	c.database()
	c.fails(exitFailed, "migrate", "--from", "copy", "--data", "newer")
	c.fails(exitFailed, "token", "ls", "--data", "newer") // which is not whole
	c.golden("migrate.txt")
}

// database names an empty one to the commands.
func (c *cli) database() {
	c.t.Helper()
	text := postgrestest.Empty(c.t)
	parsed, err := url.Parse(text)
	if err != nil {
		c.t.Fatal(err)
	}
	c.names[parsed.Host+parsed.Path] = "DATABASE"
	c.setenv("SATCHEL_DATABASE", text)
}

// TestMigrateShowsHowFarItIs on a terminal.
func TestMigrateShowsHowFarItIs(t *testing.T) {
	c := newCLI(t)
	c.start()
	c.write("one", "1")
	c.ok("put", "one")
	c.ok("backup", "copy")
	c.database()
	code, shown := c.screen(100, "migrate", "--from", "copy", "--data", "new")
	if code != exitOK || !strings.Contains(shown, "1 of 1 objects") || !strings.Contains(shown, " rows are in PostgreSQL") {
		t.Errorf("exit %d, shown was %q", code, shown)
	}
}
