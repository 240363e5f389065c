package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/satchel-files/satchel/api"
)

// The colours of a difference, where standard output is a terminal.
const (
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	normal = "\x1b[0m"
)

// difference shows two states of metadata, a line for every top-level key that is not the same in both.
func (p *program) difference(before, after json.RawMessage) string {
	was, is := objectOf(before), objectOf(after)
	keys := slices.Sorted(maps.Keys(was))
	for key := range is {
		if _, ok := was[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	var text strings.Builder
	for _, key := range keys {
		old, had := was[key]
		value, has := is[key]
		if had && has && string(old) == string(value) {
			continue
		}
		if had {
			text.WriteString(p.coloured(red, "- "+clean(key)+": "+clean(string(old))) + "\n")
		}
		if has {
			text.WriteString(p.coloured(green, "+ "+clean(key)+": "+clean(string(value))) + "\n")
		}
	}
	if text.Len() == 0 {
		return "Nothing was changed.\n"
	}
	return text.String()
}

func (p *program) coloured(colour, text string) string {
	if !p.outTerminal || p.env("NO_COLOR") != "" {
		return text
	}
	return colour + text + normal
}

func objectOf(text json.RawMessage) map[string]json.RawMessage {
	object := map[string]json.RawMessage{}
	_ = json.Unmarshal(text, &object) // the server sends objects; anything else has no keys
	return object
}

// evidence shows where in the text values stand; empty if none does.
func (p *program) evidence(all map[string]json.RawMessage) string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(all)) {
		var found api.Evidence
		if json.Unmarshal(all[key], &found) == nil && found.Page > 0 {
			fmt.Fprintf(&text, "  %s: page %d, “%s”\n", clean(key), found.Page, clean(found.Quote))
		}
	}
	if text.Len() == 0 {
		return ""
	}
	return "\nIn the document:\n" + text.String()
}

// sources shows where each value comes from: version by version, newest first.
func (m *metaChange) sources(ctx context.Context) error {
	view, err := m.client.Metadata(ctx, m.file.ID)
	if err != nil {
		return err
	}
	if m.options.json {
		_, err = io.WriteString(m.out, jsonLine(view))
		return err
	}
	keys := map[int64][]string{}
	for key, source := range view.Sources {
		keys[source.Version] = append(keys[source.Version], key)
	}
	values := objectOf(view.Metadata)
	var parts []string
	for _, version := range slices.Backward(slices.Sorted(maps.Keys(keys))) {
		slices.Sort(keys[version])
		parts = append(parts, m.sourceText(view, keys[version], values))
	}
	if len(parts) == 0 {
		parts = []string{"There are no metadata.\n"}
	}
	_, err = io.WriteString(m.out, strings.Join(parts, "\n"))
	return err
}

// sourceText shows the keys that one version brought.
func (m *metaChange) sourceText(view *api.MetadataView, keys []string, values map[string]json.RawMessage) string {
	var text strings.Builder
	line := func(format string, args ...any) { text.WriteString(m.fitted(clean(fmt.Sprintf(format, args...)))) }
	from := view.Sources[keys[0]]
	line("Version %d, %s, by %s", from.Version, moment(from.At, m.now()), author(from.Model))
	if from.Instruction != nil {
		line("  told: %s", *from.Instruction)
	}
	for _, key := range keys {
		line("  %s: %s", key, values[key])
		switch source := view.Sources[key]; {
		case source.Evidence != nil:
			line("      page %d: “%s”", source.Evidence.Page, source.Evidence.Quote)
		case source.Model != nil:
			line("      not found in the text")
		}
	}
	return text.String()
}

// author names who made a change.
func author(model *string) string {
	if model == nil {
		return "a person"
	}
	return "the model " + clean(*model)
}

// fitted gives a line, cut to the terminal where there is one.
func (p *program) fitted(line string) string {
	if p.width > 0 {
		line = fit(line, p.width)
	}
	return line + "\n"
}

// history lists the versions, newest first.
func (m *metaChange) history(ctx context.Context) error {
	for after := int64(0); ; {
		list, err := m.client.Versions(ctx, m.file.ID, after, 0)
		if err != nil {
			return err
		}
		for _, version := range list.Data {
			text := m.versionText(version)
			if m.options.json {
				text = jsonLine(version)
			}
			if _, err := io.WriteString(m.out, text); err != nil {
				return err
			}
			after = version.Number
		}
		if !list.HasMore {
			return nil
		}
	}
}

func (m *metaChange) versionText(v *api.Version) string {
	who := "by " + author(v.Model)
	if v.Error != nil {
		who = "an instruction that failed"
	}
	text := fmt.Sprintf("%d  %s  %s", v.Number, time.Unix(v.At, 0).UTC().Format("2006-01-02 15:04:05 MST"), who)
	switch {
	case v.Reverts != nil:
		text += fmt.Sprintf(", took back version %d", *v.Reverts)
	case v.Restores != nil:
		text += fmt.Sprintf(", went back to version %d", *v.Restores)
	case v.Replaces && v.Number > 1:
		text += ", replaced everything"
	}
	if v.Usage.TotalTokens > 0 {
		text += ", " + countOf(int(v.Usage.TotalTokens), "token", "tokens")
	}
	text = m.fitted(text)
	if v.Instruction != nil {
		text += m.fitted("    told: " + clean(*v.Instruction))
	}
	if v.Error != nil {
		return text + m.fitted("    failed: "+clean(v.Error.Message))
	}
	if edit := changeOf(v); len(edit.Set) > 0 || !v.Replaces {
		return text + m.editText("    ", edit)
	}
	return text + "    no metadata\n"
}

// changeOf gives what a version changed as an edit, whoever made it.
func changeOf(v *api.Version) *api.Edit {
	edit := &api.Edit{}
	if v.Model != nil || v.Reverts != nil {
		_ = json.Unmarshal(v.Edit, edit) // the server writes edits; anything else shows nothing
		return edit
	}
	edit.Set = map[string]json.RawMessage{}
	for key, value := range objectOf(v.Edit) {
		if string(value) == "null" && !v.Replaces {
			edit.Remove = append(edit.Remove, pointerOf(key))
			continue
		}
		edit.Set[key] = value
	}
	slices.Sort(edit.Remove)
	return edit
}

// pointerOf gives the JSON Pointer of a top-level key.
func pointerOf(key string) string {
	return "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}

// editText shows an edit, a line for every part of it, each behind an indent.
func (p *program) editText(indent string, e *api.Edit) string {
	var text strings.Builder
	line := func(colour, content string) {
		content = strings.TrimSuffix(p.fitted(indent+content), "\n")
		text.WriteString(p.coloured(colour, content) + "\n")
	}
	for _, from := range slices.Sorted(maps.Keys(e.Rename)) {
		line(yellow, "~ "+pathText(from)+" → "+pathText(e.Rename[from]))
	}
	for _, path := range e.Remove {
		line(red, "- "+pathText(path))
	}
	for _, key := range slices.Sorted(maps.Keys(e.Set)) {
		line(green, "+ "+clean(key)+": "+clean(string(e.Set[key])))
	}
	if text.Len() == 0 {
		return indent + "nothing\n"
	}
	return text.String()
}

// pathText writes a JSON Pointer as people do: keys with dots between them.
func pathText(pointer string) string {
	keys := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, key := range keys {
		keys[i] = clean(strings.NewReplacer("~1", "/", "~0", "~").Replace(key))
	}
	return strings.Join(keys, ".")
}
