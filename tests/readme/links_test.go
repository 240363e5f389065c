package readme_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#{1,6} (.+)$`)
	noSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
)

// TestLinks: every relative link leads to a file of the repository, and to a heading in it where it names one.
func TestLinks(t *testing.T) {
	documents := repositoryFiles(t, ".md")
	if !slices.Contains(documents, "README.md") {
		t.Fatal("the README was not found")
	}
	for _, document := range documents {
		for _, found := range link.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, document), ""), -1) {
			if strings.Contains(found[1], ":") {
				continue // elsewhere
			}
			if fault := follow(t, document, found[1]); fault != "" {
				t.Errorf("%s links to %s: %s", document, found[1], fault)
			}
		}
	}
}

func follow(t *testing.T, document, target string) (fault string) {
	path, anchor, _ := strings.Cut(target, "#")
	if path == "" {
		path = document
	} else {
		path = filepath.Join(filepath.Dir(document), path)
	}
	if _, err := os.Stat(filepath.Join(root, path)); err != nil {
		return "there is no such file"
	}
	if anchor != "" && !slices.Contains(anchors(read(t, path)), anchor) {
		return "it has no such heading"
	}
	return ""
}

// anchors gives the names that headings have in links.
func anchors(text string) []string {
	var all []string
	for _, found := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		slug := noSlug.ReplaceAllString(strings.ToLower(found[1]), "")
		all = append(all, strings.ReplaceAll(slug, " ", "-"))
	}
	return all
}
