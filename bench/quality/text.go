package main

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

// memoryText is a document in memory; a form feed ends a page.
type memoryText struct {
	text  string
	pages []satchel.TextPage
}

func newMemoryText(text string) *memoryText {
	t := &memoryText{text: text}
	if strings.TrimSpace(text) == "" {
		return t
	}
	var offset int64
	for i, page := range strings.Split(text, "\f") {
		t.pages = append(t.pages, satchel.TextPage{
			Number: i + 1, Characters: utf8.RuneCountInString(page), Offset: offset, Length: int64(len(page)),
		})
		offset += int64(len(page)) + 1
	}
	return t
}

// Pages implements instruct.Text.
func (t *memoryText) Pages() []satchel.TextPage { return t.pages }

// Read implements instruct.Text.
func (t *memoryText) Read(_ context.Context, offset, length int64) (string, error) {
	return t.text[offset : offset+length], nil
}

// Image implements instruct.Text: there are none.
func (t *memoryText) Image(context.Context, int) ([]byte, error) { return nil, nil }
