package pdf

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klippa-app/go-pdfium/requests"

	"github.com/satchel-files/satchel"
)

const maxValue = 4 << 10 // bytes of what a document says of itself, for each thing

var (
	languageTag = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
	pdfDate     = regexp.MustCompile(`^(?:D:)?\s*(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.\d+)?\s*(?:Z[0-9']*|([+-])(\d\d)(?:'?:?(\d\d))?)?'?\s*$`)
)

// about gives what the document says of itself.
func (d *document) about() (satchel.Document, error) {
	about := satchel.Document{Format: "pdf", Properties: map[string]string{}}
	for tag, take := range map[string]func(string){
		"Title":        func(s string) { about.Title = s },
		"Author":       func(s string) { about.Author = s },
		"CreationDate": func(s string) { about.Created = parseDate(s) },
		"ModDate":      func(s string) { about.Modified = parseDate(s) },
		"Subject":      func(s string) { about.Properties["subject"] = s },
		"Keywords":     func(s string) { about.Properties["keywords"] = s },
		"Creator":      func(s string) { about.Properties["creator"] = s },
		"Producer":     func(s string) { about.Properties["producer"] = s },
	} {
		value, err := d.info(tag)
		if err != nil {
			return about, err
		}
		if value != "" {
			take(value)
		}
	}
	var err error
	about.Language, err = d.language()
	return about, err
}

// info gives an entry of the document's information, in one line.
func (d *document) info(tag string) (string, error) {
	text, err := d.pdfium.FPDF_GetMetaText(&requests.FPDF_GetMetaText{Document: d.ref, Tag: tag})
	if err != nil {
		return "", d.fatal(err)
	}
	return phrase(text.Value, maxValue), nil
}

// language gives the language of the whole document, if it is a tag at least in its form.
func (d *document) language() (string, error) {
	found, err := d.pdfium.FPDFCatalog_GetLanguage(&requests.FPDFCatalog_GetLanguage{Document: d.ref})
	if err != nil {
		return "", d.fatal(err)
	}
	tag := strings.ReplaceAll(phrase(found.Language, maxLabel), "_", "-")
	if !languageTag.MatchString(tag) {
		return "", nil
	}
	return tag, nil
}

// parseDate reads a date as PDFs have it, "D:20240131235959+01'00'", from which anything after the year may be missing, or as programs that
// do not know better write it. What is no date is the zero time; what has no zone is UTC.
func parseDate(text string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", time.DateOnly, time.ANSIC, time.RFC1123Z} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	found := pdfDate.FindStringSubmatch(text)
	if found == nil {
		return time.Time{}
	}
	part := func(i, otherwise int) int {
		if n, err := strconv.Atoi(found[i]); err == nil {
			return n
		}
		return otherwise
	}
	offset := part(8, 0)*3600 + part(9, 0)*60
	if found[7] == "-" {
		offset = -offset
	}
	year, month, day := part(1, 0), part(2, 1), part(3, 1)
	t := time.Date(year, time.Month(month), day, part(4, 0), part(5, 0), part(6, 0), 0, time.FixedZone("", offset)).UTC()
	if year == 0 || month < 1 || month > 12 || day < 1 || day > 31 || offset > 24*3600 || offset < -24*3600 {
		return time.Time{}
	}
	return t
}
