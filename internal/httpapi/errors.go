package httpapi

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strconv"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/api"
)

// retryAfter is how many seconds a client is asked to wait when the server cannot do its work for a moment.
const retryAfter = 5

// statusOf is the one map from codes to statuses. A code that is not in it is the server's fault.
func statusOf(code satchel.Code) int {
	switch code {
	case satchel.CodeMalformedJSON, satchel.CodeMalformedMultipart, satchel.CodeMalformedRequest:
		return http.StatusBadRequest
	case satchel.CodeMissingToken, satchel.CodeInvalidToken:
		return http.StatusUnauthorized
	case satchel.CodeQuotaExceeded, satchel.CodeForbidden, satchel.CodeReadOnly, satchel.CodeWorkspaceForbidden:
		return http.StatusForbidden
	case satchel.CodeNotFound, satchel.CodeNoText:
		return http.StatusNotFound
	case satchel.CodeMethodNotAllowed:
		return http.StatusMethodNotAllowed
	case satchel.CodeRequestTimeout:
		return http.StatusRequestTimeout
	case satchel.CodeConflict, satchel.CodeIdempotencyReused, satchel.CodeIdempotencyUsed, satchel.CodeNothingToRevert, satchel.CodeRunOver,
		satchel.CodeExists, satchel.CodeNotEmpty, satchel.CodeLastOwner:
		return http.StatusConflict
	case satchel.CodePreconditionFailed:
		return http.StatusPreconditionFailed
	case satchel.CodeFileTooLarge, satchel.CodeBodyTooLarge:
		return http.StatusRequestEntityTooLarge
	case satchel.CodeUnsupportedMedia:
		return http.StatusUnsupportedMediaType
	case satchel.CodeRangeNotSatisfiable:
		return http.StatusRequestedRangeNotSatisfiable
	case satchel.CodeMissing, satchel.CodeInvalidValue, satchel.CodeInvalidType, satchel.CodeInvalidJSON, satchel.CodeOutOfRange,
		satchel.CodeTooLong, satchel.CodeTooDeep, satchel.CodeTooMany, satchel.CodeDuplicate, satchel.CodeContradiction,
		satchel.CodeUnknownParameter, satchel.CodeModelNotConfigured, satchel.CodeAIDisabled:
		return http.StatusUnprocessableEntity
	case satchel.CodeRateLimited:
		return http.StatusTooManyRequests
	case satchel.CodeUnavailable:
		return http.StatusServiceUnavailable
	case satchel.CodeInsufficientStorage:
		return http.StatusInsufficientStorage
	}
	return http.StatusInternalServerError
}

// typeOf is the class of an error as the OpenAI SDKs know it.
func typeOf(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return "authentication_error"
	case status == http.StatusForbidden:
		return "permission_error"
	case status == http.StatusNotFound:
		return "not_found_error"
	case status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case status >= http.StatusInternalServerError:
		return "server_error"
	}
	return "invalid_request_error"
}

// fail answers with an error. Nothing must have been written before.
func (a *API) fail(c *call, err error) {
	faults := knownFaults(err)
	status := statusOf(faults[0].Code)
	switch status {
	case http.StatusRequestEntityTooLarge, http.StatusInsufficientStorage:
		c.drain(drainTooLarge)
	default:
		c.drain(drainRefused)
	}
	if status >= http.StatusInternalServerError || faults[0].Err != nil {
		a.logFailure(c.r, status, err)
	}
	c.addReplyHeaders()
	writeProblem(c.w, status, faults)
}

func (a *API) logFailure(r *http.Request, status int, err error) {
	level := slog.LevelError
	if status < http.StatusInternalServerError || r.Context().Err() != nil {
		level = slog.LevelDebug // the client's fault, or the client is gone: not ours to mend
	}
	a.logger.Log(r.Context(), level, "request failed", "request_id", requestID(r.Context()), "status", status, "err", err)
}

// knownFaults gives what may be told of an error; of an unknown one only that there was one.
func knownFaults(err error) satchel.Faults {
	var faults satchel.Faults
	var one *satchel.Error
	switch {
	case errors.As(err, &faults) && len(faults) > 0:
		return mostSevere(faults)
	case errors.As(err, &one):
		return satchel.Faults{one}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return satchel.Faults{satchel.Errorf(satchel.CodeRequestTimeout, "the request's body did not move for too long; send it again")}
	case errors.Is(err, context.Canceled):
		return satchel.Faults{satchel.Errorf(satchel.CodeRequestTimeout, "the request was cancelled before it was answered")}
	case errors.Is(err, context.DeadlineExceeded):
		return satchel.Faults{satchel.Errorf(satchel.CodeUnavailable, "the server did not get to this request in time; try again")}
	}
	return satchel.Faults{{Code: satchel.CodeInternal, Message: "internal error", Err: err}}
}

// mostSevere gives the faults that share an answer: wrong values all together, or the first fault of another kind alone, which sets
// the status.
func mostSevere(faults satchel.Faults) satchel.Faults {
	for _, fault := range faults {
		if statusOf(fault.Code) != http.StatusUnprocessableEntity {
			return satchel.Faults{fault}
		}
	}
	return faults
}

func writeProblem(w http.ResponseWriter, status int, faults satchel.Faults) {
	first := faults[0]
	message := first.Message
	if first.Code == satchel.CodeInternal {
		message = "internal error; the server's log knows more under request " + w.Header().Get("X-Request-Id")
	}
	code := string(first.Code)
	problem := api.Problem{Error: api.ProblemError{Message: message, Type: typeOf(status), Code: &code, Param: textOrNull(first.Param)}}
	if status == http.StatusUnprocessableEntity {
		for _, fault := range faults {
			problem.Detail = append(problem.Detail, api.Detail{Loc: locOf(fault), Msg: fault.Message, Type: string(fault.Code)})
		}
	}
	addProblemHeaders(w.Header(), status, first.Code)
	writeJSON(w, status, problem)
}

func addProblemHeaders(h http.Header, status int, code satchel.Code) {
	switch {
	case status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case status == http.StatusServiceUnavailable:
		h.Set("Retry-After", strconv.Itoa(retryAfter))
	case status == http.StatusConflict && code != satchel.CodeConflict, status == http.StatusInsufficientStorage:
		h.Set("X-Should-Retry", "false") // the SDKs would send the whole file again, in vain
	case status == http.StatusConflict:
		h.Set("X-Should-Retry", "true")
	}
}

// locOf is the way to the value at fault, in the form of FastAPI's HTTPValidationError.
func locOf(fault *satchel.Error) []string {
	in := fault.In
	if in == "" {
		in = satchel.InBody
	}
	loc := []string{in}
	if fault.Param != "" {
		loc = append(loc, fault.Param)
	}
	return append(loc, fault.Path...)
}

// bodyError gives the meaning of an error that came from reading the request's body.
func bodyError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.Canceled):
		return err
	case errors.As(err, &tooLarge):
		return satchel.Errorf(satchel.CodeBodyTooLarge, "the body must be at most %d bytes", tooLarge.Limit)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &satchel.Error{Code: satchel.CodeMalformedRequest, Message: "the body ended before it was complete", Err: err}
	}
	return &satchel.Error{Code: satchel.CodeMalformedRequest, Message: "the body could not be read to its end", Err: err}
}
