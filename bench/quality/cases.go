package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

// half is the part of the set to which a case belongs.
type half string

// The halves: prompts are chosen by one and judged by the other.
const (
	tune   half = "tune"
	report half = "report"
)

// document is a text with known answers.
type document struct {
	Half        half            `json:"half"`
	Kind        string          `json:"kind"`
	Language    string          `json:"language"`
	Instruction string          `json:"instruction"`
	Schema      string          `json:"schema,omitempty"`
	Metadata    json.RawMessage `json:"metadata,omitempty"`
	Fields      map[string]want `json:"fields"`

	name  string
	order []string // the keys of Fields as the file has them
	text  string
}

// edit is a change of metadata that an instruction asks for.
type edit struct {
	Half        half            `json:"half"`
	Kind        string          `json:"kind"`
	Language    string          `json:"language"`
	Instruction string          `json:"instruction"`
	Schema      json.RawMessage `json:"schema,omitempty"`
	Metadata    json.RawMessage `json:"metadata"`
	Document    string          `json:"document,omitempty"`
	After       map[string]want `json:"after"`
	Gone        []string        `json:"gone,omitempty"`
	May         []string        `json:"may,omitempty"`

	name   string
	text   string // of Document
	before satchel.Metadata
}

// set is everything there is to answer, sorted by name.
type set struct {
	documents []document
	edits     []edit
}

// load reads the folders documents and edits of a file system.
func load(files fs.FS) (s set, err error) {
	names, err := fs.Glob(files, "documents/*.json")
	if err != nil {
		return s, err
	}
	for _, name := range names {
		d, err := loadDocument(files, name)
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		s.documents = append(s.documents, d)
	}
	if names, err = fs.Glob(files, "edits/*.json"); err != nil {
		return s, err
	}
	for _, name := range names {
		e, err := loadEdit(files, name)
		if err != nil {
			return s, fmt.Errorf("%s: %w", name, err)
		}
		s.edits = append(s.edits, e)
	}
	return s, nil
}

func loadDocument(files fs.FS, name string) (d document, err error) {
	side, err := fs.ReadFile(files, name)
	if err != nil {
		return d, err
	}
	if err := decode(side, &d); err != nil {
		return d, err
	}
	d.name = strings.TrimSuffix(path.Base(name), ".json")
	d.order = orderOf(side, d.Fields)
	d.text, err = documentText(files, d.name)
	return d, err
}

func documentText(files fs.FS, name string) (string, error) {
	text, err := fs.ReadFile(files, path.Join("documents", name+".txt"))
	return string(text), err
}

func loadEdit(files fs.FS, name string) (e edit, err error) {
	side, err := fs.ReadFile(files, name)
	if err != nil {
		return e, err
	}
	if err := decode(side, &e); err != nil {
		return e, err
	}
	e.name = strings.TrimSuffix(path.Base(name), ".json")
	if e.Document != "" {
		if e.text, err = documentText(files, e.Document); err != nil {
			return e, err
		}
	}
	e.before, err = satchel.ParseMetadata(e.Metadata)
	return e, err
}

// orderOf gives the keys in the order in which they stand in the file: users write the important ones first.
func orderOf(side []byte, fields map[string]want) []string {
	text := string(side)
	text = text[max(0, strings.Index(text, `"fields"`)):]
	place := func(key string) int { return strings.Index(text, `"`+key+`": {`) }
	return slices.SortedFunc(slices.Values(sortedKeys(fields)), func(a, b string) int { return cmp.Compare(place(a), place(b)) })
}

// schema gives the JSON Schema of the fields as a user would write it, or nothing.
func (d *document) schema() string {
	if d.Schema == "none" {
		return ""
	}
	var b strings.Builder
	b.WriteString(`{"type":"object","properties":{`)
	for i, key := range d.order {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(satchel.CanonicalJSON(key) + ":" + d.Fields[key].schema())
	}
	b.WriteString(`},"additionalProperties":false}`)
	return b.String()
}

// schema gives the JSON Schema of one field.
func (w want) schema() string {
	object := map[string]any{"type": w.Type}
	for key, value := range map[string]string{"format": w.Format, "description": w.Description} {
		if value != "" {
			object[key] = value
		}
	}
	if len(w.Enum) > 0 {
		object["enum"] = w.Enum
	}
	if len(w.Items) > 0 {
		object["items"] = w.Items
	}
	return satchel.CanonicalJSON(object)
}

func (d *document) before() (satchel.Metadata, error) {
	if len(d.Metadata) == 0 {
		return satchel.Metadata{}, nil
	}
	return satchel.ParseMetadata(d.Metadata)
}
