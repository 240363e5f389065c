package main

import (
	"io"
	"strings"
	"time"

	"github.com/satchel-files/satchel/api"
)

const (
	tableRows   = 1000 // rows by which the widths of the columns are found; what comes later must make do with them
	narrow      = 110  // columns of a terminal below which ids are cut
	shortID     = 18   // characters of a cut id: those that count time, which differ within one server
	leastName   = 12   // columns for a name, and for metadata, however narrow the terminal is
	columnSpace = "  "
)

// The columns of the table.
const (
	columnID = iota
	columnName
	columnSize
	columnAge
	columnStatus
	columnMetadata
	columnCount
)

type row [columnCount]string

// table lays files out in columns that fit the terminal. Without a terminal nothing is cut.
type table struct {
	*program
	rows   []row
	widths [columnCount]int
	placed bool // the widths are found
}

func (t *table) add(f *api.File) error {
	t.rows = append(t.rows, t.row(f))
	if len(t.rows) < tableRows {
		return nil
	}
	return t.flush()
}

func (t *table) row(f *api.File) row {
	return row{
		columnID: clean(f.ID), columnName: clean(f.Filename), columnSize: size(f.Bytes), columnStatus: clean(f.Status),
		columnAge: age(time.Unix(f.CreatedAt, 0), t.now()), columnMetadata: summary(f.Metadata),
	}
}

// flush writes the rows that have come together.
func (t *table) flush() error {
	if len(t.rows) == 0 {
		return nil
	}
	header := row{"ID", "NAME", "SIZE", "AGE", "STATUS", "METADATA"}
	rows := t.rows
	if !t.placed {
		rows = append([]row{header}, rows...)
		t.place(rows)
	}
	var text strings.Builder
	for _, r := range rows {
		t.write(&text, r)
	}
	t.rows = t.rows[:0]
	_, err := io.WriteString(t.out, text.String())
	return err
}

// place finds the widths: as wide as the widest cell, then cut where the terminal ends.
func (t *table) place(rows []row) {
	t.placed = true
	for _, r := range rows {
		for i, cell := range r {
			t.widths[i] = max(t.widths[i], columns(cell))
		}
	}
	if t.width == 0 {
		return
	}
	if t.width < narrow {
		t.widths[columnID] = min(t.widths[columnID], shortID)
	}
	room := t.width - len(columnSpace)*(columnCount-1)
	for _, i := range []int{columnID, columnSize, columnAge, columnStatus} {
		room -= t.widths[i]
	}
	name := t.widths[columnName]
	if over := name + t.widths[columnMetadata] - room; over > 0 {
		name = min(name, max(room*3/5, room-t.widths[columnMetadata], leastName))
	}
	t.widths[columnName] = name
	t.widths[columnMetadata] = min(t.widths[columnMetadata], max(room-name, leastName))
}

func (t *table) write(text *strings.Builder, r row) {
	var line strings.Builder
	for i, cell := range r {
		switch i {
		case columnID:
			if t.width > 0 && len(cell) > t.widths[i] {
				cell = cell[:t.widths[i]] // the beginning of an id is enough for every command; an ellipsis would be no part of it
			}
		case columnName, columnMetadata:
			if t.width > 0 {
				cell = fit(cell, t.widths[i])
			}
		}
		if i == columnSize || i == columnAge {
			cell = strings.Repeat(" ", max(t.widths[i]-columns(cell), 0)) + cell
		}
		line.WriteString(pad(cell, t.widths[i]))
		line.WriteString(columnSpace)
	}
	text.WriteString(strings.TrimRight(line.String(), " "))
	text.WriteByte('\n')
}
