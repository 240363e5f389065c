package extract

import (
	"regexp"
	"strings"
)

const (
	likelyLines   = 100 // lines of a text that are looked at to guess its kind
	likelyRecords = 3   // of a table, at least
)

// likely guesses the kind of a text whose name says nothing. It is meant to be right when it says something, not to say much.
func likely(head beginning) string {
	lines := strings.Split(head.text, "\n")
	if head.cut || len(lines) > likelyLines {
		lines = lines[:min(len(lines)-1, likelyLines)]
	}
	switch {
	case table(lines, "\t"):
		return typeTSV
	case table(lines, ","), table(lines, ";"):
		return typeCSV
	case markdown(lines):
		return typeMarkdown
	case len(lines) > 1 && lines[0] == "---" && yamlKey.MatchString(lines[1]):
		return typeYAML
	}
	return ""
}

var yamlKey = regexp.MustCompile(`^(- )?[\w.-]+:( |$)`)

// table reports whether every line has the same number of fields, at least two. Sentences have commas too, but with spaces after them, and
// a few pairs may be anything.
func table(lines []string, comma string) bool {
	records, fields, spaced := 0, 0, 0
	for _, line := range lines {
		if line == "" {
			continue
		}
		line = unquoted(line)
		n := strings.Count(line, comma)
		if n == 0 || records > 0 && n != fields {
			return false
		}
		records, fields = records+1, n
		spaced += strings.Count(line, comma+" ")
	}
	if comma == "\t" || fields > 1 {
		return records >= likelyRecords && spaced*2 < records*fields
	}
	return records > likelyRecords && spaced*2 < records
}

// unquoted is a line without what stands in double quotes.
func unquoted(line string) string {
	if !strings.Contains(line, `"`) {
		return line
	}
	var b strings.Builder
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 0 {
			b.WriteString(part)
		}
	}
	return b.String()
}

var (
	markdownHeading = regexp.MustCompile(`^#{1,6} \S`)
	markdownList    = regexp.MustCompile(`^\s{0,3}([-*+]|\d{1,3}\.) \S`)
	markdownLink    = regexp.MustCompile(`\[[^\]]+\]\([^)\s]+\)|\*\*[^*\s][^*]*\*\*`)
	markdownRule    = regexp.MustCompile(`^(={3,}|\|?[ :-]*---[ :|-]*\|[ :|-]*)$`)
)

// markdown wants two different signs of it, one of which no other kind of text has: scripts have lines with # and lists too.
func markdown(lines []string) bool {
	var heading, list, own bool
	for _, line := range lines {
		heading = heading || markdownHeading.MatchString(line)
		list = list || markdownList.MatchString(line)
		own = own || strings.HasPrefix(line, "```") || markdownRule.MatchString(line) || markdownLink.MatchString(line)
	}
	return own && (heading || list)
}
