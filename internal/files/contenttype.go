package files

import (
	"mime"
	"path/filepath"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

const (
	typeUnknown = "application/octet-stream"
	typeText    = "text/plain"
)

// detectType gives the content type of bytes that begin with head. The bytes decide; where they only say "text" or nothing, the file's
// name and then the client's word may make it more precise, but never turn text into something that is not.
func detectType(head []byte, filename, declared string) string {
	found := baseType(mimetype.Detect(head).String())
	if len(head) > 0 && found != typeUnknown && found != typeText {
		return found
	}
	for _, hint := range []string{typeByExtension(filename), baseType(declared)} {
		if plausible(found, hint, len(head) == 0) {
			return hint
		}
	}
	if len(head) == 0 {
		return typeUnknown
	}
	return found
}

// plausible reports whether the bytes, which were found to be text or unknown, can be what the hint says.
func plausible(found, hint string, empty bool) bool {
	if hint == "" || hint == typeUnknown {
		return false
	}
	if found == typeUnknown && !empty {
		return !isTextual(hint)
	}
	return empty || isTextual(hint)
}

func isTextual(contentType string) bool {
	switch contentType {
	case "application/json", "application/yaml", "application/toml", "application/xml", "application/x-ndjson", "application/sql":
		return true
	}
	return strings.HasPrefix(contentType, "text/")
}

// typeByExtension knows the text formats that no magic number tells, whatever is installed on the machine.
func typeByExtension(filename string) string {
	switch strings.ToLower(filepath.Ext(filename)) {
	case ".txt", ".log", ".text":
		return typeText
	case ".md", ".markdown":
		return "text/markdown"
	case ".csv":
		return "text/csv"
	case ".tsv":
		return "text/tab-separated-values"
	case ".json":
		return "application/json"
	case ".jsonl", ".ndjson":
		return "application/x-ndjson"
	case ".yaml", ".yml":
		return "application/yaml"
	case ".toml":
		return "application/toml"
	case ".xml":
		return "application/xml"
	case ".html", ".htm":
		return "text/html"
	case ".sql":
		return "application/sql"
	}
	return ""
}

// baseType gives a content type without its parameters, "" for what is none.
func baseType(contentType string) string {
	base, _, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.Contains(base, "/") || len(base) > 127 {
		return ""
	}
	return base
}
