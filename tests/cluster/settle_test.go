package cluster_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/tests/program"
)

// settle compares what is there with what was acknowledged, after all faults: in lists, files, bytes, counts and, at last, in the bucket itself.
func (b *breaker) settle(customers []*customer, shared []string) {
	b.t.Helper()
	c := b.client(b.URL())
	b.allProcessed(c)
	want := map[string]*known{}
	for _, customer := range customers {
		for _, k := range customer.files {
			want[k.id] = k
		}
	}
	b.sameList(c, want, shared)
	b.sameBytes(customers)
	b.usageIsRight(c)
	b.nothingIsLeft()
}

// allProcessed waits until nothing is to be processed any more. Leases of workers that were killed are ended: the next start looks for their runs at once.
func (b *breaker) allProcessed(c *client.Client) {
	b.t.Helper()
	b.endLeases()
	status, err := b.Workers[0].End(syscall.SIGTERM)
	program.Must(b.t, err)
	if status != 0 {
		b.t.Errorf("after SIGTERM %s ended with %d", b.Workers[0].Name, status)
	}
	program.Must(b.t, b.Workers[0].Start())
	defer b.tellOpenWork()
	program.Within(b.t, "every file is processed", func() bool { return b.number("SELECT count(*) FROM runs WHERE ended_at IS NULL") == 0 })
	for file, err := range c.Files(b.t.Context(), client.ListOptions{Limit: 1000}) {
		program.Must(b.t, err)
		if file.Status != "processed" {
			b.t.Errorf("%s is %s: %+v", file.Filename, file.Status, file.Error)
		}
	}
}

// tellOpenWork says after a failure what was still to be done.
func (b *breaker) tellOpenWork() {
	if !b.t.Failed() {
		return
	}
	for _, sql := range []string{
		`SELECT count(*), COALESCE(string_agg(to_jsonb(r)::text, E'\n'), '') FROM runs r WHERE ended_at IS NULL`,
		`SELECT count(*), COALESCE(string_agg(to_jsonb(j)::text, E'\n'), '') FROM river_job j WHERE finalized_at IS NULL`,
		`SELECT count(*), COALESCE(string_agg(to_jsonb(l)::text, E'\n'), '') FROM river_leader l`,
	} {
		var n int
		var rows string
		conn, err := pgx.Connect(b.t.Context(), b.Database)
		program.Must(b.t, err)
		err = conn.QueryRow(b.t.Context(), sql).Scan(&n, &rows)
		b.t.Logf("still open: %d\n%s %v", n, rows, errors.Join(err, conn.Close(b.t.Context())))
	}
}

// sameList expects every file that was acknowledged, once, and no other one.
func (b *breaker) sameList(c *client.Client, want map[string]*known, shared []string) {
	b.t.Helper()
	found := map[string]*api.File{}
	for file, err := range c.Files(b.t.Context(), client.ListOptions{Limit: 100, Order: "asc"}) {
		program.Must(b.t, err)
		if found[file.ID] != nil {
			b.t.Errorf("%s is in the list twice", file.ID)
		}
		found[file.ID] = file
		k := want[file.ID]
		var content []byte
		if k != nil {
			content = k.content()
		}
		switch {
		case strings.HasPrefix(file.Filename, "shared-"):
		case k == nil:
			b.t.Errorf("%s (%s) is there: nobody was told so, or its deletion was acknowledged", file.ID, file.Filename)
		case file.Filename != k.name || file.Bytes != int64(len(content)) || file.SHA256 != hashOf(content) || valueOf(file) != k.value:
			b.t.Errorf("%s is %s, %d bytes, %s; want %s, %d, %s", file.ID, file.Filename, file.Bytes, file.Metadata, k.name, len(content), k.value)
		}
	}
	for id, k := range want {
		if found[id] == nil {
			b.t.Errorf("%s (%s) is lost: its upload was acknowledged", id, k.name)
		}
	}
	if len(found) != len(want)+len(shared) {
		b.t.Errorf("%d files are there, want %d", len(found), len(want)+len(shared))
	}
}

// sameBytes reads every file, and asks for what was deleted.
func (b *breaker) sameBytes(customers []*customer) {
	b.t.Helper()
	all := customers[0].tally
	before := len(all.complaints) // which are known
	for _, customer := range customers {
		for n, k := range customer.files {
			program.Must(b.t, customer.compare(b.t.Context(), customer.doors[n%len(customer.doors)], k))
		}
		for n, id := range customer.gone {
			if _, err := customer.doors[n%len(customer.doors)].Get(b.t.Context(), id); !isStatus(err, http.StatusNotFound) {
				b.t.Errorf("%s is deleted: %v", id, err)
			}
		}
	}
	for _, complaint := range all.complaints[before:] {
		b.t.Error(complaint)
	}
}

// counted reads of a report how many rows and objects there are.
var counted = regexp.MustCompile(`(?m)^([0-9,]+) files with bytes, ([0-9,]+) objects`)

// nothingIsLeft looks into the bucket. What broken uploads have left there may stay for a day: so a day is let pass, in which nothing else must have
// become wrong, and the sweep takes all of it.
func (b *breaker) nothingIsLeft() {
	b.t.Helper()
	if report, clean := b.fsck(); !clean {
		b.t.Errorf("fsck: %s", report)
	}
	for _, p := range b.Satchels() {
		if status, err := p.End(syscall.SIGTERM); err != nil || status != 0 {
			b.t.Errorf("after SIGTERM %s ended with %d (%v)", p.Name, status, err)
		}
	}
	b.age(25 * time.Hour)
	report, clean := b.nothingIsLost()
	b.t.Logf("a day later, before the sweep, fsck is clean: %v\n%s", clean, report)
	for _, p := range b.Satchels() {
		program.Must(b.t, p.Start())
	}
	program.Must(b.t, b.WaitReady(b.t.Context()))
	program.Within(b.t, "the sweep has taken what was left", func() bool {
		report, clean = b.fsck()
		numbers := counted.FindStringSubmatch(report)
		return clean && numbers != nil && number(numbers[1]) == number(numbers[2])
	})
	b.t.Logf("after the sweep:\n%s", report)
}

// nothingIsLost expects of a check that every row has its bytes. It may find bytes of uploads that broke off.
func (b *breaker) nothingIsLost() (report string, clean bool) {
	b.t.Helper()
	report, clean = b.fsck()
	for _, loss := range []string{"rows without bytes", "wrong", "cannot be read", "miscounted"} {
		if strings.Contains(report, loss) {
			b.t.Errorf("fsck: %s", report)
		}
	}
	if !counted.MatchString(report) {
		b.t.Errorf("fsck did not check: %s", report)
	}
	return report, clean
}

// number reads a number with commas.
func number(text string) int {
	n, err := strconv.Atoi(strings.ReplaceAll(text, ",", ""))
	if err != nil {
		panic(fmt.Errorf("a report has %q for a number: %w", text, err))
	}
	return n
}
