package instruct

import (
	"encoding/json"
	"strings"

	"github.com/satchel-files/satchel/internal/llm"
)

// mostDoubt is how probable a model may hold it that a key has no value while it writes one. Small models rarely write null, whatever they are told:
// of the keys without an answer in the half "tune" of bench/quality, the 1.5B model wrote a value for five in six, and held null more probable than this
// for three in five; of those with a right value, for one in two hundred.
const mostDoubt = 0.05

// doubtsOf tells how probable the model held null where the value of each key of "set" begins; of a key that is set twice, where the last does. It tells
// nothing of keys whose value begins within the token of what stands before it.
func doubtsOf(pieces []llm.Piece) map[string]float64 {
	var b strings.Builder
	starts := map[int]int{} // pieces by where they begin in the text
	for i, piece := range pieces {
		if piece.Text != "" {
			starts[b.Len()] = i
		}
		b.WriteString(piece.Text)
	}
	doubts := map[string]float64{}
	eachValue(b.String(), func(key string, start int) {
		delete(doubts, key)
		if i, known := starts[start]; known {
			doubts[key] = nullProbability(pieces[i])
		}
	})
	return doubts
}

// nullProbability sums the tokens with which a null can begin.
func nullProbability(piece llm.Piece) float64 {
	sum := 0.0
	for _, choice := range piece.Likely {
		if text := strings.TrimSpace(choice.Text); text != "" && strings.HasPrefix("null", text) {
			sum += choice.Probability
		}
	}
	return sum
}

// eachValue calls found for every key of the object "set" with the place behind its colon. It ends where the text is no JSON any more.
func eachValue(text string, found func(key string, start int)) {
	first := max(strings.IndexByte(text, '{'), 0)
	decoder := json.NewDecoder(strings.NewReader(text[first:]))
	var open []json.Delim
	inSet := false
	for {
		token, err := decoder.Token()
		if err != nil {
			return
		}
		at := first + int(decoder.InputOffset())
		switch token := token.(type) {
		case json.Delim:
			if token == '{' || token == '[' {
				open = append(open, token)
			} else {
				open = open[:len(open)-1]
			}
		case string:
			colon := strings.IndexByte(text[at:], ':')
			isKey := colon >= 0 && strings.TrimSpace(text[at:at+colon]) == ""
			switch {
			case isKey && len(open) == 1:
				inSet = token == "set"
			case isKey && len(open) == 2 && inSet:
				found(token, at+colon+1)
			}
		}
	}
}

// withoutDoubtful leaves out what the model itself held doubtful, unless it can know it without the document.
func (j *job) withoutDoubtful(a *answer) {
	given := j.given()
	for key, doubt := range a.doubts {
		if value, set := a.set[key]; set && doubt > mostDoubt && !notFound(value) && !given(value) {
			j.p.leave(key, value, "was left in doubt by the language model")
			delete(a.set, key)
		}
	}
}
