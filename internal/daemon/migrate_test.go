package daemon_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/blob/s3test"
	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

const rootToken = "the-root-token-of-an-installation-that-moves"

// movedInstallation is one with SQLite that moves.
type movedInstallation struct {
	config  daemon.Config
	tokens  []string            // of owners
	files   map[string][]string // by the token that reads them
	owner   string
	onceID  string
	waiting string            // a file whose run is open
	before  map[string]string // what the last server on it showed
}

// uploadOf is one of a text, in the usual way.
func uploadOf(name, text string) client.Upload {
	return client.Upload{
		Sources:  []client.Source{{Name: name, Body: strings.NewReader(text), Size: int64(len(text))}},
		Metadata: json.RawMessage(`{"title":"` + name + `","pages":12.50,"ok":true,"none":null,"tags":["a","ü"]}`),
	}
}

// onceMore is an upload that may be repeated.
func onceMore() client.Upload {
	u := uploadOf("once.txt", "Sent twice, kept once.")
	u.IdempotencyKey = "the key"
	return u
}

// newMover makes an installation, by its API alone, in which there is some of everything.
func newMover(t *testing.T) *movedInstallation {
	t.Helper()
	m := &movedInstallation{config: config(t), files: map[string][]string{}}
	m.config.RootToken, m.config.MinFreeBytes, m.config.SweepInterval = rootToken, 0, 50*time.Millisecond
	working := m.config
	working.Workers = 2
	m.serve(t, working, func(d *daemon.Daemon) {
		root := client.New(d.URL(), rootToken)
		for _, org := range []string{"acme", "globex"} {
			_, err := root.CreateOrganization(t.Context(), api.OrganizationRequest{Name: org})
			must(t, err)
			token, err := root.CreateToken(t.Context(), api.TokenRequest{Org: org, User: "ada", Role: "owner"})
			must(t, err)
			m.tokens = append(m.tokens, token.Secret)
			m.fill(t, d.URL(), org, token.Secret)
		}
	})
	m.serve(t, m.config, func(d *daemon.Daemon) { // nobody works here: what is asked for stays open
		c := client.New(d.URL(), m.owner)
		_, err := c.Process(t.Context(), m.waiting, api.ProcessRequest{}, 0)
		must(t, err)
		files, err := c.Upload(t.Context(), uploadOf("unread.txt", "Nobody has read this yet."))
		must(t, err)
		m.files[m.owner] = append(m.files[m.owner], files[0].ID)
	})
	return m
}

// serve runs a server for as long as do takes.
func (m *movedInstallation) serve(t *testing.T, c daemon.Config, do func(d *daemon.Daemon)) {
	t.Helper()
	d, err := daemon.Open(t.Context(), c, io.Discard)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	defer func() {
		stop()
		must(t, errors.Join(<-ended, d.Close()))
	}()
	do(d)
}

func (m *movedInstallation) fill(t *testing.T, url, org, token string) {
	t.Helper()
	c := client.New(url, token)
	limit, text := int64(1_000), "Say what it is about."
	_, err := c.CreateWorkspace(t.Context(), api.WorkspaceRequest{ID: "papers", Name: "Papers", Settings: &api.SettingsRequest{
		Instructions: &text, Quota: &api.QuotaRequest{Files: &limit},
	}})
	must(t, err)
	_, err = client.New(url, rootToken).SetQuota(t.Context(), org, map[string]any{"bytes": 1 << 30})
	must(t, err)
	name, confined := "carol", true
	_, err = c.CreateUser(t.Context(), api.UserRequest{Name: &name, Confined: &confined})
	must(t, err)
	_, err = c.GiveAccess(t.Context(), "papers", "carol", "viewer")
	must(t, err)
	viewer, err := c.CreateToken(t.Context(), api.TokenRequest{User: "carol", Role: "member", Workspaces: []string{"papers"}})
	must(t, err)
	fetch(t, url+"/usage", viewer.Secret) // a refusal is recorded, too
	once, err := c.Upload(t.Context(), onceMore())
	must(t, err)
	m.owner, m.onceID = token, once[0].ID
	for _, name := range []string{"a.txt", "b.md", "c.html", "empty.txt"} {
		body := strings.Repeat("Text of "+name+".\n", 400)
		if name == "empty.txt" {
			body = ""
		}
		u := uploadOf(name, body)
		u.ExpiresAfter = 48 * time.Hour
		files, err := c.Upload(t.Context(), u)
		must(t, err)
		m.waiting = files[0].ID
		m.files[token] = append(m.files[token], m.waiting)
	}
	for _, id := range m.files[token] {
		_, err := c.WaitForProcessing(t.Context(), id)
		must(t, err)
		_, err = c.PatchMetadata(t.Context(), id, json.RawMessage(`{"title":"changed","more":{"deep":[1,2]}}`))
		must(t, err)
	}
	papers := client.New(url, token, client.WithWorkspace("papers"))
	files, err := papers.Upload(t.Context(), uploadOf("paper.txt", "A paper of "+org))
	must(t, err)
	gone, err := papers.Upload(t.Context(), uploadOf("gone.txt", "Deleted again"))
	must(t, err)
	remove(t, papers, gone[0].ID)
	m.files[viewer.Secret] = append(m.files[viewer.Secret], files[0].ID+"?workspace=papers")
	_, err = papers.WaitForProcessing(t.Context(), files[0].ID)
	must(t, err)
}

// remove deletes a file, and waits until its bytes are gone and not counted any more.
func remove(t *testing.T, c *client.Client, id string) {
	t.Helper()
	before, err := c.Usage(t.Context(), "", 1)
	must(t, errors.Join(err, c.Delete(t.Context(), id)))
	for deadline := time.Now().Add(20 * time.Second); ; <-time.After(10 * time.Millisecond) {
		now, err := c.Usage(t.Context(), "", 1)
		must(t, err)
		if now.Bytes < before.Bytes {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the bytes of a deleted file are counted still")
		}
	}
}

// newSmallOne makes an installation with a few files, that nobody has read.
func newSmallOne(t *testing.T) *movedInstallation {
	t.Helper()
	m := &movedInstallation{config: config(t)}
	m.config.MinFreeBytes = 0
	m.serve(t, m.config, func(d *daemon.Daemon) {
		for _, name := range []string{"a.txt", "b.txt", "c.txt"} {
			_, err := client.New(d.URL(), d.FirstToken()).Upload(t.Context(), uploadOf(name, "This is "+name))
			must(t, err)
		}
	})
	return m
}

// target is an empty database and an empty bucket, for a server that processes nothing.
func (m *movedInstallation) target(t *testing.T, s3 *s3test.Server) daemon.Config {
	t.Helper()
	c := m.config
	c.Data = filepath.Join(t.TempDir(), "data")
	c.Database = daemon.Secret(postgrestest.Fresh(t, sqlstore.CreatePostgres))
	c.Blobs = s3.URL(strings.ToLower(regexp.MustCompile(`[^A-Za-z]+`).ReplaceAllString(t.Name(), "-")))
	return c
}

func (m *movedInstallation) options() daemon.MigrateOptions {
	return daemon.MigrateOptions{From: m.config.Data}
}

// volatile is what every use of a token changes.
var volatile = regexp.MustCompile(`"last_used_at":(\d+|null)`)

// shown gives everything that a server shows to every token.
func (m *movedInstallation) shown(t *testing.T, url string) map[string]string {
	t.Helper()
	all := map[string]string{}
	look := func(token, path string) {
		all[token+" "+path] = volatile.ReplaceAllString(fetch(t, url+path, token), "")
	}
	for _, path := range []string{"/organizations", "/audit?limit=1000"} {
		look(rootToken, path)
	}
	for _, token := range m.tokens {
		for _, path := range []string{
			"/files?limit=1000", "/files?limit=1000&workspace=papers", "/files?metadata[title]=changed", "/workspaces", "/workspaces/papers",
			"/workspaces/papers/users", "/users", "/tokens", "/usage?days=30", "/audit?limit=1000",
		} {
			look(token, path)
		}
	}
	for token, ids := range m.files {
		look(token, "/files?limit=1000&workspace=papers")
		for _, id := range ids {
			for _, path := range []string{"", "/content", "/text", "/pages", "/runs", "/metadata", "/metadata/versions"} {
				id, query, _ := strings.Cut(id, "?")
				look(token, "/files/"+id+path+"?"+query)
			}
		}
	}
	return all
}

// fetch gives status and body of an answer.
func fetch(t *testing.T, url, token string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	must(t, err)
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := http.DefaultClient.Do(request)
	must(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	must(t, err)
	text := regexp.MustCompile(`"?req-[0-9a-v]+"?`).ReplaceAllString(string(body), "")
	return answer.Status + "\n" + text
}

// wantSame compares what two servers show.
func wantSame(t *testing.T, want, got map[string]string) {
	t.Helper()
	for _, what := range slices.Sorted(maps.Keys(want)) {
		if got[what] != want[what] {
			t.Errorf("%s is\n%s\nwant\n%s", what, got[what], want[what])
		}
	}
}

// folderState is all that is in a folder's files, less what SQLite keeps beside its database while it is open, and the locks.
func folderState(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || strings.HasSuffix(path, ".lock") || strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, "-wal") {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	return all
}

// wantMoved checks that a target is the installation, whole.
func (m *movedInstallation) wantMoved(t *testing.T, target daemon.Config) {
	t.Helper()
	report, err := daemon.Fsck(t.Context(), target, daemon.FsckOptions{Deep: true})
	if err != nil || !report.Clean() {
		t.Errorf("fsck --deep: %+v, %v", report, err)
	}
	m.serve(t, target, func(d *daemon.Daemon) {
		wantSame(t, m.before, m.shown(t, d.URL()))
		c := client.New(d.URL(), m.owner)
		again, err := c.Upload(t.Context(), onceMore())
		if err != nil || again[0].ID != m.onceID {
			t.Errorf("the upload of before with its idempotency key gave %v, %v", again, err)
		}
		fresh, err := c.Upload(t.Context(), uploadOf("new.txt", "new"))
		must(t, err)
		for _, ids := range m.files {
			if highest := slices.Max(ids); fresh[0].ID <= highest {
				t.Errorf("a new file is %s, and there is %s", fresh[0].ID, highest)
			}
		}
	})
}

// TestMigrate moves one installation several times: what the first server on a target shows is what the last one on the source did.
func TestMigrate(t *testing.T) {
	m, s3 := newMover(t), s3test.Start(t)
	m.serve(t, m.config, func(d *daemon.Daemon) {
		m.before = m.shown(t, d.URL())
		if _, err := daemon.Migrate(t.Context(), m.target(t, s3), m.options()); !errors.Is(err, daemon.ErrInUse) {
			t.Errorf("beside a server: %v", err)
		}
	})
	t.Run("whole", func(t *testing.T) { m.moveWhole(t, m.target(t, s3)) })
	t.Run("interrupted", func(t *testing.T) { m.moveInterrupted(t, m.target(t, s3)) })
	t.Run("went on", func(t *testing.T) { m.moveAfterItWentOn(t, m.target(t, s3)) })
}

func (m *movedInstallation) moveWhole(t *testing.T, target daemon.Config) {
	source := folderState(t, m.config.Data)
	var last daemon.MigrateProgress
	o := m.options()
	o.Progress = func(now daemon.MigrateProgress) { last = now }
	report, err := daemon.Migrate(t.Context(), target, o)
	must(t, err)
	if last.Blobs != last.AllBlobs || last.Bytes != last.AllBytes || last.Rows != last.AllRows || report.Rows != last.AllRows || report.Blobs != last.Blobs || report.Blobs < 8 {
		t.Errorf("the last progress is %+v, the report %+v", last, report)
	}
	if !maps.Equal(source, folderState(t, m.config.Data)) {
		t.Error("the source was changed")
	}
	m.wantMoved(t, target)
	if _, err := daemon.Migrate(t.Context(), target, m.options()); err == nil || !strings.Contains(err.Error(), "nothing to do") {
		t.Errorf("again: %v", err)
	}
	m.serve(t, m.config, func(d *daemon.Daemon) { wantSame(t, m.before, m.shown(t, d.URL())) }) // there is a way back

	target.Workers = 2
	m.serve(t, target, func(d *daemon.Daemon) { // runs that were open are carried out
		file, err := client.New(d.URL(), m.owner).WaitForProcessing(t.Context(), m.waiting)
		if err != nil || file.Status != "processed" {
			t.Errorf("a run that was open before: %+v, %v", file, err)
		}
	})
}

// moveInterrupted stops it among the objects, behind the last one, and when all rows are copied but not committed: until it is finished no server
// starts, and whoever runs it again finishes it.
func (m *movedInstallation) moveInterrupted(t *testing.T, target daemon.Config) {
	for _, part := range []float64{0, 0.5, 1, 2} { // of the objects; 2: the rows, too
		ctx, stop := context.WithCancel(t.Context())
		o := m.options()
		o.Progress = func(now daemon.MigrateProgress) {
			if float64(now.Blobs) >= part*float64(now.AllBlobs) || now.Rows == now.AllRows {
				stop()
			}
		}
		_, err := daemon.Migrate(ctx, target, o)
		stop()
		if !errors.Is(err, context.Canceled) {
			t.Fatalf("interrupted behind %v of the objects: %v", part, err)
		}
		wantRefused(t, target, "satchel migrate")
		if _, err := daemon.Fsck(t.Context(), target, daemon.FsckOptions{}); err == nil || !strings.Contains(err.Error(), "satchel migrate") {
			t.Errorf("fsck of a part: %v", err)
		}
	}
	report, err := daemon.Migrate(t.Context(), target, m.options())
	if err != nil || report.Reused != report.Blobs {
		t.Errorf("finished: %+v, %v", report, err)
	}
	m.wantMoved(t, target)
}

// moveAfterItWentOn lets the server of the source run again between two attempts.
func (m *movedInstallation) moveAfterItWentOn(t *testing.T, target daemon.Config) {
	ctx, stop := context.WithCancel(t.Context())
	o := m.options()
	o.Progress = func(now daemon.MigrateProgress) {
		if now.Blobs == now.AllBlobs {
			stop()
		}
	}
	if _, err := daemon.Migrate(ctx, target, o); err == nil {
		t.Fatal("it was not interrupted")
	}
	m.serve(t, m.config, func(d *daemon.Daemon) {
		c := client.New(d.URL(), m.owner)
		remove(t, c, m.files[m.owner][0])
		m.files[m.owner] = m.files[m.owner][1:]
		fresh, err := c.Upload(t.Context(), uploadOf("later.txt", "later"))
		must(t, err)
		m.files[m.owner] = append(m.files[m.owner], fresh[0].ID)
		m.before = m.shown(t, d.URL())
	})
	_, err := daemon.Migrate(t.Context(), target, m.options())
	must(t, err)
	m.wantMoved(t, target)
}

// TestMigrateFromABucketToAFolder keeps the bytes in the new data folder, and takes them out of a bucket.
func TestMigrateFromABucketToAFolder(t *testing.T) {
	s3 := s3test.Start(t)
	c := config(t)
	c.Blobs, c.MinFreeBytes = s3.URL("old"), 0
	d, err := daemon.Open(t.Context(), c, io.Discard)
	must(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	file := put(t, d, d.FirstToken())
	stop()
	must(t, errors.Join(<-ended, d.Close()))

	target := config(t)
	target.Database, target.MinFreeBytes = daemon.Secret(postgrestest.Fresh(t, sqlstore.CreatePostgres)), 0
	if _, err := daemon.Migrate(t.Context(), target, daemon.MigrateOptions{From: c.Data}); err == nil || !strings.Contains(err.Error(), "lie in s3://") {
		t.Errorf("without the place of the source: %v", err)
	}
	report, err := daemon.Migrate(t.Context(), target, daemon.MigrateOptions{From: c.Data, FromBlobs: c.Blobs})
	if err != nil || report.Blobs != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	moved := open(t, target)
	run(t, moved)
	if got := fetch(t, moved.URL()+"/files/"+file.ID+"/content", d.FirstToken()); got != "200 OK\nA note." {
		t.Errorf("the content is %q", got)
	}
}

// TestMigrateRefuses what would harm an installation, and says all that is wrong at once.
func TestMigrateRefuses(t *testing.T) {
	m, s3 := newSmallOne(t), s3test.Start(t)
	target := m.target(t, s3)
	refused := func(what string, c daemon.Config, o daemon.MigrateOptions, want ...string) {
		t.Helper()
		report, err := daemon.Migrate(t.Context(), c, o)
		for _, text := range want {
			if report != nil || err == nil || !strings.Contains(err.Error(), text) {
				t.Errorf("%s: %v; it should say %q", what, err, text)
			}
		}
	}
	refused("nothing is named", config(t), daemon.MigrateOptions{}, "--from", "--database")
	refused("no data folder", config(t), daemon.MigrateOptions{From: t.TempDir()}, "has no satchel.db", "--database")
	alone := target
	alone.Database = ""
	refused("the bytes alone", alone, m.options(), "Moving there")
	here := target
	here.Blobs, here.Data = "", m.config.Data
	refused("the place of the source", here, m.options(), "are in "+filepath.Join(m.config.Data, "blobs")+" already")
	here.Blobs = "file://" + filepath.Join(m.config.Data, "blobs")
	refused("the place of the source, by its URL", here, m.options(), "already")

	other := target
	other.Database = daemon.Secret(postgrestest.Fresh(t, sqlstore.CreatePostgres))
	must(t, started(t, other))
	refused("a database that is in use", other, m.options(), "not empty")
	taken := target
	taken.Blobs = other.Blobs
	refused("the place of another installation", taken, m.options(), "belongs to another installation")
	filled := target
	filled.Blobs = folder(t)
	must(t, os.CopyFS(strings.TrimPrefix(filled.Blobs, "file://"), os.DirFS(filepath.Join(m.config.Data, "blobs"))))
	refused("a place that holds something", filled, m.options(), "is not empty")
	fresh := target
	fresh.Blobs = folder(t)
	_, err := daemon.Migrate(t.Context(), fresh, m.options())
	must(t, err)
	refused("a second one", fresh, m.options(), "nothing to do")
	another := config(t)
	must(t, started(t, another))
	refused("that of another installation", fresh, daemon.MigrateOptions{From: another.Data}, "another installation")
}

// TestMigrateBeginsAnew where it stopped before the place of the bytes was its own for sure.
func TestMigrateBeginsAnew(t *testing.T) {
	m := newSmallOne(t)
	for name, c := range map[string]struct {
		place func(mark string) string // of the mark of before
		owner bool                     // the sign of the place was left
		alien bool                     // somebody else came
	}{
		"nothing but the mark":   {place: func(string) string { return "" }},
		"somebody else came":     {place: func(string) string { return "" }, alien: true},
		"before the sign":        {place: func(mark string) string { return mark + " (claiming)" }},
		"right behind the sign":  {place: func(mark string) string { return mark + " (claiming)" }, owner: true},
		"everything was settled": {place: func(mark string) string { return mark }, owner: true},
	} {
		t.Run(name, func(t *testing.T) {
			target := config(t)
			target.Database, target.Blobs, target.MinFreeBytes = daemon.Secret(postgrestest.Fresh(t, sqlstore.CreatePostgres)), folder(t), 0
			blobs := strings.TrimPrefix(target.Blobs, "file://")
			ctx, stop := context.WithCancel(t.Context())
			o := m.options()
			o.Progress = func(daemon.MigrateProgress) { stop() }
			if _, err := daemon.Migrate(ctx, target, o); err == nil {
				t.Fatal("it was not interrupted")
			}
			rows, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: string(target.Database)})
			must(t, err)
			mark, err := rows.Mark(t.Context(), maintain.MarkPlace)
			must(t, errors.Join(err, rows.SetMark(t.Context(), maintain.MarkPlace, c.place(mark)), rows.Close()))
			if !c.owner {
				must(t, os.RemoveAll(blobs))
			}
			if c.alien {
				must(t, os.CopyFS(blobs, os.DirFS(filepath.Join(m.config.Data, "blobs"))))
			}
			_, err = daemon.Migrate(t.Context(), target, m.options())
			if c.alien {
				if err == nil || !strings.Contains(err.Error(), "is not empty") {
					t.Errorf("what is another's was taken: %v", err)
				}
				return
			}
			must(t, err)
			if report, err := daemon.Fsck(t.Context(), target, daemon.FsckOptions{Deep: true}); err != nil || !report.Clean() || report.Rows != 3 {
				t.Errorf("fsck: %+v, %v", report, err)
			}
			must(t, started(t, target))
		})
	}
}

// TestMigrateOfADamagedObject names it, and makes nothing valid.
func TestMigrateOfADamagedObject(t *testing.T) {
	m, s3 := newSmallOne(t), s3test.Start(t)
	target := m.target(t, s3)
	damaged := ""
	must(t, filepath.WalkDir(filepath.Join(m.config.Data, "blobs"), func(path string, entry fs.DirEntry, err error) error {
		if info, _ := entry.Info(); err == nil && entry.Type().IsRegular() && info.Size() > 0 {
			damaged = path
		}
		return err
	}))
	content, err := os.ReadFile(damaged)
	must(t, err)
	must(t, os.Chmod(damaged, 0o600))
	must(t, os.WriteFile(damaged, append([]byte{content[0] ^ 1}, content[1:]...), 0o600))
	report, err := daemon.Migrate(t.Context(), target, m.options())
	if !errors.Is(err, daemon.ErrDamaged) || report == nil || report.Rows != 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	if found := report.Examples(maintain.FaultHash); len(found) != 1 || !strings.HasSuffix(damaged, filepath.FromSlash(found[0].Key)) {
		t.Errorf("named is %+v, damaged %s", found, damaged)
	}
	wantRefused(t, target, "satchel migrate")
	must(t, os.WriteFile(damaged, content, 0o600)) // a better copy was found
	report, err = daemon.Migrate(t.Context(), target, m.options())
	if err != nil || report.Reused != report.Blobs-1 {
		t.Errorf("%+v, %v", report, err)
	}
}
