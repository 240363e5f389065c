package backup_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/tests/program"
)

// archived is an installation whose database archives its log, and whose bucket keeps versions. The place of the log is a bucket, too.
type archived struct {
	*installation
	tools string   // deploy/backup and rclone, where the user of the database server can read them
	env   []string // of the database server
}

const (
	attic      = "attic:attic/of/satchel"
	allObjects = "SELECT coalesce(string_agg(id, ' '), '') FROM blobs WHERE doomed_at IS NULL"
)

// TestMoment brings a cluster in use back to a moment before a mistake, and, after the loss of its database, to the end of its log.
func TestMoment(t *testing.T) {
	a := archive(t)
	customers, stop := a.busy(4)
	a.until(20)
	a.refuses("no copy", a.itself(), "recover", attic, t.TempDir()+"/too-early")
	a.must(a.itself(), "basebackup", attic)
	a.changed(100)
	moment := now()
	a.changed(100)
	stop()
	a.mistake(customers)

	a.bucket("again")
	rows, blobs := a.recover(moment.asked.UTC().Format("2006-01-02 15:04:05.000000 UTC")), "s3://again/some/where?endpoint="+a.Bucket.URL
	a.refuses("somebody uses the database", place{a.Database, blobs}, "rewind", a.Blobs)
	a.refuses("must be an empty place", place{rows, a.Blobs}, "rewind", a.Blobs)
	a.brokenOff(rows)
	a.must(place{rows, blobs}, "rewind", a.Blobs)
	a.same(place{rows, blobs}, customers, moment)
	a.keepsApart()

	for _, c := range customers {
		program.Must(t, c.upload())
	}
	end := now()
	a.lostDatabase()
	a.same(place{a.recover(), a.Blobs}, customers, end)
}

// now is a moment. The clock of the customers is that of the database.
func now() span {
	moment := time.Now().Truncate(time.Microsecond)
	return span{moment, moment}
}

// archive starts a cluster and has it keep what a way back needs, as docs/operations.md says.
func archive(t *testing.T) *archived {
	t.Helper()
	a := &archived{tools: tools(t)}
	versions := t.TempDir()
	a.installation = install(t, func(name string, cmd *exec.Cmd) {
		switch name {
		case "s3":
			cmd.Env = append(cmd.Env, "VGW_VERSIONING_DIR="+versions)
		case "postgres":
			cmd.Env = a.env
		}
	})
	a.bucket("attic")
	a.env = slices.DeleteFunc(a.environ(a.itself()), func(pair string) bool {
		return strings.HasPrefix(pair, "TMPDIR=") || strings.HasPrefix(pair, "HOME=") || strings.HasPrefix(pair, "PATH=")
	})
	a.env = append(a.env, "HOME=/", "PATH="+a.tools+":"+a.path)
	a.rclone("backend", "versioning", "attic:files", "Enabled")
	for _, setting := range []string{"archive_mode = on", "archive_command = '" + a.tools + "/archive " + attic + " %p'", "archive_timeout = '1min'"} {
		program.Must(t, postgrestest.Do(t.Context(), a.Database, "ALTER SYSTEM SET "+setting))
	}
	ctx := context.WithoutCancel(t.Context())
	t.Cleanup(func() { // a test that failed ends the bucket before the database, which would wait for it
		_ = postgrestest.Do(ctx, a.Database, "ALTER SYSTEM SET archive_command = 'true'") // the database may be gone
		_ = postgrestest.Do(ctx, a.Database, "SELECT pg_reload_conf()")
	})
	_, err := a.Postgres.End(syscall.SIGINT)
	program.Must(t, errors.Join(err, a.Postgres.Start(), a.WaitPostgres(t.Context()), a.WaitReady(t.Context())))
	return a
}

// tools copies what a database server needs to where its user can read it.
func tools(t *testing.T) (folder string) {
	t.Helper()
	folder, err := os.MkdirTemp("", "satchel-tools-") //nolint:usetesting // the folders of tests are closed to other users
	program.Must(t, err)
	t.Cleanup(func() { program.Must(t, os.RemoveAll(folder)) })
	program.Must(t, errors.Join(
		os.CopyFS(folder, os.DirFS("../../deploy/backup")), os.CopyFS(folder, os.DirFS("../../.cache/rclone/usr/bin")), os.Chmod(folder, 0o755),
	))
	return folder
}

func (a *archived) rclone(args ...string) (out string) {
	a.t.Helper()
	var says, tells strings.Builder
	cmd := exec.CommandContext(a.t.Context(), filepath.Join(a.tools, "rclone"), args...)
	cmd.Env, cmd.Stdout, cmd.Stderr = a.environ(a.itself()), &says, &tells
	if err := cmd.Run(); err != nil {
		a.t.Fatalf("rclone: %v\n%s", err, tells.String())
	}
	return says.String()
}

// mistake deletes the files of half of the customers, and waits until no byte of them is left, and the log of it is archived.
func (a *archived) mistake(customers []*customer) {
	a.t.Helper()
	before := a.objects()
	for _, c := range customers[:len(customers)/2] {
		for _, h := range c.files {
			if h.deletion.asked.IsZero() {
				program.Must(a.t, c.remove(h))
			}
		}
	}
	program.Within(a.t, "the sweep has removed all that was deleted", func() bool { return a.ask("SELECT count(doomed_at)::text FROM blobs") == "0" })
	a.gone(before, a.objects())
	file := a.ask("SELECT pg_walfile_name(pg_switch_wal())")
	program.Within(a.t, "the log is archived", func() bool { return a.ask("SELECT last_archived_wal FROM pg_stat_archiver") >= file })
}

// objects gives the names of all that rows name.
func (a *archived) objects() []string {
	a.t.Helper()
	return strings.Fields(a.ask(allObjects))
}

// gone sees that the bucket shows no more what rows named before and do not name after.
func (a *archived) gone(before, after []string) {
	a.t.Helper()
	shown := map[string]bool{}
	for path := range strings.Lines(a.rclone("lsf", "--recursive", "--files-only", "attic:files")) {
		shown[filepath.Base(strings.TrimSpace(path))] = true
	}
	removed := slices.DeleteFunc(slices.Clone(before), func(id string) bool { return slices.Contains(after, id) })
	if len(removed) == 0 || slices.ContainsFunc(removed, func(id string) bool { return shown[id] }) || !shown[after[0]] {
		a.t.Errorf("of %d removed objects some are still there, or all are gone", len(removed))
	}
}

// changed waits until the customers have made so many more changes.
func (a *archived) changed(more int) {
	a.t.Helper()
	changes := func() int {
		n, err := strconv.Atoi(a.ask("SELECT count(*)::text FROM audit"))
		program.Must(a.t, err)
		return n
	}
	before := changes()
	program.Within(a.t, "the customers have changed more", func() bool { return changes() >= before+more || a.t.Failed() })
}

// ask gives what the cluster's database answers.
func (a *archived) ask(sql string) string {
	a.t.Helper()
	answer, err := ask(a.t.Context(), a.Database, sql)
	program.Must(a.t, err)
	return answer
}

// ask gives the text that a database answers.
func ask(ctx context.Context, url, sql string) (answer string, err error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return "", err
	}
	err = conn.QueryRow(ctx, sql).Scan(&answer)
	return answer, errors.Join(err, conn.Close(ctx))
}

// recover makes a new database server, at a moment or at the end of the log, and gives the URL of its database.
func (a *archived) recover(moment ...string) (url string) {
	a.t.Helper()
	folder, err := os.MkdirTemp("", "satchel-pg-")
	program.Must(a.t, err)
	a.t.Cleanup(func() { program.Must(a.t, os.RemoveAll(folder)) })
	out, err := a.recovers(folder, moment...)
	if err != nil {
		a.t.Fatalf("recover: %v\n%s", err, out)
	}
	a.t.Logf("recover:\n%s", out)
	if out, err := a.recovers(folder, moment...); err == nil || !strings.Contains(out, "there is something in") {
		a.t.Errorf("recover a second time: %v\n%s", err, out)
	}
	url = postgrestest.URL(folder, "satchel")
	a.start(folder)
	program.Within(a.t, "the recovered database takes changes", func() bool {
		recovering, err := ask(a.t.Context(), url, "SELECT pg_is_in_recovery()::text")
		return err == nil && recovering == "false"
	})
	return url
}

// recovers runs the program recover as the user of the database server.
func (a *archived) recovers(folder string, moment ...string) (out string, err error) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(a.t.Context(), program.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(a.tools, "recover"), append([]string{attic, filepath.Join(folder, "data")}, moment...)...)
	cmd.Dir, cmd.Env = folder, a.env
	program.Must(a.t, postgrestest.AsServer(cmd, folder))
	told, err := cmd.CombinedOutput()
	return string(told), err
}

// start starts a database server that ends with the test.
func (a *archived) start(folder string) {
	a.t.Helper()
	log := &program.Record{}
	server := &program.Process{Name: "recovered postgres", Command: func() (*exec.Cmd, error) {
		cmd, err := postgrestest.Command(folder)
		if err == nil {
			cmd.Env, cmd.Stdout, cmd.Stderr = a.env, log, log
		}
		return cmd, err
	}}
	program.Must(a.t, server.Start())
	a.t.Cleanup(func() {
		if _, err := server.End(syscall.SIGQUIT); err != nil {
			a.t.Error(err)
		}
		if a.t.Failed() {
			a.t.Logf("the log of the recovered database:\n%s", log.Tail())
		}
	})
}

// brokenOff leaves in the new place what rewind leaves there that was killed: a part of an object that is in the old place still, and of one that is not.
func (a *archived) brokenOff(rows string) {
	a.t.Helper()
	named, err := ask(a.t.Context(), rows, allObjects)
	program.Must(a.t, err)
	folder, parts := filepath.Join(a.Objects, "again", "some", "where"), map[bool]string{}
	for line := range strings.Lines(a.rclone("lsf", "--recursive", "--files-only", "--s3-versions", "attic:files/files/of/satchel")) {
		path := strings.TrimSpace(line)
		id, _, removed := strings.Cut(filepath.Base(path), "-v")
		if slices.Contains(strings.Fields(named), id) {
			parts[removed] = filepath.Join(folder, path)
		}
	}
	if len(parts) != 2 {
		a.t.Fatalf("the old place has %v", parts)
	}
	for _, path := range parts {
		program.Must(a.t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)))
	}
	program.Must(a.t, os.WriteFile(filepath.Join(folder, "owner"), []byte("restoring-moment-0123456789abcdef"), 0o600))
}

// keepsApart gives the archive a file that it has, and another one of the same name.
func (a *archived) keepsApart() {
	a.t.Helper()
	for _, dest := range []string{attic, filepath.Join(a.t.TempDir(), "attic")} {
		file := filepath.Join(a.t.TempDir(), "0000000F0000000000000001")
		program.Must(a.t, os.WriteFile(file, []byte("of this server"), 0o600))
		a.must(a.itself(), "archive", dest, file)
		a.must(a.itself(), "archive", dest, file)
		program.Must(a.t, os.WriteFile(file, []byte("of that server"), 0o600))
		a.refuses("another server's", a.itself(), "archive", dest, file)
		a.must(a.itself(), "unarchive", dest, filepath.Base(file), file)
		if content, err := os.ReadFile(file); err != nil || string(content) != "of this server" {
			a.t.Errorf("the archive gives %q (%v)", content, err)
		}
		a.refuses("", a.itself(), "unarchive", dest, "0000000F0000000000000002", file)
	}
}

// lostDatabase ends the cluster but for its bucket. A database server that is shut down archives all of its log.
func (a *archived) lostDatabase() {
	a.t.Helper()
	for _, p := range append([]*program.Process{a.Proxy}, a.Satchels()...) {
		_, err := p.End(syscall.SIGTERM)
		program.Must(a.t, err)
	}
	_, err := a.Postgres.End(syscall.SIGINT)
	program.Must(a.t, err)
}
