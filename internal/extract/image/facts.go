package image

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/bep/imagemeta"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// What reading the facts of one image may take. Real ones need a few hundred tags and a few hundred kilobytes.
const (
	maxTags  = 5_000
	maxTag   = 16 << 10
	maxRead  = 16 << 20
	maxSteps = 100_000 // reads and seeks
	maxValue = 4 << 10 // bytes of one fact
)

var errTooMuch = errors.New("image: its facts take too much to read")

// facts is what an image says of itself, by source and the tag's name: "exif Artist", "xmp Creator", "iptc By-line".
type facts struct {
	tags          map[string]string
	width, height int
}

// readFacts reads the facts. With an error there are those that came before it.
func readFacts(in extract.Input, format imagemeta.ImageFormat) (facts, error) {
	f := facts{tags: map[string]string{}}
	if format == 0 {
		return f, nil
	}
	result, err := imagemeta.Decode(imagemeta.Options{
		R:           &frugal{from: start(in)},
		ImageFormat: format,
		Sources:     imagemeta.EXIF | imagemeta.IPTC | imagemeta.XMP | imagemeta.CONFIG,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return wanted(keyOf(tag)) && !strings.HasPrefix(tag.Namespace, "IFD1")
		},
		HandleTag:    f.take,
		LimitNumTags: maxTags,
		LimitTagSize: maxTag,
	})
	f.width, f.height = result.ImageConfig.Width, result.ImageConfig.Height
	return f, err
}

// frugal reads an image for its facts and gives up when that takes too much: boxes that lead back to themselves never end.
type frugal struct {
	from  *io.SectionReader
	bytes int
	steps int
}

// Read counts, and reads.
func (f *frugal) Read(p []byte) (int, error) {
	n, err := f.from.Read(p)
	f.bytes += n
	if f.steps++; f.steps > maxSteps || f.bytes > maxRead {
		return n, errTooMuch
	}
	return n, err
}

// Seek counts, and seeks.
func (f *frugal) Seek(offset int64, whence int) (int64, error) {
	if f.steps++; f.steps > maxSteps {
		return 0, errTooMuch
	}
	return f.from.Seek(offset, whence)
}

func keyOf(tag imagemeta.TagInfo) string {
	switch tag.Source {
	case imagemeta.EXIF:
		return "exif " + tag.Tag
	case imagemeta.IPTC:
		return "iptc " + tag.Tag
	default:
		return "xmp " + tag.Tag
	}
}

// wanted are the facts that are looked at.
func wanted(key string) bool {
	switch key {
	case "exif ImageDescription", "exif Artist", "exif Copyright", "exif Software", "exif Make", "exif Model", "exif LensModel", "exif Orientation",
		"exif DateTimeOriginal", "exif OffsetTimeOriginal", "exif CreateDate", "exif OffsetTimeDigitized", "exif ModifyDate", "exif OffsetTime",
		"exif ExposureTime", "exif FNumber", "exif ISO", "exif FocalLength", "exif UserComment",
		"exif GPSLatitude", "exif GPSLatitudeRef", "exif GPSLongitude", "exif GPSLongitudeRef", "exif GPSAltitude", "exif GPSAltitudeRef",
		"iptc ObjectName", "iptc Headline", "iptc Caption-Abstract", "iptc By-line", "iptc Keywords", "iptc CopyrightNotice",
		"iptc City", "iptc Country-PrimaryLocationName", "iptc DateCreated", "iptc TimeCreated",
		"xmp Title", "xmp Description", "xmp Creator", "xmp Subject", "xmp Rights", "xmp CreatorTool", "xmp Headline", "xmp City", "xmp Country",
		"xmp DateTimeOriginal", "xmp DateCreated", "xmp CreateDate", "xmp ModifyDate", "xmp GPSLatitude", "xmp GPSLongitude", "xmp Orientation":
		return true
	}
	return false
}

// take keeps the first value of a tag, and all values of one that is a list.
func (f facts) take(tag imagemeta.TagInfo) error {
	key, value := keyOf(tag), printed(tag.Value)
	switch before := f.tags[key]; {
	case value == "":
	case before == "":
		f.tags[key] = value
	case key == "iptc Keywords" || key == "iptc By-line":
		f.tags[key] = limited(before+", "+value, maxValue)
	}
	return nil
}

// printed gives a tag's value as one line.
func printed(value any) string {
	switch v := value.(type) {
	case nil:
		return ""
	case []string:
		return limited(tidy(strings.Join(v, ", ")), maxValue)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []byte:
		return ""
	default:
		return limited(tidy(fmt.Sprint(v)), maxValue)
	}
}

// tidy makes one line of text, without what is no character.
func tidy(text string) string {
	text = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r) || r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
	return strings.Join(strings.Fields(text), " ")
}

// limited cuts text after whole characters.
func limited(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}

// first gives the first of several facts that is there.
func (f facts) first(keys ...string) string {
	for _, key := range keys {
		if value := f.tags[key]; value != "" {
			return value
		}
	}
	return ""
}

// document gives the facts in our words. XMP goes before IPTC and EXIF where people write: it has all characters and is edited last.
func (f facts) document() satchel.Document {
	about := satchel.Document{
		Title:      f.first("xmp Title", "iptc ObjectName", "xmp Headline", "iptc Headline"),
		Author:     f.first("xmp Creator", "iptc By-line", "exif Artist"),
		Created:    f.created(),
		Modified:   cmp.Or(parseTime(f.tags["exif ModifyDate"], f.tags["exif OffsetTime"]), parseTime(f.tags["xmp ModifyDate"], "")),
		Width:      f.width,
		Height:     f.height,
		Properties: map[string]string{},
	}
	for name, value := range map[string]string{
		"description":   f.first("xmp Description", "iptc Caption-Abstract", "exif ImageDescription", "exif UserComment"),
		"keywords":      f.first("xmp Subject", "iptc Keywords"),
		"copyright":     f.first("xmp Rights", "iptc CopyrightNotice", "exif Copyright"),
		"software":      f.first("exif Software", "xmp CreatorTool"),
		"camera":        f.camera(),
		"lens":          f.tags["exif LensModel"],
		"exposure_time": withUnit(f.tags["exif ExposureTime"], " s"),
		"f_number":      decimal(f.tags["exif FNumber"]),
		"iso":           f.tags["exif ISO"],
		"focal_length":  withUnit(decimal(f.tags["exif FocalLength"]), " mm"),
		"orientation":   turns(f.orientation()),
		"gps":           f.place(),
		"gps_altitude":  f.altitude(),
		"city":          f.first("xmp City", "iptc City"),
		"country":       f.first("xmp Country", "iptc Country-PrimaryLocationName"),
	} {
		if value != "" {
			about.Properties[name] = value
		}
	}
	return about
}

// camera gives maker and model, once where the model names its maker.
func (f facts) camera() string {
	maker, model := f.tags["exif Make"], f.tags["exif Model"]
	if strings.HasPrefix(strings.ToLower(model), strings.ToLower(maker)) {
		return model
	}
	return strings.TrimSpace(maker + " " + model)
}

func withUnit(value, unit string) string {
	if value == "" {
		return ""
	}
	return value + unit
}

// decimal gives a number or a fraction with at most two decimals.
func decimal(value string) string {
	number, ok := numberOf(value)
	if !ok {
		return ""
	}
	return strconv.FormatFloat(float64(int64(number*100+0.5))/100, 'f', -1, 64)
}

// numberOf gives the value of a number or fraction that is not negative and below a million.
func numberOf(value string) (float64, bool) {
	over, under, _ := strings.Cut(value, "/")
	a, err := strconv.ParseFloat(over, 64)
	b := 1.0
	if err == nil && under != "" {
		b, err = strconv.ParseFloat(under, 64)
	}
	number := a / b
	return number, err == nil && number >= 0 && number < 1e6
}

// orientation is how the stored pixels are to be turned and mirrored, from 1 to 8 as EXIF has it.
func (f facts) orientation() int {
	n, err := strconv.Atoi(f.first("exif Orientation", "xmp Orientation"))
	if err != nil || n < 1 || n > 8 {
		return 1
	}
	return n
}

// turns says an orientation in words, and nothing for the usual one.
func turns(orientation int) string {
	switch orientation {
	case 2:
		return "mirrored"
	case 3:
		return "turn by 180°"
	case 4:
		return "mirrored, turn by 180°"
	case 5:
		return "mirrored, turn by 270° clockwise"
	case 6:
		return "turn by 90° clockwise"
	case 7:
		return "mirrored, turn by 90° clockwise"
	case 8:
		return "turn by 270° clockwise"
	}
	return ""
}

// place gives latitude and longitude in degrees, south and west negative.
func (f facts) place() string {
	latitude, ok := degrees(f.tags["exif GPSLatitude"], f.tags["exif GPSLatitudeRef"], 90)
	longitude, too := degrees(f.tags["exif GPSLongitude"], f.tags["exif GPSLongitudeRef"], 180)
	if !ok || !too {
		latitude, ok = degrees(f.tags["xmp GPSLatitude"], "", 90)
		longitude, too = degrees(f.tags["xmp GPSLongitude"], "", 180)
	}
	if !ok || !too || latitude == 0 && longitude == 0 { // where no place is known, some write zeros
		return ""
	}
	return fmt.Sprintf("%.6f, %.6f", latitude, longitude)
}

func degrees(value, side string, limit float64) (float64, bool) {
	number, err := strconv.ParseFloat(value, 64)
	if err != nil || !(number >= -limit && number <= limit) {
		return 0, false
	}
	if side == "S" || side == "W" {
		number = -number
	}
	return number, true
}

func (f facts) altitude() string {
	value := withUnit(decimal(f.tags["exif GPSAltitude"]), " m")
	if value != "" && f.tags["exif GPSAltitudeRef"] == "1" {
		return "-" + value
	}
	return value
}

// created is when the picture was taken, or else made.
func (f facts) created() time.Time {
	day, hour := f.tags["iptc DateCreated"], f.tags["iptc TimeCreated"]
	return cmp.Or(
		parseTime(f.tags["exif DateTimeOriginal"], f.tags["exif OffsetTimeOriginal"]),
		parseTime(f.tags["exif CreateDate"], f.tags["exif OffsetTimeDigitized"]),
		parseTime(f.first("xmp DateTimeOriginal", "xmp DateCreated", "xmp CreateDate"), ""),
		parseTime(strings.TrimSpace(day+" "+hour), ""),
	)
}

// parseTime reads a time as EXIF, IPTC or XMP has it, with its zone behind it or apart; without one it is UTC. What is none is the zero time.
func parseTime(text, zone string) time.Time {
	if len(text) > 10 && text[4] == ':' && text[7] == ':' {
		text = text[:4] + "-" + text[5:7] + "-" + text[8:10] + "T" + text[11:]
	} else if len(text) == 10 {
		text = strings.ReplaceAll(text, ":", "-")
	}
	for _, layout := range []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", time.DateOnly, "2006-01", "2006",
	} {
		for _, candidate := range []string{text + zone, text} {
			if t, err := time.Parse(layout, candidate); err == nil && t.Year() > 1 {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
