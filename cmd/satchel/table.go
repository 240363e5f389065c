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
	leastName   = 12   // columns to which a name, and metadata, may be cut
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

// place finds the widths: as wide as the widest cell. Where the terminal is too narrow for that, names and metadata are cut, and what then
// does not fit is left out, the least important columns first.
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
	least := t.widths
	for _, i := range []int{columnName, columnMetadata} {
		least[i] = min(least[i], leastName)
	}
	room := t.width + len(columnSpace) // nothing follows the last column
	for _, i := range []int{columnID, columnName, columnSize, columnStatus, columnAge, columnMetadata} {
		if need := least[i] + len(columnSpace); need <= room || i == columnID || i == columnName {
			room -= need
		} else {
			t.widths[i], least[i] = 0, 0
		}
	}
	t.share(max(room, 0) + least[columnName] + least[columnMetadata])
}

// share divides the columns that are left between names and metadata.
func (t *table) share(room int) {
	name, metadata := t.widths[columnName], t.widths[columnMetadata]
	if name+metadata > room {
		name = min(name, max(room*3/5, room-metadata, leastName))
	}
	t.widths[columnName] = name
	t.widths[columnMetadata] = min(metadata, room-name)
}

func (t *table) write(text *strings.Builder, r row) {
	var line strings.Builder
	for i, cell := range r {
		if t.placed && t.widths[i] == 0 {
			continue // the column is left out
		}
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
