package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

const selectPages = `SELECT n, label, characters, text_offset, text_length FROM pages
	WHERE org_id = $1 AND workspace_id = $2 AND file_id = $3 AND n > $4 ORDER BY n LIMIT $5`

// TextPages implements meta.TextReader.
func (r reader) TextPages(ctx context.Context, scope satchel.Scope, file satchel.FileID, after, limit int) ([]satchel.TextPage, error) {
	if err := scope.Check(); err != nil {
		return nil, err
	}
	pages, err := collect(ctx, r.q, func(found rows) (p satchel.TextPage, err error) {
		var number, characters integer
		err = found.Scan(&number, &p.Label, &characters, (*integer)(&p.Offset), (*integer)(&p.Length))
		p.Number, p.Characters = int(number), int(characters)
		return p, err
	}, selectPages, string(scope.Org), string(scope.Workspace), string(file), after, limit)
	if err != nil {
		return nil, fmt.Errorf("reading the pages of %s: %w", file, err)
	}
	return pages, nil
}

// pageChunk is how many pages one statement stores; what is left over goes one by one.
const pageChunk = 100

// insertPages gives the statement that stores n pages.
func insertPages(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("($1, $2, $3, %s)", placeholders(4+5*i, 5))
	}
	return `INSERT INTO pages (org_id, workspace_id, file_id, n, label, characters, text_offset, text_length) VALUES ` + strings.Join(all, ", ")
}

// ReplaceTextPages implements meta.TextWriter.
func (t *transaction) ReplaceTextPages(ctx context.Context, scope satchel.Scope, file satchel.FileID, pages []satchel.TextPage) error {
	if err := scope.Check(); err != nil {
		return err
	}
	if _, err := t.q.exec(ctx, deletePages, string(scope.Org), string(scope.Workspace), string(file)); err != nil {
		return fmt.Errorf("removing the pages of %s: %w", file, err)
	}
	whole := len(pages) - len(pages)%pageChunk
	if err := t.insertPages(ctx, scope, file, pages[:whole], pageChunk); err != nil {
		return err
	}
	return t.insertPages(ctx, scope, file, pages[whole:], 1)
}

// insertPages stores pages, size of them with each statement.
func (t *transaction) insertPages(ctx context.Context, scope satchel.Scope, file satchel.FileID, pages []satchel.TextPage, size int) error {
	text := insertPages(size)
	for chunk := range slices.Chunk(pages, size) {
		args := make([]any, 0, 3+5*size)
		args = append(args, string(scope.Org), string(scope.Workspace), string(file))
		for _, p := range chunk {
			args = append(args, p.Number, p.Label, p.Characters, p.Offset, p.Length)
		}
		if _, err := t.q.exec(ctx, text, args...); err != nil {
			return fmt.Errorf("storing the pages of %s: %w", file, err)
		}
	}
	return nil
}
