package documents

import (
	"encoding/json"
	"fmt"
	"strings"
)

// writeText writes pages that end with form feeds, as printers' text does.
func writeText(a *author, pages int) []byte {
	all := make([]string, pages)
	for i := range all {
		all[i] = a.heading() + "\n\n" + wrap(a.paragraphs(pageWords), 78)
	}
	return []byte(strings.Join(all, "\f"))
}

// wrap breaks paragraphs into lines of at most so many characters, with an empty line between two paragraphs.
func wrap(paragraphs []string, width int) string {
	var s strings.Builder
	for _, paragraph := range paragraphs {
		for _, line := range lines(paragraph, width) {
			s.WriteString(line + "\n")
		}
		s.WriteString("\n")
	}
	return s.String()
}

// lines breaks a paragraph.
func lines(paragraph string, width int) (all []string) {
	line := ""
	for word := range strings.FieldsSeq(paragraph) {
		if line != "" && len(line)+1+len(word) > width {
			all = append(all, line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	return append(all, line)
}

func writeMarkdown(a *author, pages int) []byte {
	var s strings.Builder
	for range pages {
		s.WriteString("## " + a.heading() + "\n\n" + wrap(a.paragraphs(pageWords), 100))
		for range 5 {
			s.WriteString("- " + a.sentences(8) + "\n")
		}
		s.WriteString("\n")
	}
	return []byte(s.String())
}

func writeHTML(a *author, pages int) []byte {
	var s strings.Builder
	fmt.Fprintf(&s, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>%s</title>"+
		"<style>p { margin: 1em }</style></head>\n<body>\n", a.heading())
	for range pages {
		fmt.Fprintf(&s, "<h2>%s</h2>\n", a.heading())
		for _, paragraph := range a.paragraphs(pageWords) {
			fmt.Fprintf(&s, "<p>%s <a href=\"https://example.com/%d\">%s</a> <em>%s</em></p>\n", paragraph, a.IntN(1000), a.heading(), a.heading())
		}
		s.WriteString("<table>")
		for range 5 {
			fmt.Fprintf(&s, "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", a.date(), a.heading(), a.number())
		}
		s.WriteString("</table>\n")
	}
	return []byte(s.String() + "</body></html>\n")
}

// row gives the cells of a row: a date, words, and numbers.
func (a *author) row() [6]string {
	return [6]string{a.date(), a.heading(), a.words(1)[0], a.number(), a.number(), a.number()}
}

func writeCSV(a *author, pages int) []byte {
	var s strings.Builder
	s.WriteString("date,subject,kind,net,tax,gross\n")
	for range pages * rows {
		cells := a.row()
		s.WriteString(strings.Join(cells[:], ",") + "\n")
	}
	return []byte(s.String())
}

func writeJSON(a *author, pages int) []byte {
	type entry struct {
		Date    string   `json:"date"`
		Subject string   `json:"subject"`
		Text    string   `json:"text"`
		Numbers []string `json:"numbers"`
	}
	entries := make([]entry, pages*rows)
	for i := range entries {
		entries[i] = entry{a.date(), a.heading(), a.sentences(12), []string{a.number(), a.number()}}
	}
	text, err := json.MarshalIndent(map[string]any{"title": a.heading(), "entries": entries}, "", " ")
	if err != nil {
		panic(err) // strings encode
	}
	return text
}

// writeMail writes a letter with its text twice, as mail programs do: plain and in HTML.
func writeMail(a *author, pages int) []byte {
	const boundary = "part-7c1f"
	paragraphs := a.paragraphs(pages * pageWords)
	head := fmt.Sprintf("From: Ada Example <ada@example.com>\nTo: Bo Example <bo@example.com>\nSubject: %s\nDate: Mon, 02 Jun 2025 10:%02d:00 +0000\n"+
		"Message-ID: <%d@example.com>\nMIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=%q\n\n", a.heading(), a.IntN(60), a.Int64(), boundary)
	plain := "--" + boundary + "\nContent-Type: text/plain; charset=utf-8\n\n" + wrap(paragraphs, 76)
	html := "\n--" + boundary + "\nContent-Type: text/html; charset=utf-8\n\n<html><body><p>" +
		strings.ReplaceAll(strings.TrimSpace(wrap(paragraphs, 76)), "\n\n", "</p>\n<p>") + "</p></body></html>\n"
	return []byte(strings.ReplaceAll(head+plain+html+"--"+boundary+"--\n", "\n", "\r\n"))
}
