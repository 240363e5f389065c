package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// childWord starts this program as a process that reads documents.
const childWord = "read-documents"

// TestMain runs the tests, or is a process that reads documents.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == childWord {
		if err := readDocuments(context.Background()); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func readDocuments(ctx context.Context) error {
	conn, err := extract.Inherited()
	if err != nil {
		return err
	}
	return extract.Serve(ctx, extract.ServeConfig{Formats: []extract.Format{orders{}}, Detect: detectOrder}, conn)
}

// detectOrder makes "test/pages" of a document whose first word is "pages", and of others a type that nobody reads.
func detectOrder(in *io.SectionReader, _ string) (string, error) {
	var word string
	if _, err := fmt.Fscan(in, &word); err != nil {
		return "application/octet-stream", nil //nolint:nilerr // it has no word
	}
	return "test/" + word, nil
}

// orders is a Format whose documents say what it is to do: the first line is an order, the others are its matter.
type orders struct{}

func (orders) Types() []string {
	return []string{"test/pages", "test/scan", "test/fail", "test/hang", "test/die"}
}

func (orders) Extract(_ context.Context, in extract.Input, out extract.Output) (satchel.Document, error) {
	reader := bufio.NewReader(in)
	first, _ := reader.ReadString('\n')
	rest, err := io.ReadAll(reader)
	if err != nil {
		return satchel.Document{}, err
	}
	order, argument, _ := strings.Cut(strings.TrimSpace(first), " ")
	switch order {
	case "pages": // a page for every paragraph
		return satchel.Document{Format: "orders", Title: argument}, pages(out, strings.Split(string(rest), "\n\n"))
	case "scan": // a page without text
		return satchel.Document{Format: "scan"}, pages(out, []string{""})
	case "fail": // with this code
		return satchel.Document{}, &satchel.Error{Code: satchel.Code(argument), Message: "as it was ordered"}
	case "hang": // after a page
		if err := pages(out, []string{"one", "two"}); err != nil {
			return satchel.Document{}, err
		}
		<-make(chan struct{})
	case "die":
		os.Exit(3)
	}
	return satchel.Document{}, errors.New("an order that nobody knows")
}

func pages(out extract.Output, texts []string) error {
	if err := out.Expect(len(texts)); err != nil {
		return err
	}
	for _, text := range texts {
		if err := out.Page(extract.Page{Text: strings.TrimSpace(text)}); err != nil {
			return err
		}
	}
	return nil
}
