package openai

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest pause that is believed.
const maxWait = time.Hour

// retryAfter gives how long an endpoint wants to be left alone: by Retry-After, or by when the limit that was reached is over. 0: it does
// not say. The result is not negative and at most an hour.
func retryAfter(header http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(header.Get("Retry-After-Ms"), 64); err == nil {
		return bounded(ms * float64(time.Millisecond))
	}
	if text := header.Get("Retry-After"); text != "" {
		if at, err := http.ParseTime(text); err == nil {
			return bounded(float64(at.Sub(now)))
		}
		return pause(text, now)
	}
	var longest time.Duration
	for _, of := range []string{"-Requests", "-Tokens", ""} {
		left := header.Get("X-Ratelimit-Remaining" + of)
		if left == "" || left == "0" {
			longest = max(longest, pause(header.Get("X-Ratelimit-Reset"+of), now))
		}
	}
	return longest
}

// pause reads "6m0s", "20ms", seconds, or a moment in seconds or milliseconds since 1970.
func pause(text string, now time.Time) time.Duration {
	text = strings.TrimSpace(text)
	if d, err := time.ParseDuration(text); err == nil {
		return bounded(float64(d))
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil:
		return 0
	case n >= 1e12:
		return bounded(n*float64(time.Millisecond) - float64(now.UnixNano()))
	case n >= 1e9:
		return bounded(n*float64(time.Second) - float64(now.UnixNano()))
	}
	return bounded(n * float64(time.Second))
}

// bounded holds nanoseconds, which may be no number at all, within 0 and maxWait.
func bounded(ns float64) time.Duration {
	if !(ns > 0) {
		return 0
	}
	return time.Duration(min(ns, float64(maxWait)))
}
