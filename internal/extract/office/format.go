package office

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

const (
	maxFormats = 4096 // number formats that are applied in one document; values in others are shown plain
	maxFormat  = 255  // bytes of a number format, as Excel has it
	maxShown   = 8192 // formatted values that are remembered for each format
	maxValue   = 64   // bytes of a number
)

// formatter shows numbers as Excel does. The work is excelize's, on a workbook of our own with one cell for each number format: a
// document's XML never gets there.
type formatter struct {
	book     *excelize.File
	date1904 bool // days are counted from 1904
	formats  map[string]*numberFormat
}

// numberFormat is a number format in use.
type numberFormat struct {
	cell     string // that has it; "": it cannot be applied
	sections []string
	shown    map[string]string // by value: dates come again and again, and take long
	moment   []string          // the format of the day, what stands between, the format of the time; nil: it has no such parts
}

// momentCode is a format of days and times without fractions. Each part alone has far fewer values than both together.
var momentCode = regexp.MustCompile(`^([ymdYMD][-ymdYMD/\\., ]*[ymdYMD])([\\ ]+|"?T"?)([hH]{1,2}:[mM]{1,2}(?::[sS]{1,2})?(?: AM/PM)?)(?:;@)?$`)

func newFormatter(date1904 bool) *formatter {
	return &formatter{date1904: date1904, formats: map[string]*numberFormat{}}
}

// show gives a number as it is displayed in a format.
func (f *formatter) show(code, value string) string {
	if isGeneral(code) || len(code) > maxFormat || !isNumber(value) {
		return general(value)
	}
	format := f.formats[code]
	if format == nil {
		if len(f.formats) >= maxFormats {
			return general(value)
		}
		format = &numberFormat{cell: f.prepare(code), sections: sections(code), shown: map[string]string{}, moment: momentCode.FindStringSubmatch(code)}
		f.formats[code] = format
	}
	if format.moment != nil {
		if text, ok := f.moment(format, value); ok {
			return text
		}
	}
	if text, ok := format.shown[value]; ok {
		return text
	}
	if len(format.shown) >= maxShown {
		clear(format.shown)
	}
	text, ok := format.words(value)
	if !ok {
		text = f.apply(format.cell, f.days(format, value))
	}
	format.shown[value] = text
	return text
}

func isGeneral(code string) bool {
	return code == "" || code == "@" || strings.EqualFold(code, "general")
}

// isNumber tells numbers as XML has them from what else Go would take for one.
func isNumber(value string) bool {
	return len(value) <= maxValue && strings.Trim(value, "+-.0123456789eE") == ""
}

// general shows a number as Excel does where nothing is said: with 15 digits at most.
func general(value string) string {
	const digits, size = 15, 64
	if len(value) <= digits && strings.Trim(value, "0123456789") == "" || !isNumber(value) {
		return value
	}
	n, err := strconv.ParseFloat(value, size)
	if err != nil {
		return value
	}
	short, err := strconv.ParseFloat(strconv.FormatFloat(n, 'g', digits, size), size)
	if err != nil {
		return value
	}
	if size := math.Abs(short); size != 0 && (size >= 1e20 || size < 1e-9) {
		return strconv.FormatFloat(short, 'E', -1, 64)
	}
	return strconv.FormatFloat(short, 'f', -1, size)
}

// moment shows a day and a time, to the nearest second.
func (f *formatter) moment(format *numberFormat, value string) (string, bool) {
	const first, last, seconds, size = 61, 2958466, 24 * 60 * 60, 64 // March 1900 to the year 9999
	n, err := strconv.ParseFloat(value, size)
	if err != nil || !(n >= first && n < last) {
		return "", false
	}
	total := int(math.Round(n * seconds))
	day, time := strconv.Itoa(total/seconds), strconv.FormatFloat(float64(total%seconds)/seconds, 'f', -1, size)
	return f.show(format.moment[1], day) + strings.Trim(format.moment[2], `\"`) + f.show(format.moment[3], time), true
}

// days turns the days from 1904 of a date into those from 1900. excelize would be wrong about the first weeks.
func (f *formatter) days(format *numberFormat, value string) string {
	const four, size = 1462, 64
	if n, err := strconv.ParseFloat(value, size); f.date1904 && format.isDate() && err == nil {
		return strconv.FormatFloat(n+four, 'f', -1, size)
	}
	return value
}

// isDate reports whether a format shows a year or a day.
func (f *numberFormat) isDate() bool {
	bare := f.sections
	if len(bare) > 1 {
		bare = bare[:1]
	}
	quoted := false
	return strings.ContainsFunc(strings.Join(bare, ""), func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return !quoted && (r == 'y' || r == 'Y' || r == 'd' || r == 'D')
	})
}

// apply asks excelize. What it breaks down over is shown plain.
func (f *formatter) apply(cell, value string) (text string) {
	defer func() {
		if recover() != nil {
			text = general(value)
		}
	}()
	if cell == "" || f.book.SetCellDefault(sheet1, cell, value) != nil {
		return general(value)
	}
	text, err := f.book.GetCellValue(sheet1, cell)
	if err != nil {
		return general(value)
	}
	return text
}

const sheet1 = "Sheet1" // what excelize calls the sheet of a new workbook

// prepare gives the cell for a format that comes for the first time, or "".
func (f *formatter) prepare(code string) string {
	if f.book == nil {
		f.book = excelize.NewFile()
	}
	style, err := f.book.NewStyle(&excelize.Style{CustomNumFmt: &code})
	if err != nil {
		return ""
	}
	cell := fmt.Sprintf("A%d", len(f.formats)+1)
	if f.book.SetCellStyle(sheet1, cell, cell, style) != nil {
		return ""
	}
	return cell
}

// sections cuts a number format: for positive numbers, for negative ones, for zero, for text.
func sections(code string) (parts []string) {
	from := 0
	for i := 0; i < len(code); i++ {
		switch code[i] {
		case '\\', '_', '*':
			i++
		case '"', '[':
			end := strings.IndexByte(code[i+1:], map[byte]byte{'"': '"', '[': ']'}[code[i]])
			if end < 0 {
				return nil
			}
			i += end + 1
		case ';':
			parts, from = append(parts, code[from:i]), i+1
		}
	}
	return append(parts, code[from:])
}

// words shows a number in a format that has nothing but words for it, perhaps around the number as it is. excelize leaves those words out.
func (f *numberFormat) words(value string) (string, bool) {
	const size = 64
	n, err := strconv.ParseFloat(value, size)
	if err != nil || len(f.sections) == 0 {
		return "", false
	}
	section := 0
	switch {
	case n == 0 && len(f.sections) > 2:
		section, value = 2, "0"
	case n < 0 && len(f.sections) > 1:
		section, value = 1, strings.TrimPrefix(value, "-")
	}
	return literal(f.sections[section], value)
}

// literal writes a section of a number format, if it has no place for digits.
func literal(section, value string) (string, bool) {
	const plain = "General"
	var b strings.Builder
	for rest := section; rest != ""; {
		next := 1
		switch c := rest[0]; {
		case c == '"':
			end := strings.IndexByte(rest[1:], '"')
			b.WriteString(rest[1 : 1+end])
			next = end + 2
		case c == '\\' && len(rest) > 1:
			b.WriteByte(rest[1])
			next = 2
		case (c == '_' || c == '*') && len(rest) > 1:
			b.WriteByte(' ')
			next = 2
		case strings.HasPrefix(rest, plain):
			b.WriteString(general(value))
			next = len(plain)
		case c == '?' && value == "0":
			b.WriteByte(' ')
		case strings.IndexByte(" -+()$", c) >= 0:
			b.WriteByte(c)
		default:
			return "", false
		}
		rest = rest[next:]
	}
	return b.String(), true
}

// builtInFormat gives the number formats that workbooks only name by number, as Excel shows them in American English.
func builtInFormat(id int) string {
	switch id {
	case 1:
		return "0"
	case 2:
		return "0.00"
	case 3:
		return "#,##0"
	case 4:
		return "#,##0.00"
	case 5:
		return `"$"#,##0_);\("$"#,##0\)`
	case 6:
		return `"$"#,##0_);[Red]\("$"#,##0\)`
	case 7:
		return `"$"#,##0.00_);\("$"#,##0.00\)`
	case 8:
		return `"$"#,##0.00_);[Red]\("$"#,##0.00\)`
	case 9:
		return "0%"
	case 10:
		return "0.00%"
	case 11:
		return "0.00E+00"
	case 12:
		return "# ?/?"
	case 13:
		return "# ??/??"
	}
	return builtInDate(id)
}

func builtInDate(id int) string {
	switch id {
	case 14:
		return "m/d/yyyy"
	case 15:
		return "d-mmm-yy"
	case 16:
		return "d-mmm"
	case 17:
		return "mmm-yy"
	case 18:
		return "h:mm AM/PM"
	case 19:
		return "h:mm:ss AM/PM"
	case 20:
		return "h:mm"
	case 21:
		return "h:mm:ss"
	case 22:
		return "m/d/yyyy h:mm"
	case 45:
		return "mm:ss"
	case 46:
		return "[h]:mm:ss"
	case 47:
		return "mm:ss.0"
	}
	return builtInAccount(id)
}

func builtInAccount(id int) string {
	switch id {
	case 37:
		return `#,##0_);\(#,##0\)`
	case 38:
		return `#,##0_);[Red]\(#,##0\)`
	case 39:
		return `#,##0.00_);\(#,##0.00\)`
	case 40:
		return `#,##0.00_);[Red]\(#,##0.00\)`
	case 41:
		return `_(* #,##0_);_(* \(#,##0\);_(* "-"_);_(@_)`
	case 42:
		return `_("$"* #,##0_);_("$"* \(#,##0\);_("$"* "-"_);_(@_)`
	case 43:
		return `_(* #,##0.00_);_(* \(#,##0.00\);_(* "-"??_);_(@_)`
	case 44:
		return `_("$"* #,##0.00_);_("$"* \(#,##0.00\);_("$"* "-"??_);_(@_)`
	case 48:
		return "##0.0E+0"
	}
	return ""
}
