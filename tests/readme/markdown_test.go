package readme_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository, seen from this folder.
const root = "../.."

// block is a fenced block of a document, with what its output must show.
type block struct {
	line     int
	language string
	text     string
	expect   []*regexp.Regexp
}

var expectation = regexp.MustCompile(`^<!-- (expect|expect-regexp): (.*) -->$`)

// blocks takes the fenced blocks out of a document. Comments such as <!-- expect: text --> belong to the block above them.
func blocks(t testing.TB, document string) []block {
	t.Helper()
	var all []block
	var open *block
	for i, line := range strings.Split(read(t, document), "\n") {
		language, fence := strings.CutPrefix(line, "```")
		switch {
		case fence && open == nil:
			open = &block{line: i + 1, language: language}
		case fence:
			all, open = append(all, *open), nil
		case open != nil:
			open.text += line + "\n"
		default:
			if last := len(all) - 1; last >= 0 {
				all[last].expect = append(all[last].expect, parseExpectation(line)...)
			}
		}
	}
	if open != nil {
		t.Fatalf("%s:%d: the block is never closed", document, open.line)
	}
	return all
}

func parseExpectation(line string) []*regexp.Regexp {
	found := expectation.FindStringSubmatch(line)
	switch {
	case found == nil:
		return nil
	case found[1] == "expect":
		return []*regexp.Regexp{regexp.MustCompile(regexp.QuoteMeta(found[2]))}
	}
	return []*regexp.Regexp{regexp.MustCompile("(?m)" + found[2])}
}

// inLanguage keeps the blocks of one language.
func inLanguage(all []block, language string) []block {
	var some []block
	for _, b := range all {
		if b.language == language {
			some = append(some, b)
		}
	}
	return some
}

// section gives a document's text between a heading and the next one of the same level.
func section(t testing.TB, document, heading string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, document), "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", document, heading)
	}
	level, _, _ := strings.Cut(heading, " ")
	text, _, _ := strings.Cut(rest, "\n"+level+" ")
	return text
}

func read(t testing.TB, document string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// repositoryFiles gives the paths of all files whose names end so, without what was installed or built.
func repositoryFiles(t testing.TB, suffix string) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch name := entry.Name(); {
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "bin" || name == "testdata"):
			return filepath.SkipDir
		case !entry.IsDir() && strings.HasSuffix(name, suffix):
			relative, err := filepath.Rel(root, path)
			paths = append(paths, relative)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
