package documents

import (
	"archive/zip"
	"bytes"
	"context"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The list of exceptions must not hide text that we miss: what it calls textless is so for others too.
func TestTextlessDocumentsHaveNoText(t *testing.T) {
	for p, e := range exceptions(t) {
		if e.verdict != textless && e.verdict != broken {
			continue
		}
		full := filepath.Join(folder, p)
		var found string
		switch ending(p) {
		case "pdf":
			found = pdftotext(t.Context(), t, full)
		case "docx", "pptx", "xlsx", "odt", "ods", "odp":
			found = officeText(t, full, e.verdict)
		}
		if found = strings.TrimSpace(found); found != "" {
			t.Errorf("exceptions.txt calls %s %s, but it has %.200q", p, e.verdict, found)
		}
	}
}

// pdftotext gives what poppler finds. That it fails over a broken document is as good as nothing.
func pdftotext(ctx context.Context, t *testing.T, file string) string {
	t.Helper()
	program, err := exec.LookPath("pdftotext")
	if err != nil {
		t.Fatalf("%v; scripts/corpus installs it", err)
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "-q", file, "-")
	cmd.Stdout = &out
	_ = cmd.Run()
	return out.String()
}

// The parts of a document that hold its text, and the elements in them. ODF has it in any element, but for what describes pictures.
var (
	textParts    = regexp.MustCompile(`^(word/(document|header|footer|footnotes|endnotes)\d*|ppt/slides/slide\d+|xl/(sharedStrings|worksheets/sheet\d+)|content)\.xml$`)
	textElements = regexp.MustCompile(`<(?:w:t|a:t|t|v)(?: [^>]*)?>([^<]*)<`)
	described    = regexp.MustCompile(`(?s)<office:automatic-styles.*?</office:automatic-styles>|<svg:(title|desc)>.*?</svg:(title|desc)>`)
)

// officeText gives all that stands between the tags of an office document, without any understanding of it.
func officeText(t *testing.T, file string, v verdict) string {
	t.Helper()
	archive, err := zip.OpenReader(file)
	if err != nil {
		if v != broken {
			t.Errorf("%s: %v", file, err)
		}
		return ""
	}
	defer archive.Close()
	var all strings.Builder
	for _, part := range archive.File {
		if !textParts.MatchString(part.Name) {
			continue
		}
		reader, err := part.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(io.LimitReader(reader, 16<<20))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if part.Name == "content.xml" {
			all.WriteString(markup.ReplaceAllString(described.ReplaceAllString(string(text), " "), " "))
			continue
		}
		for _, match := range textElements.FindAllSubmatch(text, -1) {
			all.Write(match[1])
		}
	}
	return all.String()
}
