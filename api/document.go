package api

// Document is what was found in a file's content.
type Document struct {
	Format     string            `json:"format" doc:"What the content was read as; empty: it could not be read" example:"pdf"`
	Pages      int               `json:"pages" minimum:"0" doc:"Pages, slides, sheets or chapters; 1 for what has no parts; 0: no text was found"`
	Characters int64             `json:"characters" minimum:"0" doc:"Unicode code points of the text"`
	Title      *string           `json:"title" nullable:"true" doc:"As the document says it"`
	Author     *string           `json:"author" nullable:"true" doc:"As the document says it"`
	Language   *string           `json:"language" nullable:"true" doc:"As the document says it" example:"en"`
	CreatedAt  *int64            `json:"created_at" nullable:"true" doc:"As the document says it, Unix seconds"`
	ModifiedAt *int64            `json:"modified_at" nullable:"true" doc:"As the document says it, Unix seconds"`
	Width      int               `json:"width,omitempty" doc:"Of an image, in pixels"`
	Height     int               `json:"height,omitempty" doc:"Of an image, in pixels"`
	Properties map[string]string `json:"properties,omitempty" doc:"Further facts in the document's own words: EXIF, subject, keywords"`
}

// Page is one page of the text that was found in a file.
type Page struct {
	Object     string  `json:"object" enum:"page"`
	Number     int     `json:"number" minimum:"1" doc:"From 1"`
	Label      *string `json:"label" nullable:"true" doc:"What the document calls it: iv, a sheet's name, a chapter's title"`
	Characters int     `json:"characters" minimum:"0" doc:"Unicode code points"`
	Text       *string `json:"text,omitempty" doc:"Where it was asked for"`
}

// PageList is a part of the pages of a file's text, in their order.
type PageList struct {
	Object  string  `json:"object" enum:"list"`
	Data    []*Page `json:"data" nullable:"false"`
	HasMore bool    `json:"has_more" doc:"There are more pages behind the last one: pass its number as after"`
}
