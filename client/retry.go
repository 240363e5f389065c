package client

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// The longest pauses: of our own making, and those that a server may ask for.
const (
	maxPause      = 8 * time.Second
	maxRetryAfter = 60 * time.Second
)

// maxCuts is how often an upload is repeated that was cut off on its way. A server that has had enough of it will do it again, and the
// whole of it was sent for nothing.
const maxCuts = 1

// cutOff reports whether the connection broke while the files were on their way.
func cutOff(err error) bool {
	broken, ok := errors.AsType[*ConnectionError](err)
	return ok && broken.Sending
}

// worthRepeating reports whether the same call may fare better: the connection broke, the server is busy, or it says so.
func worthRepeating(ctx context.Context, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if refusal, ok := errors.AsType[*Error](err); ok {
		return refusal.worthRepeating()
	}
	if _, ok := errors.AsType[*SourceError](err); ok {
		return false
	}
	_, broken := errors.AsType[*ConnectionError](err)
	return broken || errors.Is(err, io.ErrUnexpectedEOF)
}

func (e *Error) worthRepeating() bool {
	switch e.shouldRetry {
	case "true":
		return true
	case "false":
		return false
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return true
	case http.StatusNotImplemented, http.StatusInsufficientStorage:
		return false
	}
	return e.Status >= 500
}

// pauseBefore says how long to wait after failure number n, which counts from 0.
func (c *Client) pauseBefore(n int, err error) time.Duration {
	if refusal, ok := errors.AsType[*Error](err); ok && refusal.retryAfter >= 0 {
		return refusal.retryAfter
	}
	pause := min(c.pause<<n, maxPause)
	if pause <= 0 {
		return 0
	}
	return pause/2 + rand.N(pause/2+1) //nolint:gosec // spreads clients over time; no secret
}

// retryAfter reads the header of that name: seconds or a date; -1 when there is none.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil && seconds >= 0 {
		return min(time.Duration(min(seconds, 1e6))*time.Second, maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return -1
}

// sleep waits and reports whether it was left in peace.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
