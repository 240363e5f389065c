package readme_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMetrics: the table of metrics has every metric that the program makes, and no other.
func TestMetrics(t *testing.T) {
	made := regexp.MustCompile(`Name: "(satchel_[a-z_]+)"`)
	var names []string
	for _, path := range repositoryFiles(t, ".go") {
		if strings.HasPrefix(path, "internal"+string(filepath.Separator)) && !strings.HasSuffix(path, "_test.go") {
			names = append(names, firstGroups(made, read(t, path))...)
		}
	}
	const document = "docs/operations.md"
	compare(t, "metrics", document, firstGroups(regexp.MustCompile("(?m)^\\| `(satchel_[a-z_]+)`"), section(t, document, "### Metrics")), names)
}

// TestErrorCodes: the tables of codes, of answers and of failed processing, have every code that the program knows, and no other.
func TestErrorCodes(t *testing.T) {
	codes := firstGroups(regexp.MustCompile(`Code = "([a-z_]+)"`), read(t, "error.go"))
	const document = "docs/api.md"
	var named []string
	for _, row := range firstGroups(regexp.MustCompile(`(?m)^\| \d{3} \| (.*)$`), section(t, document, "## Errors")) {
		named = append(named, firstGroups(regexp.MustCompile("`([a-z_]+)`"), row)...)
	}
	failures := section(t, "docs/processing.md", "## When it fails")
	named = append(named, firstGroups(regexp.MustCompile("(?m)^\\| `([a-z_]+)`"), failures)...)
	compare(t, "codes", document, named, codes)
}

func firstGroups(pattern *regexp.Regexp, text string) []string {
	var all []string
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		all = append(all, found[1])
	}
	return all
}
