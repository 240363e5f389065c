package extract

import (
	"maps"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// Limits of what a document says of itself, in bytes. More is cut off.
const (
	maxLabel      = 256
	maxProperty   = 2 << 10 // a title, an author, a further fact
	maxName       = 128     // the name of a further fact, a language, a format
	maxProperties = 100
	maxMessage    = 1 << 10 // of a failure, for people
	maxCause      = 4 << 10 // of a failure, for the log
)

// oneLine makes valid UTF-8 without control characters, with single spaces, and of at most limit bytes.
func oneLine(s string, limit int) string {
	var b strings.Builder
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) || unicode.IsControl(r) {
			space = b.Len() > 0
			continue
		}
		room := limit - b.Len() - utf8.RuneLen(r)
		if room < 0 || space && room < 1 {
			break
		}
		if space {
			b.WriteByte(' ')
			space = false
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cleanDocument bounds what a document says of itself. What is bounded already stays as it is.
func cleanDocument(d satchel.Document) satchel.Document {
	d.Pages, d.Characters = 0, 0
	d.Format, d.Language = oneLine(d.Format, maxName), oneLine(d.Language, maxName)
	d.Title, d.Author = oneLine(d.Title, maxProperty), oneLine(d.Author, maxProperty)
	d.Created, d.Modified = cleanTime(d.Created), cleanTime(d.Modified)
	d.Width, d.Height = max(d.Width, 0), max(d.Height, 0)
	d.Properties = cleanProperties(d.Properties)
	return d
}

// cleanTime gives times in the years that have four digits, in UTC and in whole microseconds, and the zero time for others.
func cleanTime(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Microsecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}

// cleanProperties keeps the first facts in the order of their names.
func cleanProperties(all map[string]string) map[string]string {
	var kept map[string]string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		key, value := oneLine(name, maxName), oneLine(all[name], maxProperty)
		if key == "" || value == "" {
			continue
		}
		if kept == nil {
			kept = map[string]string{}
		}
		if kept[key] = value; len(kept) == maxProperties {
			break
		}
	}
	return kept
}
