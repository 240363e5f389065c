//go:build linux

package main

import (
	"cmp"
	"io"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// uploadedFile uploads a file that is described like another one, and gives the database and what its store says of the file.
func uploadedFile(t *testing.T, b *bench, like *satchel.File) (database string, scope satchel.Scope, f *satchel.File) {
	t.Helper()
	p, err := b.postgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	h, err := b.newHome(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	s, err := b.serverOn(h)
	if err == nil {
		err = b.begin(t.Context(), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	header, prefix, suffix := formOf("file", like.Filename, like.ContentType, "purpose", string(like.Purpose), "metadata", like.Metadata.String())
	body, err := b.call(s, &request{method: "POST", path: "/files", header: satchelAuth + header, prefix: prefix, fill: like.Content.Size, suffix: suffix})
	if err != nil {
		t.Fatal(err)
	}
	org, err1 := field(body, "org_id")
	id, err2 := field(body, "id")
	store, err3 := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: h.database, Logger: slog.New(slog.DiscardHandler)})
	if err := cmp.Or(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	scope = satchel.Scope{Org: satchel.OrgID(org), Workspace: satchel.DefaultWorkspace, User: satchel.UserID(org), Access: satchel.AccessWriter}
	if f, err = store.File(t.Context(), scope, satchel.FileID(id)); err != nil {
		t.Fatal(err)
	}
	scope.User = f.User
	return h.database, scope, f
}

// rowsOf gives all rows of the tables that are about files, as text. The id of the only file is ID; of what is used only the sum counts.
func rowsOf(t *testing.T, url string) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	found, err := conn.Query(t.Context(), `SELECT 'files ' || r::text FROM files r UNION ALL SELECT 'blobs ' || r::text FROM blobs r UNION ALL
		SELECT 'versions ' || r::text FROM versions r UNION ALL SELECT 'attributes ' || r::text FROM attributes r UNION ALL
		SELECT 'pages ' || r::text FROM pages r UNION ALL SELECT 'runs ' || r::text FROM runs r UNION ALL
		SELECT 'usage ' || ROW(org_id, workspace_id, day, SUM(files), SUM(bytes), SUM(input_tokens), SUM(output_tokens))::text FROM usage
		GROUP BY org_id, workspace_id, day UNION ALL SELECT id FROM files`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	id := all[len(all)-1]
	for i := range all {
		all[i] = strings.ReplaceAll(all[i], id, "ID")
	}
	slices.Sort(all)
	return all
}

// TestRowsAreThoseOfAnUpload: what is loaded is what a server writes for an upload, in every table, but for the entry in the audit.
func TestRowsAreThoseOfAnUpload(t *testing.T) {
	b, err := open(t.Context(), options{quick: true}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	like := row(satchel.Scope{}, 7, 100)
	like.Purpose = "evals" // what is processed has more rows in the end, which are not loaded
	uploaded, scope, f := uploadedFile(t, b, like)

	made := row(scope, 7, 100)
	made.ID, made.Purpose, made.Content, made.UpdatedAt, made.MetadataVersion = f.ID, like.Purpose, f.Content, f.UpdatedAt, f.MetadataVersion
	if !reflect.DeepEqual(made, f) {
		t.Errorf("made is\n%+v\nand an upload gives\n%+v", made, f)
	}
	loaded, err := b.database.empty(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: loaded, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := store.LoadByCopy(t.Context(), scope, 1, func(int) *satchel.File { return made }); err != nil {
		t.Fatal(err)
	}
	got, want := rowsOf(t, loaded), rowsOf(t, uploaded)
	if !slices.Equal(got, want) || len(want) < 10 {
		t.Errorf("loaded is\n%s\nand uploaded was\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
