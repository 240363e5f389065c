package openai

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/satchel-files/satchel/internal/llm"
)

// failure is an error that an endpoint answered with. What the endpoint says can hold anything, a key or the document among it: Error
// shows none of it.
type failure struct {
	status  int
	code    string
	param   string
	message string
}

func (f *failure) Error() string {
	if f.code == "" {
		return fmt.Sprintf("HTTP status %d", f.status)
	}
	return fmt.Sprintf("HTTP status %d (%s)", f.status, f.code)
}

// word is what may be shown of a code.
var word = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// maxMessage bounds what is looked at of a failure's message, in bytes.
const maxMessage = 4 << 10

// readFailure reads the body of a failure in the shapes that servers give it.
func readFailure(status int, body []byte) *failure {
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Message string          `json:"message"`
		Detail  json.RawMessage `json:"detail"`
	}
	var inner struct {
		Message string `json:"message"`
		Type    string `json:"type"`
		Code    any    `json:"code"`
		Param   any    `json:"param"`
	}
	f := &failure{status: status}
	var list []json.RawMessage
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		body = list[0]
	}
	_ = json.Unmarshal(body, &outer) // what does not fit stays empty, here and below
	var plain string
	if json.Unmarshal(outer.Error, &plain) != nil {
		_ = json.Unmarshal(outer.Error, &inner)
	}
	f.message = cmp.Or(inner.Message, plain, outer.Message, string(outer.Detail))
	if f.message == "" && !json.Valid(body) && !bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")) {
		f.message = string(body)
	}
	f.message = f.message[:min(len(f.message), maxMessage)]
	f.param, _ = inner.Param.(string)
	code, _ := inner.Code.(string)
	if code = cmp.Or(code, inner.Type); word.MatchString(code) {
		f.code = code
	}
	return f
}

// What the messages of failures speak of.
var (
	saysTooLong = regexp.MustCompile(`(?i)context[ _](length|size|window)|exceed_context|maximum context|max_model_len|too many (input |prompt )?tokens|` +
		`(prompt|input|request|message)s? (is |are )?too (long|large)|(input|prompt) tokens? .*exceed|string_above_max_length`)
	saysLoading = regexp.MustCompile(`(?i)loading|overloaded|at capacity|too busy|queue is full`)
	saysNoMoney = regexp.MustCompile(`(?i)insufficient_quota|exceeded your current quota|credit balance|billing`)
	saysImages  = regexp.MustCompile(`(?i)\b(images?|image_url|vision|multimodal|mmproj)\b`)
	saysModel   = regexp.MustCompile(`(?i)\bmodel\b`)
)

// failed turns the answer to a request that was not served into an Error.
func (c *Client) failed(status int, header http.Header, body []byte, said []llm.Message) error {
	f := readFailure(status, body)
	e := &llm.Error{Kind: f.kind(header), Err: f}
	switch e.Kind {
	case llm.KindBusy:
		e.RetryAfter = retryAfter(header, time.Now())
		e.Message = c.at.host + " has too much to do, or is not ready yet"
	case llm.KindDown:
		e.Message = c.at.host + " failed inside" + c.quote(f, said)
	case llm.KindTooLong:
		e.Message = "the request does not fit into the model's context; is SATCHEL_LLM_CONTEXT what the server was set to?"
	default:
		e.Message = c.refusal(f, header, said)
	}
	return e
}

func (f *failure) kind(header http.Header) llm.Kind {
	text := f.code + " " + f.message
	switch {
	case f.status == http.StatusRequestEntityTooLarge || f.status >= 400 && saysTooLong.MatchString(text) && !f.aboutRights():
		return llm.KindTooLong
	case f.status == http.StatusPaymentRequired || f.status == http.StatusTooManyRequests && saysNoMoney.MatchString(text):
		return llm.KindRefused
	case f.status == http.StatusTooManyRequests || f.status == statusOverloaded:
		return llm.KindBusy
	case f.status == http.StatusServiceUnavailable && (saysLoading.MatchString(text) || header.Get("Retry-After") != ""):
		return llm.KindBusy
	case f.status == http.StatusInternalServerError && f.aboutImages():
		return llm.KindRefused
	case f.status >= 500 || f.status == http.StatusRequestTimeout || f.status == http.StatusConflict || f.status == http.StatusTooEarly:
		return llm.KindDown
	}
	return llm.KindRefused
}

// statusOverloaded is a status that no standard names, and that some endpoints use.
const statusOverloaded = 529

func (f *failure) aboutRights() bool {
	return f.status == http.StatusUnauthorized || f.status == http.StatusForbidden
}

func (f *failure) aboutImages() bool {
	return saysImages.MatchString(f.message) && saysUnsupported.MatchString(f.message)
}

// refusal says what to set so that the request is accepted.
func (c *Client) refusal(f *failure, header http.Header, said []llm.Message) string {
	switch host := c.at.host; {
	case f.status == http.StatusUnauthorized && c.key == "":
		return host + " wants a key; set SATCHEL_LLM_KEY"
	case f.status == http.StatusUnauthorized:
		return host + " does not accept the key; set SATCHEL_LLM_KEY"
	case f.status == http.StatusForbidden:
		return fmt.Sprintf("%s does not let this key use the model %q; set SATCHEL_LLM_KEY or SATCHEL_LLM_MODEL", host, c.model) + c.quote(f, said)
	case f.status == http.StatusPaymentRequired || f.status == http.StatusTooManyRequests:
		return "the account at " + host + " has no credit left"
	case f.status/100 == 3:
		return host + " sends requests on to " + target(header) + ", where they do not go by themselves; if that is right, set SATCHEL_LLM_URL to it"
	case f.status == http.StatusNotFound && saysModel.MatchString(f.message+" "+f.code):
		return fmt.Sprintf("%s has no model %q; set SATCHEL_LLM_MODEL", host, c.model)
	case f.status == http.StatusNotFound || f.status == http.StatusMethodNotAllowed:
		return "there are no chat completions at " + c.at.base + "; set SATCHEL_LLM_URL"
	case f.aboutImages():
		return fmt.Sprintf("the model %q takes no images; set SATCHEL_LLM_VISION=false or another SATCHEL_LLM_MODEL", c.model)
	}
	return c.at.host + " does not accept the request" + c.quote(f, said)
}

// target is where a redirect leads, without its query, in which anything can stand.
func target(header http.Header) string {
	u, err := url.Parse(header.Get("Location"))
	if err != nil || u.Host == "" {
		return "another place"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// broken turns the failure of a connection into an Error. The end of ctx is no failure of the endpoint.
func (c *Client) broken(ctx, timed context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &llm.Error{Kind: llm.KindDown, Message: "the connection to " + c.at.host + " broke off", Err: err}
	var dial *net.OpError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case timed.Err() != nil:
		e.Message = fmt.Sprintf("%s gave no answer within %v", c.at.host, c.timeout)
	case errors.As(err, &certificate):
		e.Kind, e.Message = llm.KindRefused, "the certificate of "+c.at.host+" is not trusted"
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		e.Kind, e.Message = llm.KindRefused, c.at.host+" does not speak https; set SATCHEL_LLM_URL"
	case errors.Is(err, errTooLarge):
		e.Message = c.at.host + " sent too much"
	case errors.As(err, &dial) && dial.Op == "dial":
		e.Message = c.at.host + " cannot be reached; does it run, and is SATCHEL_LLM_URL right?"
	}
	return e
}

const (
	maxQuote = 200 // characters of a quoted message
	leak     = 12  // characters in a row that, when they stand in a message and in the conversation, are not shown
)

// quote gives what the endpoint said, if neither the key nor any of the conversation stands in it; else nothing.
func (c *Client) quote(f *failure, said []llm.Message) string {
	message := []rune(oneLine(f.message))
	if len(message) == 0 {
		return ""
	}
	message = message[:min(len(message), maxQuote)]
	text := string(message)
	escaped := strings.Contains(text, `\u`) || strings.Contains(text, `\x`) || strings.Contains(text, "base64")
	if escaped || c.key != "" && strings.Contains(text, string(c.key)) || repeats(message, said) {
		return ""
	}
	return ": " + text
}

// repeats reports whether a message has a piece of the conversation in it: a whole short text, or part of a longer one.
func repeats(message []rune, said []llm.Message) bool {
	for _, m := range said {
		text := oneLine(m.Text)
		if text != "" && strings.Contains(string(message), text) {
			return true
		}
		for i := 0; i+leak <= len(message); i++ {
			if strings.Contains(text, string(message[i:i+leak])) {
				return true
			}
		}
	}
	return false
}

// oneLine folds space and drops what a terminal would obey.
func oneLine(text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return ' '
		}
		return r
	}, text)
	return string(bytes.Join(bytes.Fields([]byte(text)), []byte(" ")))
}
