package daemon_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// sharedConfig is config with the rows in PostgreSQL.
func sharedConfig(t *testing.T) daemon.Config {
	t.Helper()
	c := config(t)
	c.Database = daemon.Secret(postgrestest.Fresh(t, sqlstore.CreatePostgres))
	c.SweepInterval, c.ShutdownTimeout, c.MinFreeBytes = 50*time.Millisecond, time.Second, 0
	return c
}

// run has a daemon serve until the test ends.
func run(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// put uploads a note to a server that runs.
func put(t *testing.T, d *daemon.Daemon, token string) *api.File {
	t.Helper()
	files, err := client.New(d.URL(), token).Upload(t.Context(), client.Upload{Sources: []client.Source{{Name: "note.txt", Body: strings.NewReader("A note."), Size: 7}}})
	if err != nil {
		t.Fatal(err)
	}
	return files[0]
}

func status(t *testing.T, url string) int {
	t.Helper()
	code, _ := get(t, url)
	return code
}

func body(t *testing.T, url string) string {
	t.Helper()
	_, text := get(t, url)
	return text
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// Two servers and a worker share a database and a folder: what one takes, the others have.
func TestServersAndWorkersShareADatabase(t *testing.T) {
	c := sharedConfig(t)
	a, b := open(t, c), open(t, c)
	work := c
	work.Workers, work.WorkOnly = 1, true
	w := open(t, work)
	for _, d := range []*daemon.Daemon{a, b, w} {
		run(t, d)
	}
	token := a.FirstToken()
	if b.FirstToken() != "" || w.FirstToken() != "" {
		t.Error("another one made a first token, too")
	}

	file := put(t, a, token)
	started, err := client.New(b.URL(), token).Process(t.Context(), file.ID, api.ProcessRequest{}, client.MaxWait)
	if err != nil || started.File.Status != "processed" {
		t.Fatalf("processed through the other server: %+v, %v", started, err)
	}
	for path, want := range map[string]int{"/ready": 200, "/health": 200, "/metrics": 200, "/files": 404, "/docs": 404} {
		if got := status(t, w.URL()+path); got != want {
			t.Errorf("%s of the worker is %d, want %d", path, got, want)
		}
	}

	if text := body(t, a.URL()+"/metrics"); !strings.Contains(text, "satchel_database_connections_most ") {
		t.Errorf("the metrics say nothing of connections:\n%s", text)
	}

	offline, err := daemon.OpenOffline(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	made, err := offline.CreateToken(t.Context(), api.TokenRequest{User: "ada", Role: "owner"})
	if err := errors.Join(err, offline.Close()); err != nil {
		t.Fatal(err)
	}
	if err := client.New(b.URL(), made.Secret).Delete(t.Context(), file.ID); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); objects(t, c.Data) > 0; <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the bytes of a deleted file stay")
		}
	}
}

// objects gives the number of files in the folder of the blobs.
func objects(t *testing.T, data string) (n int) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(data, "blobs"), func(_ string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			n++
		}
		if errors.Is(err, os.ErrNotExist) { // it went meanwhile
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A worker that died after it had taken a job, and before it claimed the run, keeps nobody from it.
func TestAJobOfADeadWorkerIsDone(t *testing.T) {
	c := sharedConfig(t)
	server := open(t, c)
	run(t, server)
	token := server.FirstToken()
	file := put(t, server, token)
	postgrestest.Exec(t, string(c.Database), `UPDATE river_job SET state = 'running', attempt = 1, attempted_at = now() - interval '2 minutes', attempted_by = '{dead}'`)
	work := c
	work.Workers, work.WorkOnly = 1, true
	run(t, open(t, work))
	found, err := client.New(server.URL(), token).WaitForProcessing(t.Context(), file.ID)
	if err != nil || found.Status != "processed" {
		t.Errorf("%+v, %v", found, err)
	}
}

// What one command cannot do to rows in PostgreSQL it says, and says what can.
func TestMaintenanceOnASharedDatabase(t *testing.T) {
	c := sharedConfig(t)
	d := open(t, c)
	run(t, d)
	put(t, d, d.FirstToken())
	if report, err := daemon.Fsck(t.Context(), c, daemon.FsckOptions{Deep: true}); err != nil || !report.Clean() || report.Rows != 1 {
		t.Errorf("fsck: %+v, %v", report, err)
	}
	elsewhere := c
	elsewhere.Data = filepath.Join(t.TempDir(), "mistyped")
	if _, err := daemon.Fsck(t.Context(), elsewhere, daemon.FsckOptions{}); err == nil {
		t.Error("a folder that is not there was checked")
	}
	_, errRepair := daemon.Fsck(t.Context(), c, daemon.FsckOptions{Repair: true})
	_, errBackup := daemon.Backup(t.Context(), c, filepath.Join(t.TempDir(), "copy"), nil)
	_, errRestore := daemon.Restore(t.Context(), c, t.TempDir(), false, nil)
	for what, err := range map[string]error{"day": errRepair, "pg_dump": errBackup, "pg_restore": errRestore} {
		if err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%v, want something with %q", err, what)
		}
	}
	alone := c
	alone.Database = ""
	if _, err := daemon.Open(t.Context(), alone, io.Discard); !errors.Is(err, daemon.ErrInUse) {
		t.Errorf("a server with rows of its own on the same folder: %v", err)
	}
}

// A server whose database goes away says so soon, and goes on when it is back.
func TestTheDatabaseIsRestarted(t *testing.T) {
	c := sharedConfig(t)
	d := open(t, c)
	run(t, d)
	file := put(t, d, d.FirstToken())
	postgrestest.Exec(t, string(c.Database), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
	for range 5 {
		if _, err := client.New(d.URL(), d.FirstToken()).Get(t.Context(), file.ID); err != nil {
			t.Error(err)
		}
	}
	if got := status(t, d.URL()+"/ready"); got != http.StatusOK {
		t.Errorf("/ready is %d", got)
	}
}

// A server that starts leaves alone what others hold: the runs that they work on, and the room of their uploads.
func TestAStartLeavesOthersAlone(t *testing.T) {
	c := sharedConfig(t)
	rows, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: string(c.Database)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = rows.Close() })
	now := time.Now().UTC().Truncate(time.Microsecond)
	scope := satchel.Scope{Org: satchel.NewOrgID(now), Workspace: "default", User: satchel.NewUserID(now), Access: satchel.AccessWriter}
	run1 := &satchel.Run{
		ID: satchel.NewRunID(now), Org: scope.Org, Workspace: scope.Workspace, User: scope.User, Kind: satchel.RunProcess, State: satchel.RunRunning,
		Step: satchel.StepExtract, Claim: "another's", LeaseUntil: now.Add(time.Hour), CreatedAt: now, UpdatedAt: now,
	}
	held := meta.Reservation{ID: satchel.NewReservationID(now), Org: scope.Org, Amount: satchel.Amount{Bytes: 1}, ExpiresAt: now.Add(files.ReservationTime)}
	err = rows.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) (err error) {
		file := &satchel.File{
			Org: scope.Org, Workspace: scope.Workspace, User: scope.User, Filename: "a.txt", Purpose: satchel.PurposeUserData, Status: satchel.StatusProcessing,
			Content: satchel.Blob{ID: satchel.NewBlobID(now)}, UpdatedAt: now, Version: 1, MetadataVersion: 1,
		}
		if file.ID, err = tx.NextFileID(ctx); err != nil {
			return err
		}
		run1.File = file.ID
		return errors.Join(tx.InsertFile(ctx, scope, file, satchel.Change{At: now}), tx.InsertRun(ctx, scope, run1), tx.PutReservation(ctx, held))
	})
	if err != nil {
		t.Fatal(err)
	}

	c.Workers = 1
	d := open(t, c)
	run(t, d)
	file := put(t, d, d.FirstToken())
	if _, err := client.New(d.URL(), d.FirstToken()).Process(t.Context(), file.ID, api.ProcessRequest{}, client.MaxWait); err != nil {
		t.Fatal(err)
	}
	if got, err := rows.Run(t.Context(), scope, run1.File, run1.ID); err != nil || got.Claim != "another's" {
		t.Errorf("another's run became %+v, %v", got, err)
	}
	if n, err := rows.ForgetReservations(t.Context(), held.ExpiresAt); err != nil || n != 1 {
		t.Errorf("of another's reservation there are %d, %v", n, err)
	}
}
