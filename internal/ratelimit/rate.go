// Package ratelimit says when somebody has asked often enough. It counts in this process alone, and in bounded memory: whoever was not heard of for
// the longest time is forgotten, and begins anew.
package ratelimit

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Rate is how often something may happen: so many times in a unit of time, and so many at once. The zero value is no limit.
type Rate struct {
	Times int
	Per   time.Duration
}

const maxTimes = 1_000_000

// units are what a Rate can be written in.
func units() map[string]time.Duration {
	return map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}
}

// ParseRate reads a rate such as 50/s, 3000/m or 100/h; 0 and no text are no limit.
func ParseRate(text string) (Rate, error) {
	text = strings.TrimSpace(text)
	if text == "" || text == "0" {
		return Rate{}, nil
	}
	number, unit, _ := strings.Cut(text, "/")
	times, err := strconv.Atoi(strings.TrimSpace(number))
	per, known := units()[strings.TrimSpace(unit)]
	if err != nil || !known || times < 1 || times > maxTimes {
		return Rate{}, fmt.Errorf("%q is no rate; write 50/s, 3000/m or 100/h, or 0 for no limit", text)
	}
	return Rate{Times: times, Per: per}, nil
}

// Set reads a rate; with String and Type it makes Rate a command line flag.
func (r *Rate) Set(text string) (err error) {
	*r, err = ParseRate(text)
	return err
}

// UnmarshalText reads a rate.
func (r *Rate) UnmarshalText(text []byte) error { return r.Set(string(text)) }

// String writes a rate as ParseRate reads it.
func (r Rate) String() string {
	for unit, per := range units() {
		if r.Times > 0 && per == r.Per {
			return strconv.Itoa(r.Times) + "/" + unit
		}
	}
	return "0"
}

// Type names the kind of value in help texts.
func (Rate) Type() string { return "rate" }

// Limited reports whether there is a limit.
func (r Rate) Limited() bool { return r.Times > 0 }
