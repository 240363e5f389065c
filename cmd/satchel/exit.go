package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/daemon"
)

// The exit statuses. They are documented in rootLong and never change their meaning.
const (
	exitOK          = 0
	exitFailed      = 1
	exitUsage       = 2
	exitNotFound    = 3
	exitForbidden   = 4
	exitInvalid     = 5
	exitServer      = 6
	exitMixed       = 7
	exitInterrupted = 130
)

// usageError is a fault in the command line or the configuration.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usagef(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// hintError is an error with advice.
type hintError struct {
	err  error
	hint string
	code int
}

func (e *hintError) Error() string { return e.err.Error() }
func (e *hintError) Unwrap() error { return e.err }

// tally collects how several things ended; each failure was reported when it happened.
type tally struct {
	what  string // "files"
	of    int
	codes []int // exit statuses of those that failed
}

func (t *tally) Error() string { return fmt.Sprintf("%d of %d %s failed", len(t.codes), t.of, t.what) }

// err gives nil when everything went well. One thing that failed has said all that there is to say.
func (t *tally) err() error {
	if len(t.codes) == 0 {
		return nil
	}
	return t
}

// code is that of all failures when nothing went well and they are alike.
func (t *tally) code() int {
	for _, code := range t.codes {
		if code != t.codes[0] || len(t.codes) < t.of {
			return exitMixed
		}
	}
	return t.codes[0]
}

// exitCode maps an error to an exit status.
func exitCode(ctx context.Context, err error) int {
	var (
		usage   *usageError
		several *tally
		advised *hintError
		refusal *client.Error
		broken  *client.ConnectionError
		source  *client.SourceError
	)
	switch {
	case ctx.Err() != nil:
		return exitInterrupted
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &several):
		return several.code()
	case errors.As(err, &advised):
		return advised.code
	case errors.As(err, &refusal):
		return statusCode(refusal.Status)
	case errors.As(err, &source):
		return exitFailed
	case errors.As(err, &broken):
		return exitServer
	case daemon.IsNotFound(err):
		return exitNotFound
	}
	return exitFailed
}

func statusCode(status int) int {
	switch {
	case status == http.StatusNotFound:
		return exitNotFound
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return exitForbidden
	case status == http.StatusRequestTimeout || status == http.StatusTooManyRequests || status >= 500:
		return exitServer
	}
	return exitInvalid
}

// report tells people what went wrong, and gives the exit status. command is what they ran.
func (p *program) report(ctx context.Context, command string, err error) int {
	code := exitCode(ctx, err)
	var several *tally
	switch {
	case code == exitInterrupted:
		p.sayf("satchel: interrupted\n")
	case errors.As(err, &several):
		if several.of > 1 {
			p.sayf("satchel: %v\n", several)
		}
	default:
		p.sayf("%s", describe("satchel: ", err))
	}
	if _, ok := errors.AsType[*usageError](err); ok && code == exitUsage {
		p.sayf("See '%s --help'.\n", command)
	}
	return code
}

// describe gives an error as lines for people: what, then what else is known, then what to do.
func describe(prefix string, err error) string {
	var text strings.Builder
	var refusal *client.Error
	var broken *client.ConnectionError
	line := func(format string, args ...any) { fmt.Fprintln(&text, clean(fmt.Sprintf(format, args...))) }
	switch {
	case errors.As(err, &refusal):
		line("%s%s", prefix, refusal.Message)
		for _, detail := range refusal.Details[min(1, len(refusal.Details)):] {
			line("%s%s", prefix, detail.Msg)
		}
		line("  %s", about(refusal))
		hint(line, refusal.Status)
	case errors.As(err, &broken):
		line("%s%s", prefix, unreachable(broken))
		if broken.Sending {
			line("  Is it larger than the server takes (its --max-file-bytes)? The server's log knows.")
		} else {
			line("  Is `satchel serve` running there? --url or SATCHEL_URL names another server.")
		}
	default:
		for part := range strings.SplitSeq(err.Error(), "\n") {
			line("%s%s", prefix, part)
		}
		if advised, ok := errors.AsType[*hintError](err); ok {
			for part := range strings.SplitSeq(advised.hint, "\n") {
				line("  %s", part)
			}
		}
	}
	return text.String()
}

// about lists what helps to find the cause of a refusal.
func about(e *client.Error) string {
	known := []string{fmt.Sprintf("HTTP %d", e.Status)}
	for _, part := range [][2]string{{"code", e.Code}, {"parameter", e.Param}, {"request", e.RequestID}} {
		if part[1] != "" {
			known = append(known, part[0]+" "+part[1])
		}
	}
	return strings.Join(known, ", ")
}

func hint(line func(string, ...any), status int) {
	if status == http.StatusUnauthorized {
		line("  Is the token in SATCHEL_TOKEN, --token-file or the credentials file still good?")
		line("  On the server's machine, 'satchel token create --data DIR --user NAME --role owner' makes a new one.")
	}
}

func unreachable(broken *client.ConnectionError) string {
	where, ok := errors.AsType[*url.Error](broken)
	if !ok {
		return broken.Error()
	}
	address, err := url.Parse(where.URL)
	if err != nil {
		return broken.Error()
	}
	if broken.Sending {
		return fmt.Sprintf("%s://%s closed the connection while the file was being sent: %v", address.Scheme, address.Host, where.Err)
	}
	return fmt.Sprintf("no answer from %s://%s: %v", address.Scheme, address.Host, where.Err)
}
