package instruct

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// windowsOf cuts a text into windows.
func windowsOf(t testing.TB, doc Text, tokens int, vision bool) []*window {
	t.Helper()
	var all []*window
	for at := (position{}); ; {
		w, err := nextWindow(t.Context(), doc, at, tokens, vision)
		if err != nil {
			t.Fatal(err)
		}
		if !w.end && w.next == at {
			t.Fatalf("a window does not move on from %v", at)
		}
		all = append(all, w)
		if at = w.next; w.end {
			return all
		}
	}
}

func TestWindowsAreWholeSentences(t *testing.T) {
	for name, sentence := range map[string]string{
		"English": "The committee met again. ", "Chinese": "委员会审查了年度预算。", "Russian": "Комитет собрался снова! ", "no sentences": "word ", "no spaces": "x",
	} {
		whole := strings.Repeat(sentence, 2000)
		windows := windowsOf(t, text(whole), 300, false)
		seen := ""
		for i, w := range windows {
			part := w.passages[0].original
			seen += part
			if !utf8.ValidString(part) || tokensOf(part) > 300 || len(part) == 0 {
				t.Fatalf("%s: %d tokens in %q", name, tokensOf(part), part)
			}
			if name != "no spaces" && i < len(windows)-1 && !strings.HasSuffix(part, sentence) {
				t.Errorf("%s: window %d ends in %q", name, i, part[max(0, len(part)-40):])
			}
		}
		if seen != whole {
			t.Errorf("%s: the windows together are not the text", name)
		}
	}
}

func TestPagesStayWholeWhereTheyCan(t *testing.T) {
	var all []string
	for i := range 10 {
		all = append(all, fmt.Sprintf("Page %d. %s", i+1, strings.Repeat("Some words here. ", 30)))
	}
	for _, w := range windowsOf(t, text(all...), 500, false) {
		for _, p := range w.passages {
			if p.original != all[p.page-1] {
				t.Errorf("page %d was cut", p.page)
			}
		}
		if w.first != w.passages[0].page || w.last != w.passages[len(w.passages)-1].page {
			t.Errorf("pages %d to %d", w.first, w.last)
		}
	}
}

func TestAPageMayBeHuge(t *testing.T) {
	largest := int64(0)
	doc := measured{text(strings.Repeat("Überall Wörter mit Umlauten. ", 40_000)), &largest} // 1.2 MB
	windows := windowsOf(t, doc, 40_000, false)
	if len(windows) < 3 || largest > readPiece {
		t.Errorf("%d windows, %d bytes read at once", len(windows), largest)
	}
}

func TestScansAreBounded(t *testing.T) {
	scans := pages{images: map[int]string{}}
	for i := range 500 {
		scans.images[i+1] = "image"
	}
	n := 0
	for _, w := range windowsOf(t, scans, 8000, true) {
		if len(w.images) > maxImages {
			t.Errorf("%d images at once", len(w.images))
		}
		n += len(w.images)
	}
	if n != maxScans {
		t.Errorf("%d images", n)
	}
	if w := windowsOf(t, text(), 8000, true); len(w) != 1 || !w[0].blank() {
		t.Error("no image is one")
	}
}

func FuzzWindows(f *testing.F) {
	f.Add("One. Two! 三。\n\nFour", "", 64)
	f.Add(strings.Repeat("a\x00\xff", 100), "x", 70)
	f.Fuzz(func(t *testing.T, one, two string, tokens int) {
		tokens = min(max(tokens, minWindow), 5000)
		seen := map[int]string{}
		for _, w := range windowsOf(t, text(one, two), tokens, false) {
			for _, p := range w.passages {
				seen[p.page] += p.original
			}
		}
		if seen[1] != one || seen[2] != two {
			t.Fatalf("%q and %q became %v", one, two, seen)
		}
	})
}
