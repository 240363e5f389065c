package documents

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// root is the folder of the repository, seen from here.
const root = "../.."

// folder is where scripts/corpus puts the documents.
const folder = root + "/.cache/corpus"

// least is how many documents of a kind there must be, by the ending of the name.
func least() map[string]int {
	return map[string]int{
		"pdf": 150, "docx": 80, "pptx": 80, "xlsx": 40, "odt": 60, "ods": 40, "odp": 50, "epub": 50, "html": 150, "eml": 80, "md": 100,
		"txt": 40, "csv": 20, "json": 8, "xml": 3, "jpg": 20, "png": 4, "tif": 4, "gif": 2,
	}
}

// formats are the endings of what can be read as text. Pictures can be read too, but have no text.
func formats() []string {
	return []string{"pdf", "docx", "pptx", "xlsx", "xlsm", "odt", "ods", "odp", "epub", "html", "eml", "md", "txt", "csv", "json", "xml"}
}

// corpus gives all documents, as paths below folder with slashes, sorted. Without enough of them the test fails.
func corpus(t *testing.T) []string {
	t.Helper()
	var all []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		path, err = filepath.Rel(folder, path)
		all = append(all, filepath.ToSlash(path))
		return err
	})
	if err != nil {
		t.Fatalf("there are no documents to read: %v; run scripts/corpus, as scripts/setup does", err)
	}
	count := map[string]int{}
	for _, path := range all {
		count[ending(path)]++
	}
	for format, want := range least() {
		if count[format] < want {
			t.Errorf("%d documents are %s, there should be at least %d; remove .cache/stamps/corpus and run scripts/corpus again", count[format], format, want)
		}
	}
	slices.Sort(all)
	return all
}

func ending(path string) string { return strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".") }

// exception is a document of a format that can be read, and yet has no text, cannot be read, or is something else than its name says.
type exception struct {
	path    string
	verdict verdict
	reason  string
}

// exceptions reads testdata/exceptions.txt: a line is a verdict, a path and a reason, with tabs between them.
func exceptions(t *testing.T) map[string]exception {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "exceptions.txt"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]exception{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(line, "\t")
		if len(parts) != 3 || parts[2] == "" {
			t.Fatalf("exceptions.txt: not a verdict, a path and a reason: %q", line)
		}
		if _, twice := all[parts[1]]; twice {
			t.Errorf("exceptions.txt names %s twice", parts[1])
		}
		all[parts[1]] = exception{verdict: verdict(parts[0]), path: parts[1], reason: parts[2]}
	}
	return all
}
