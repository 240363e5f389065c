package instruct

import (
	"regexp"
	"strconv"
	"strings"
)

// clockForm finds times of day as they are written: 20:45, 20.45, 20 h 45, 8.45 p.m., 19 Uhr. The text is folded as text.
func clockForm() *regexp.Regexp {
	return regexp.MustCompile(`\b(\d{1,2})(?: ?(?:[:.h]|uhr) ?(\d{2})\b(?::\d{2})?| ?(?:uhr|h)\b| ?(?:[ap]\.? ?m\b))(?: ?([ap])\.? ?m\b)?`)
}

// isClock reports a time of day in figures, such as 20:45, 20:45:00Z or 20h45.
func isClock(value string) bool {
	hours, rest, ok := strings.Cut(strings.NewReplacer(" ", "", "h", ":", ".", ":").Replace(strings.ToLower(value)), ":")
	return ok && len(hours) <= 2 && len(rest) >= 2 && len(rest) <= len("45:00z") && strings.Trim(hours+rest[:2], "0123456789") == "" && strings.Trim(rest[2:], "0:z") == ""
}

// clockPlaces finds a time of day however it is written.
func (p *passage) clockPlaces(value string) []span {
	if !isClock(value) {
		return nil
	}
	form, sought := clockForm(), minuteOf(clockForm().FindStringSubmatch(strings.ToLower(value)))
	text := p.in(asText)
	var found []span
	for _, at := range form.FindAllStringSubmatchIndex(text.text, maxPlaces) {
		if minuteOf(form.FindStringSubmatch(text.text[at[0]:at[1]])) == sought {
			found = append(found, text.original(span{at[0], at[1]}))
		}
	}
	return found
}

// minuteOf gives the minute of the day that a time in the form of clockForm says; none matches -1.
func minuteOf(clock []string) int {
	if clock == nil {
		return -1
	}
	hour, _ := strconv.Atoi(clock[1])
	minute, _ := strconv.Atoi(clock[2])
	if strings.Contains(clock[0], "p") && hour < 12 {
		hour += 12
	}
	return hour*60 + minute
}
