// Command scale works out from bench/RESULTS.md what larger installations need, and writes it into docs/scale.md, between its two marks:
//
//	go run ./bench/scale
//
// It multiplies what was measured on one machine, and assumes nothing that it does not say.
package main

import (
	"errors"
	"fmt"
	"os"
	"strings"
)

const (
	results  = "bench/RESULTS.md"
	document = "docs/scale.md"
	begin    = "<!-- worked out by go run ./bench/scale -->\n"
	end      = "<!-- end -->\n"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "scale:", err)
		os.Exit(1)
	}
}

func run() error {
	measured, err := os.ReadFile(results)
	if err != nil {
		return fmt.Errorf("run it in the repository: %w", err)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		return err
	}
	changed, err := replace(string(text), string(measured))
	if err != nil {
		return err
	}
	return os.WriteFile(document, []byte(changed), 0o644)
}

// replace gives the document with what follows from the results.
func replace(text, measured string) (string, error) {
	head, rest, first := strings.Cut(text, begin)
	_, tail, second := strings.Cut(rest, end)
	if !first || !second {
		return "", errors.New(document + " has no marks")
	}
	f, err := readFigures(measured)
	if err != nil {
		return "", err
	}
	return head + begin + "\n" + f.tables() + "\n" + end + tail, nil
}
