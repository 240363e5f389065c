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

// evidence shows where in the text values stand.
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

// sources shows for every key where its value comes from.
func (m *metaChange) sources(ctx context.Context) error {
	view, err := m.client.Metadata(ctx, m.file.ID)
	if err != nil {
		return err
	}
	if m.options.json {
		_, err = io.WriteString(m.out, jsonLine(view))
		return err
	}
	values := objectOf(view.Metadata)
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(values)) {
		fmt.Fprintf(&text, "%s: %s\n", clean(key), clean(string(values[key])))
		if source := view.Sources[key]; source != nil {
			text.WriteString(m.sourceText(source))
		}
	}
	_, err = io.WriteString(m.out, text.String())
	return err
}

func (m *metaChange) sourceText(s *api.KeySource) string {
	who := "a person"
	if s.Model != nil {
		who = "the model " + clean(*s.Model)
	}
	text := fmt.Sprintf("    by %s, version %d, %s\n", who, s.Version, moment(s.At, m.now()))
	if s.Instruction != nil {
		text += fmt.Sprintf("    told: %s\n", fit(clean(*s.Instruction), 80))
	}
	switch {
	case s.Evidence != nil:
		text += fmt.Sprintf("    page %d: “%s”\n", s.Evidence.Page, clean(s.Evidence.Quote))
	case s.Model != nil:
		text += "    not found in the text\n"
	}
	return text
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
	who := "a person"
	if v.Model != nil {
		who = "the model " + clean(*v.Model)
	}
	text := fmt.Sprintf("%d  %s  by %s", v.Number, time.Unix(v.At, 0).UTC().Format("2006-01-02 15:04:05 MST"), who)
	switch {
	case v.Reverts != nil:
		text += fmt.Sprintf(", took back version %d", *v.Reverts)
	case v.Restores != nil:
		text += fmt.Sprintf(", went back to version %d", *v.Restores)
	}
	if v.Usage.TotalTokens > 0 {
		text += ", " + countOf(int(v.Usage.TotalTokens), "token", "tokens")
	}
	text += "\n"
	if v.Instruction != nil {
		text += "    told: " + fit(clean(*v.Instruction), 80) + "\n"
	}
	if v.Error != nil {
		return text + "    failed: " + clean(v.Error.Message) + "\n"
	}
	return text + "    changed: " + clean(strings.Join(v.Keys, ", ")) + "\n    " + fit(clean(bare(v.Edit)), 160) + "\n"
}
