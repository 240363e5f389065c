package httpapi

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
)

// maxJSON bounds a JSON body: what metadata may have, with room for white space and escapes.
const maxJSON = 4*satchel.MaxMetadata + 1024

var errEmptyBody = errors.New("no body")

// readJSON reads a whole JSON body.
func (c *call) readJSON(types ...string) ([]byte, error) {
	types = append(types, "application/json")
	if given := c.r.Header.Get("Content-Type"); given != "" {
		mediaType, _, err := mime.ParseMediaType(given)
		if err != nil || !slices.Contains(types, mediaType) {
			return nil, &satchel.Error{
				Code: satchel.CodeUnsupportedMedia, In: satchel.InHeader, Param: "Content-Type",
				Message: "the body must be JSON, with Content-Type: " + strings.Join(types, " or "),
			}
		}
	}
	text, err := io.ReadAll(http.MaxBytesReader(nil, c.r.Body, maxJSON))
	if err != nil {
		return nil, bodyError(err)
	}
	if c.proof.old() && !c.proof.whole {
		return nil, &lateBodyError{text}
	}
	if strings.TrimSpace(string(text)) == "" {
		return nil, &satchel.Error{Code: satchel.CodeMalformedJSON, In: satchel.InBody, Message: "the body is empty; it must be a JSON object", Err: errEmptyBody}
	}
	return text, nil
}

// bodyFault gives a fault in a JSON body the place that it has there: messages know the object as "body", clients know its keys.
func bodyFault(err error) error {
	var many satchel.Faults
	var one *satchel.Error
	switch {
	case errors.As(err, &many):
		for _, fault := range many {
			atTopOfBody(fault)
		}
		return many
	case errors.As(err, &one):
		atTopOfBody(one)
	}
	return err
}

func atTopOfBody(fault *satchel.Error) {
	if fault.In != satchel.InBody || fault.Param != "metadata" && fault.Param != "body" {
		return
	}
	fault.Param = ""
	if len(fault.Path) > 0 && fault.Path[0] != "" { // an empty key stays in the path, or it would not be seen
		fault.Param, fault.Path = fault.Path[0], fault.Path[1:]
	}
}

// object reads a JSON object whose keys are the operation's own. Keys that are not are noted in the call.
func (c *call) object(known ...string) (map[string]any, error) {
	text, err := c.readJSON()
	if err != nil {
		return nil, err
	}
	object, err := satchel.ParseJSONObject("body", text)
	if err != nil {
		return nil, bodyFault(err)
	}
	for _, key := range slices.Sorted(maps.Keys(object)) {
		if !slices.Contains(known, key) {
			c.unknown(satchel.InBody, key)
		}
	}
	return object, nil
}

// nothingOf reports whether an object has none of these keys.
func nothingOf(object map[string]any, keys ...string) bool {
	return !slices.ContainsFunc(keys, func(key string) bool { _, ok := object[key]; return ok })
}

// stringOf gives the string under key; nil when the key is not there.
func stringOf(object map[string]any, key string, faults *satchel.Faults) *string {
	value, ok := object[key]
	if !ok {
		return nil
	}
	text, ok := value.(string)
	if !ok {
		faults.Add(satchel.BodyFault(satchel.CodeInvalidType, key, nil, "%s must be a string", key))
		return nil
	}
	return &text
}

// stringOrNull gives the string under key, "" for null; nil when the key is not there.
func stringOrNull(object map[string]any, key string, faults *satchel.Faults) *string {
	if value, ok := object[key]; ok && value == nil {
		return new(string)
	}
	return stringOf(object, key, faults)
}

// textOf gives the string under key; "" when it is not there.
func textOf(object map[string]any, key string, faults *satchel.Faults) string {
	if text := stringOf(object, key, faults); text != nil {
		return *text
	}
	return ""
}

// truthOf gives the truth value under key; false when it is not there.
func truthOf(object map[string]any, key string, faults *satchel.Faults) bool {
	value, ok := object[key]
	truth, isTruth := value.(bool)
	if ok && !isTruth {
		faults.Add(satchel.BodyFault(satchel.CodeInvalidType, key, nil, "%s must be true or false", key))
	}
	return truth
}

// textsOf gives the strings in the array under key; none when it is not there.
func textsOf(object map[string]any, key string, faults *satchel.Faults) []string {
	value, ok := object[key]
	items, isArray := value.([]any)
	if ok && !isArray {
		faults.Add(satchel.BodyFault(satchel.CodeInvalidType, key, nil, "%s must be an array of strings", key))
	}
	texts := make([]string, 0, len(items))
	for i, item := range items {
		text, isText := item.(string)
		if !isText {
			faults.Add(satchel.BodyFault(satchel.CodeInvalidType, key, []string{strconv.Itoa(i)}, "%s must be an array of strings", key))
		}
		texts = append(texts, text)
	}
	return texts
}

// momentOf gives the Unix seconds under key as a moment; zero when they are 0, null or not there.
func momentOf(object map[string]any, key string, faults *satchel.Faults) time.Time {
	value := object[key]
	if value == nil {
		return time.Time{}
	}
	number, _ := value.(json.Number)
	seconds, err := strconv.ParseInt(whole(number), 10, 64)
	if err != nil || seconds < 0 || seconds > maxUnixSeconds {
		faults.Add(satchel.BodyFault(satchel.CodeInvalidType, key, nil, "%s must be Unix seconds, such as 1795442880", key))
		return time.Time{}
	}
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// whole gives a number without the zeros behind its point: to JSON, 86400.0 is as much an integer as 86400.
func whole(number json.Number) string {
	digits, fraction, found := strings.Cut(string(number), ".")
	if found && digits != "" && strings.Trim(fraction, "0") == "" {
		return digits
	}
	return string(number)
}

const maxUnixSeconds = 253402300799 // the end of the year 9999

// parseExpiry reads the object of an expires_after. What is missing in it is for package files to say.
func parseExpiry(object map[string]any) (files.Expiry, error) {
	var e files.Expiry
	var faults satchel.Faults
	for _, key := range slices.Sorted(maps.Keys(object)) {
		value := object[key]
		switch number, isNumber := value.(json.Number); {
		case key == "anchor":
			text, ok := value.(string)
			if !ok {
				faults.Add(satchel.BodyFault(satchel.CodeInvalidType, "expires_after", []string{key}, `the anchor of expires_after must be "created_at"`))
			}
			e.Anchor = &text
		case key == "seconds" && isNumber:
			n, err := parseSeconds(whole(number))
			faults.Add(err)
			e.Seconds = &n
		case key == "seconds":
			faults.Add(satchel.BodyFault(satchel.CodeInvalidType, "expires_after", []string{key}, "the seconds of expires_after must be an integer"))
		default:
			faults.Add(satchel.BodyFault(satchel.CodeInvalidValue, "expires_after", []string{key}, "expires_after has anchor and seconds, and no %.64q", key))
		}
	}
	if len(faults) == 0 && e == (files.Expiry{}) {
		return e, satchel.BodyFault(satchel.CodeMissing, "expires_after", nil, `expires_after needs an anchor and seconds: {"anchor": "created_at", "seconds": 86400}`)
	}
	return e, faults.Err()
}
