package satchel

import "time"

// Document is what was found in a file's content beside its text: its size, and what it says of itself. Empty and zero is not known.
type Document struct {
	Pages      int    // pages, slides, sheets, chapters; 1 for what has no parts; 0: no text was found
	Characters int64  // Unicode code points of the text
	Format     string // what the content was read as, such as "pdf" or "docx"
	Title      string
	Author     string
	Language   string // BCP 47, such as "en" or "de-AT", as the document says it
	Created    time.Time
	Modified   time.Time
	Width      int // of an image, in pixels
	Height     int
	Properties map[string]string // further facts in the document's own words: EXIF, subject, keywords, producer
}

// TextPage is one page of the text that was found in a file. Offset and Length are bytes in that text.
type TextPage struct {
	Number     int    // from 1
	Label      string // what the document calls it: "iv", a sheet's name, a chapter's title; empty: nothing
	Characters int    // Unicode code points
	Offset     int64
	Length     int64
}
