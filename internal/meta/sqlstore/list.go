package sqlstore

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
)

// maxPageBytes ends a page early, so that a list of large rows does not fill the memory.
const maxPageBytes = 8 << 20

// Files implements meta.FileReader.
func (r reader) Files(ctx context.Context, scope satchel.Scope, q satchel.Query, now time.Time) (satchel.Page, error) {
	if err := scope.Check(); err != nil {
		return satchel.Page{}, err
	}
	if q.Limit <= 0 {
		return satchel.Page{}, fmt.Errorf("sqlstore: a page of %d files", q.Limit)
	}
	page, err := r.filesPage(ctx, scope, q, now)
	if err != nil || !q.Ascending || !r.order.needed(page) {
		return page, err
	}
	last := page.Files[len(page.Files)-1].ID
	if err := r.order.settle(ctx, last); err != nil {
		return satchel.Page{}, err
	}
	again, err := r.filesPage(ctx, scope, q, now)
	return upTo(again, last), err
}

func (r reader) filesPage(ctx context.Context, scope satchel.Scope, q satchel.Query, now time.Time) (satchel.Page, error) {
	list := &listing{q: r.q, scope: scope, query: q, now: now, probes: probesOf(q)}
	var err error
	if len(list.probes) == 0 {
		err = list.walkAll(ctx)
	} else {
		err = list.walkFound(ctx)
	}
	if err != nil {
		return satchel.Page{}, fmt.Errorf("listing files: %w", err)
	}
	return list.page, nil
}

// listing is one page on its way.
type listing struct {
	q      querier
	scope  satchel.Scope
	query  satchel.Query
	now    time.Time
	probes []probe
	page   satchel.Page
	bytes  int
}

// add puts a file on the page if it is wanted. It gives false when the page is full, and this file would be one more.
func (l *listing) add(f *satchel.File) bool {
	if f.Expired(l.now) || !l.wants(f) {
		return true
	}
	if len(l.page.Files) == l.query.Limit || l.bytes >= maxPageBytes {
		l.page.More = true
		return false
	}
	l.page.Files = append(l.page.Files, f)
	l.bytes += rowBytes(f)
	return true
}

// wants checks every condition on the file itself: the attributes only say where to look.
func (l *listing) wants(f *satchel.File) bool {
	q := &l.query
	switch {
	case q.Purpose != "" && f.Purpose != q.Purpose,
		q.Filename != "" && f.Filename != q.Filename,
		q.SHA256 != nil && f.Content.SHA256 != *q.SHA256:
		return false
	case len(q.Metadata) == 0:
		return true
	}
	object := f.Metadata.Object()
	for _, condition := range q.Metadata {
		if !condition.Match(object) {
			return false
		}
	}
	return true
}

// rowBytes is about what a file takes in memory.
func rowBytes(f *satchel.File) int {
	const fixed = 512
	size := fixed + len(f.Filename) + len(f.StatusDetails) + len(f.Metadata.String()) + len(f.Instructions) + len(f.Schema)
	if d := f.Document; d != nil {
		size += fixed + len(d.Title) + len(d.Author)
		for key, value := range d.Properties {
			size += len(key) + len(value)
		}
	}
	return size
}

// position is where the page starts: ids beyond it, in the order asked for, are wanted.
func (l *listing) position() string {
	switch {
	case l.query.After != "":
		return string(l.query.After)
	case l.query.Ascending:
		return ""
	}
	return "~" // behind every id
}

// ordered completes a text: BEYOND stands for the comparison with the position, DIRECTION for the order.
func (l *listing) ordered(text string) string {
	beyond, direction := "<", "DESC"
	if l.query.Ascending {
		beyond, direction = ">", "ASC"
	}
	return strings.NewReplacer("BEYOND", beyond, "DIRECTION", direction).Replace(text)
}

const selectPage = `SELECT ` + fileColumns + ` FROM files f WHERE f.org_id = $1 AND f.workspace_id = $2 AND f.id BEYOND $3
	AND (f.expires_at IS NULL OR f.expires_at > $4) ORDER BY f.id DIRECTION LIMIT $5`

// walkAll makes the page of a list without conditions. (One that everything meets, such as {}, is checked nevertheless.)
func (l *listing) walkAll(ctx context.Context) error {
	limit := l.query.Limit + 1
	position := l.position()
	for {
		read := 0
		full := false
		last := position
		err := l.eachFile(ctx, func(f *satchel.File) bool {
			read++
			last = string(f.ID)
			full = !l.add(f)
			return !full
		}, l.ordered(selectPage), string(l.scope.Org), string(l.scope.Workspace), position, l.now.UnixMicro(), limit)
		if err != nil || full || read < limit {
			return err
		}
		position = last
	}
}

// eachFile calls visit for every file of a query until it gives false.
func (l *listing) eachFile(ctx context.Context, visit func(*satchel.File) bool, text string, args ...any) error {
	found, err := l.q.query(ctx, text, args...)
	if err != nil {
		return err
	}
	defer func() { _ = found.Close() }()
	for found.Next() {
		row := newFileRow(l.scope)
		if err := found.Scan(row.dest...); err != nil {
			return err
		}
		f, err := row.read()
		if err != nil {
			return err
		}
		if !visit(f) {
			break
		}
	}
	return storeError(found.Err())
}
