package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// figures are the medians that the calculation begins with.
type figures struct {
	machine       string
	cores         float64 // which client, servers and database shared
	rows, indexes float64 // bytes in the database for a file
	reads, pages  float64 // a second
	creates       float64 // a second, with PostgreSQL and S3
	inserts       float64 // of the rows of an upload a second, alone
	up, down      float64 // MB/s through one server
	documents     float64 // processed in a minute
	embedded      float64 // creates a second on SQLite and a folder
}

// readFigures finds them in the results of the bench. The error names all that are not there.
func readFigures(text string) (f figures, err error) {
	var faults []error
	median := func(section, row string) float64 {
		value, err := find(text, section, row)
		faults = append(faults, err)
		return value
	}
	f = figures{
		rows: median("PostgreSQL: bytes on the disk", "rows, 1 million"), indexes: median("PostgreSQL: bytes on the disk", "indexes, 1 million"),
		reads: median("PostgreSQL: GET /files/{id}", "satchel"), pages: median("PostgreSQL: pages of 100", "satchel"),
		creates: median("PostgreSQL and S3: uploads", "satchel"), inserts: median("PostgreSQL and S3: uploads", "limit: inserts"), up: median("S3: upload", "satchel"), down: median("S3: download", "satchel, through"),
		documents: median("Documents processed", ""), embedded: median("Uploads of 4 KiB", "satchel"),
	}
	f.machine = between(text, "- Machine: ", " (")
	if f.cores, err = strconv.ParseFloat(strings.TrimSuffix(f.machine, " cores"), 64); err != nil {
		faults = append(faults, fmt.Errorf("the number of cores: %w", err))
	}
	return f, errors.Join(faults...)
}

// find gives the median of the row that begins with these words, in the section that does.
func find(text, section, row string) (float64, error) {
	_, rest, found := strings.Cut(text, "\n## "+section)
	if !found {
		return 0, fmt.Errorf("no section %q", section)
	}
	rest, _, _ = strings.Cut(rest, "\n## ")
	_, rest, _ = strings.Cut(rest, "| ---: |\n") // the head of the table
	for line := range strings.Lines(rest) {
		cells := strings.Split(line, "|")
		if len(cells) < 3 || !strings.HasPrefix(strings.TrimSpace(cells[1]), row) {
			continue
		}
		number, _, _ := strings.Cut(strings.TrimSpace(cells[2]), " ")
		return strconv.ParseFloat(number, 64)
	}
	return 0, fmt.Errorf("no row %q in section %q", row, section)
}

func between(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
