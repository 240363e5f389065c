package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/mattn/go-runewidth"
)

// clean makes text that others wrote safe to show: what could move the cursor, colour the screen or turn the direction of
// writing becomes U+FFFD. Newlines and tabs count as such, too.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// hidden reports whether a character controls a terminal or the order of the text, rather than showing something.
func hidden(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp, unicode.Noncharacter_Code_Point)
}

// columns measures text as a terminal shows it, wide and combined characters included.
func columns(text string) int { return metrics().StringWidth(text) }

// fit cuts text to a width and says so with an ellipsis.
func fit(text string, width int) string { return metrics().Truncate(text, width, "…") }

// pad fills text with spaces up to a width.
func pad(text string, width int) string { return metrics().FillRight(text, width) }

// metrics are those of a terminal in any locale.
func metrics() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

// size writes a number of bytes for people.
func size(n int64) string { return humanize.Bytes(uint64(max(n, 0))) }

// age writes how long ago a moment was, in a few characters. One that is ahead, by the clock of a server that is fast, is now.
func age(then, now time.Time) string {
	if then.After(now) {
		then = now
	}
	return humanize.CustomRelTime(then, now, "", "", []humanize.RelTimeMagnitude{
		{D: time.Second, Format: "now", DivBy: time.Second},
		{D: time.Minute, Format: "%ds", DivBy: time.Second},
		{D: time.Hour, Format: "%dm", DivBy: time.Minute},
		{D: humanize.Day, Format: "%dh", DivBy: time.Hour},
		{D: 100 * humanize.Day, Format: "%dd", DivBy: humanize.Day},
		{D: 2 * humanize.Year, Format: "%dmo", DivBy: humanize.Month},
		{D: math.MaxInt64, Format: "%dy", DivBy: humanize.Year},
	})
}

// moment writes Unix seconds with how long ago, or ahead, that is.
func moment(seconds int64, now time.Time) string {
	t := time.Unix(seconds, 0).UTC()
	return t.Format("2006-01-02 15:04:05 MST") + " (" + humanize.RelTime(t, now, "ago", "from now") + ")"
}

// summary writes metadata on one line: key=value, sorted, strings bare where that is clear.
func summary(metadata json.RawMessage) string {
	var object map[string]json.RawMessage
	if json.Unmarshal(metadata, &object) != nil {
		return ""
	}
	parts := make([]string, 0, len(object))
	for key, value := range object {
		parts = append(parts, clean(key)+"="+clean(bare(value)))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

// bare gives a JSON string without quotes if it has no spaces and looks like nothing else, and other JSON on one line.
func bare(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil && text != "" && !strings.ContainsFunc(text, unicode.IsSpace) && !json.Valid([]byte(text)) {
		return text
	}
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return string(value)
	}
	return compact.String()
}

// pretty lays JSON out over several lines. Characters that could steer a terminal are written as JSON escapes.
func pretty(value json.RawMessage) string {
	var out bytes.Buffer
	if json.Indent(&out, value, "", "  ") != nil {
		return clean(string(value))
	}
	var text strings.Builder
	for _, r := range out.String() {
		if r != '\n' && hidden(r) {
			quoted := []byte(`\u0000`)
			const digits = "0123456789abcdef"
			for i := range 4 { // all hidden characters that stand in JSON text are below U+10000
				quoted[5-i] = digits[r>>(4*i)&15]
			}
			text.Write(quoted)
			continue
		}
		text.WriteRune(r)
	}
	return text.String()
}

// terminalText passes text on to a terminal, with what could steer it made harmless; line breaks and tabs stay, and a form feed is a line.
type terminalText struct {
	out  io.Writer
	rest []byte // the beginning of a character that is not complete yet
	open bool   // the last line has not ended
}

func (t *terminalText) Write(b []byte) (int, error) {
	text := append(t.rest, b...)
	whole := len(text)
	for whole > 0 && whole > len(text)-utf8.UTFMax && !utf8.FullRune(text[lastStart(text[:whole]):]) {
		whole = lastStart(text[:whole])
	}
	shown := strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case r == '\f':
			return '\n'
		case hidden(r):
			return utf8.RuneError
		}
		return r
	}, string(text[:whole]))
	t.rest = append([]byte(nil), text[whole:]...)
	if shown != "" {
		t.open = !strings.HasSuffix(shown, "\n")
	}
	if _, err := io.WriteString(t.out, shown); err != nil {
		return 0, err
	}
	return len(b), nil
}

// end ends the last line, so that the shell's next one begins a line.
func (t *terminalText) end() error {
	if !t.open {
		return nil
	}
	_, err := io.WriteString(t.out, "\n")
	return err
}

// lastStart gives where the last character of text begins.
func lastStart(text []byte) int {
	i := len(text) - 1
	for i > 0 && !utf8.RuneStart(text[i]) {
		i--
	}
	return max(i, 0)
}
