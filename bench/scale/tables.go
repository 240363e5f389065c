package main

import (
	"fmt"
	"math"
	"strings"
)

// What is assumed, and said in the document.
const (
	useful      = 0.5        // of a machine's processors, so that a burst and the loss of a machine have room
	perFile     = 1_000_000  // bytes of content
	restored    = 200 << 20  // bytes a second that a database is restored with
	largest     = 4e12       // bytes of one database that people like to run
	longest     = 4 * 3600.0 // seconds that a restore may take
	secondsADay = 86_400
)

// tables gives everything that is worked out, as Markdown.
func (f figures) tables() string {
	return strings.Join([]string{f.introduction(), f.sizes(), f.rates(), f.limits()}, "\n")
}

func (f figures) introduction() string {
	return fmt.Sprintf("Measured on %s that client, servers, PostgreSQL and the S3 server shared: %s reads of a file's description a second, "+
		"%s pages of 100, %s uploads of 4 KiB, %s MB/s up and %s MB/s down through one server; %s bytes in the database for a file, %s of them in indexes.\n",
		f.machine, whole(f.reads), whole(f.pages), whole(f.creates), whole(f.up), whole(f.down), whole(f.rows+f.indexes), whole(f.indexes))
}

// sizes tells what so many files take.
func (f figures) sizes() string {
	var s strings.Builder
	s.WriteString("| files | database | of it indexes | objects of 1 MB | restore of the database at 200 MiB/s | first load at the measured rate |\n" +
		"| ---: | ---: | ---: | ---: | ---: | ---: |\n")
	for _, n := range []float64{1e6, 1e7, 1e8, 1e9} {
		bytes := n * (f.rows + f.indexes)
		fmt.Fprintf(&s, "| %s | %s | %s | %s | %s | %s |\n", whole(n), inBytes(bytes), inBytes(n*f.indexes), inBytes(n*perFile), inTime(bytes/restored), inTime(n/f.creates))
	}
	return s.String()
}

// rates tells how many processors a rate needs, all processes together.
func (f figures) rates() string {
	var s strings.Builder
	s.WriteString("| a second | processor time for one | cores for 1,000 a second | cores for 10,000 a second |\n| --- | ---: | ---: | ---: |\n")
	for _, r := range []struct {
		what string
		rate float64
	}{{"reads of a description", f.reads}, {"pages of 100", f.pages}, {"uploads of 4 KiB", f.creates}} {
		each := f.cores / r.rate
		fmt.Fprintf(&s, "| %s | %.2f ms | %s | %s |\n", r.what, 1000*each, whole(math.Ceil(1000*each/useful)), whole(math.Ceil(10_000*each/useful)))
	}
	fmt.Fprintf(&s, "| MB through a server, up | %.2f ms | %s | %s |\n", 1000*f.cores/f.up, whole(math.Ceil(1000*f.cores/f.up/useful)), whole(math.Ceil(10_000*f.cores/f.up/useful)))
	fmt.Fprintf(&s, "| documents processed, without a model | %.0f ms | %s | %s |\n", 60_000*f.cores/f.documents,
		whole(math.Ceil(60_000*f.cores/f.documents/useful)), whole(math.Ceil(600_000*f.cores/f.documents/useful)))
	return s.String()
}

// limits tells what ends first.
func (f figures) limits() string {
	perRow := f.rows + f.indexes
	var s strings.Builder
	s.WriteString("| limit | reached at | why |\n| --- | ---: | --- |\n")
	for _, l := range []struct{ what, at, why string }{
		{"one machine with SQLite", whole(f.embedded) + " uploads a second", "measured; a machine that is lost is out of service until it is restored"},
		{"restore of one database in 4 hours", people(longest*restored/perRow) + " files", "200 MiB/s"},
		{"one database of 4 TB", people(largest/perRow) + " files", "bytes for a file"},
		{"uploads on one database", whole(f.inserts/f.cores*16) + " a second", fmt.Sprintf("%s inserts of the rows of an upload on %s, if 16 cores do as much each", whole(f.inserts), f.machine)},
		{"a billion files, loaded in a month", whole(1e9/30/secondsADay) + " uploads a second", "30 days"},
	} {
		fmt.Fprintf(&s, "| %s | %s | %s |\n", l.what, l.at, l.why)
	}
	return s.String()
}

// whole writes a number without fractions, with commas.
func whole(v float64) string {
	text := fmt.Sprintf("%.0f", v)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// people writes a large count as people do, with two digits.
func people(v float64) string {
	switch {
	case v >= 1e9:
		return fmt.Sprintf("%.2g billion", v/1e9)
	case v >= 1e6:
		return whole(math.Round(v/1e7)*10) + " million"
	}
	return whole(v)
}

func inBytes(v float64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"PB", 1e15}, {"TB", 1e12}, {"GB", 1e9}} {
		if v >= unit.size {
			return fmt.Sprintf("%.3g %s", v/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%.3g MB", v/1e6)
}

func inTime(seconds float64) string {
	switch {
	case seconds >= 2*secondsADay:
		return fmt.Sprintf("%.0f days", seconds/secondsADay)
	case seconds >= 2*3600:
		return fmt.Sprintf("%.0f hours", seconds/3600)
	case seconds >= 120:
		return fmt.Sprintf("%.0f minutes", seconds/60)
	}
	return fmt.Sprintf("%.0f seconds", seconds)
}
