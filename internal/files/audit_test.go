package files_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
)

// recorded gives the audit of the world's organization, oldest first: what was done to which file, and the details.
func (w *world) recorded(t *testing.T) []string {
	t.Helper()
	entries, err := w.rows.Audit(t.Context(), w.scope.Org, satchel.AuditQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, e := range slices.Backward(entries) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", e.Action, e.Address, e.Details)))
	}
	return lines
}

// What is changed is recorded, without values; what changes nothing, is refused or is only asked for again is not.
func TestWhatIsRecorded(t *testing.T) {
	w := newWorld(t)
	w.Service = w.service(true)
	w.scope.Origin, w.scope.Token = satchel.Origin{Address: "192.0.2.7", Request: "req-1"}, "tok-1"
	file, err := w.put(t, "key", "one", files.Fields{Expiry: seconds(3600)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.put(t, "key", "one", files.Fields{Expiry: seconds(3600)}); err != nil { // again
		t.Fatal(err)
	}
	id, secret := string(file.ID), patchOf(t, `{"salary":"secret"}`)
	for range 2 { // the second changes nothing
		if _, _, err := w.UpdateMetadata(t.Context(), w.scope, id, files.MetadataUpdate{Patch: secret}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := w.Restore(t.Context(), w.scope, id, 9); err == nil {
		t.Error("a version that is not there was restored")
	}
	if _, _, err := w.Revert(t.Context(), w.scope, id, 2); err != nil {
		t.Fatal(err)
	}
	_, run, err := w.UpdateMetadata(t.Context(), w.scope, id, files.MetadataUpdate{Patch: patchOf(t, `{}`), Instructions: "find it", DryRun: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Cancel(t.Context(), w.scope, id); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(2 * time.Hour)
	if n, err := w.Expire(t.Context(), w.rows); n != 1 || err != nil {
		t.Fatalf("%d expired, %v", n, err)
	}
	open, err := w.rows.Audit(t.Context(), w.scope.Org, satchel.AuditQuery{Action: "cancelFile", Limit: 10})
	if err != nil || len(open) != 1 {
		t.Fatalf("cancelled is %v, %v", open, err)
	}
	want := []string{
		`createFile 192.0.2.7`, `updateMetadata 192.0.2.7 {"keys":["salary"],"version":2}`, `revertVersion 192.0.2.7 {"keys":["salary"],"reverts":2,"version":3}`,
		`updateMetadata 192.0.2.7 {"dry_run":true,"run":"` + string(run.ID) + `"}`, `cancelFile 192.0.2.7 ` + open[0].Details, `expireFile server`,
	}
	if got := w.recorded(t); !slices.Equal(got, want) {
		t.Errorf("recorded are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if e := open[0]; e.User != w.scope.User || e.Token != "tok-1" || e.Request != "req-1" || e.Object != id || e.Workspace != w.scope.Workspace || e.Count != 1 {
		t.Errorf("the entry is %+v", e)
	}
}

// An upload is one entry, by which all of its files are found; many or long keys are cut.
func TestRecordsAreSmall(t *testing.T) {
	w := newWorld(t)
	upload := w.begin(t, -1)
	for i := range 5 {
		if err := upload.Add(t.Context(), fmt.Sprint(i), "", strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
	}
	terms, err := files.Fields{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	made, err := w.Create(t.Context(), w.scope, upload, terms, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range made {
		if found, err := w.rows.Audit(t.Context(), w.scope.Org, satchel.AuditQuery{Object: string(file.ID), Limit: 10}); err != nil || len(found) != 1 {
			t.Errorf("of %s are found %v, %v", file.ID, found, err)
		}
	}
	var keys []string
	for i := range 900 {
		keys = append(keys, fmt.Sprintf(`"…%028d":1`, i))
	}
	update := files.MetadataUpdate{Patch: patchOf(t, "{"+strings.Join(keys, ",")+"}")}
	if _, _, err := w.UpdateMetadata(t.Context(), w.scope, string(made[0].ID), update); err != nil {
		t.Fatal(err)
	}
	lines := w.recorded(t)
	if len(lines) != 2 || len(lines[1]) > satchel.MaxAuditDetails || !strings.Contains(lines[1], `"more_keys":8`) || lines[0] != `createFile  {"files":5}` {
		t.Errorf("recorded are %q", lines)
	}
}
