package instruct

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/metaschema"
)

// answer is what a model wrote, read but not yet believed.
type answer struct {
	needsDocument bool
	set           map[string]any
	rename        [][2]string
	remove        []string
	doubts        map[string]float64 // how probable the model held it that a key of set has no value; what it does not tell is missing
}

const maxAnswer = 256 << 10 // bytes that are read

// readResponse is parseAnswer, with what the model tells of its doubts.
func readResponse(r *llm.Response, salvage bool) (answer, error) {
	a, err := parseAnswer(r.Text, salvage)
	a.doubts = doubtsOf(r.Pieces)
	return a, err
}

// parseAnswer reads an answer. The error says what is wrong in words for the model, and holds nothing of the answer. What was cut off at a limit
// is no JSON; with salvage, its whole members are read.
func parseAnswer(text string, salvage bool) (answer, error) {
	text = bareJSON(text)
	if len(text) > maxAnswer {
		return answer{}, errors.New("the answer is much too long")
	}
	value, err := metaschema.ParseOrdered([]byte(text))
	if err != nil && salvage {
		value, err = metaschema.ParseOrdered([]byte(mend(text)))
	}
	if err != nil {
		return answer{}, errors.New("the answer is not valid JSON")
	}
	whole, ok := metaschema.Unordered(value).(map[string]any)
	if !ok {
		return answer{}, errors.New("the answer must be a JSON object")
	}
	return readAnswer(whole)
}

// bareJSON takes off a fence of Markdown, and what is said before and behind the object.
func bareJSON(text string) string {
	start, end := strings.IndexByte(text, '{'), strings.LastIndexByte(text, '}')
	if start < 0 {
		return strings.TrimSpace(text)
	}
	if end < start {
		return text[start:]
	}
	if rest := strings.Trim(text[end+1:], " \n\r\t`"); rest != "" && !strings.HasPrefix(strings.TrimSpace(text[end+1:]), "```") {
		return text[start:] // it was cut, or goes on
	}
	return text[start : end+1]
}

// readAnswer takes the parts of an answer. An object with none of them is the set itself.
func readAnswer(whole map[string]any) (answer, error) {
	known := false
	for _, key := range []string{"set", "rename", "remove", "needs_document"} {
		if _, ok := whole[key]; ok {
			known = true
		}
	}
	if !known {
		whole = map[string]any{"set": whole}
	}
	var a answer
	a.needsDocument, _ = whole["needs_document"].(bool)
	set, isObject := whole["set"].(map[string]any)
	if whole["set"] != nil && !isObject {
		return a, errors.New(`"set" must be a JSON object`)
	}
	a.set = set
	a.rename, a.remove = readMoves(whole["rename"]), readNames(whole["remove"])
	return a, nil
}

// readMoves reads [{"from":"a","to":"b"}] and {"a":"b"}.
func readMoves(value any) [][2]string {
	var moves [][2]string
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			move, _ := item.(map[string]any)
			from, _ := move["from"].(string)
			to, _ := move["to"].(string)
			moves = append(moves, [2]string{from, to})
		}
	case map[string]any:
		for from, to := range value {
			if to, ok := to.(string); ok {
				moves = append(moves, [2]string{from, to})
			}
		}
	}
	return moves
}

// readNames reads ["a"], and {"a":null}.
func readNames(value any) []string {
	var names []string
	switch value := value.(type) {
	case []any:
		for _, item := range value {
			if name, ok := item.(string); ok {
				names = append(names, name)
			}
		}
	case map[string]any:
		for name := range value {
			names = append(names, name)
		}
	}
	return names
}

// mend gives the beginning of a JSON text up to its last whole member, and closes what is open. Text that is broken otherwise stays broken.
func mend(text string) string {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var open []json.Delim
	whole, closing := 0, ""
	for {
		token, err := decoder.Token()
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && whole == 0 {
				return text
			}
			break
		}
		delim, isDelim := token.(json.Delim)
		switch {
		case isDelim && (delim == '{' || delim == '['):
			open = append(open, delim)
			continue
		case isDelim:
			open = open[:len(open)-1]
		case keyNext(text[decoder.InputOffset():]):
			continue
		}
		if rest := bytes.TrimLeft([]byte(text[decoder.InputOffset():]), " \n\r\t"); len(rest) > 0 { // a number at the end may go on
			whole, closing = int(decoder.InputOffset()), closers(open)
		}
	}
	return text[:whole] + closing
}

// keyNext reports whether the token just read was a key.
func keyNext(rest string) bool { return strings.HasPrefix(strings.TrimLeft(rest, " \n\r\t"), ":") }

func closers(open []json.Delim) string {
	var b strings.Builder
	for _, delim := range slices.Backward(open) {
		if delim == '{' {
			b.WriteByte('}')
		} else {
			b.WriteByte(']')
		}
	}
	return b.String()
}

// cleanSet makes what a model wrote fit to be metadata: keys without blanks around them, text without NUL. Keys that no metadata can have
// are left out and given.
func cleanSet(set map[string]any) (clean map[string]any, bad []string) {
	clean = map[string]any{}
	for key, value := range set {
		key = strings.TrimSpace(key)
		if key == "" || len(key) > satchel.MaxMetadataKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r >= 0x7f && r <= 0x9f }) {
			bad = append(bad, key)
			continue
		}
		switch inner := value.(type) {
		case string:
			value = strings.ReplaceAll(inner, "\x00", "")
		case map[string]any:
			var more []string
			value, more = cleanSet(inner)
			bad = append(bad, more...)
		case []any:
			value = cleanItems(inner)
		}
		clean[key] = value
	}
	return clean, bad
}

func cleanItems(items []any) []any {
	clean := make([]any, 0, len(items))
	for _, item := range items {
		whole, _ := cleanSet(map[string]any{"item": item})
		clean = append(clean, whole["item"])
	}
	return clean
}
