package client

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/satchel-files/satchel/api"
)

// Error is a refusal by the server, or by something between here and there.
type Error struct {
	Status    int          // of HTTP
	Code      string       // for programs, such as "not_found"; empty when the answer was not Satchel's
	Message   string       // for people
	Param     string       // the parameter or field at fault; empty: none
	RequestID string       // finds the request in the server's log
	Details   []api.Detail // on 422: one entry a fault

	retryAfter  time.Duration // -1: not said
	shouldRetry string        // the header x-should-retry: "true", "false" or nothing
}

// Error gives the message with what helps to find its cause.
func (e *Error) Error() string {
	about := fmt.Sprintf("HTTP %d", e.Status)
	if e.Code != "" {
		about += " " + e.Code
	}
	if e.RequestID != "" {
		about += ", request " + e.RequestID
	}
	return fmt.Sprintf("%s (%s)", e.Message, about)
}

// ConnectionError means that there was no answer at all: the server could not be reached, or the connection broke.
type ConnectionError struct {
	Err     error
	Sending bool // the files were on their way: something had been sent, and not everything
}

// Error gives the cause's message, and what may stand behind it.
func (e *ConnectionError) Error() string {
	if e.Sending {
		return "the server closed the connection while the file was being sent, perhaps because it is larger than the server takes: " + e.Err.Error()
	}
	return e.Err.Error()
}

// Unwrap gives the cause.
func (e *ConnectionError) Unwrap() error { return e.Err }

// readError makes an Error of a refusal and closes its body.
func readError(r *http.Response) error {
	defer discard(r.Body)
	e := &Error{
		Status:      r.StatusCode,
		RequestID:   r.Header.Get("X-Request-Id"),
		retryAfter:  retryAfter(r.Header, time.Now()),
		shouldRetry: r.Header.Get("X-Should-Retry"),
	}
	text, _ := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	var problem api.Problem
	if json.Unmarshal(text, &problem) != nil || problem.Error.Message == "" {
		e.Message = strings.TrimSpace(http.StatusText(r.StatusCode) + ", an answer that is not Satchel's")
		return e
	}
	e.Message, e.Details = problem.Error.Message, problem.Detail
	e.Code, e.Param = deref(problem.Error.Code), deref(problem.Error.Param)
	return e
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
