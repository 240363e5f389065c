package documents

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// share is how many of the documents that have text must give it.
const share = 0.95

func TestEveryDocumentEndsWell(t *testing.T) {
	paths, known, extract := corpus(t), exceptions(t), openExtractor(t)
	readings := readAll(t, extract, paths)
	for _, p := range paths {
		checkReading(t, p, readings[p])
	}
	checkExceptions(t, known, readings)
	count, silent := map[string]int{}, map[string][]string{}
	for _, p := range paths {
		if _, excepted := known[p]; excepted || !expectsText(p) {
			continue
		}
		count[ending(p)]++
		if got := readings[p]; got.verdict() != readable {
			silent[ending(p)] = append(silent[ending(p)], p)
			t.Logf("%s: %s %v", p, got.verdict(), got.err)
		}
	}
	for format, n := range count {
		if missed := len(silent[format]); float64(n-missed) < share*float64(n) {
			t.Errorf("%d of %d documents that are %s give no text, and are not in exceptions.txt: %s", missed, n, format, strings.Join(silent[format], ", "))
		}
	}
}

// expectsText reports whether the name of a document is that of a format that can be read as text.
func expectsText(p string) bool {
	return slices.Contains(formats(), ending(p)) && !strings.HasPrefix(p, "damaged/lies/")
}

// readAll reads documents, two at a time as the Pool does.
func readAll(t *testing.T, extract extractor, paths []string) map[string]reading {
	t.Helper()
	readings := map[string]reading{}
	var mu sync.Mutex
	var readers sync.WaitGroup
	next := make(chan string)
	for range 2 {
		readers.Go(func() {
			for p := range next {
				start := time.Now()
				r := extract(t.Context(), filepath.Join(folder, p), path.Base(p))
				if took := time.Since(start); took > limit+limit/10 {
					t.Errorf("%s took %s, which the limit of %s should have ended", p, took, limit)
				}
				mu.Lock()
				readings[p] = r
				mu.Unlock()
			}
		})
	}
	for _, p := range paths {
		next <- p
	}
	close(next)
	readers.Wait()
	return readings
}

// checkReading checks what must hold for any document, however broken.
func checkReading(t *testing.T, p string, r reading) {
	t.Helper()
	if r.verdict() == failed {
		t.Errorf("%s: ends in %v (%s), which is no clear reason", p, r.err, satchel.CodeOf(r.err))
	}
	if r.err != nil {
		return
	}
	switch {
	case !utf8.ValidString(r.text):
		t.Errorf("%s: the text is not UTF-8", p)
	case strings.ContainsAny(r.text, "\x00\r"):
		t.Errorf("%s: the text has NUL or CR", p)
	case r.document.Pages != r.pages:
		t.Errorf("%s: %d pages came, %d were counted", p, r.pages, r.document.Pages)
	case r.document.Format == "":
		t.Errorf("%s: nobody says as what it was read", p)
	case r.document.Characters != int64(utf8.RuneCountInString(r.text)-max(0, r.pages-1)):
		t.Errorf("%s: %d characters were counted, %d came, with form feeds between %d pages", p, r.document.Characters, utf8.RuneCountInString(r.text), r.pages)
	}
}

// checkExceptions keeps the list of exceptions honest: each is there, and ends as the list says.
func checkExceptions(t *testing.T, known map[string]exception, readings map[string]reading) {
	t.Helper()
	for p, e := range known {
		r, there := readings[p]
		switch {
		case !there:
			t.Errorf("exceptions.txt: %s is not in the corpus", p)
		case r.verdict() != e.verdict:
			t.Errorf("exceptions.txt: %s should be %s (%s), but ends as %s: %v", p, e.verdict, e.reason, r.verdict(), r.err)
		case e.verdict == failed || e.verdict == readable:
			t.Errorf("exceptions.txt: %s: no document may be excepted as %q", p, e.verdict)
		}
	}
}

// The bytes say what a document is: with another name it is the same.
func TestNamesDoNotMatter(t *testing.T) {
	extract := openExtractor(t)
	for lie, truth := range map[string]string{
		"docx-called.pdf":  "pandoc/docx/text-fr-verger.docx",
		"pdf-called.docx":  "libreoffice/text-pdf/text-fr-verger.pdf",
		"html-called.pptx": "pandoc/html/text-it-ponte.html",
		"xlsx-called.csv":  "libreoffice/sheet-xlsx/sheet-orders.xlsx",
		"jpeg-called.txt":  "piexif/tests/images/01.jpg",
	} {
		lies := extract(t.Context(), filepath.Join(folder, "damaged", "lies", lie), lie)
		honest := extract(t.Context(), filepath.Join(folder, truth), path.Base(truth))
		if lies.text != honest.text || lies.verdict() != honest.verdict() || lies.document.Format != honest.document.Format {
			t.Errorf("%s is %s (%s), %s is %s (%s)", lie, lies.verdict(), lies.document.Format, truth, honest.verdict(), honest.document.Format)
		}
	}
	seen := map[string]int{}
	for _, p := range corpus(t) {
		switch format := ending(p); format {
		case "pdf", "docx", "pptx", "xlsx", "odt", "ods", "odp", "epub", "html":
			if seen[format]++; seen[format]%12 != 1 {
				continue
			}
		default:
			continue
		}
		named := extract(t.Context(), filepath.Join(folder, p), path.Base(p))
		nameless := extract(t.Context(), filepath.Join(folder, p), "")
		if named.text != nameless.text || named.verdict() != nameless.verdict() {
			t.Errorf("%s is %s, and without its name %s", p, named.verdict(), nameless.verdict())
		}
	}
}

// What we wrote ourselves is known word by word, so that it can be looked for in every document that programs made of it.
func TestMadeDocumentsHaveTheirWords(t *testing.T) {
	extract := openExtractor(t)
	made := map[string][]string{
		"text":   {"pandoc/docx/*.docx", "pandoc/odt/*.odt", "pandoc/epub/*.epub", "pandoc/epub2/*.epub", "pandoc/html/*.html", "libreoffice/text-docx/*.docx", "libreoffice/text-odt/*.odt", "libreoffice/text-epub/*.epub", "libreoffice/text-pdf/*.pdf"},
		"slides": {"pandoc/pptx/*.pptx", "libreoffice/slides-pptx/*.pptx", "libreoffice/slides-odp/*.odp", "libreoffice/slides-pdf/*.pdf"},
		"sheet":  {"libreoffice/sheet-xlsx/*.xlsx", "libreoffice/sheet-ods/*.ods", "libreoffice/sheet-html/*.html", "libreoffice/sheet-pdf/*.pdf"},
	}
	for kind, patterns := range made {
		for _, pattern := range patterns {
			paths, err := filepath.Glob(filepath.Join(folder, pattern))
			if err != nil || len(paths) == 0 {
				t.Errorf("no documents %s: %v", pattern, err)
			}
			for _, p := range paths {
				name := strings.TrimSuffix(filepath.Base(p), filepath.Ext(p))
				if !strings.HasPrefix(name, kind) {
					t.Errorf("%s is made of something else", p)
				}
				checkWords(t, p, sourceWords(t, name), extract(t.Context(), p, filepath.Base(p)))
			}
		}
	}
}

// knownShare is how many of a source's words must be found in a document made of it. LibreOffice leaves the heads of tables out of an EPUB, and a PDF
// has the two letters of an Arabic ligature as they are drawn.
func knownShare(p string) float64 {
	switch {
	case strings.Contains(p, "libreoffice/text-epub"), strings.HasSuffix(p, "text-ar-souk.pdf"):
		return 0.88
	}
	return 0.98
}

func checkWords(t *testing.T, p string, words []string, r reading) {
	t.Helper()
	found, missing := 0, []string{}
	text := " " + strings.Join(wordsOf(r.text), " ") + " "
	for _, word := range words {
		if strings.Contains(text, " "+word+" ") {
			found++
		} else {
			missing = append(missing, word)
		}
	}
	if len(words) == 0 || float64(found) < knownShare(p)*float64(len(words)) {
		t.Errorf("%s has %d of %d words of its source; missing are %v; it ended as %s %v", p, found, len(words), missing, r.verdict(), r.err)
	}
}

func sourceWords(t *testing.T, name string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("sources", name+".*"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("sources of %s: %v %v", name, paths, err)
	}
	text, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	return plainWords(string(text), filepath.Ext(paths[0]))
}
