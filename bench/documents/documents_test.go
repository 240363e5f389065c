package documents

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/mail"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

// The formats that have a grammar of their own keep it.
func TestWhole(t *testing.T) {
	for format, check := range map[string]func([]byte) error{
		"docx": office("word/document.xml"), "pptx": office("ppt/slides/slide3.xml"), "xlsx": office("xl/worksheets/sheet3.xml"),
		"pdf": offsets, "html": parsed, "csv": table, "json": valid, "mail": letter,
	} {
		t.Run(format, func(t *testing.T) {
			if err := check(Make(format, 3, 1).Content); err != nil {
				t.Error(err)
			}
		})
	}
}

// office looks for a part, and reads all parts.
func office(part string) func([]byte) error {
	return func(content []byte) error {
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return err
		}
		if _, err := archive.Open(part); err != nil {
			return err
		}
		for _, f := range archive.File {
			if err := wellFormed(f); err != nil {
				return fmt.Errorf("%s: %w", f.Name, err)
			}
		}
		return nil
	}
}

func wellFormed(f *zip.File) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	for d := xml.NewDecoder(r); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// offsets looks whether every object stands where the table says.
func offsets(content []byte) error {
	entries := regexp.MustCompile(`(?m)^(\d{10}) 00000 n $`).FindAllSubmatch(content, -1)
	for i, entry := range entries {
		var at int
		if _, err := fmt.Sscanf(string(entry[1]), "%d", &at); err != nil {
			return err
		}
		if want := fmt.Sprintf("%d 0 obj\n", i+1); !bytes.HasPrefix(content[at:], []byte(want)) {
			return fmt.Errorf("at %d stands %.20q, not %q", at, content[at:], want)
		}
	}
	if len(entries) != 4+2*3 {
		return fmt.Errorf("%d objects", len(entries))
	}
	return nil
}

func parsed(content []byte) error {
	_, err := html.Parse(bytes.NewReader(content))
	if n := bytes.Count(content, []byte("<h2>")); err == nil && n != 3 {
		err = fmt.Errorf("%d headings", n)
	}
	return err
}

func table(content []byte) error {
	all, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err == nil && len(all) != 1+3*rows {
		err = fmt.Errorf("%d rows", len(all))
	}
	return err
}

func valid(content []byte) error {
	if !json.Valid(content) {
		return errors.New("no JSON")
	}
	return nil
}

func letter(content []byte) error {
	m, err := mail.ReadMessage(bytes.NewReader(content))
	if err == nil && !strings.HasPrefix(m.Header.Get("Content-Type"), "multipart/alternative") {
		err = fmt.Errorf("a letter of type %q", m.Header.Get("Content-Type"))
	}
	return err
}

func TestSeeds(t *testing.T) {
	for _, format := range Formats() {
		t.Run(format, func(t *testing.T) {
			one, again, other := Make(format, 2, 1), Make(format, 2, 1), Make(format, 2, 2)
			if !bytes.Equal(one.Content, again.Content) {
				t.Error("the same seed gives other bytes")
			}
			if bytes.Equal(one.Content, other.Content) || one.Name == other.Name {
				t.Error("another seed gives the same document")
			}
		})
	}
}
