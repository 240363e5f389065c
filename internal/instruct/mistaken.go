package instruct

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// A model that finds nothing for a key likes to give it something else that the document has: a name as the telephone, the number of the
// invoice as that of the contract. What can be told of this without a model is told here.

// ofKind reports whether a text can be what its key names: a telephone has digits, a mail address an @, and the number of a thing a digit.
func ofKind(key, text string) bool {
	words, folded := wordsOf(key), foldText(text, asText)
	switch contactKind(words) {
	case "phone":
		return digitsIn(folded) >= leastPhone
	case "email":
		return strings.Contains(folded, "@")
	}
	return len(words) == 0 || !numberWord(words[len(words)-1]) || len(text) < leastWord || digitsIn(folded) > 0
}

const (
	leastPhone = 3 // digits
	leastWord  = 4 // bytes of a text that is a word, and not a code of letters
)

// contactKind gives what a key names if that is a way to reach somebody: "phone" or "email". The key must end so: a phone_brand is none.
func contactKind(words []string) string {
	for len(words) > 1 && contactNoun(words[len(words)-1]) {
		words = words[:len(words)-1]
	}
	if len(words) == 0 {
		return ""
	}
	switch last := words[len(words)-1]; {
	case phoneWord(last):
		return "phone"
	case emailWord(last), last == "mail" && slices.Contains(words, "e"):
		return "email"
	}
	return ""
}

// withoutMistaken takes from a set what one text or number gave to several keys, if it stands only once: where words of some of the keys stand around it,
// and none of the others', it is theirs.
func (c *conformer) withoutMistaken(set map[string]any) {
	shared := keysByValue(set)
	for _, folded := range slices.Sorted(maps.Keys(shared)) {
		keys := shared[folded]
		p, place, once := c.onlyPlace(set[keys[0]])
		if len(keys) < 2 || !once {
			continue
		}
		foreign := slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return p.score(place, c.ownHints(key, keys)) > 0 })
		if len(foreign) == len(keys) {
			continue
		}
		for _, key := range foreign {
			c.mistaken(key, set[key])
			delete(set, key)
		}
	}
}

// keysByValue gives the keys of each text in a set, folded, and of each number; no dates, of which two may well be one.
func keysByValue(set map[string]any) map[string][]string {
	keys := map[string][]string{}
	for _, key := range slices.Sorted(maps.Keys(set)) {
		switch value := set[key].(type) {
		case string:
			if !isDay(value) {
				folded := foldText(value, asWords)
				keys[folded] = append(keys[folded], key)
			}
		case json.Number:
			keys["= "+string(value)] = append(keys["= "+string(value)], key)
		}
	}
	return keys
}

// onlyPlace finds where a value stands, if that is one place in what the model has seen.
func (c *conformer) onlyPlace(value any) (in *passage, place span, once bool) {
	n := 0
	for _, p := range c.passages {
		if found := p.places(value); len(found) > 0 {
			in, place, n = p, found[0], n+len(found)
		}
	}
	return in, place, n == 1
}

// ownHints gives the words of a key and its description that none of the other keys has, without endings that inflection changes.
func (c *conformer) ownHints(key string, keys []string) []string {
	var own []string
	for _, hint := range c.hints(key) {
		if !slices.ContainsFunc(keys, func(other string) bool { return other != key && slices.Contains(c.hints(other), hint) }) {
			own = append(own, stem(hint))
		}
	}
	return own
}

const (
	stemmed = 5 // runes of a word whose last one may be an ending
	longer  = 7 // or its last two
)

func stem(word string) string {
	switch runes := []rune(word); {
	case len(runes) >= longer:
		return string(runes[:len(runes)-2])
	case len(runes) >= stemmed:
		return string(runes[:len(runes)-1])
	}
	return word
}

func (c *conformer) hints(key string) []string {
	return topHints(c.schema, key, key)
}
